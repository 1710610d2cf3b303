//! Style sheet, scripts and pictures of the pages: embedded, named by content, cached for ever.
//!
//! A file's address holds a hash of its bytes, so a new build has new addresses and a browser
//! never shows a new page with an old style sheet. An address with a hash of another build (two
//! versions run side by side during an update) is answered with what this build has, uncached.
//!
//! Left out: compression (the server's layer does it for every answer) and anything uploaded.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// One year, the longest that caches honour.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const UNCACHED: HeaderValue = HeaderValue::from_static("no-cache");

struct StaticFile {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

static EMBEDDED: [StaticFile; 6] = [
    StaticFile {
        name: "edgemart.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../static/edgemart.css"),
    },
    StaticFile {
        name: "edgemart.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../static/edgemart.js"),
    },
    StaticFile {
        name: "htmx.min.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../static/htmx.min.js"),
    },
    StaticFile {
        name: "trial.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../static/trial.css"),
    },
    StaticFile {
        name: "trial.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../static/trial.js"),
    },
    StaticFile {
        name: "favicon.svg",
        content_type: "image/svg+xml",
        bytes: include_bytes!("../static/favicon.svg"),
    },
];

struct Addressed {
    file: &'static StaticFile,
    hash: String,
    address: String,
}

static FILES: LazyLock<Vec<Addressed>> = LazyLock::new(|| {
    EMBEDDED
        .iter()
        .map(|file| {
            let digest = Sha256::digest(file.bytes);
            let hash = digest[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>();
            let address = format!("/static/{hash}/{}", file.name);
            Addressed {
                file,
                hash,
                address,
            }
        })
        .collect()
});

/// The address of an embedded file, for templates: `{{ asset("edgemart.css") }}`. An unknown name
/// gives an address that answers 404; a test reads the templates so that none asks for one.
#[must_use]
pub fn asset(name: &str) -> &'static str {
    FILES
        .iter()
        .find(|held| held.file.name == name)
        .map_or("/static/0/unknown", |held| held.address.as_str())
}

/// Serves `/static/{hash}/{name}`.
pub fn router() -> Router {
    Router::new().route("/static/{hash}/{name}", get(serve))
}

async fn serve(Path((hash, name)): Path<(String, String)>) -> Response {
    let Some(held) = FILES.iter().find(|held| held.file.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let caching = if held.hash == hash {
        IMMUTABLE
    } else {
        UNCACHED
    };
    (
        [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static(held.file.content_type),
            ),
            (header::CACHE_CONTROL, caching),
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
        ],
        held.file.bytes,
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    async fn answer(address: &str) -> Response {
        let request = Request::get(address).body(Body::empty()).unwrap();
        router().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_current_address_is_cached_for_ever() {
        let answer = answer(asset("edgemart.css")).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CACHE_CONTROL], IMMUTABLE);
        assert_eq!(
            answer.headers()[header::CONTENT_TYPE],
            "text/css; charset=utf-8"
        );
        assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }

    #[tokio::test]
    async fn an_address_of_another_build_is_answered_uncached() {
        let answer = answer("/static/0123456789abcdef/edgemart.js").await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CACHE_CONTROL], UNCACHED);
    }

    #[tokio::test]
    async fn nothing_else_is_served() {
        for address in ["/static/0/README.md", "/static/0/..%2fCargo.toml"] {
            assert_eq!(answer(address).await.status(), StatusCode::NOT_FOUND);
        }
    }
}
