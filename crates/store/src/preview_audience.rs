//! Who besides its publisher's members may look at an offer's previews.

use domain::ids::OfferKey;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::preview_audience::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

fn id(key: &OfferKey, account_id: &str) -> (String, String, String) {
    let (publisher, offer) = (key.publisher.to_string(), key.offer.to_string());
    (publisher, offer, account_id.to_owned())
}

/// Lets an account look; one that may already stays as it is.
pub async fn add(tx: &Tx, key: &OfferKey, account_id: &str, now: i64) -> Result<(), Error> {
    let model = Model {
        publisher: key.publisher.to_string(),
        offer: key.offer.to_string(),
        account_id: account_id.to_owned(),
        added_at: now,
    };
    write::insert_if_new(tx, model.into_active_model()).await?;
    Ok(())
}

/// Takes an account out. `false`: it was not in.
pub async fn remove(tx: &Tx, key: &OfferKey, account_id: &str) -> Result<bool, Error> {
    let query = Entity::delete_by_id(id(key, account_id));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Takes an account out everywhere; tells of how many.
pub async fn remove_of_account(tx: &Tx, account_id: &str) -> Result<u64, Error> {
    let query = Entity::delete_many().filter(Column::AccountId.eq(account_id));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}

/// Whether an account may look.
pub async fn holds(source: &impl Source, key: &OfferKey, account_id: &str) -> Result<bool, Error> {
    let found = Entity::find_by_id(id(key, account_id));
    Ok(found.one(&source.connection()).await?.is_some())
}

/// The same, and nobody takes the account out until the transaction ends. On SQLite its one writer is alone anyway.
pub async fn hold(tx: &Tx, key: &OfferKey, account_id: &str) -> Result<bool, Error> {
    let found = Entity::find_by_id(id(key, account_id)).lock_shared();
    Ok(found.one(&tx.inner).await?.is_some())
}

/// The accounts that may look, the first who was let in first.
pub async fn of_offer(source: &impl Source, key: &OfferKey) -> Result<Vec<String>, Error> {
    let rows = Entity::find()
        .filter(Column::Publisher.eq(key.publisher.as_str()))
        .filter(Column::Offer.eq(key.offer.as_str()))
        .order_by_asc(Column::AddedAt)
        .order_by_asc(Column::AccountId)
        .all(&source.connection())
        .await?;
    Ok(rows.into_iter().map(|row| row.account_id).collect())
}
