//! Submissions: frozen offers on their way through the pipeline. Which way they may go is `domain::lifecycle`'s.

use domain::ids::OfferKey;
use domain::lifecycle::State;
use domain::offer::Offer;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
    UpdateMany,
};
use serde_json::Value;

use crate::column::Row;
use crate::entity::submission::{Column, Entity, Model};
use crate::error::{Error, is_unique_violation};
use crate::source::{Source, Tx};
use crate::write;

/// A submission.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// UUIDv7.
    pub id: String,
    /// Of which offer.
    pub key: OfferKey,
    /// Counts the submissions of the offer, from 1.
    pub number: i64,
    /// Where it stands.
    pub state: State,
    /// The offer as it was submitted.
    pub frozen: Offer,
    /// What the submitter told the reviewer.
    pub notes: String,
    /// The account that submitted.
    pub created_by: String,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// Last change of any kind.
    pub updated_at: i64,
    /// The certification report.
    pub report: Option<Value>,
    /// Per plan: tag → digest, platforms. `{}` before the import.
    pub imported: Value,
    /// Findings that a reviewer waived.
    pub waivers: Value,
    /// The reviewer's decision.
    pub decision: Option<Value>,
    /// Why the pipeline gave up, for people.
    pub failure: Option<String>,
    /// Until when the preview can be pulled.
    pub preview_expires_at: Option<i64>,
}

pub(crate) fn read(model: Model) -> Result<Submission, Error> {
    let row = Row {
        table: "submissions",
        key: &model.id,
    };
    Ok(Submission {
        key: OfferKey {
            publisher: row.read("publisher", &model.publisher)?,
            offer: row.read("offer", &model.offer)?,
        },
        state: row.read("state", &model.state)?,
        frozen: row.read_json("frozen", &model.frozen)?,
        report: row.optional(model.report.as_deref(), |row, text| {
            row.read_json("report", text)
        })?,
        imported: row.read_json("imported", &model.imported)?,
        waivers: row.read_json("waivers", &model.waivers)?,
        decision: row.optional(model.decision.as_deref(), |row, text| {
            row.read_json("decision", text)
        })?,
        id: model.id,
        number: model.number,
        notes: model.notes,
        created_by: model.created_by,
        created_at: model.created_at,
        updated_at: model.updated_at,
        failure: model.failure,
        preview_expires_at: model.preview_expires_at,
    })
}

fn write_model(submission: &Submission) -> Result<Model, Error> {
    let row = Row {
        table: "submissions",
        key: &submission.id,
    };
    Ok(Model {
        frozen: row.json("frozen", &submission.frozen)?,
        report: submission.report.as_ref().map(Value::to_string),
        imported: submission.imported.to_string(),
        waivers: submission.waivers.to_string(),
        decision: submission.decision.as_ref().map(Value::to_string),
        id: submission.id.clone(),
        publisher: submission.key.publisher.to_string(),
        offer: submission.key.offer.to_string(),
        number: submission.number,
        state: submission.state.as_str().to_owned(),
        notes: submission.notes.clone(),
        created_by: submission.created_by.clone(),
        created_at: submission.created_at,
        updated_at: submission.updated_at,
        failure: submission.failure.clone(),
        preview_expires_at: submission.preview_expires_at,
    })
}

/// Adds a submission. `Conflict` when its number is taken or another submission of the offer is running: of two who
/// submit at once, one gets in.
pub async fn insert(tx: &Tx, submission: &Submission) -> Result<(), Error> {
    let model = write_model(submission)?;
    write::insert(
        tx,
        model.into_active_model(),
        "the submission number, or the one running submission of the offer",
    )
    .await
}

/// The submission with this id.
pub async fn find(source: &impl Source, id: &str) -> Result<Option<Submission>, Error> {
    let found = Entity::find_by_id(id).one(&source.connection()).await?;
    found.map(read).transpose()
}

fn of(key: &OfferKey) -> Select<Entity> {
    Entity::find()
        .filter(Column::Publisher.eq(key.publisher.as_str()))
        .filter(Column::Offer.eq(key.offer.as_str()))
        .order_by_desc(Column::Number)
}

