//! Work to be done outside a request. A job is claimed under a lease; a worker that dies loses it to the next one,
//! and every change a worker makes to its job says whether the lease still was its own.

use domain::ids::PublisherId;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, UpdateMany,
};
use serde_json::Value;

use crate::column::Row;
use crate::dialect;
use crate::entity::job::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Sink, Source, Tx, Writer};
use crate::write;

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// UUIDv7.
    pub id: String,
    /// Which work.
    pub kind: String,
    /// On what.
    pub payload: Value,
    /// Of jobs with the same key at most one is queued or running.
    pub unique_key: Option<String>,
    /// Not before.
    pub run_at: i64,
    /// How often it was claimed, as far as that counts.
    pub attempts: i32,
    /// Until when it belongs to its worker.
    pub lease_until: Option<i64>,
    /// Its worker.
    pub leased_by: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// When it was done, or failed for good.
    pub finished_at: Option<i64>,
}

/// A job to be queued.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// UUIDv7.
    pub id: String,
    /// Which work.
    pub kind: String,
    /// On what.
    pub payload: Value,
    /// Whose work it is; nobody's comes before anybody's.
    pub publisher: Option<PublisherId>,
    /// Of jobs with the same key at most one is queued or running.
    pub unique_key: Option<String>,
    /// Not before.
    pub run_at: i64,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Waits for its time and a worker.
    Queued,
    /// Belongs to a worker.
    Running,
    /// Done.
    Done,
    /// Given up.
    Failed,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Failed];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for JobState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| {
                format!("`{text}` is not a job state; use queued, running, done or failed")
            })
    }
}

/// How many jobs stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Waiting.
    pub queued: u64,
    /// Being worked on.
    pub running: u64,
    /// Done and not yet swept away.
    pub done: u64,
    /// Given up.
    pub failed: u64,
}

fn read(model: Model) -> Result<Job, Error> {
    let row = Row {
        table: "jobs",
        key: &model.id,
    };
    Ok(Job {
        payload: row.read_json("payload", &model.payload)?,
        state: row.read("state", &model.state)?,
        id: model.id,
        kind: model.kind,
        unique_key: model.unique_key,
        run_at: model.run_at,
        attempts: i32::try_from(model.attempts).unwrap_or(i32::MAX),
        lease_until: model.lease_until,
        leased_by: model.leased_by,
        last_error: model.last_error,
        created_at: model.created_at,
        finished_at: model.finished_at,
    })
}

/// Queues a job. `false`: one with its unique key (or its id) is there already.
pub async fn enqueue(tx: &Tx, job: &NewJob) -> Result<bool, Error> {
    let job = job.clone();
    let model = Model {
        id: job.id,
        kind: job.kind,
        payload: job.payload.to_string(),
        unique_key: job.unique_key,
        run_at: job.run_at,
        attempts: 0,
        lease_until: None,
        leased_by: None,
        state: JobState::Queued.as_str().to_owned(),
        last_error: None,
        created_at: job.created_at,
        finished_at: None,
        publisher: job.publisher.map(String::from),
    };
    write::insert_if_new(tx, model.into_active_model()).await
}

/// Which jobs a worker takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice<'a> {
    /// None of these kinds.
    pub without: &'a [&'a str],
    /// Of these kinds first those of publishers of whom fewest are being worked on, so that one who queued many does not
    /// keep the others waiting.
    pub in_turn: &'a [&'a str],
}

/// Gives the worker the job that has been due longest and belongs to nobody, or whose worker's lease ran out, as far as
/// `choice` says nothing else. The lease lasts `lease_micros` from `now`. Two workers never get the same job.
pub async fn claim(
    writer: &Writer,
    worker: &str,
    now: i64,
    lease_micros: i64,
    choice: Choice<'_>,
) -> Result<Option<Job>, Error> {
    let engine = writer.pool.get_database_backend();
    let until = now.saturating_add(lease_micros);
    let statement = dialect::claim_job(engine, worker, (now, until), choice);
    match writer.pool.query_one_raw(statement).await? {
        Some(row) => Ok(Some(read(Model::from_query_result(&row, "")?)?)),
        None => Ok(None),
    }
}

/// A change to a job that the worker still holds.
fn held(id: &str, worker: &str) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Id.eq(id))
        .filter(Column::LeasedBy.eq(worker))
        .filter(Column::State.eq(JobState::Running.as_str()))
}

