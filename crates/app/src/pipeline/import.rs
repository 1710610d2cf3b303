//! Copies a submission's images from the publisher's registry into the plan's repository, not yet public.
//! Every digest is verified. What is here already is only linked, and large blobs go on where a killed import stopped.
//! What the publisher can mend rejects the submission with the reason; what time can mend is tried again.

use std::collections::{BTreeMap, BTreeSet};

use domain::actor::Actor;
use domain::ids::PlanName;
use domain::lifecycle::{State, Step};
use domain::offer::Plan;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use oci::{Descriptor, Digest, Manifest};
use store::Tx;
use store::registry::StoredManifest;
use store::submissions::Submission;

use super::fetch::{FetchError, drop_parts, fetch, forget_parts};
use super::{Imported, import_own};
use crate::App;
use crate::admin::require_not_taken_down;
use crate::error::{Refused, Trouble};
use crate::jobs::{Ended, Kind};
use crate::offers::{advance, open_credentials};
use crate::registry::quota;
use crate::upstream::{self, Attached, Choice, CopyLimits, CopyPlan, Registry, UpstreamError};

/// A try that brought so many bytes got further; fewer could be dripped for ever.
const HEADWAY_BYTES_MIN: i64 = 256 * 1024;

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
    if let Some(why) = taken_down(app, &submission).await? {
        return reject(app, &submission, &why).await;
    }
    let before = bytes_here(app, &submission).await?;
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
            // Content that is just being removed, or a submission that just ended: the next try sees which.
            Err(ImportError::Ours(Refused::Conflict(why))) => return Ok(Ended::Waiting(why)),
            Err(ImportError::Ours(refused)) => return Err(refused),
            Err(ImportError::Upstream { error, .. }) if error.may_pass() => {
                let onward = bytes_here(app, &submission).await? >= before + HEADWAY_BYTES_MIN;
                let why = error.to_string();
                return Ok(if onward {
                    Ended::Onward(why)
                } else {
                    Ended::Again(why)
                });
            }
            Err(error) => return reject(app, &submission, &error.to_string()).await,
        }
    }
    finish(app, &submission, &done).await
}

/// Why nothing of this module may come in: it was taken down since it was submitted.
async fn taken_down(app: &App, submission: &Submission) -> Result<Option<String>, Refused> {
    let tx = app.writer.begin().await?;
    match require_not_taken_down(&tx, &submission.key).await {
        Ok(()) => Ok(None),
        Err(Refused::Conflict(why)) => Ok(Some(why)),
        Err(other) => Err(other),
    }
}

/// Bytes of a submission's images that are here, whole blobs and parts: more of them than before is headway.
async fn bytes_here(app: &App, submission: &Submission) -> Result<i64, store::Error> {
    let mut bytes = 0;
    for plan in &submission.frozen.plans {
        let repo = submission.key.repository(&plan.plan);
        let blobs = store::registry::blobs_of(&app.reader, &repo).await?;
        bytes += blobs.iter().map(|(_, held)| held.size).sum::<i64>();
        let parts = store::registry::uploads::of_repository(&app.reader, &repo).await?;
        bytes += parts.iter().map(|part| part.size).sum::<i64>();
    }
    Ok(bytes)
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

/// Ends the submission and drops what is left of its way, in one transaction: when it ended already, the parts may be its
/// successor's.
async fn reject(app: &App, submission: &Submission, why: &str) -> Result<Ended, Refused> {
    let tx = app.writer.begin().await?;
    match advance(app, &tx, &Actor::System, submission, Step::Reject, why).await {
        Ok(_) => {}
        Err(Refused::Conflict(_)) => return Ok(Ended::Done),
        Err(other) => return Err(other),
    }
    store::submissions::set_failure(&tx, &submission.id, why, app.clock.now()).await?;
    let parts = forget_parts(&tx, submission).await?;
    tx.commit().await?;
    drop_parts(app, &parts).await;
    Ok(Ended::Done)
}

async fn finish(
    app: &App,
    submission: &Submission,
    done: &BTreeMap<PlanName, Imported>,
) -> Result<Ended, Refused> {
    let value = serde_json::to_value(done).map_err(|e| Refused::trouble(e.to_string()))?;
    let bytes: u64 = done.values().map(|imported| imported.total_bytes).sum();
    let plans = if done.len() == 1 { "plan" } else { "plans" };
    let megabytes = bytes.div_ceil(100_000) as f64 / 10.0;
    let detail = format!("{} {plans}, {megabytes} MB", done.len());
    if let Some(why) = taken_down(app, submission).await? {
        return reject(app, submission, &why).await;
    }
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
        // Cancelled while the bytes came in: nothing more to do. Parts are left to the next submission, or to the sweep.
        Err(Refused::Conflict(_)) => return Ok(Ended::Done),
        Err(other) => return Err(other),
    }
    let publisher = &submission.key.publisher;
    app.enqueue(&tx, Kind::Certify, &submission.id, publisher)
        .await?;
    // Of an earlier try whose tags named other layers.
    let parts = forget_parts(&tx, submission).await?;
    tx.commit().await?;
    drop_parts(app, &parts).await;
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
    let limits = limits(app);
    let at = format!("{}/{}", source.registry, source.repository);
    log(app, submission, &format!("{}: reading {at}", plan.plan)).await?;
    let mut copy = upstream::plan_copy(&registry, &source.tags, &limits, &Choice::of(plan))
        .await
        .map_err(upstream)?;
    if copy.tags.is_empty() {
        return Err(publisher(format!(
            "{at} has none of the tags {}; check the repository's name, or push them there",
            source.tags.join(", ")
        )));
    }
    let attached = upstream::find_attached(&registry, &copy, &limits)
        .await
        .map_err(upstream)?;
    log_left_out(app, submission, plan, &copy.left_out).await?;
    log_attached(app, submission, plan, &attached).await?;
    copy.blobs.extend(attached.blobs);
    copy.total_bytes += attached.total_bytes;
    let all = [copy.manifests.as_slice(), &attached.manifests].concat();
    let repo = submission.key.repository(&plan.plan);
    if let Some(why) = refuse_blocked(app, &repo, &all).await? {
        return Err(publisher(why));
    }
    let told = bring(app, submission, &registry, &repo, &copy).await;
    let told = told.map_err(|error| match error {
        FetchError::Upstream(error) => upstream(error),
        FetchError::Publisher(why) => publisher(why),
        FetchError::Ours(refused) => ImportError::Ours(refused),
    })?;
    log(app, submission, &format!("{}: {told}", plan.plan)).await?;
    if let Some(why) = link_manifests(app, submission, &repo, &all).await? {
        return Err(publisher(why));
    }
    Ok(Imported {
        source: at,
        tags: copy.tags,
        missing_tags: copy.missing,
        manifests: digests(&copy.manifests),
        attached: digests(&attached.manifests),
        attached_tags: attached.tags,
        left_out: copy.left_out,
        total_bytes: copy.total_bytes,
    })
}

