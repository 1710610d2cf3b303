//! Every request is counted by route, method and status, and timed until its answer begins; it runs in a span with its
//! id, so that every log line of it can be found again. The id is the client's `X-Request-Id` where that is harmless, else
//! a new one, and goes back with the answer. Counts live in this process and are read by `/metrics`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use app::clock::new_id;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::HOST;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tracing::Instrument as _;

use crate::state::Web;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a client, in characters.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// Upper bounds of the buckets, in microseconds; one more takes what is slower.
const BOUNDS: [u64; 11] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 2_500_000, 10_000_000,
];
const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
];
/// First digits of status codes.
const CLASSES: usize = 5;
/// Label of what no route takes.
const UNMATCHED: &str = "none";

/// One method of one route.
#[derive(Default)]
struct Cell {
    classes: [AtomicU64; CLASSES],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

type Cells = [Cell; METHODS.len()];

/// What this process served since it started.
pub(crate) struct Traffic {
    started: Instant,
    under_way: AtomicI64,
    /// Routes are patterns, so there are no more of them than the router has.
    routes: RwLock<BTreeMap<Box<str>, Arc<Cells>>>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            under_way: AtomicI64::new(0),
            routes: RwLock::default(),
        }
    }
}

impl Traffic {
    fn cells(&self, route: &str) -> Arc<Cells> {
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cells) = known.get(route) {
            return Arc::clone(cells);
        }
        drop(known);
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(routes.entry(route.into()).or_default())
    }

    fn count(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let known = METHODS.iter().position(|name| *name == method.as_str());
        let method = known.unwrap_or(METHODS.len() - 1);
        let cells = self.cells(route);
        let cell = &cells[method];
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES) - 1;
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        cell.classes[class].fetch_add(1, Ordering::Relaxed);
        cell.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        cell.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// The counts in the text format of Prometheus.
    pub(crate) fn write(&self, out: &mut String) {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let routes: Vec<(&str, &Cells)> = routes
            .iter()
            .map(|(route, cells)| (&**route, &**cells))
            .collect();
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "# HELP edgemart_uptime_seconds Since this process started to serve.\n# TYPE edgemart_uptime_seconds gauge\nedgemart_uptime_seconds {}\n# HELP edgemart_http_requests_under_way Requests whose answer has not begun.\n# TYPE edgemart_http_requests_under_way gauge\nedgemart_http_requests_under_way {}",
            self.started.elapsed().as_secs(),
            self.under_way.load(Ordering::Relaxed)
        );
        let _ = writeln!(
            out,
            "# HELP edgemart_http_requests_total Requests by route, method and class of status.\n# TYPE edgemart_http_requests_total counter"
        );
        for (route, method, cell) in used(&routes) {
            for (at, class) in cell.classes.iter().enumerate() {
                let count = class.load(Ordering::Relaxed);
                if count > 0 {
                    let _ = writeln!(
                        out,
                        "edgemart_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{}xx\"}} {count}",
                        at + 1
                    );
                }
            }
        }
        let _ = writeln!(
            out,
            "# HELP edgemart_http_request_seconds Time until the answer begins; a body may take longer.\n# TYPE edgemart_http_request_seconds histogram"
        );
        for (route, method, cell) in used(&routes) {
            histogram(out, route, method, cell);
        }
    }
}

/// The cells that counted something, each with its labels.
fn used<'a>(
    routes: &'a [(&'a str, &'a Cells)],
) -> impl Iterator<Item = (&'a str, &'static str, &'a Cell)> {
    let all = routes.iter().flat_map(|(route, cells)| {
        let cells = METHODS.into_iter().zip(cells.iter());
        cells.map(|(method, cell)| (*route, method, cell))
    });
    all.filter(|(_, _, cell)| {
        let mut buckets = cell.buckets.iter();
        buckets.any(|count| count.load(Ordering::Relaxed) > 0)
    })
}

fn histogram(out: &mut String, route: &str, method: &str, cell: &Cell) {
    let name = "edgemart_http_request_seconds";
    let labels = format!("route=\"{route}\",method=\"{method}\"");
    let mut sum = 0;
    for (at, bucket) in cell.buckets.iter().enumerate() {
        sum += bucket.load(Ordering::Relaxed);
        let bound = BOUNDS.get(at).map_or_else(
            || "+Inf".to_owned(),
            |micros| (Duration::from_micros(*micros).as_secs_f64()).to_string(),
        );
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {sum}");
    }
    let seconds = Duration::from_micros(cell.micros.load(Ordering::Relaxed)).as_secs_f64();
    let _ = writeln!(
        out,
        "{name}_sum{{{labels}}} {seconds}\n{name}_count{{{labels}}} {sum}"
    );
}

