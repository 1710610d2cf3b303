//! The draft as a folder that `edgemart offer push` understands, in one ZIP archive.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::offer::LogoSlot;
use domain::role::PublisherAction;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use oci::Digest;

use super::draft::Draft;
use super::zip::archive;
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;
use crate::visitor::Visitor;

pub(super) async fn download(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &visitor, &places, PublisherAction::View).await?;
    let offer = &draft.row.draft;
    let mut logos = BTreeMap::new();
    for slot in LogoSlot::ALL {
        let Ok(digest) = offer.listing.logos.get(slot).parse::<Digest>() else {
            continue;
        };
        let bytes = web.app.blobs.get_media(&digest).await.map_err(|error| {
            tracing::error!(%error, %digest, "a logo could not be read");
            Problem::failed()
        })?;
        if let Some(bytes) = bytes {
            logos.insert(slot, bytes.to_vec());
        }
    }
    let files = app::folder::write_folder(offer, &logos).map_err(|error| {
        tracing::error!(%error, offer = %draft.key, "an offer could not be written as a folder");
        Problem::failed()
    })?;
    let headers = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}.zip\"", draft.key),
        ),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, archive(&files)).into_response())
}
