//! Posts lines over plain HTTP from a bounded buffer, so that a slow or absent receiver never stops a module.
//!
//! Lines go out in order, up to a batch at a time, as `application/x-ndjson`. A batch is repeated until the receiver
//! answers 2xx; when the buffer is full the oldest line is dropped and counted. Left out: TLS, redirects, proxies.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::context;
use crate::dial::NumberDial;

/// Lines in one request.
const BATCH_LINES_MAX: usize = 100;
/// Longest wait for a connection, and for each read and write on it.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes read of an answer; only its first line matters.
const ANSWER_BYTES_MAX: usize = 4096;

/// An address `http://host[:port]/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    authority: String,
    host_and_port: String,
    path: String,
}

impl Address {
    /// Reads an address; the error says what is wanted.
    pub fn parse(url: &str) -> Result<Address, String> {
        let wrong = |why: &str| {
            format!("POST_URL is {url:?}: {why}; give an address like http://192.0.2.10:8080/path")
        };
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| wrong("only plain http:// is supported"))?;
        if url
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control())
        {
            return Err(wrong("it holds a blank or a control character"));
        }
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) if rest[at..].starts_with('/') => (&rest[..at], rest[at..].to_owned()),
            Some(at) => (&rest[..at], format!("/{}", &rest[at..])),
            None => (rest, "/".to_owned()),
        };
        if authority.is_empty() || authority.contains('@') {
            return Err(wrong("it needs a host and may not hold a user name"));
        }
        let after_host = authority.rsplit(']').next().unwrap_or_default();
        let host_and_port = match after_host.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok_and(|port| port > 0) => {
                authority.to_owned()
            }
            Some(_) => return Err(wrong("its port is not a number from 1 to 65535")),
            None => format!("{authority}:80"),
        };
        Ok(Address {
            authority: authority.to_owned(),
            host_and_port,
            path,
        })
    }
}

/// A buffer of lines and the thread that posts them.
pub struct Poster {
    module: &'static str,
    buffer_lines_max: NumberDial,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<String>,
    dropped: u64,
}

impl Poster {
    /// Starts posting to `url`.
    pub fn start(
        module: &'static str,
        url: &str,
        buffer_lines_max: NumberDial,
        retry: NumberDial,
    ) -> Result<Arc<Poster>, String> {
        let address = Address::parse(url)?;
        let poster = Arc::new(Poster {
            module,
            buffer_lines_max,
            state: Mutex::default(),
            arrived: Condvar::new(),
        });
        let worker = Arc::clone(&poster);
        std::thread::Builder::new()
            .name("post".to_owned())
            .spawn(move || worker.work(&address, &retry))
            .map_err(|e| format!("cannot start the posting thread: {e}"))?;
        Ok(poster)
    }

    /// Puts a line into the buffer; never waits for the network.
    pub fn send(&self, line: &str) {
        let mut state = self.lock();
        while state.waiting.len() as u64 >= self.buffer_lines_max.whole() {
            state.waiting.pop_front();
            state.dropped += 1;
        }
        state.waiting.push_back(line.to_owned());
        self.arrived.notify_one();
    }

    /// Lines that wait, and lines that were dropped since the receiver last answered.
    pub fn waiting_and_dropped(&self) -> (usize, u64) {
        let state = self.lock();
        (state.waiting.len(), state.dropped)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, address: &Address, retry: &NumberDial) {
        let mut failing = false;
        loop {
            let batch = self.next_batch();
            loop {
                match post(address, &batch) {
                    Ok(()) => break,
                    Err(reason) => {
                        if !failing {
                            let what = format!(
                                "cannot post to {}: {reason}; trying again",
                                address.authority
                            );
                            context::log_line(self.module, "warning", &what);
                        }
                        failing = true;
                        std::thread::sleep(retry.pause());
                    }
                }
            }
            if failing {
                let dropped = std::mem::take(&mut self.lock().dropped);
                let what = format!(
                    "posting to {} again; {dropped} lines were dropped",
                    address.authority
                );
                context::log_line(self.module, "info", &what);
                failing = false;
            }
        }
    }

    fn next_batch(&self) -> String {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            state = self
                .arrived
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let count = state.waiting.len().min(BATCH_LINES_MAX);
        let mut batch = String::new();
        for line in state.waiting.drain(..count) {
            batch.push_str(&line);
            batch.push('\n');
        }
        batch
    }
}

fn post(address: &Address, body: &str) -> Result<(), String> {
    let targets = address
        .host_and_port
        .to_socket_addrs()
        .map_err(|e| e.to_string())?;
    let mut last = "the name has no address".to_owned();
    for target in targets {
        match TcpStream::connect_timeout(&target, TIMEOUT) {
            Ok(stream) => return exchange(stream, address, body),
            Err(e) => last = e.to_string(),
        }
    }
    Err(last)
}

fn exchange(mut stream: TcpStream, address: &Address, body: &str) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    stream.set_read_timeout(Some(TIMEOUT)).map_err(text)?;
    stream.set_write_timeout(Some(TIMEOUT)).map_err(text)?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        address.path,
        address.authority,
        body.len(),
    );
    stream.write_all(head.as_bytes()).map_err(text)?;
    stream.write_all(body.as_bytes()).map_err(text)?;
    let mut answer = Vec::new();
    let mut piece = [0_u8; 512];
    while answer.len() < ANSWER_BYTES_MAX && !answer.contains(&b'\n') {
        match stream.read(&mut piece).map_err(text)? {
            0 => break,
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
    let first = String::from_utf8_lossy(&answer);
    let first = first.lines().next().unwrap_or_default();
    match first
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse::<u16>().ok())
    {
        Some(200..=299) => Ok(()),
        Some(code) => Err(format!("it answered {code}")),
        None => Err("it did not answer in HTTP".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_are_taken_apart() {
        let address = Address::parse("http://192.0.2.1/in?x=1").unwrap();
        assert_eq!(
            (address.host_and_port.as_str(), address.path.as_str()),
            ("192.0.2.1:80", "/in?x=1")
        );
        assert_eq!(
            Address::parse("http://[::1]:81").unwrap().host_and_port,
            "[::1]:81"
        );
        assert_eq!(
            Address::parse("http://[::1]").unwrap().host_and_port,
            "[::1]:80"
        );
        assert_eq!(Address::parse("http://a?b").unwrap().path, "/?b");
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for wrong in [
            "https://a/",
            "a",
            "http://",
            "http:///x",
            "http://a:0/",
            "http://a:b/",
            "http://u@a/",
            "http://a/ b",
        ] {
            assert!(Address::parse(wrong).is_err(), "{wrong} was read");
        }
    }
}
