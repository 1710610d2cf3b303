//! A container engine that says who it is, has nothing, and takes nothing: what it is asked is remembered.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};

use testkit::folder::Folder;

/// How a body ends that comes in chunks.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

pub struct FakeEngine {
    folder: Folder,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeEngine {
    /// One on a machine of this architecture.
    pub fn start(architecture: &'static str) -> Self {
        let folder = Folder::new("engine").unwrap();
        let listener = UnixListener::bind(folder.path().join("engine.sock")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let line = answer(stream, architecture);
                remembered.lock().unwrap().push(line);
            }
        });
        Self { folder, asked }
    }

    pub fn address(&self) -> String {
        format!("unix://{}/engine.sock", self.folder.path().display())
    }

    /// Images that it was to load.
    pub fn loads(&self) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|line| line.contains("/load")).count()
    }
}

/// Answers one request; gives its first line.
fn answer(mut stream: UnixStream, architecture: &str) -> String {
    let mut read = Vec::new();
    let mut some = [0; 16 * 1024];
    loop {
        let length = stream.read(&mut some).unwrap_or_default();
        read.extend_from_slice(&some[..length]);
        let headed = read.windows(4).any(|four| four == b"\r\n\r\n");
        let chunks = read.starts_with(b"POST") && read.windows(7).any(|seven| seven == b"chunked");
        if length == 0 || (headed && (!chunks || read.ends_with(LAST_CHUNK))) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&read);
    let line = text.lines().next().unwrap_or_default().to_owned();
    let (status, body) = if line.contains("/version") {
        let says = format!(r#"{{"Version":"1.0","Arch":"{architecture}"}}"#);
        (200, says)
    } else if line.starts_with("GET") {
        (200, "[]".to_owned())
    } else {
        (507, r#"{"message":"no room"}"#.to_owned())
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n");
    // Who asked may be gone.
    let _ = write!(stream, "{head}\r\n{body}");
    line
}
