//! What is inside an image: its layers are walked once, bounded, without writing anything to disk.
//! Judging is `certify`'s part.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::ControlFlow;

use certify::{Contents, Entrypoint, EntrypointKind};
use oci::ImageConfig;
use oci::layer::{self, EntryKind, LayerLimits};

/// A layer to read: its media type and its bytes.
pub(super) struct LayerSource {
    /// Decides the compression.
    pub(super) media_type: String,
    /// The blob.
    pub(super) bytes: Box<dyn Read + Send>,
}

/// Paths remembered of each kind of finding.
const FINDINGS_MAX: usize = 50;
/// Bytes of a program's head that are looked at.
const HEAD_BYTES: usize = 64;

#[derive(Default)]
struct Walk {
    contents: Contents,
    /// Path → head of the file, or where a link leads; upper layers win.
    heads: BTreeMap<String, Head>,
    setuid: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

enum Head {
    File(Vec<u8>),
    Link(String),
}

/// Walks layers from the lowest to the highest. `Err` is a sentence saying which layer could not be read and why.
pub(super) fn read_contents(
    config: &ImageConfig,
    layers: impl IntoIterator<Item = LayerSource>,
) -> Result<Contents, String> {
    let limits = LayerLimits::default();
    let mut walk = Walk::default();
    for (at, source) in layers.into_iter().enumerate() {
        layer::walk(source.bytes, &source.media_type, &limits, |entry, body| {
            walk.entry(entry, body);
            ControlFlow::Continue(())
        })
        .map_err(|error| format!("layer {}: {error}", at + 1))?;
    }
    let entrypoint = starts(config).map(|program| walk.find(&program));
    let mut contents = walk.contents;
    contents.setuid = walk.setuid.into_iter().take(FINDINGS_MAX).collect();
    contents.secrets = walk.secrets.into_iter().take(FINDINGS_MAX).collect();
    contents.entrypoint = entrypoint;
    Ok(contents)
}

/// The program that an image starts, as its configuration names it.
fn starts(config: &ImageConfig) -> Option<String> {
    config.entrypoint.first().or(config.cmd.first()).cloned()
}

impl Walk {
    fn entry(&mut self, entry: &layer::Entry, body: &mut dyn Read) {
        self.contents.files += 1;
        self.contents.unpacked_bytes += entry.size;
        let path = absolute(&entry.path);
        if let Some(hidden) = whiteout(&path) {
            self.heads.remove(&hidden);
            self.setuid.remove(&hidden);
            self.secrets.remove(&hidden);
            return;
        }
        match entry.kind {
            EntryKind::File => {
                let mut head = Vec::with_capacity(HEAD_BYTES);
                // A body cut short shows as a short head; the walk itself reports the broken layer.
                let read = body.take(HEAD_BYTES as u64).read_to_end(&mut head);
                if read.is_ok() && entry.mode & 0o111 != 0 {
                    self.heads.insert(path.clone(), Head::File(head.clone()));
                }
                if entry.mode & 0o6000 != 0 {
                    self.setuid.insert(path.clone());
                }
                if holds_secret(&path, &head) {
                    self.secrets.insert(path);
                }
            }
            EntryKind::Symlink | EntryKind::HardLink => {
                if let Some(target) = &entry.link {
                    self.heads.insert(path, Head::Link(target.clone()));
                }
            }
            _ => {}
        }
    }

    fn find(&self, program: &str) -> Entrypoint {
        let candidates: Vec<String> = if program.contains('/') {
            vec![absolute(program)]
        } else {
            [
                "/usr/local/sbin",
                "/usr/local/bin",
                "/usr/sbin",
                "/usr/bin",
                "/sbin",
                "/bin",
            ]
            .iter()
            .map(|folder| format!("{folder}/{program}"))
            .collect()
        };
        for candidate in &candidates {
            if let Some(head) = self.follow(candidate) {
                return Entrypoint {
                    path: candidate.clone(),
                    kind: kind_of(head),
                };
            }
        }
        Entrypoint {
            path: candidates.into_iter().next().unwrap_or_default(),
            kind: EntrypointKind::Absent,
        }
    }

    /// Follows links, at most eight, as the kernel would within the image.
    fn follow(&self, path: &str) -> Option<&[u8]> {
        let mut path = path.to_owned();
        for _ in 0..8 {
            match self.heads.get(&path)? {
                Head::File(head) => return Some(head),
                Head::Link(target) if target.starts_with('/') => path = absolute(target),
                Head::Link(target) => {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    path = absolute(&format!("{folder}/{target}"));
                }
            }
        }
        None
    }
}

fn kind_of(head: &[u8]) -> EntrypointKind {
    if let Some(elf) = oci::elf::machine(head) {
        return EntrypointKind::Elf(elf);
    }
    if head.starts_with(b"#!") {
        EntrypointKind::Script
    } else {
        EntrypointKind::Other
    }
}

/// `a/./b/../c` → `/a/c`, never above the root.
fn absolute(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    format!("/{}", parts.join("/"))
}

fn whiteout(path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/')?;
    let hidden = name.strip_prefix(".wh.")?;
    Some(format!("{folder}/{hidden}"))
}

fn holds_secret(path: &str, head: &[u8]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let key_file = matches!(
        name,
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" | ".netrc" | ".npmrc"
    );
    let cloud = path.ends_with("/.aws/credentials") || path.ends_with("/.docker/config.json");
    let private_key =
        head.starts_with(b"-----BEGIN") && head.windows(11).any(|w| w == b"PRIVATE KEY");
    key_file || cloud || private_key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_image() {
        assert_eq!(absolute("./app/../../etc/passwd"), "/etc/passwd");
        assert_eq!(absolute("app//run"), "/app/run");
        assert_eq!(whiteout("/a/.wh.b").as_deref(), Some("/a/b"));
        assert_eq!(whiteout("/a/b"), None);
    }

    #[test]
    fn private_keys_are_noticed_by_head_and_by_name() {
        assert!(holds_secret(
            "/app/key.pem",
            b"-----BEGIN RSA PRIVATE KEY-----\n"
        ));
        assert!(!holds_secret(
            "/app/cert.pem",
            b"-----BEGIN CERTIFICATE-----\n"
        ));
        assert!(holds_secret("/home/app/.ssh/id_ed25519", b""));
    }
}
