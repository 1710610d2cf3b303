//! Browser sessions. The cookie's token is never kept, only its hash.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::entity::session::{Column, Entity};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

pub use crate::entity::session::Model as Session;

/// Begins a session.
pub async fn insert(tx: &Tx, session: &Session) -> Result<(), Error> {
    write::insert(tx, session.clone().into_active_model(), "a session token").await
}

/// The session with this token hash, expired or not: the caller holds the clock.
pub async fn find(source: &impl Source, token_hash: &str) -> Result<Option<Session>, Error> {
    Ok(Entity::find_by_id(token_hash)
        .one(&source.connection())
        .await?)
}

/// Notes that the session was used. `false`: no such session.
pub async fn touch(tx: &Tx, token_hash: &str, now: i64) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::LastSeenAt, Expr::value(now))
        .filter(Column::TokenHash.eq(token_hash));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Signs out. `false`: no such session.
pub async fn delete(tx: &Tx, token_hash: &str) -> Result<bool, Error> {
    Ok(Entity::delete_by_id(token_hash)
        .exec(&tx.inner)
        .await?
        .rows_affected
        == 1)
}

/// Signs an account out everywhere; tells of how many sessions.
pub async fn delete_of_account(tx: &Tx, account_id: &str) -> Result<u64, Error> {
    let query = Entity::delete_many().filter(Column::AccountId.eq(account_id));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}

/// Removes what expired at or before `now`; tells how many.
pub async fn delete_expired(tx: &Tx, now: i64) -> Result<u64, Error> {
    let query = Entity::delete_many().filter(Column::ExpiresAt.lte(now));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}
