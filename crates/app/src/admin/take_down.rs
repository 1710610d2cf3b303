//! The operator takes down a module, or one release of it, with a reason that everyone reads. Search drops it, its page
//! says gone, no manifest is built from it, and devices that pull it are denied with the reason. What other releases are
//! made of stays. Refuses anyone else, what is not live, what is down already, and a takedown without a reason.

use std::collections::BTreeSet;

use domain::actor::Actor;
use domain::ids::{OfferKey, PlanName};
use domain::release::Release;
use domain::tag::Version;
use oci::{Digest, Manifest};
use serde_json::json;
use store::Tx;
use store::registry::ReferrersOf;
use store::registry::blocked_digests::{BlockedDigest, block};
use store::takedowns::{Takedown, Withheld};

use crate::App;
use crate::clock::{HOUR, new_id};
use crate::error::Refused;
use crate::jobs::Kind;
use crate::pipeline::point_tags;
use crate::record::Subject;
use crate::upstream::attached::{ATTACHED_MAX, COSIGN_SUFFIXES, digest_tag};

/// Longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 500;

/// What the operator decided.
#[derive(Clone, Debug)]
pub struct TakeDown {
    /// Which module.
    pub key: OfferKey,
    /// One release alone; the whole module when there is none.
    pub release: Option<(PlanName, Version)>,
    /// Why; everyone reads it.
    pub reason: String,
}

/// What an image consists of.
#[derive(Default)]
struct Closure {
    manifests: BTreeSet<Digest>,
    blobs: BTreeSet<Digest>,
}

/// One line that says why, within its limit.
pub(super) fn read_reason(text: &str) -> Result<String, Refused> {
    let reason = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let count = reason.chars().count();
    if count == 0 || count > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        return Err(Refused::invalid(
            "reason",
            "a reason of 1 to 500 characters",
            format!("{count} characters"),
            "Say why in a sentence or two; everyone reads it.",
        ));
    }
    Ok(reason)
}

/// Whether a takedown holds a release.
fn holds(takedown: &Takedown, release: &Release) -> bool {
    match &takedown.release {
        None => true,
        Some((plan, version)) => *plan == release.plan && *version == release.version,
    }
}

/// The releases that no takedown holds.
pub(crate) fn standing(releases: &[Release], down: &[Takedown]) -> Vec<Release> {
    let stands = |release: &&Release| !down.iter().any(|takedown| holds(takedown, release));
    releases.iter().filter(stands).cloned().collect()
}

/// Publishing a module anew does not lift its takedown.
pub(crate) async fn require_not_taken_down(tx: &Tx, key: &OfferKey) -> Result<(), Refused> {
    let down = store::takedowns::of_offer(tx, key).await?;
    match down.iter().find(|takedown| takedown.release.is_none()) {
        None => Ok(()),
        Some(takedown) => Err(Refused::Conflict(format!(
            "{key} was taken down by the operator: {}. It can be published again once the operator lifts that.",
            takedown.reason
        ))),
    }
}

/// Takes a module or a release down; gives the takedown's id.
pub async fn take_down(app: &App, actor: &Actor, command: TakeDown) -> Result<String, Refused> {
    let operator = actor.require_operator()?.id.clone();
    let reason = read_reason(&command.reason)?;
    let key = &command.key;
    let now = app.clock.now();
    let takedown = Takedown {
        id: new_id(),
        key: key.clone(),
        release: command.release.clone(),
        reason,
        taken_by: operator,
        taken_at: now,
        purge_at: now + i64::from(app.settings.limits.takedown_hours_max) * HOUR,
        purged_at: None,
        lifted: None,
    };
    let tx = app.writer.begin().await?;
    // First of all: of a go-live and a takedown at the same moment, the second sees what the first did.
    store::catalog_version::bump(&tx).await?;
    let (all, before) = live(&tx, &takedown).await?;
    let mut down = before;
    down.push(takedown.clone());
    store::takedowns::insert(&tx, &takedown).await?;
    let withheld = withheld(&tx, &takedown, &all, &down).await?;
    store::takedowns::withhold(&tx, &takedown.id, &withheld).await?;
    for one in withheld.iter().filter(|one| one.everywhere) {
        let blocked = BlockedDigest {
            digest: one.digest.clone(),
            reason: takedown.reason.clone(),
            at: now,
        };
        block(&tx, &blocked).await?;
    }
    move_tags(&tx, key, &all, &down, now).await?;
    let data = json!({
        "takedown": takedown.id, "reason": takedown.reason, "release": release_words(&takedown),
        "digests": withheld.len(),
    });
    let subject = (Subject::Offer, &*key.to_string());
    app.record(&tx, actor, subject, "taken_down", data).await?;
    app.enqueue_for(&tx, Kind::Purge, &takedown.id, takedown.purge_at)
        .await?;
    tx.commit().await?;
    app.catalog_changed();
    app.jobs_waiting.notify_waiters();
    Ok(takedown.id)
}

