//! Showing and saving one section of an offer, or one part of a plan. A save keeps whatever has the right shape, then
//! the page says what is still missing; two who edit at once are told, and nothing that was typed is lost.

use app::error::Refused;
use app::offers::save_draft;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::offer::{Offer, Plan};
use domain::role::PublisherAction;
use domain::violation::Violation;
use http::StatusCode;

use super::draft::{Draft, Head};
use super::plan_parts::Part;
use super::sections::Section;
use super::{hidden, link, offer_path};
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::format::moment;
use crate::layout::Layout;
use crate::messages::{t, word};
use crate::page::{page_with, see_other};
use crate::params::{Params, Places};
use crate::pieces::{FieldError, Link};
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// The second form of a plan's image: the password of its registry.
pub(super) struct Credentials {
    action: String,
    registry: String,
    kept_since: String,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
}

#[derive(Template)]
#[template(path = "portal/section.html")]
struct SectionPage {
    layout: Layout,
    head: Head,
    title: String,
    lead: &'static str,
    tabs: Vec<Link>,
    action: String,
    revision: i64,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
    saved: bool,
    conflict: String,
    credentials: Option<Credentials>,
    remove: String,
}

/// How the page came about.
#[derive(Default)]
struct Outcome<'a> {
    status: StatusCode,
    sent: Option<&'a Form>,
    wrong: Vec<Violation>,
    conflict: String,
    saved: bool,
    /// What was sent to the second form and is wrong about it.
    secret: Option<(&'a Form, Vec<Violation>)>,
}

fn frame(visitor: &Visitor, draft: &Draft, section: &str, trail: &[Link]) -> SectionPage {
    SectionPage {
        layout: visitor.layout("publish"),
        head: draft.head(section, trail),
        title: String::new(),
        lead: "",
        tabs: Vec::new(),
        action: String::new(),
        revision: draft.row.revision,
        fields: Vec::new(),
        errors: Vec::new(),
        saved: false,
        conflict: String::new(),
        credentials: None,
        remove: String::new(),
    }
}

fn finish(mut shown: SectionPage, outcome: Outcome<'_>, prefix: &str) -> Result<Response, Problem> {
    if let Some(form) = outcome.sent {
        refill(&mut shown.fields, form);
    }
    let errors = blame(&mut shown.fields, &outcome.wrong, prefix);
    // Whoever only comes to look finds each mistake at its field; the list on top, which takes the focus, is for
    // those who just saved.
    if outcome.saved || (outcome.status != StatusCode::OK && outcome.secret.is_none()) {
        shown.errors = errors;
    }
    shown.saved = outcome.saved;
    shown.conflict = outcome.conflict;
    page_with(outcome.status, &shown)
}

fn section_in(places: &Places) -> Result<Section, Problem> {
    Section::from_word(places.text("section")).ok_or_else(hidden)
}

fn render(
    visitor: &Visitor,
    draft: &Draft,
    section: Section,
    outcome: Outcome<'_>,
) -> Result<Response, Problem> {
    let word_of = section.as_str();
    let shown = SectionPage {
        title: word("offer_section", word_of).into_owned(),
        lead: section.lead(),
        action: format!("{}/{word_of}", offer_path(&draft.key)),
        fields: section.fields(&draft.row.draft),
        ..frame(visitor, draft, word_of, &[])
    };
    finish(shown, outcome, "")
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &visitor, &places, PublisherAction::View).await?;
    let section = section_in(&places)?;
    let saved = params.has("saved");
    // Whoever has not begun is not told off for an empty form.
    let wrong = if saved || draft.started(section.as_str()) {
        draft.of_section(section.as_str())
    } else {
        Vec::new()
    };
    let outcome = Outcome {
        wrong,
        saved,
        ..Outcome::default()
    };
    render(&visitor, &draft, section, outcome)
}

/// What a save came to: on to the page, or the page again.
enum Saved {
    Kept,
    Again(StatusCode, Vec<Violation>, String),
}

