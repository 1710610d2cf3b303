//! One trip of an offer through the pipeline: steps, checks, log; and what may be done with it now. While something
//! runs, script looks again every two seconds; without script there is a link.

use app::error::Refused;
use app::offers::{cancel_submission, create_preview_token};
use app::registry::PREVIEW_USER;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::lifecycle::State as Stage;
use domain::role::PublisherAction;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use store::submissions::Submission;

use super::checks::{Checks, checks};
use super::history::{Line, lines, names};
use super::steps::{Log, review_time, steps};
use super::{hidden, link, offer_path, require};
use crate::form::Form;
use crate::format::{moment, short_digest};
use crate::layout::Layout;
use crate::messages::{t, t1};
use crate::page::{page_with, see_other};
use crate::params::Places;
use crate::pieces::{Link, Step};
use crate::problem::Problem;
use crate::runs::{self, RunView};
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Events shown of a submission.
const EVENTS_MAX: u64 = 50;

/// A plan's image as the preview shows it.
struct PreviewPlan {
    plan: String,
    reference: String,
    short: String,
}

/// Somebody outside the publisher who may look at previews of the offer.
struct Guest {
    account_id: String,
    name: String,
    email: String,
}

/// A pull token just made.
struct Fresh {
    secret: String,
    expires: String,
    login: String,
    copy: String,
}

#[derive(Template)]
#[template(path = "portal/submission.html")]
struct SubmissionPage {
    layout: Layout,
    crumbs: Vec<Link>,
    id: String,
    title: String,
    offer_href: String,
    /// The module's page, once this submission is what customers see; empty before and after.
    live_href: String,
    state: &'static str,
    submitted: String,
    by: String,
    failure: String,
    notes: String,
    steps: Vec<Step>,
    checks: Option<Checks>,
    runs: Vec<RunView>,
    logs: Vec<Log>,
    history: Vec<Line>,
    running: bool,
    rejected: bool,
    may_go_live: bool,
    must_wait: bool,
    may_cancel: bool,
    preview: Vec<PreviewPlan>,
    audience: Vec<Guest>,
    preview_ends: String,
    review_time: String,
    fresh: Option<Fresh>,
}

/// The submission in the address, if the visitor belongs to its publisher.
pub(super) async fn load(
    web: &Web,
    visitor: &Visitor,
    places: &Places,
    action: PublisherAction,
) -> Result<Submission, Problem> {
    visitor.account()?;
    let found = store::submissions::find(&web.app.reader, places.text("id")).await?;
    let submission = found.ok_or_else(hidden)?;
    require(visitor, &submission.key.publisher, action)?;
    Ok(submission)
}

fn preview_plans(web: &Web, submission: &Submission) -> Vec<PreviewPlan> {
    if submission.state != Stage::Preview {
        return Vec::new();
    }
    let imported = app::pipeline::imported(submission).unwrap_or_default();
    let plans = imported.into_iter().filter_map(|(plan, imported)| {
        let newest = domain::tag::newest(imported.tags.keys().map(String::as_str))?;
        let digest = imported.tags.get(&newest.to_string())?;
        Some(PreviewPlan {
            reference: format!(
                "{}/{}@{digest}",
                web.app.settings.registry_host,
                submission.key.repository(&plan)
            ),
            short: short_digest(digest.as_str()),
            plan: plan.to_string(),
        })
    });
    plans.collect()
}

/// As customers read it; the offer's id while there is no title.
fn title(submission: &Submission) -> String {
    match submission.frozen.listing.title.trim() {
        "" => submission.key.offer.to_string(),
        listed => listed.to_owned(),
    }
}

async fn audience(web: &Web, submission: &Submission) -> Result<Vec<Guest>, Problem> {
    let mut guests = Vec::new();
    for id in store::preview_audience::of_offer(&web.app.reader, &submission.key).await? {
        if let Some(account) = store::accounts::find(&web.app.reader, &id).await? {
            guests.push(Guest {
                account_id: account.id,
                name: account.name,
                email: account.email,
            });
        }
    }
    Ok(guests)
}

