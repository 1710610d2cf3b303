//! Imports from this marketplace's own `incoming/{publisher}/…`: the bytes are here, so they are only linked.
//! Only the publisher's own pushes count; another publisher's repository does not exist for this.

use std::collections::{BTreeMap, BTreeSet};

use domain::offer::Plan;
use oci::{Descriptor, Digest, Manifest};
use store::submissions::Submission;

use super::Imported;
use super::attached::attached;
use super::import::{
    ImportError, blobs_of, digests, link_blobs, link_manifests, log, log_attached, log_left_out,
    refuse_blocked,
};
use crate::App;
use crate::upstream::Choice;
use crate::upstream::copy::MANIFESTS_BYTES_MAX;

pub(super) async fn copy(
    app: &App,
    submission: &Submission,
    plan: &Plan,
) -> Result<Imported, ImportError> {
    let from = &plan.image.repository;
    let own = format!("incoming/{}/", submission.key.publisher);
    let publisher = |why: String| ImportError::Publisher {
        plan: plan.plan.clone(),
        why,
    };
    if !from.starts_with(&own) {
        return Err(publisher(format!(
            "image.repository `{from}` is not yours; with no registry given it begins with `{own}`"
        )));
    }
    let (tags, missing_tags) = tags_of(app, from, &plan.image.tags).await?;
    if tags.is_empty() {
        return Err(publisher(format!(
            "none of the tags {} is in `{from}`; push them with `skopeo copy --all … docker://{}/{from}:TAG`",
            plan.image.tags.join(", "),
            app.settings.registry_host
        )));
    }
    let choice = Choice::of(plan);
    let (manifests, left_out) = reachable(app, from, tags.values(), &choice, publisher).await?;
    log_left_out(app, submission, plan, &left_out).await?;
    let bytes: u64 = blobs_of(&manifests).values().map(|blob| blob.size).sum();
    let max = app.settings.limits.image_bytes_max;
    if bytes > max {
        return Err(publisher(format!(
            "`{from}` has {bytes} bytes under these tags, and {max} are allowed; name fewer tags, or make smaller images"
        )));
    }
    let attached = attached(app, from, &manifests).await?;
    log_attached(app, submission, plan, &attached).await?;
    let all = [manifests.as_slice(), &attached.manifests].concat();
    let blobs = blobs_of(&all);
    let repo = submission.key.repository(&plan.plan);
    if let Some(why) = refuse_blocked(app, &repo, &all).await? {
        return Err(publisher(why));
    }
    link(app, submission, (from, &repo), &blobs, publisher).await?;
    if let Some(why) = link_manifests(app, submission, &repo, &all).await? {
        return Err(publisher(why));
    }
    log(
        app,
        submission,
        &format!("{}: linked from {from}", plan.plan),
    )
    .await?;
    Ok(Imported {
        source: format!("{}/{from}", app.settings.registry_host),
        tags,
        missing_tags,
        manifests: digests(&manifests),
        attached: digests(&attached.manifests),
        attached_tags: attached.tags,
        left_out,
        total_bytes: blobs.values().map(|blob| blob.size).sum(),
    })
}

/// What the tags name, and those that are not there.
async fn tags_of(
    app: &App,
    from: &str,
    asked: &[String],
) -> Result<(BTreeMap<String, Digest>, Vec<String>), store::Error> {
    let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
    for tag in asked {
        match store::registry::tag(&app.reader, from, tag).await? {
            Some(digest) => {
                found.insert(tag.clone(), digest);
            }
            None => missing.push(tag.clone()),
        }
    }
    Ok((found, missing))
}

/// Links blobs that the publisher's own repository holds.
async fn link(
    app: &App,
    submission: &Submission,
    (from, repo): (&str, &str),
    blobs: &BTreeMap<Digest, Descriptor>,
    publisher: impl Fn(String) -> ImportError,
) -> Result<(), ImportError> {
    let tx = app.writer.begin().await?;
    for blob in blobs.values() {
        let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
        let held = store::registry::has_blob(&tx, from, &blob.digest).await?;
        if held.is_none_or(|held| held.size != size) {
            return Err(publisher(format!(
                "blob {} of `{from}` is not there, or not with the {size} bytes its manifest states; push the image again",
                blob.digest
            )));
        }
    }
    let blobs: Vec<Descriptor> = blobs.values().cloned().collect();
    if let Some(why) = link_blobs(app, &tx, submission, repo, &blobs).await? {
        return Err(publisher(why));
    }
    Ok(tx.commit().await?)
}

/// Manifests reachable from the tags, children first, and what indexes list and nobody chose.
async fn reachable(
    app: &App,
    from: &str,
    roots: impl Iterator<Item = &Digest>,
    choice: &Choice,
    publisher: impl Fn(String) -> ImportError,
) -> Result<(Vec<Manifest>, BTreeMap<Digest, String>), ImportError> {
    let mut waiting: Vec<Digest> = roots.cloned().collect();
    let mut left_out = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut bytes = 0;
    while let Some(digest) = waiting.pop() {
        if !seen.insert(digest.clone()) {
            continue;
        }
        if seen.len() > app.settings.limits.manifests_per_image_max {
            return Err(publisher(format!(
                "the image has more than {} manifests; split it",
                app.settings.limits.manifests_per_image_max
            )));
        }
        let linked = store::registry::has_manifest(&app.reader, from, &digest).await?;
        let stored = store::registry::manifest(&app.reader, &digest).await?;
        let (Some(_), Some(stored)) = (linked, stored) else {
            return Err(publisher(format!(
                "manifest {digest} is not in `{from}`; push the image again"
            )));
        };
        let manifest = Manifest::parse(Some(&stored.media_type), &stored.bytes)
            .map_err(|e| publisher(format!("manifest {digest}: {e}")))?;
        bytes += manifest.bytes.len() as u64;
        if bytes > MANIFESTS_BYTES_MAX {
            return Err(publisher(format!(
                "the manifests of the image have more than {MANIFESTS_BYTES_MAX} bytes; leave large annotations out of them"
            )));
        }
        let left = choice.left_out(manifest.children());
        let children = manifest.children().iter().map(|child| &child.digest);
        waiting.extend(children.filter(|child| !left.contains_key(child)).cloned());
        left_out.extend(left);
        found.push(manifest);
    }
    found.reverse();
    // What one index leaves out another may bring.
    left_out.retain(|digest, _| !seen.contains(digest));
    Ok((found, left_out))
}
