//! The one layer of a sample image: the program under the module's name, a user, a licence notice.
//!
//! Owners, times and order are fixed, so that a layer's digest depends on its content alone. A layer is packed and
//! compressed once in a process, however many versions of the module share it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};

use crate::catalog::Module;
use crate::embedded;
use crate::error::SampleError;

/// The user that every sample runs as.
pub(crate) const USER_ID: u64 = 1000;
/// 2026-01-01T00:00:00Z, the time of every file.
const FILE_TIME: u64 = 1_767_225_600;
const NOTICE: &str = include_str!("notice.txt");
const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nmodule:x:1000:1000:module:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nmodule:x:1000:\n";

/// A compressed layer and its two digests.
pub(crate) struct Layer {
    /// gzip of a tar archive.
    pub(crate) bytes: Vec<u8>,
    /// Digest of [`Layer::bytes`].
    pub(crate) digest: String,
    /// Digest of the archive before compression.
    pub(crate) diff_id: String,
}

type Packed = Mutex<BTreeMap<(&'static str, String), Arc<Layer>>>;

/// The layer of a module for a platform.
pub(crate) fn layer(module: &Module, platform: &str) -> Result<Arc<Layer>, SampleError> {
    static PACKED: OnceLock<Packed> = OnceLock::new();
    let key = (module.name, platform.to_owned());
    let mut packed = PACKED
        .get_or_init(Packed::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(layer) = packed.get(&key) {
        return Ok(Arc::clone(layer));
    }
    let layer = Arc::new(pack(module, platform)?);
    packed.insert(key, Arc::clone(&layer));
    Ok(layer)
}

/// `sha256:` and the hexadecimal digest of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

fn pack(module: &Module, platform: &str) -> Result<Layer, SampleError> {
    let program = embedded::binary(platform)
        .ok_or_else(|| SampleError::UnknownPlatform(platform.to_owned()))?;
    let mut archive = tar::Builder::new(Vec::with_capacity(program.len() + 16 * 1024));
    add(&mut archive, "app/", Kind::Directory { owner: 0 })?;
    add(
        &mut archive,
        &format!("app/{}", module.name),
        Kind::Program(program),
    )?;
    if let Some(directory) = module.writable {
        add(&mut archive, directory, Kind::Directory { owner: USER_ID })?;
    }
    add(&mut archive, "etc/", Kind::Directory { owner: 0 })?;
    add(&mut archive, "etc/group", Kind::Text(GROUP))?;
    add(&mut archive, "etc/passwd", Kind::Text(PASSWD))?;
    add(&mut archive, "licenses/", Kind::Directory { owner: 0 })?;
    add(&mut archive, "licenses/LICENSE", Kind::Text(NOTICE))?;
    let archive = archive.into_inner()?;
    // No file name and no time in the gzip header.
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::with_capacity(archive.len() / 2), Compression::new(6));
    gzip.write_all(&archive)?;
    let bytes = gzip.finish()?;
    Ok(Layer {
        digest: digest(&bytes),
        diff_id: digest(&archive),
        bytes,
    })
}

enum Kind<'a> {
    Directory { owner: u64 },
    Program(&'a [u8]),
    Text(&'a str),
}

fn add(archive: &mut tar::Builder<Vec<u8>>, path: &str, kind: Kind<'_>) -> Result<(), SampleError> {
    let (entry, mode, owner, content) = match kind {
        Kind::Directory { owner } => (tar::EntryType::Directory, 0o755, owner, &[][..]),
        Kind::Program(bytes) => (tar::EntryType::Regular, 0o755, 0, bytes),
        Kind::Text(text) => (tar::EntryType::Regular, 0o644, 0, text.as_bytes()),
    };
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(entry);
    header.set_mode(mode);
    header.set_uid(owner);
    header.set_gid(owner);
    header.set_mtime(FILE_TIME);
    header.set_size(content.len() as u64);
    archive.append_data(&mut header, path, content)?;
    Ok(())
}
