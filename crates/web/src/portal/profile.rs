//! What the publisher says about itself: name, description, website and contacts. Only owners change it.

use app::error::Refused;
use app::publishers::edit_profile;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::role::PublisherAction;
use domain::violation::Violation;
use http::StatusCode;
use store::publishers::{Profile, Publisher};

use super::publisher::{Top, top};
use super::publisher_for;
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::layout::Layout;
use crate::messages::t;
use crate::page::{page_with, see_other};
use crate::params::{Params, Places};
use crate::pieces::FieldError;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "portal/profile.html")]
struct ProfilePage {
    layout: Layout,
    top: Top,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
    may_edit: bool,
    saved: bool,
}

fn fields(publisher: &Publisher) -> Vec<Field> {
    vec![
        Field::text("title", t("portal.publisher_title"), &publisher.title)
            .max(80)
            .required()
            .help(t("portal.publisher_title_help")),
        Field::area(
            "summary",
            t("portal.publisher_summary"),
            &publisher.summary,
            3,
        )
        .max(500),
        Field::input(
            "url",
            "website",
            t("portal.publisher_website"),
            &publisher.website,
        )
        .placeholder("https://"),
        Field::input(
            "email",
            "support_email",
            t("portal.publisher_support"),
            &publisher.support_email,
        )
        .help(t("portal.publisher_support_help")),
        Field::input(
            "email",
            "contact_email",
            t("portal.publisher_contact"),
            &publisher.contact_email,
        )
        .required()
        .help(t("portal.publisher_contact_help")),
    ]
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    places: &Places,
    (sent, wrong): (Option<&Form>, &[Violation]),
    saved: bool,
) -> Result<Response, Problem> {
    let (publisher, top) = top(web, visitor, places, (PublisherAction::View, "profile")).await?;
    let mut fields = fields(&publisher);
    if let Some(form) = sent {
        refill(&mut fields, form);
    }
    let errors = blame(&mut fields, wrong, "");
    let status = if sent.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let shown = ProfilePage {
        layout: visitor.layout("publish"),
        may_edit: visitor
            .actor
            .require(&publisher.id, PublisherAction::EditProfile)
            .is_ok(),
        top,
        fields,
        errors,
        saved,
    };
    page_with(status, &shown)
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    render(&web, &visitor, &places, (None, &[]), params.has("saved")).await
}

pub(super) async fn save(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let visitor = &form.visitor;
    let publisher = publisher_for(&web, visitor, &places, PublisherAction::EditProfile).await?;
    let profile = Profile {
        title: form.text("title"),
        summary: form.text("summary"),
        website: form.text("website"),
        support_email: form.text("support_email"),
        contact_email: form.text("contact_email"),
    };
    match edit_profile(&web.app, &visitor.actor, &publisher.id, profile).await {
        Ok(()) => Ok(see_other(&format!(
            "/publish/{}/profile?saved=1",
            publisher.id
        ))),
        Err(Refused::Invalid(wrong)) => {
            render(&web, visitor, &places, (Some(&form), &wrong), false).await
        }
        Err(other) => Err(other.into()),
    }
}
