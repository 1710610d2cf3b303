//! User name and password for the registry of a plan's image. Sealed at once, never shown again.

use app::error::Refused;
use app::offers::{UpstreamCredentials, forget_credentials, put_credentials};
use axum::extract::State;
use axum::response::Response;
use domain::ids::{OfferKey, PlanName};
use domain::role::PublisherAction;

use super::section::credentials_refused;
use super::{hidden, key_for, offer_path};
use crate::form::Form;
use crate::page::see_other;
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;

fn back(key: &OfferKey, plan: &PlanName) -> Response {
    see_other(&format!("{}/plans/{plan}/image?saved=1", offer_path(key)))
}

pub(super) async fn put(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let key = key_for(&form.visitor, &places, PublisherAction::Edit)?;
    let plan: PlanName = places.text("plan").parse().map_err(|_| hidden())?;
    let row = store::offers::find(&web.app.reader, &key)
        .await?
        .ok_or_else(hidden)?;
    let known = row
        .draft
        .plans
        .iter()
        .find(|each| each.plan == plan)
        .ok_or_else(hidden)?;
    if known.image.registry.is_empty() {
        let why = "This plan's image is in this marketplace's own registry, which needs no password from you.";
        return Err(Refused::Conflict(why.to_owned()).into());
    }
    let realm_host = form.text("realm_host");
    let given = UpstreamCredentials {
        username: form.text("username"),
        password: form.get("password").to_owned(),
        realm_host: (!realm_host.is_empty()).then_some(realm_host),
    };
    // Told at the field that is empty; a password is never sent back to the page.
    let field = if given.username.is_empty() {
        "username"
    } else {
        "password"
    };
    let put = put_credentials(
        &web.app,
        &form.visitor.actor,
        &key,
        &plan,
        &known.image.registry,
        given,
    );
    match put.await {
        Ok(()) => Ok(back(&key, &plan)),
        Err(Refused::Invalid(mut wrong)) => {
            for each in wrong.iter_mut().filter(|each| each.field == "credentials") {
                field.clone_into(&mut each.field);
            }
            credentials_refused(&web, &places, &form, wrong).await
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn forget(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let key = key_for(&form.visitor, &places, PublisherAction::Edit)?;
    let plan: PlanName = places.text("plan").parse().map_err(|_| hidden())?;
    forget_credentials(&web.app, &form.visitor.actor, &key, &plan).await?;
    Ok(back(&key, &plan))
}