/// Every submission of an offer, newest first.
pub async fn of_offer(source: &impl Source, key: &OfferKey) -> Result<Vec<Submission>, Error> {
    of(key)
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// The newest submission of an offer.
pub async fn latest_of_offer(
    source: &impl Source,
    key: &OfferKey,
) -> Result<Option<Submission>, Error> {
    of(key)
        .limit(1)
        .one(&source.connection())
        .await?
        .map(read)
        .transpose()
}

/// The number that the next submission of an offer gets.
pub async fn next_number(source: &impl Source, key: &OfferKey) -> Result<i64, Error> {
    Ok(latest_of_offer(source, key)
        .await?
        .map_or(1, |latest| latest.number + 1))
}

/// The submission of an offer that is on its way ([`State::is_running`]); there is at most one.
pub async fn running_of_offer(
    source: &impl Source,
    key: &OfferKey,
) -> Result<Option<Submission>, Error> {
    let running = State::ALL
        .into_iter()
        .filter(|state| state.is_running())
        .map(State::as_str);
    let query = of(key).filter(Column::State.is_in(running)).limit(1);
    query.one(&source.connection()).await?.map(read).transpose()
}

/// Every submission in one of these states, oldest first.
pub async fn in_state(source: &impl Source, states: &[State]) -> Result<Vec<Submission>, Error> {
    let query = Entity::find()
        .filter(Column::State.is_in(states.iter().map(|state| state.as_str())))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id);
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// The submission, and nobody else changes it until the transaction ends. On SQLite its one writer is alone anyway.
pub async fn lock(tx: &Tx, id: &str) -> Result<Option<Submission>, Error> {
    let found = Entity::find_by_id(id).lock_exclusive().one(&tx.inner);
    found.await?.map(read).transpose()
}

/// At most `limit` submissions in preview whose time is over at `now`, the first first.
pub async fn previews_over(
    source: &impl Source,
    now: i64,
    limit: u64,
) -> Result<Vec<Submission>, Error> {
    let query = Entity::find()
        .filter(Column::State.eq(State::Preview.as_str()))
        .filter(Column::PreviewExpiresAt.lte(now))
        .order_by_asc(Column::PreviewExpiresAt)
        .order_by_asc(Column::Id)
        .limit(limit);
    let found = query.all(&source.connection()).await?;
    found.into_iter().map(read).collect()
}

fn change(id: &str, now: i64) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
}

/// Moves a submission on, if it still stands where the caller saw it. `false`: it does not, or there is none.
/// `Conflict` when it would be the second running one of its offer.
pub async fn set_state(tx: &Tx, id: &str, from: State, to: State, now: i64) -> Result<bool, Error> {
    let query = change(id, now)
        .col_expr(Column::State, Expr::value(to.as_str()))
        .filter(Column::State.eq(from.as_str()));
    match query.exec(&tx.inner).await {
        Ok(changed) => Ok(changed.rows_affected == 1),
        Err(error) if is_unique_violation(&error) => {
            Err(Error::Conflict("the one running submission of the offer"))
        }
        Err(error) => Err(error.into()),
    }
}

async fn set(tx: &Tx, id: &str, column: Column, value: Expr, now: i64) -> Result<bool, Error> {
    let query = change(id, now).col_expr(column, value);
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Keeps the certification report. `false`: no such submission, as with all that follow.
pub async fn set_report(tx: &Tx, id: &str, report: &Value, now: i64) -> Result<bool, Error> {
    set(tx, id, Column::Report, Expr::value(report.to_string()), now).await
}

/// Keeps what was imported.
pub async fn set_imported(tx: &Tx, id: &str, imported: &Value, now: i64) -> Result<bool, Error> {
    set(
        tx,
        id,
        Column::Imported,
        Expr::value(imported.to_string()),
        now,
    )
    .await
}

/// Keeps which findings were waived.
pub async fn set_waivers(tx: &Tx, id: &str, waivers: &Value, now: i64) -> Result<bool, Error> {
    set(
        tx,
        id,
        Column::Waivers,
        Expr::value(waivers.to_string()),
        now,
    )
    .await
}

/// Keeps the reviewer's decision.
pub async fn set_decision(tx: &Tx, id: &str, decision: &Value, now: i64) -> Result<bool, Error> {
    set(
        tx,
        id,
        Column::Decision,
        Expr::value(decision.to_string()),
        now,
    )
    .await
}

/// Keeps why the pipeline gave up.
pub async fn set_failure(tx: &Tx, id: &str, failure: &str, now: i64) -> Result<bool, Error> {
    set(tx, id, Column::Failure, Expr::value(failure), now).await
}

/// Keeps until when the preview can be pulled.
pub async fn set_preview_expires_at(
    tx: &Tx,
    id: &str,
    at: Option<i64>,
    now: i64,
) -> Result<bool, Error> {
    set(tx, id, Column::PreviewExpiresAt, Expr::value(at), now).await
}
