//! The places where SQLite and PostgreSQL differ, each with its reason. Nothing else in this crate asks for the engine,
//! except the transaction mode in `source.rs` and column types in `migration/columns.rs`.

use std::path::Path;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};

use crate::error::Error;
use crate::jobs::Choice;
use crate::source::{Reader, Tx, Writer};

/// Any number, as long as no other program takes the same one on the same database.
const MIGRATION_LOCK: i64 = 0x6564_6765_6d61_7274;

/// PostgreSQL: several replicas may start at once, so each waits for the advisory lock of this transaction.
/// SQLite: one process uses the file, so there is nobody to wait for, and the one connection must stay free.
pub(crate) async fn take_turn_to_migrate(writer: &Writer) -> Result<Option<Tx>, Error> {
    if writer.pool.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let turn = writer.begin().await?;
    let lock = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "select pg_advisory_xact_lock($1)",
        [Value::from(MIGRATION_LOCK)],
    );
    turn.inner.execute_raw(lock).await?;
    Ok(Some(turn))
}

/// As [`MIGRATION_LOCK`], for the keys that seal secrets.
const KEYS_LOCK: i64 = 0x6564_6765_6b65_7973;

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Together with others of this kind.
    Shared,
    /// By one alone.
    Alone,
}

/// PostgreSQL: an advisory lock of the transaction. SQLite: its one writer is alone for as long as a transaction lasts.
pub(crate) async fn lock_keys(tx: &Tx, lock: Lock) -> Result<(), Error> {
    if tx.inner.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let sql = match lock {
        Lock::Shared => "select pg_advisory_xact_lock_shared($1)",
        Lock::Alone => "select pg_advisory_xact_lock($1)",
    };
    let lock = Statement::from_sql_and_values(DbBackend::Postgres, sql, [Value::from(KEYS_LOCK)]);
    tx.inner.execute_raw(lock).await?;
    Ok(())
}

/// SQLite copies itself while in use; PostgreSQL has its own tool.
pub(crate) async fn vacuum_into(writer: &Writer, path: &Path) -> Result<(), Error> {
    let pool = &writer.reader.pool;
    if pool.get_database_backend() != DbBackend::Sqlite {
        let what = "back-up of PostgreSQL: use pg_dump, which copies it while in use";
        return Err(Error::Other(DbErr::Custom(what.to_owned())));
    }
    let Some(path) = path.to_str() else {
        let what = format!("back-up to {}: the path is not UTF-8", path.display());
        return Err(Error::Other(DbErr::Custom(what)));
    };
    let copy =
        Statement::from_sql_and_values(DbBackend::Sqlite, "vacuum into $1", [Value::from(path)]);
    pool.execute_raw(copy).await?;
    Ok(())
}

/// SQLite's own check of every page and index. PostgreSQL keeps no file of ours.
pub(crate) async fn integrity(reader: &Reader) -> Result<Option<String>, Error> {
    if reader.pool.get_database_backend() != DbBackend::Sqlite {
        return Ok(None);
    }
    let check = Statement::from_string(DbBackend::Sqlite, "pragma integrity_check(1)");
    let told: Option<String> = match reader.pool.query_one_raw(check).await? {
        Some(row) => Some(row.try_get_by_index(0)?),
        None => None,
    };
    Ok(told.filter(|told| told != "ok"))
}

/// Takes the job that has been due longest: queued, or running under a lease that ran out; of some kinds, publishers take
/// turns.
///
/// PostgreSQL: rows that another worker is just taking are passed over (`skip locked`), so workers never wait for
/// each other. SQLite knows no row locks and needs none: its one writer makes the statement atomic.
pub(crate) fn claim_job(
    engine: DbBackend,
    worker: &str,
    (now, until): (i64, i64),
    choice: Choice<'_>,
) -> Statement {
    let mut values: Vec<Value> = vec![until.into(), worker.into(), now.into()];
    let mut kinds = |kinds: &[&str]| -> String {
        let mut list = Vec::new();
        for kind in kinds {
            values.push((*kind).into());
            list.push(format!("${}", values.len()));
        }
        list.join(", ")
    };
    let (without, in_turn) = (kinds(choice.without), kinds(choice.in_turn));
    let without = match choice.without {
        [] => String::new(),
        _ => format!(" and job.kind not in ({without})"),
    };
    let in_turn = match choice.in_turn {
        [] => String::new(),
        _ => format!(
            "case when job.kind in ({in_turn}) then (select count(*) from jobs other \
                where other.state = 'running' and other.lease_until >= $3 \
                and other.publisher = job.publisher and other.kind in ({in_turn})) else 0 end, "
        ),
    };
    let pass_over = match engine {
        DbBackend::Postgres => "for update of job skip locked",
        _ => "",
    };
    let sql = format!(
        "update jobs set state = 'running', attempts = attempts + 1, lease_until = $1, leased_by = $2 \
        where id = (select job.id from jobs job \
            where ((job.state = 'queued' and job.run_at <= $3) \
                or (job.state = 'running' and job.lease_until < $3)){without} \
            order by {in_turn}job.run_at, job.id limit 1 {pass_over}) \
        returning *"
    );
    Statement::from_sql_and_values(engine, sql, values)
}
