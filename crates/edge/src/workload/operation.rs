//! A request of the workload API, from its method, path and query. Pure, and fuzzed.

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

/// Versions of the API that are known; every operation is served in each.
pub const API_VERSIONS: [&str; 7] = [
    "2018-06-28",
    "2019-01-30",
    "2019-10-22",
    "2019-11-05",
    "2020-07-07",
    "2021-12-07",
    "2022-08-03",
];

/// Bytes of a path segment; longer ones are nobody's id.
const SEGMENT_BYTES_MAX: usize = 256;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `GET /trust-bundle`
    TrustBundle,
    /// `GET /manifest-trust-bundle`
    ManifestTrustBundle,
    /// `GET /modules`
    Modules,
    /// `POST /modules/{m}/genid/{g}/sign`
    Sign(Caller),
    /// `POST /modules/{m}/genid/{g}/encrypt`
    Encrypt(Caller),
    /// `POST /modules/{m}/genid/{g}/decrypt`
    Decrypt(Caller),
    /// `POST /modules/{m}/genid/{g}/certificate/server`
    ServerCertificate(Caller),
    /// `POST /modules/{m}/certificate/identity`
    IdentityCertificate {
        /// Module id.
        module: String,
    },
}

/// Who a path says is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Module id, percent-decoded.
    pub module: String,
    /// Generation id, percent-decoded.
    pub generation: String,
}

/// Why a request is none; rendered as `{"message":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// What is wrong.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

impl Operation {
    /// Name of the operation, for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TrustBundle => "trust-bundle",
            Self::ManifestTrustBundle => "manifest-trust-bundle",
            Self::Modules => "modules",
            Self::Sign(_) => "sign",
            Self::Encrypt(_) => "encrypt",
            Self::Decrypt(_) => "decrypt",
            Self::ServerCertificate(_) => "server-certificate",
            Self::IdentityCertificate { .. } => "identity-certificate",
        }
    }
}

/// Reads a request.
///
/// # Errors
/// No known version is named, there is no such path, or it has not this method.
pub fn parse(method: &Method, path: &str, query: Option<&str>) -> Result<Operation, Refusal> {
    check_version(query)?;
    let absent = || {
        let shown: String = path.chars().take(200).collect();
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no {shown:?} in the workload API"),
        )
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Option<Vec<String>> = path
        .strip_prefix('/')
        .ok_or_else(absent)?
        .split('/')
        .map(segment)
        .collect();
    let segments = segments.ok_or_else(absent)?;
    let names: Vec<&str> = segments.iter().map(String::as_str).collect();
    let caller = |module: &str, generation: &str| Caller {
        module: module.to_owned(),
        generation: generation.to_owned(),
    };
    let (wanted, operation) = match names.as_slice() {
        ["trust-bundle"] => (Method::GET, Operation::TrustBundle),
        ["manifest-trust-bundle"] => (Method::GET, Operation::ManifestTrustBundle),
        ["modules"] => (Method::GET, Operation::Modules),
        ["modules", m, "genid", g, "sign"] => (Method::POST, Operation::Sign(caller(m, g))),
        ["modules", m, "genid", g, "encrypt"] => (Method::POST, Operation::Encrypt(caller(m, g))),
        ["modules", m, "genid", g, "decrypt"] => (Method::POST, Operation::Decrypt(caller(m, g))),
        ["modules", m, "genid", g, "certificate", "server"] => {
            (Method::POST, Operation::ServerCertificate(caller(m, g)))
        }
        ["modules", m, "certificate", "identity"] => (
            Method::POST,
            Operation::IdentityCertificate {
                module: (*m).to_owned(),
            },
        ),
        _ => return Err(absent()),
    };
    if *method == wanted {
        Ok(operation)
    } else {
        Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!(
                "{} is asked for with {wanted}, not {method}",
                operation.name()
            ),
        ))
    }
}

/// The version a query names.
pub fn version(query: Option<&str>) -> Option<String> {
    let named = query?
        .split('&')
        .find_map(|pair| pair.strip_prefix("api-version="))?;
    Some(
        percent_decode_str(named)
            .decode_utf8_lossy()
            .chars()
            .take(40)
            .collect(),
    )
}

fn check_version(query: Option<&str>) -> Result<(), Refusal> {
    match version(query) {
        None => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "api-version not specified",
        )),
        Some(version) if API_VERSIONS.contains(&version.as_str()) => Ok(()),
        Some(version) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("invalid api-version {version:?}"),
        )),
    }
}

/// A decoded segment, unless it is too long, no UTF-8, or holds a slash.
fn segment(raw: &str) -> Option<String> {
    if raw.len() > SEGMENT_BYTES_MAX {
        return None;
    }
    let decoded = percent_decode_str(raw).decode_utf8().ok()?;
    (!decoded.contains('/')).then(|| decoded.into_owned())
}
