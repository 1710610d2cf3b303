//! Self-made certificates for `localhost`, for servers of tests: self-signed, or issued by an authority of the test's own.

use std::io::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A key on P-256 and its self-signed certificate.
pub struct Certificate {
    /// PKCS#8.
    pub key_der: Vec<u8>,
    /// The certificate.
    pub der: Vec<u8>,
    /// The certificate for people and files.
    pub pem: String,
}

impl Certificate {
    /// Makes a fresh one that names `localhost` and `127.0.0.1`.
    pub fn generate() -> std::io::Result<Self> {
        let key = KeyPair::generate().map_err(Error::other)?;
        let params = of_this_machine("Edgemart tests")?;
        let certificate = params.self_signed(&key).map_err(Error::other)?;
        Ok(Self {
            key_der: key.serialize_der(),
            der: certificate.der().to_vec(),
            pem: certificate.pem(),
        })
    }

    /// The key for files.
    pub fn key_pem(&self) -> String {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(&self.key_der);
        format!("-----BEGIN PRIVATE KEY-----\n{encoded}\n-----END PRIVATE KEY-----\n")
    }

    /// Writes the certificate into `folder` and says where.
    pub fn write(&self, folder: &Path) -> std::io::Result<PathBuf> {
        let path = folder.join("certificate.pem");
        std::fs::write(&path, &self.pem)?;
        Ok(path)
    }

    pub(crate) fn server_config(&self) -> std::io::Result<Arc<ServerConfig>> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der.clone()));
        let chain = vec![CertificateDer::from(self.der.clone())];
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(Error::other)?;
        Ok(Arc::new(config))
    }
}

fn of_this_machine(common_name: &str) -> std::io::Result<CertificateParams> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).map_err(Error::other)?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}

/// Issues certificates; a client that trusts it trusts them all.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, for clients.
    pub pem: String,
}

impl Authority {
    /// Makes a fresh one.
    pub fn generate() -> std::io::Result<Self> {
        let key = KeyPair::generate().map_err(Error::other)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(Error::other)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Edgemart tests authority");
        let pem = params.self_signed(&key).map_err(Error::other)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// A certificate for `localhost` and `127.0.0.1` with a common name to tell it from others.
    pub fn issue(&self, common_name: &str) -> std::io::Result<Certificate> {
        let key = KeyPair::generate().map_err(Error::other)?;
        let certificate = of_this_machine(common_name)?
            .signed_by(&key, &self.issuer)
            .map_err(Error::other)?;
        Ok(Certificate {
            key_der: key.serialize_der(),
            der: certificate.der().to_vec(),
            pem: certificate.pem(),
        })
    }
}