/// `plan 1.2.0`; empty for a whole module.
pub(super) fn release_words(takedown: &Takedown) -> String {
    let release = takedown.release.as_ref();
    release.map_or_else(String::new, |(plan, version)| format!("{plan} {version}"))
}

/// Every release of a live module, and the takedowns of it in force. Refuses what cannot be taken down.
async fn live(tx: &Tx, wanted: &Takedown) -> Result<(Vec<Release>, Vec<Takedown>), Refused> {
    let key = &wanted.key;
    let row = store::offers::find(tx, key).await?;
    let live = row.is_some_and(|row| row.live_submission.is_some());
    if !live {
        return Err(Refused::not_found("module", key.to_string()));
    }
    let all = store::releases::of_offer(tx, key).await?;
    if !all.iter().any(|release| holds(wanted, release)) {
        let name = format!("{key} {}", release_words(wanted));
        return Err(Refused::not_found("release", name.trim()));
    }
    let down = store::takedowns::of_offer(tx, key).await?;
    let same = |other: &&Takedown| other.release.is_none() || other.release == wanted.release;
    if let Some(other) = down.iter().find(same) {
        return Err(Refused::Conflict(format!(
            "{key} is down already: {}. Lift takedown {} first if something about it should change.",
            other.reason, other.id
        )));
    }
    Ok((all, down))
}

/// What an image consists of, as far as its manifests are here.
async fn closure(
    tx: &Tx,
    repository: &str,
    roots: impl Iterator<Item = Digest>,
) -> Result<Closure, Refused> {
    let mut found = Closure::default();
    let mut waiting: Vec<Digest> = roots.collect();
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
    let referrers = store::registry::referrers(tx, asked, None, ATTACHED_MAX as u64).await?;
    let mut found: Vec<Digest> = referrers.into_iter().map(|one| one.digest).collect();
    for tag in COSIGN_SUFFIXES
        .iter()
        .filter_map(|suffix| digest_tag(digest, suffix))
    {
        found.extend(store::registry::tag(tx, repository, tag.as_str()).await?);
    }
    Ok(found)
}

/// Everything that the takedown withholds, repository by repository: what the releases it holds are made of, without
/// what standing releases of the same plan need. What a submission on its way needs is withheld from everyone but those
/// who see its preview, until it goes live.
async fn withheld(
    tx: &Tx,
    takedown: &Takedown,
    all: &[Release],
    down: &[Takedown],
) -> Result<Vec<Withheld>, Refused> {
    let plans: BTreeSet<&PlanName> = all.iter().map(|release| &release.plan).collect();
    let mut found = Vec::new();
    for plan in plans {
        let of_plan: Vec<Release> = all.iter().filter(|r| r.plan == *plan).cloned().collect();
        let held = of_plan.iter().filter(|release| holds(takedown, release));
        let repository = takedown.key.repository(plan);
        let held = held.map(|release| release.digest.clone());
        let held = closure(tx, &repository, held).await?;
        let stands = standing(&of_plan, down).into_iter();
        let stands = closure(tx, &repository, stands.map(|release| release.digest)).await?;
        let manifests = held.manifests.difference(&stands.manifests);
        for (digest, blob) in manifests.map(|digest| (digest, false)).chain(
            held.blobs
                .difference(&stands.blobs)
                .map(|digest| (digest, true)),
        ) {
            found.push(Withheld {
                repository: repository.clone(),
                digest: digest.clone(),
                blob,
                everywhere: false,
            });
        }
    }
    mark_everywhere(tx, &mut found).await?;
    Ok(found)
}

/// A manifest that no other public repository has is blocked everywhere. Layers are not: a base layer is also what the
/// mended image and other publishers' images are made of.
async fn mark_everywhere(tx: &Tx, found: &mut [Withheld]) -> Result<(), Refused> {
    let here: BTreeSet<(String, Digest)> = found
        .iter()
        .map(|one| (one.repository.clone(), one.digest.clone()))
        .collect();
    for one in found.iter_mut().filter(|one| !one.blob) {
        one.everywhere = true;
        for other in store::registry::repositories_with_manifest(tx, &one.digest).await? {
            let down = here.contains(&(other.clone(), one.digest.clone()))
                || store::takedowns::reason_in(tx, &other, &one.digest)
                    .await?
                    .is_some();
            one.everywhere = one.everywhere && down;
        }
    }
    Ok(())
}

/// Points `latest` and `X.Y` of every plan at what still stands.
pub(super) async fn move_tags(
    tx: &Tx,
    key: &OfferKey,
    all: &[Release],
    down: &[Takedown],
    now: i64,
) -> Result<(), Refused> {
    let plans: BTreeSet<&PlanName> = all.iter().map(|release| &release.plan).collect();
    for plan in plans {
        let of_plan: Vec<Release> = all.iter().filter(|r| r.plan == *plan).cloned().collect();
        let stands = standing(&of_plan, down);
        point_tags(tx, &key.repository(plan), (&stands, &of_plan), now).await?;
    }
    Ok(())
}
