//! Reads a tar stream header by header.
//!
//! The `tar` crate decodes the fixed header; framing is done here because extended headers must be bounded before they
//! are read into memory, and a size in a pax record must move the frame like it does for other readers.

use std::io::{Cursor, Read};
use std::ops::ControlFlow;

use tar::{EntryType, Header};

use crate::layer::extended::{Extended, global};
use crate::layer::stream::Unpacked;
use crate::layer::{
    EXTENDED_HEADER_BYTES_MAX, Entry, EntryKind, LayerError, LayerLimits, LayerSummary, path,
};

const BLOCK_BYTES: usize = 512;

type Visit<'a> = dyn FnMut(&Entry, &mut dyn Read) -> ControlFlow<()> + 'a;

pub(super) fn walk<R: Read>(
    source: R,
    limits: &LayerLimits,
    visit: &mut Visit<'_>,
) -> Result<LayerSummary, LayerError> {
    let mut stream = Unpacked::new(source, limits.unpacked_bytes_max);
    let mut extended = Extended::default();
    let mut entries = 0;
    while let Some((offset, header)) = next_header(&mut stream)? {
        let malformed = |reason| LayerError::Malformed { offset, reason };
        let stated = size(&header, offset)?;
        match header.entry_type() {
            EntryType::GNULongName => {
                extended.path = Some(long_name(&mut stream, offset, stated)?);
                continue;
            }
            EntryType::GNULongLink => {
                extended.link = Some(long_name(&mut stream, offset, stated)?);
                continue;
            }
            EntryType::XHeader => {
                let records = contents(&mut stream, offset, stated)?;
                extended.records(&records, offset)?;
                continue;
            }
            EntryType::XGlobalHeader => {
                global(&contents(&mut stream, offset, stated)?, offset)?;
                continue;
            }
            EntryType::GNUSparse => return Err(malformed("sparse files are not supported")),
            _ => {}
        }
        entries += 1;
        if entries > limits.entries_max {
            return Err(LayerError::TooManyEntries {
                limit: limits.entries_max,
            });
        }
        let entry = entry(&header, std::mem::take(&mut extended), offset, limits)?;
        if visit_one(&mut stream, &entry, offset, visit)?.is_break() {
            return Ok(LayerSummary {
                entries,
                unpacked_bytes: stream.position(),
                diff_id: None,
            });
        }
    }
    if !extended.is_empty() {
        let reason = "an extended header is followed by no entry";
        return Err(LayerError::Malformed {
            offset: stream.position(),
            reason,
        });
    }
    let (unpacked_bytes, digest) = stream.finish()?;
    Ok(LayerSummary {
        entries,
        unpacked_bytes,
        diff_id: Some(digest),
    })
}

/// The next header with its offset; `None` at the end mark (a block of zeros) or the end of the stream.
fn next_header<R: Read>(stream: &mut Unpacked<R>) -> Result<Option<(u64, Header)>, LayerError> {
    let offset = stream.position();
    let malformed = |reason| LayerError::Malformed { offset, reason };
    let mut header = Header::new_old();
    let block = header.as_mut_bytes();
    match stream.fill(block)? {
        0 => return Ok(None),
        BLOCK_BYTES => {}
        _ => return Err(malformed("it ends inside a header")),
    }
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let signed_as_spaces: u32 = block
        .iter()
        .enumerate()
        .map(|(index, byte)| {
            if (148..156).contains(&index) {
                u32::from(b' ')
            } else {
                u32::from(*byte)
            }
        })
        .sum();
    match header.cksum() {
        Ok(sum) if sum == signed_as_spaces => Ok(Some((offset, header))),
        _ => Err(malformed("the header's checksum is wrong")),
    }
}

/// The size field.
fn size(header: &Header, offset: u64) -> Result<u64, LayerError> {
    field(&header.as_old().size, offset, || header.entry_size())
}

/// A number of the fixed header. A blank field counts as 0, as other readers take it.
fn field(
    bytes: &[u8],
    offset: u64,
    decode: impl FnOnce() -> std::io::Result<u64>,
) -> Result<u64, LayerError> {
    if bytes.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Ok(0);
    }
    let reason = "a number of the header cannot be read";
    decode().map_err(|_| LayerError::Malformed { offset, reason })
}

