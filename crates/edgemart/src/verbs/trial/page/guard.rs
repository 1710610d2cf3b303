//! Who may see the page: whoever has its whole address, on this machine. Checked before anything else, and the same for a
//! wrong secret as for a path that does not exist.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

/// What a page may do: its own files and its own answers, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The secret and the names of one page.
pub(super) struct Guard {
    token: String,
    hosts: [String; 2],
}

impl Guard {
    pub(super) fn new(token: String, port: u16) -> Self {
        Self {
            token,
            hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
        }
    }

    /// Where the page is.
    pub(super) fn address(&self) -> String {
        format!("http://{}/{}/", self.hosts[0], self.token)
    }

    /// Why a request is not let in.
    fn refuses(&self, path: &str, headers: &HeaderMap) -> Option<StatusCode> {
        // A site whose name was made to point here sends that name (DNS rebinding).
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        if !host.is_some_and(|host| self.hosts.iter().any(|own| own == host)) {
            return Some(StatusCode::MISDIRECTED_REQUEST);
        }
        let first = path.trim_start_matches('/').split('/').next();
        let first = first.unwrap_or_default();
        // Style and script are the same for everybody and tell nothing.
        let known = first == "static" || bool::from(first.as_bytes().ct_eq(self.token.as_bytes()));
        (!known).then_some(StatusCode::NOT_FOUND)
    }
}

pub(super) async fn check(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let mut answer = match guard.refuses(request.uri().path(), request.headers()) {
        Some(status) => status.into_response(),
        None => next.run(request).await,
    };
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str, host: &str) -> Option<u16> {
        let mut headers = HeaderMap::new();
        if !host.is_empty() {
            headers.insert(header::HOST, host.parse().unwrap());
        }
        let guard = Guard::new("secret".into(), 4000);
        guard.refuses(path, &headers).map(|status| status.as_u16())
    }

    #[test]
    fn only_the_whole_address_is_let_in() {
        let own = "127.0.0.1:4000";
        for path in ["/secret/", "/secret/poll", "/static/0/trial.js"] {
            assert_eq!(refused(path, own), None, "{path}");
            assert_eq!(refused(path, "localhost:4000"), None);
            for host in [
                "",
                "evil.example",
                "evil.example:4000",
                "127.0.0.1",
                "127.0.0.1:4001",
            ] {
                assert_eq!(refused(path, host), Some(421), "{path} at {host:?}");
            }
        }
        for path in [
            "/",
            "/secre/",
            "/secret2/",
            "//x/secret",
            "/poll",
            "/SECRET/",
        ] {
            assert_eq!(refused(path, own), Some(404), "{path}");
        }
    }
}
