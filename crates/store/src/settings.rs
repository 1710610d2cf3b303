//! What the operator set: certification policy, platform matrix, runtime images. Each setting is one JSON value.

use sea_orm::{EntityTrait, IntoActiveModel, QuerySelect};
use serde_json::Value;

use crate::column::Row;
use crate::entity::setting::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// The value of a setting; `None` when it was never set.
pub async fn get(source: &impl Source, key: &str) -> Result<Option<Value>, Error> {
    read(Entity::find_by_id(key).one(&source.connection()).await?)
}

fn read(found: Option<Model>) -> Result<Option<Value>, Error> {
    let Some(model) = found else { return Ok(None) };
    let row = Row {
        table: "settings",
        key: &model.name,
    };
    row.read_json("value", &model.value).map(Some)
}

/// The value of a setting that this transaction is about to change; another that wants the same waits.
pub async fn get_to_change(tx: &Tx, key: &str) -> Result<Option<Value>, Error> {
    let found = Entity::find_by_id(key)
        .lock_exclusive()
        .one(&tx.inner)
        .await?;
    read(found)
}

/// Sets a setting.
pub async fn put(tx: &Tx, key: &str, value: &Value) -> Result<(), Error> {
    let model = Model {
        name: key.to_owned(),
        value: value.to_string(),
    };
    write::upsert(
        tx,
        model.into_active_model(),
        [Column::Name],
        [Column::Value],
    )
    .await
}
