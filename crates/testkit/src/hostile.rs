//! A registry that misbehaves in one chosen way, in front of an otherwise honest image.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::http::{Body, Request, Response, Server};
use crate::image::TestImage;

/// What it does wrong.
#[derive(Clone, Debug)]
pub enum Trick {
    /// Nothing.
    None,
    /// Sends whoever asks for a blob to this URL.
    BlobRedirect(String),
    /// Blobs never end.
    BlobEndless,
    /// Blobs have the right length and wrong bytes.
    BlobWrong,
    /// Blobs say they are one byte longer.
    BlobLonger,
    /// Blobs come one byte at a time.
    BlobTrickle(Duration),
    /// Blobs stop half-way and the connection stays open.
    BlobStalled,
    /// Every answer to a blob breaks off after so many bytes; `ranges` says whether parts are served.
    BlobCut {
        /// Bytes of each answer.
        every: usize,
        /// Is `Range` understood?
        ranges: bool,
    },
    /// The first answers to a blob that reaches there stop at byte `at` of it and keep the connection; later ones are
    /// whole. `ranges` says whether parts are served.
    BlobStallsAt {
        /// Counted from the blob's first byte.
        at: usize,
        /// Answers that stop.
        times: usize,
        /// Is `Range` understood?
        ranges: bool,
    },
    /// Parts come with wrong bytes, after a first cut at so many bytes; whole answers after that are right.
    BlobRangeWrong(usize),
    /// Parts start at another place than asked, after a first cut at so many bytes.
    BlobRangeLie(usize),
    /// Manifests have other bytes than their digest says.
    ManifestWrong,
    /// Manifests never end.
    ManifestEndless,
    /// Asked for a manifest, it never answers.
    ManifestSilent,
    /// Everything is a web page.
    WebPage,
    /// A manifest type nobody knows.
    ManifestType(String),
    /// Header fields of this many bytes.
    GiantHeaders(usize),
    /// The first answers of each path are this status.
    FirstAnswers {
        /// HTTP status.
        status: u16,
        /// How many.
        count: usize,
        /// Seconds.
        retry_after: Option<u64>,
    },
    /// 401 with this challenge unless there is an `Authorization`.
    Challenge(String),
    /// The list of tags has a next page on this URL.
    TagsNext(String),
    /// Everything redirects to itself.
    RedirectLoop,
}

/// Serves `image` as `repository:tag`, with a trick; several tags are written with commas between them.
///
/// # Errors
/// When no loopback port is free.
pub async fn serve(
    image: &TestImage,
    repository: &str,
    tag: &str,
    trick: Trick,
) -> std::io::Result<Server> {
    let fake = Fake {
        image: image.clone(),
        prefix: format!("/v2/{repository}/"),
        tag: tag.to_owned(),
        trick,
        asked: Mutex::default(),
    };
    Server::start(move |request| fake.answer(request)).await
}

struct Fake {
    image: TestImage,
    prefix: String,
    tag: String,
    trick: Trick,
    asked: Mutex<HashMap<String, usize>>,
}

impl Fake {
    fn answer(&self, request: &Request) -> Response {
        if let Some(response) = self.refusal(request) {
            return response;
        }
        if request.path == "/v2/" {
            return Response::new(200, "{}");
        }
        let Some(rest) = request.path.strip_prefix(&self.prefix) else {
            return error(404, "NAME_UNKNOWN");
        };
        let response = match rest.split_once('/') {
            Some(("manifests", reference)) => self.manifest(reference),
            Some(("blobs", digest)) => self.blob(digest, request),
            Some(("tags", "list")) => self.tags(request),
            _ => error(404, "UNSUPPORTED"),
        };
        match self.trick {
            Trick::GiantHeaders(bytes) => response.with("X-Giant", "x".repeat(bytes)),
            _ => response,
        }
    }

    fn refusal(&self, request: &Request) -> Option<Response> {
        match &self.trick {
            Trick::WebPage => {
                Some(Response::new(200, "<html>hello</html>").with("Content-Type", "text/html"))
            }
            Trick::RedirectLoop => Some(Response::new(302, "").with("Location", &request.path)),
            Trick::Challenge(challenge) if request.header("authorization").is_none() => {
                Some(error(401, "UNAUTHORIZED").with("WWW-Authenticate", challenge))
            }
            Trick::FirstAnswers {
                status,
                count,
                retry_after,
            } => {
                let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
                let times = asked.entry(request.path.clone()).or_default();
                *times += 1;
                if *times > *count {
                    return None;
                }
                let response = error(*status, "TOOMANYREQUESTS");
                Some(match retry_after {
                    Some(seconds) => response.with("Retry-After", seconds.to_string()),
                    None => response,
                })
            }
            _ => None,
        }
    }

    fn manifest(&self, reference: &str) -> Response {
        let found = if self.tag.split(',').any(|tag| tag == reference) {
            Some(self.image.top())
        } else {
            let mut all = self.image.manifests.iter();
            all.find(|manifest| manifest.digest == reference)
        };
        let Some(manifest) = found else {
            return error(404, "MANIFEST_UNKNOWN");
        };
        let mut bytes = manifest.bytes.clone();
        let mut media_type = manifest.media_type.clone();
        match &self.trick {
            Trick::ManifestWrong => bytes.push(b' '),
            Trick::ManifestType(other) => media_type.clone_from(other),
            _ => {}
        }
        let response = Response::new(200, bytes)
            .with("Content-Type", media_type)
            .with("Docker-Content-Digest", &manifest.digest);
        match self.trick {
            Trick::ManifestEndless => response.body(Body::Endless),
            Trick::ManifestSilent => response.body(Body::Silence),
            _ => response,
        }
    }

