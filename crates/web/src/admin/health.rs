//! Is everything well: database, storage, jobs, the queue of people's work, and what happened last.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::lifecycle::State as Stage;
use oci::Digest;
use store::jobs::JobState;
use store::publishers::PublisherState;

use super::{operator, tabs};
use crate::format::{ago, count, moment};
use crate::layout::Layout;
use crate::messages::{t, t1, word};
use crate::page::page;
use crate::params::Params;
use crate::pieces::Link;
use crate::portal::history::{Line, lines};
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Events on one page.
const EVENTS_MAX: u64 = 50;
/// Jobs given up that are shown.
const FAILED_JOBS_MAX: u64 = 10;

struct Tile {
    label: &'static str,
    value: String,
    sentence: String,
    kind: &'static str,
    href: &'static str,
}

struct FailedJob {
    what: String,
    why: String,
    at: String,
    attempts: i32,
}

#[derive(Template)]
#[template(path = "admin/health.html")]
struct HealthPage {
    layout: Layout,
    tabs: Vec<Link>,
    tiles: Vec<Tile>,
    failed: Vec<FailedJob>,
    history: Vec<Line>,
    older: String,
}

fn engines(ok: bool, label: &'static str, trouble: &'static str) -> Tile {
    Tile {
        label,
        value: if ok {
            t("admin.answers")
        } else {
            t("admin.no_answer")
        }
        .to_owned(),
        sentence: if ok { t("admin.asked_now") } else { trouble }.to_owned(),
        kind: if ok { "pass" } else { "fail" },
        href: "",
    }
}

/// Do the database and the store of bytes answer?
async fn answers(web: &Web) -> (bool, bool) {
    let database = store::health(&web.app.reader).await;
    // Asking for a blob that need not be there proves that the store of bytes answers.
    let storage = web.app.blobs.size(&Digest::sha256_of(b"")).await;
    for error in [
        database.as_ref().err().map(ToString::to_string),
        storage.as_ref().err().map(ToString::to_string),
    ]
    .into_iter()
    .flatten()
    {
        tracing::error!(
            error,
            "the operator's page found something that does not answer"
        );
    }
    (database.is_ok(), storage.is_ok())
}

async fn tiles(web: &Web) -> Result<Vec<Tile>, Problem> {
    let reader = &web.app.reader;
    let (database, storage) = answers(web).await;
    let jobs = store::jobs::counts(reader).await?;
    let review = store::submissions::in_state(reader, &[Stage::InReview]).await?;
    let pending = store::publishers::list(reader, Some(PublisherState::Pending)).await?;
    let oldest = review
        .first()
        .map(|each| ago(each.created_at, web.app.clock.now()));
    Ok(vec![
        engines(database, t("admin.database"), t("admin.database_trouble")),
        engines(storage, t("admin.storage"), t("admin.storage_trouble")),
        Tile {
            label: t("admin.jobs"),
            value: t1("admin.jobs_running", jobs.running),
            sentence: t1("admin.jobs_waiting", jobs.queued),
            kind: "",
            href: "",
        },
        Tile {
            label: t("admin.jobs_failed"),
            value: count(jobs.failed),
            sentence: if jobs.failed > 0 {
                t("admin.jobs_failed_look")
            } else {
                t("admin.jobs_failed_none")
            }
            .to_owned(),
            kind: if jobs.failed > 0 { "warn" } else { "pass" },
            href: "",
        },
        Tile {
            label: t("admin.in_review"),
            value: count(review.len() as u64),
            sentence: oldest.map_or_else(
                || t("admin.review_none").to_owned(),
                |since| t1("admin.review_oldest", since),
            ),
            kind: "",
            href: "/review",
        },
        Tile {
            label: t("admin.pending"),
            value: count(pending.len() as u64),
            sentence: t("admin.pending_what").to_owned(),
            kind: if pending.is_empty() { "" } else { "warn" },
            href: "/admin/publishers",
        },
    ])
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    params: Params,
) -> Result<Response, Problem> {
    operator(&visitor)?;
    let reader = &web.app.reader;
    let before = Some(params.get("before")).filter(|id| !id.is_empty());
    let events = store::events::recent(reader, EVENTS_MAX, before).await?;
    let full = events.len() as u64 == EVENTS_MAX;
    let last = events.last().filter(|_| full);
    let older = last
        .map(|event| format!("/admin?before={}#events", event.id))
        .unwrap_or_default();
    let failed = store::jobs::in_state(reader, JobState::Failed, FAILED_JOBS_MAX).await?;
    let failed = failed.into_iter().map(|job| FailedJob {
        what: word("job_kind", &job.kind).into_owned(),
        why: job.last_error.unwrap_or_default(),
        at: job.finished_at.map(moment).unwrap_or_default(),
        attempts: job.attempts,
    });
    page(&HealthPage {
        layout: visitor.layout("admin"),
        tabs: tabs("/admin"),
        tiles: tiles(&web).await?,
        failed: failed.collect(),
        history: lines(&web, events).await?,
        older,
    })
}
