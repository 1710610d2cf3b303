//! One MQTT connection, from its first byte to its last: CONNECT in time, packets both ways, keep alive, limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::receive::BATCH_BYTES_MAX;
use super::transport::Transport;
use super::{Closing, Connection, Hub};
use crate::log::Event;
use crate::mqtt::{Connect, ConnectCode, MqttError, PACKET_BYTES_MAX, Packet, decode, encode};

/// Seconds that may pass before CONNECT.
pub const CONNECT_SECONDS_MAX: u64 = 60;
/// Longest keep alive in seconds; a longer one, or none, counts as this.
pub const KEEP_ALIVE_SECONDS_MAX: u16 = 600;
/// Seconds after which a connection ends whatever its token says; nobody waits that long.
const CONNECTION_SECONDS_MAX: u64 = 365 * 24 * 3_600;
/// Bytes of a CONNECT; a token and names fit many times.
const CONNECT_BYTES_MAX: usize = 16 * 1024;
/// Seconds that a module may take to accept what is written.
const WRITE_SECONDS_MAX: u64 = 30;
/// Seconds for saying goodbye.
const CLOSE_SECONDS_MAX: u64 = 2;

/// Drives a connection until it ends or `stop` is called; an end by `stop` is abrupt, as an outage is.
pub(super) async fn drive(hub: Arc<Hub>, mut transport: Transport, stop: CancellationToken) {
    let mut inbox = BytesMut::new();
    let opened = tokio::select! {
        () = stop.cancelled() => return,
        opened = open(&hub, &mut transport, &mut inbox) => opened,
    };
    if let Some((connection, connect)) = opened {
        let ended = tokio::select! {
            () = stop.cancelled() => Err("the hub stopped".to_owned()),
            ended = exchange(&hub, &mut transport, &mut inbox, &connection, &connect) => ended,
        };
        let (clean, reason) = match ended {
            Ok(()) => (true, Closing::Clean.to_string()),
            Err(reason) => (false, reason),
        };
        hub.disconnected(&connection, clean, &reason);
        if stop.is_cancelled() {
            return;
        }
    }
    let patience = Duration::from_secs(CLOSE_SECONDS_MAX);
    if timeout(patience, transport.close()).await.is_err() {
        tracing::debug!("a hub connection did not let itself be closed");
    }
}

/// Waits for CONNECT and answers it if it is refused. One that is admitted is answered by [`exchange`],
/// whose end is noted however it ends: a stop while the answer is written must not leave a module connected.
async fn open(
    hub: &Hub,
    transport: &mut Transport,
    inbox: &mut BytesMut,
) -> Option<(Connection, Connect)> {
    let patience = Duration::from_secs(CONNECT_SECONDS_MAX);
    let first = timeout(patience, first_packet(transport, inbox)).await;
    let refuse = |code: ConnectCode, reason: String| {
        hub.log().record(
            None,
            Event::ConnectRefused {
                code: code.number(),
                reason,
            },
        );
    };
    let code = match first {
        Err(_) => {
            let reason = format!("no CONNECT within {CONNECT_SECONDS_MAX} s");
            refuse(ConnectCode::ServerUnavailable, reason);
            return None;
        }
        Ok(Err(FirstError::Level(problem))) => {
            refuse(ConnectCode::UnacceptableProtocol, problem.to_string());
            ConnectCode::UnacceptableProtocol
        }
        Ok(Err(FirstError::Other(reason))) => {
            hub.log().record(None, Event::ProtocolError { reason });
            return None;
        }
        Ok(Ok(connect)) => match hub.connect(&connect, transport.name()) {
            Ok(connection) => return Some((connection, connect)),
            Err(refused) => {
                refuse(refused.code, refused.reason);
                refused.code
            }
        },
    };
    let mut out = BytesMut::new();
    let session_present = false;
    encode(
        &Packet::ConnAck {
            session_present,
            code,
        },
        &mut out,
    );
    if let Err(reason) = write(transport, &mut out).await {
        tracing::debug!(reason, "a refusal does not reach its module");
    }
    None
}

enum FirstError {
    /// Another MQTT; the standard wants it answered.
    Level(MqttError),
    Other(String),
}

