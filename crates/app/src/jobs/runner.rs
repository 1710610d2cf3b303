//! Runs jobs until told to stop. A claimed job's lease is renewed while it works; when this process dies, the lease runs
//! out and another replica, or this one after its restart, takes over. A stop in good order gives the jobs back at once.

use std::time::Duration;

use serde_json::Value;
use store::jobs::{Job, Retry};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Kind;
use super::ended::{Ended, retry};
use crate::App;
use crate::clock::{SECOND, new_id};
use crate::error::Refused;
use crate::pipeline;

/// How long a worker may be silent before its job is taken over.
const LEASE_MICROS: i64 = 15 * SECOND;
/// How often a working job says that it lives.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How often an idle worker looks; a job queued here wakes it at once.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// Works on jobs until `stop` turns true; jobs under way are broken off and given back.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    let worker = new_id();
    let mut workers = JoinSet::new();
    while !*stop.borrow() {
        while workers.try_join_next().is_some() {}
        let free = workers.len() < app.settings.limits.jobs_parallel_max;
        let waiting = app.jobs_waiting.notified();
        let claimed = if free {
            claim(&app, &worker).await
        } else {
            None
        };
        match claimed {
            Some(job) => {
                workers.spawn(work(app.clone(), worker.clone(), job));
            }
            None => {
                tokio::select! {
                    () = waiting => {}
                    () = tokio::time::sleep(POLL_EVERY) => {}
                    Some(_) = workers.join_next(), if !workers.is_empty() => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }
    workers.shutdown().await;
    match store::jobs::release(&app.writer, &worker, app.clock.now()).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "gave unfinished jobs back"),
        Err(error) => {
            tracing::warn!(%error, "could not give unfinished jobs back; their leases will run out");
        }
    }
}

async fn claim(app: &App, worker: &str) -> Option<Job> {
    match store::jobs::claim(&app.writer, worker, app.clock.now(), LEASE_MICROS).await {
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
    tokio::pin!(doing);
    let ended = loop {
        tokio::select! {
            ended = &mut doing => break ended,
            () = tokio::time::sleep(RENEW_EVERY) => {
                let until = app.clock.now() + LEASE_MICROS;
                match store::jobs::renew(&app.writer, &job.id, &worker, until).await {
                    Ok(true) => {}
                    Ok(false) => {
                        tracing::warn!(job = job.id, "lost the lease; another worker has the job");
                        return;
                    }
                    Err(error) => tracing::warn!(job = job.id, %error, "could not renew the lease"),
                }
            }
        }
    };
    let ended = ended.unwrap_or_else(|error| Ended::Again(with_causes(&error)));
    let retry = retry(kind, &job, &ended, app.clock.now());
    match ended {
        Ended::Done => told(
            &job,
            store::jobs::finish(&app.writer, &job.id, &worker, app.clock.now()).await,
        ),
        Ended::Again(why) | Ended::Onward(why) | Ended::Waiting(why) => {
            fail(&app, &worker, &job, &why, retry).await;
        }
    }
}

fn with_causes(error: &Refused) -> String {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    why
}

/// Writes down that a try did not finish the job.
async fn fail(app: &App, worker: &str, job: &Job, why: &str, retry: Option<Retry>) {
    tracing::warn!(
        job = job.id,
        kind = job.kind,
        attempts = job.attempts,
        again = retry.is_some(),
        why,
        "a job did not finish"
    );
    if retry.is_none() {
        pipeline::give_up(app, job, why).await;
    }
    let now = app.clock.now();
    told(
        job,
        store::jobs::fail(&app.writer, &job.id, worker, why, retry, now).await,
    );
}

fn told(job: &Job, written: Result<bool, store::Error>) {
    if let Err(error) = written {
        tracing::error!(job = job.id, %error, "could not write how the job ended; its lease will run out");
    }
}
