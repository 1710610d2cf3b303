//! The event log of a run as a file. Who may have it is asked before, where the page of the run stands.

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use store::runs::Run;

use crate::problem::Problem;
use crate::state::Web;

/// The log as it is kept: JSON lines, compressed.
pub(crate) async fn download(web: &Web, run: &Run) -> Result<Response, Problem> {
    let none = || Problem::not_found("event log of that run");
    let kept = run.summary.log.as_ref().ok_or_else(none)?;
    let read = web.app.blobs.get_run_log(&kept.digest).await;
    let bytes = read.map_err(|error| {
        tracing::error!(%error, "an event log could not be read");
        Problem::failed()
    })?;
    let mut response = bytes.ok_or_else(none)?.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let summary = &run.summary;
    let platform = summary.platform.to_string().replace('/', "-");
    let name = format!(
        "attachment; filename=\"run-{}-{platform}.jsonl.gz\"",
        summary.plan
    );
    if let Ok(value) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