fn limits(app: &App) -> CopyLimits {
    let limits = &app.settings.limits;
    CopyLimits {
        image_bytes_max: limits.image_bytes_max,
        blob_bytes_max: limits.blob_bytes_max,
        manifests_max: limits.manifests_per_image_max,
        manifest_bytes_max: limits.intake.manifest_bytes_max as u64,
        manifest_entries_max: limits.intake.manifest_entries_max,
        layers_max: limits.intake.layers_per_image_max,
    }
}

pub(super) fn digests(manifests: &[Manifest]) -> Vec<Digest> {
    manifests.iter().map(|m| m.digest.clone()).collect()
}

/// Tells which platforms the publisher chose not to bring.
pub(super) async fn log_left_out(
    app: &App,
    submission: &Submission,
    plan: &Plan,
    left_out: &BTreeMap<Digest, String>,
) -> Result<(), store::Error> {
    if left_out.is_empty() {
        return Ok(());
    }
    let platforms: BTreeSet<&str> = left_out.values().map(String::as_str).collect();
    let platforms: Vec<&str> = platforms.into_iter().collect();
    let line = format!(
        "{}: not declared, so not copied: {}",
        plan.plan,
        platforms.join(", ")
    );
    log(app, submission, &line).await
}

/// Tells what comes along with the image, and what does not.
pub(super) async fn log_attached(
    app: &App,
    submission: &Submission,
    plan: &Plan,
    attached: &Attached,
) -> Result<(), store::Error> {
    if !attached.manifests.is_empty() {
        let count = attached.manifests.len();
        let line = format!("{}: {count} attached (signatures and the like)", plan.plan);
        log(app, submission, &line).await?;
    }
    for one in &attached.left_out {
        log(app, submission, &format!("{}: left out: {one}", plan.plan)).await?;
    }
    Ok(())
}

/// Brings every blob of a plan here, a bounded number at once; tells what had to travel.
async fn bring(
    app: &App,
    submission: &Submission,
    registry: &Registry,
    repo: &str,
    copy: &CopyPlan,
) -> Result<String, FetchError> {
    let wanted = link_held(app, submission, repo, copy.blobs.clone()).await?;
    // What an earlier try left here counts already.
    let kept = store::registry::uploads::of_repository(&app.reader, repo).await?;
    let kept: i64 = kept.iter().map(|part| part.size).sum();
    let bytes: u64 = wanted.iter().map(|blob| blob.size).sum();
    let bytes = bytes.saturating_sub(u64::try_from(kept).unwrap_or_default());
    let publisher = &submission.key.publisher;
    if let Some(why) = quota::refusal_of_bytes(app, &app.reader, publisher, bytes).await? {
        return Err(FetchError::Publisher(why));
    }
    let travelling = wanted.len();
    let fetched = stream::iter(wanted)
        .map(|blob| fetch(app, submission, registry, repo, blob))
        .buffer_unordered(app.settings.limits.import_parallel_max.max(1))
        .try_fold(0_u64, |sum, bytes| async move { Ok(sum + bytes) })
        .await?;
    Ok(format!(
        "{fetched} bytes copied, {} in all; {travelling} of {} blobs travelled",
        copy.total_bytes,
        copy.blobs.len()
    ))
}

