//! A new offer: its id, which never changes, and its title.

use app::error::Refused;
use app::offers::{create_offer, save_draft};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::complete::TITLE_CHARS_MAX;
use domain::ids::{ID_CHARS_MAX, IdError, OfferKey, OfferName};
use domain::offer::Offer;
use domain::role::PublisherAction;
use domain::violation::Violation;
use http::StatusCode;

use super::publisher::{Top, top};
use super::{link, offer_path};
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::layout::Layout;
use crate::messages::t;
use crate::page::{page_with, see_other};
use crate::params::Places;
use crate::pieces::FieldError;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "portal/new_offer.html")]
struct NewOfferPage {
    layout: Layout,
    top: Top,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
}

fn fields() -> Vec<Field> {
    vec![
        Field::text("listing.title", t("offer.title"), "")
            .max(TITLE_CHARS_MAX)
            .required()
            .help(t("offer.title_help")),
        Field::text("offer", t("offer.id"), "")
            .mono()
            .max(ID_CHARS_MAX)
            .required()
            .help(t("offer.id_help")),
    ]
}

fn frame(mut top: Top) -> Top {
    let publisher = format!("/publish/{}", top.id);
    top.crumbs = vec![
        link(t("nav.publish"), "/publish"),
        link(top.title.clone(), publisher),
        link(t("portal.new_offer"), ""),
    ];
    top
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let (_, top) = top(&web, &visitor, &places, (PublisherAction::Edit, "offers")).await?;
    let shown = NewOfferPage {
        layout: visitor.layout("publish"),
        top: frame(top),
        fields: fields(),
        errors: Vec::new(),
    };
    page_with(StatusCode::OK, &shown)
}

pub(super) async fn create(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let (publisher, top) = top(
        &web,
        &form.visitor,
        &places,
        (PublisherAction::Edit, "offers"),
    )
    .await?;
    let name: Result<OfferName, IdError> = form.text("offer").parse();
    let wrong = match name {
        Err(error) => vec![Violation::error(
            "offer",
            t("portal.id_limit"),
            error.to_string(),
            t("portal.id_fix"),
        )],
        Ok(offer) => {
            let key = OfferKey {
                publisher: publisher.id.clone(),
                offer,
            };
            match make(&web, &form, &key).await {
                Ok(()) => return Ok(see_other(&format!("{}/listing", offer_path(&key)))),
                Err(Refused::Invalid(wrong)) => wrong,
                Err(Refused::Conflict(_)) => {
                    let found = t("portal.id_taken_found");
                    vec![Violation::error(
                        "offer",
                        t("portal.id_taken_limit"),
                        found,
                        t("portal.id_fix"),
                    )]
                }
                Err(other) => return Err(other.into()),
            }
        }
    };
    let mut fields = fields();
    refill(&mut fields, &form);
    let errors = blame(&mut fields, &wrong, "");
    let shown = NewOfferPage {
        layout: form.visitor.layout("publish"),
        top: frame(top),
        fields,
        errors,
    };
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown)
}

async fn make(web: &Web, form: &Form, key: &OfferKey) -> Result<(), Refused> {
    let actor = &form.visitor.actor;
    create_offer(&web.app, actor, key).await?;
    let mut draft = Offer::empty(key);
    draft.listing.title = form.text("listing.title");
    save_draft(&web.app, actor, key, &draft, 1).await?;
    Ok(())
}
