//! Gathers the evidence that the rules judge: logos, manifests, configurations, layers, what was live before, and,
//! when the operator allows outgoing connections, whether links answer. Running the modules is [`behave`]'s; all other I/O of
//! certification is in here.

use std::collections::BTreeMap;

use certify::{Contents, ImageEvidence, LogoEvidence, MovedTag, PlanEvidence, Subject, Waiver};
use domain::ids::{OfferKey, PlanName};
use domain::offer::{LogoSlot, Offer};
use domain::release::Release;
use futures_util::TryStreamExt as _;
use oci::{Digest, ImageConfig, Manifest, ManifestBody};
use store::submissions::Submission;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::behave;
use super::contents::{LayerSource, read_contents};
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
        plans.push(plan_evidence(app, &plan, &imported, &previous).await?);
    }
    let waivers: Vec<Waiver> = serde_json::from_value(submission.waivers.clone())
        .map_err(|e| Refused::trouble(format!("submission {}: waivers: {e}", submission.id)))?;
    Ok(Subject {
        logos: logos(app, &offer).await?,
        first_sources: first_sources(app, submission).await?,
        other_sources: other_sources(app, &submission.key).await?,
        links: crate::links::check(app, &offer).await,
        matrix: matrix(app).await?,
        registry_host: app.settings.registry_host.clone(),
        imported: true,
        behaviour: behave::behaviour(app, submission, &plans).await?,
        offer,
        plans,
        previous,
        waivers,
    })
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
    imported: &Imported,
    previous: &[Release],
) -> Result<PlanEvidence, Refused> {
    let mut manifests = BTreeMap::new();
    let mut configs = BTreeMap::new();
    for digest in &imported.manifests {
        let manifest = manifest(app, digest).await?;
        if let ManifestBody::Image { config, .. } = &manifest.body
            && let Ok(parsed) = ImageConfig::parse(&read(app, &config.digest, config.size).await?)
        {
            configs.insert(digest.clone(), parsed);
        }
        manifests.insert(digest.clone(), manifest);
    }
    let newest = domain::tag::newest(imported.tags.keys().map(String::as_str));
    let root = newest.and_then(|version| imported.tags.get(&version.to_string()).cloned());
    let images = match root.as_ref().and_then(|root| manifests.get(root)) {
        Some(root) => images(app, root, &manifests, &configs).await?,
        None => Vec::new(),
    };
    let moved_tags = previous
        .iter()
        .filter(|release| &release.plan == plan)
        .filter_map(|release| {
            let tag = release.version.to_string();
            let found = imported.tags.get(&tag)?.clone();
            (found != release.digest).then(|| MovedTag {
                tag,
                published: release.digest.clone(),
                found,
            })
        })
        .collect();
    Ok(PlanEvidence {
        plan: plan.clone(),
        source: imported.source.clone(),
        tags: imported.tags.clone(),
        missing_tags: imported.missing_tags.clone(),
        root,
        manifests,
        configs,
        images,
        moved_tags,
        left_out: imported.left_out.keys().cloned().collect(),
    })
}

async fn images(
    app: &App,
    root: &Manifest,
    manifests: &BTreeMap<Digest, Manifest>,
    configs: &BTreeMap<Digest, ImageConfig>,
) -> Result<Vec<ImageEvidence>, Refused> {
    let mut found = Vec::new();
    for (platform, image) in oci::images_of(root, manifests, configs) {
        let Some(config) = configs.get(&image.digest) else {
            continue;
        };
        found.push(ImageEvidence {
            digest: image.digest.clone(),
            platform,
            compressed_bytes: image.blobs().map(|blob| blob.size).sum(),
            layers: u32::try_from(image.layers().len()).unwrap_or(u32::MAX),
            contents: contents(app, image, config).await?,
            scan: None,
        });
    }
    Ok(found)
}

async fn contents(
    app: &App,
    image: &Manifest,
    config: &ImageConfig,
) -> Result<Result<Contents, String>, Refused> {
    let mut sources = Vec::new();
    for layer in image.layers() {
        if oci::media_type::is_nondistributable(&layer.media_type) {
            continue;
        }
        sources.push(LayerSource {
            media_type: layer.media_type.clone(),
            bytes: layer_bytes(app, &layer.digest).await?,
        });
    }
    let config = config.clone();
    tokio::task::spawn_blocking(move || read_contents(&config, sources))
        .await
        .map_err(|e| Refused::trouble(format!("reading layers: {e}")))
}

/// A layer for a blocking reader. It is read by a thread of its own, never by the async ones.
async fn layer_bytes(app: &App, digest: &Digest) -> Result<Box<dyn std::io::Read + Send>, Refused> {
    let storage = |what: String| Refused::Failed(Trouble::Storage(what));
    let opened = app
        .blobs
        .open(digest, None)
        .await
        .map_err(|e| storage(e.to_string()))?;
    let (_, stream) = opened.ok_or_else(|| storage(format!("layer {digest} is gone")))?;
    let stream = stream.map_err(std::io::Error::other);
    Ok(Box::new(SyncIoBridge::new(StreamReader::new(stream))))
}

pub(super) async fn manifest(app: &App, digest: &Digest) -> Result<Manifest, Refused> {
    let stored = store::registry::manifest(&app.reader, digest)
        .await?
        .ok_or_else(|| Refused::trouble(format!("manifest {digest} was imported and is gone")))?;
    Manifest::parse(Some(&stored.media_type), &stored.bytes)
        .map_err(|e| Refused::trouble(format!("manifest {digest}: {e}")))
}

/// A whole small blob, such as a configuration.
async fn read(app: &App, digest: &Digest, size: u64) -> Result<Vec<u8>, Refused> {
    if size > oci::CONFIG_BYTES_MAX as u64 {
        return Ok(Vec::new());
    }
    let storage = |e: store::blobs::BlobError| Refused::Failed(Trouble::Storage(e.to_string()));
    app.blobs.read(digest).await.map_err(storage)
}

/// Where each live plan's image came from at first: that never changes.
async fn first_sources(
    app: &App,
    submission: &Submission,
) -> Result<BTreeMap<PlanName, String>, Refused> {
    let mut first = BTreeMap::new();
    let earlier = store::submissions::of_offer(&app.reader, &submission.key).await?;
    let releases = store::releases::of_offer(&app.reader, &submission.key).await?;
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
async fn other_sources(app: &App, key: &OfferKey) -> Result<BTreeMap<String, OfferKey>, Refused> {
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
