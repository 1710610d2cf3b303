//! A form with files (`multipart/form-data`), held to the same rules as [`crate::form::Form`]: from this site, with the
//! session's token, bounded. Files stay in memory; a logo is small.

use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, Request};
use http::StatusCode;

use crate::body::WHOLE_MAX;
use crate::form::{check_csrf, check_origin};
use crate::problem::Problem;
use crate::state::Web;
use crate::visitor::Visitor;

/// Largest upload, in bytes: four logos of 512 KiB, a larger one to derive them from, and the form around them.
pub(crate) const UPLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Most parts of an upload.
const PARTS_MAX: usize = 20;

/// A checked upload with the person who sent it.
pub(crate) struct Upload {
    /// Who sent it.
    pub(crate) visitor: Visitor,
    files: Vec<(String, Vec<u8>)>,
}

impl Upload {
    /// The bytes of a file; `None` when the field was left empty.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        let found = self.files.iter().find(|(key, _)| key == name);
        found
            .map(|(_, bytes)| bytes.as_slice())
            .filter(|bytes| !bytes.is_empty())
    }
}

fn broken(error: &axum::extract::multipart::MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The upload is too large",
            "An upload is at most 6 MiB in all. Save the pictures with stronger compression.",
        );
    }
    Problem::bad_request(
        "The upload broke off, was silent for too long, or is not multipart/form-data. Send it again.",
    )
}

impl FromRequest<Web> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        check_origin(&parts.headers, web)?;
        let visitor = Visitor::from_request_parts(&mut parts, web).await?;
        // Before anything is read: nobody else's bytes are held.
        visitor.account()?;
        let mut request = Request::from_parts(parts, body);
        DefaultBodyLimit::max(UPLOAD_BYTES_MAX).apply(&mut request);
        let multipart = Multipart::from_request(request, web).await.map_err(|_| {
            Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Not an upload",
                "This address takes a form with files (multipart/form-data).",
            )
        })?;
        let read = tokio::time::timeout(WHOLE_MAX, parts_of(multipart)).await;
        let (csrf, files) = read.map_err(|_| {
            Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "The upload took too long",
                format!(
                    "An upload has {} seconds. Save the pictures with stronger compression, or try again on a better line.",
                    WHOLE_MAX.as_secs()
                ),
            )
        })??;
        check_csrf(&visitor, &csrf)?;
        Ok(Self { visitor, files })
    }
}

/// The session's token and the files, by the names of their fields.
async fn parts_of(mut multipart: Multipart) -> Result<(String, Vec<(String, Vec<u8>)>), Problem> {
    let mut csrf = String::new();
    let mut files = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(|e| broken(&e))? {
        if files.len() == PARTS_MAX {
            return Err(Problem::bad_request("An upload has at most 20 parts."));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(|e| broken(&e))?;
        if name == "csrf" {
            csrf = String::from_utf8_lossy(&bytes).into_owned();
        } else {
            files.push((name, bytes.to_vec()));
        }
    }
    Ok((csrf, files))
}
