//! Writes an image as an archive that an engine loads, in the layout of `docker save`: for images that an engine cannot
//! pull by itself, because they are not public yet or their registry speaks plain HTTP. Compressed layers stay as they are.
//! It goes through a pipe to the engine while it is written, and lies on no disk of ours.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::io::{AsyncWriteExt as _, DuplexStream};

/// Bytes of a block of a tar archive.
const BLOCK_BYTES: usize = 512;
/// Largest file that a plain tar header can tell the size of.
const FILE_BYTES_MAX: u64 = 0o77_777_777_777;
/// Bytes that are written before the engine has taken them.
const PIPE_BYTES: usize = 256 * 1024;

/// An archive that is being written: the configuration first, then the layers from the lowest up.
#[derive(Debug)]
pub struct Archive {
    pipe: DuplexStream,
    hung_up: HungUp,
    entries: Vec<String>,
    /// Bytes of the entry being written, and how many of them are still to come.
    open: (u64, u64),
}

/// Whether the reader went away, which is nothing that the writer did.
#[derive(Debug, Clone, Default)]
pub(super) struct HungUp(Arc<AtomicBool>);

impl HungUp {
    pub(super) fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Archive {
    /// An archive, and where its bytes come out.
    pub(super) fn pipe() -> (Self, DuplexStream) {
        let (pipe, out) = tokio::io::duplex(PIPE_BYTES);
        let archive = Self {
            pipe,
            hung_up: HungUp::default(),
            entries: Vec::new(),
            open: (0, 0),
        };
        (archive, out)
    }

    pub(super) fn hung_up(&self) -> HungUp {
        self.hung_up.clone()
    }

    /// Begins the configuration, and after it each layer, by the hexadecimal digits of its digest.
    ///
    /// # Errors
    /// The one before is not whole, it does not fit an archive, or nobody takes it.
    pub async fn begin(&mut self, hex: &str, size: u64) -> io::Result<()> {
        let ending = if self.entries.is_empty() {
            "json"
        } else {
            "tar.gz"
        };
        let name = format!("{hex}.{ending}");
        self.begin_file(&name, size).await?;
        self.entries.push(name);
        Ok(())
    }

    /// Writes some of the bytes that were begun.
    ///
    /// # Errors
    /// They are more than was said, or nobody takes them.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let left = self.open.1.checked_sub(bytes.len() as u64);
        self.open.1 = left.ok_or_else(|| wrong("a blob has more bytes than its manifest says"))?;
        self.put(bytes).await
    }

    /// Ends the archive; the engine will know the image by `name`.
    ///
    /// # Errors
    /// The last layer is not whole, or nobody takes it.
    pub async fn finish(mut self, name: &str) -> io::Result<()> {
        let (config, layers) = match self.entries.split_first() {
            Some((config, layers)) => (config.clone(), layers.to_vec()),
            None => return Err(wrong("an image without a configuration")),
        };
        let listed = json!([{"Config": config, "RepoTags": [name], "Layers": layers}]).to_string();
        self.begin_file("manifest.json", listed.len() as u64)
            .await?;
        self.write(listed.as_bytes()).await?;
        self.end().await?;
        self.put(&[0; BLOCK_BYTES * 2]).await
    }

    async fn begin_file(&mut self, name: &str, size: u64) -> io::Result<()> {
        self.end().await?;
        let head = header(name, size)?;
        self.put(&head).await?;
        self.open = (size, size);
        Ok(())
    }

    /// Fills the last block of what was begun.
    async fn end(&mut self) -> io::Result<()> {
        let (size, left) = self.open;
        if left > 0 {
            return Err(wrong("a blob has fewer bytes than its manifest says"));
        }
        self.open = (0, 0);
        self.put(&padding(size)).await
    }

    async fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.pipe.write_all(bytes).await;
        if written.is_err() {
            self.hung_up.0.store(true, Ordering::Relaxed);
        }
        written
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A ustar header of a plain file.
fn header(name: &str, size: u64) -> io::Result<[u8; BLOCK_BYTES]> {
    if size > FILE_BYTES_MAX || name.len() > 100 {
        return Err(wrong(&format!(
            "{name} of {size} bytes does not fit an archive"
        )));
    }
    let mut head = [0; BLOCK_BYTES];
    let mut put =
        |at: usize, text: &str| head[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(head)
}

/// Zeros up to the next block.
fn padding(size: u64) -> Vec<u8> {
    let block = BLOCK_BYTES as u64;
    let missing = (block - size % block) % block;
    vec![0; usize::try_from(missing).unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn an_archive_is_one_that_tar_reads() {
        let (mut archive, mut out) = Archive::pipe();
        let writing = async {
            // More than the pipe holds.
            let large = vec![7; PIPE_BYTES + 700];
            for (hex, bytes) in [("c0", b"{}".to_vec()), ("aa", large), ("bb", vec![])] {
                archive.begin(hex, bytes.len() as u64).await?;
                archive.write(&bytes).await?;
            }
            archive.finish("localhost/a:1").await
        };
        let mut written = Vec::new();
        let (ended, read) = tokio::join!(writing, out.read_to_end(&mut written));
        ended.expect("finished");
        read.expect("readable");
        assert_eq!(written.len() % BLOCK_BYTES, 0);
        assert!(crate::runner::is_archive(&written));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("image.tar");
        std::fs::write(&path, written).expect("a file");
        let listed = std::process::Command::new("tar")
            .args(["--extract", "--to-stdout", "manifest.json", "--file"])
            .arg(&path)
            .output()
            .expect("tar");
        let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
        assert_eq!(
            listed,
            json!([{"Config": "c0.json", "RepoTags": ["localhost/a:1"], "Layers": ["aa.tar.gz", "bb.tar.gz"]}])
        );
    }

    #[tokio::test]
    async fn what_is_not_whole_is_no_archive() {
        let (mut archive, _out) = Archive::pipe();
        archive.begin("c0", 2).await.expect("begun");
        assert!(archive.write(b"{} ").await.is_err(), "too much");
        assert!(archive.begin("aa", 1).await.is_err(), "too little");
        assert!(!archive.hung_up().is_told(), "the writer's own fault");
        assert!(archive.finish("a").await.is_err());
        assert!(header(&"x".repeat(101), 1).is_err());
    }
}
