//! Taking a live offer out of the storefront, and putting it back.

use app::offers::{StopSelling, resume_selling, stop_selling};
use axum::extract::State;
use axum::response::Response;
use domain::lifecycle::StopReason;
use domain::role::PublisherAction;

use super::{key_for, offer_path};
use crate::form::Form;
use crate::messages::t;
use crate::page::see_other;
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;

/// The reasons, by their words in the form.
pub(crate) const REASONS: [(&str, StopReason); 3] = [
    ("end_of_support", StopReason::EndOfSupport),
    ("security_issue", StopReason::SecurityIssue),
    ("other", StopReason::Other),
];

pub(super) async fn stop(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let key = key_for(&form.visitor, &places, PublisherAction::GoLive)?;
    let invalid = |field: &str, limit: &str, fix: &str| {
        let found = form.text(field).chars().take(60).collect::<String>();
        Problem::from(app::error::Refused::invalid(field, limit, found, fix))
    };
    let chosen = REASONS.iter().find(|(word, _)| *word == form.get("reason"));
    let reason = chosen
        .ok_or_else(|| invalid("reason", t("selling.reason_limit"), t("selling.reason_fix")))?
        .1;
    let alternative = match form.text("alternative").as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| {
            invalid(
                "alternative",
                t("selling.alternative_limit"),
                t("selling.alternative_fix"),
            )
        })?),
    };
    stop_selling(
        &web.app,
        &form.visitor.actor,
        &key,
        StopSelling {
            reason,
            alternative,
        },
    )
    .await?;
    Ok(see_other(&offer_path(&key)))
}

pub(super) async fn resume(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let key = key_for(&form.visitor, &places, PublisherAction::GoLive)?;
    resume_selling(&web.app, &form.visitor.actor, &key).await?;
    Ok(see_other(&offer_path(&key)))
}
