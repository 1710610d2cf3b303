//! A plain connection as the HTTP library reads and writes it: lets go whoever takes too little, and sends files by the
//! kernel where a stand-in holds their place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use app::settings::Transfers;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::files::{Files, is_stand_in};
use super::pace::Pace;
use super::prepare;

/// See the module.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    files: Files,
    pace: Pace,
    /// Since when the kernel takes no more from us. How long it may do so without a word from the other side, it knows
    /// itself (`prepare`): only it sees what is acknowledged.
    stuck: Option<Instant>,
}

impl Line {
    /// Takes over a connection just accepted.
    pub fn new(stream: TcpStream, limits: Transfers) -> Self {
        prepare(&stream, limits.silence_max);
        Self {
            stream,
            files: Files::default(),
            pace: Pace::new(limits),
            stuck: None,
        }
    }

    /// By which bodies send files on this connection. Only for HTTP/1.1 spoken on it directly.
    pub fn files(&self) -> Files {
        self.files.clone()
    }

    /// Passes on how a write went, unless the other side has been too slow for too long.
    fn paced(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => {
                self.stuck.get_or_insert_with(Instant::now);
                Poll::Pending
            }
            Poll::Ready(Ok(count)) => {
                let stuck = self.stuck.take();
                let waited = stuck.map_or(Duration::ZERO, |since| since.elapsed());
                if self.pace.keeps_up(waited, count) {
                    Poll::Ready(Ok(count))
                } else {
                    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                }
            }
            failed => failed,
        }
    }

    fn send_file(&mut self, context: &mut Context<'_>, length: usize) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(context))?;
            let sent = self
                .stream
                .try_io(Interest::WRITABLE, || self.files.send(&self.stream, length));
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let line = &mut *self;
        let plain = slices
            .iter()
            .take_while(|slice| !is_stand_in(slice))
            .count();
        let written = match slices.get(plain) {
            Some(stand_in) if plain == 0 => line.send_file(context, stand_in.len()),
            _ => Pin::new(&mut line.stream).poll_write_vectored(context, &slices[..plain]),
        };
        line.paced(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.files.all_sent() {
            return Poll::Ready(Err(io::Error::other(
                "a file did not go out in its place; the connection is given up",
            )));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