    fn blob(&self, digest: &str, request: &Request) -> Response {
        let Some(bytes) = self.image.blob(digest) else {
            return error(404, "BLOB_UNKNOWN");
        };
        let size = bytes.len();
        let start = request
            .header("range")
            .and_then(|range| range.strip_prefix("bytes="))
            .and_then(|range| range.strip_suffix('-'))
            .and_then(|start| start.parse::<usize>().ok())
            .filter(|start| *start < size);
        let whole = Response::new(200, "");
        let promised = size as u64;
        match &self.trick {
            Trick::BlobRedirect(url) => Response::new(307, "").with("Location", url),
            Trick::BlobEndless => whole.body(Body::Endless),
            Trick::BlobWrong => {
                Response::new(200, bytes.iter().map(|byte| !byte).collect::<Vec<_>>())
            }
            Trick::BlobLonger => Response::new(200, [bytes, b"!"].concat()),
            Trick::BlobTrickle(pause) => whole.body(Body::Trickle {
                bytes: bytes.to_vec(),
                pause: *pause,
            }),
            Trick::BlobStalled => whole.body(Body::Stalled {
                bytes: bytes[..size / 2].to_vec(),
                promised,
            }),
            Trick::BlobCut { .. }
            | Trick::BlobStallsAt { .. }
            | Trick::BlobRangeWrong(_)
            | Trick::BlobRangeLie(_) => self.broken_off(bytes, start, &request.path),
            _ => match start {
                Some(start) => part(bytes, start, start, bytes[start..].to_vec()),
                None => Response::new(200, bytes),
            },
        }
    }

    /// The tricks with answers that end too early and with what is sent when the rest is asked for.
    fn broken_off(&self, bytes: &[u8], start: Option<usize>, path: &str) -> Response {
        let size = bytes.len();
        let begun = |end: usize| {
            Response::new(200, "").body(Body::Cut {
                bytes: bytes[..end].to_vec(),
                promised: size as u64,
            })
        };
        match (&self.trick, start) {
            (
                Trick::BlobCut {
                    every,
                    ranges: true,
                },
                Some(start),
            ) => {
                let end = size.min(start + every);
                part(bytes, start, start, bytes[start..end].to_vec())
            }
            // Without ranges every answer gets a little further, or nothing ever would.
            (Trick::BlobCut { every, .. }, _) => begun(size.min(every * (1 + self.count(path)))),
            (Trick::BlobStallsAt { at, times, ranges }, start) => {
                let begin = start.filter(|_| *ranges).unwrap_or(0);
                let stalls = size > *at && begin < *at && self.count(path) < *times;
                let end = if stalls { *at } else { size };
                let sent = bytes[begin..end].to_vec();
                let answer = match begin {
                    0 => begun(end),
                    _ => part(bytes, begin, begin, sent.clone()),
                };
                match stalls {
                    true => answer.body(Body::Stalled {
                        bytes: sent,
                        promised: (size - begin) as u64,
                    }),
                    false => answer,
                }
            }
            (Trick::BlobRangeWrong(_), Some(start)) => {
                let wrong = bytes[start..].iter().map(|byte| !byte).collect();
                part(bytes, start, start, wrong)
            }
            (Trick::BlobRangeWrong(cut), None) if size > *cut && self.count(path) == 0 => {
                begun(*cut)
            }
            (Trick::BlobRangeLie(_), Some(start)) => {
                part(bytes, start, start - 1, bytes[start..].to_vec())
            }
            (Trick::BlobRangeLie(cut), None) => begun(*cut),
            _ => Response::new(200, bytes),
        }
    }

    /// How often `path` was asked for before.
    fn count(&self, path: &str) -> usize {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry(path.to_owned()).or_default();
        *times += 1;
        *times - 1
    }

    fn tags(&self, request: &Request) -> Response {
        let body = json!({"name": "x", "tags": [self.tag, "not a tag", "other"]}).to_string();
        let response = Response::new(200, body);
        match &self.trick {
            Trick::TagsNext(url) if request.query_values("last").is_empty() => {
                response.with("Link", format!("<{url}>; rel=\"next\""))
            }
            _ => response,
        }
    }
}

/// The part of `bytes` from `start` on, of which `sent` is sent; it is said to begin at `said`.
fn part(bytes: &[u8], start: usize, said: usize, sent: Vec<u8>) -> Response {
    let size = bytes.len();
    let range = format!("bytes {said}-{}/{size}", size - 1);
    Response::new(206, "")
        .with("Content-Range", range)
        .body(Body::Cut {
            bytes: sent,
            promised: (size - start) as u64,
        })
}

fn error(status: u16, code: &str) -> Response {
    let body = json!({"errors": [{"code": code, "message": "a test says no"}]});
    Response::new(status, body.to_string()).with("Content-Type", "application/json")
}