fn live_page(submission: &Submission) -> String {
    let key = &submission.key;
    if submission.state == Stage::Live {
        format!("/modules/{}/{}", key.publisher, key.offer)
    } else {
        String::new()
    }
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    submission: &Submission,
    fresh: Option<Fresh>,
) -> Result<Response, Problem> {
    let key = &submission.key;
    let may = |action| visitor.actor.require(&key.publisher, action).is_ok();
    let (bar, logs) = steps(web, submission).await?;
    let events =
        store::events::of_subject(&web.app.reader, "submission", &submission.id, EVENTS_MAX)
            .await?;
    let names = names(web, vec![submission.created_by.as_str()]).await?;
    let title = title(submission);
    let in_preview = submission.state == Stage::Preview;
    let secret = fresh.is_some();
    let review_time = if submission.state == Stage::InReview {
        review_time(web).await?
    } else {
        String::new()
    };
    let shown = SubmissionPage {
        layout: visitor.layout("publish"),
        crumbs: vec![
            link(t("nav.publish"), "/publish"),
            link(
                key.publisher.to_string(),
                format!("/publish/{}", key.publisher),
            ),
            link(title.clone(), offer_path(key)),
            link(t1("submission.number", submission.number), ""),
        ],
        id: submission.id.clone(),
        title: crate::messages::t2("submission.title", submission.number, title),
        offer_href: offer_path(key),
        live_href: live_page(submission),
        state: submission.state.as_str(),
        submitted: moment(submission.created_at),
        by: names
            .get(&submission.created_by)
            .cloned()
            .unwrap_or_default(),
        failure: failure(submission),
        notes: submission.notes.clone(),
        steps: bar,
        checks: checks(submission.report.as_ref()),
        runs: measured(web, submission).await?,
        logs,
        history: lines(web, events).await?,
        running: submission.state.is_running() && submission.state != Stage::InReview,
        rejected: submission.state == Stage::Rejected,
        may_go_live: in_preview && may(PublisherAction::GoLive),
        must_wait: in_preview && !may(PublisherAction::GoLive),
        may_cancel: submission.state.may_cancel() && may(PublisherAction::Submit),
        preview: preview_plans(web, submission),
        audience: audience(web, submission).await?,
        preview_ends: submission
            .preview_expires_at
            .map(moment)
            .unwrap_or_default(),
        review_time,
        fresh,
    };
    let mut response = page_with(StatusCode::OK, &shown)?;
    if secret {
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let submission = load(&web, &visitor, &places, PublisherAction::View).await?;
    render(&web, &visitor, &submission, None).await
}

async fn measured(web: &Web, submission: &Submission) -> Result<Vec<RunView>, Problem> {
    let base = format!("/publish/submissions/{}/runs", submission.id);
    runs::of_submission(&web.app.reader, &submission.id, &base).await
}

/// The event log of one of its runs.
pub(super) async fn run_log(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let submission = load(&web, &visitor, &places, PublisherAction::View).await?;
    let run = store::runs::find(&web.app.reader, places.text("run")).await?;
    let own = run.filter(|run| run.summary.submission == submission.id);
    runs::download(&web, &own.ok_or_else(hidden)?).await
}

/// Why it went no further; of no interest once it did.
fn failure(submission: &Submission) -> String {
    match submission.state {
        Stage::Live | Stage::Superseded => String::new(),
        _ => submission.failure.clone().unwrap_or_default(),
    }
}

fn back(submission: &Submission) -> Response {
    see_other(&format!("/publish/submissions/{}", submission.id))
}

pub(super) async fn go_live(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let submission = load(&web, &form.visitor, &places, PublisherAction::View).await?;
    app::offers::go_live(&web.app, &form.visitor.actor, &submission.id).await?;
    Ok(back(&submission))
}

pub(super) async fn cancel(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let submission = load(&web, &form.visitor, &places, PublisherAction::View).await?;
    cancel_submission(&web.app, &form.visitor.actor, &submission.id).await?;
    Ok(back(&submission))
}

pub(super) async fn preview_token(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let submission = load(&web, &form.visitor, &places, PublisherAction::View).await?;
    let plan = form.get("plan");
    let token = create_preview_token(&web.app, &form.visitor.actor, &submission.id, plan).await?;
    let host = &web.app.settings.registry_host;
    let known = preview_plans(&web, &submission)
        .into_iter()
        .find(|each| each.plan == plan);
    let reference = known
        .ok_or_else(|| Refused::not_found("plan", plan))?
        .reference;
    let fresh = Fresh {
        login: format!("podman login {host} --username {PREVIEW_USER} --password-stdin"),
        copy: format!("podman pull {reference}"),
        secret: token.secret,
        expires: moment(token.expires_at),
    };
    render(&web, &form.visitor, &submission, Some(fresh)).await
}
