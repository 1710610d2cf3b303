//! The list of repositories. What everybody reads is the marketplace's own listing: public plans of modules that are sold.
//! What was taken down, stopped or hidden is not in it, though all but the first can still be pulled by name. Members also
//! see what their publishers hold, except what the operator took down.

use std::collections::BTreeSet;

use domain::ids::PublisherId;
use domain::role::{PublisherAction, TokenScope};

use super::caller::Caller;
use super::place::{INCOMING, Place};
use super::read::{PAGE_ENTRIES_MAX, Page, cut};
use super::refusal::Refusal;
use crate::App;
use crate::catalog::Snapshot;

/// Names read from the database at a time.
const READ_AT_ONCE: u64 = 500;

/// One page of the repositories this caller may see: every listed one, and those of the caller's publishers.
pub async fn catalog(
    app: &App,
    caller: &Caller,
    n: Option<u64>,
    last: Option<&str>,
) -> Result<Page, Refusal> {
    let limit = n.unwrap_or(PAGE_ENTRIES_MAX).min(PAGE_ENTRIES_MAX);
    if limit == 0 {
        return Ok(Page {
            entries: Vec::new(),
            more: false,
        });
    }
    let wanted = usize::try_from(limit + 1).unwrap_or(usize::MAX);
    let snapshot = app.catalog.snapshot();
    let listed = &snapshot.repositories;
    let start = last.map_or(0, |last| {
        listed.partition_point(|name| name.as_str() <= last)
    });
    let mut names: BTreeSet<String> = listed.iter().skip(start).take(wanted).cloned().collect();
    for publisher in publishers_of(app, caller).await? {
        for prefix in [format!("{INCOMING}/{publisher}/"), format!("{publisher}/")] {
            names.extend(own(app, &snapshot, &prefix, (last, wanted)).await?);
        }
    }
    Ok(cut(names.into_iter().collect(), limit))
}

/// What a publisher holds under a prefix, as far as it was not taken down.
async fn own(
    app: &App,
    snapshot: &Snapshot,
    prefix: &str,
    (last, wanted): (Option<&str>, usize),
) -> Result<Vec<String>, Refusal> {
    // Names are sorted bytewise, so those with a prefix stand together, right after the prefix itself.
    let mut after = last
        .filter(|last| *last > prefix)
        .unwrap_or(prefix)
        .to_owned();
    let mut found = Vec::new();
    loop {
        let page = store::registry::repositories(&app.reader, Some(&after), READ_AT_ONCE).await?;
        let ended = page.len() < usize::try_from(READ_AT_ONCE).unwrap_or(usize::MAX)
            || page.last().is_none_or(|name| !name.starts_with(prefix));
        let Some(next) = page.last().cloned() else {
            return Ok(found);
        };
        let mine = page.into_iter().take_while(|name| name.starts_with(prefix));
        found.extend(mine.filter(|name| !is_down(snapshot, name)));
        if ended || found.len() >= wanted {
            return Ok(found);
        }
        after = next;
    }
}

/// Whether the operator took down everything that was public in a repository.
fn is_down(snapshot: &Snapshot, repository: &str) -> bool {
    let Ok(Place::Release(key, plan)) = repository.parse().map(|name| Place::of(&name)) else {
        return false;
    };
    match snapshot.module(&key) {
        Some(module) => {
            module.plan(plan.as_str()).is_none()
                && module.withdrawn.iter().any(|one| one.plan == plan)
        }
        None => snapshot.gone.contains_key(&key),
    }
}

async fn publishers_of(app: &App, caller: &Caller) -> Result<Vec<PublisherId>, Refusal> {
    match caller {
        Caller::Account(account)
            if caller.has_scope(TokenScope::Read) || caller.has_scope(TokenScope::Push) =>
        {
            Ok(account.publishers.keys().cloned().collect())
        }
        Caller::Token(claims) if claims.access.contains(&oci::AccessEntry::catalog()) => {
            let Some(id) = caller.account_id() else {
                return Ok(Vec::new());
            };
            let members = store::members::of_account(&app.reader, id).await?;
            let editors = members
                .into_iter()
                .filter(|member| member.role.may(PublisherAction::Edit));
            Ok(editors.map(|member| member.publisher).collect())
        }
        _ => Ok(Vec::new()),
    }
}
