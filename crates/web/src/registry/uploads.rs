//! `/v2/…/blobs/uploads/…`: blobs on their way in, in one request or in chunks that can be resumed.

use app::App;
use app::registry::{
    Caller, Chunk, PushPass, Refusal, Upload, append_chunk, cancel_upload, find_upload,
    finish_upload, mount_blob, put_blob, start_upload,
};
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, LOCATION, RANGE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use oci::range::UploadRange;
use oci::{Digest, ErrorCode, RepositoryName};

use super::answer::{Failure, UPLOAD_ID, empty, upload_location, upload_range, value};
use super::conditions::CONTENT_DIGEST;
use super::incoming::Incoming;
use super::location;

/// What of a request goes into the blob.
fn chunk(headers: &HeaderMap, body: Incoming) -> Result<Chunk, Refusal> {
    let range = match headers.get(CONTENT_RANGE) {
        None => None,
        Some(header) => {
            let text = header.to_str().unwrap_or_default();
            let range = text.parse::<UploadRange>();
            Some(range.map_err(|error| {
                Refusal::invalid(ErrorCode::BlobUploadInvalid, error.to_string())
            })?)
        }
    };
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|text| text.to_str().ok()?.parse().ok());
    Ok(Chunk {
        range,
        length,
        body: body.boxed(),
    })
}

fn standing(status: StatusCode, repository: &RepositoryName, upload: &Upload) -> Response<Body> {
    let mut response = empty(status);
    let headers = response.headers_mut();
    headers.insert(LOCATION, upload_location(repository, &upload.id));
    headers.insert(RANGE, upload_range(upload.size));
    headers.insert(UPLOAD_ID, value(&upload.id));
    if status != StatusCode::NO_CONTENT {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    response
}

fn stored(repository: &RepositoryName, digest: &Digest) -> Response<Body> {
    let mut response = empty(StatusCode::CREATED);
    let headers = response.headers_mut();
    headers.insert(LOCATION, location(repository, "blobs", digest.as_str()));
    headers.insert(CONTENT_DIGEST, value(digest.as_str()));
    response
}

/// `POST`: mounts, takes a whole blob, or opens an upload.
pub(super) async fn start(
    app: &App,
    caller: &Caller,
    pass: &PushPass,
    digest: Option<&Digest>,
    mount: Option<&(Digest, Option<RepositoryName>)>,
    (parts, body): (&Parts, Incoming),
) -> Result<Response<Body>, Failure> {
    if let Some((digest, from)) = mount {
        if mount_blob(app, caller, pass, digest, from.as_ref()).await? {
            return Ok(stored(pass.repository(), digest));
        }
    } else if let Some(digest) = digest {
        let chunk = chunk(&parts.headers, body)?;
        let announced_empty =
            chunk.length == Some(0) && Digest::of(digest.algorithm(), b"") != *digest;
        // Some clients name the digest early and send the bytes later; the protocol lets us open an upload then.
        if !announced_empty {
            put_blob(app, pass, digest, chunk).await?;
            return Ok(stored(pass.repository(), digest));
        }
    }
    let upload = start_upload(app, pass).await?;
    Ok(standing(StatusCode::ACCEPTED, pass.repository(), &upload))
}

/// `PATCH`: one more chunk.
pub(super) async fn patch(
    app: &App,
    pass: &PushPass,
    id: &str,
    (parts, body): (&Parts, Incoming),
) -> Result<Response<Body>, Failure> {
    let upload = append_chunk(app, pass, id, chunk(&parts.headers, body)?).await?;
    Ok(standing(StatusCode::ACCEPTED, pass.repository(), &upload))
}

/// `PUT`: the last chunk, if any, and the digest of it all.
pub(super) async fn put(
    app: &App,
    pass: &PushPass,
    (id, digest): (&str, &Digest),
    (parts, body): (&Parts, Incoming),
) -> Result<Response<Body>, Failure> {
    finish_upload(app, pass, id, digest, chunk(&parts.headers, body)?).await?;
    Ok(stored(pass.repository(), digest))
}

/// `GET`: where to go on.
pub(super) async fn get(app: &App, pass: &PushPass, id: &str) -> Result<Response<Body>, Failure> {
    let upload = find_upload(app, pass, id).await?;
    Ok(standing(StatusCode::NO_CONTENT, pass.repository(), &upload))
}

/// `DELETE`: give up.
pub(super) async fn delete(
    app: &App,
    pass: &PushPass,
    id: &str,
) -> Result<Response<Body>, Failure> {
    cancel_upload(app, pass, id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
