//! Notices which names a module asks for. In its network there is nobody to reach, so the answer is always that the
//! name does not exist (RFC 1035 §4.1.1, code 3); the question is the evidence.

use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use crate::log::{Event, EventLog, excerpt};

/// Where resolvers ask.
pub(crate) const PORT: u16 = 53;
/// Bytes of a question that is read; DNS over UDP has no longer ones without extensions.
const QUESTION_BYTES_MAX: usize = 512;
/// Header of a message (RFC 1035 §4.1.1).
const HEADER_BYTES: usize = 12;

/// Answers until `stop` is called.
pub(crate) async fn serve(socket: UdpSocket, log: EventLog, stop: CancellationToken) {
    let socket = Arc::new(socket);
    let mut buffer = [0; QUESTION_BYTES_MAX];
    loop {
        let received = tokio::select! {
            () = stop.cancelled() => return,
            received = socket.recv_from(&mut buffer) => received,
        };
        let Ok((length, asker)) = received else {
            tokio::task::yield_now().await;
            continue;
        };
        let Some((name, answer)) = refuse(&buffer[..length]) else {
            continue;
        };
        log.record(
            None,
            Event::NameAsked {
                name: excerpt(&name),
            },
        );
        if let Err(problem) = socket.send_to(&answer, asker).await {
            tracing::debug!(%problem, "a question for a name is not answered");
        }
    }
}

/// The name that is asked for, and the answer that there is none; `None` for what is no question.
fn refuse(question: &[u8]) -> Option<(String, Vec<u8>)> {
    let is_question = question.get(2)? & 0x80 == 0;
    let asked = u16::from_be_bytes([*question.get(4)?, *question.get(5)?]);
    if !is_question || asked != 1 {
        return None;
    }
    let mut labels: Vec<String> = Vec::new();
    let mut at = HEADER_BYTES;
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        match length {
            0 => break,
            1..=63 => {
                let label = question.get(at..at + length)?;
                labels.push(String::from_utf8_lossy(label).into_owned());
                at += length;
            }
            // Compression has nothing to point at in a question.
            _ => return None,
        }
    }
    // Type and class belong to the question.
    let mut answer = question.get(..at + 4)?.to_vec();
    answer[2] = 0x80 | (answer[2] & 0x79);
    answer[3] = 0x83;
    // Whatever else the question carried is not repeated.
    answer[6..HEADER_BYTES].fill(0);
    Some((labels.join("."), answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str) -> Vec<u8> {
        let mut bytes = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        for label in name.split('.') {
            bytes.push(u8::try_from(label.len()).expect("short"));
            bytes.extend(label.as_bytes());
        }
        bytes.extend([0, 0, 1, 0, 1]);
        // An additional record of EDNS, which is not repeated.
        bytes.extend([0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn every_name_does_not_exist() {
        let (name, answer) = refuse(&question("stats.contoso.example")).expect("a question");
        assert_eq!(name, "stats.contoso.example");
        assert_eq!(answer[..6], [7, 9, 0x81, 0x83, 0, 1]);
        assert_eq!(answer[6..12], [0; 6]);
        assert!(answer.ends_with(&[0, 0, 1, 0, 1]));
    }

    #[test]
    fn garbage_is_not_answered() {
        let good = question("a.b");
        for length in 0..good.len() - 11 {
            assert!(refuse(&good[..length]).is_none(), "{length}");
        }
        let mut pointer = good.clone();
        pointer[12] = 0xc0;
        assert!(refuse(&pointer).is_none());
        let mut answer = good;
        answer[2] |= 0x80;
        assert!(refuse(&answer).is_none());
    }
}
