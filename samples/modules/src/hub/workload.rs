//! The workload API of the device: the trust bundle, and signatures with the module's key, which stays there.
//!
//! One request a connection over HTTP/1.1; answers are bounded. Left out: certificates, encryption, chunked answers
//! (the device sends none).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::environment::{Environment, Workload};
use super::text::{base64, percent};
use crate::json::{self, Value};

/// Longest wait for each read and write.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer; a trust bundle has a few kilobytes.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// The certificates to trust, as PEM.
pub fn trust_bundle(environment: &Environment) -> Result<String, String> {
    let path = format!("/trust-bundle?api-version={}", environment.api_version);
    text(&call(environment, "GET", &path, "")?, "certificate")
}

/// A token for the hub that ends at `expires`, in seconds since 1970.
pub fn token(environment: &Environment, expires: u64) -> Result<String, String> {
    let audience = percent(&environment.audience());
    let path = format!(
        "/modules/{}/genid/{}/sign?api-version={}",
        percent(&environment.module),
        percent(&environment.generation),
        environment.api_version,
    );
    let body = format!(
        r#"{{"keyId":"primary","algo":"HMACSHA256","data":"{}"}}"#,
        base64(format!("{audience}\n{expires}").as_bytes()),
    );
    let digest = text(&call(environment, "POST", &path, &body)?, "digest")?;
    Ok(format!(
        "SharedAccessSignature sr={audience}&sig={}&se={expires}",
        percent(&digest)
    ))
}

fn text(answer: &Value, name: &str) -> Result<String, String> {
    match answer.member(name) {
        Some(Value::Text(text)) => Ok(text.clone()),
        _ => Err(format!("the workload API answered without {name:?}")),
    }
}

fn call(environment: &Environment, method: &str, path: &str, body: &str) -> Result<Value, String> {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: workload\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len(),
    );
    let wrong = |e: std::io::Error| format!("the workload API at {:?}: {e}", environment.workload);
    let answer = match &environment.workload {
        Workload::Unix(path) => {
            let stream = UnixStream::connect(path).map_err(wrong)?;
            stream.set_read_timeout(Some(TIMEOUT)).map_err(wrong)?;
            stream.set_write_timeout(Some(TIMEOUT)).map_err(wrong)?;
            exchange(stream, &request).map_err(wrong)?
        }
        Workload::Tcp(place) => {
            let stream = TcpStream::connect(place).map_err(wrong)?;
            stream.set_read_timeout(Some(TIMEOUT)).map_err(wrong)?;
            stream.set_write_timeout(Some(TIMEOUT)).map_err(wrong)?;
            exchange(stream, &request).map_err(wrong)?
        }
    };
    read(&answer).map_err(|why| format!("the workload API to {method} {path}: {why}"))
}

fn exchange(mut stream: impl Read + Write, request: &str) -> std::io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // The end of an answer is its length, whether the other side closes or not.
    let mut piece = [0_u8; 4096];
    while (answer.len() as u64) < ANSWER_BYTES_MAX && !is_whole(&answer) {
        match stream.read(&mut piece)? {
            0 => break,
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
    Ok(answer)
}

fn is_whole(answer: &[u8]) -> bool {
    match parts(answer) {
        Some((head, body)) => length(head).is_some_and(|length| body.len() >= length),
        None => false,
    }
}

/// Head and body, once the empty line between them is there.
fn parts(answer: &[u8]) -> Option<(&str, &[u8])> {
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&answer[..at]).ok()?, &answer[at + 4..]))
}

fn length(head: &str) -> Option<usize> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
}

fn read(answer: &[u8]) -> Result<Value, String> {
    let (head, body) = parts(answer).ok_or("it did not answer in HTTP")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    let body = match length(head) {
        Some(length) => body.get(..length).ok_or("its answer broke off")?,
        None => body,
    };
    let text = String::from_utf8_lossy(body);
    if !status.starts_with('2') {
        return Err(format!("{status} {text}"));
    }
    json::parse(&text)
}

#[cfg(test)]
mod tests {
    use super::{is_whole, read, text};

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 16\r\n\r\n{\"digest\":\"ab=\"}";

    #[test]
    fn answers_are_read_to_their_length() {
        assert_eq!(text(&read(ANSWER).unwrap(), "digest").as_deref(), Ok("ab="));
        assert!(is_whole(ANSWER) && !is_whole(&ANSWER[..ANSWER.len() - 1]));
        assert!(read(&ANSWER[..ANSWER.len() - 1])
            .unwrap_err()
            .contains("broke off"));
        assert!(text(&read(ANSWER).unwrap(), "certificate").is_err());
    }

    #[test]
    fn refusals_say_why() {
        let refused =
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 23\r\n\r\n{\"message\":\"forbidden\"}";
        assert_eq!(
            read(refused),
            Err("403 {\"message\":\"forbidden\"}".to_owned())
        );
        assert!(read(b"\x16\x03\x01").is_err());
    }
}
