//! `/publish`: what publishing here is, the request to become a publisher, and one's publishers.

use app::error::Refused;
use app::publishers::BecomePublisher;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::actor::Account;
use domain::violation::Violation;
use http::StatusCode;

use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::layout::Layout;
use crate::messages::{t, t1, tn, word};
use crate::page::{page_with, see_other};
use crate::pieces::FieldError;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

struct Card {
    id: String,
    title: String,
    state: &'static str,
    role: String,
    offers: String,
}

#[derive(Template)]
#[template(path = "portal/index.html")]
struct IndexPage {
    layout: Layout,
    cards: Vec<Card>,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
    contact: String,
    terms_version: String,
}

fn fields(web: &Web, account: &Account) -> Vec<Field> {
    let version = &web.app.settings.terms_version;
    vec![
        Field::hidden("terms_version", version.clone()),
        Field::text("title", t("portal.publisher_title"), "")
            .max(80)
            .required()
            .help(t("portal.publisher_title_help")),
        Field::text("id", t("portal.publisher_id"), "")
            .mono()
            .max(domain::ids::ID_CHARS_MAX)
            .required()
            .help(t("portal.publisher_id_help")),
        Field::area("summary", t("portal.publisher_summary"), "", 3).max(500),
        Field::input("url", "website", t("portal.publisher_website"), "").placeholder("https://"),
        Field::input(
            "email",
            "contact_email",
            t("portal.publisher_contact"),
            account.email.clone(),
        )
        .required()
        .help(t("portal.publisher_contact_help")),
        Field::check("terms_accepted", &t1("portal.accept_terms", version), false).required(),
    ]
}

async fn cards(web: &Web, account: &Account) -> Result<Vec<Card>, Problem> {
    let mut cards = Vec::new();
    for (id, role) in &account.publishers {
        let Some(publisher) = store::publishers::find(&web.app.reader, id).await? else {
            continue;
        };
        let offers = store::offers::of_publisher(&web.app.reader, id).await?;
        cards.push(Card {
            id: id.to_string(),
            title: publisher.title,
            state: publisher.state.as_str(),
            role: word("member_role", role.as_str()).into_owned(),
            offers: tn("portal.offer_count", offers.len()),
        });
    }
    Ok(cards)
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    sent: Option<(&Form, Vec<Violation>)>,
) -> Result<Response, Problem> {
    let account = visitor.account().ok();
    let mut fields = account
        .map(|account| fields(web, account))
        .unwrap_or_default();
    let status = if sent.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let mut errors = Vec::new();
    if let Some((form, wrong)) = sent {
        refill(&mut fields, form);
        errors = blame(&mut fields, &wrong, "");
    }
    let cards = match account {
        Some(account) => cards(web, account).await?,
        None => Vec::new(),
    };
    let shown = IndexPage {
        layout: visitor.layout("publish"),
        cards,
        fields,
        errors,
        contact: web.app.settings.onboarding_contact.clone(),
        terms_version: web.app.settings.terms_version.clone(),
    };
    page_with(status, &shown)
}

pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    render(&web, &visitor, None).await
}

pub(super) async fn become_publisher(
    State(web): State<Web>,
    form: Form,
) -> Result<Response, Problem> {
    form.visitor.account()?;
    let command = BecomePublisher {
        id: form.text("id"),
        title: form.text("title"),
        summary: form.text("summary"),
        website: form.text("website"),
        contact_email: form.text("contact_email"),
        terms_version: form.get("terms_version").to_owned(),
        terms_accepted: form.ticked("terms_accepted"),
    };
    let wrong =
        match app::publishers::become_publisher(&web.app, &form.visitor.actor, command).await {
            Ok(id) => return Ok(see_other(&format!("/publish/{id}"))),
            Err(Refused::Invalid(wrong)) => wrong,
            Err(Refused::Conflict(_)) => {
                let found = t("portal.id_taken_found");
                vec![Violation::error(
                    "id",
                    t("portal.id_taken_limit"),
                    found,
                    t("portal.id_fix"),
                )]
            }
            Err(other) => return Err(other.into()),
        };
    render(&web, &form.visitor, Some((&form, wrong))).await
}
