//! Takes lines in: a TCP port that reads plain lines, or HTTP when a connection begins with a request.
//!
//! `POST` with any path takes the lines of the body and answers 204; `GET` answers 200 `ok`, for health checks.
//! Every connection has a thread; connections, lines, headers and bodies are bounded and idle ones are closed.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::context;

/// Connections served at once; more are closed at once.
const CONNECTIONS_MAX: usize = 64;
/// Longest line, and longest header line.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Longest body of a request.
const BODY_BYTES_MAX: u64 = 1024 * 1024;
/// Headers in one request.
const HEADERS_MAX: usize = 100;
/// A silent connection is closed after this.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// Pause after a failed accept, so that a lack of descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is done with each line; an error is told to an HTTP sender and logged.
pub type Handler = dyn Fn(&str) -> Result<(), String> + Send + Sync;

/// Opens the port and serves it from threads of its own; returns the address really bound.
pub fn listen(
    module: &'static str,
    address: &str,
    handler: Arc<Handler>,
) -> Result<String, String> {
    let listener = TcpListener::bind(address)
        .map_err(|e| format!("cannot listen on LISTEN={address}: {e}"))?;
    let bound = listener
        .local_addr()
        .map_err(|e| format!("cannot read the address of LISTEN={address}: {e}"))?;
    serve(
        module,
        listener,
        Arc::new(move |stream| talk(stream, &*handler)),
    )?;
    Ok(bound.to_string())
}

/// What is done with each connection.
type Talk = dyn Fn(TcpStream) -> Result<(), String> + Send + Sync;

/// Serves connections of an open port, each on a thread of its own.
pub fn serve(module: &'static str, listener: TcpListener, talk: Arc<Talk>) -> Result<(), String> {
    let open = Arc::new(AtomicUsize::new(0));
    let accept = move || loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(_) => {
                std::thread::sleep(ACCEPT_PAUSE);
                continue;
            }
        };
        if open.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS_MAX {
            open.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let (talk, counter) = (Arc::clone(&talk), Arc::clone(&open));
        let started = std::thread::Builder::new()
            .name("connection".to_owned())
            .spawn(move || {
                if let Err(reason) = talk(stream) {
                    context::log_line(module, "warning", &reason);
                }
                counter.fetch_sub(1, Ordering::AcqRel);
            });
        if started.is_err() {
            open.fetch_sub(1, Ordering::AcqRel);
        }
    };
    std::thread::Builder::new()
        .name("accept".to_owned())
        .spawn(accept)
        .map(|_| ())
        .map_err(|e| format!("cannot start the listening thread: {e}"))
}

fn talk(stream: TcpStream, handler: &Handler) -> Result<(), String> {
    stream
        .set_read_timeout(Some(IDLE_MAX))
        .map_err(|e| e.to_string())?;
    stream
        .set_write_timeout(Some(IDLE_MAX))
        .map_err(|e| e.to_string())?;
    let mut reader = BufReader::new(stream);
    loop {
        let Some(line) = read_line(&mut reader)? else {
            return Ok(());
        };
        if is_request(&line) {
            return answer(&line, reader, handler);
        }
        if !line.trim().is_empty() {
            handler(line.trim())?;
        }
    }
}

fn is_request(line: &str) -> bool {
    line.trim_end().ends_with(" HTTP/1.1") || line.trim_end().ends_with(" HTTP/1.0")
}

/// One line without its end; None at the end of the stream or after a long silence.
fn read_line(reader: &mut BufReader<TcpStream>) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    match reader
        .by_ref()
        .take(LINE_BYTES_MAX + 1)
        .read_until(b'\n', &mut bytes)
    {
        Ok(0) => Ok(None),
        Ok(_) if bytes.len() as u64 > LINE_BYTES_MAX => {
            Err(format!("a line is longer than {LINE_BYTES_MAX} bytes"))
        }
        Ok(_) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| "a line is not UTF-8 text".to_owned()),
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionReset
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(format!("reading a line failed: {e}")),
    }
}

fn answer(
    request: &str,
    mut reader: BufReader<TcpStream>,
    handler: &Handler,
) -> Result<(), String> {
    let length = read_headers(&mut reader)?;
    let (status, text) = match (request.split(' ').next(), length) {
        (Some("GET" | "HEAD"), _) => ("200 OK", "ok\n".to_owned()),
        (Some("POST"), None) => ("411 Length Required", "send Content-Length\n".to_owned()),
        (Some("POST"), Some(length)) if length > BODY_BYTES_MAX => (
            "413 Content Too Large",
            format!("a body has at most {BODY_BYTES_MAX} bytes\n"),
        ),
        (Some("POST"), Some(length)) => {
            let mut body = String::new();
            reader
                .by_ref()
                .take(length)
                .read_to_string(&mut body)
                .map_err(|e| format!("reading a body failed: {e}"))?;
            match body
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .try_for_each(handler)
            {
                Ok(()) => ("204 No Content", String::new()),
                Err(reason) => ("422 Unprocessable Content", format!("{reason}\n")),
            }
        }
        _ => (
            "405 Method Not Allowed",
            "POST lines, or GET for health\n".to_owned(),
        ),
    };
    let body = if request.starts_with("HEAD ") {
        ""
    } else {
        text.as_str()
    };
    let length = if status.starts_with("204") {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", text.len())
    };
    let reply = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n{length}Connection: close\r\n\r\n{body}"
    );
    reader
        .into_inner()
        .write_all(reply.as_bytes())
        .map_err(|e| format!("answering failed: {e}"))
}

/// Reads to the empty line; the value of Content-Length when there is one.
fn read_headers(reader: &mut BufReader<TcpStream>) -> Result<Option<u64>, String> {
    let mut length = None;
    for _ in 0..HEADERS_MAX {
        let line = read_line(reader)?.ok_or("a request ended within its headers")?;
        if line.trim_end().is_empty() {
            return Ok(length);
        }
        if let Some((name, value)) = line.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(
                    value
                        .trim()
                        .parse()
                        .map_err(|_| "Content-Length is not a number")?,
                );
            }
        }
    }
    Err(format!("a request has more than {HEADERS_MAX} headers"))
}
