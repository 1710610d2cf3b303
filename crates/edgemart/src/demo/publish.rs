//! Publishes the samples as their owners would: draft, logos, submit, wait, sign off. One of them is made to be refused,
//! one to wait for a reviewer.

use std::collections::BTreeMap;
use std::time::Duration;

use app::App;
use app::error::Refused;
use app::folder::{OfferFolder, read_folder};
use app::offers::{create_offer, go_live, put_logo, save_draft, submit_offer};
use domain::actor::Actor;
use domain::lifecycle::State;

use super::people::People;

/// How it went.
pub(super) struct Told {
    pub(super) live: usize,
    pub(super) rejected: usize,
    /// Waiting for a reviewer, who is whoever tries the demo.
    pub(super) in_review: usize,
}

/// A submission on its way.
struct OnItsWay {
    id: String,
    name: String,
    owner: Actor,
    seen: State,
}

/// How often the states are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Submits all samples, those in the binary and the ones from folders, and stays until each has come to its end.
pub(super) async fn publish_samples(
    app: &App,
    people: &People,
    more: Vec<OfferFolder>,
    registry: &str,
) -> Result<Told, Refused> {
    let mut folders = Vec::new();
    for sample in samples::offers() {
        let folder = read_folder(|path| Ok(sample.file(path).map(<[u8]>::to_vec)));
        folders
            .push(folder.map_err(|e| Refused::trouble(format!("sample {}: {e}", sample.offer)))?);
    }
    folders.extend(more);
    let mut waiting = Vec::new();
    for folder in folders {
        let publisher = folder.offer.publisher.to_string();
        let owner = people.owners.get(&publisher);
        let owner = owner.ok_or_else(|| Refused::not_found("sample publisher", &publisher))?;
        waiting.push(submit(app, owner, folder, registry).await?);
    }
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    while !waiting.is_empty() {
        let mut still = Vec::new();
        for mut one in waiting {
            let found = store::submissions::find(&app.reader, &one.id).await?;
            let Some(submission) = found else {
                return Err(Refused::not_found("submission", one.id));
            };
            if submission.state != one.seen {
                one.seen = submission.state;
                tell(&one, submission.failure.as_deref());
                if one.seen == State::Preview {
                    go_live(app, &one.owner, &one.id).await?;
                }
            }
            match one.seen {
                State::Live => *ends.entry("live").or_default() += 1,
                state if state.is_final() => *ends.entry("rejected").or_default() += 1,
                // A sample that waits for a person stays in the reviewer's queue, for the visitor to decide.
                State::InReview => *ends.entry("in_review").or_default() += 1,
                _ => still.push(one),
            }
        }
        waiting = still;
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let count = |end| ends.get(end).copied().unwrap_or_default();
    Ok(Told {
        live: count("live"),
        rejected: count("rejected"),
        in_review: count("in_review"),
    })
}

fn tell(one: &OnItsWay, failure: Option<&str>) {
    match one.seen {
        State::Live | State::InReview => eprintln!("  {:<32} {}", one.name, one.seen.words()),
        State::Rejected => {
            eprintln!(
                "  {:<32} rejected: {}",
                one.name,
                failure.unwrap_or("no reason given")
            );
        }
        _ => {}
    }
}

async fn submit(
    app: &App,
    owner: &Actor,
    folder: OfferFolder,
    registry: &str,
) -> Result<OnItsWay, Refused> {
    let mut offer = folder.offer;
    let key = offer.key();
    create_offer(app, owner, &key).await?;
    let mut revision = 1;
    for (slot, bytes) in folder.logos {
        let digest = put_logo(app, owner, &key, slot, bytes).await?;
        offer.listing.logos.set(slot, digest.to_string());
        revision += 1;
    }
    for plan in &mut offer.plans {
        registry.clone_into(&mut plan.image.registry);
    }
    save_draft(app, owner, &key, &offer, revision).await?;
    Ok(OnItsWay {
        id: submit_offer(app, owner, &key, "A sample of the demo.").await?,
        name: key.to_string(),
        owner: owner.clone(),
        seen: State::Submitted,
    })
}
