//! Offers: what a publisher edits, submits, signs off and stops selling; and the reviewer's part in between.

mod audience;
mod cancel;
mod create;
mod credentials;
mod end_previews;
mod go_live;
mod lead;
mod logo;
mod preview;
mod review;
mod save_draft;
mod stop_selling;
mod submit;

pub use audience::{AUDIENCE_MAX, invite_to_preview, uninvite_from_preview};
pub use cancel::cancel_submission;
pub use create::create_offer;
pub use credentials::{UpstreamCredentials, forget_credentials, put_credentials};
pub(crate) use credentials::{open_credentials, row_id as credentials_row_id};
pub use end_previews::end_previews;
pub use go_live::go_live;
pub use lead::{GetItNow, get_it_now, leads_csv};
pub use logo::put_logo;
pub use preview::{
    Preview, PreviewToken, create_preview_token, preview_for, preview_manifest, preview_module,
};
pub(crate) use review::WAIVED_BY;
pub use review::{Verdict, review_submission, waive_rule};
pub use save_draft::save_draft;
pub use stop_selling::{StopSelling, resume_selling, stop_selling};
pub use submit::submit_offer;

use domain::actor::Actor;
use domain::ids::OfferKey;
use domain::lifecycle::{State, Step};
use domain::matrix::Matrix;
use domain::role::PublisherAction;
use serde_json::json;
use store::Tx;
use store::offers::OfferRow;
use store::publishers::PublisherState;
use store::submissions::Submission;

use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// The offer, if the actor may do this with it; hidden otherwise by the edge.
pub(crate) async fn offer_for(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    action: PublisherAction,
) -> Result<OfferRow, Refused> {
    actor.require(&key.publisher, action)?;
    store::offers::find(&app.reader, key)
        .await?
        .ok_or_else(|| Refused::not_found("offer", key.to_string()))
}

/// The submission, if the actor may do this with its offer.
pub(crate) async fn submission_for(
    app: &App,
    actor: &Actor,
    id: &str,
    action: PublisherAction,
) -> Result<Submission, Refused> {
    let submission = store::submissions::find(&app.reader, id)
        .await?
        .ok_or_else(|| Refused::not_found("submission", id))?;
    actor.require(&submission.key.publisher, action)?;
    Ok(submission)
}

/// Publishing needs an approved publisher.
pub(crate) async fn require_approved(app: &App, key: &OfferKey) -> Result<(), Refused> {
    let publisher = store::publishers::find(&app.reader, &key.publisher)
        .await?
        .ok_or_else(|| Refused::not_found("publisher", key.publisher.as_str()))?;
    match publisher.state {
        PublisherState::Approved => Ok(()),
        PublisherState::Pending => Err(Refused::Conflict(format!(
            "The publisher `{}` waits for the operator's approval. You can edit and lint meanwhile; submitting comes after.",
            key.publisher
        ))),
        PublisherState::Refused | PublisherState::Suspended => Err(Refused::Conflict(format!(
            "The publisher `{}` may not publish: {}. Write to {}.",
            key.publisher,
            publisher
                .reason
                .unwrap_or_else(|| "no reason was given".into()),
            app.settings.onboarding_contact
        ))),
    }
}

/// Moves a submission along one arrow with its event and the step's clock, or tells that someone was faster.
pub(crate) async fn advance(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    submission: &Submission,
    step: Step,
    detail: &str,
) -> Result<State, Refused> {
    let to = submission
        .state
        .after(step)
        .map_err(|refused| Refused::Conflict(format!("{refused}.")))?;
    let now = app.clock.now();
    if !store::submissions::set_state(tx, &submission.id, submission.state, to, now).await? {
        return Err(Refused::Conflict(
            "This submission moved on meanwhile. Load the page again to see where it stands."
                .into(),
        ));
    }
    let outcome = match step {
        Step::Reject => "rejected",
        Step::Cancel => "cancelled",
        Step::UndoPublish => "undone",
        _ => "done",
    };
    store::steps::finish(
        tx,
        &submission.id,
        submission.state.as_str(),
        outcome,
        detail,
        now,
    )
    .await?;
    if !to.is_final() {
        store::steps::start(tx, &submission.id, to.as_str(), now).await?;
    }
    let data = json!({"from": submission.state.as_str(), "to": to.as_str(), "detail": detail});
    app.record(
        tx,
        actor,
        (Subject::Submission, &submission.id),
        "submission_moved",
        data,
    )
    .await?;
    Ok(to)
}

/// The support matrix in force: the operator's, or the built-in one.
pub async fn matrix(app: &App) -> Result<Matrix, store::Error> {
    setting(app, "matrix").await
}

/// The certification policy in force: the operator's, or the built-in one.
pub async fn policy(app: &App) -> Result<certify::Policy, store::Error> {
    setting(app, "policy").await
}

/// One that cannot be read is an error: the built-in one in its place would judge by rules that the operator replaced.
async fn setting<T>(app: &App, key: &'static str) -> Result<T, store::Error>
where
    T: serde::de::DeserializeOwned + Default,
{
    let Some(value) = store::settings::get(&app.reader, key).await? else {
        return Ok(T::default());
    };
    serde_json::from_value(value).map_err(|error| store::Error::Inconsistent {
        table: "settings",
        row: key.to_owned(),
        column: "value",
        what: error.to_string(),
    })
}
