//! A member, or somebody of the offer's preview audience, tries a preview before it is signed off: the module as visitors
//! will see it, and its image with a fresh pull token for one plan alone, by hand or inside a manifest's
//! `registryCredentials`. A token ends with the preview, at go-live, or when the submission is cancelled.
//! Refuses submissions that are not in preview, unknown plans, and placeholders left unfilled.

use domain::actor::Actor;
use domain::deployment::{self, ModuleEntry, RegistryCredentials};
use domain::lifecycle::State;
use domain::offer::Plan;
use domain::role::{PublisherAction, TokenScope};
use serde_json::{Value, json};
use store::Tx;
use store::registry::pull_tokens::PullToken;
use store::submissions::Submission;

use crate::App;
use crate::catalog::{self, Module};
use crate::clock::{DAY, new_id, new_secret, rfc3339, secret_hash};
use crate::deploy::{Choice, Form, NoManifest, filled};
use crate::error::Refused;
use crate::pipeline::{imported, releases_of};
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

/// The submission, if the actor may look at its preview; for others it is not there.
pub async fn preview_for(app: &App, actor: &Actor, id: &str) -> Result<Submission, Refused> {
    let account = actor.account()?;
    let submission = store::submissions::find(&app.reader, id)
        .await?
        .ok_or_else(|| Refused::not_found("submission", id))?;
    let member = actor.require(&submission.key.publisher, PublisherAction::Submit);
    if let Err(refused) = member {
        account.require_scope(TokenScope::Read)?;
        let invited =
            store::preview_audience::holds(&app.reader, &submission.key, &account.id).await?;
        if !invited {
            return Err(refused.into());
        }
    }
    require_open(app, &submission)?;
    Ok(submission)
}

fn require_open(app: &App, submission: &Submission) -> Result<(), Refused> {
    if submission.state != State::Preview {
        let words = submission.state.words();
        return Err(Refused::Conflict(format!(
            "This submission is {words}, not in preview."
        )));
    }
    require_not_over(app, submission)
}

/// A preview ends by itself; housekeeping notes it within the hour, and nobody uses it meanwhile.
pub(super) fn require_not_over(app: &App, submission: &Submission) -> Result<(), Refused> {
    match submission.preview_expires_at {
        Some(ends) if ends <= app.clock.now() => Err(Refused::Conflict(format!(
            "This preview ended {}. Submit the offer again for a new one.",
            rfc3339(ends)
        ))),
        _ => Ok(()),
    }
}

async fn in_preview(
    app: &App,
    actor: &Actor,
    id: &str,
    plan: &str,
) -> Result<(Submission, Plan), Refused> {
    let submission = preview_for(app, actor, id).await?;
    let frozen = submission
        .frozen
        .plans
        .iter()
        .find(|p| p.plan.as_str() == plan)
        .cloned();
    let frozen = frozen.ok_or_else(|| Refused::not_found("plan", plan))?;
    Ok((submission, frozen))
}

/// The module as visitors will see it.
pub async fn preview_module(
    app: &App,
    actor: &Actor,
    id: &str,
) -> Result<(Submission, Module), Refused> {
    let submission = preview_for(app, actor, id).await?;
    let releases = releases_of(app, &submission).await?;
    let module = catalog::preview(&app.reader, submission.clone(), releases).await?;
    let module = module.ok_or_else(|| {
        Refused::Conflict(
            "Nothing was imported for this submission; there is nothing to see.".into(),
        )
    })?;
    Ok((submission, module))
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
        account_id: Some(actor.account()?.id.clone()),
    };
    let tx = app.writer.begin().await?;
    still_may(app, &tx, actor, &submission).await?;
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

/// Asks everything again under locks. Whoever ends the preview, takes the person out or shuts them out also takes back their
/// tokens; of that and of this the second sees what the first did, so no token is left over.
async fn still_may(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    submission: &Submission,
) -> Result<(), Refused> {
    let account = actor.account()?;
    let publisher = &submission.key.publisher;
    // In the order of everybody who locks these.
    let row = store::accounts::lock(tx, &account.id).await?;
    if row.is_none_or(|row| row.disabled_at.is_some()) {
        return Err(Refused::Conflict("This account is shut out.".into()));
    }
    store::publishers::lock(tx, publisher).await?;
    let members = store::members::of_account(tx, &account.id).await?;
    let mut here = members.iter().filter(|one| one.publisher == *publisher);
    let member = here.any(|one| one.role.may(PublisherAction::Submit));
    if !member && !store::preview_audience::hold(tx, &submission.key, &account.id).await? {
        return Err(Refused::Conflict(
            "You were taken out of this preview's audience.".into(),
        ));
    }
    let locked = store::submissions::lock(tx, &submission.id).await?;
    let locked = locked.ok_or_else(|| Refused::not_found("submission", submission.id.as_str()))?;
    require_open(app, &locked)
}

/// What somebody needs to try one plan of a preview.
pub struct Preview {
    /// The deployment manifest, with the token among its `registryCredentials`.
    pub manifest: Value,
    /// The image by digest.
    pub reference: String,
    /// The token by itself.
    pub token: PreviewToken,
}

/// The manifest of one plan of a submission in preview, with a fresh pull token inside.
pub async fn preview_manifest(
    app: &App,
    actor: &Actor,
    id: &str,
    plan: &str,
    form: Form,
    choice: &Choice,
) -> Result<Preview, NoManifest> {
    let (submission, frozen) = in_preview(app, actor, id, plan).await?;
    let brought = imported(&submission)?;
    let tags = brought.get(&frozen.plan).map(|b| &b.tags);
    let newest = domain::tag::newest(frozen.image.tags.iter().map(String::as_str));
    let version = newest.ok_or_else(|| Refused::not_found("version", plan))?;
    let digest = tags.and_then(|tags| tags.get(&version.to_string()));
    let digest = digest.ok_or_else(|| Refused::not_found("version", plan))?;
    let filled = filled(&frozen.defaults, &choice.values)?;
    let token = create_preview_token(app, actor, id, plan).await?;
    let host = &app.settings.registry_host;
    let reference = format!(
        "{host}/{}@{digest}",
        submission.key.repository(&frozen.plan)
    );
    let mut entry = ModuleEntry::new(&filled, &reference, choice.module_name.as_deref());
    entry.version = version.to_string();
    entry.credentials = Some(RegistryCredentials {
        id: CREDENTIALS_ID.into(),
        username: PREVIEW_USER.into(),
        password: token.secret.clone(),
        address: host.clone(),
    });
    let built = match form {
        Form::Full => deployment::full(&[entry], &app.settings.runtime),
        Form::Layered => deployment::layered(&[entry]),
    };
    let manifest = built.map_err(|e| Refused::trouble(e.to_string()))?;
    Ok(Preview {
        manifest,
        reference,
        token,
    })
}
