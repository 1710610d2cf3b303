//! Whole request bodies of pages and API, bounded in bytes, in silence and in time. Uploads to the registry are left out: they may
//! take hours and have rules of their own (`registry/incoming.rs`).

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use http::StatusCode;
use http_body_util::LengthLimitError;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::problem::Problem;

/// How long a sender may bring nothing. A form is small, and a sender that waits longer than this only holds a
/// connection open.
const SILENT_SECONDS_MAX: u64 = 30;

/// How long a whole body may take: what fits in our limits comes in that time on any line that can show a page.
pub(crate) const WHOLE_MAX: Duration = Duration::from_secs(300);

/// Ends the body of a sender that went silent.
pub(crate) fn patience() -> RequestBodyTimeoutLayer {
    RequestBodyTimeoutLayer::new(Duration::from_secs(SILENT_SECONDS_MAX))
}

/// Reads a body of at most so many bytes; `what` names it in a refusal.
pub(crate) async fn whole(body: Body, bytes_max: usize, what: &str) -> Result<Bytes, Problem> {
    let read = tokio::time::timeout(WHOLE_MAX, to_bytes(body, bytes_max)).await;
    let read = read.map_err(axum::Error::new).flatten();
    read.map_err(|error| {
        let error = error.into_inner();
        if error.is::<LengthLimitError>() {
            return Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The {what} is too large"),
                format!("A {what} here has at most {bytes_max} bytes. Shorten the longest texts."),
            );
        }
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("The {what} broke off"),
            format!("The connection ended, or brought nothing for {SILENT_SECONDS_MAX} seconds or not all within {} seconds, before the whole {what} was here. Send it again.", WHOLE_MAX.as_secs()),
        )
    })
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Request;
    use axum::routing::post;
    use tower::ServiceExt as _;

    use super::*;

    async fn status(body: Body) -> StatusCode {
        let read = async |request: Request| whole(request.into_body(), 8, "form").await.map(drop);
        let hasty = RequestBodyTimeoutLayer::new(Duration::from_millis(10));
        let router: Router = Router::new().route("/", post(read)).layer(hasty);
        let request = Request::post("/").body(body).unwrap();
        router.oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_body_is_bounded_in_bytes_and_in_silence() {
        assert_eq!(status(Body::from("12345678")).await, StatusCode::OK);
        let large = status(Body::from("123456789")).await;
        assert_eq!(large, StatusCode::PAYLOAD_TOO_LARGE);
        let silent = futures_util::stream::pending::<std::io::Result<Bytes>>();
        let silent = status(Body::from_stream(silent)).await;
        assert_eq!(silent, StatusCode::REQUEST_TIMEOUT);
    }
}
