//! Tokens with which the preview audience pulls a submission's images before they are live.

use domain::ids::{OfferKey, PublisherId};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, UpdateMany};

use crate::entity::pull_token::{Column, Entity};
use crate::entity::submission;
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

/// Takes back what an account made for previews of one offer; tells how many were still good.
pub async fn revoke_for_offer(
    tx: &Tx,
    key: &OfferKey,
    account_id: &str,
    now: i64,
) -> Result<u64, Error> {
    use submission::Column as S;
    let of_offer = Query::select()
        .column(S::Id)
        .from(submission::Entity)
        .and_where(S::Publisher.eq(key.publisher.as_str()))
        .and_where(S::Offer.eq(key.offer.as_str()))
        .take();
    let query = made_by(account_id, now).filter(Column::Submission.in_subquery(of_offer));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}

/// Takes back what an account made for previews of a publisher's offers; tells how many were still good.
pub async fn revoke_for_publisher(
    tx: &Tx,
    publisher: &PublisherId,
    account_id: &str,
    now: i64,
) -> Result<u64, Error> {
    use submission::Column as S;
    let of_publisher = Query::select()
        .column(S::Id)
        .from(submission::Entity)
        .and_where(S::Publisher.eq(publisher.as_str()))
        .take();
    let query = made_by(account_id, now).filter(Column::Submission.in_subquery(of_publisher));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}

/// Takes back whatever an account made; tells how many were still good.
pub async fn revoke_of_account(tx: &Tx, account_id: &str, now: i64) -> Result<u64, Error> {
    let query = made_by(account_id, now);
    Ok(query.exec(&tx.inner).await?.rows_affected)
}

fn made_by(account_id: &str, now: i64) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now))
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::RevokedAt.is_null())
}

/// Takes every token of a submission back; tells how many were still good.
pub async fn revoke_of_submission(tx: &Tx, submission: &str, now: i64) -> Result<u64, Error> {
    let query = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now))
        .filter(Column::Submission.eq(submission))
        .filter(Column::RevokedAt.is_null());
    Ok(query.exec(&tx.inner).await?.rows_affected)
}