/// The content of an extended header, with its padding passed over.
fn contents<R: Read>(
    stream: &mut Unpacked<R>,
    offset: u64,
    size: u64,
) -> Result<Vec<u8>, LayerError> {
    if size > EXTENDED_HEADER_BYTES_MAX {
        return Err(LayerError::Malformed {
            offset,
            reason: "an extended header is larger than 1 MiB",
        });
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    let read = stream.fill(&mut bytes)?;
    if read < bytes.len() || stream.skip(padding(size))? < padding(size) {
        return Err(LayerError::Malformed {
            offset,
            reason: "it ends inside an extended header",
        });
    }
    Ok(bytes)
}

fn long_name<R: Read>(
    stream: &mut Unpacked<R>,
    offset: u64,
    size: u64,
) -> Result<Vec<u8>, LayerError> {
    let mut name = contents(stream, offset, size)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

const fn padding(size: u64) -> u64 {
    (BLOCK_BYTES as u64 - size % BLOCK_BYTES as u64) % BLOCK_BYTES as u64
}

fn entry(
    header: &Header,
    extended: Extended,
    offset: u64,
    limits: &LayerLimits,
) -> Result<Entry, LayerError> {
    let malformed = |reason| LayerError::Malformed { offset, reason };
    let limit = limits.path_bytes_max;
    let raw_path = extended
        .path
        .unwrap_or_else(|| header.path_bytes().into_owned());
    let kind = match header.entry_type() {
        // Before ustar a trailing slash was the only mark of a directory.
        EntryType::Regular if raw_path.ends_with(b"/") => EntryKind::Directory,
        EntryType::Regular | EntryType::Continuous => EntryKind::File,
        EntryType::Link => EntryKind::HardLink,
        EntryType::Symlink => EntryKind::Symlink,
        EntryType::Directory => EntryKind::Directory,
        EntryType::Char => EntryKind::CharacterDevice,
        EntryType::Block => EntryKind::BlockDevice,
        EntryType::Fifo => EntryKind::Fifo,
        other => EntryKind::Other(other.as_byte()),
    };
    let raw_link = extended
        .link
        .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
    let link = match (kind, raw_link) {
        (EntryKind::Symlink, Some(target)) => Some(path::bounded(&target, limit)?),
        (EntryKind::HardLink, Some(target)) => Some(path::normalised(&target, limit)?),
        (EntryKind::Symlink | EntryKind::HardLink, None) => {
            return Err(malformed("a link has no target"));
        }
        _ => None,
    };
    let stated = size(header, offset)?;
    let content = extended.size.unwrap_or(stated);
    let size = match kind {
        // These have no content whatever their size field says; other readers agree.
        EntryKind::Symlink
        | EntryKind::Directory
        | EntryKind::CharacterDevice
        | EntryKind::BlockDevice
        | EntryKind::Fifo
        | EntryKind::HardLink => 0,
        EntryKind::File | EntryKind::Other(_) => content,
    };
    if size == 0 && content != 0 {
        return Err(malformed(
            "an entry that is no file has content, which readers treat differently",
        ));
    }
    let fields = header.as_old();
    let mode = field(&fields.mode, offset, || header.mode().map(u64::from))?;
    let mode = u32::try_from(mode).map_err(|_| malformed("the mode is too large"))?;
    Ok(Entry {
        path: path::normalised(&raw_path, limit)?,
        kind,
        mode: mode & 0o7777,
        uid: extended
            .uid
            .map_or_else(|| field(&fields.uid, offset, || header.uid()), Ok)?,
        gid: extended
            .gid
            .map_or_else(|| field(&fields.gid, offset, || header.gid()), Ok)?,
        size,
        link,
    })
}

/// Shows the entry, then passes over what the visitor left of its content.
fn visit_one<R: Read>(
    stream: &mut Unpacked<R>,
    entry: &Entry,
    offset: u64,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>, LayerError> {
    let start = stream.position();
    let flow = if entry.size == 0 {
        visit(entry, &mut Cursor::new([]))
    } else {
        visit(entry, &mut stream.by_ref().take(entry.size))
    };
    stream.check()?;
    if flow.is_break() {
        return Ok(flow);
    }
    let left = entry.size - (stream.position() - start);
    let rest = left.saturating_add(padding(entry.size));
    if stream.skip(rest)? < rest {
        return Err(LayerError::Malformed {
            offset,
            reason: "it ends inside an entry",
        });
    }
    Ok(flow)
}
