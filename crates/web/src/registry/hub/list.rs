//! The lists: repositories of a namespace, tags, search; in pages by number as at Hub, or by cursor, which neither skips
//! nor repeats when something comes in between.

use std::sync::Arc;

use app::catalog::{Module, ModulePlan, Snapshot};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Missing;
use super::ask::{Asked, close_cursor};
use super::shape;

/// Search results that can be paged through; who wants more asks more narrowly.
const RESULTS_MAX: usize = 1_000;

/// The module and plan behind a repository, hidden plans included: whoever knows the name may pull it.
pub(super) fn find(
    snapshot: &Snapshot,
    namespace: &str,
    name: &str,
) -> Result<(Arc<Module>, String), Missing> {
    let missing = || Missing::Nothing("there is no such repository");
    let (offer, plan) = name.split_once('/').ok_or_else(missing)?;
    let key = format!("{namespace}.{offer}")
        .parse()
        .map_err(|_| missing())?;
    let module = snapshot.module(&key).ok_or_else(missing)?;
    Ok((module, plan.to_owned()))
}

/// One entry of a list: what it is sorted by under a cursor, and what it shows.
struct Entry {
    key: String,
    shown: Value,
}

fn page((address, asked): (&str, &Asked), entries: Vec<Entry>) -> Value {
    let total = entries.len();
    let skipped = match &asked.cursor {
        None => (asked.page - 1).saturating_mul(asked.page_size),
        Some(after) if after.is_empty() => 0,
        Some(after) => entries
            .iter()
            .position(|entry| entry.key == *after)
            .map_or_else(
                // The entry went away meanwhile: go on behind where it stood.
                || entries.partition_point(|entry| entry.key <= *after),
                |at| at + 1,
            ),
    };
    let shown: Vec<&Entry> = entries.iter().skip(skipped).take(asked.page_size).collect();
    let more = skipped + shown.len() < total;
    let size = asked.page_size;
    let next = match (&asked.cursor, shown.last()) {
        (Some(_), Some(last)) if more => Some(format!(
            "page_size={size}&cursor={}",
            close_cursor(&last.key)
        )),
        (None, Some(_)) if more => Some(format!("page_size={size}&page={}", asked.page + 1)),
        _ => None,
    };
    let previous = (asked.cursor.is_none() && asked.page > 1 && total > 0)
        .then(|| format!("page_size={size}&page={}", asked.page - 1));
    let filters = filters(asked);
    let link = |page: String| format!("{address}?{page}{filters}");
    json!({
        "count": total,
        "next": next.map(link),
        "previous": previous.map(link),
        "results": shown.iter().map(|entry| &entry.shown).collect::<Vec<_>>(),
    })
}

/// The rest of the question, for the next page's address.
fn filters(asked: &Asked) -> String {
    let mut text = String::new();
    let platforms: Vec<String> = asked.platforms.iter().map(ToString::to_string).collect();
    let pairs = [
        ("name", &asked.name),
        ("ordering", &asked.ordering),
        ("query", &asked.query),
    ];
    let platforms = platforms.iter().map(|platform| ("platform", platform));
    for (name, given) in pairs.into_iter().chain(platforms) {
        if !given.is_empty() {
            let given = utf8_percent_encode(given, NON_ALPHANUMERIC);
            text.push_str(&format!("&{name}={given}"));
        }
    }
    text
}