async fn first_packet(
    transport: &mut Transport,
    inbox: &mut BytesMut,
) -> Result<Connect, FirstError> {
    loop {
        match decode(inbox, CONNECT_BYTES_MAX) {
            Ok(Some(Packet::Connect(connect))) => return Ok(*connect),
            Ok(Some(other)) => {
                let what = format!("{} before CONNECT [MQTT-3.1.0-1]", other.name());
                return Err(FirstError::Other(what));
            }
            Ok(None) => {}
            Err(problem @ MqttError::ProtocolLevel(_)) => return Err(FirstError::Level(problem)),
            Err(problem) => return Err(FirstError::Other(problem.to_string())),
        }
        match transport.read(inbox).await {
            Ok(0) => return Err(FirstError::Other("connection closed before CONNECT".into())),
            Ok(_) => {}
            Err(problem) => {
                return Err(FirstError::Other(format!(
                    "connection lost before CONNECT: {problem}"
                )));
            }
        }
    }
}

/// Packets both ways; `Ok` after DISCONNECT, otherwise why it ended.
async fn exchange(
    hub: &Hub,
    transport: &mut Transport,
    inbox: &mut BytesMut,
    connection: &Connection,
    connect: &Connect,
) -> Result<(), String> {
    let silence = silence_max(connect.keep_alive_seconds);
    let mut deadline = Instant::now() + silence;
    let longest = Duration::from_secs(CONNECTION_SECONDS_MAX);
    let token_ends = Instant::now() + connection.token_left.min(longest);
    let mut out = BytesMut::new();
    encode(
        &Packet::ConnAck {
            session_present: connection.session_present,
            code: ConnectCode::Accepted,
        },
        &mut out,
    );
    write(transport, &mut out).await?;
    loop {
        match take(hub, inbox, connection, &mut out) {
            Ok(()) => {}
            Err(Closing::Clean) => return Ok(()),
            Err(closing) => {
                if let Closing::Protocol(reason) = &closing {
                    let reason = reason.clone();
                    hub.log()
                        .record(Some(connection.module()), Event::ProtocolError { reason });
                }
                return Err(closing.to_string());
            }
        }
        hub.drain(connection, &mut out)
            .map_err(|closing| closing.to_string())?;
        if !out.is_empty() {
            write(transport, &mut out).await?;
            continue;
        }
        tokio::select! {
            // In this order: what is there already was said in time, even if nobody looked before the deadline.
            biased;
            read = transport.read(inbox) => match read {
                Ok(0) => return Err("closed without DISCONNECT".into()),
                Ok(_) => deadline = Instant::now() + silence,
                Err(problem) => return Err(format!("connection lost: {problem}")),
            },
            () = connection.wake.notified() => {}
            () = sleep_until(token_ends) => {
                return Err("its token ended; a module renews it before, by connecting again".into());
            }
            () = sleep_until(deadline) => {
                return Err(format!("silent for {} s, one and a half keep alives", silence.as_secs_f32()));
            }
        }
    }
}

/// Takes whole packets, each with its answers, until there are no more or enough is to be written.
fn take(
    hub: &Hub,
    inbox: &mut BytesMut,
    connection: &Connection,
    out: &mut BytesMut,
) -> Result<(), Closing> {
    while out.len() < BATCH_BYTES_MAX {
        match decode(inbox, PACKET_BYTES_MAX) {
            Ok(Some(packet)) => hub.receive(connection, packet, out)?,
            Ok(None) => return Ok(()),
            Err(problem) => return Err(Closing::Protocol(problem.to_string())),
        }
        // At once: a small request can have a large answer, and many of them must not pile up.
        hub.drain(connection, out)?;
    }
    Ok(())
}

async fn write(transport: &mut Transport, out: &mut BytesMut) -> Result<(), String> {
    let patience = Duration::from_secs(WRITE_SECONDS_MAX);
    match timeout(patience, transport.write(out)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(problem)) => Err(format!("connection lost: {problem}")),
        Err(_) => Err(format!("the module took nothing for {WRITE_SECONDS_MAX} s")),
    }
}

/// One and a half keep alives (§3.1.2.10).
fn silence_max(keep_alive_seconds: u16) -> Duration {
    let seconds = match keep_alive_seconds {
        0 => KEEP_ALIVE_SECONDS_MAX,
        some => some.min(KEEP_ALIVE_SECONDS_MAX),
    };
    Duration::from_millis(u64::from(seconds) * 1_500)
}

#[cfg(test)]
mod tests;
