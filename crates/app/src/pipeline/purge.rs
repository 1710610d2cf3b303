//! The end of a takedown that nobody lifted in time: its blobs leave the repositories it holds, and their bytes leave the
//! storage where no other repository has them; what the publisher pushed to `incoming/…` is none. What another release of
//! the module needs stays while that stands or can still be lifted. Manifests stay, a few kilobytes each: they answer
//! devices with the reason, and they are the record of what was there. Once begun it cannot be lifted, and it is tried
//! until it is done.

use std::collections::BTreeSet;

use domain::actor::Actor;
use domain::ids::PublisherId;
use domain::lifecycle::State;
use domain::release::Release;
use oci::Digest;
use serde_json::json;
use store::takedowns::Takedown;

use crate::App;
use crate::admin::{closures, give_back, standing};
use crate::clock::CLOCKS_APART_MICROS_MAX;
use crate::error::Refused;
use crate::jobs::Ended;
use crate::record::Subject;
use crate::registry::{Removal, remove_unlinked};

/// The job.
pub(crate) async fn purge(app: &App, id: &str) -> Result<Ended, Refused> {
    let (blobs, waits) = match unlink(app, id).await {
        Ok(Some(unlinked)) => unlinked,
        Ok(None) => return Ok(Ended::Done),
        Err(Refused::Conflict(why)) => return Ok(Ended::Again(why)),
        Err(other) => return Err(other),
    };
    let mut left = Vec::new();
    for digest in &blobs {
        // Whoever uploads these very bytes now finds them lost and sends them again.
        match remove_unlinked(app, digest).await {
            Ok(Removal::Gone(_) | Removal::Needed) => {}
            Ok(Removal::Busy) => left.push(format!("{digest}: somebody else is removing it")),
            Err(error) => left.push(format!("{digest}: {error:?}")),
        }
    }
    match left.first() {
        None if waits => Ok(Ended::Again(
            "the publisher's incoming images are being imported; what they are made of goes after that".into(),
        )),
        None => Ok(Ended::Done),
        Some(first) => Ok(Ended::Again(format!(
            "the bytes of {} blobs could not be removed yet, first {first}",
            left.len()
        ))),
    }
}

/// Takes the blobs out of their repositories, or hides those that a submission on its way is made of, and out of what the
/// publisher pushed; gives all of them, and whether an import must end before the last is done. `None` when there is
/// nothing to purge.
async fn unlink(app: &App, id: &str) -> Result<Option<(BTreeSet<Digest>, bool)>, Refused> {
    let tx = app.writer.begin().await?;
    // First of all: of a go-live, a lift and this at the same moment, the second sees what the first did.
    store::catalog_version::bump(&tx).await?;
    let found = store::takedowns::find(&tx, id).await?;
    let Some(takedown) = found.filter(|takedown| takedown.lifted.is_none()) else {
        return Ok(None);
    };
    let now = app.clock.now();
    if takedown.purge_at > now {
        return Err(Refused::Conflict("it can still be lifted".into()));
    }
    let first = store::takedowns::set_purged(&tx, id, now).await?;
    let key = &takedown.key;
    let all = store::releases::of_offer(&tx, key).await?;
    let down = store::takedowns::of_offer(&tx, key).await?;
    // Nothing that stands is withheld, but what a lift left behind that did not look at other takedowns.
    give_back(&tx, key, (&all, &down), BTreeSet::new(), now).await?;
    let blobs = over(&tx, &takedown, &all, down).await?;
    let needed_since = needed_since(&tx, &takedown).await?;
    for (repository, digest) in &blobs {
        store::registry::unlink_unless_since(&tx, repository, digest, needed_since).await?;
    }
    let importing = importing(&tx, &key.publisher).await?;
    // What is pushed anew after this is the publisher's next image.
    let before = takedown.purged_at.unwrap_or(now);
    for (_, digest) in blobs.iter().filter(|_| !importing) {
        store::registry::unlink_incoming(&tx, key.publisher.as_str(), digest, before).await?;
    }
    if first {
        let data = json!({"takedown": takedown.id, "blobs": blobs.len()});
        let subject = (Subject::Offer, &*key.to_string());
        app.record(&tx, &Actor::System, subject, "takedown_purged", data)
            .await?;
    }
    tx.commit().await?;
    let blobs = blobs.into_iter().map(|(_, digest)| digest).collect();
    Ok(Some((blobs, importing)))
}

/// Whether a submission of the publisher is still to bring, or is bringing, what it names: that may be what was pushed.
async fn importing(tx: &store::Tx, publisher: &PublisherId) -> Result<bool, store::Error> {
    let states = [State::Submitted, State::Importing];
    let under_way = store::submissions::in_state(tx, &states).await?;
    Ok(under_way.iter().any(|one| one.key.publisher == *publisher))
}

/// The blobs whose time is over, by repository: of what purged takedowns of the module withhold, all that no release needs
/// which stands or can still be lifted. One that an earlier purge spared for such a release goes with that release.
async fn over(
    tx: &store::Tx,
    takedown: &Takedown,
    all: &[Release],
    down: Vec<Takedown>,
) -> Result<BTreeSet<(String, Digest)>, Refused> {
    let purged = down.into_iter().filter(|one| one.purged_at.is_some());
    let purged: Vec<Takedown> = purged.collect();
    let needed = closures(tx, &takedown.key, &standing(all, &purged)).await?;
    let mut found = BTreeSet::new();
    for one in &purged {
        for row in store::takedowns::withheld(tx, &one.id).await? {
            let needed = needed.get(&row.repository);
            if row.blob && !needed.is_some_and(|needed| needed.needs(&row)) {
                found.insert((row.repository, row.digest));
            }
        }
    }
    Ok(found)
}

/// From when on what was linked is what a submission on its way brought: an import links anew all it is made of.
async fn needed_since(tx: &store::Tx, takedown: &Takedown) -> Result<i64, Refused> {
    let latest = store::submissions::latest_of_offer(tx, &takedown.key).await?;
    let under_way = latest.filter(|latest| !latest.state.is_final());
    Ok(under_way.map_or(i64::MAX, |one| one.created_at - CLOCKS_APART_MICROS_MAX))
}
