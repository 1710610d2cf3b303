//! Runs jobs until told to stop. A claimed job's lease is renewed while it works; when this process dies, the lease runs
//! out and another replica, or this one after its restart, takes over. A stop in good order gives the jobs back at once.

use std::time::Duration;

use serde_json::Value;
use store::jobs::Job;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Kind;
use crate::App;
use crate::clock::{SECOND, new_id};
use crate::pipeline;

/// How long a worker may be silent before its job is taken over.
const LEASE_MICROS: i64 = 15 * SECOND;
/// How often a working job says that it lives.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How often an idle worker looks; a job queued here wakes it at once.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// Tries before a job is given up.
const ATTEMPTS_MAX: i32 = 6;
/// The same for a job that gets further with each try, such as a large import over a line that keeps breaking.
const ATTEMPTS_WITH_HEADWAY_MAX: i32 = 200;
/// The longest pause between two tries is this power of two, in seconds.
const PAUSE_DOUBLINGS_MAX: i32 = 8;

/// How a try ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Nothing is left to do.
    Done,
    /// Try again later; the reason is for the log.
    Again(String),
    /// The same, but this try got further than those before it: it does not count towards giving up.
    Onward(String),
}

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
        return end(
            &app,
            &worker,
            &job,
            Err(("unknown kind of job".into(), ATTEMPTS_MAX)),
        )
        .await;
    };
    let doing = async {
        match kind {
            Kind::Import => pipeline::import(&app, subject).await,
            Kind::Certify => pipeline::certify(&app, subject).await,
            Kind::Publish => pipeline::publish(&app, subject).await,
            Kind::Purge => pipeline::purge(&app, subject).await,
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
    match ended {
        Ok(Ended::Done) => end(&app, &worker, &job, Ok(())).await,
        Ok(Ended::Again(why)) => end(&app, &worker, &job, Err((why, ATTEMPTS_MAX))).await,
        Ok(Ended::Onward(why)) => {
            end(&app, &worker, &job, Err((why, ATTEMPTS_WITH_HEADWAY_MAX))).await;
        }
        Err(error) => {
            let mut why = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                why = format!("{why}: {cause}");
                source = cause.source();
            }
            end(&app, &worker, &job, Err((why, ATTEMPTS_MAX))).await;
        }
    }
}

/// Writes down how a try ended; a failed one comes with the reason and the number of tries there may be.
async fn end(app: &App, worker: &str, job: &Job, result: Result<(), (String, i32)>) {
    let now = app.clock.now();
    let written = match result {
        Ok(()) => store::jobs::finish(&app.writer, &job.id, worker, now).await,
        Err((why, attempts_max)) => {
            let again = job.attempts < attempts_max;
            let wait = SECOND << job.attempts.clamp(0, PAUSE_DOUBLINGS_MAX);
            tracing::warn!(
                job = job.id,
                kind = job.kind,
                attempts = job.attempts,
                again,
                why,
                "a job did not finish"
            );
            let retry_at = again.then_some(now + wait);
            if !again {
                pipeline::give_up(app, job, &why).await;
            }
            store::jobs::fail(&app.writer, &job.id, worker, &why, retry_at, now).await
        }
    };
    if let Err(error) = written {
        tracing::error!(job = job.id, %error, "could not write how the job ended; its lease will run out");
    }
}
