//! TLS for outgoing connections: rustls on ring, Mozilla's roots, and the operator's own authorities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// The largest file of extra authorities.
const CA_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The operator's TLS settings do not work.
#[derive(Debug, thiserror::Error)]
pub enum EgressSetupError {
    /// `egress.ca_file`.
    #[error("egress.ca_file {}: {why}; give a PEM file of certificate authorities", .path.display())]
    CaFile {
        /// As configured.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// rustls and its provider do not fit.
    #[error("TLS could not be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The one client configuration; HTTP/1.1 only, so that one answer is one connection with simple bounds.
pub(super) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, EgressSetupError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = ca_file {
        for certificate in read(path)? {
            roots
                .add(certificate)
                .map_err(|error| ca_file_error(path, error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, EgressSetupError> {
    let found = std::fs::metadata(path)
        .map_err(|error| ca_file_error(path, error.to_string()))?
        .len();
    if found > CA_FILE_BYTES_MAX {
        let why = format!("has {found} bytes, {CA_FILE_BYTES_MAX} are allowed");
        return Err(ca_file_error(path, why));
    }
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| ca_file_error(path, error.to_string()))?;
    if certificates.is_empty() {
        return Err(ca_file_error(path, "holds no certificate".to_owned()));
    }
    Ok(certificates)
}

fn ca_file_error(path: &Path, why: String) -> EgressSetupError {
    EgressSetupError::CaFile {
        path: path.to_owned(),
        why,
    }
}
