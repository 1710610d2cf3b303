//! A bounded walk over the files of a layer: tar, plain or gzipped, read as a stream and never unpacked to disk.
//!
//! Everything a hostile layer can inflate has a limit: unpacked bytes, entries, path length, extended headers. Paths
//! that step upwards are refused, absolute ones are reported relative to the image's root. zstd layers, sparse files
//! and multi-volume archives are answered as unsupported. Formats: POSIX ustar and pax, GNU long names; image-spec
//! layer.md for whiteouts.

mod extended;
mod path;
mod stream;
mod tar_stream;

use std::io::Read;
use std::ops::ControlFlow;

use crate::digest::Digest;
use crate::excerpt::excerpt;
use crate::media_type;

/// The most bytes that the extended headers of one entry (pax records, GNU long names) may have. Extended attributes
/// live here.
pub const EXTENDED_HEADER_BYTES_MAX: u64 = 1024 * 1024;

/// What a walk may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerLimits {
    /// The most entries.
    pub entries_max: u64,
    /// The most bytes after decompression, headers and padding included.
    pub unpacked_bytes_max: u64,
    /// The longest path or link target, in bytes.
    pub path_bytes_max: usize,
}

impl Default for LayerLimits {
    fn default() -> Self {
        Self {
            entries_max: 200_000,
            unpacked_bytes_max: 8 * 1024 * 1024 * 1024,
            path_bytes_max: 4096,
        }
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A file with content.
    File,
    /// Another name for an earlier file of the archive.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A directory.
    Directory,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// Anything else, by its type byte.
    Other(u8),
}

/// One entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the image's root, without `.`, empty parts or a leading slash; empty for the root itself. Bytes
    /// that are not UTF-8 are replaced.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits, with set-user-id (`0o4000`), set-group-id and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes of content.
    pub size: u64,
    /// Target of a link: as written for symbolic links, in the form of `path` for hard links.
    pub link: Option<String>,
}

/// What an entry hides in the layers below (image-spec layer.md "Whiteouts").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whiteout {
    /// This path, and everything under it.
    Path(String),
    /// Everything under this directory; empty for the root.
    Directory(String),
}

impl Entry {
    /// What this entry hides, when it is a whiteout marker.
    #[must_use]
    pub fn whiteout(&self) -> Option<Whiteout> {
        let (directory, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let hidden = name.strip_prefix(".wh.")?;
        Some(match (hidden, directory) {
            (".wh..opq", directory) => Whiteout::Directory(directory.to_owned()),
            (hidden, "") => Whiteout::Path(hidden.to_owned()),
            (hidden, directory) => Whiteout::Path(format!("{directory}/{hidden}")),
        })
    }
}

/// What a walk saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// Entries given to the visitor.
    pub entries: u64,
    /// Bytes after decompression, as far as read.
    pub unpacked_bytes: u64,
    /// The digest of the unpacked archive, to compare with the configuration's `diff_ids`; `None` when the visitor
    /// stopped the walk early.
    pub diff_id: Option<Digest>,
}

/// Why a layer cannot be walked to its end.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The type is not a layer that can be read here.
    #[error(
        "layer type '{found}' cannot be inspected; build the image with gzip or uncompressed layers"
    )]
    Unsupported {
        /// The media type, shortened.
        found: String,
    },
    /// Over [`LayerLimits::unpacked_bytes_max`].
    #[error("layer unpacks to more than {limit} bytes; make the layer smaller")]
    TooManyBytes {
        /// The limit.
        limit: u64,
    },
    /// Over [`LayerLimits::entries_max`].
    #[error("layer has more than {limit} entries; remove files that the module does not need")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// Over [`LayerLimits::path_bytes_max`].
    #[error("layer holds a path of {found} bytes, starting '{path}'; the limit is {limit}")]
    PathTooLong {
        /// Its beginning.
        path: String,
        /// Bytes found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A path that steps upwards or holds a NUL.
    #[error("layer holds the path '{path}', which is not allowed: {reason}")]
    Path {
        /// The path, shortened.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The archive's structure.
    #[error("layer is not a readable tar archive at unpacked byte {offset}: {reason}")]
    Malformed {
        /// Where the header in question starts.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// The source failed, or the compressed data is damaged.
    #[error("layer cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

/// How a layer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
}

fn packing(media_type: &str) -> Result<Packing, LayerError> {
    match media_type {
        media_type::OCI_LAYER_TAR
        | media_type::DOCKER_LAYER_TAR
        | media_type::OCI_NONDISTRIBUTABLE_TAR => Ok(Packing::Plain),
        media_type::OCI_LAYER_TAR_GZIP
        | media_type::DOCKER_LAYER_TAR_GZIP
        | media_type::DOCKER_FOREIGN_LAYER_TAR_GZIP
        | media_type::OCI_NONDISTRIBUTABLE_TAR_GZIP => Ok(Packing::Gzip),
        other => Err(LayerError::Unsupported {
            found: excerpt(other),
        }),
    }
}

/// Walks the layer that `reader` delivers. `visit` gets every entry with its content, which it may read or leave; it
/// stops the walk by `Break`. Without a stop the stream is read to its end, also past the archive's end mark, so that
/// the summary tells the digest of the whole.
///
/// # Errors
/// See [`LayerError`]. Entries seen before the error have been visited.
pub fn walk(
    reader: impl Read,
    media_type: &str,
    limits: &LayerLimits,
    mut visit: impl FnMut(&Entry, &mut dyn Read) -> ControlFlow<()>,
) -> Result<LayerSummary, LayerError> {
    match packing(media_type)? {
        Packing::Plain => tar_stream::walk(plain(reader)?, limits, &mut visit),
        Packing::Gzip => tar_stream::walk(
            flate2::read::MultiGzDecoder::new(reader),
            limits,
            &mut visit,
        ),
    }
}

/// How the compressions begin that engines know: gzip, bzip2, xz, zstd.
const COMPRESSED: [&[u8]; 4] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"];

/// Engines look at the bytes and not at the type: what begins as compressed data unpacks to something else there than
/// here, also when it can be read as a tar archive too.
fn plain(mut reader: impl Read) -> Result<impl Read, LayerError> {
    let mut beginning = Vec::new();
    reader.by_ref().take(6).read_to_end(&mut beginning)?;
    if COMPRESSED.iter().any(|magic| beginning.starts_with(magic)) {
        let reason = "it is compressed, although its type says that it is not";
        return Err(LayerError::Malformed { offset: 0, reason });
    }
    Ok(std::io::Cursor::new(beginning).chain(reader))
}

#[cfg(test)]
mod tests;