async fn save_over(
    web: &Web,
    form: &Form,
    draft: &Draft,
    offer: &Offer,
    wrong: Vec<Violation>,
) -> Result<Saved, Problem> {
    if !wrong.is_empty() {
        return Ok(Saved::Again(
            StatusCode::UNPROCESSABLE_ENTITY,
            wrong,
            String::new(),
        ));
    }
    let revision = form.get("revision").parse().unwrap_or(draft.row.revision);
    match save_draft(&web.app, &form.visitor.actor, &draft.key, offer, revision).await {
        Ok(_) => Ok(Saved::Kept),
        Err(Refused::Invalid(wrong)) => Ok(Saved::Again(
            StatusCode::UNPROCESSABLE_ENTITY,
            wrong,
            String::new(),
        )),
        Err(Refused::Conflict(why)) => Ok(Saved::Again(StatusCode::CONFLICT, Vec::new(), why)),
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn save(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &form.visitor, &places, PublisherAction::Edit).await?;
    let section = section_in(&places)?;
    let mut offer = draft.row.draft.clone();
    section.apply(&mut offer, &form);
    match save_over(&web, &form, &draft, &offer, Vec::new()).await? {
        Saved::Kept => Ok(see_other(&format!(
            "{}/{}?saved=1",
            offer_path(&draft.key),
            section.as_str()
        ))),
        Saved::Again(status, wrong, conflict) => {
            let outcome = Outcome {
                status,
                sent: Some(&form),
                wrong,
                conflict,
                ..Outcome::default()
            };
            render(&form.visitor, &draft, section, outcome)
        }
    }
}

fn plan_in<'a>(draft: &'a Draft, places: &Places) -> Result<(&'a Plan, Part), Problem> {
    let plan = draft
        .row
        .draft
        .plans
        .iter()
        .find(|plan| plan.plan.as_str() == places.text("plan"));
    let part = Part::from_word(places.text("part"));
    plan.zip(part).ok_or_else(hidden)
}

fn part_tabs(path: &str, current: Part) -> Vec<Link> {
    let tabs = Part::ALL.into_iter().map(|part| Link {
        current: part == current,
        ..link(
            word("plan_part", part.as_str()).into_owned(),
            format!("{path}/{}", part.as_str()),
        )
    });
    tabs.collect()
}

/// The violations of one part of a plan.
fn of_part(draft: &Draft, plan: &Plan, part: Part) -> Vec<Violation> {
    let prefix = format!("plans.{}.", plan.plan);
    let of_plan = draft.violations.iter().filter(|violation| {
        let within = violation.field.strip_prefix(&prefix);
        within.is_some_and(|field| part.holds(field))
    });
    of_plan.cloned().collect()
}

async fn credentials(
    web: &Web,
    draft: &Draft,
    plan: &Plan,
    path: &str,
) -> Result<Option<Credentials>, Problem> {
    if plan.image.registry.is_empty() {
        return Ok(None);
    }
    let kept = store::credentials::find(&web.app.reader, &draft.key, &plan.plan).await?;
    // Credentials given for another registry are of no use here, and are never sent here.
    let kept = kept.filter(|kept| kept.registry == plan.image.registry);
    Ok(Some(Credentials {
        action: format!("{path}/credentials"),
        registry: plan.image.registry.clone(),
        kept_since: kept
            .as_ref()
            .map(|kept| moment(kept.updated_at))
            .unwrap_or_default(),
        fields: vec![
            Field::text("username", t("plan.username"), "")
                .required()
                .autocomplete("off"),
            Field::input("password", "password", t("plan.password"), "")
                .required()
                .autocomplete("off"),
            Field::text("realm_host", t("plan.realm_host"), "")
                .mono()
                .help(t("plan.realm_host_help")),
        ],
        errors: Vec::new(),
    }))
}

