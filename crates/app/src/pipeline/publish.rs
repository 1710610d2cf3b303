//! Go-live: releases are written, tags promoted, images made public, the listing switched and the index told, all in one
//! transaction. Its last step pulls the image as an anonymous visitor would; when that fails nothing of it happened.

use std::collections::{BTreeMap, BTreeSet};

use domain::actor::Actor;
use domain::lifecycle::{State, Step};
use domain::offer::Plan;
use domain::release::{Release, ReleasePlatform};
use domain::tag::Version;
use oci::{Digest, ImageConfig, Manifest, ManifestBody};
use store::Tx;
use store::submissions::Submission;

use super::{Imported, gather, imported, point_tags};
use crate::App;
use crate::admin::{require_not_taken_down, standing};
use crate::error::{Refused, Trouble};
use crate::jobs::Ended;
use crate::offers::advance;

/// What will become public for one plan.
struct Going {
    repo: String,
    manifests: Vec<Digest>,
    blobs: Vec<Digest>,
    tags: BTreeMap<String, Digest>,
    /// Under which cosign keeps signatures and the like.
    attached_tags: BTreeMap<String, Digest>,
    /// What indexes list and the publisher did not bring, with the platform it is for.
    left_out: BTreeMap<Digest, String>,
    releases: Vec<Release>,
}

/// The job.
pub(crate) async fn publish(app: &App, id: &str) -> Result<Ended, Refused> {
    let Some(submission) = store::submissions::find(&app.reader, id).await? else {
        return Ok(Ended::Done);
    };
    if submission.state != State::Publishing {
        return Ok(Ended::Done);
    }
    let mut going = Vec::new();
    for (name, brought) in imported(&submission)? {
        let plan = submission
            .frozen
            .plans
            .iter()
            .find(|plan| plan.plan == name);
        if let Some(plan) = plan {
            going.push(prepare(app, &submission, plan, &brought).await?);
        }
    }
    match switch(app, &submission, &going).await {
        Ok(()) => {
            app.catalog_changed();
            Ok(Ended::Done)
        }
        Err(Refused::Conflict(why)) => undo(app, &submission, &why).await,
        Err(other) => Err(other),
    }
}

/// Reads everything that will be public and checks that its bytes are here. No transaction is open yet.
async fn prepare(
    app: &App,
    submission: &Submission,
    plan: &Plan,
    brought: &Imported,
) -> Result<Going, Refused> {
    let mut manifests = BTreeMap::new();
    for digest in &brought.manifests {
        manifests.insert(digest.clone(), gather::manifest(app, digest).await?);
    }
    let mut attached = Vec::new();
    for digest in &brought.attached {
        attached.push(gather::manifest(app, digest).await?);
    }
    let mut blobs = BTreeSet::new();
    for blob in manifests
        .values()
        .chain(&attached)
        .flat_map(Manifest::blobs)
    {
        let held = app
            .blobs
            .size(&blob.digest)
            .await
            .map_err(|e| Refused::Failed(Trouble::Storage(e.to_string())))?;
        if held != Some(blob.size) {
            return Err(Refused::trouble(format!(
                "blob {} was imported and is gone",
                blob.digest
            )));
        }
        blobs.insert(blob.digest.clone());
    }
    let releases = releases_of_plan(app, submission, plan, brought, &manifests).await?;
    Ok(Going {
        repo: submission.key.repository(&plan.plan),
        manifests: [brought.manifests.as_slice(), &brought.attached].concat(),
        blobs: blobs.into_iter().collect(),
        tags: brought.tags.clone(),
        attached_tags: brought.attached_tags.clone(),
        left_out: brought.left_out.clone(),
        releases,
    })
}

async fn releases_of_plan(
    app: &App,
    submission: &Submission,
    plan: &Plan,
    brought: &Imported,
    manifests: &BTreeMap<Digest, Manifest>,
) -> Result<Vec<Release>, Refused> {
    let mut releases = Vec::new();
    for (tag, digest) in &brought.tags {
        let Ok(version) = tag.parse::<Version>() else {
            continue;
        };
        releases.push(Release {
            key: submission.key.clone(),
            plan: plan.plan.clone(),
            version,
            digest: digest.clone(),
            tags: tags_of(&brought.tags, digest),
            platforms: platforms(app, digest, manifests).await?,
            defaults: plan.defaults.clone(),
            notes: plan.release_notes.clone(),
            submission: submission.id.clone(),
            released_at: app.clock.now(),
        });
    }
    Ok(releases)
}