/// Why an image may not come back: something of it was taken down by the operator.
pub(super) async fn refuse_blocked(
    app: &App,
    repo: &str,
    manifests: &[Manifest],
) -> Result<Option<String>, store::Error> {
    for manifest in manifests {
        let own = store::takedowns::reason_in(&app.reader, repo, &manifest.digest).await?;
        let mut down = own.map(|reason| (&manifest.digest, reason));
        let blobs = manifest.blobs().map(|blob| &blob.digest);
        for digest in std::iter::once(&manifest.digest).chain(blobs) {
            if down.is_none() {
                let reason = store::registry::block_reason(&app.reader, digest).await?;
                down = reason.map(|reason| (digest, reason));
            }
        }
        if let Some((digest, reason)) = down {
            return Ok(Some(format!(
                "{digest} was taken down by the operator and cannot be imported again: {reason}. Take its tags out of the plan and submit again"
            )));
        }
    }
    Ok(None)
}

/// Links what is here and readable for this publisher anyway; answers what has to travel. Knowing a digest is not
/// owning it: bytes of another publisher's private image are fetched all the same (product ruling 6).
async fn link_held(
    app: &App,
    submission: &Submission,
    repo: &str,
    blobs: Vec<Descriptor>,
) -> Result<Vec<Descriptor>, FetchError> {
    let publisher = submission.key.publisher.as_str();
    let mut held = Vec::new();
    let mut wanted = Vec::new();
    for blob in blobs {
        let readable =
            store::registry::publisher_may_read(&app.reader, publisher, &blob.digest).await?;
        // What is withheld travels, and once for each submission only.
        let since = submission.created_at;
        let brought = store::registry::linked_since(&app.reader, repo, &blob.digest, since).await?;
        let size = match readable || brought {
            true => size_here(app, &blob.digest).await?,
            false => None,
        };
        match size {
            Some(size) if size == blob.size => held.push(blob),
            _ => wanted.push(blob),
        }
    }
    let tx = app.writer.begin().await?;
    if let Some(why) = link_blobs(app, &tx, submission, repo, &held).await? {
        return Err(FetchError::Publisher(why));
    }
    tx.commit().await?;
    // A removal of unused bytes that began before the links may have taken some; from here on none can begin.
    for blob in held {
        if size_here(app, &blob.digest).await? != Some(blob.size) {
            wanted.push(blob);
        }
    }
    Ok(wanted)
}

async fn size_here(app: &App, digest: &Digest) -> Result<Option<u64>, FetchError> {
    let size = app.blobs.size(digest).await;
    size.map_err(|e| FetchError::Ours(Refused::Failed(Trouble::Storage(e.to_string()))))
}

/// Links blobs whose bytes are here; gives why the publisher may not hold that much, if so.
pub(super) async fn link_blobs(
    app: &App,
    tx: &Tx,
    submission: &Submission,
    repo: &str,
    blobs: &[Descriptor],
) -> Result<Option<String>, store::Error> {
    let growing = quota::begin(app, tx, &submission.key.publisher, repo).await?;
    let sizes = blobs.iter().map(|blob| {
        let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
        (&blob.digest, size)
    });
    store::registry::link_blobs(tx, repo, sizes, app.clock.now()).await?;
    let more = growing.linked(blobs.iter().map(|blob| blob.size).sum(), 0);
    growing.refusal(app, tx, more).await
}

/// Keeps manifests all in one transaction, in order of digest as blobs are; gives why the publisher may not hold that much,
/// if so, and then keeps none.
pub(super) async fn link_manifests(
    app: &App,
    submission: &Submission,
    repo: &str,
    manifests: &[Manifest],
) -> Result<Option<String>, store::Error> {
    let mut ordered: Vec<&Manifest> = manifests.iter().collect();
    ordered.sort_by(|one, other| one.digest.cmp(&other.digest));
    let tx = app.writer.begin().await?;
    let growing = quota::begin(app, &tx, &submission.key.publisher, repo).await?;
    for manifest in ordered {
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
    let more = manifests.iter().map(|manifest| manifest.bytes.len() as u64);
    let more = growing.linked(more.sum(), 0);
    let why = growing.refusal(app, &tx, more).await?;
    if why.is_none() {
        tx.commit().await?;
    }
    Ok(why)
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
