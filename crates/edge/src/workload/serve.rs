//! Serves a module's workload API on its socket, until told to stop.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::operation::{Refusal, parse, version};
use super::{BODY_BYTES_MAX, Credentials, answer};
use crate::log::{Event, EventLog, excerpt};

/// Connections served at once; a further one is dropped without an answer, as edgelet does.
pub const CONNECTIONS_MAX: usize = 10;
/// Seconds a client may take to send the head of a request, or its body.
const REQUEST_SECONDS_MAX: u64 = 30;

/// Between a failed accept and the next.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Serves until `stop`; then open connections end as well.
pub async fn serve(
    listener: UnixListener,
    credentials: Arc<Credentials>,
    log: EventLog,
    stop: CancellationToken,
) {
    let tasks = TaskTracker::new();
    accept(&listener, &credentials, &log, &stop, &tasks).await;
    tasks.close();
    tasks.wait().await;
}

async fn accept(
    listener: &UnixListener,
    credentials: &Arc<Credentials>,
    log: &EventLog,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(problem) => {
                    tracing::warn!(%problem, "cannot accept on a workload socket");
                    // Out of descriptors, mostly: the next try at once would fail as well, and spin.
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(ACCEPT_REST) => continue,
                    }
                }
            },
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            log.record(Some(&credentials.module), Event::WorkloadCrowded);
            continue;
        };
        let (credentials, log, stop) = (Arc::clone(credentials), log.clone(), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection(stream, credentials, log) => {}
            }
            drop(place);
        });
    }
}

async fn connection(stream: UnixStream, credentials: Arc<Credentials>, log: EventLog) {
    let service = service_fn(move |request| {
        let (credentials, log) = (Arc::clone(&credentials), log.clone());
        async move { Ok::<_, Infallible>(respond(request, &credentials, &log).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(REQUEST_SECONDS_MAX))
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(problem) = served {
        tracing::debug!(%problem, "a workload connection ended badly");
    }
}

async fn respond(
    request: Request<Incoming>,
    credentials: &Credentials,
    log: &EventLog,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let operation = parse(&head.method, head.uri.path(), head.uri.query());
    let name = operation.as_ref().map_or_else(
        |_| excerpt(head.uri.path()),
        |operation| operation.name().to_owned(),
    );
    let patience = Duration::from_secs(REQUEST_SECONDS_MAX);
    let body = tokio::time::timeout(patience, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    let (status, value) = match body {
        Ok(Ok(body)) => answer::answer(operation, &body.to_bytes(), credentials),
        Ok(Err(_)) => refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is not read to its end, or has more than {BODY_BYTES_MAX} bytes"),
            credentials,
        ),
        Err(_) => refused(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not arrive within {REQUEST_SECONDS_MAX} s"),
            credentials,
        ),
    };
    log.record(
        Some(&credentials.module),
        Event::Workload {
            operation: name,
            status: status.as_u16(),
            api_version: version(head.uri.query()),
        },
    );
    let mut response = Response::new(Full::from(value.to_string()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn refused(
    status: StatusCode,
    message: String,
    credentials: &Credentials,
) -> (StatusCode, serde_json::Value) {
    answer::answer(Err(Refusal::new(status, message)), &[], credentials)
}
