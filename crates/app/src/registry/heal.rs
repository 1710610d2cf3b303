//! Brings a blob back from where it was imported: every submission that imported it remembers its source. The bytes come
//! through the egress guard, with the plan's own credentials, and are kept only if they have the digest.

use domain::actor::Actor;
use domain::ids::{OfferKey, PlanName};
use oci::{Digest, Manifest, RepositoryName};
use serde_json::json;
use store::submissions::Submission;

use super::gc::{Removal, remove_unlinked};
use super::place::Place;
use super::refusal::Refusal;
use crate::App;
use crate::offers::open_credentials;
use crate::pipeline::{Imported, imported};
use crate::record::Subject;
use crate::upstream::Registry;

/// Sources that are tried for one blob.
const SOURCES_MAX: usize = 4;

/// What came of it.
pub(super) enum Healed {
    /// The bytes are back, from this `host/repository`.
    From(String),
    /// They are not; the reason for each source tried, or what to do.
    No(String),
}

/// Where a blob may be had again.
struct Origin {
    repository: String,
    key: OfferKey,
    plan: PlanName,
    source: String,
    size: u64,
}

/// Fetches a blob that is not in storage from the sources of the repositories that hold it.
pub(super) async fn heal(
    app: &App,
    digest: &Digest,
    held_by: &[String],
) -> Result<Healed, Refusal> {
    let mut reasons: Vec<String> = Vec::new();
    for name in held_by {
        let Some(origin) = origin(app, digest, name).await? else {
            reasons.push(format!(
                "{name}: no import of it is known; push it there again"
            ));
            continue;
        };
        match fetch(app, digest, &origin).await {
            // Nobody may have held it any more when it came; a collection or a purge had then done with it.
            Ok(()) if remove_unlinked(app, digest).await? == Removal::Needed => {
                note(app, digest, &origin).await?;
                return Ok(Healed::From(origin.source));
            }
            Ok(()) => {
                reasons.clear();
                break;
            }
            Err(why) => reasons.push(format!("{}: {why}", origin.source)),
        }
        if reasons.len() == SOURCES_MAX {
            break;
        }
    }
    if reasons.is_empty() {
        reasons.push("no repository holds it any more".to_owned());
    }
    Ok(Healed::No(reasons.join("; ")))
}

/// The newest import into this repository that brought the blob.
async fn origin(app: &App, digest: &Digest, name: &str) -> Result<Option<Origin>, Refusal> {
    let Ok(repository) = name.parse::<RepositoryName>() else {
        return Ok(None);
    };
    let Place::Release(key, plan) = Place::of(&repository) else {
        return Ok(None);
    };
    let mut submissions = store::submissions::of_offer(&app.reader, &key).await?;
    submissions.sort_by_key(|one| std::cmp::Reverse(one.number));
    for submission in &submissions {
        let Some(brought) = brought(submission, &plan) else {
            continue;
        };
        if let Some(size) = size_in(app, digest, &brought).await? {
            return Ok(Some(Origin {
                repository: name.to_owned(),
                key,
                plan,
                source: brought.source,
                size,
            }));
        }
    }
    Ok(None)
}

/// A submission that was never imported, or long before its record had this form, has no source.
fn brought(submission: &Submission, plan: &PlanName) -> Option<Imported> {
    imported(submission).ok()?.remove(plan)
}

/// The size that one of the imported manifests states for the blob.
async fn size_in(
    app: &App,
    digest: &Digest,
    brought: &Imported,
) -> Result<Option<u64>, store::Error> {
    for name in brought.manifests.iter().chain(&brought.attached) {
        let Some(stored) = store::registry::manifest(&app.reader, name).await? else {
            continue;
        };
        let Ok(manifest) = Manifest::parse(Some(&stored.media_type), &stored.bytes) else {
            continue;
        };
        if let Some(blob) = manifest.blobs().find(|blob| blob.digest == *digest) {
            return Ok(Some(blob.size));
        }
    }
    Ok(None)
}

async fn fetch(app: &App, digest: &Digest, origin: &Origin) -> Result<(), String> {
    let (host, repository) = origin
        .source
        .split_once('/')
        .ok_or("the source has no repository")?;
    if host == app.settings.registry_host {
        return Err("it was pushed to this marketplace; push it there again".to_owned());
    }
    let repository = repository.parse().map_err(|error| format!("{error}"))?;
    let credentials = open_credentials(app, &origin.key, &origin.plan, host)
        .await
        .map_err(|error| error.to_string())?;
    let registry = Registry::new(&app.egress, host, &repository, credentials)
        .map_err(|error| error.to_string())?;
    let body = registry
        .blob(digest, origin.size, 0)
        .await
        .map_err(|error| error.to_string())?;
    let kept = app.blobs.put_verified(digest, body, origin.size).await;
    kept.map(|_| ()).map_err(|error| error.to_string())
}

async fn note(app: &App, digest: &Digest, origin: &Origin) -> Result<(), store::Error> {
    let tx = app.writer.begin().await?;
    let data = json!({"digest": digest, "source": origin.source});
    let subject = (Subject::Repository, origin.repository.as_str());
    app.record(&tx, &Actor::System, subject, "blob_healed", data)
        .await?;
    tx.commit().await
}
