//! "Get it now": a signed-in customer lets the publisher know, with consent, and goes on to the manifest. Nobody needs it
//! to pull or deploy; the page says so.

use app::catalog::Module;
use app::error::Refused;
use app::offers::{GetItNow, get_it_now};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::ids::OfferKey;
use domain::violation::Violation;
use http::StatusCode;

use super::card::path;
use crate::form::Form;
use crate::layout::Layout;
use crate::messages::{t1, t2};
use crate::page::{page_with, see_other};
use crate::params::{Params, Places, address};
use crate::pieces::{Choice, Fact, FieldError, Link};
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "storefront/get_it.html")]
struct GetIt {
    layout: Layout,
    crumbs: Vec<Link>,
    title: String,
    publisher: String,
    action: String,
    back: String,
    passed_on: Vec<Fact>,
    plans: Vec<Choice>,
    given: GetItNow,
    consent_text: String,
    errors: Vec<FieldError>,
}

impl GetIt {
    fn error(&self, field: &str) -> &str {
        let found = self.errors.iter().find(|error| error.field == field);
        found
            .map(|error| error.message.as_str())
            .unwrap_or_default()
    }
}

/// The sentence beside the box, as it is kept with the lead.
fn consent_text(module: &Module) -> String {
    t1("get_it.consent", &module.publisher_title)
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    let given = GetItNow {
        plan: params.get("plan").to_owned(),
        ..GetItNow::default()
    };
    form(&web, &visitor, &places.offer()?, given, Vec::new())
}

pub(super) async fn get(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let key = places.offer()?;
    let module = web.app.module(&key)?;
    let command = GetItNow {
        plan: form.text("plan"),
        company: form.text("company"),
        title: form.text("title"),
        phone: form.text("phone"),
        country: form.text("country"),
        consent: form.ticked("consent"),
        consent_text: consent_text(&module),
    };
    match get_it_now(&web.app, &form.visitor.actor, &key, command.clone()).await {
        Ok(()) => {
            let fields = [
                ("got", "1"),
                ("tab", "configure"),
                ("plan", command.plan.as_str()),
            ];
            Ok(see_other(&address(&path(&module), fields)))
        }
        Err(Refused::Invalid(violations)) => {
            self::form(&web, &form.visitor, &key, command, violations)
        }
        Err(other) => Err(other.into()),
    }
}

fn form(
    web: &Web,
    visitor: &Visitor,
    key: &OfferKey,
    given: GetItNow,
    violations: Vec<Violation>,
) -> Result<Response, Problem> {
    let module = web.app.module(key)?;
    let account = visitor.account()?;
    let fact = |label: &str, value: &str| Fact {
        label: label.to_owned(),
        value: value.to_owned(),
    };
    let named = |plan: &str| module.plan(plan).is_some();
    let chosen = if named(&given.plan) {
        given.plan.clone()
    } else {
        String::new()
    };
    let plans = module
        .plans
        .iter()
        .filter(|plan| !plan.hidden || plan.plan.as_str() == chosen);
    let status = if violations.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let crumb = |label: &str, href: String| Link {
        label: label.to_owned(),
        href,
        ..Link::default()
    };
    page_with(
        status,
        &GetIt {
            layout: visitor.layout("modules"),
            crumbs: vec![
                crumb(&module.title, path(&module)),
                crumb(crate::messages::t("get_it.title_short"), String::new()),
            ],
            title: t1("get_it.title", &module.title),
            publisher: module.publisher_title.clone(),
            action: format!("{}/get", path(&module)),
            back: path(&module),
            passed_on: vec![
                fact(crate::messages::t("get_it.name"), &account.name),
                fact(crate::messages::t("get_it.email"), &account.email),
            ],
            plans: plans
                .map(|plan| Choice {
                    value: plan.plan.to_string(),
                    label: plan.title.clone(),
                    selected: plan.plan.as_str() == chosen,
                    ..Choice::default()
                })
                .collect(),
            consent_text: consent_text(&module),
            given,
            errors: violations
                .into_iter()
                .map(|v| FieldError {
                    field: v.field,
                    message: t2("get_it.broken", v.limit, v.fix),
                })
                .collect(),
        },
    )
}
