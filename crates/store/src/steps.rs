//! The steps of a submission's pipeline, each with its start, end, outcome and log.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::step::{Column, Entity};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

pub use crate::entity::step::Model as StepRow;

/// Most bytes of log that a step keeps; what is older goes first.
pub const LOG_BYTES_MAX: usize = 256 * 1024;

/// Stands at the top of a log that lost its beginning.
const CUT: &str = "… (earlier lines were dropped)\n";

/// Begins a step, or begins it again: its end and outcome are forgotten, its log goes on.
pub async fn start(tx: &Tx, submission: &str, step: &str, now: i64) -> Result<(), Error> {
    let row = StepRow {
        submission: submission.to_owned(),
        step: step.to_owned(),
        started_at: now,
        ended_at: None,
        outcome: None,
        detail: String::new(),
        log: String::new(),
    };
    let changed = [
        Column::StartedAt,
        Column::EndedAt,
        Column::Outcome,
        Column::Detail,
    ];
    write::upsert(
        tx,
        row.into_active_model(),
        [Column::Submission, Column::Step],
        changed,
    )
    .await
}

/// Ends a step. `false`: it was never begun.
pub async fn finish(
    tx: &Tx,
    submission: &str,
    step: &str,
    outcome: &str,
    detail: &str,
    now: i64,
) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now))
        .col_expr(Column::Outcome, Expr::value(outcome))
        .col_expr(Column::Detail, Expr::value(detail))
        .filter(Column::Submission.eq(submission))
        .filter(Column::Step.eq(step));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Adds to a step's log and keeps its last [`LOG_BYTES_MAX`] bytes. `false`: the step was never begun.
/// One worker at a time writes a step's log; of two at once, one would lose its words.
pub async fn append_log(tx: &Tx, submission: &str, step: &str, text: &str) -> Result<bool, Error> {
    let key = (submission.to_owned(), step.to_owned());
    let Some(row) = Entity::find_by_id(key).one(&tx.inner).await? else {
        return Ok(false);
    };
    let query = Entity::update_many()
        .col_expr(Column::Log, Expr::value(bounded(row.log, text)))
        .filter(Column::Submission.eq(submission))
        .filter(Column::Step.eq(step));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

fn bounded(mut log: String, more: &str) -> String {
    log.push_str(more);
    if log.len() <= LOG_BYTES_MAX {
        return log;
    }
    let earliest = log.ceil_char_boundary(log.len() - (LOG_BYTES_MAX - CUT.len()));
    // Begin with a whole line where there is one.
    let start = log[earliest..]
        .find('\n')
        .map_or(earliest, |end| earliest + end + 1);
    let start = if start == log.len() { earliest } else { start };
    format!("{CUT}{}", &log[start..])
}

/// The steps of a submission in the order they began.
pub async fn of_submission(source: &impl Source, submission: &str) -> Result<Vec<StepRow>, Error> {
    let query = Entity::find()
        .filter(Column::Submission.eq(submission))
        .order_by_asc(Column::StartedAt)
        .order_by_asc(Column::Step);
    Ok(query.all(&source.connection()).await?)
}

/// The last `limit` runs of one step that ended in one of these outcomes, over all submissions, newest first.
pub async fn recent(
    source: &impl Source,
    step: &str,
    outcomes: &[&str],
    limit: u64,
) -> Result<Vec<StepRow>, Error> {
    let query = Entity::find()
        .filter(Column::Step.eq(step))
        .filter(Column::Outcome.is_in(outcomes.iter().copied()))
        .filter(Column::EndedAt.is_not_null())
        .order_by_desc(Column::EndedAt)
        .order_by_asc(Column::Submission)
        .limit(limit);
    Ok(query.all(&source.connection()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_end_within_the_limit() {
        assert_eq!(bounded("a\n".to_owned(), "b\n"), "a\nb\n");
        let line = format!("{}\n", "ä".repeat(40));
        let long = bounded(line.repeat(4000), "the end\n");
        assert!(long.len() <= LOG_BYTES_MAX && long.len() > LOG_BYTES_MAX - 200);
        assert!(long.starts_with(CUT) && long.ends_with(&format!("{line}the end\n")));
        let endless = bounded(String::new(), &"ä".repeat(LOG_BYTES_MAX));
        assert!(endless.len() <= LOG_BYTES_MAX && endless.len() > LOG_BYTES_MAX - 10);
    }
}
