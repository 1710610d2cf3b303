//! Talks to a marketplace: JSON over HTTP, with this user's token. Turns what goes wrong into [`Failure`]s with the
//! documented exit codes. Knows no endpoint; the verbs do.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, ETAG, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use url::{Host, Url};

use super::failure::{Exit, Failure, tell};

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest wait for a connection, in seconds.
const CONNECT_SECONDS_MAX: u64 = 10;
/// Longest wait for a whole answer, in seconds.
const ANSWER_SECONDS_MAX: u64 = 60;

/// Longest wait for a layer of an image, in seconds.
const IMAGE_SECONDS_MAX: u64 = 3_600;

/// A marketplace and who we are there.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

/// What a request carries.
pub(crate) enum Body<'a> {
    Nothing,
    Json(&'a Value),
    Png(Vec<u8>),
}

/// An answer of success.
#[derive(Debug)]
pub(crate) struct Answer {
    /// `null` when there was no body.
    pub(crate) body: Value,
    pub(crate) etag: Option<String>,
    pub(crate) location: Option<String>,
}

impl Client {
    pub(crate) fn new(base: Url, token: Option<String>) -> Result<Self, Failure> {
        let http = connection(&base).map_err(|error| {
            Failure::new(
                Exit::Failure,
                "connections cannot be set up on this machine",
            )
            .why(chain(&error))
        })?;
        let local = is_loopback(&base);
        if token.is_some() && base.scheme() == "http" && !local {
            tell(&format!(
                "warning: your token travels to {base} unencrypted; use https"
            ));
        }
        Ok(Self { http, base, token })
    }

    /// The address of a resource of the API; each segment is encoded.
    pub(crate) fn address(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // A base with a host always has segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v1"]).extend(segments);
        }
        url
    }

    pub(crate) async fn get(
        &self,
        segments: &[&str],
        query: &[(String, String)],
    ) -> Result<Answer, Failure> {
        let mut url = self.address(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(Method::GET, url, Body::Nothing, &[]).await
    }

    pub(crate) async fn post(&self, segments: &[&str], body: &Value) -> Result<Answer, Failure> {
        self.send(Method::POST, self.address(segments), Body::Json(body), &[])
            .await
    }

    pub(crate) async fn put(
        &self,
        segments: &[&str],
        body: Body<'_>,
        headers: &[(HeaderName, String)],
    ) -> Result<Answer, Failure> {
        self.send(Method::PUT, self.address(segments), body, headers)
            .await
    }

    pub(crate) async fn patch(&self, segments: &[&str], body: &Value) -> Result<Answer, Failure> {
        self.send(Method::PATCH, self.address(segments), Body::Json(body), &[])
            .await
    }

    pub(crate) async fn delete(&self, segments: &[&str]) -> Result<Answer, Failure> {
        self.send(Method::DELETE, self.address(segments), Body::Nothing, &[])
            .await
    }

    /// Whether a host with port is this marketplace's own.
    pub(crate) fn is_at(&self, host: &str) -> bool {
        let own = self.base.host_str().unwrap_or_default();
        let port = self.base.port_or_known_default();
        host == own && matches!(port, Some(80 | 443))
            || port.is_some_and(|port| host == format!("{own}:{port}"))
    }

    /// Bytes of the marketplace's registry, handed on as they come. Asked for as anybody may: what is public takes no token.
    pub(crate) async fn registry(&self, path: &str, accept: &str) -> Result<Response, Failure> {
        let mut url = self.base.clone();
        url.set_path(&format!("/v2/{path}"));
        let request = self.http.get(url).header(ACCEPT, accept);
        let patience = Duration::from_secs(IMAGE_SECONDS_MAX);
        let response = request.timeout(patience).send().await;
        let response = response.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refusal(status, &response.headers().clone(), None));
        }
        Ok(response)
    }

    /// The next piece of an answer; `None` at its end.
    pub(crate) async fn piece(&self, response: &mut Response) -> Result<Option<Bytes>, Failure> {
        let piece = response.chunk().await;
        piece.map_err(|error| self.broken(&chain(&error)))
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        body: Body<'_>,
        headers: &[(HeaderName, String)],
    ) -> Result<Answer, Failure> {
        let mut request = self
            .http
            .request(method, url.clone())
            .header(ACCEPT, "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request = match body {
            Body::Nothing => request,
            Body::Json(value) => request.json(value),
            Body::Png(bytes) => request.header("content-type", "image/png").body(bytes),
        };
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = read(response).await.map_err(|why| self.broken(&why))?;
        let value = match bytes.as_slice() {
            [] => Some(Value::Null),
            bytes => serde_json::from_slice(bytes).ok(),
        };
        if !status.is_success() {
            return Err(self.refusal(status, &headers, value.as_ref()));
        }
        let body = value.ok_or_else(|| {
            self.broken("its answer is not JSON; is this the address of an Edgemart?")
        })?;
        let text = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Ok(Answer {
            body,
            etag: text(ETAG),
            location: text(LOCATION),
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure::new(Exit::Network, format!("the marketplace at {} cannot be reached", self.base))
            .why(chain(error))
            .fix("check the address (--url or EDGEMART_URL); `edgemart demo` starts a marketplace on this machine")
    }

    fn broken(&self, why: &str) -> Failure {
        Failure::new(
            Exit::Network,
            format!("the answer of {} cannot be used", self.base),
        )
        .why(why)
    }

    /// A status that is no success, with the server's own words where it has some.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, problem: Option<&Value>) -> Failure {
        let text = |name: &str| {
            let told = problem
                .and_then(|problem| problem.get(name))
                .and_then(Value::as_str);
            told.unwrap_or_default().to_owned()
        };
        let title = match text("title") {
            title if title.is_empty() => {
                format!("the marketplace at {} answered {status}", self.base)
            }
            title => title,
        };
        let failure = Failure::new(exit_of(status), title).why(text("detail"));
        let failure = match problem {
            Some(problem @ Value::Object(_)) => {
                failure.points(points(problem)).problem(problem.clone())
            }
            _ => failure,
        };
        match status {
            StatusCode::UNAUTHORIZED => {
                failure.fix(format!("run `edgemart login --url {}`", self.base))
            }
            StatusCode::TOO_MANY_REQUESTS => {
                let wait = headers
                    .get(RETRY_AFTER)
                    .and_then(|value| value.to_str().ok());
                failure.fix(format!(
                    "wait {} seconds and try again",
                    wait.unwrap_or("60")
                ))
            }
            _ => failure,
        }
    }
}

