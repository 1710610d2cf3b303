//! `edgemart try` that runs while a test looks at it: its page by plain HTTP, its signals, and what it leaves behind.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::folder::Folder;

/// How long anything that has to happen may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A run. Its temporary files go to a folder of its own.
pub(crate) struct Live {
    child: Child,
    said: Receiver<String>,
    /// What was said so far.
    pub(crate) heard: Vec<String>,
    temporary: Folder,
}

/// An answer of the page.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Live {
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::with(arguments, variables, true)
    }

    /// A run whose events cannot be written.
    pub(crate) fn unwritten(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::with(arguments, variables, false)
    }

    fn with(arguments: &[&str], variables: &[(&str, &str)], read: bool) -> Self {
        let temporary = Folder::new("try-live").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_edgemart"))
            .arg("try")
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("TMPDIR", temporary.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(if read { Stdio::piped() } else { full() })
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, said) = channel();
        let mut outputs: Vec<Box<dyn std::io::Read + Send>> =
            vec![Box::new(child.stderr.take().unwrap())];
        let stdout = child.stdout.take();
        outputs.extend(stdout.map(|out| Box::new(out) as _));
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        drop(sender);
        Self {
            child,
            said,
            heard: Vec::new(),
            temporary,
        }
    }

    /// What follows a word in the first line that has it.
    pub(crate) fn hear(&mut self, word: &str) -> String {
        let end = Instant::now() + PATIENCE;
        let after = |line: &String| {
            line.split_once(word)
                .map(|(_, rest)| rest.trim().to_owned())
        };
        if let Some(found) = self.heard.iter().find_map(after) {
            return found;
        }
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.said.recv_timeout(left);
            let line =
                line.unwrap_or_else(|_| panic!("no {word:?} in:\n{}", self.heard.join("\n")));
            let found = after(&line);
            self.heard.push(line);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// Where its page is: host with port, and the path of the page.
    pub(crate) fn page(&mut self) -> (String, String) {
        let address = self.hear("Page: http://");
        let (host, path) = address.split_once('/').unwrap();
        (host.to_owned(), format!("/{path}"))
    }

    /// Asks the page until an answer is what a test waits for.
    pub(crate) fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let (host, path) = self.page();
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = request(&host, "GET", &format!("{path}poll"), &host, "");
            let told: Value = serde_json::from_str(&answer.body).unwrap();
            if wanted(&told) {
                return told;
            }
            assert!(
                Instant::now() < end,
                "it never came to that: {told:#}\n{}",
                self.heard.join("\n")
            );
            std::thread::yield_now();
        }
    }

    /// Sends an order as the page does.
    pub(crate) fn act(&mut self, order: &Value) -> (u16, Value) {
        let (host, path) = self.page();
        let answer = request(
            &host,
            "POST",
            &format!("{path}act"),
            &host,
            &order.to_string(),
        );
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    /// Sends a signal by its name, and waits for the end.
    pub(crate) fn signal(&mut self, name: &str) -> ExitStatus {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        self.end()
    }

    pub(crate) fn end(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // Until both outputs are closed, which is when nobody holds them any more.
                self.heard.extend(self.said.iter());
                return status;
            }
            assert!(
                Instant::now() < end,
                "it does not end:\n{}",
                self.heard.join("\n")
            );
            std::thread::yield_now();
        }
    }

    /// Temporary files that are still there.
    pub(crate) fn left_files(&self) -> Vec<String> {
        let left = std::fs::read_dir(self.temporary.path()).unwrap();
        left.map(|entry| entry.unwrap().path().display().to_string())
            .collect()
    }
}

/// A file that takes nothing.
fn full() -> Stdio {
    std::fs::File::create("/dev/full").unwrap().into()
}

/// A run that a failed test leaves is ended with it.
impl Drop for Live {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let id = self.child.id().to_string();
            let _ = Command::new("kill").args(["-s", "TERM", &id]).status();
            let _ = self.child.wait();
        }
    }
}

/// One request, with the Host header given.
pub(crate) fn request(to: &str, method: &str, path: &str, host: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("nosniff") && head.contains("default-src 'none'"),
        "{head}"
    );
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        body: body.to_owned(),
    }
}
