//! The plans of an offer: the list, a new one, and taking one out.

use app::error::Refused;
use app::offers::save_draft;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::complete::{PLAN_TITLE_CHARS_MAX, PLANS_MAX};
use domain::ids::PlanName;
use domain::offer::Plan;
use domain::role::PublisherAction;
use domain::violation::Violation;
use http::StatusCode;

use super::draft::{Draft, Head};
use super::{hidden, offer_path};
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::layout::Layout;
use crate::messages::{t, tn, word};
use crate::page::{page_with, see_other};
use crate::params::Places;
use crate::pieces::FieldError;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

struct Row {
    id: String,
    title: String,
    price: String,
    image: String,
    platforms: String,
    hidden: bool,
    to_mend: String,
}

#[derive(Template)]
#[template(path = "portal/plans.html")]
struct PlansPage {
    layout: Layout,
    head: Head,
    rows: Vec<Row>,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
}

fn row(plan: &Plan, draft: &Draft) -> Row {
    let prefix = format!("plans.{}.", plan.plan);
    let wrong = draft
        .violations
        .iter()
        .filter(|v| v.is_error() && v.field.starts_with(&prefix))
        .count();
    let image = &plan.image;
    Row {
        id: plan.plan.to_string(),
        title: if plan.title.is_empty() {
            plan.plan.to_string()
        } else {
            plan.title.clone()
        },
        price: word("price_model", plan.price.model()).into_owned(),
        image: [image.registry.as_str(), image.repository.as_str()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/"),
        platforms: plan.platforms.join(", "),
        hidden: plan.hidden,
        to_mend: if wrong > 0 {
            tn("portal.to_mend", wrong)
        } else {
            String::new()
        },
    }
}

fn fields() -> Vec<Field> {
    vec![
        Field::text("plan", t("plan.id"), "")
            .mono()
            .max(domain::ids::ID_CHARS_MAX)
            .required()
            .help(t("plan.id_help")),
        Field::text("title", t("plan.title"), "")
            .max(PLAN_TITLE_CHARS_MAX)
            .required(),
    ]
}

fn render(
    visitor: &Visitor,
    draft: &Draft,
    sent: Option<(&Form, Vec<Violation>, StatusCode)>,
) -> Result<Response, Problem> {
    let mut fields = fields();
    let (mut errors, mut status) = (Vec::new(), StatusCode::OK);
    if let Some((form, wrong, code)) = sent {
        refill(&mut fields, form);
        errors = blame(&mut fields, &wrong, "");
        status = code;
    }
    let shown = PlansPage {
        layout: visitor.layout("publish"),
        head: draft.head("plans", &[]),
        rows: draft
            .row
            .draft
            .plans
            .iter()
            .map(|plan| row(plan, draft))
            .collect(),
        fields,
        errors,
    };
    page_with(status, &shown)
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &visitor, &places, PublisherAction::View).await?;
    render(&visitor, &draft, None)
}

fn new_plan(form: &Form, draft: &Draft) -> Result<Plan, Vec<Violation>> {
    let id = form.text("plan");
    let name: PlanName = id.parse().map_err(|error: domain::ids::IdError| {
        vec![Violation::error(
            "plan",
            t("portal.id_limit"),
            error.to_string(),
            t("portal.id_fix"),
        )]
    })?;
    let plans = &draft.row.draft.plans;
    if plans.iter().any(|plan| plan.plan == name) {
        return Err(vec![Violation::error(
            "plan",
            t("plan.unique_limit"),
            id,
            t("portal.id_fix"),
        )]);
    }
    if plans.len() >= PLANS_MAX {
        let limit = crate::messages::t1("plan.count_limit", PLANS_MAX);
        return Err(vec![Violation::error(
            "plan",
            limit,
            plans.len().to_string(),
            t("plan.count_fix"),
        )]);
    }
    Ok(Plan {
        plan: name,
        title: form.text("title"),
        summary: String::new(),
        description: String::new(),
        hidden: false,
        price: domain::offer::Price::default(),
        image: domain::offer::ImageSource::default(),
        platforms: Vec::new(),
        defaults: domain::defaults::Defaults::default(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        release_notes: String::new(),
    })
}

pub(super) async fn add(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &form.visitor, &places, PublisherAction::Edit).await?;
    let plan = match new_plan(&form, &draft) {
        Ok(plan) => plan,
        Err(wrong) => {
            return render(
                &form.visitor,
                &draft,
                Some((&form, wrong, StatusCode::UNPROCESSABLE_ENTITY)),
            );
        }
    };
    let path = format!("{}/plans/{}/details", offer_path(&draft.key), plan.plan);
    let mut offer = draft.row.draft.clone();
    offer.plans.push(plan);
    match save_draft(
        &web.app,
        &form.visitor.actor,
        &draft.key,
        &offer,
        draft.row.revision,
    )
    .await
    {
        Ok(_) => Ok(see_other(&path)),
        Err(Refused::Invalid(wrong)) => render(
            &form.visitor,
            &draft,
            Some((&form, wrong, StatusCode::UNPROCESSABLE_ENTITY)),
        ),
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn remove(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &form.visitor, &places, PublisherAction::Edit).await?;
    let mut offer = draft.row.draft.clone();
    let before = offer.plans.len();
    offer
        .plans
        .retain(|plan| plan.plan.as_str() != places.text("plan"));
    if offer.plans.len() == before {
        return Err(hidden());
    }
    let revision = form.get("revision").parse().unwrap_or(draft.row.revision);
    save_draft(&web.app, &form.visitor.actor, &draft.key, &offer, revision).await?;
    Ok(see_other(&format!("{}/plans", offer_path(&draft.key))))
}
