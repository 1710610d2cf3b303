//! The sample publishers' own registry, in memory and read-only: what an import reads from in the demo.
//! Speaks just enough of the distribution protocol to be pulled from.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use oci::{Operation, Reference};

/// What the registry holds.
#[derive(Default)]
pub(super) struct Shelf {
    /// `repository@digest` → type and bytes.
    pub(super) manifests: HashMap<String, (&'static str, Bytes)>,
    /// `repository:tag` → digest.
    pub(super) tags: HashMap<String, String>,
    pub(super) blobs: HashMap<String, Bytes>,
}

/// The registry with what is on a shelf.
pub(super) fn router(shelf: Shelf) -> Router {
    Router::new()
        .fallback(any(handle))
        .with_state(Arc::new(shelf))
}

/// A shelf with the images of all samples that travel in the binary.
pub(super) fn shelf() -> Result<Shelf, samples::SampleError> {
    let mut shelf = Shelf::default();
    for seed in samples::images()? {
        let image = seed.image;
        for (tag, digest) in seed.tags {
            shelf
                .tags
                .insert(format!("{}:{tag}", seed.repository), digest);
        }
        let index = (image.index_media_type, Bytes::from(image.index));
        shelf
            .manifests
            .insert(format!("{}@{}", seed.repository, image.index_digest), index);
        for child in image.children {
            let manifest = (child.media_type, Bytes::from(child.bytes));
            shelf
                .manifests
                .insert(format!("{}@{}", seed.repository, child.digest), manifest);
        }
        for (digest, bytes) in image.blobs {
            shelf.blobs.insert(digest, Bytes::from(bytes));
        }
    }
    Ok(shelf)
}

async fn handle(State(shelf): State<Arc<Shelf>>, method: Method, uri: Uri) -> Response {
    match Operation::parse(method.as_str(), uri.path(), uri.query()) {
        Ok(Operation::Base) => StatusCode::OK.into_response(),
        Ok(
            Operation::GetManifest {
                repository,
                reference,
            }
            | Operation::HeadManifest {
                repository,
                reference,
            },
        ) => {
            let digest = match reference {
                Reference::Digest(digest) => Some(digest.to_string()),
                Reference::Tag(tag) => shelf.tags.get(&format!("{repository}:{tag}")).cloned(),
            };
            let found = digest.and_then(|digest| {
                let held = shelf.manifests.get(&format!("{repository}@{digest}"))?;
                Some((digest, held))
            });
            match found {
                Some((digest, (media_type, bytes))) => answer(media_type, &digest, bytes),
                None => StatusCode::NOT_FOUND.into_response(),
            }
        }
        Ok(Operation::GetBlob { digest, .. } | Operation::HeadBlob { digest, .. }) => {
            let digest = digest.to_string();
            match shelf.blobs.get(&digest) {
                Some(bytes) => answer("application/octet-stream", &digest, bytes),
                None => StatusCode::NOT_FOUND.into_response(),
            }
        }
        Ok(_) => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(media_type: &'static str, digest: &str, bytes: &Bytes) -> Response {
    let mut response = bytes.clone().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(digest) = HeaderValue::from_str(digest) {
        headers.insert("docker-content-digest", digest);
    }
    response
}
