//! Gathers the evidence that the rules judge: logos, what was live before, and, when the operator allows outgoing
//! connections, whether links answer. What is in the images is [`super::evidence`]'s, running the modules [`behave`]'s.

use std::collections::BTreeMap;

use certify::{LinkEvidence, LogoEvidence, PlanEvidence, Subject, Waiver};
use domain::ids::{OfferKey, PlanName};
use domain::offer::{LogoSlot, Offer};
use domain::release::Release;
use oci::{Digest, Manifest};
use store::submissions::Submission;

use super::behave;
use super::evidence::{ReadImage, evidence};
use super::{Imported, imported};
use crate::App;
use crate::error::{Refused, Trouble};
use crate::offers::matrix;

/// Everything about one submission.
pub(super) async fn gather(app: &App, submission: &Submission) -> Result<Subject, Refused> {
    let offer = submission.frozen.clone();
    let previous = store::releases::of_offer(&app.reader, &submission.key).await?;
    let mut plans = Vec::new();
    for (plan, imported) in imported(submission)? {
        plans.push(plan_evidence(app, &plan, imported, &previous).await?);
    }
    let waivers: Vec<Waiver> = serde_json::from_value(submission.waivers.clone())
        .map_err(|e| Refused::trouble(format!("submission {}: waivers: {e}", submission.id)))?;
    Ok(Subject {
        logos: logos(app, &offer).await?,
        first_sources: first_sources(app, &submission.key).await?,
        other_sources: other_sources(app, &submission.key).await?,
        links: links(app, &offer).await,
        matrix: matrix(app).await?,
        registry_host: app.settings.registry_host.clone(),
        unasked: None,
        imported: true,
        behaviour: behave::behaviour(app, submission, &plans).await?,
        offer,
        plans,
        previous,
        waivers,
    })
}

async fn links(app: &App, offer: &Offer) -> Option<Vec<LinkEvidence>> {
    match app.settings.check_links {
        true => Some(crate::links::check(&app.egress, offer).await),
        false => None,
    }
}

async fn logos(app: &App, offer: &Offer) -> Result<BTreeMap<LogoSlot, LogoEvidence>, Refused> {
    let mut judged = BTreeMap::new();
    for slot in LogoSlot::ALL {
        let reference = offer.listing.logos.get(slot);
        let bytes = match reference.parse::<Digest>() {
            Ok(digest) => app
                .blobs
                .get_media(&digest)
                .await
                .map_err(|e| Refused::Failed(Trouble::Storage(e.to_string())))?,
            Err(_) => None,
        };
        let evidence = bytes.map_or(LogoEvidence::Missing, |bytes| {
            LogoEvidence::Judged(domain::logo::check(slot, &bytes).map_err(|e| e.to_string()))
        });
        judged.insert(slot, evidence);
    }
    Ok(judged)
}

async fn plan_evidence(
    app: &App,
    plan: &PlanName,
    imported: Imported,
    previous: &[Release],
) -> Result<PlanEvidence, Refused> {
    let mut manifests = Vec::new();
    for digest in &imported.manifests {
        manifests.push(manifest(app, digest).await?);
    }
    let read = ReadImage {
        source: imported.source,
        tags: imported.tags,
        missing_tags: imported.missing_tags,
        manifests,
        left_out: imported.left_out.into_keys().collect(),
        by_itself: None,
    };
    evidence(&app.blobs, plan, read, previous).await
}

pub(super) async fn manifest(app: &App, digest: &Digest) -> Result<Manifest, Refused> {
    let stored = store::registry::manifest(&app.reader, digest)
        .await?
        .ok_or_else(|| Refused::trouble(format!("manifest {digest} was imported and is gone")))?;
    Manifest::parse(Some(&stored.media_type), &stored.bytes)
        .map_err(|e| Refused::trouble(format!("manifest {digest}: {e}")))
}

/// Where each live plan's image came from at first: that never changes.
pub(super) async fn first_sources(
    app: &App,
    key: &OfferKey,
) -> Result<BTreeMap<PlanName, String>, Refused> {
    let mut first = BTreeMap::new();
    let earlier = store::submissions::of_offer(&app.reader, key).await?;
    let releases = store::releases::of_offer(&app.reader, key).await?;
    for past in earlier.iter().rev() {
        if !releases.iter().any(|release| release.submission == past.id) {
            continue;
        }
        for (plan, brought) in imported(past)? {
            first.entry(plan).or_insert(brought.source);
        }
    }
    Ok(first)
}

/// Repositories that other live offers take their images from: one repository serves one offer.
pub(super) async fn other_sources(
    app: &App,
    key: &OfferKey,
) -> Result<BTreeMap<String, OfferKey>, Refused> {
    let mut others = BTreeMap::new();
    for (row, live) in store::offers::listing_all_live(&app.reader).await? {
        if row.key == *key {
            continue;
        }
        for brought in imported(&live)?.into_values() {
            others.insert(brought.source, row.key.clone());
        }
    }
    Ok(others)
}
