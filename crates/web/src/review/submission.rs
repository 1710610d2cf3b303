//! One submission under review: what is open with its evidence, what was submitted, and the verdict. A verdict cites
//! numbered rules; a waiver names one rule at one place and its reason.

use app::error::Refused;
use app::offers::{Verdict, review_submission, waive_rule};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::lifecycle::State as Stage;
use domain::offer::{LogoSlot, Offer};
use domain::violation::Violation;
use http::StatusCode;
use store::submissions::Submission;

use super::reviewer;
use crate::certification::plain;
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::format::{ago, moment};
use crate::layout::Layout;
use crate::messages::{t, t2, word};
use crate::page::{page_with, see_other};
use crate::params::Places;
use crate::pieces::{Choice, Fact, FieldError, Link};
use crate::portal::checks::{CheckRow, Checks, checks};
use crate::portal::hidden;
use crate::portal::history::names;
use crate::problem::Problem;
use crate::runs::{self, RunView};
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

struct PlanCard {
    title: String,
    facts: Vec<Fact>,
    defaults: String,
}

struct Frozen {
    facts: Vec<Fact>,
    /// Cleaned; safe to show as it is.
    description: String,
    logos: Vec<(String, u32, u32)>,
    plans: Vec<PlanCard>,
}

#[derive(Template)]
#[template(path = "review/submission.html")]
struct ReviewPage {
    layout: Layout,
    crumbs: Vec<Link>,
    id: String,
    title: String,
    state: &'static str,
    since: String,
    by: String,
    notes: String,
    open: Vec<CheckRow>,
    checks: Option<Checks>,
    runs: Vec<RunView>,
    frozen: Frozen,
    reject: Vec<Field>,
    approve: Vec<Field>,
    errors: Vec<FieldError>,
    waive_error: String,
    in_review: bool,
    own: bool,
}

fn fact(label: &str, value: impl Into<String>) -> Fact {
    Fact {
        label: label.to_owned(),
        value: value.into(),
    }
}

fn frozen(offer: &Offer) -> Frozen {
    let listing = &offer.listing;
    let plans = offer.plans.iter().map(|plan| PlanCard {
        title: t2("review.plan", &plan.title, &plan.plan),
        facts: vec![
            fact(t("plan.summary"), &plan.summary),
            fact(t("plan.price"), word("price_model", plan.price.model())),
            fact(
                t("plan.repository"),
                format!("{}/{}", plan.image.registry, plan.image.repository),
            ),
            fact(t("plan.tags"), plan.image.tags.join(", ")),
            fact(t("plan.platforms"), plan.platforms.join(", ")),
        ],
        defaults: serde_json::to_string_pretty(&plan.defaults).unwrap_or_default(),
    });
    let logos = LogoSlot::ALL.iter().filter_map(|slot| {
        let (width, height) = slot.pixels();
        let hex = listing.logos.get(*slot).strip_prefix("sha256:")?;
        Some((format!("/media/sha256/{hex}"), width, height))
    });
    Frozen {
        facts: vec![
            fact(t("offer.title"), &listing.title),
            fact(t("offer.summary"), &listing.summary),
            fact(t("offer.short_description"), &listing.short_description),
            fact(t("offer.keywords"), listing.keywords.join(", ")),
            fact(t("offer.licence"), &offer.properties.licence),
            fact(t("offer.privacy"), &listing.privacy_policy_url),
            fact(t("offer.documentation"), &listing.documentation_url),
        ],
        description: domain::html::clean(&listing.description),
        logos: logos.collect(),
        plans: plans.collect(),
    }
}

fn reject_fields(checks: Option<&Checks>) -> Vec<Field> {
    let cited = certify::register().iter().map(|rule| {
        let open = checks.is_some_and(|checks| {
            checks
                .rows
                .iter()
                .any(|row| row.kind == "review" && row.code == rule.code)
        });
        Choice {
            value: rule.code.to_owned(),
            label: format!("{} {}", rule.code, plain(rule.title)),
            detail: String::new(),
            selected: open,
        }
    });
    // The open ones are what a reviewer most likely cites; they come first.
    let mut cited: Vec<Choice> = cited.collect();
    cited.sort_by_key(|choice| !choice.selected);
    vec![
        Field::choose("checkbox", "rules", t("review.rules"), cited).help(t("review.rules_help")),
        Field::area("comment", t("review.reject_comment"), "", 4)
            .required()
            .help(t("review.comment_help")),
    ]
}

#[derive(Default)]
struct Sent<'a> {
    form: Option<&'a Form>,
    wrong: Vec<Violation>,
    waive_error: String,
    status: StatusCode,
}

