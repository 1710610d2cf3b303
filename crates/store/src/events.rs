//! What happened: who did what to which thing. Events are only ever added; erasing a person empties the data of those
//! about the account, and nothing else.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;

use crate::column::Row;
use crate::entity::event::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// UUIDv7; its order is the order of events.
    pub id: String,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// Account id, or the marketplace's own name.
    pub actor: String,
    /// What kind of thing it happened to, such as `submission`.
    pub subject_kind: String,
    /// The id of that thing.
    pub subject: String,
    /// What happened, such as `submission.rejected`.
    pub kind: String,
    /// Whatever belongs to it.
    pub data: Value,
}

fn read(model: Model) -> Result<Event, Error> {
    let row = Row {
        table: "events",
        key: &model.id,
    };
    Ok(Event {
        data: row.read_json("data", &model.data)?,
        id: model.id,
        at: model.at,
        actor: model.actor,
        subject_kind: model.subject_kind,
        subject: model.subject,
        kind: model.kind,
    })
}

/// Adds an event.
pub async fn append(tx: &Tx, event: &Event) -> Result<(), Error> {
    let event = event.clone();
    let model = Model {
        id: event.id,
        at: event.at,
        actor: event.actor,
        subject_kind: event.subject_kind,
        subject: event.subject,
        kind: event.kind,
        data: event.data.to_string(),
    };
    write::insert(tx, model.into_active_model(), "the event id").await
}

/// The last `limit` events of one thing, newest first.
pub async fn of_subject(
    source: &impl Source,
    kind: &str,
    subject: &str,
    limit: u64,
) -> Result<Vec<Event>, Error> {
    let query = Entity::find()
        .filter(Column::SubjectKind.eq(kind))
        .filter(Column::Subject.eq(subject))
        .order_by_desc(Column::Id)
        .limit(limit);
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// The last `limit` events of all things, newest first, going on before the event id `before`.
pub async fn recent(
    source: &impl Source,
    limit: u64,
    before: Option<&str>,
) -> Result<Vec<Event>, Error> {
    let mut query = Entity::find().order_by_desc(Column::Id).limit(limit);
    if let Some(before) = before {
        query = query.filter(Column::Id.lt(before));
    }
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// Empties the data of every event about an account: network addresses, names of tokens. Tells of how many.
pub async fn scrub_account(tx: &Tx, account_id: &str) -> Result<u64, Error> {
    let query = Entity::update_many()
        .col_expr(Column::Data, Expr::value("{}"))
        .filter(Column::SubjectKind.eq("account"))
        .filter(Column::Subject.eq(account_id));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}

/// The subjects of one kind of event of one actor, each once, in order.
pub async fn subjects_of_actor(
    source: &impl Source,
    actor: &str,
    kind: &str,
) -> Result<Vec<String>, Error> {
    let rows = Entity::find()
        .filter(Column::Actor.eq(actor))
        .filter(Column::Kind.eq(kind))
        .order_by_asc(Column::Subject)
        .all(&source.connection())
        .await?;
    let mut subjects: Vec<String> = rows.into_iter().map(|row| row.subject).collect();
    subjects.dedup();
    Ok(subjects)
}
