//! The throwaway certificate authority of a run. Its root is the trust bundle; nothing outside the run knows it, and
//! its keys exist in memory only.
//!
//! Keys are ECDSA P-256, where a device uses RSA-2048: both official SDKs take them, and ring makes no RSA keys.

use std::net::IpAddr;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use ring::rand::SystemRandom;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Days that certificates of a run are valid, from the day before it begins.
const VALID_DAYS: i64 = 30;

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A server: the hub, or a module's own.
    Server,
    /// A client that proves a module's identity.
    Client,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Leaf and root, as PEM.
    pub chain_pem: String,
    /// Private key, PKCS#8 as PEM.
    pub key_pem: String,
    /// When it ends, RFC 3339.
    pub expires: String,
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

/// The authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    root_pem: String,
    valid: (Date, Date),
}

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The certificate library refuses.
    #[error("cannot make a certificate for {name:?}: {problem}")]
    Certificate {
        /// Whom it was for.
        name: String,
        /// What the library says.
        problem: rcgen::Error,
    },
    /// The moment is beyond what a certificate can say.
    #[error("cannot make a certificate that is valid at {0}")]
    Moment(Timestamp),
}

impl Authority {
    /// A new authority, valid around `now`.
    ///
    /// # Errors
    /// No key could be made.
    pub fn new(now: Timestamp) -> Result<Self, AuthorityError> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let moment = |_| AuthorityError::Moment(now);
        let valid = (
            today.checked_sub(1.day()).map_err(moment)?,
            today.checked_add(VALID_DAYS.days()).map_err(moment)?,
        );
        let name = "Edgemart run root";
        let failed = |problem| AuthorityError::Certificate {
            name: name.into(),
            problem,
        };
        let mut params = parameters(name, valid);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        let root = params.self_signed(&key).map_err(failed)?;
        Ok(Self {
            root: root.der().clone(),
            root_pem: root.pem(),
            issuer: Issuer::new(params, key),
            valid,
        })
    }

    /// The root as PEM: the trust bundle.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The root.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// Issues a certificate with the first of `names` as its common name and all of them as alternative names, each a
    /// host name or an address.
    ///
    /// # Errors
    /// A name is no ASCII text, or no key could be made.
    pub fn issue(&self, names: &[&str], purpose: Purpose) -> Result<Issued, AuthorityError> {
        let common = names.first().copied().unwrap_or("nobody");
        let failed = |problem| AuthorityError::Certificate {
            name: common.to_owned(),
            problem,
        };
        let mut params = parameters(common, self.valid);
        for name in names {
            params.subject_alt_names.push(match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName((*name).try_into().map_err(failed)?),
            });
        }
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match purpose {
            Purpose::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Purpose::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        let key = KeyPair::generate().map_err(failed)?;
        let leaf = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Issued {
            chain_pem: format!("{}{}", leaf.pem(), self.root_pem),
            key_pem: key.serialize_pem(),
            expires: format!("{}T00:00:00Z", self.valid.1),
            chain: vec![leaf.der().clone(), self.root.clone()],
            key: key.serialize_der(),
        })
    }
}

impl Issued {
    /// Leaf and root.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    /// The private key.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

fn parameters(name: &str, valid: (Date, Date)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    // Months and days are small and positive; the library wants them unsigned.
    let day = |date: Date| {
        date_time_ymd(
            i32::from(date.year()),
            date.month().unsigned_abs(),
            date.day().unsigned_abs(),
        )
    };
    params.not_before = day(valid.0);
    params.not_after = day(valid.1);
    params
}

/// Random bytes for keys and ids.
///
/// # Errors
/// The system gives none.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], ring::error::Unspecified> {
    ring::rand::generate(&SystemRandom::new()).map(ring::rand::Random::expose)
}