async fn load(web: &Web, visitor: &Visitor, places: &Places) -> Result<Submission, Problem> {
    reviewer(visitor)?;
    let found = store::submissions::find(&web.app.reader, places.text("id")).await?;
    let submission = found.ok_or_else(hidden)?;
    // What never needed a person is none of a reviewer's business.
    if submission.state == Stage::InReview || submission.decision.is_some() {
        Ok(submission)
    } else {
        Err(hidden())
    }
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    submission: &Submission,
    sent: Sent<'_>,
) -> Result<Response, Problem> {
    let account = reviewer(visitor)?;
    let names = names(web, vec![submission.created_by.as_str()]).await?;
    let report = checks(submission.report.as_ref());
    let mut reject = reject_fields(report.as_ref());
    if let Some(form) = sent.form {
        refill(&mut reject, form);
    }
    let errors = blame(&mut reject, &sent.wrong, "");
    let again = checks(submission.report.as_ref());
    let open = again.map(|checks| {
        checks
            .rows
            .into_iter()
            .filter(|row| row.kind == "review")
            .collect()
    });
    let base = format!("/review/{}/runs", submission.id);
    let runs = runs::of_submission(&web.app.reader, &submission.id, &base).await?;
    let listed = &submission.frozen.listing.title;
    let title = t2("submission.title", submission.number, listed);
    let shown = ReviewPage {
        layout: visitor.layout("review"),
        crumbs: vec![
            Link {
                label: t("nav.review").to_owned(),
                href: "/review".to_owned(),
                ..Link::default()
            },
            Link {
                label: title.clone(),
                ..Link::default()
            },
        ],
        id: submission.id.clone(),
        title,
        state: submission.state.as_str(),
        since: format!(
            "{} ({})",
            moment(submission.created_at),
            ago(submission.created_at, web.app.clock.now())
        ),
        by: names
            .get(&submission.created_by)
            .cloned()
            .unwrap_or_default(),
        notes: submission.notes.clone(),
        open: open.unwrap_or_default(),
        checks: report,
        runs,
        frozen: frozen(&submission.frozen),
        reject,
        approve: vec![Field::area(
            "approve_comment",
            t("review.approve_comment"),
            "",
            2,
        )],
        errors,
        waive_error: sent.waive_error,
        in_review: submission.state == Stage::InReview,
        own: account.publishers.contains_key(&submission.key.publisher),
    };
    page_with(sent.status, &shown)
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let submission = load(&web, &visitor, &places).await?;
    render(&web, &visitor, &submission, Sent::default()).await
}

/// The event log of one of its runs.
pub(super) async fn run_log(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let submission = load(&web, &visitor, &places).await?;
    let run = store::runs::find(&web.app.reader, places.text("run")).await?;
    let own = run.filter(|run| run.summary.submission == submission.id);
    runs::download(&web, &own.ok_or_else(hidden)?).await
}

pub(super) async fn approve(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let submission = load(&web, &form.visitor, &places).await?;
    let verdict = Verdict::Approve {
        comment: form.text("approve_comment"),
    };
    review_submission(&web.app, &form.visitor.actor, &submission.id, verdict).await?;
    Ok(see_other("/review"))
}

pub(super) async fn reject(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let submission = load(&web, &form.visitor, &places).await?;
    let verdict = Verdict::Reject {
        rules: form.all("rules").into_iter().map(str::to_owned).collect(),
        comment: form.text("comment"),
    };
    match review_submission(&web.app, &form.visitor.actor, &submission.id, verdict).await {
        Ok(()) => Ok(see_other("/review")),
        Err(Refused::Invalid(wrong)) => {
            let sent = Sent {
                form: Some(&form),
                wrong,
                status: StatusCode::UNPROCESSABLE_ENTITY,
                ..Sent::default()
            };
            render(&web, &form.visitor, &submission, sent).await
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn waive(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let submission = load(&web, &form.visitor, &places).await?;
    let (rule, place, reason) = (
        form.text("rule"),
        form.get("place").to_owned(),
        form.text("reason"),
    );
    match waive_rule(
        &web.app,
        &form.visitor.actor,
        &submission.id,
        &rule,
        &place,
        &reason,
    )
    .await
    {
        Ok(()) => Ok(see_other(&format!("/review/{}", submission.id))),
        Err(Refused::Invalid(wrong)) => {
            let told: Vec<String> = wrong.iter().map(crate::fields::sentence).collect();
            let sent = Sent {
                waive_error: told.join(" "),
                status: StatusCode::UNPROCESSABLE_ENTITY,
                ..Sent::default()
            };
            render(&web, &form.visitor, &submission, sent).await
        }
        Err(other) => Err(other.into()),
    }
}
