//! A small HTTP/1.1 server for tests that answers exactly what a test says, well-formed or not, and remembers what
//! it was asked. One answer a connection; no keep-alive, so that every request is seen.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificate::Certificate;

const HEAD_BYTES_MAX: u64 = 64 * 1024;
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What was asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Query without `?`, still encoded.
    pub query: String,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// By Content-Length.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter in the query, decoded.
    pub fn query_values(&self, name: &str) -> Vec<String> {
        form_values(&self.query, name)
    }

    /// The value of a field in a form body, decoded.
    pub fn form_value(&self, name: &str) -> Option<String> {
        let body = String::from_utf8_lossy(&self.body);
        form_values(&body, name).into_iter().next()
    }

    /// User and password of Basic authorization.
    pub fn basic(&self) -> Option<(String, String)> {
        use base64::Engine as _;
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }
}

fn form_values(text: &str, name: &str) -> Vec<String> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, _)| decode(key) == name)
        .map(|(_, value)| decode(value))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            (other, _) => {
                bytes.push(other);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How a body is sent.
#[derive(Clone, Debug)]
pub enum Body {
    /// With its Content-Length.
    Whole(Vec<u8>),
    /// Promises `promised` bytes, sends these, closes.
    Cut {
        /// Sent.
        bytes: Vec<u8>,
        /// Content-Length.
        promised: u64,
    },
    /// Promises `promised` bytes, sends these, says nothing more and keeps the connection.
    Stalled {
        /// Sent.
        bytes: Vec<u8>,
        /// Content-Length.
        promised: u64,
    },
    /// Chunked, without end.
    Endless,
    /// One byte after each pause, with the whole Content-Length.
    Trickle {
        /// Sent, bit by bit.
        bytes: Vec<u8>,
        /// Between two bytes.
        pause: Duration,
    },
    /// Nothing at all, not even a status line; the connection stays open.
    Silence,
    /// These bytes instead of an HTTP answer.
    Raw(Vec<u8>),
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Besides framing.
    pub headers: Vec<(String, String)>,
    /// What and how.
    pub body: Body,
}

impl Response {
    /// A whole body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Whole(body.into()),
        }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With another way to send.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }
}

type Handler = Arc<dyn Fn(&Request) -> Response + Send + Sync>;

/// A running server; stops when dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<Request>>>,
    sent: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Plain HTTP on a free loopback port.
    pub async fn start(
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::listen(None, Arc::new(handler)).await
    }

    /// The same over TLS; the certificate names `localhost` and `127.0.0.1`.
    pub async fn start_tls(
        certificate: &Certificate,
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let acceptor = TlsAcceptor::from(certificate.server_config()?);
        Self::listen(Some(acceptor), Arc::new(handler)).await
    }

    async fn listen(tls: Option<TlsAcceptor>, handler: Handler) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let sent = Arc::new(AtomicU64::new(0));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let memory = (Arc::clone(&requests), Arc::clone(&sent));
        let task = tokio::spawn(accept(listener, tls, handler, memory));
        Ok(Self {
            address,
            scheme,
            requests,
            sent,
            task,
        })
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT` and `path`.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Bytes of bodies handed to the network so far; endless and trickling ones are not counted.
    pub fn sent_bytes(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Everything asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

type Memory = (Arc<Mutex<Vec<Request>>>, Arc<AtomicU64>);

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, handler: Handler, memory: Memory) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, handler, memory) = (tls.clone(), Arc::clone(&handler), memory.clone());
        // A client that goes away mid-answer is what many of these tests are about.
        tokio::spawn(async move {
            let _gone = match tls {
                None => serve(stream, &handler, &memory).await,
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => serve(stream, &handler, &memory).await,
                    Err(error) => Err(error),
                },
            };
        });
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    handler: &Handler,
    (requests, sent): &Memory,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let Some(request) = read(&mut stream).await? else {
        // Not HTTP, such as a TLS greeting: answer as servers do.
        return stream
            .write_all(
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            )
            .await;
    };
    let response = handler(&request);
    let head_only = request.method == "HEAD";
    requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);
    if let (false, Body::Whole(bytes) | Body::Cut { bytes, .. } | Body::Stalled { bytes, .. }) =
        (head_only, &response.body)
    {
        sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
    }
    write(&mut stream, response, head_only).await?;
    stream.shutdown().await
}

async fn read(
    stream: &mut (impl tokio::io::AsyncBufRead + Unpin),
) -> std::io::Result<Option<Request>> {
    let mut head = stream.take(HEAD_BYTES_MAX);
    let mut line = Vec::new();
    head.read_until(b'\n', &mut line).await?;
    let first = String::from_utf8_lossy(&line).trim_end().to_owned();
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1")) = (words.next(), words.next(), words.next())
    else {
        return Ok(None);
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        ..Request::default()
    };
    loop {
        let mut line = String::new();
        head.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let name = name.to_ascii_lowercase();
        request.headers.push((name, value.trim().to_owned()));
    }
    let length = request.header("content-length").unwrap_or("0");
    let length: usize = length.parse().unwrap_or(0).min(BODY_BYTES_MAX);
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await?;
    Ok(Some(request))
}

async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    response: Response,
    head_only: bool,
) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Test\r\nConnection: close\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = match &response.body {
        Body::Whole(bytes) | Body::Trickle { bytes, .. } => Some(bytes.len() as u64),
        Body::Cut { promised, .. } | Body::Stalled { promised, .. } => Some(*promised),
        Body::Endless => None,
        Body::Silence => std::future::pending().await,
        Body::Raw(bytes) => return stream.write_all(bytes).await,
    };
    match length {
        Some(length) => head.push_str(&format!("Content-Length: {length}\r\n\r\n")),
        None => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
    }
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    if head_only {
        return Ok(());
    }
    match response.body {
        Body::Whole(bytes) | Body::Cut { bytes, .. } => stream.write_all(&bytes).await,
        Body::Stalled { bytes, .. } => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            std::future::pending().await
        }
        Body::Trickle { bytes, pause } => {
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(pause).await;
            }
            Ok(())
        }
        Body::Endless => loop {
            let mut chunk = b"4000\r\n".to_vec();
            chunk.resize(chunk.len() + 0x4000, b'x');
            chunk.extend_from_slice(b"\r\n");
            stream.write_all(&chunk).await?;
        },
        Body::Silence | Body::Raw(_) => Ok(()),
    }
}
