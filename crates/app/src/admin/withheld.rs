//! What takedowns withhold: what the releases they hold are made of, without what standing releases need; of a whole module
//! everything that its repositories serve. Of several takedowns of one module each withholds what no release needed when it
//! came; whichever is lifted first, what stands then is whole again. Which takedowns there are is `take_down`'s and `lift`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use domain::ids::OfferKey;
use domain::release::Release;
use oci::{Digest, Manifest};
use store::Tx;
use store::registry::ReferrersOf;
use store::registry::blocked_digests::{BlockedDigest, block, unblock};
use store::takedowns::{Takedown, Withheld};

use super::take_down::{holds, standing};
use crate::error::Refused;
use crate::upstream::attached::{COSIGN_SUFFIXES, digest_tag};

/// Digests read at a time.
const READ_AT_ONCE: u64 = 400;

/// What images consist of.
#[derive(Default)]
pub(crate) struct Closure {
    manifests: BTreeSet<Digest>,
    blobs: BTreeSet<Digest>,
}

impl Closure {
    /// Whether something of what is withheld belongs to it.
    pub(crate) fn needs(&self, row: &Withheld) -> bool {
        let these = if row.blob {
            &self.blobs
        } else {
            &self.manifests
        };
        these.contains(&row.digest)
    }
}

/// What releases of a module are made of, repository by repository.
pub(crate) async fn closures(
    tx: &Tx,
    key: &OfferKey,
    releases: &[Release],
) -> Result<BTreeMap<String, Closure>, Refused> {
    let mut roots: BTreeMap<String, Vec<Digest>> = BTreeMap::new();
    for release in releases {
        let of_plan = roots.entry(key.repository(&release.plan)).or_default();
        of_plan.push(release.digest.clone());
    }
    let mut found = BTreeMap::new();
    for (repository, roots) in roots {
        let closure = closure(tx, &repository, roots).await?;
        found.insert(repository, closure);
    }
    Ok(found)
}

/// Everything that the repositories of a module serve, repository by repository: also what a tag names that is no release,
/// such as `1.3.0-beta`.
async fn served(tx: &Tx, key: &OfferKey) -> Result<BTreeMap<String, Closure>, Refused> {
    let mut found = BTreeMap::new();
    for repository in store::registry::public_repositories_of(tx, key).await? {
        let manifests = store::registry::manifests_of(tx, &repository).await?;
        let manifests = manifests.into_iter().filter(|(_, held)| held.public);
        let blobs = store::registry::blobs_of(tx, &repository).await?;
        let blobs = blobs.into_iter().filter(|(_, held)| held.public);
        let served = Closure {
            manifests: manifests.map(|(digest, _)| digest).collect(),
            blobs: blobs.map(|(digest, _)| digest).collect(),
        };
        found.insert(repository, served);
    }
    Ok(found)
}

/// What an image consists of, as far as its manifests are here.
async fn closure(tx: &Tx, repository: &str, roots: Vec<Digest>) -> Result<Closure, Refused> {
    let mut found = Closure::default();
    let mut waiting = roots;
    while let Some(digest) = waiting.pop() {
        if !found.manifests.insert(digest.clone()) {
            continue;
        }
        let Some(stored) = store::registry::manifest(tx, &digest).await? else {
            continue;
        };
        let manifest = Manifest::parse(Some(&stored.media_type), &stored.bytes)
            .map_err(|e| Refused::trouble(format!("manifest {digest}: {e}")))?;
        waiting.extend(manifest.children().iter().map(|child| child.digest.clone()));
        waiting.extend(attached(tx, repository, &digest).await?);
        found
            .blobs
            .extend(manifest.blobs().map(|blob| blob.digest.clone()));
    }
    Ok(found)
}

