//! Access tokens for the CLI, for CI and for `docker login`. Shown once, stored hashed, scoped, expiring, revocable.

use domain::actor::{Account, Actor};
use domain::role::TokenScope;
use serde_json::json;
use store::Tx;
use store::tokens::{Token, TokenKind};

use super::{acting, still_fits};
use crate::App;
use crate::clock::{DAY, HOUR, new_id, new_secret, secret_hash};
use crate::error::Refused;
use crate::record::Subject;

/// Every access token begins so, which lets secret scanners find leaked ones.
pub const TOKEN_PREFIX: &str = "emt_";
/// Tokens of one account that work at the same time; logins of registry clients are counted apart.
pub const TOKENS_MAX: u64 = 100;
/// Longest life of a token.
pub const TOKEN_DAYS_MAX: u32 = 366;

/// What a person asks for.
#[derive(Clone, Debug)]
pub struct CreateToken {
    /// A reminder what it is for, 1 to 60 characters.
    pub name: String,
    /// What it may be used for; at least one.
    pub scopes: Vec<TokenScope>,
    /// 1 to [`TOKEN_DAYS_MAX`].
    pub days: u32,
}

/// A token just made. The secret is never to be had again.
pub struct NewToken {
    /// Row id.
    pub id: String,
    /// The token itself.
    pub secret: String,
    /// Microseconds.
    pub expires_at: i64,
}

/// Makes a token for the acting account.
pub async fn create_token(
    app: &App,
    actor: &Actor,
    command: CreateToken,
) -> Result<NewToken, Refused> {
    let account = actor.account()?;
    let present = store::tokens::count_personal(&app.reader, &account.id, app.clock.now()).await?;
    if present >= TOKENS_MAX {
        return Err(Refused::Conflict(format!(
            "This account has {present} access tokens that work, the most there may be. Revoke one that is not needed any more."
        )));
    }
    let (row, secret) = make(app, account, command, TokenKind::Personal)?;
    let tx = app.writer.begin().await?;
    keep(app, &tx, actor, &row).await?;
    tx.commit().await?;
    Ok(new(row, secret))
}

/// Makes a token for a registry client that came with the account's password, and keeps `others` of those made before.
/// Nothing when the password that fitted this row is not the account's any more: whoever changes it ends all of these, and
/// none may come after.
pub(crate) async fn create_login(
    app: &App,
    actor: &Actor,
    command: CreateToken,
    fitted: &store::accounts::Account,
    others: u64,
) -> Result<Option<NewToken>, Refused> {
    let account = actor.account()?;
    let (row, secret) = make(app, account, command, TokenKind::Login)?;
    let tx = app.writer.begin().await?;
    if !still_fits(&tx, fitted).await? {
        return Ok(None);
    }
    store::tokens::delete_logins(&tx, &account.id, others, app.clock.now()).await?;
    keep(app, &tx, actor, &row).await?;
    tx.commit().await?;
    Ok(Some(new(row, secret)))
}

fn new(row: Token, secret: String) -> NewToken {
    NewToken {
        expires_at: row.expires_at.unwrap_or(row.created_at),
        id: row.id,
        secret,
    }
}

fn make(
    app: &App,
    account: &Account,
    command: CreateToken,
    kind: TokenKind,
) -> Result<(Token, String), Refused> {
    let name = command.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
        let found = format!("{} characters", name.chars().count());
        return Err(Refused::invalid(
            "name",
            "1 to 60 characters",
            found,
            "Say in a few words what it is for.",
        ));
    }
    if command.scopes.is_empty() {
        return Err(Refused::invalid(
            "scopes",
            "at least one scope",
            "none",
            "Tick what the token is for.",
        ));
    }
    if command.days == 0 || command.days > TOKEN_DAYS_MAX {
        let found = format!("{} days", command.days);
        return Err(Refused::invalid(
            "days",
            "1 to 366 days",
            found,
            "Choose a shorter life.",
        ));
    }
    for scope in &command.scopes {
        account.require_scope(*scope)?;
    }
    let secret = new_secret(TOKEN_PREFIX).map_err(|e| Refused::trouble(e.to_string()))?;
    let now = app.clock.now();
    let row = Token {
        id: new_id(),
        account_id: account.id.clone(),
        name,
        token_hash: secret_hash(&secret),
        scopes: command.scopes,
        created_at: now,
        expires_at: Some(now + i64::from(command.days) * DAY),
        last_used_at: None,
        revoked_at: None,
        kind,
    };
    Ok((row, secret))
}

async fn keep(app: &App, tx: &Tx, actor: &Actor, row: &Token) -> Result<(), store::Error> {
    store::tokens::insert(tx, row).await?;
    let data = json!({"token": row.id, "name": row.name});
    let subject = (Subject::Account, row.account_id.as_str());
    app.record(tx, actor, subject, "token_created", data).await
}

/// Revokes one of the acting account's tokens.
pub async fn revoke_token(app: &App, actor: &Actor, id: &str) -> Result<(), Refused> {
    let account = actor.account()?;
    let tx = app.writer.begin().await?;
    if !store::tokens::revoke(&tx, id, &account.id, app.clock.now()).await? {
        return Err(Refused::not_found("token", id));
    }
    app.record(
        &tx,
        actor,
        (Subject::Account, &account.id),
        "token_revoked",
        json!({"token": id}),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The account behind a token, with the token's scopes; nothing for unknown, expired or revoked ones.
pub async fn account_by_token(app: &App, secret: &str) -> Result<Option<Account>, store::Error> {
    if !secret.starts_with(TOKEN_PREFIX) {
        return Ok(None);
    }
    let Some(row) = store::tokens::find_by_hash(&app.reader, &secret_hash(secret)).await? else {
        return Ok(None);
    };
    let now = app.clock.now();
    if row.revoked_at.is_some() || row.expires_at.is_some_and(|at| at <= now) {
        return Ok(None);
    }
    // One write an hour is enough to tell a used token from a forgotten one.
    if row.last_used_at.is_none_or(|at| at + HOUR < now) {
        let tx = app.writer.begin().await?;
        store::tokens::touch(&tx, &row.id, now).await?;
        tx.commit().await?;
    }
    let Some(account) = store::accounts::find(&app.reader, &row.account_id).await? else {
        return Ok(None);
    };
    acting(&app.reader, &account, Some(row.scopes)).await
}