/// The releases that a submission would make, for its preview.
pub(crate) async fn releases_of(
    app: &App,
    submission: &Submission,
) -> Result<Vec<Release>, Refused> {
    let mut releases = Vec::new();
    for (name, brought) in imported(submission)? {
        let plans = &submission.frozen.plans;
        let Some(plan) = plans.iter().find(|plan| plan.plan == name) else {
            continue;
        };
        let mut manifests = BTreeMap::new();
        for digest in &brought.manifests {
            manifests.insert(digest.clone(), gather::manifest(app, digest).await?);
        }
        releases.extend(releases_of_plan(app, submission, plan, &brought, &manifests).await?);
    }
    Ok(releases)
}

fn tags_of(tags: &BTreeMap<String, Digest>, digest: &Digest) -> Vec<String> {
    let same = tags.iter().filter(|(_, d)| *d == digest);
    same.map(|(tag, _)| tag.clone()).collect()
}

async fn platforms(
    app: &App,
    root: &Digest,
    manifests: &BTreeMap<Digest, Manifest>,
) -> Result<Vec<ReleasePlatform>, Refused> {
    let Some(root) = manifests.get(root) else {
        return Ok(Vec::new());
    };
    let mut configs = BTreeMap::new();
    for manifest in manifests.values() {
        if let ManifestBody::Image { config, .. } = &manifest.body {
            let bytes = app
                .blobs
                .read(&config.digest)
                .await
                .map_err(|e| Refused::Failed(Trouble::Storage(e.to_string())))?;
            if let Ok(config) = ImageConfig::parse(&bytes) {
                configs.insert(manifest.digest.clone(), config);
            }
        }
    }
    let images = oci::images_of(root, manifests, &configs);
    Ok(images
        .into_iter()
        .map(|(platform, image)| ReleasePlatform {
            platform,
            digest: image.digest.clone(),
            compressed_bytes: image.blobs().map(|blob| blob.size).sum(),
            layers: u32::try_from(image.layers().len()).unwrap_or(u32::MAX),
        })
        .collect())
}

