//! What opens a publisher's own registry, sealed by the application; this crate never sees it in clear.

use domain::ids::{OfferKey, OfferName, PlanName, PublisherId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::column::Row;
use crate::dialect;
use crate::entity::credential::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// The sealed credentials of one plan's image source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Whose.
    pub publisher: PublisherId,
    /// For which offer.
    pub offer: OfferName,
    /// For which plan.
    pub plan: PlanName,
    /// The registry they were given for; they go nowhere else.
    pub registry: String,
    /// Which of the application's keys sealed them.
    pub key_id: String,
    /// The nonce of the seal.
    pub nonce: Vec<u8>,
    /// The sealed text.
    pub ciphertext: Vec<u8>,
    /// Another host that the publisher allows them to be sent to for a token.
    pub realm_host: Option<String>,
    /// Microseconds since 1970, UTC.
    pub updated_at: i64,
}

fn read(model: Model) -> Result<Credentials, Error> {
    let key = format!("{}.{}/{}", model.publisher, model.offer, model.plan);
    let row = Row {
        table: "credentials",
        key: &key,
    };
    Ok(Credentials {
        publisher: row.read("publisher", &model.publisher)?,
        offer: row.read("offer", &model.offer)?,
        plan: row.read("plan", &model.plan)?,
        registry: model.registry,
        key_id: model.key_id,
        nonce: model.nonce,
        ciphertext: model.ciphertext,
        realm_host: model.realm_host,
        updated_at: model.updated_at,
    })
}

fn key(key: &OfferKey, plan: &PlanName) -> (String, String, String) {
    (
        key.publisher.to_string(),
        key.offer.to_string(),
        plan.to_string(),
    )
}

/// Adds the credentials of a plan, or replaces them.
pub async fn put(tx: &Tx, credentials: &Credentials) -> Result<(), Error> {
    let credentials = credentials.clone();
    let model = Model {
        publisher: credentials.publisher.into(),
        offer: credentials.offer.into(),
        plan: credentials.plan.into(),
        registry: credentials.registry,
        key_id: credentials.key_id,
        nonce: credentials.nonce,
        ciphertext: credentials.ciphertext,
        realm_host: credentials.realm_host,
        updated_at: credentials.updated_at,
    };
    let changed = [
        Column::Registry,
        Column::KeyId,
        Column::Nonce,
        Column::Ciphertext,
        Column::RealmHost,
        Column::UpdatedAt,
    ];
    let key = [Column::Publisher, Column::Offer, Column::Plan];
    write::upsert(tx, model.into_active_model(), key, changed).await
}

/// The credentials of a plan.
pub async fn find(
    source: &impl Source,
    offer: &OfferKey,
    plan: &PlanName,
) -> Result<Option<Credentials>, Error> {
    let found = Entity::find_by_id(key(offer, plan))
        .one(&source.connection())
        .await?;
    found.map(read).transpose()
}

/// Forgets the credentials of a plan. `false`: there were none.
pub async fn delete(tx: &Tx, offer: &OfferKey, plan: &PlanName) -> Result<bool, Error> {
    Ok(Entity::delete_by_id(key(offer, plan))
        .exec(&tx.inner)
        .await?
        .rows_affected
        == 1)
}

/// All credentials, for sealing them again with a new key; in order of plan.
pub async fn list_all(source: &impl Source) -> Result<Vec<Credentials>, Error> {
    let query = Entity::find()
        .order_by_asc(Column::Publisher)
        .order_by_asc(Column::Offer)
        .order_by_asc(Column::Plan);
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// Until this transaction ends no key is rotated: to be taken before sealing what the transaction writes.
pub async fn hold_keys(tx: &Tx) -> Result<(), Error> {
    dialect::lock_keys(tx, dialect::Lock::Shared).await
}

/// Waits until nothing sealed with the present keys is on its way into a table, and keeps others waiting until this
/// transaction ends: to be taken before a new key is made.
pub async fn hold_keys_alone(tx: &Tx) -> Result<(), Error> {
    dialect::lock_keys(tx, dialect::Lock::Alone).await
}

/// Replaces the seal of `row` if it is still the one that `row` says. `false`: somebody changed the row meanwhile.
pub async fn seal_again(
    tx: &Tx,
    row: &Credentials,
    key_id: &str,
    nonce: Vec<u8>,
    ciphertext: Vec<u8>,
) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::KeyId, Expr::value(key_id))
        .col_expr(Column::Nonce, Expr::value(nonce))
        .col_expr(Column::Ciphertext, Expr::value(ciphertext))
        .filter(Column::Publisher.eq(row.publisher.as_str()))
        .filter(Column::Offer.eq(row.offer.as_str()))
        .filter(Column::Plan.eq(row.plan.as_str()))
        .filter(Column::KeyId.eq(row.key_id.as_str()))
        .filter(Column::Nonce.eq(row.nonce.clone()));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}
