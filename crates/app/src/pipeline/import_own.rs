//! Imports from this marketplace's own `incoming/{publisher}/…`: the bytes are here, so they are only linked.
//! Only the publisher's own pushes count; another publisher's repository does not exist for this.

use std::collections::{BTreeMap, BTreeSet};

use domain::offer::Plan;
use oci::{Descriptor, Digest, Manifest};
use store::submissions::Submission;

use super::Imported;
use super::attached::attached;
use super::import::{
    ImportError, blobs_of, digests, link_manifests, log, log_attached, log_left_out, refuse_blocked,
};
use crate::App;
use crate::upstream::Choice;

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
    let mut tags = BTreeMap::new();
    let mut missing_tags = Vec::new();
    for tag in &plan.image.tags {
        match store::registry::tag(&app.reader, from, tag).await? {
            Some(digest) => {
                tags.insert(tag.clone(), digest);
            }
            None => missing_tags.push(tag.clone()),
        }
    }
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
    let attached = attached(app, from, &manifests).await?;
    log_attached(app, submission, plan, &attached).await?;
    let all = [manifests.as_slice(), &attached.manifests].concat();
    let blobs = blobs_of(&all);
    let repo = submission.key.repository(&plan.plan);
    if let Some(why) = refuse_blocked(app, &repo, &all).await? {
        return Err(publisher(why));
    }
    link_blobs(app, (from, &repo), &blobs, publisher).await?;
    link_manifests(app, &repo, &all).await?;
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

/// Links what the image needs from one repository to the other, all of it or nothing.
async fn link_blobs(
    app: &App,
    (from, repo): (&str, &str),
    blobs: &BTreeMap<Digest, Descriptor>,
    publisher: impl Fn(String) -> ImportError,
) -> Result<(), ImportError> {
    let tx = app.writer.begin().await?;
    let now = app.clock.now();
    for blob in blobs.values() {
        let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
        let held = store::registry::has_blob(&tx, from, &blob.digest).await?;
        if held.is_none_or(|held| held.size != size) {
            return Err(publisher(format!(
                "blob {} of `{from}` is not there, or not with the {size} bytes its manifest states; push the image again",
                blob.digest
            )));
        }
        store::registry::link_blob(&tx, repo, &blob.digest, size, false, now).await?;
    }
    tx.commit().await?;
    Ok(())
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
