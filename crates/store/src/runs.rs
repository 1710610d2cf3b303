//! Runs of modules: what was measured of one image of a submission, when it was certified or in a night after that. The
//! event log of a run is a file in [`crate::Blobs`], named by its digest. Judging is not done here.

use std::collections::BTreeSet;

use domain::behaviour::Observed;
use domain::ids::PlanName;
use oci::{Digest, Platform};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
};

use crate::column::Row;
use crate::digests;
use crate::entity::run::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// Runs in nights that are kept of one image.
pub const NIGHTS_KEPT: u64 = 14;

/// One image that was to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What lists need.
    pub summary: Summary,
    /// What was seen; `Err` says why it was not run.
    pub observed: Result<Box<Observed>, String>,
    /// What of the createOptions it was not given.
    pub left_out: Vec<String>,
}

/// A run without what was seen, which may be large.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// UUIDv7.
    pub id: String,
    /// Of which submission.
    pub submission: String,
    /// Of which plan.
    pub plan: PlanName,
    /// Which image of it.
    pub platform: Platform,
    /// The manifest of that image.
    pub digest: Digest,
    /// Run again in a night, while it was live.
    pub nightly: bool,
    /// Microseconds since 1970, UTC.
    pub began_at: i64,
    /// Version of the environment.
    pub environment: String,
    /// Name and version of the container engine; empty when there was none.
    pub engine: String,
    /// Rules on running modules that passed.
    pub passed: u64,
    /// Of so many that applied.
    pub applicable: u64,
    /// Codes of the rules that it broke, those left out that only warn; of a night, those that were kept when it was
    /// certified.
    pub broken: Vec<String>,
    /// An emulator ran it: memory and processor time are not its own, and not kept.
    pub emulated: bool,
    /// Why it was not run.
    pub why_not: Option<String>,
    /// What it took, if that was measured.
    pub footprint: Option<Footprint>,
    /// Its event log, if there is one.
    pub log: Option<Log>,
}

/// What a module took on one platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Most memory, in bytes.
    pub memory_peak_bytes: u64,
    /// Memory at the end, in bytes.
    pub memory_steady_bytes: u64,
    /// Processor time as a share of one core, in thousandths.
    pub cpu_permille: u64,
}

/// An event log as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its name in the storage.
    pub digest: Digest,
    /// Compressed bytes.
    pub bytes: u64,
}

#[derive(FromQueryResult)]
struct Short {
    id: String,
    submission: String,
    plan: String,
    platform: String,
    digest: String,
    nightly: bool,
    began_at: i64,
    environment: String,
    engine: String,
    passed: i64,
    applicable: i64,
    broken: String,
    emulated: bool,
    memory_peak_bytes: Option<i64>,
    memory_steady_bytes: Option<i64>,
    cpu_permille: Option<i64>,
    why_not: Option<String>,
    log: Option<String>,
    log_bytes: i64,
}

const SHORT: [Column; 19] = [
    Column::Id,
    Column::Submission,
    Column::Plan,
    Column::Platform,
    Column::Digest,
    Column::Nightly,
    Column::BeganAt,
    Column::Environment,
    Column::Engine,
    Column::Passed,
    Column::Applicable,
    Column::Broken,
    Column::Emulated,
    Column::MemoryPeakBytes,
    Column::MemorySteadyBytes,
    Column::CpuPermille,
    Column::WhyNot,
    Column::Log,
    Column::LogBytes,
];

fn row(id: &str) -> Row<'_> {
    Row {
        table: "runs",
        key: id,
    }
}

/// Counts and sizes are written by us and never negative.
fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn summary(short: Short) -> Result<Summary, Error> {
    let row = row(&short.id);
    let measured = short.memory_peak_bytes.zip(short.memory_steady_bytes);
    let footprint = measured
        .zip(short.cpu_permille)
        .map(|((peak, steady), cpu)| Footprint {
            memory_peak_bytes: number(peak),
            memory_steady_bytes: number(steady),
            cpu_permille: number(cpu),
        });
    let log = row.optional(short.log.as_deref(), |row, text| {
        Ok(Log {
            digest: row.read("log", text)?,
            bytes: number(short.log_bytes),
        })
    })?;
    Ok(Summary {
        plan: row.read("plan", &short.plan)?,
        platform: row.read("platform", &short.platform)?,
        digest: row.read("digest", &short.digest)?,
        broken: row.read_json("broken", &short.broken)?,
        passed: number(short.passed),
        applicable: number(short.applicable),
        submission: short.submission,
        nightly: short.nightly,
        began_at: short.began_at,
        environment: short.environment,
        engine: short.engine,
        emulated: short.emulated,
        why_not: short.why_not,
        footprint,
        log,
        id: short.id,
    })
}

fn read(model: Model) -> Result<Run, Error> {
    let row = row(&model.id);
    let observed = match (&model.observed, &model.why_not) {
        (Some(text), _) => Ok(Box::new(row.read_json("observed", text)?)),
        (None, Some(why)) => Err(why.clone()),
        (None, None) => return Err(row.wrong("observed", &"neither seen nor why not")),
    };
    let left_out = row.read_json("left_out", &model.left_out)?;
    let summary = summary(Short {
        id: model.id,
        submission: model.submission,
        plan: model.plan,
        platform: model.platform,
        digest: model.digest,
        nightly: model.nightly,
        began_at: model.began_at,
        environment: model.environment,
        engine: model.engine,
        passed: model.passed,
        applicable: model.applicable,
        broken: model.broken,
        emulated: model.emulated,
        memory_peak_bytes: model.memory_peak_bytes,
        memory_steady_bytes: model.memory_steady_bytes,
        cpu_permille: model.cpu_permille,
        why_not: model.why_not,
        log: model.log,
        log_bytes: model.log_bytes,
    })?;
    Ok(Run {
        summary,
        observed,
        left_out,
    })
}

