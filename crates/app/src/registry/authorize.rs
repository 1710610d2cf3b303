//! Gathers the facts that `access.rs` decides on, no more of them than the case needs, and turns its decision into an
//! answer. A [`PushPass`] can only be had here, so a use-case that takes one cannot run unasked.

use domain::role::MemberRole;
use oci::{Digest, ErrorCode, Operation, RepositoryName};
use store::publishers::PublisherState;

use super::access::{Ask, Decision, Facts, Target, decide, sees_hidden};
use super::caller::Caller;
use super::intake;
use super::place::Place;
use super::refusal::{Fault, Refusal};
use crate::App;

/// Leave to change one repository, for one account.
#[derive(Clone, Debug)]
pub struct PushPass {
    repository: RepositoryName,
    account_id: String,
}

impl PushPass {
    /// The repository it is for.
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// Who acts.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }
}

/// The fault of a thing that is not in a repository.
pub(super) fn unknown(code: ErrorCode, repository: &RepositoryName, name: &str) -> Fault {
    let what = match code {
        ErrorCode::ManifestUnknown => format!("`{repository}` has no manifest `{name}`"),
        ErrorCode::BlobUnknown => format!("`{repository}` has no blob `{name}`"),
        ErrorCode::BlobUploadUnknown => format!(
            "`{repository}` has no upload `{name}`; it may have ended or expired: start a new one"
        ),
        _ => format!("there is no repository `{repository}`"),
    };
    Fault::new(code, what).with(serde_json::json!({"name": repository.as_str(), "reference": name}))
}

fn carry(decision: Decision, missing: Fault) -> Result<(), Refusal> {
    match decision {
        Decision::Allow => Ok(()),
        Decision::Challenge { scopes, error } => {
            let message = match error {
                None => "sign in, or ask the token endpoint for an anonymous token",
                Some(_) => {
                    "this token does not open that; ask for one with the scope named in the challenge"
                }
            };
            Err(Refusal::Unauthorized {
                message: message.to_owned(),
                scopes,
                error,
            })
        }
        Decision::Hide => Err(Refusal::NotFound(missing)),
        Decision::Deny(reason) => Err(Refusal::Denied(reason)),
    }
}

/// The caller's present role in the publisher whose repository it is.
pub(super) async fn role_in(
    app: &App,
    caller: &Caller,
    repository: &RepositoryName,
) -> Result<Option<MemberRole>, store::Error> {
    let place = Place::of(repository);
    let Some(publisher) = place.publisher() else {
        return Ok(None);
    };
    if let Caller::Account(account) = caller {
        return Ok(account.publishers.get(publisher).copied());
    }
    let Some(id) = caller.account_id() else {
        return Ok(None);
    };
    // The token outlives what was asked when it was granted, by minutes.
    let account = store::accounts::find(&app.reader, id).await?;
    if account.is_none_or(|account| account.disabled_at.is_some()) {
        return Ok(None);
    }
    let members = store::members::of_account(&app.reader, id).await?;
    Ok(members
        .into_iter()
        .find(|member| member.publisher == *publisher)
        .map(|member| member.role))
}

/// Asks for leave to push to or delete from a repository.
pub async fn allow_write(
    app: &App,
    caller: &Caller,
    ask: Ask,
    repository: &RepositoryName,
) -> Result<PushPass, Refusal> {
    let role = role_in(app, caller, repository).await?;
    let publisher_approved = match (role, Place::of(repository)) {
        (Some(_), Place::Incoming(publisher)) => store::publishers::find(&app.reader, &publisher)
            .await?
            .is_some_and(|row| row.state == PublisherState::Approved),
        _ => false,
    };
    let facts = Facts {
        target: Target::Absent,
        repository_public: false,
        role,
        publisher_approved,
        blocked: None,
    };
    let decision = decide(ask, repository, caller, &facts);
    carry(decision, unknown(ErrorCode::NameUnknown, repository, ""))?;
    if ask == Ask::Push {
        intake::check_name(app, repository)?;
    }
    // The table allows writes to accounts only.
    let account_id = caller.account_id().unwrap_or_default().to_owned();
    Ok(PushPass {
        repository: repository.clone(),
        account_id,
    })
}

/// Asks for leave to read one thing of a repository. `digest` is what it names, when it names anything; `missing` is the
/// answer for what is not there. Gives the target again: hidden, when it is public but for a takedown.
pub(super) async fn allow_read(
    app: &App,
    caller: &Caller,
    (ask, repository): (Ask, &RepositoryName),
    target: Target,
    digest: Option<&Digest>,
    missing: Fault,
) -> Result<Target, Refusal> {
    // What was public and is taken down says why, even when its bytes are gone.
    let withheld = match digest {
        Some(digest) => store::takedowns::hold_in(&app.reader, repository.as_str(), digest).await?,
        None => None,
    };
    // A layer of what is down may be one of what comes in its place: for those who see unpublished content it stays hidden
    // until that goes live, and no more than that.
    let (withheld, target) = match withheld {
        Some(hold) if hold.blob && target != Target::Absent => {
            let role = role_in(app, caller, repository).await?;
            if sees_hidden(repository, caller, role) {
                (None, Target::Hidden)
            } else {
                (Some(hold.reason), target)
            }
        }
        other => (other.map(|hold| hold.reason), target),
    };
    let target = if withheld.is_some() {
        Target::Public
    } else {
        target
    };
    let role = match target {
        Target::Hidden => role_in(app, caller, repository).await?,
        Target::Absent | Target::Public => None,
    };
    let repository_public = match (target, ask) {
        (Target::Public, _) => true,
        (_, Ask::Tagged) if *caller == Caller::Anonymous => {
            store::registry::repository_public(&app.reader, repository.as_str()).await?
        }
        _ => false,
    };
    let blocked = match (withheld, digest) {
        (Some(reason), _) => Some(reason),
        (None, Some(digest)) if target != Target::Absent => {
            store::registry::block_reason(&app.reader, digest).await?
        }
        _ => None,
    };
    let facts = Facts {
        target,
        repository_public,
        role,
        publisher_approved: false,
        blocked,
    };
    carry(decide(ask, repository, caller, &facts), missing)?;
    Ok(facts.target)
}

/// What of the access table an operation that changes something needs; none for reads.
pub fn write_ask(operation: &Operation) -> Option<Ask> {
    match operation.action()? {
        oci::Action::Push => Some(Ask::Push),
        oci::Action::Delete => Some(Ask::Delete),
        oci::Action::Pull | oci::Action::Catalog => None,
    }
}
