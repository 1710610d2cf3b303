//! Copies a submission's images from the publisher's registry into the plan's repository, not yet public.
//! Every digest is verified; what is here already is skipped, so a killed import goes on where it stopped.
//! What the publisher can mend rejects the submission with the reason; what time can mend is tried again.

use std::collections::BTreeMap;

use domain::actor::Actor;
use domain::ids::PlanName;
use domain::lifecycle::{State, Step};
use domain::offer::Plan;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use oci::{Descriptor, Digest, Manifest};
use store::registry::StoredManifest;
use store::submissions::Submission;

use super::{Imported, import_own};
use crate::App;
use crate::error::{Refused, Trouble};
use crate::jobs::{Ended, Kind};
use crate::offers::{advance, open_credentials};
use crate::upstream::{self, CopyLimits, Registry, UpstreamError};

/// Why a plan's image could not be copied.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImportError {
    /// The registry's answer; some of these pass with time.
    #[error("plan `{plan}`: {error}")]
    Upstream {
        /// Which plan.
        plan: PlanName,
        /// What happened.
        error: UpstreamError,
    },
    /// Something only the publisher can change.
    #[error("plan `{plan}`: {why}")]
    Publisher {
        /// Which plan.
        plan: PlanName,
        /// What and how.
        why: String,
    },
    /// Ours.
    #[error(transparent)]
    Ours(#[from] Refused),
}

impl From<store::Error> for ImportError {
    fn from(error: store::Error) -> Self {
        Self::Ours(error.into())
    }
}

/// The job.
pub(crate) async fn import(app: &App, id: &str) -> Result<Ended, Refused> {
    let Some(submission) = begin(app, id).await? else {
        return Ok(Ended::Done);
    };
    let mut done: BTreeMap<PlanName, Imported> = BTreeMap::new();
    for plan in &submission.frozen.plans {
        let copied = match plan.image.registry.as_str() {
            "" => import_own::copy(app, &submission, plan).await,
            _ => copy(app, &submission, plan).await,
        };
        match copied {
            Ok(imported) => {
                done.insert(plan.plan.clone(), imported);
            }
            Err(ImportError::Ours(refused)) => return Err(refused),
            Err(ImportError::Upstream { error, .. }) if error.may_pass() => {
                return Ok(Ended::Again(error.to_string()));
            }
            Err(error) => return reject(app, &submission, &error.to_string()).await,
        }
    }
    finish(app, &submission, &done).await
}

/// Takes the submission into `importing`, or finds that it is there already; `None` when it was cancelled meanwhile.
async fn begin(app: &App, id: &str) -> Result<Option<Submission>, Refused> {
    let Some(mut submission) = store::submissions::find(&app.reader, id).await? else {
        return Ok(None);
    };
    match submission.state {
        State::Importing => Ok(Some(submission)),
        State::Submitted => {
            let tx = app.writer.begin().await?;
            submission.state =
                advance(app, &tx, &Actor::System, &submission, Step::StartImport, "").await?;
            tx.commit().await?;
            Ok(Some(submission))
        }
        _ => Ok(None),
    }
}

async fn reject(app: &App, submission: &Submission, why: &str) -> Result<Ended, Refused> {
    let tx = app.writer.begin().await?;
    store::submissions::set_failure(&tx, &submission.id, why, app.clock.now()).await?;
    advance(app, &tx, &Actor::System, submission, Step::Reject, why).await?;
    tx.commit().await?;
    Ok(Ended::Done)
}

async fn finish(
    app: &App,
    submission: &Submission,
    done: &BTreeMap<PlanName, Imported>,
) -> Result<Ended, Refused> {
    let value = serde_json::to_value(done).map_err(|e| Refused::trouble(e.to_string()))?;
    let bytes: u64 = done.values().map(|imported| imported.total_bytes).sum();
    let detail = format!("{} plans, {bytes} bytes", done.len());
    let tx = app.writer.begin().await?;
    store::submissions::set_imported(&tx, &submission.id, &value, app.clock.now()).await?;
    match advance(
        app,
        &tx,
        &Actor::System,
        submission,
        Step::StartCertification,
        &detail,
    )
    .await
    {
        Ok(_) => {}
        // Cancelled while the bytes came in: nothing more to do.
        Err(Refused::Conflict(_)) => return Ok(Ended::Done),
        Err(other) => return Err(other),
    }
    app.enqueue(&tx, Kind::Certify, &submission.id).await?;
    tx.commit().await?;
    app.jobs_waiting.notify_waiters();
    Ok(Ended::Done)
}

