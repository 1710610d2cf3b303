//! A member tries a preview before signing off: with a fresh pull token for one plan alone, by hand or inside a manifest's
//! `registryCredentials`. A token ends with the preview, at go-live, or when the submission is cancelled.
//! Refuses submissions that are not in preview, unknown plans, and placeholders left unfilled.

use domain::actor::Actor;
use domain::deployment::{self, ModuleEntry, RegistryCredentials};
use domain::lifecycle::State;
use domain::offer::Plan;
use domain::placeholder;
use domain::role::PublisherAction;
use serde_json::{Value, json};
use store::registry::pull_tokens::PullToken;
use store::submissions::Submission;

use super::submission_for;
use crate::App;
use crate::clock::{DAY, new_id, new_secret, secret_hash};
use crate::deploy::{Choice, Form, NoManifest};
use crate::error::Refused;
use crate::pipeline::imported;
use crate::record::Subject;
use crate::registry::PREVIEW_USER;

/// Name of the credentials' entry in the manifest.
const CREDENTIALS_ID: &str = "edgemart-preview";

/// A pull token just made. The secret is never to be had again.
pub struct PreviewToken {
    /// The password; the user name is [`PREVIEW_USER`].
    pub secret: String,
    /// Microseconds.
    pub expires_at: i64,
}

async fn in_preview(
    app: &App,
    actor: &Actor,
    id: &str,
    plan: &str,
) -> Result<(Submission, Plan), Refused> {
    let submission = submission_for(app, actor, id, PublisherAction::Submit).await?;
    if submission.state != State::Preview {
        let words = submission.state.words();
        return Err(Refused::Conflict(format!(
            "This submission is {words}, not in preview."
        )));
    }
    let frozen = submission
        .frozen
        .plans
        .iter()
        .find(|p| p.plan.as_str() == plan)
        .cloned();
    let frozen = frozen.ok_or_else(|| Refused::not_found("plan", plan))?;
    Ok((submission, frozen))
}

/// Makes a pull token for one plan of a submission in preview.
pub async fn create_preview_token(
    app: &App,
    actor: &Actor,
    id: &str,
    plan: &str,
) -> Result<PreviewToken, Refused> {
    let (submission, frozen) = in_preview(app, actor, id, plan).await?;
    let secret = new_secret("").map_err(|e| Refused::trouble(e.to_string()))?;
    let token = PullToken {
        id: new_id(),
        token_hash: secret_hash(&secret),
        repo: submission.key.repository(&frozen.plan),
        submission: submission.id.clone(),
        expires_at: submission
            .preview_expires_at
            .unwrap_or(app.clock.now() + DAY),
        revoked_at: None,
    };
    let tx = app.writer.begin().await?;
    store::registry::pull_tokens::insert(&tx, &token).await?;
    let data = json!({"token": token.id, "plan": plan});
    app.record(
        &tx,
        actor,
        (Subject::Submission, id),
        "preview_token_created",
        data,
    )
    .await?;
    tx.commit().await?;
    Ok(PreviewToken {
        secret,
        expires_at: token.expires_at,
    })
}

/// The manifest of one plan of a submission in preview, with a fresh pull token inside.
pub async fn preview_manifest(
    app: &App,
    actor: &Actor,
    id: &str,
    plan: &str,
    form: Form,
    choice: &Choice,
) -> Result<Value, NoManifest> {
    let (submission, frozen) = in_preview(app, actor, id, plan).await?;
    let brought = imported(&submission)?;
    let tags = brought.get(&frozen.plan).map(|b| &b.tags);
    let newest = domain::tag::newest(frozen.image.tags.iter().map(String::as_str));
    let digest = newest.and_then(|version| tags?.get(&version.to_string()));
    let digest = digest.ok_or_else(|| Refused::not_found("version", plan))?;
    let filled =
        placeholder::fill(&frozen.defaults, &choice.values).map_err(NoManifest::Unfilled)?;
    let token = create_preview_token(app, actor, id, plan).await?;
    let host = &app.settings.registry_host;
    let image = format!(
        "{host}/{}@{digest}",
        submission.key.repository(&frozen.plan)
    );
    let mut entry = ModuleEntry::new(&filled, &image, choice.module_name.as_deref());
    entry.credentials = Some(RegistryCredentials {
        id: CREDENTIALS_ID.into(),
        username: PREVIEW_USER.into(),
        password: token.secret,
        address: host.clone(),
    });
    let built = match form {
        Form::Full => deployment::full(&[entry], &app.settings.runtime),
        Form::Layered => deployment::layered(&[entry]),
    };
    Ok(built.map_err(|e| Refused::trouble(e.to_string()))?)
}
