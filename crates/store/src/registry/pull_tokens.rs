//! Tokens with which the preview audience pulls a submission's images before they are live.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::entity::pull_token::{Column, Entity};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

pub use crate::entity::pull_token::Model as PullToken;

/// Adds a token. `Conflict` when its hash or id is taken.
pub async fn insert(tx: &Tx, token: &PullToken) -> Result<(), Error> {
    write::insert(tx, token.clone().into_active_model(), "a pull token").await
}

/// The token with this hash, expired or revoked or not: the caller holds the clock.
pub async fn find_by_hash(
    source: &impl Source,
    token_hash: &str,
) -> Result<Option<PullToken>, Error> {
    let found = Entity::find().filter(Column::TokenHash.eq(token_hash));
    Ok(found.one(&source.connection()).await?)
}

/// The token with this row id, expired or revoked or not.
pub async fn find(source: &impl Source, id: &str) -> Result<Option<PullToken>, Error> {
    Ok(Entity::find_by_id(id).one(&source.connection()).await?)
}

/// Takes every token of a submission back; tells how many were still good.
pub async fn revoke_of_submission(tx: &Tx, submission: &str, now: i64) -> Result<u64, Error> {
    let query = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now))
        .filter(Column::Submission.eq(submission))
        .filter(Column::RevokedAt.is_null());
    Ok(query.exec(&tx.inner).await?.rows_affected)
}
