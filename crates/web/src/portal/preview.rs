//! The preview of a submission: the product page as visitors will see it, its manifest with a pull token inside, and who
//! outside the publisher may look.

use std::sync::Arc;

use app::deploy::Form as ManifestForm;
use app::offers::{invite_to_preview, preview_manifest, preview_module, uninvite_from_preview};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::role::PublisherAction;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};

use super::hidden;
use super::submission::load;
use crate::form::Form;
use crate::page::see_other;
use crate::params::{Params, Places};
use crate::problem::Problem;
use crate::state::Web;
use crate::storefront::{pretty, product_page, wanted};
use crate::visitor::Visitor;

fn path(places: &Places) -> String {
    format!("/publish/submissions/{}/preview", places.text("id"))
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    visitor.account()?;
    let seen = preview_module(&web.app, &visitor.actor, places.text("id")).await;
    let (_, module) = seen.map_err(unseen)?;
    product_page(
        &web,
        &visitor,
        &Arc::new(module),
        &params,
        Some(path(&places)),
    )
    .await
}

/// What may not be seen answers like what is not there.
fn unseen(refused: app::error::Refused) -> Problem {
    match refused {
        app::error::Refused::NotFound {
            what: "submission", ..
        } => hidden(),
        other => other.into(),
    }
}

/// The manifest as a file. It carries a secret, so it is made by a form and kept by nobody.
pub(super) async fn manifest(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let visitor = &form.visitor;
    visitor.account()?;
    let fields = ["form", "module"].map(|name| (name.to_owned(), form.text(name)));
    let values = form
        .starting("set.")
        .map(|(name, value)| (format!("set.{name}"), value.to_owned()));
    let params = Params(fields.into_iter().chain(values).collect());
    let kind = ManifestForm::from_word(params.get("form")).unwrap_or_default();
    let (id, plan) = (places.text("id"), form.text("plan"));
    let made = preview_manifest(&web.app, &visitor.actor, id, &plan, kind, &wanted(&params)).await;
    let made = made.map_err(|no| match no {
        app::deploy::NoManifest::Refused(refused) => unseen(refused),
        other => other.into(),
    })?;
    let mut response = (pretty(&made.manifest) + "\n").into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = HeaderValue::from_static("attachment; filename=\"preview-deployment.json\"");
    headers.insert(CONTENT_DISPOSITION, name);
    Ok(response)
}

pub(super) async fn invite(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let submission = load(&web, &form.visitor, &places, PublisherAction::Submit).await?;
    let (actor, email) = (&form.visitor.actor, form.text("email"));
    invite_to_preview(&web.app, actor, &submission.key, &email).await?;
    Ok(see_other(&format!(
        "/publish/submissions/{}#audience",
        submission.id
    )))
}

pub(super) async fn uninvite(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let submission = load(&web, &form.visitor, &places, PublisherAction::Submit).await?;
    let (actor, account) = (&form.visitor.actor, form.get("account_id"));
    uninvite_from_preview(&web.app, actor, &submission.key, account).await?;
    Ok(see_other(&format!(
        "/publish/submissions/{}#audience",
        submission.id
    )))
}