async fn copy(app: &App, submission: &Submission, plan: &Plan) -> Result<Imported, ImportError> {
    let publisher = |why: String| ImportError::Publisher {
        plan: plan.plan.clone(),
        why,
    };
    let upstream = |error: UpstreamError| ImportError::Upstream {
        plan: plan.plan.clone(),
        error,
    };
    let source = &plan.image;
    let repository = source
        .repository
        .parse()
        .map_err(|e| publisher(format!("image.repository: {e}")))?;
    let credentials = open_credentials(app, &submission.key, &plan.plan, &source.registry).await?;
    let registry =
        Registry::new(&app.egress, &source.registry, &repository, credentials).map_err(upstream)?;
    let limits = CopyLimits {
        image_bytes_max: app.settings.limits.image_bytes_max,
        blob_bytes_max: app.settings.limits.blob_bytes_max,
        manifests_max: app.settings.limits.manifests_per_image_max,
    };
    log(
        app,
        submission,
        &format!(
            "{}: reading {}/{}",
            plan.plan, source.registry, source.repository
        ),
    )
    .await?;
    let copy = upstream::plan_copy(&registry, &source.tags, &limits)
        .await
        .map_err(upstream)?;
    if copy.tags.is_empty() {
        return Err(publisher(format!(
            "{}/{} has none of the tags {}; check the repository's name, or push them there",
            source.registry,
            source.repository,
            source.tags.join(", ")
        )));
    }
    let repo = submission.key.repository(&plan.plan);
    let fetched = stream::iter(copy.blobs.clone())
        .map(|blob| fetch(app, submission, &registry, &repo, blob))
        .buffer_unordered(app.settings.limits.import_parallel_max.max(1))
        .try_fold(0_u64, |sum, bytes| async move { Ok(sum + bytes) })
        .await
        .map_err(|error| match error {
            FetchError::Upstream(error) => upstream(error),
            FetchError::Ours(refused) => ImportError::Ours(refused),
        })?;
    log(
        app,
        submission,
        &format!(
            "{}: {fetched} bytes copied, {} in all",
            plan.plan, copy.total_bytes
        ),
    )
    .await?;
    link_manifests(app, &repo, &copy.manifests).await?;
    Ok(Imported {
        source: format!("{}/{}", source.registry, source.repository),
        tags: copy.tags,
        missing_tags: copy.missing,
        manifests: copy.manifests.iter().map(|m| m.digest.clone()).collect(),
        total_bytes: copy.total_bytes,
    })
}

enum FetchError {
    Upstream(UpstreamError),
    Ours(Refused),
}

impl From<store::Error> for FetchError {
    fn from(error: store::Error) -> Self {
        Self::Ours(error.into())
    }
}

/// Brings one blob here and links it; answers the bytes that had to travel.
async fn fetch(
    app: &App,
    submission: &Submission,
    registry: &Registry,
    repo: &str,
    blob: Descriptor,
) -> Result<u64, FetchError> {
    let storage = |e: &dyn std::fmt::Display| {
        FetchError::Ours(Refused::Failed(Trouble::Storage(format!(
            "blob {}: {e}",
            blob.digest
        ))))
    };
    let held = app
        .blobs
        .size(&blob.digest)
        .await
        .map_err(|e| storage(&e))?;
    let publisher = submission.key.publisher.as_str();
    let may_reuse = held == Some(blob.size)
        && store::registry::publisher_may_read(&app.reader, publisher, &blob.digest).await?;
    let travelled = if may_reuse {
        0
    } else {
        // Knowing a digest is not owning it: bytes of another publisher's private image are fetched all the same.
        let body = registry
            .blob(&blob.digest, blob.size, 0)
            .await
            .map_err(FetchError::Upstream)?;
        let failed = std::sync::Mutex::new(None);
        let body = body.map_err(|error| {
            let told = std::io::Error::other(error.to_string());
            if let Ok(mut slot) = failed.lock() {
                *slot = Some(error);
            }
            told
        });
        let stored = app
            .blobs
            .put_verified(&blob.digest, body.boxed(), blob.size)
            .await;
        if let Err(error) = stored {
            let upstream = failed.lock().ok().and_then(|mut slot| slot.take());
            return Err(match upstream {
                Some(upstream) => FetchError::Upstream(upstream),
                None if error.is_content() => {
                    FetchError::Upstream(UpstreamError::corrupt(&blob.digest, &error))
                }
                None => storage(&error),
            });
        }
        blob.size
    };
    let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
    let tx = app.writer.begin().await?;
    store::registry::link_blob(&tx, repo, &blob.digest, size, false, app.clock.now()).await?;
    tx.commit().await?;
    Ok(travelled)
}

/// Keeps manifests, children before the indexes that list them, all in one transaction.
pub(super) async fn link_manifests(
    app: &App,
    repo: &str,
    manifests: &[Manifest],
) -> Result<(), store::Error> {
    let tx = app.writer.begin().await?;
    for manifest in manifests {
        let stored = StoredManifest {
            digest: manifest.digest.clone(),
            media_type: manifest.media_type.clone(),
            bytes: manifest.bytes.to_vec(),
            subject: manifest.subject().map(|s| s.digest.clone()),
            artifact_type: manifest.artifact_type().map(ToOwned::to_owned),
        };
        store::registry::put_manifest(&tx, &stored).await?;
        store::registry::link_manifest(&tx, repo, &manifest.digest, false, app.clock.now()).await?;
    }
    tx.commit().await
}

pub(super) async fn log(
    app: &App,
    submission: &Submission,
    line: &str,
) -> Result<(), store::Error> {
    tracing::info!(submission = submission.id, offer = %submission.key, "{line}");
    let tx = app.writer.begin().await?;
    store::steps::append_log(&tx, &submission.id, State::Importing.as_str(), line).await?;
    tx.commit().await
}

/// The blobs of a set of manifests, each once.
pub(super) fn blobs_of(manifests: &[Manifest]) -> BTreeMap<Digest, Descriptor> {
    manifests
        .iter()
        .flat_map(Manifest::blobs)
        .map(|blob| (blob.digest.clone(), blob.clone()))
        .collect()
}
