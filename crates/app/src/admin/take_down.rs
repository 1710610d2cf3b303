//! The operator takes down a module, or one release of it, with a reason that everyone reads. Search drops it, its page
//! says gone, no manifest is built from it, and devices that pull it are denied with the reason. What other releases are
//! made of stays. Refuses anyone else, what is not live, what is down already, and a takedown without a reason.

use std::collections::BTreeSet;

use domain::actor::Actor;
use domain::ids::{OfferKey, PlanName};
use domain::release::Release;
use domain::tag::Version;
use serde_json::json;
use store::Tx;
use store::takedowns::Takedown;

use super::withheld::withhold;
use crate::App;
use crate::clock::{HOUR, new_id};
use crate::error::Refused;
use crate::jobs::Kind;
use crate::pipeline::point_tags;
use crate::record::Subject;

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
pub(super) fn holds(takedown: &Takedown, release: &Release) -> bool {
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
    let digests = withhold(&tx, &takedown, &all, &down).await?;
    move_tags(&tx, key, &all, &down, now).await?;
    let data = json!({
        "takedown": takedown.id, "reason": takedown.reason, "release": release_words(&takedown),
        "digests": digests,
    });
    let subject = (Subject::Offer, &*key.to_string());
    app.record(&tx, actor, subject, "taken_down", data).await?;
    let (publisher, at) = (&key.publisher, takedown.purge_at);
    app.enqueue_for(&tx, Kind::Purge, &takedown.id, publisher, at)
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
    if wanted.release.is_some() && !all.iter().any(|release| holds(wanted, release)) {
        let name = format!("{key} {}", release_words(wanted));
        return Err(Refused::not_found("release", name));
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
