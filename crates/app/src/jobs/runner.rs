//! Runs jobs until told to stop. A claimed job's lease is renewed while it works; when this process dies, the lease runs
//! out and another replica, or this one after its restart, takes over. A stop in good order gives the jobs back at once.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;
use store::jobs::{Job, Retry};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use super::Kind;
use super::ended::{Ended, broke_off_too_often, retry};
use super::failed::write_failed;
use super::lease::{LEASE_MICROS, Lease, RENEW_EVERY, leased};
use super::slots::{Room, Slots, Taken};
use crate::App;
use crate::clock::new_id;
use crate::error::Refused;
use crate::pipeline;

/// How often an idle worker looks; a job queued here wakes it at once.
const POLL_EVERY: Duration = Duration::from_millis(500);

/// Works on jobs until `stop` turns true; jobs under way are broken off and given back.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    let mut slots = Slots::new(app.settings.limits.jobs_parallel_max);
    let mut workers = JoinSet::new();
    while !*stop.borrow() {
        while let Some(ended) = workers.try_join_next_with_id() {
            free(&mut slots, ended);
        }
        let waiting = app.jobs_waiting.notified();
        // A name for this claim alone, so that a lease that ran out is never taken for the next one.
        let worker = new_id();
        match claim(&app, &worker, slots.room()).await {
            Some(job) => {
                let long = job.kind.parse().is_ok_and(|kind| is_long(&app, kind));
                let task = workers.spawn(work(app.clone(), worker.clone(), job)).id();
                slots.take(task, Taken { worker, long });
            }
            None => {
                tokio::select! {
                    () = waiting => {}
                    () = tokio::time::sleep(POLL_EVERY) => {}
                    Some(ended) = workers.join_next_with_id(), if !workers.is_empty() => free(&mut slots, ended),
                    _ = stop.changed() => {}
                }
            }
        }
    }
    workers.shutdown().await;
    for worker in slots.workers() {
        match store::jobs::release(&app.writer, worker, app.clock.now()).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "gave unfinished jobs back"),
            Err(error) => {
                tracing::warn!(%error, "could not give an unfinished job back; its lease will run out");
            }
        }
    }
}

/// Whether the work waits for what others have in their hands: a registry, or a module that runs.
fn is_long(app: &App, kind: Kind) -> bool {
    match kind {
        Kind::Import | Kind::Rerun => true,
        Kind::Certify => app.settings.engine.is_some(),
        Kind::Publish | Kind::Purge => false,
    }
}

fn free(slots: &mut Slots<Id>, ended: Result<(Id, ()), JoinError>) {
    let task = match ended {
        Ok((task, ())) => task,
        Err(error) => {
            tracing::error!(%error, "a job broke off; its lease will run out");
            error.id()
        }
    };
    slots.free(&task);
}

async fn claim(app: &App, worker: &str, room: Room) -> Option<Job> {
    if room == Room::Nothing {
        return None;
    }
    let long: Vec<&str> = Kind::ALL
        .into_iter()
        .filter(|kind| is_long(app, *kind))
        .map(Kind::as_str)
        .collect();
    let choice = room.choice(&long);
    let now = app.clock.now();
    match store::jobs::claim(&app.writer, worker, now, LEASE_MICROS, choice).await {
        Ok(job) => job,
        Err(error) => {
            tracing::warn!(%error, "could not look for jobs; trying again");
            None
        }
    }
}

async fn work(app: App, worker: String, job: Job) {
    let kind = job.kind.parse::<Kind>();
    let subject = kind.as_ref().ok().map(|kind| kind.subject());
    let subject = subject.and_then(|name| job.payload.get(name).and_then(Value::as_str));
    let (Ok(kind), Some(subject)) = (kind, subject) else {
        tracing::error!(
            job = job.id,
            kind = job.kind,
            "a job of an unknown kind was given up"
        );
        return fail(&app, &worker, &job, "unknown kind of job", None).await;
    };
    let doing = async {
        match kind {
            Kind::Import => pipeline::import(&app, subject).await,
            Kind::Certify => pipeline::certify(&app, subject).await,
            Kind::Publish => pipeline::publish(&app, subject).await,
            Kind::Purge => pipeline::purge(&app, subject).await,
            Kind::Rerun => pipeline::rerun(&app, subject).await,
        }
    };
    let lease = Lease {
        writer: app.writer.clone(),
        clock: app.clock.clone(),
        job: job.id.clone(),
        worker: worker.clone(),
    };
    if broke_off_too_often(kind, &job) {
        let why = "the process that worked on it ended each time without a word";
        return fail(&app, &worker, &job, why, None).await;
    }
    let Some(ended) = leased(lease, RENEW_EVERY, outcome(doing)).await else {
        return;
    };
    let retry = retry(kind, &job, &ended, app.clock.now());
    match ended {
        Ended::Done => {
            let done = store::jobs::finish(&app.writer, &job.id, &worker, app.clock.now()).await;
            told(&job, done.map_err(Refused::from));
        }
        Ended::Again(why) | Ended::Onward(why) | Ended::Waiting(why) => {
            fail(&app, &worker, &job, &why, retry).await;
        }
    }
}

/// How work ended. One that panics counts as any other that failed: it would be tried again at once, for ever.
async fn outcome(doing: impl Future<Output = Result<Ended, Refused>>) -> Ended {
    match AssertUnwindSafe(doing).catch_unwind().await {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => Ended::Again(with_causes(&error)),
        Err(_) => Ended::Again("a mistake in this program; the log says where".to_owned()),
    }
}

pub(super) fn with_causes(error: &Refused) -> String {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    why
}

async fn fail(app: &App, worker: &str, job: &Job, why: &str, retry: Option<Retry>) {
    tracing::warn!(
        job = job.id,
        kind = job.kind,
        attempts = job.attempts,
        again = retry.is_some(),
        why,
        "a job did not finish"
    );
    told(job, write_failed(app, worker, job, why, retry).await);
}

fn told(job: &Job, written: Result<bool, Refused>) {
    match written {
        Ok(true) => {}
        Ok(false) => tracing::warn!(
            job = job.id,
            "lost the lease at the last moment; another worker has the job"
        ),
        Err(error) => {
            let error = with_causes(&error);
            tracing::error!(job = job.id, %error, "could not write how the job ended; its lease will run out");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ended, outcome};
    use crate::error::Refused;

    #[tokio::test]
    async fn work_that_panics_counts_as_a_try() {
        let ended = outcome(async { panic!("no such index") }).await;
        assert!(matches!(ended, Ended::Again(why) if why.contains("a mistake")));
        let ended = outcome(async { Err(Refused::trouble("a full disk")) }).await;
        assert!(matches!(ended, Ended::Again(why) if why.contains("a full disk")));
        assert_eq!(outcome(async { Ok(Ended::Done) }).await, Ended::Done);
    }
}
