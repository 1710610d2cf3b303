//! The unpacked bytes of a layer: counted against the limit and hashed as they pass.

use std::io::{self, Read};

use crate::digest::{Digest, DigestAlgorithm, DigestHasher};
use crate::layer::LayerError;

/// How much is read at once when bytes are passed over.
const SKIP_BYTES: usize = 64 * 1024;

pub(super) struct Unpacked<R> {
    source: R,
    hasher: DigestHasher,
    position: u64,
    limit: u64,
    /// A reader can only answer with an `io::Error`; the walk turns it back by this mark.
    over_limit: bool,
}

impl<R: Read> Unpacked<R> {
    pub(super) fn new(source: R, limit: u64) -> Self {
        let hasher = DigestHasher::new(DigestAlgorithm::Sha256);
        Self {
            source,
            hasher,
            position: 0,
            limit,
            over_limit: false,
        }
    }

    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// The error to report for a failed read.
    pub(super) fn error(&self, error: io::Error) -> LayerError {
        if self.over_limit {
            LayerError::TooManyBytes { limit: self.limit }
        } else {
            LayerError::Read(error)
        }
    }

    /// Whether the limit was passed, even if a visitor swallowed the error.
    pub(super) const fn check(&self) -> Result<(), LayerError> {
        if self.over_limit {
            Err(LayerError::TooManyBytes { limit: self.limit })
        } else {
            Ok(())
        }
    }

    /// Fills `buffer` as far as the stream goes.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, LayerError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error(error)),
            }
        }
        Ok(filled)
    }

    /// Passes over `count` bytes; tells how many there were.
    pub(super) fn skip(&mut self, count: u64) -> Result<u64, LayerError> {
        let at_once =
            |left: u64| usize::try_from(left).map_or(SKIP_BYTES, |left| left.min(SKIP_BYTES));
        let mut buffer = vec![0; at_once(count)];
        let mut left = count;
        while left > 0 {
            let wanted = at_once(left);
            match self.fill(&mut buffer[..wanted])? {
                0 => break,
                read => left -= read as u64,
            }
        }
        Ok(count - left)
    }

    /// Reads to the end and tells the digest of everything.
    pub(super) fn finish(mut self) -> Result<(u64, Digest), LayerError> {
        self.skip(u64::MAX)?;
        Ok((self.position, self.hasher.finish()))
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.over_limit {
            return Err(io::Error::other("layer unpacks to too many bytes"));
        }
        let count = self.source.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.position += count as u64;
        if self.position > self.limit {
            self.over_limit = true;
            return Err(io::Error::other("layer unpacks to too many bytes"));
        }
        Ok(count)
    }
}
