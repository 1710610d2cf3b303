//! A member makes a pull token for a preview's image: shown once, for one plan, good until the preview ends or moves on.
//! Refuses a submission that is not in preview.

use domain::actor::Actor;
use domain::ids::PlanName;
use domain::lifecycle::State;
use domain::role::PublisherAction;
use serde_json::json;
use store::registry::pull_tokens::PullToken;

use super::submission_for;
use crate::App;
use crate::clock::{HOUR, new_id, new_secret, secret_hash};
use crate::error::Refused;
use crate::record::Subject;

/// A token just made. The secret is never to be had again.
pub struct PreviewToken {
    /// Password for the user name [`crate::registry::PREVIEW_USER`].
    pub secret: String,
    /// The one repository that it opens.
    pub repository: String,
    /// Microseconds.
    pub expires_at: i64,
}

/// Makes a pull token for one plan of a preview.
pub async fn create_preview_token(
    app: &App,
    actor: &Actor,
    id: &str,
    plan: &str,
) -> Result<PreviewToken, Refused> {
    let submission = submission_for(app, actor, id, PublisherAction::Submit).await?;
    let now = app.clock.now();
    let ends = submission.preview_expires_at.unwrap_or_else(|| {
        // A reviewer's approval opens a preview without a date of its own.
        submission.updated_at + i64::from(app.settings.limits.preview_hours_max) * HOUR
    });
    if submission.state != State::Preview || ends <= now {
        return Err(Refused::Conflict(format!(
            "Submission {} of {} is {}; only a running preview can be pulled with a token.",
            submission.number,
            submission.key,
            submission.state.words()
        )));
    }
    let known = submission.frozen.plans.iter().find(|known| known.plan.as_str() == plan);
    let plan: &PlanName = known.map(|known| &known.plan).ok_or_else(|| Refused::not_found("plan", plan))?;
    let secret = new_secret("emp_").map_err(|e| Refused::trouble(e.to_string()))?;
    let row = PullToken {
        id: new_id(),
        token_hash: secret_hash(&secret),
        repo: submission.key.repository(plan),
        submission: submission.id.clone(),
        expires_at: ends,
        revoked_at: None,
    };
    let tx = app.writer.begin().await?;
    store::registry::pull_tokens::insert(&tx, &row).await?;
    let data = json!({"plan": plan, "token": row.id});
    app.record(&tx, actor, (Subject::Submission, id), "preview_token_created", data).await?;
    tx.commit().await?;
    Ok(PreviewToken {
        secret,
        repository: row.repo,
        expires_at: ends,
    })
}