async fn render_plan(
    web: &Web,
    visitor: &Visitor,
    draft: &Draft,
    (plan, part): (&Plan, Part),
    outcome: Outcome<'_>,
) -> Result<Response, Problem> {
    let path = format!("{}/plans/{}", offer_path(&draft.key), plan.plan);
    let name = if plan.title.is_empty() {
        plan.plan.to_string()
    } else {
        plan.title.clone()
    };
    let trail = [
        link(
            word("offer_section", "plans").into_owned(),
            format!("{}/plans", offer_path(&draft.key)),
        ),
        link(name.clone(), ""),
    ];
    let mut secret = if part == Part::Image {
        credentials(web, draft, plan, &path).await?
    } else {
        None
    };
    if let (Some(shown), Some((form, wrong))) = (&mut secret, &outcome.secret) {
        refill(&mut shown.fields, form);
        shown.errors = blame(&mut shown.fields, wrong, "");
    }
    let shown = SectionPage {
        title: name,
        lead: part.lead(),
        tabs: part_tabs(&path, part),
        action: format!("{path}/{}", part.as_str()),
        fields: part.fields(plan, &draft.matrix),
        credentials: secret,
        remove: if part == Part::Details {
            format!("{path}/remove")
        } else {
            String::new()
        },
        ..frame(visitor, draft, "plans", &trail)
    };
    finish(shown, outcome, &format!("plans.{}.", plan.plan))
}

pub(super) async fn show_plan(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &visitor, &places, PublisherAction::View).await?;
    let (plan, part) = plan_in(&draft, &places)?;
    let saved = params.has("saved");
    let begun = match part {
        Part::Details => !plan.summary.is_empty() || !plan.description.is_empty(),
        Part::Image => !plan.image.repository.is_empty() || !plan.platforms.is_empty(),
        Part::Configuration => plan.defaults != domain::defaults::Defaults::default(),
    };
    let outcome = Outcome {
        wrong: if saved || begun {
            of_part(&draft, plan, part)
        } else {
            Vec::new()
        },
        saved,
        ..Outcome::default()
    };
    render_plan(&web, &visitor, &draft, (plan, part), outcome).await
}

/// The image part again, with what is wrong about the credentials that were sent.
pub(super) async fn credentials_refused(
    web: &Web,
    places: &Places,
    form: &Form,
    wrong: Vec<Violation>,
) -> Result<Response, Problem> {
    let draft = Draft::load(web, &form.visitor, places, PublisherAction::Edit).await?;
    let plans = &draft.row.draft.plans;
    let plan = plans
        .iter()
        .find(|plan| plan.plan.as_str() == places.text("plan"));
    let plan = plan.ok_or_else(hidden)?;
    let outcome = Outcome {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        wrong: of_part(&draft, plan, Part::Image),
        secret: Some((form, wrong)),
        ..Outcome::default()
    };
    render_plan(web, &form.visitor, &draft, (plan, Part::Image), outcome).await
}

pub(super) async fn save_plan(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &form.visitor, &places, PublisherAction::Edit).await?;
    let (plan, part) = plan_in(&draft, &places)?;
    let mut offer = draft.row.draft.clone();
    let edited = offer
        .plans
        .iter_mut()
        .find(|each| each.plan == plan.plan)
        .ok_or_else(hidden)?;
    let wrong = part.apply(edited, &form);
    match save_over(&web, &form, &draft, &offer, wrong).await? {
        Saved::Kept => {
            let path = format!(
                "{}/plans/{}/{}",
                offer_path(&draft.key),
                plan.plan,
                part.as_str()
            );
            Ok(see_other(&format!("{path}?saved=1")))
        }
        Saved::Again(status, wrong, conflict) => {
            let outcome = Outcome {
                status,
                sent: Some(&form),
                wrong,
                conflict,
                ..Outcome::default()
            };
            render_plan(&web, &form.visitor, &draft, (plan, part), outcome).await
        }
    }
}
