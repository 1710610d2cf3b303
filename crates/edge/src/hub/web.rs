//! Port 443: WebSockets that carry MQTT, and methods that modules call on each other by HTTPS.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::drive;
use super::transport::Transport;
use super::{Hub, invoke};
use crate::log::Event;
use crate::mqtt::PACKET_BYTES_MAX;

/// Seconds for the head of a request.
const HEAD_SECONDS_MAX: u64 = 30;

/// Bytes that a WebSocket reads at once; the library's own 128 KiB would be held by each silent connection.
const READ_BYTES: usize = 16 * 1024;

/// What a connection on port 443 lives by.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) hub: Arc<Hub>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    /// Its place among those served at once. A WebSocket outlives the HTTP connection it came on, and keeps it.
    pub(super) place: Arc<OwnedSemaphorePermit>,
}

/// Serves one TLS connection on port 443.
pub(super) async fn serve(stream: TlsStream<TcpStream>, serving: Serving) {
    let ending = serving.stop.clone();
    let service = service_fn(move |request| {
        let serving = serving.clone();
        async move { Ok::<_, Infallible>(respond(request, serving).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_SECONDS_MAX))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        () = ending.cancelled() => {}
        served = connection => if let Err(problem) = served {
            tracing::debug!(%problem, "a connection on the HTTPS port ended badly");
        },
    }
}

async fn respond(request: Request<Incoming>, serving: Serving) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if matches!(path, "/$iothub/websocket" | "/%24iothub/websocket") {
        return websocket(request, serving);
    }
    if *request.method() == Method::POST
        && let Some((device, module)) = invoke::target(path)
    {
        return invoke::invoke(&serving.hub, &device, &module, request).await;
    }
    plain(
        StatusCode::NOT_FOUND,
        "an edge hub serves /$iothub/websocket and POST /twins/{device}/modules/{module}/methods here",
    )
}

/// Answers 101 and hands the connection over to MQTT.
fn websocket(request: Request<Incoming>, serving: Serving) -> Response<Full<Bytes>> {
    let headers = request.headers();
    let upgrade = names(headers, header::UPGRADE, "websocket");
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    let (true, Some(key)) = (upgrade, key) else {
        return plain(
            StatusCode::BAD_REQUEST,
            "this is a WebSocket; ask for an upgrade to it",
        );
    };
    let accept = derive_accept_key(key.as_bytes());
    if !names(headers, header::SEC_WEBSOCKET_PROTOCOL, "mqtt") {
        if names(headers, header::SEC_WEBSOCKET_PROTOCOL, "AMQPWSB10") {
            let asked = "websocket".to_owned();
            serving
                .hub
                .log()
                .record(None, Event::AmqpAttempted { asked });
        }
        return plain(
            StatusCode::BAD_REQUEST,
            "the subprotocol spoken here is mqtt",
        );
    }
    let Ok(accept) = HeaderValue::from_str(&accept) else {
        return plain(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is no key");
    };
    let tasks = serving.tasks.clone();
    tasks.spawn(speak_mqtt(request, serving));
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static("mqtt"),
    );
    response
}

/// Speaks MQTT once the other side has the answer.
async fn speak_mqtt(request: Request<Incoming>, serving: Serving) {
    let Serving {
        hub, stop, place, ..
    } = serving;
    let upgraded = tokio::select! {
        () = stop.cancelled() => return,
        upgraded = hyper::upgrade::on(request) => upgraded,
    };
    match upgraded {
        Ok(upgraded) => {
            let limits = WebSocketConfig::default()
                .read_buffer_size(READ_BYTES)
                .max_message_size(Some(PACKET_BYTES_MAX))
                .max_frame_size(Some(PACKET_BYTES_MAX));
            let stream = WebSocketStream::from_raw_socket(
                TokioIo::new(upgraded),
                Role::Server,
                Some(limits),
            )
            .await;
            drive(hub, Transport::Web(Box::new(stream)), stop).await;
        }
        Err(problem) => tracing::debug!(%problem, "a WebSocket upgrade came to nothing"),
    }
    drop(place);
}

/// Whether a comma-separated header names a token, in any case.
fn names(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name);
    values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            let mut tokens = value.split(',').map(str::trim);
            tokens.any(|found| found.eq_ignore_ascii_case(token))
        })
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
