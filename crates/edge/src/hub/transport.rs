//! The two ways an MQTT connection comes: TLS alone, or WebSocket inside TLS.

use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Bytes asked for at once.
const READ_BYTES: usize = 16 * 1024;

/// A connection's bytes.
pub(super) enum Transport {
    Tls(Box<TlsStream<TcpStream>>),
    Web(Box<WebSocketStream<TokioIo<Upgraded>>>),
    /// Without TLS, and as narrow as a test wants it.
    #[cfg(test)]
    Plain(tokio::io::DuplexStream),
}

impl Transport {
    /// As the event log calls it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Tls(_) => "mqtt",
            Self::Web(_) => "websocket",
            #[cfg(test)]
            Self::Plain(_) => "plain",
        }
    }

    /// Appends what comes next; 0 when the other side ended. Nothing is lost when the future is dropped.
    pub(super) async fn read(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        match self {
            Self::Tls(stream) => {
                buffer.reserve(READ_BYTES);
                stream.read_buf(buffer).await
            }
            #[cfg(test)]
            Self::Plain(stream) => stream.read_buf(buffer).await,
            Self::Web(stream) => loop {
                match stream.next().await {
                    // MQTT packets may be cut or joined by frames as they like [MQTT-6.0.0-2].
                    Some(Ok(Message::Binary(bytes))) if !bytes.is_empty() => {
                        buffer.extend_from_slice(&bytes);
                        return Ok(bytes.len());
                    }
                    Some(Ok(Message::Text(_))) => {
                        let what = "a text frame; MQTT travels in binary frames [MQTT-6.0.0-1]";
                        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                    }
                    Some(Ok(Message::Close(_))) | None => return Ok(0),
                    Some(Ok(_)) => {}
                    Some(Err(problem)) => return Err(io::Error::other(problem)),
                }
            },
        }
    }

    /// Sends everything in `buffer` and empties it.
    pub(super) async fn write(&mut self, buffer: &mut BytesMut) -> io::Result<()> {
        match self {
            Self::Tls(stream) => {
                stream.write_all(buffer).await?;
                buffer.clear();
                stream.flush().await
            }
            #[cfg(test)]
            Self::Plain(stream) => {
                stream.write_all(buffer).await?;
                buffer.clear();
                Ok(())
            }
            Self::Web(stream) => {
                let frame: Bytes = buffer.split().freeze();
                stream
                    .send(Message::Binary(frame))
                    .await
                    .map_err(io::Error::other)
            }
        }
    }

    /// Says goodbye, if the other side still listens.
    pub(super) async fn close(&mut self) {
        let ended = match self {
            Self::Tls(stream) => stream.shutdown().await,
            #[cfg(test)]
            Self::Plain(stream) => stream.shutdown().await,
            Self::Web(stream) => stream.close().await.map_err(io::Error::other),
        };
        if let Err(problem) = ended {
            tracing::debug!(%problem, "a hub connection did not end cleanly");
        }
    }
}
