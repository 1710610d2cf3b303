//! Files on their way into a socket. The HTTP library takes bodies as bytes only; so that the kernel may send a stretch of
//! a file by itself (`sendfile`), the body holds its place with a stand-in: a slice of memory that nothing else ever is.
//! The connection knows it by its address and sends the stretch that waits first in line instead.
//!
//! This holds as long as the library passes body slices on without copying them, which it does for HTTP/1.1 over a
//! connection that writes vectored. Were one copied, its stretch would be left over, and the connection refuses to go on
//! ([`Files::all_sent`]). Never offered where bytes are wrapped on the way: TLS and HTTP/2 read files into memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::Bytes;

/// Longest stretch.
pub(crate) const STRETCH_BYTES: usize = 1024 * 1024;

/// Never read, so the system never gives it real memory.
static STAND_IN: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![0; STRETCH_BYTES]));

/// The stretches of one connection that wait for their turn, in the order of their stand-ins.
#[derive(Clone, Debug, Default)]
pub struct Files(Arc<Mutex<VecDeque<Stretch>>>);

#[derive(Debug)]
struct Stretch {
    file: Arc<File>,
    at: u64,
    left: usize,
}

/// Whether a slice only holds the place of a stretch.
pub(super) fn is_stand_in(slice: &[u8]) -> bool {
    let from = STAND_IN.as_ptr().addr();
    (from..from + STRETCH_BYTES).contains(&slice.as_ptr().addr())
}

impl Files {
    /// Puts a stretch of a file in line; the bytes returned must be the next that are sent. At most [`STRETCH_BYTES`].
    pub(crate) fn stretch(&self, file: &Arc<File>, at: u64, length: usize) -> Bytes {
        let left = length.min(STRETCH_BYTES);
        let file = Arc::clone(file);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(Stretch { file, at, left });
        STAND_IN.slice(..left)
    }

    /// Whether no stretch waits any more.
    pub(super) fn all_sent(&self) -> bool {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.is_empty()
    }

    /// Sends at most `length` bytes of the first stretch to a socket that does not block.
    pub(super) fn send(&self, socket: impl AsFd, length: usize) -> io::Result<usize> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = waiting.front_mut() else {
            return Err(io::Error::other(
                "a place is held for a file that nobody put in line",
            ));
        };
        let wanted = length.min(first.left);
        let sent = rustix::fs::sendfile(socket, &first.file, Some(&mut first.at), wanted)?;
        if sent == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        first.left -= sent;
        if first.left == 0 {
            waiting.pop_front();
        }
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn stretches_go_out_in_the_order_of_their_stand_ins() {
        let content: Vec<u8> = (0..=250).cycle().take(5_000).collect();
        let mut file = tempfile();
        io::Write::write_all(&mut file, &content).unwrap();
        let file = Arc::new(file);
        let files = Files::default();
        assert!(files.all_sent());
        let (socket, mut other) = UnixStream::pair().unwrap();
        let first = files.stretch(&file, 10, 100);
        let second = files.stretch(&file, 4_000, 1_000);
        assert_eq!((first.len(), second.len()), (100, 1_000));
        assert!(is_stand_in(&first) && is_stand_in(&second[999..]));
        let copy = first.to_vec();
        assert!(!is_stand_in(&copy) && !is_stand_in(&[0; 100]));
        // In pieces, as sockets take them; never past the end of a stretch.
        assert_eq!(files.send(&socket, 60).unwrap(), 60);
        assert_eq!(files.send(&socket, 1_000).unwrap(), 40);
        assert!(!files.all_sent());
        assert_eq!(files.send(&socket, 1_000).unwrap(), 1_000);
        assert!(files.all_sent());
        assert!(files.send(&socket, 1).is_err(), "nothing is in line");
        drop(socket);
        let mut sent = Vec::new();
        other.read_to_end(&mut sent).unwrap();
        assert!(sent == [&content[10..110], &content[4_000..]].concat());
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let files = Files::default();
        files.stretch(&Arc::new(tempfile()), 0, 10);
        let (socket, _other) = UnixStream::pair().unwrap();
        assert_eq!(
            files.send(&socket, 10).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }

    /// A file that no name leads to.
    fn tempfile() -> File {
        let name = format!("edgemart-files-{:?}", std::thread::current().id());
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).open(&path);
        std::fs::remove_file(&path).unwrap();
        file.unwrap()
    }
}
