//! Taking a live offer out of the storefront, and putting it back.

use app::error::Refused;
use app::offers::{StopSelling, resume_selling, stop_selling};
use axum::extract::State;
use axum::response::Response;
use domain::ids::OfferKey;
use domain::lifecycle::StopReason;
use domain::role::PublisherAction;
use domain::violation::Violation;

use super::draft::Draft;
use super::{key_for, offer_path, overview};
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

/// What was asked for, or every field of it that is wrong.
fn asked(form: &Form) -> Result<StopSelling, Vec<Violation>> {
    let invalid = |field: &str, limit: &str, fix: &str| {
        let found: String = form.text(field).chars().take(60).collect();
        Violation::error(field, limit, found, fix)
    };
    let reason = REASONS.iter().find(|(word, _)| *word == form.get("reason"));
    let alternative = form.text("alternative");
    let alternative = match alternative.as_str() {
        "" => Ok(None),
        text => text.parse::<OfferKey>().map(Some),
    };
    match (reason, alternative) {
        (Some((_, reason)), Ok(alternative)) => Ok(StopSelling {
            reason: *reason,
            alternative,
        }),
        (reason, alternative) => {
            let mut wrong = Vec::new();
            if reason.is_none() {
                wrong.push(invalid(
                    "reason",
                    t("selling.reason_limit"),
                    t("selling.reason_fix"),
                ));
            }
            if alternative.is_err() {
                let (limit, fix) = (t("selling.alternative_limit"), t("selling.alternative_fix"));
                wrong.push(invalid("alternative", limit, fix));
            }
            Err(wrong)
        }
    }
}

pub(super) async fn stop(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let key = key_for(&form.visitor, &places, PublisherAction::GoLive)?;
    let refused = match asked(&form) {
        Err(wrong) => wrong,
        Ok(command) => match stop_selling(&web.app, &form.visitor.actor, &key, command).await {
            Ok(_) => return Ok(see_other(&offer_path(&key))),
            Err(Refused::Invalid(wrong)) => wrong,
            Err(other) => return Err(other.into()),
        },
    };
    let draft = Draft::load(&web, &form.visitor, &places, PublisherAction::GoLive).await?;
    overview::render(&web, &form.visitor, &draft, Some((&form, refused))).await
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
