//! An offer at a glance: what is live, what to do next, its submissions and its history, and taking it off the shelf.

use std::collections::{BTreeMap, BTreeSet};

use app::registry::day_of;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::ids::{OfferKey, PlanName};
use domain::lifecycle::{OfferState, StopReason};
use domain::role::PublisherAction;
use domain::violation::Violation;
use http::StatusCode;
use oci::Digest;
use store::registry::pulls::Pulled;

use super::draft::{Draft, Head, NextAction};
use super::history::{Line, lines};
use super::offer_path;
use super::sections::choice;
use super::selling::REASONS;
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::format::{ago, count, day, moment};
use crate::layout::Layout;
use crate::messages::{t, t1, t2, t3, word};
use crate::page::page_with;
use crate::params::Places;
use crate::pieces::FieldError;
use crate::problem::Problem;
use crate::runs::broken_line;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Events shown of an offer.
const EVENTS_MAX: u64 = 30;
/// Days that count as lately; the word on the page says so too.
const LATELY_DAYS: i64 = 30;

struct Trip {
    href: String,
    number: i64,
    state: &'static str,
    at: String,
    ago: String,
    by: String,
}

struct ReleaseRow {
    plan: String,
    version: String,
    digest: String,
    at: String,
    pulls: String,
    lately: String,
}

#[derive(Template)]
#[template(path = "portal/overview.html")]
struct OverviewPage {
    layout: Layout,
    head: Head,
    next: NextAction,
    trips: Vec<Trip>,
    releases: Vec<ReleaseRow>,
    history: Vec<Line>,
    may_sell: bool,
    stopped: String,
    taken_down: Vec<String>,
    /// What a nightly run found.
    broken: String,
    stop_fields: Vec<Field>,
    stop_errors: Vec<FieldError>,
}

fn reason_word(reason: StopReason) -> &'static str {
    REASONS
        .iter()
        .find(|(_, known)| *known == reason)
        .map_or("other", |(word, _)| word)
}

fn stop_fields() -> Vec<Field> {
    let reasons = REASONS.map(|(id, _)| choice(id, word("stop_reason", id), "", false));
    vec![
        Field::choose("radio", "reason", t("selling.reason"), reasons.to_vec()),
        Field::text("alternative", t("selling.alternative"), "")
            .mono()
            .placeholder("publisher.offer")
            .help(t("selling.alternative_help")),
    ]
}

/// What of this offer is taken down, each with its reason.
async fn taken_down(web: &Web, key: &OfferKey) -> Result<Vec<String>, Problem> {
    let down = store::takedowns::of_offer(&web.app.reader, key).await?;
    let sentences = down.into_iter().map(|takedown| {
        let what = takedown.release.map_or_else(
            || t("portal.taken_down_whole").to_owned(),
            |(plan, version)| format!("{plan} {version}"),
        );
        let contact = &web.app.settings.onboarding_contact;
        t3("portal.taken_down_what", what, takedown.reason, contact)
    });
    Ok(sentences.collect())
}

/// What does not work any more of what is live.
fn broken(web: &Web, key: &OfferKey) -> String {
    let live = web.app.catalog.module(key);
    let plans = live.iter().flat_map(|module| &module.plans);
    let lines = plans.filter_map(|plan| broken_line(&plan.runs));
    lines.collect::<Vec<_>>().join(" ")
}

/// What to do next: look at what a night found, where nothing else is to be done; there is no going to where one is.
fn next(draft: &Draft, broken: &str) -> NextAction {
    let next = draft.next_action();
    let key = &draft.key;
    if next.ours || next.href != offer_path(key) {
        return next;
    }
    match broken {
        "" => NextAction {
            href: String::new(),
            ..next
        },
        _ => NextAction {
            label: t("portal.next_broken").to_owned(),
            href: format!("/modules/{}/{}?tab=certification", key.publisher, key.offer),
            ours: true,
        },
    }
}