/// Signatures and the like of a manifest, in its repository.
async fn attached(tx: &Tx, repository: &str, digest: &Digest) -> Result<Vec<Digest>, Refused> {
    let asked = ReferrersOf {
        repo: repository,
        subject: digest,
        public: false,
        artifact_type: None,
    };
    let mut found: Vec<Digest> = Vec::new();
    loop {
        let after = found.last();
        let page = store::registry::referrer_digests(tx, asked, after, READ_AT_ONCE).await?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    for tag in COSIGN_SUFFIXES
        .iter()
        .filter_map(|suffix| digest_tag(digest, suffix))
    {
        found.extend(store::registry::tag(tx, repository, tag.as_str()).await?);
    }
    Ok(found)
}

/// Withholds what a takedown holds and nothing that stands needs; of a whole module, everything that is served. Tells how
/// many digests. What a submission on its way needs is withheld from everyone but those who see its preview, until it goes
/// live.
pub(super) async fn withhold(
    tx: &Tx,
    takedown: &Takedown,
    all: &[Release],
    down: &[Takedown],
) -> Result<usize, Refused> {
    let held = all.iter().filter(|release| holds(takedown, release));
    let held: Vec<Release> = held.cloned().collect();
    let mut held = closures(tx, &takedown.key, &held).await?;
    if takedown.release.is_none() {
        for (repository, served) in served(tx, &takedown.key).await? {
            let held = held.entry(repository).or_default();
            held.manifests.extend(served.manifests);
            held.blobs.extend(served.blobs);
        }
    }
    let stands = closures(tx, &takedown.key, &standing(all, down)).await?;
    let nothing = Closure::default();
    let mut rows = Vec::new();
    for (repository, held) in &held {
        let stands = stands.get(repository).unwrap_or(&nothing);
        let row = |digest: &Digest, blob: bool| Withheld {
            repository: repository.clone(),
            digest: digest.clone(),
            blob,
            everywhere: false,
        };
        let manifests = held.manifests.difference(&stands.manifests);
        rows.extend(manifests.map(|digest| row(digest, false)));
        let blobs = held.blobs.difference(&stands.blobs);
        rows.extend(blobs.map(|digest| row(digest, true)));
    }
    store::takedowns::withhold(tx, &takedown.id, &rows).await?;
    settle_everywhere(tx, &manifests_of(&rows), takedown.taken_at).await?;
    Ok(rows.len())
}

/// The manifests among what was withheld.
pub(super) fn manifests_of(rows: &[Withheld]) -> BTreeSet<Digest> {
    let manifests = rows.iter().filter(|one| !one.blob);
    manifests.map(|one| one.digest.clone()).collect()
}

/// No takedown of a module withholds what standing releases are made of, whichever of several was lifted. `lifted` are
/// the manifests of the one that just was.
pub(crate) async fn give_back(
    tx: &Tx,
    key: &OfferKey,
    (all, down): (&[Release], &[Takedown]),
    lifted: BTreeSet<Digest>,
    now: i64,
) -> Result<(), Refused> {
    let mut manifests = lifted;
    if !down.is_empty() {
        let stands = closures(tx, key, &standing(all, down)).await?;
        let nothing = Closure::default();
        for takedown in down {
            for row in store::takedowns::withheld(tx, &takedown.id).await? {
                let stands = stands.get(&row.repository).unwrap_or(&nothing);
                if stands.needs(&row) {
                    let digest = slice::from_ref(&row.digest);
                    store::takedowns::release(tx, &row.repository, row.blob, digest).await?;
                    manifests.extend(manifests_of(&[row]));
                }
            }
        }
    }
    settle_everywhere(tx, &manifests, now).await
}

/// A manifest that is withheld in every public repository that has it is blocked everywhere, and no other is. Layers are
/// not: a base layer is also what the mended image and other publishers' images are made of.
async fn settle_everywhere(tx: &Tx, manifests: &BTreeSet<Digest>, now: i64) -> Result<(), Refused> {
    for digest in manifests {
        let held = store::takedowns::holding(tx, digest).await?;
        let public = store::registry::repositories_with_manifest(tx, digest).await?;
        let down = |repository: &String| held.iter().any(|hold| hold.repository == *repository);
        let last = held.last().filter(|_| public.iter().all(down));
        store::takedowns::set_everywhere(tx, digest, last.is_some()).await?;
        match last {
            Some(last) => {
                let blocked = BlockedDigest {
                    digest: digest.clone(),
                    reason: last.reason.clone(),
                    at: now,
                };
                block(tx, &blocked).await?;
            }
            None => {
                unblock(tx, digest).await?;
            }
        }
    }
    Ok(())
}
