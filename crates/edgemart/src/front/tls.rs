//! TLS by certificate files (rustls on ring, TLS 1.2 and 1.3). The files are looked at every few seconds; a new pair that
//! fits is used for connections from then on, a broken one is told and the old pair stays. Connections live on with what
//! they began with. Getting certificates (ACME) is left out: certbot and its kind write files.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;

/// What TLS calls HTTP/2 (RFC 9113, section 3.2).
pub(super) const SECOND_VERSION: &[u8] = b"h2";
const FIRST_VERSION: &[u8] = b"http/1.1";
/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A chain of certificates is a few KiB.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// PEM: our certificate first, then its issuers, without the root.
    pub(crate) certificate: PathBuf,
    /// PEM: PKCS#8, SEC1 or PKCS#1, not encrypted.
    pub(crate) key: PathBuf,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The file system said no.
    #[error("tls: {} could not be read: {source}", .path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("tls: {} has more than {FILE_BYTES_MAX} bytes; it should hold PEM certificates or one PEM key", .0.display())]
    Large(PathBuf),
    #[error("tls: {} holds no certificate in PEM form ({why}); it should begin with -----BEGIN CERTIFICATE-----", .path.display())]
    NoCertificate { path: PathBuf, why: String },
    #[error("tls: {} holds no private key in PEM form ({why}); an encrypted key must be decrypted first", .path.display())]
    NoKey { path: PathBuf, why: String },
    #[error("tls: the certificate {} and the key {} cannot be used together: {source}", .files.certificate.display(), .files.key.display())]
    NoPair {
        files: TlsFiles,
        source: rustls::Error,
    },
}

/// What tells that a file was replaced or rewritten: size, time of change in nanoseconds, inode.
type Stamp = Option<(u64, i64, i64, u64)>;

/// What one look leaves for the next.
struct Seen {
    /// Of the pair that was read last.
    stamps: (Stamp, Stamp),
    /// The trouble that was told last: met again, it is not told again.
    told: Option<String>,
}

/// The pair in use.
pub(crate) struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
    /// The files as they were just before the pair in use was read.
    first_seen: (Stamp, Stamp),
}

impl Tls {
    /// Reads the files for the first time; a pair that does not fit is refused here.
    pub(crate) fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let first_seen = stamps(&files);
        let config = read(&files)?;
        if readable_by_others(&files.key) {
            tracing::warn!(key = %files.key.display(), "every user of this machine may read the private key; chmod o-rwx keeps it private");
        }
        Ok(Self {
            files,
            current: RwLock::new(Arc::new(config)),
            first_seen,
        })
    }

    /// What new connections are served with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// Follows the files until `stop` turns true.
    pub(crate) async fn follow(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut seen = Seen {
            stamps: self.first_seen,
            told: None,
        };
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.changed() => return,
            }
            self.look(&mut seen);
        }
    }

    /// Reads the files when they are not what they were. A pair that could not be read is tried at every look: what mends
    /// it, such as a change of mode or owner, need not show in the stamps.
    fn look(&self, seen: &mut Seen) {
        // Taken before reading: what changes while it is read is read again.
        let stamps = stamps(&self.files);
        if stamps == seen.stamps {
            return;
        }
        match self.read_again() {
            Ok(()) => *seen = Seen { stamps, told: None },
            Err(error) => {
                let error = error.to_string();
                if seen.told.as_ref() != Some(&error) {
                    tracing::error!(%error, "the new certificate is not used; the one before stays");
                    seen.told = Some(error);
                }
            }
        }
    }

    fn read_again(&self) -> Result<(), TlsError> {
        let config = read(&self.files)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // A config of its own also drops the sessions of the old one, so that no client resumes past the change.
        *current = Arc::new(config);
        tracing::info!(certificate = %self.files.certificate.display(), "a new certificate is in use");
        Ok(())
    }
}

fn stamps(files: &TlsFiles) -> (Stamp, Stamp) {
    (stamp(&files.certificate), stamp(&files.key))
}