/// The pattern that took the request. Everything under `/v2` is one pattern of the router, told apart here by what it
/// names.
fn route<'a>(matched: Option<&'a MatchedPath>, path: &str) -> &'a str {
    const KINDS: [(&str, &str); 6] = [
        ("/blobs/uploads", "/v2/{name}/blobs/uploads"),
        ("/blobs/", "/v2/{name}/blobs/{digest}"),
        ("/manifests/", "/v2/{name}/manifests/{reference}"),
        ("/tags/list", "/v2/{name}/tags/list"),
        ("/referrers/", "/v2/{name}/referrers/{digest}"),
        ("/_catalog", "/v2/_catalog"),
    ];
    match matched.map(MatchedPath::as_str) {
        Some(pattern) if pattern.starts_with("/v2/{*") => KINDS
            .iter()
            .find(|(part, _)| path.contains(part))
            .map_or("/v2/", |(_, label)| label),
        Some(pattern) => pattern,
        None => UNMATCHED,
    }
}

/// The client's id if it can do no harm in a log, else a new one.
fn request_id(given: Option<&HeaderValue>) -> HeaderValue {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    match given {
        Some(id)
            if !id.is_empty()
                && id.len() <= REQUEST_ID_CHARS_MAX
                && id.as_bytes().iter().all(plain) =>
        {
            id.clone()
        }
        // Letters, digits and hyphens, which every header may hold.
        _ => HeaderValue::from_str(&new_id()).unwrap_or(HeaderValue::from_static("none")),
    }
}

/// Takes the request out of the number under way, also when the client went away.
struct UnderWay<'a>(&'a AtomicI64);

impl<'a> UnderWay<'a> {
    fn begin(count: &'a AtomicI64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The layer around every route.
pub(crate) async fn observe(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers().get(&REQUEST_ID));
    request.headers_mut().insert(REQUEST_ID, id.clone());
    // HTTP/2 names the host in its address; forms compare it with where they came from.
    if !request.headers().contains_key(HOST)
        && let Some(host) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(host.as_str())
    {
        request.headers_mut().insert(HOST, host);
    }
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(address)| *address);
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    let begun = Instant::now();
    let _under_way = UnderWay::begin(&web.traffic.under_way);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (took, status) = (begun.elapsed(), response.status());
    let route = route(matched.as_ref(), uri.path());
    web.traffic.count(route, &method, status, took);
    span.in_scope(|| tell(&method, uri.path(), route, (status, took), peer));
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The access log: our own failures as warnings, the rest at `access=info`. Queries stay out: they hold what people
/// search for.
fn tell(
    method: &Method,
    path: &str,
    route: &str,
    (status, took): (StatusCode, Duration),
    peer: Option<SocketAddr>,
) {
    let status = status.as_u16();
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let peer = peer.map(tracing::field::display);
    if status >= 500 {
        tracing::warn!(target: "access", %method, path, route, status, micros, peer, "failed");
    } else {
        tracing::info!(target: "access", %method, path, route, status, micros, peer, "answered");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_clients_count_when_they_are_harmless() {
        let taken = HeaderValue::from_static("trace-01.a:b");
        assert_eq!(request_id(Some(&taken)), taken);
        for bad in ["", "a b", "\"}", &"x".repeat(65)] {
            let bad = HeaderValue::from_str(bad).unwrap();
            assert_ne!(request_id(Some(&bad)), bad);
        }
        assert_eq!(request_id(None).len(), 36);
    }

    #[test]
    fn counts_add_up() {
        let traffic = Traffic::default();
        let took = Duration::from_micros(1_500);
        traffic.count("/a", &Method::GET, StatusCode::OK, took);
        traffic.count("/a", &Method::GET, StatusCode::NOT_FOUND, took);
        traffic.count("/a", &Method::GET, StatusCode::OK, Duration::from_secs(60));
        let odd = Method::from_bytes(b"PURGE").unwrap();
        traffic.count("/b", &odd, StatusCode::METHOD_NOT_ALLOWED, took);
        let mut text = String::new();
        traffic.write(&mut text);
        for line in [
            "edgemart_http_requests_total{route=\"/a\",method=\"GET\",status=\"2xx\"} 2",
            "edgemart_http_requests_total{route=\"/a\",method=\"GET\",status=\"4xx\"} 1",
            "edgemart_http_requests_total{route=\"/b\",method=\"other\",status=\"4xx\"} 1",
            "edgemart_http_request_seconds_bucket{route=\"/a\",method=\"GET\",le=\"0.001\"} 0",
            "edgemart_http_request_seconds_bucket{route=\"/a\",method=\"GET\",le=\"0.0025\"} 2",
            "edgemart_http_request_seconds_bucket{route=\"/a\",method=\"GET\",le=\"+Inf\"} 3",
            "edgemart_http_request_seconds_count{route=\"/a\",method=\"GET\"} 3",
            "edgemart_http_request_seconds_sum{route=\"/a\",method=\"GET\"} 60.003",
        ] {
            assert!(text.lines().any(|each| each == line), "{line}\n{text}");
        }
    }
}
