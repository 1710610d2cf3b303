//! A member uploads one of the four logos. Refuses anything but a PNG of exactly the slot's size.

use domain::actor::Actor;
use domain::ids::OfferKey;
use domain::offer::LogoSlot;
use domain::role::PublisherAction;
use oci::Digest;

use super::offer_for;
use crate::App;
use crate::error::{Refused, Trouble};

/// Keeps the picture and puts it into the draft; returns its digest.
pub async fn put_logo(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    slot: LogoSlot,
    bytes: Vec<u8>,
) -> Result<Digest, Refused> {
    let row = offer_for(app, actor, key, PublisherAction::Edit).await?;
    if let Err(error) = domain::logo::check(slot, &bytes) {
        let (width, height) = slot.pixels();
        return Err(Refused::invalid(
            &format!("listing.logos.{}", slot.name()),
            &format!("PNG of exactly {width}×{height} pixels"),
            error.to_string(),
            "Upload another file.",
        ));
    }
    let digest = Digest::sha256_of(&bytes);
    let now = app.clock.now();
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    app.blobs
        .put_media(&digest, bytes.into())
        .await
        .map_err(|e| Refused::Failed(Trouble::Storage(e.to_string())))?;
    let mut draft = row.draft;
    draft.listing.logos.set(slot, digest.to_string());
    let tx = app.writer.begin().await?;
    let media = store::media::Media {
        digest: digest.clone(),
        publisher: key.publisher.clone(),
        media_type: "image/png".into(),
        size,
        created_at: now,
    };
    store::media::put(&tx, &media).await?;
    if !store::offers::save_draft(&tx, key, &draft, row.revision, now).await? {
        return Err(Refused::Conflict(
            "Someone saved this offer while the logo was uploading. Upload it again.".into(),
        ));
    }
    tx.commit().await?;
    Ok(digest)
}
