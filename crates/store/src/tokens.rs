//! Access tokens for programs: `docker login`, the command line, CI. Only their hashes are kept.

use domain::role::TokenScope;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::column::Row;
use crate::entity::token::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// An access token.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// UUIDv7.
    pub id: String,
    /// Whose.
    pub account_id: String,
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of the token, in hex, unique.
    pub token_hash: String,
    /// What it may be used for.
    pub scopes: Vec<TokenScope>,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// From then on it is worth nothing.
    pub expires_at: Option<i64>,
    /// Last use, as far as it was noted.
    pub last_used_at: Option<i64>,
    /// When it was taken back.
    pub revoked_at: Option<i64>,
    /// Made by whom.
    pub kind: TokenKind,
}

/// How a token came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Its owner made it by name, and takes it back.
    Personal,
    /// A registry client got it for a password, and it ends with that password.
    Login,
}

impl TokenKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Login => "login",
        }
    }
}

impl std::str::FromStr for TokenKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Personal, Self::Login]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a kind of token; use personal or login"))
    }
}

fn row(id: &str) -> Row<'_> {
    Row {
        table: "tokens",
        key: id,
    }
}

fn read(model: Model) -> Result<Token, Error> {
    Ok(Token {
        scopes: row(&model.id).read_json("scopes", &model.scopes)?,
        kind: row(&model.id).read("kind", &model.kind)?,
        id: model.id,
        account_id: model.account_id,
        name: model.name,
        token_hash: model.token_hash,
        created_at: model.created_at,
        expires_at: model.expires_at,
        last_used_at: model.last_used_at,
        revoked_at: model.revoked_at,
    })
}

/// Adds a token. `Conflict` when its hash or id is taken.
pub async fn insert(tx: &Tx, token: &Token) -> Result<(), Error> {
    let token = token.clone();
    let model = Model {
        scopes: row(&token.id).json("scopes", &token.scopes)?,
        kind: token.kind.as_str().to_owned(),
        id: token.id,
        account_id: token.account_id,
        name: token.name,
        token_hash: token.token_hash,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
        revoked_at: token.revoked_at,
    };
    write::insert(tx, model.into_active_model(), "an access token").await
}

/// The token with this hash, expired or revoked or not: the caller holds the clock.
pub async fn find_by_hash(source: &impl Source, token_hash: &str) -> Result<Option<Token>, Error> {
    let found = Entity::find().filter(Column::TokenHash.eq(token_hash));
    found.one(&source.connection()).await?.map(read).transpose()
}

/// Tokens of an account that are listed; more than can work at a time.
const LISTED_MAX: u64 = 300;

/// The tokens of an account, newest first, up to a few hundred.
pub async fn list_of_account(source: &impl Source, account_id: &str) -> Result<Vec<Token>, Error> {
    let query = Entity::find()
        .filter(Column::AccountId.eq(account_id))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(LISTED_MAX);
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// Takes a token back. `false`: not this account's, or already revoked.
pub async fn revoke(tx: &Tx, id: &str, account_id: &str, now: i64) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::RevokedAt.is_null());
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Notes that the token was used. `false`: no such token.
pub async fn touch(tx: &Tx, id: &str, now: i64) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(now))
        .filter(Column::Id.eq(id));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// How many tokens that its owner made work at `now`.
pub async fn count_personal(
    source: &impl Source,
    account_id: &str,
    now: i64,
) -> Result<u64, Error> {
    let lives = Condition::any()
        .add(Column::ExpiresAt.is_null())
        .add(Column::ExpiresAt.gt(now));
    let query = Entity::find()
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::Kind.eq(TokenKind::Personal.as_str()))
        .filter(Column::RevokedAt.is_null())
        .filter(lives);
    Ok(query.count(&source.connection()).await?)
}

/// Removes what came of an account's registry logins but for the newest `keep` that work at `now`; tells how many went.
pub async fn delete_logins(tx: &Tx, account_id: &str, keep: u64, now: i64) -> Result<u64, Error> {
    let logins = || {
        Entity::find()
            .filter(Column::AccountId.eq(account_id))
            .filter(Column::Kind.eq(TokenKind::Login.as_str()))
    };
    let kept: Vec<String> = logins()
        .select_only()
        .column(Column::Id)
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(keep)
        .into_tuple()
        .all(&tx.inner)
        .await?;
    let query = Entity::delete_many()
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::Kind.eq(TokenKind::Login.as_str()))
        .filter(Column::Id.is_not_in(kept));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}

/// Removes every token of an account, names and all; tells how many.
pub async fn delete_of_account(tx: &Tx, account_id: &str) -> Result<u64, Error> {
    let query = Entity::delete_many().filter(Column::AccountId.eq(account_id));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}