async fn switch(app: &App, submission: &Submission, going: &[Going]) -> Result<(), Refused> {
    let now = app.clock.now();
    let key = &submission.key;
    let tx = app.writer.begin().await?;
    // First of all: of a go-live and a takedown at the same moment, the second sees what the first did.
    store::catalog_version::bump(&tx).await?;
    refuse_taken_down(&tx, submission, going).await?;
    for plan in going {
        store::registry::publish_closure(&tx, &plan.repo, &plan.manifests, &plan.blobs).await?;
        for (digest, platform) in &plan.left_out {
            store::registry::leave_out(&tx, &plan.repo, digest, platform).await?;
        }
        write_releases(&tx, plan).await?;
        move_tags(&tx, plan, now).await?;
    }
    let row = store::offers::find(&tx, key)
        .await?
        .ok_or_else(|| Refused::not_found("offer", key.to_string()))?;
    if let Some(before) = row.live_submission
        && let Some(before) = store::submissions::find(&tx, &before).await?
        && before.state == State::Live
    {
        advance(
            app,
            &tx,
            &Actor::System,
            &before,
            Step::Supersede,
            "a newer submission is live",
        )
        .await?;
    }
    store::offers::set_live(&tx, key, &submission.id, now).await?;
    store::registry::pull_tokens::revoke_of_submission(&tx, &submission.id, now).await?;
    for plan in going {
        pull_anonymously(&tx, plan).await?;
    }
    advance(
        app,
        &tx,
        &Actor::System,
        submission,
        Step::Publish,
        "pulled anonymously by every tag",
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn write_releases(tx: &Tx, plan: &Going) -> Result<(), Refused> {
    for release in &plan.releases {
        let found = store::releases::find(tx, &release.key, &release.plan, release.version).await?;
        match found {
            None => store::releases::insert(tx, release).await?,
            Some(before) if before.digest == release.digest => {}
            Some(before) => {
                return Err(Refused::Conflict(format!(
                    "version {} of plan `{}` is live as {} and never changes; the image is now {}. Publish it under a new version",
                    release.version, release.plan, before.digest, release.digest
                )));
            }
        }
    }
    Ok(())
}

/// `X.Y.Z` and suffixed tags are set once; `latest` and `X.Y` move forward with the newest version of all releases that
/// stand.
async fn move_tags(tx: &Tx, plan: &Going, now: i64) -> Result<(), Refused> {
    for (tag, digest) in plan.tags.iter().chain(&plan.attached_tags) {
        store::registry::set_tag(tx, &plan.repo, tag, digest, now).await?;
    }
    let Some(release) = plan.releases.first() else {
        return Ok(());
    };
    let mut all = store::releases::of_plan(tx, &release.key, &release.plan).await?;
    // A tag may have come with this submission without making a release of its own.
    all.extend(plan.releases.iter().cloned());
    let down = store::takedowns::of_offer(tx, &release.key).await?;
    let standing = standing(&all, &down);
    point_tags(tx, &plan.repo, (&standing, &all), now).await?;
    Ok(())
}

/// A module that was taken down does not come back by publishing it again, and neither does an image.
async fn refuse_taken_down(
    tx: &Tx,
    submission: &Submission,
    going: &[Going],
) -> Result<(), Refused> {
    require_not_taken_down(tx, &submission.key).await?;
    for plan in going {
        for digest in &plan.manifests {
            let reason = match store::registry::block_reason(tx, digest).await? {
                Some(reason) => Some(reason),
                None => store::takedowns::reason_in(tx, &plan.repo, digest).await?,
            };
            if let Some(reason) = reason {
                return Err(Refused::Conflict(format!(
                    "the image {digest} of {} was taken down by the operator: {reason}. Take its tags out of the plan and submit again",
                    plan.repo
                )));
            }
        }
        store::takedowns::release(tx, &plan.repo, true, &plan.blobs).await?;
    }
    Ok(())
}

/// Certification rule T-40: what went live can be pulled by anyone, tag by tag, down to every blob of what was brought.
async fn pull_anonymously(tx: &Tx, plan: &Going) -> Result<(), Refused> {
    let hidden = |what: String| {
        Refused::Conflict(format!(
            "the anonymous pull of {} failed: {what}",
            plan.repo
        ))
    };
    for tag in plan.tags.keys().chain(plan.attached_tags.keys()) {
        let root = store::registry::tag(tx, &plan.repo, tag)
            .await?
            .ok_or_else(|| hidden(format!("tag {tag} is missing")))?;
        let mut waiting = vec![root];
        let mut seen = BTreeSet::new();
        while let Some(digest) = waiting.pop() {
            if !seen.insert(digest.clone()) {
                continue;
            }
            let membership = store::registry::has_manifest(tx, &plan.repo, &digest).await?;
            let stored = store::registry::manifest(tx, &digest).await?;
            let (Some(true), Some(stored)) = (membership.map(|m| m.public), stored) else {
                return Err(hidden(format!("manifest {digest} is not public")));
            };
            let manifest = Manifest::parse(Some(&stored.media_type), &stored.bytes)
                .map_err(|e| hidden(e.to_string()))?;
            let children = manifest.children().iter().map(|child| &child.digest);
            waiting.extend(
                children
                    .filter(|child| !plan.left_out.contains_key(child))
                    .cloned(),
            );
            for blob in manifest.blobs() {
                let membership = store::registry::has_blob(tx, &plan.repo, &blob.digest).await?;
                if !membership.is_some_and(|m| m.public) {
                    return Err(hidden(format!("blob {} is not public", blob.digest)));
                }
            }
        }
    }
    Ok(())
}

async fn undo(app: &App, submission: &Submission, why: &str) -> Result<Ended, Refused> {
    let tx = app.writer.begin().await?;
    store::submissions::set_failure(&tx, &submission.id, why, app.clock.now()).await?;
    advance(app, &tx, &Actor::System, submission, Step::UndoPublish, why).await?;
    tx.commit().await?;
    Ok(Ended::Done)
}
