//! The token endpoint's use-case: who asks for which scopes, and what of it is granted. Granting less than asked is no
//! error; asking wrongly is. Granting never tells whether a repository exists.

use domain::role::{PublisherAction, TokenScope};
use oci::{AccessEntry, Action, RepositoryName};

use super::authorize::role_in;
use super::caller::Caller;
use super::place::Place;
use super::refusal::Refusal;
use super::token::{Bearer, Claims, TOKEN_SECONDS_MAX, mint, subject};
use crate::App;
use crate::clock::{SECOND, new_id};
use crate::error::Trouble;

/// Scopes that one token may be asked for.
pub const SCOPES_MAX: usize = 64;

/// A token with what a client is told about it.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The signed token.
    pub token: String,
    /// Seconds until it dies.
    pub expires_in: i64,
    /// Microseconds since 1970.
    pub issued_at: i64,
    /// What it opens, in the scope grammar.
    pub scope: String,
}

/// Makes a token for `caller` that opens as much of `asked` as the caller may have.
pub async fn grant_token(
    app: &App,
    caller: &Caller,
    asked: &[AccessEntry],
) -> Result<Granted, Refusal> {
    if asked.len() > SCOPES_MAX {
        let message = format!(
            "a token may be asked for {SCOPES_MAX} scopes at most, found {}",
            asked.len()
        );
        return Err(Refusal::invalid(oci::ErrorCode::Unsupported, message));
    }
    let mut access: Vec<AccessEntry> = Vec::new();
    for entry in asked {
        if let Some(granted) = grant_entry(app, caller, entry).await?
            && !access.contains(&granted)
        {
            access.push(granted);
        }
    }
    let now = app.clock.now();
    let seconds = now / SECOND;
    let exp = match caller {
        // A token that was exchanged for another never outlives it.
        Caller::Token(claims) => claims.exp.min(seconds + TOKEN_SECONDS_MAX),
        Caller::Account(_) | Caller::Anonymous => seconds + TOKEN_SECONDS_MAX,
    };
    let scope = access
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ");
    let claims = Claims {
        iss: app.settings.public_url.as_str().to_owned(),
        sub: match caller {
            Caller::Account(account) => subject(Bearer::Account(&account.id)),
            Caller::Token(claims) => claims.sub.clone(),
            Caller::Anonymous => subject(Bearer::Anonymous),
        },
        aud: app.settings.registry_host.clone(),
        exp,
        nbf: seconds,
        iat: seconds,
        jti: new_id(),
        access,
    };
    let token = mint(&app.token_keys, &claims)
        .map_err(|error| Refusal::Failed(Trouble::Other(format!("registry token: {error}"))))?;
    Ok(Granted {
        token,
        expires_in: exp - seconds,
        issued_at: now,
        scope,
    })
}

async fn grant_entry(
    app: &App,
    caller: &Caller,
    entry: &AccessEntry,
) -> Result<Option<AccessEntry>, Refusal> {
    if entry.allows(Action::Catalog) {
        return Ok(Some(AccessEntry::catalog()));
    }
    let Some(repository) = entry.repository_name() else {
        return Ok(None);
    };
    let mut actions = Vec::new();
    for action in [Action::Pull, Action::Push, Action::Delete] {
        if entry.allows(action) && may(app, caller, action, &repository).await? {
            actions.push(action);
        }
    }
    Ok((!actions.is_empty()).then(|| AccessEntry::repository(&repository, &actions)))
}

/// Live membership is looked at again when the token is used; this only keeps tokens from carrying empty promises.
async fn may(
    app: &App,
    caller: &Caller,
    action: Action,
    repository: &RepositoryName,
) -> Result<bool, Refusal> {
    match (Place::of(repository), caller) {
        // Anything public may be pulled by anyone, and nothing else is opened by this alone.
        (Place::Release(..), Caller::Anonymous | Caller::Account(_)) => Ok(action == Action::Pull),
        // A token exchanged for another opens no more than before.
        (_, Caller::Token(claims)) => Ok(claims.opens(repository.as_str(), action.as_str())),
        (Place::Incoming(_), Caller::Account(_)) => {
            let role = role_in(app, caller, repository).await?;
            let member = role.is_some_and(|role| role.may(PublisherAction::Edit));
            let scoped = match action {
                Action::Pull => {
                    caller.has_scope(TokenScope::Read) || caller.has_scope(TokenScope::Push)
                }
                _ => caller.has_scope(TokenScope::Push),
            };
            Ok(member && scoped)
        }
        (Place::Incoming(_), Caller::Anonymous) | (Place::Nowhere, _) => Ok(false),
    }
}