/// Follows symbolic links, because that is how certbot and Kubernetes swap files.
fn stamp(path: &Path) -> Stamp {
    let told = std::fs::metadata(path).ok()?;
    Some((told.len(), told.mtime(), told.mtime_nsec(), told.ino()))
}

fn readable_by_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|told| told.mode() & 0o007 != 0)
}

fn read(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = key(&files.key)?;
    let refused = |source| TlsError::NoPair {
        files: files.clone(),
        source,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(refused)?;
    config.alpn_protocols = vec![SECOND_VERSION.to_vec(), FIRST_VERSION.to_vec()];
    Ok(config)
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(TlsError::Large(path.to_owned()));
    }
    Ok(bytes)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let none = |why: String| TlsError::NoCertificate {
        path: path.to_owned(),
        why,
    };
    let chain = CertificateDer::pem_slice_iter(&bytes(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| none(error.to_string()))?;
    if chain.is_empty() {
        return Err(none("nothing of that kind is in it".into()));
    }
    Ok(chain)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&bytes(path)?).map_err(|error| TlsError::NoKey {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::certificate::Authority;
    use testkit::folder::Folder;

    #[test]
    fn what_is_wrong_with_the_files_is_told() {
        let folder = Folder::new("tls").unwrap();
        let authority = Authority::generate().unwrap();
        let issued = authority.issue("one").unwrap();
        let other = authority.issue("other").unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        write("good.pem", &issued.pem);
        write("good.key", &issued.key_pem());
        write("other.key", &other.key_pem());
        write("empty.pem", "");
        write(
            "noise.pem",
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
        );
        let told = |certificate: &str, key: &str| {
            let files = TlsFiles {
                certificate: path(certificate),
                key: path(key),
            };
            match Tls::open(files) {
                Ok(_) => String::new(),
                Err(error) => error.to_string(),
            }
        };
        assert_eq!(told("good.pem", "good.key"), "");
        assert!(told("good.pem", "other.key").contains("together"));
        assert!(told("empty.pem", "good.key").contains("no certificate"));
        assert!(told("noise.pem", "good.key").contains("no certificate"));
        assert!(told("good.pem", "good.pem").contains("no private key"));
        assert!(told("absent.pem", "good.key").contains("could not be read"));
    }

    /// Whatever made the files unreadable for a moment, and mended them without a trace in size, time and inode.
    #[test]
    fn a_pair_that_could_not_be_read_is_tried_again() {
        let folder = Folder::new("tls-again").unwrap();
        let authority = Authority::generate().unwrap();
        let (first, second) = (
            authority.issue("one").unwrap(),
            authority.issue("two").unwrap(),
        );
        let files = TlsFiles {
            certificate: folder.path().join("pair.pem"),
            key: folder.path().join("pair.key"),
        };
        std::fs::write(&files.certificate, &first.pem).unwrap();
        std::fs::write(&files.key, first.key_pem()).unwrap();
        let tls = Tls::open(files.clone()).unwrap();
        let mut seen = Seen {
            stamps: tls.first_seen,
            told: None,
        };
        let before = tls.current();

        std::fs::write(&files.key, second.key_pem()).unwrap();
        let spoiled = second.pem.replace("-----BEGIN", "-----begin");
        std::fs::write(&files.certificate, spoiled).unwrap();
        let as_it_was = std::fs::metadata(&files.certificate).unwrap();
        tls.look(&mut seen);
        assert!(Arc::ptr_eq(&before, &tls.current()), "the old pair stays");

        std::fs::write(&files.certificate, &second.pem).unwrap();
        let file = std::fs::File::options()
            .write(true)
            .open(&files.certificate)
            .unwrap();
        file.set_modified(as_it_was.modified().unwrap()).unwrap();
        tls.look(&mut seen);
        assert!(
            !Arc::ptr_eq(&before, &tls.current()),
            "the new pair is in use"
        );
    }
}
