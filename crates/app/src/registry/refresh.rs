//! What a client keeps instead of a password: the `refresh_token` of the distribution project's token specification.
//!
//! It is an access token like those of the account page: shown there by name, revocable there, read and push only,
//! dying after [`REFRESH_DAYS`] and with the password it was given for. Who came with a long-lived secret of that kind already gets the same one back, so that
//! asking again and again makes nothing new and a narrow secret never becomes a wider one.

use domain::actor::{Account, Actor};
use domain::role::TokenScope;

use super::caller::Caller;
use super::refusal::Refusal;
use super::token::Bearer;
use crate::App;
use crate::accounts::{CreateToken, TOKEN_PREFIX, create_login};

/// Life of a refresh token.
pub const REFRESH_DAYS: u32 = 90;
/// Logins of registry clients that one account keeps; the oldest goes when one more comes.
pub const LOGINS_MAX: usize = 20;
/// By this the account page knows such a token.
const NAME: &str = "registry login";
/// Characters of a client's own name that are kept.
const CLIENT_CHARS_MAX: usize = 30;

/// The refresh token for who signed in with `secret`; none for anonymous callers and for those who came with a token
/// that is short-lived itself. `client` is what the program calls itself.
pub async fn refresh_token(
    app: &App,
    caller: &Caller,
    secret: &str,
    client: &str,
) -> Result<Option<String>, Refusal> {
    match caller {
        Caller::Account(_) if secret.starts_with(TOKEN_PREFIX) => Ok(Some(secret.to_owned())),
        Caller::Account(account) => login(app, account, secret, client).await.map(Some),
        Caller::Token(claims) => Ok(match claims.bearer() {
            Bearer::Preview(_) if !super::token::looks_like_jwt(secret) => Some(secret.to_owned()),
            _ => None,
        }),
        Caller::Anonymous => Ok(None),
    }
}

async fn login(
    app: &App,
    account: &Account,
    password: &str,
    client: &str,
) -> Result<String, Refusal> {
    let gone = || Refusal::Unauthorized {
        message: "the password was changed just now; sign in with the new one".to_owned(),
        scopes: String::new(),
        error: Some("invalid_token"),
    };
    let fits = app.passwords.row(app, &account.email, password).await?;
    let row = fits.ok_or_else(gone)?;
    let actor = Actor::Account(account.clone());
    let client: String = client
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c))
        .take(CLIENT_CHARS_MAX)
        .collect();
    let name = if client.is_empty() {
        NAME.to_owned()
    } else {
        format!("{NAME} ({client})")
    };
    let command = CreateToken {
        name,
        scopes: vec![TokenScope::Read, TokenScope::Push],
        days: REFRESH_DAYS,
    };
    // One place is for the one to come.
    let keep = u64::try_from(LOGINS_MAX - 1).unwrap_or(u64::MAX);
    let made = create_login(app, &actor, command, &row, keep).await?;
    Ok(made.ok_or_else(gone)?.secret)
}
