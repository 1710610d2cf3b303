//! One request to the engine: a connection of its own, a bounded answer, a limit of time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::UnixStream;

use super::{API, Engine, EngineError, LIBPOD_API};

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Seconds for an ordinary answer.
const SECONDS_MAX: u64 = 60;
/// Seconds for loading or pulling an image.
pub(super) const IMAGE_SECONDS_MAX: u64 = 600;
/// Bytes of an archive sent at once.
const CHUNK_BYTES: usize = 128 * 1024;

pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// What is asked, for the engine and for whoever reads of its failure.
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    /// Completes "could not …".
    pub(super) what: &'a str,
    pub(super) seconds_max: u64,
}

impl<'a> Asked<'a> {
    pub(super) fn new(method: Method, path: &'a str, what: &'a str) -> Self {
        Self {
            method,
            path,
            what,
            seconds_max: SECONDS_MAX,
        }
    }
}

impl Engine {
    pub(super) async fn get(&self, path: &str, what: &str) -> Result<Value, EngineError> {
        let answer = self.ask(Asked::new(Method::GET, path, what), nothing());
        json(&answer.await?, what)
    }

    /// A call with a JSON body, or none; `Null` when the engine has nothing to say.
    pub(super) async fn post(
        &self,
        path: &str,
        body: Option<&Value>,
        what: &str,
    ) -> Result<Value, EngineError> {
        let body = body.map_or_else(nothing, |value| full(value.to_string()));
        let answer = self.ask(Asked::new(Method::POST, path, what), body).await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        json(&answer, what)
    }

    /// Removes something; that it is gone already is as good.
    pub(super) async fn delete(&self, path: &str, what: &str) -> Result<(), EngineError> {
        let answer = self.ask(Asked::new(Method::DELETE, path, what), nothing());
        match answer.await {
            Ok(_) | Err(EngineError::Refused { status: 404, .. }) => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    /// A call whose answer is bytes.
    pub(super) async fn ask(&self, asked: Asked<'_>, body: Body) -> Result<Bytes, EngineError> {
        let patience = Duration::from_secs(asked.seconds_max);
        let (what, seconds) = (asked.what.to_owned(), asked.seconds_max);
        match tokio::time::timeout(patience, self.exchange(asked, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(EngineError::Broken {
                what,
                problem: format!("no answer within {seconds} s"),
            }),
        }
    }

    async fn exchange(&self, asked: Asked<'_>, body: Body) -> Result<Bytes, EngineError> {
        let what = asked.what;
        let (status, body) = self.send(&asked, body).await?;
        let body = read(body).await.map_err(|problem| broken(what, problem))?;
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(body);
        }
        Err(said_no(what, status, &body))
    }

    /// A call whose answer comes bit by bit, for as long as the engine has something to say.
    pub(super) async fn stream(
        &self,
        asked: Asked<'_>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), EngineError> {
        let what = asked.what;
        let (status, mut body) = self.send(&asked, nothing()).await?;
        if !status.is_success() {
            let body = read(body).await.map_err(|problem| broken(what, problem))?;
            return Err(said_no(what, status, &body));
        }
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|problem| broken(what, problem))?;
            if let Some(bytes) = frame.data_ref() {
                take(bytes);
            }
        }
        Ok(())
    }

    async fn send(
        &self,
        asked: &Asked<'_>,
        body: Body,
    ) -> Result<(StatusCode, Incoming), EngineError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|problem| {
            EngineError::Unreachable {
                socket: self.socket.clone(),
                problem: problem.to_string(),
            }
        })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|problem| broken(asked.what, problem))?;
        // The end of the answer, or nobody reading it any more, ends the connection, and with it this task.
        tokio::spawn(async move {
            if let Err(problem) = connection.await {
                tracing::debug!(%problem, "the connection to the container engine ended");
            }
        });
        let request = Request::builder()
            .method(asked.method.clone())
            .uri(format!("{}{}", version(asked.path), asked.path))
            .header(http::header::HOST, "engine")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|problem| broken(asked.what, problem))?;
        let answer = sender.send_request(request).await;
        let (head, body) = answer
            .map_err(|problem| broken(asked.what, problem))?
            .into_parts();
        Ok((head.status, body))
    }
}

fn broken(what: &str, problem: impl ToString) -> EngineError {
    EngineError::Broken {
        what: what.to_owned(),
        problem: problem.to_string(),
    }
}

fn said_no(what: &str, status: StatusCode, body: &Bytes) -> EngineError {
    EngineError::Refused {
        what: what.to_owned(),
        status: status.as_u16(),
        message: message(body),
    }
}

fn version(path: &str) -> &'static str {
    if path.starts_with("/libpod/") {
        LIBPOD_API
    } else {
        API
    }
}

async fn read(body: Incoming) -> Result<Bytes, String> {
    let read = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    read.map(http_body_util::Collected::to_bytes)
        .map_err(|problem| problem.to_string())
}

/// The engine's own words, from `{"message": …}` or podman's `{"cause": …}`.
fn message(body: &Bytes) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = value["message"].as_str().map(str::to_owned);
    let text = text.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    crate::log::excerpt(text.trim())
}

pub(super) fn json(body: &Bytes, what: &str) -> Result<Value, EngineError> {
    serde_json::from_slice(body).map_err(|problem| EngineError::Shape {
        what: what.to_owned(),
        problem: problem.to_string(),
    })
}

pub(super) fn nothing() -> Body {
    full(String::new())
}

fn full(text: String) -> Body {
    Full::new(Bytes::from(text))
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Bytes as they are read.
pub(super) fn bytes_of(source: impl AsyncRead + Send + Unpin + 'static) -> Body {
    let chunks = stream::try_unfold(source, |mut source| async move {
        let mut chunk = vec![0; CHUNK_BYTES];
        let length = source.read(&mut chunk).await?;
        chunk.truncate(length);
        Ok((length > 0).then(|| (Frame::data(Bytes::from(chunk)), source)))
    });
    StreamBody::new(chunks).boxed_unsync()
}
