//! Who is asking, from the `Authorization` header. Wrong credentials are refused here, whatever was asked for; having
//! none is no fault. Never learns what is asked for: that is `access.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::actor::Account;
use domain::role::TokenScope;
use oci::AccessEntry;

use super::refusal::Refusal;
use super::token::{Bearer, Claims, TOKEN_SECONDS_MAX, looks_like_jwt, subject, verify};
use crate::App;
use crate::clock::{SECOND, new_id, secret_hash};

/// Longest `Authorization` header that is looked at.
pub const AUTHORIZATION_BYTES_MAX: usize = 20 * 1024;
/// The user name under which a preview's pull token is given as a password.
pub const PREVIEW_USER: &str = "preview";

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No credentials came.
    Anonymous,
    /// A token of this registry, or a preview's pull token read as one.
    Token(Claims),
    /// An account, by password or access token.
    Account(Account),
}

impl Caller {
    /// The account's row id, if there is one behind this caller.
    pub fn account_id(&self) -> Option<&str> {
        match self {
            Self::Account(account) => Some(&account.id),
            Self::Token(claims) => match claims.bearer() {
                Bearer::Account(id) => Some(id),
                Bearer::Anonymous | Bearer::Preview(_) => None,
            },
            Self::Anonymous => None,
        }
    }

    /// Whether the credentials themselves may be used for a thing that needs this scope of an access token. Registry
    /// tokens were limited when they were granted.
    pub(super) fn has_scope(&self, scope: TokenScope) -> bool {
        match self {
            Self::Account(account) => account.require_scope(scope).is_ok(),
            Self::Token(_) | Self::Anonymous => true,
        }
    }
}

fn wrong(message: &str) -> Refusal {
    Refusal::Unauthorized {
        message: message.to_owned(),
        scopes: String::new(),
        error: Some("invalid_token"),
    }
}

/// Reads an `Authorization` header. Refuses an unknown scheme, unreadable text, and credentials that are not good.
pub async fn identify(app: &App, authorization: Option<&[u8]>) -> Result<Caller, Refusal> {
    let Some(header) = authorization else {
        return Ok(Caller::Anonymous);
    };
    if header.len() > AUTHORIZATION_BYTES_MAX {
        return Err(wrong("the Authorization header is longer than 20 KiB"));
    }
    let header =
        std::str::from_utf8(header).map_err(|_| wrong("the Authorization header is not text"))?;
    let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header, ""));
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        bearer(app, rest).await
    } else if scheme.eq_ignore_ascii_case("basic") {
        let (user, password) = basic(rest)
            .ok_or_else(|| wrong("the Basic credentials are not base64 of `user:password`"))?;
        sign_in(app, &user, &password).await
    } else {
        Err(wrong(
            "the Authorization scheme is neither Bearer nor Basic; sign in again",
        ))
    }
}

fn basic(text: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// A user name and a password: an account's address and password, any name with an access token, or
/// [`PREVIEW_USER`] with a pull token.
pub async fn sign_in(app: &App, user: &str, password: &str) -> Result<Caller, Refusal> {
    if password.starts_with(crate::accounts::TOKEN_PREFIX) {
        let account = crate::accounts::account_by_token(app, password).await?;
        return account
            .map(Caller::Account)
            .ok_or_else(|| wrong("the access token is unknown, expired or revoked; create a new one on the account page"));
    }
    if user == PREVIEW_USER {
        return preview(app, password)
            .await?
            .ok_or_else(|| wrong("the preview's pull token is unknown, expired or revoked; ask the publisher for a new one"));
    }
    let account = app.passwords.check(app, user, password).await?;
    account.map(Caller::Account).ok_or_else(|| {
        wrong("the mail address or the password is wrong; an access token works too")
    })
}

/// The secret in an `Authorization` header that [`identify`] found good.
pub fn secret_of(authorization: &[u8]) -> Option<String> {
    let header = std::str::from_utf8(authorization).ok()?;
    let (scheme, rest) = header.trim().split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") {
        return basic(rest.trim()).map(|(_, password)| password);
    }
    Some(rest.trim().to_owned())
}

/// Who a refresh token stands for: an access token, or a preview's pull token.
pub async fn refresh(app: &App, token: &str) -> Result<Caller, Refusal> {
    if token.starts_with(crate::accounts::TOKEN_PREFIX) {
        return sign_in(app, "", token).await;
    }
    sign_in(app, PREVIEW_USER, token).await
}

async fn bearer(app: &App, text: &str) -> Result<Caller, Refusal> {
    if looks_like_jwt(text) {
        let settings = &app.settings;
        let us = (
            settings.public_url.as_str(),
            settings.registry_host.as_str(),
        );
        let claims = verify(&app.token_keys, text, us, app.clock.now() / SECOND)
            .map_err(|error| wrong(&error.to_string()))?;
        if let Bearer::Preview(id) = claims.bearer() {
            require_good(app, id).await?;
        }
        return Ok(Caller::Token(claims));
    }
    if text.starts_with(crate::accounts::TOKEN_PREFIX) {
        return sign_in(app, "", text).await;
    }
    preview(app, text)
        .await?
        .ok_or_else(|| wrong("the token is unknown, expired or revoked"))
}

/// What was exchanged for a pull token ends with it, not minutes later.
async fn require_good(app: &App, id: &str) -> Result<(), Refusal> {
    let row = store::registry::pull_tokens::find(&app.reader, id).await?;
    let now = app.clock.now();
    match row {
        Some(row) if row.revoked_at.is_none() && row.expires_at > now => Ok(()),
        _ => Err(wrong(
            "the preview's pull token behind this token is expired or revoked; ask the publisher for a new one",
        )),
    }
}

/// A pull token opens exactly one repository for pulling, until it expires or is revoked.
async fn preview(app: &App, secret: &str) -> Result<Option<Caller>, Refusal> {
    let Some(row) =
        store::registry::pull_tokens::find_by_hash(&app.reader, &secret_hash(secret)).await?
    else {
        return Ok(None);
    };
    let now = app.clock.now();
    if row.revoked_at.is_some() || row.expires_at <= now {
        return Ok(None);
    }
    let seconds = now / SECOND;
    Ok(Some(Caller::Token(Claims {
        iss: app.settings.public_url.as_str().to_owned(),
        sub: subject(Bearer::Preview(&row.id)),
        aud: app.settings.registry_host.clone(),
        exp: (seconds + TOKEN_SECONDS_MAX).min(row.expires_at / SECOND),
        nbf: seconds,
        iat: seconds,
        jti: new_id(),
        access: vec![AccessEntry {
            kind: "repository".into(),
            name: row.repo.to_string(),
            actions: vec!["pull".into()],
        }],
    })))
}