/// The exit code of an HTTP status.
fn exit_of(status: StatusCode) -> Exit {
    match status.as_u16() {
        401 | 403 => Exit::Authentication,
        404 | 410 => Exit::NotFound,
        409 | 412 => Exit::Conflict,
        400 | 413 | 422 => Exit::Invalid,
        502..=504 => Exit::Network,
        _ => Exit::Failure,
    }
}

/// Every single thing that a problem document names.
fn points(problem: &Value) -> Vec<String> {
    let list = |name: &str| {
        problem
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let part = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut points = Vec::new();
    for one in list("violations") {
        let (field, limit, found, fix) = (
            part(&one, "field"),
            part(&one, "limit"),
            part(&one, "found"),
            part(&one, "fix"),
        );
        points.push(format!("{field}: {limit}; found {found}. {fix}"));
    }
    for one in list("unfilled") {
        points.push(match (one.as_str(), part(&one, "refused")) {
            (Some(name), _) => format!("{name} has no value"),
            (None, why) if why.is_empty() => {
                let places = super::output::joined(&one, "/places", ", ");
                format!(
                    "{} has no value (in {places}); add --set {0}=VALUE",
                    part(&one, "name")
                )
            }
            (None, why) => format!("{}: {why}", part(&one, "name")),
        });
    }
    points
}

/// System certificates, so that a plant's own authority counts; the bundled ones where the system has none.
fn connection(base: &Url) -> Result<reqwest::Client, reqwest::Error> {
    let builder = || {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("edgemart/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .timeout(Duration::from_secs(ANSWER_SECONDS_MAX));
        // A proxy is for other machines.
        if is_loopback(base) {
            builder.no_proxy()
        } else {
            builder
        }
    };
    builder().build().or_else(|_| {
        let roots = rustls::RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let tls = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        builder().tls_backend_preconfigured(tls).build()
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(format!(
                "it is longer than {} MiB",
                ANSWER_BYTES_MAX / 1024 / 1024
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The innermost cause says most; the outer ones only repeat the address.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn statuses_have_exit_codes() {
        for (status, exit) in [
            (400, Exit::Invalid),
            (401, Exit::Authentication),
            (403, Exit::Authentication),
            (404, Exit::NotFound),
            (409, Exit::Conflict),
            (412, Exit::Conflict),
            (422, Exit::Invalid),
            (429, Exit::Failure),
            (500, Exit::Failure),
            (503, Exit::Network),
        ] {
            assert_eq!(
                exit_of(StatusCode::from_u16(status).unwrap()),
                exit,
                "{status}"
            );
        }
    }

    #[test]
    fn every_unfilled_placeholder_and_violation_is_named() {
        let told = points(&json!({
            "violations": [{"field": "title", "limit": "at most 200", "found": "201", "fix": "Shorten it."}],
            "unfilled": [{"name": "SERVER", "places": ["env.A", "routes.B"]}, {"name": "X", "places": [], "refused": "no blanks"}],
        }));
        assert_eq!(
            told,
            [
                "title: at most 200; found 201. Shorten it.",
                "SERVER has no value (in env.A, routes.B); add --set SERVER=VALUE",
                "X: no blanks",
            ]
        );
    }

    #[test]
    fn loopback_is_known() {
        for local in [
            "http://127.0.0.1:8080/",
            "http://localhost/",
            "http://[::1]:1/",
        ] {
            assert!(is_loopback(&local.parse().unwrap()), "{local}");
        }
        assert!(!is_loopback(&"http://192.0.2.1/".parse().unwrap()));
    }
}