/// The listed plans of a publisher. One without any is not there.
pub(super) fn repositories(
    snapshot: &Snapshot,
    (address, asked): (&str, &Asked),
    namespace: &str,
) -> Result<Value, Missing> {
    let listed = snapshot
        .listed()
        .filter(|module| module.key.publisher.as_str() == namespace);
    let mut found: Vec<(&Module, &ModulePlan)> = listed
        .flat_map(|module| module.public_plans().map(|plan| (module.as_ref(), plan)))
        .collect();
    if found.is_empty() {
        return Err(Missing::Nothing("there is no such namespace"));
    }
    found.retain(|(module, plan)| {
        shape::name(module, plan).contains(&asked.name) && runs_on(plan, asked)
    });
    let by_name = |one: &(&Module, &ModulePlan)| shape::name(one.0, one.1);
    found.sort_by_cached_key(by_name);
    // Under a cursor the order is that of the names, the only one in which a place can be found again.
    if asked.cursor.is_none() {
        let newest = |one: &(&Module, &ModulePlan)| one.1.releases.first().map(|r| r.released_at);
        match asked.ordering.trim_start_matches('-') {
            "last_updated" => found.sort_by_key(newest),
            "name" | "" => {}
            _ => {
                return Err(Missing::Parameter(
                    "ordering is name, -name, last_updated or -last_updated".to_owned(),
                ));
            }
        }
        if asked.ordering.starts_with('-') {
            found.reverse();
        }
    }
    let entries = found
        .into_iter()
        .map(|(module, plan)| Entry {
            key: shape::name(module, plan),
            shown: shape::repository(module, plan, false),
        })
        .collect();
    Ok(page((address, asked), entries))
}

fn runs_on(plan: &ModulePlan, asked: &Asked) -> bool {
    let newest = plan.releases.first();
    asked.platforms.iter().all(|wanted| {
        newest.is_some_and(|release| {
            release
                .platforms
                .iter()
                .any(|one| one.platform.normalized() == wanted.normalized())
        })
    })
}

/// The tags of a plan: by name under a cursor, else newest first as at Hub.
pub(super) fn tags(
    (address, asked): (&str, &Asked),
    module: &Module,
    plan: &ModulePlan,
) -> Result<Value, Missing> {
    let mut found: Vec<_> = shape::tags_of(plan)
        .into_iter()
        .filter(|(name, _)| name.to_lowercase().contains(&asked.name))
        .collect();
    if asked.cursor.is_none() {
        match asked.ordering.as_str() {
            "name" => {}
            "-name" => found.reverse(),
            "last_updated" => found.sort_by_key(|(_, release)| release.released_at),
            "" | "-last_updated" => {
                found.sort_by_key(|(_, release)| std::cmp::Reverse(release.released_at));
            }
            _ => {
                return Err(Missing::Parameter(
                    "ordering is name, -name, last_updated or -last_updated".to_owned(),
                ));
            }
        }
    }
    let entries = found
        .into_iter()
        .map(|(name, release)| Entry {
            key: name.to_owned(),
            shown: shape::tag(module, plan, name, release),
        })
        .collect();
    Ok(page((address, asked), entries))
}

/// Listed plans that match, the best first, at most [`RESULTS_MAX`].
pub(in crate::registry) fn matching(
    snapshot: &Snapshot,
    text: &str,
    fits: impl Fn(&ModulePlan) -> bool,
) -> Vec<(Arc<Module>, String)> {
    let mut found = Vec::new();
    for module in snapshot.matching(text) {
        for plan in module.public_plans().filter(|plan| fits(plan)) {
            if found.len() == RESULTS_MAX {
                return found;
            }
            found.push((Arc::clone(&module), plan.plan.to_string()));
        }
    }
    found
}

/// Search; without words everything, newest first. By name under a cursor.
pub(super) fn search(
    snapshot: &Snapshot,
    (address, asked): (&str, &Asked),
) -> Result<Value, Missing> {
    let found = matching(snapshot, &asked.query, |plan| runs_on(plan, asked));
    let mut entries: Vec<Entry> = found
        .iter()
        .filter_map(|(module, plan)| module.plan(plan).map(|plan| (module, plan)))
        .map(|(module, plan)| Entry {
            key: plan.repository.clone(),
            shown: shape::found(module, plan),
        })
        .collect();
    if asked.cursor.is_some() {
        entries.sort_by(|one, other| one.key.cmp(&other.key));
    }
    Ok(page((address, asked), entries))
}