/// What is live, with how often it was pulled.
async fn releases(web: &Web, key: &OfferKey) -> Result<Vec<ReleaseRow>, Problem> {
    let reader = &web.app.reader;
    let releases = store::releases::of_offer(reader, key).await?;
    let repository = |plan: &PlanName| format!("{}/{}/{plan}", key.publisher, key.offer);
    let names: BTreeSet<String> = releases.iter().map(|one| repository(&one.plan)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let first_day = day_of(web.app.clock.now()) - LATELY_DAYS + 1;
    let ever = store::registry::pulls::totals(reader, &names).await?;
    let lately = store::registry::pulls::since(reader, &names, first_day).await?;
    let rows = releases.into_iter().map(|release| {
        // A platform's own image counts where it was asked for by a tag of its own.
        let platforms = release.platforms.iter().map(|one| &one.digest);
        let digests: BTreeSet<_> = platforms.chain([&release.digest]).collect();
        let shown = |pulls: &BTreeMap<Pulled, i64>| {
            let of = |digest: &Digest| (repository(&release.plan), digest.to_string());
            let found = digests.iter().filter_map(|digest| pulls.get(&of(digest)));
            count(u64::try_from(found.sum::<i64>()).unwrap_or_default())
        };
        ReleaseRow {
            plan: release.plan.to_string(),
            version: release.version.to_string(),
            at: day(release.released_at),
            pulls: shown(&ever),
            lately: shown(&lately),
            digest: release.digest.to_string(),
        }
    });
    Ok(rows.collect())
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &visitor, &places, PublisherAction::View).await?;
    render(&web, &visitor, &draft, None).await
}

/// The page; with what was sent and is wrong about it when selling was not stopped.
pub(super) async fn render(
    web: &Web,
    visitor: &Visitor,
    draft: &Draft,
    refused: Option<(&Form, Vec<Violation>)>,
) -> Result<Response, Problem> {
    let (reader, now) = (&web.app.reader, web.app.clock.now());
    let submissions = store::submissions::of_offer(reader, &draft.key).await?;
    let names = super::history::names(
        web,
        submissions
            .iter()
            .map(|each| each.created_by.as_str())
            .collect(),
    )
    .await?;
    let trips = submissions.iter().map(|each| Trip {
        href: format!("/publish/submissions/{}", each.id),
        number: each.number,
        state: each.state.as_str(),
        at: moment(each.created_at),
        ago: ago(each.created_at, now),
        by: names.get(&each.created_by).cloned().unwrap_or_default(),
    });
    let releases = releases(web, &draft.key).await?;
    let events =
        store::events::of_subject(reader, "offer", &draft.key.to_string(), EVENTS_MAX).await?;
    let stopped = match (&draft.row.state, &draft.row.stop) {
        (OfferState::Stopped, Some(stop)) => {
            let why = word("stop_reason", reason_word(stop.reason));
            match &stop.alternative {
                Some(other) => t2("selling.stopped_instead", why, other),
                None => t1("selling.stopped_why", why),
            }
        }
        _ => String::new(),
    };
    let taken_down = taken_down(web, &draft.key).await?;
    let status = if refused.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let mut stop_fields = stop_fields();
    let stop_errors = refused.map(|(form, wrong)| {
        refill(&mut stop_fields, form);
        blame(&mut stop_fields, &wrong, "")
    });
    let broken = broken(web, &draft.key);
    let shown = OverviewPage {
        layout: visitor.layout("publish"),
        head: draft.head("", &[]),
        next: next(draft, &broken),
        trips: trips.collect(),
        releases,
        history: lines(web, events).await?,
        may_sell: visitor
            .actor
            .require(&draft.key.publisher, PublisherAction::GoLive)
            .is_ok(),
        stopped,
        taken_down,
        broken,
        stop_fields,
        stop_errors: stop_errors.unwrap_or_default(),
    };
    page_with(status, &shown)
}