/// Holds on to a job until `until`. `false`: it is no longer the worker's, who should stop.
pub async fn renew(writer: &Writer, id: &str, worker: &str, until: i64) -> Result<bool, Error> {
    let query = held(id, worker).col_expr(Column::LeaseUntil, Expr::value(until));
    Ok(query.exec(&writer.pool).await?.rows_affected == 1)
}

/// Marks a job as done, alone or in the transaction of its last change. `false`: it is no longer the worker's.
pub async fn finish(to: &impl Sink, id: &str, worker: &str, now: i64) -> Result<bool, Error> {
    let query = held(id, worker)
        .col_expr(Column::State, Expr::value(JobState::Done.as_str()))
        .col_expr(Column::FinishedAt, Expr::value(now))
        .col_expr(Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(Column::LeasedBy, Expr::value(None::<String>));
    Ok(query.exec(&to.connection()).await?.rows_affected == 1)
}

/// When a job is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Not before.
    pub at: i64,
    /// How many attempts count so far: [`Job::attempts`], or fewer when this one does not.
    pub attempts: i32,
}

/// Notes a failed attempt: queued again, or given up, alone or with what that ends. `false`: it is no longer the worker's.
pub async fn fail(
    to: &impl Sink,
    id: &str,
    worker: &str,
    error: &str,
    retry: Option<Retry>,
    now: i64,
) -> Result<bool, Error> {
    let mut query = held(id, worker)
        .col_expr(Column::LastError, Expr::value(error))
        .col_expr(Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(Column::LeasedBy, Expr::value(None::<String>));
    query = match retry {
        Some(retry) => query
            .col_expr(Column::State, Expr::value(JobState::Queued.as_str()))
            .col_expr(Column::RunAt, Expr::value(retry.at))
            .col_expr(Column::Attempts, Expr::value(i64::from(retry.attempts))),
        None => query
            .col_expr(Column::State, Expr::value(JobState::Failed.as_str()))
            .col_expr(Column::FinishedAt, Expr::value(now)),
    };
    Ok(query.exec(&to.connection()).await?.rows_affected == 1)
}

/// Gives back every job of a worker that stops in good order, due at once and without counting the attempt; tells how
/// many. A worker that is killed leaves them to their lease instead.
pub async fn release(writer: &Writer, worker: &str, now: i64) -> Result<u64, Error> {
    let query = Entity::update_many()
        .filter(Column::LeasedBy.eq(worker))
        .filter(Column::State.eq(JobState::Running.as_str()))
        .col_expr(Column::State, Expr::value(JobState::Queued.as_str()))
        .col_expr(Column::RunAt, Expr::value(now))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1))
        .col_expr(Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(Column::LeasedBy, Expr::value(None::<String>));
    Ok(query.exec(&writer.pool).await?.rows_affected)
}

/// The job with this id.
pub async fn find(source: &impl Source, id: &str) -> Result<Option<Job>, Error> {
    let found = Entity::find_by_id(id).one(&source.connection()).await?;
    found.map(read).transpose()
}

/// At most `limit` jobs in a state, newest first.
pub async fn in_state(
    source: &impl Source,
    state: JobState,
    limit: u64,
) -> Result<Vec<Job>, Error> {
    let query = Entity::find()
        .filter(Column::State.eq(state.as_str()))
        .order_by_desc(Column::Id)
        .limit(limit);
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// How many jobs stand where.
pub async fn counts(source: &impl Source) -> Result<JobCounts, Error> {
    let mut counts = JobCounts::default();
    for state in JobState::ALL {
        let query = Entity::find().filter(Column::State.eq(state.as_str()));
        let count = query.count(&source.connection()).await?;
        match state {
            JobState::Queued => counts.queued = count,
            JobState::Running => counts.running = count,
            JobState::Done => counts.done = count,
            JobState::Failed => counts.failed = count,
        }
    }
    Ok(counts)
}

/// Sweeps away jobs that were done, or given up, before a time, at most `limit` of them; tells how many.
pub async fn delete_finished(tx: &Tx, before: i64, limit: u64) -> Result<u64, Error> {
    let some = Query::select()
        .column(Column::Id)
        .from(Entity)
        .and_where(Column::State.is_in([JobState::Done.as_str(), JobState::Failed.as_str()]))
        .and_where(Column::FinishedAt.lt(before))
        .limit(limit)
        .take();
    let query = Entity::delete_many().filter(Column::Id.in_subquery(some));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}