fn write_model(run: &Run) -> Result<Model, Error> {
    let summary = &run.summary;
    let row = row(&summary.id);
    let footprint = summary.footprint;
    let observed = match &run.observed {
        Ok(observed) => Some(row.json("observed", observed)?),
        Err(_) => None,
    };
    Ok(Model {
        id: summary.id.clone(),
        submission: summary.submission.clone(),
        plan: summary.plan.to_string(),
        platform: summary.platform.to_string(),
        digest: summary.digest.to_string(),
        nightly: summary.nightly,
        began_at: summary.began_at,
        environment: summary.environment.clone(),
        engine: summary.engine.clone(),
        passed: signed(summary.passed),
        applicable: signed(summary.applicable),
        broken: row.json("broken", &summary.broken)?,
        emulated: summary.emulated,
        memory_peak_bytes: footprint.map(|one| signed(one.memory_peak_bytes)),
        memory_steady_bytes: footprint.map(|one| signed(one.memory_steady_bytes)),
        cpu_permille: footprint.map(|one| signed(one.cpu_permille)),
        why_not: run.observed.as_ref().err().cloned(),
        observed,
        left_out: row.json("left_out", &run.left_out)?,
        log: summary.log.as_ref().map(|log| log.digest.to_string()),
        log_bytes: summary.log.as_ref().map_or(0, |log| signed(log.bytes)),
    })
}

/// Adds a run. What was kept of the same image goes: when it was certified, any run before; of nights, those beyond
/// [`NIGHTS_KEPT`]. Gives the logs that nobody needs any more.
pub async fn keep(tx: &Tx, run: &Run) -> Result<Vec<Digest>, Error> {
    let summary = &run.summary;
    let kept = if summary.nightly { NIGHTS_KEPT - 1 } else { 0 };
    let old = short(&summary.submission)
        .filter(Column::Plan.eq(summary.plan.as_str()))
        .filter(Column::Platform.eq(summary.platform.to_string()))
        .filter(Column::Nightly.eq(summary.nightly))
        .offset(kept)
        .limit(write::BINDS_MAX as u64);
    let old = old.into_model::<Short>().all(&tx.inner).await?;
    let old: Vec<Summary> = old
        .into_iter()
        .map(self::summary)
        .collect::<Result<_, _>>()?;
    let ids = old.iter().map(|one| one.id.as_str());
    Entity::delete_many()
        .filter(Column::Id.is_in(ids))
        .exec(&tx.inner)
        .await?;
    write::insert(tx, write_model(run)?.into_active_model(), "the run").await?;
    let mut unused = Vec::new();
    for log in old.into_iter().filter_map(|one| one.log) {
        let users = Entity::find().filter(Column::Log.eq(log.digest.as_str()));
        if users.count(&tx.inner).await? == 0 {
            unused.push(log.digest);
        }
    }
    Ok(unused)
}

/// Newest first.
fn short(submission: &str) -> Select<Entity> {
    Entity::find()
        .select_only()
        .columns(SHORT)
        .filter(Column::Submission.eq(submission))
        .order_by_desc(Column::BeganAt)
        .order_by_desc(Column::Id)
}

/// Every run of a submission without what was seen, newest first.
pub async fn summaries(source: &impl Source, submission: &str) -> Result<Vec<Summary>, Error> {
    let query = short(submission).into_model::<Short>();
    let found = query.all(&source.connection()).await?;
    found.into_iter().map(summary).collect()
}

/// The runs that certified a submission, as far as they went: plans and platforms in order.
pub async fn certifying(source: &impl Source, submission: &str) -> Result<Vec<Run>, Error> {
    let query = Entity::find()
        .filter(Column::Submission.eq(submission))
        .filter(Column::Nightly.eq(false))
        .order_by_asc(Column::Plan)
        .order_by_asc(Column::Platform)
        .order_by_asc(Column::Id);
    let found = query.all(&source.connection()).await?;
    found.into_iter().map(read).collect()
}

/// One run.
pub async fn find(source: &impl Source, id: &str) -> Result<Option<Run>, Error> {
    let found = Entity::find_by_id(id).one(&source.connection()).await?;
    found.map(read).transpose()
}

/// Digests of all event logs, each once, in order, after the given one; at most `limit`.
pub async fn logs(
    source: &impl Source,
    after: Option<&Digest>,
    limit: u64,
) -> Result<Vec<Digest>, Error> {
    let some = Condition::all().add(Column::Log.is_not_null());
    digests::page::<Entity>(source, Column::Log, some, after, limit).await
}

/// Which of these event logs some run names.
pub async fn named_logs(source: &impl Source, logs: &[Digest]) -> Result<BTreeSet<Digest>, Error> {
    let mut named = BTreeSet::new();
    for some in logs.chunks(write::BINDS_MAX) {
        let these = Column::Log.is_in(some.iter().map(Digest::as_str));
        let these = Condition::all().add(these);
        named.extend(digests::all::<Entity>(source, Column::Log, these).await?);
    }
    Ok(named)
}
