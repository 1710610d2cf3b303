//! The support matrix: which platforms a module must, should or may have. Data that the operator can change;
//! the default is what the runtime supports in production (domain facts §11) and product ruling 10.

use oci::Platform;
use serde::{Deserialize, Serialize};

/// How a platform counts in certification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Demand {
    /// A module promising `all` platforms must have it.
    Required,
    /// Its absence only warns.
    Recommended,
}

/// One platform of the matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixRow {
    /// Such as `linux/arm/v7`.
    pub platform: Platform,
    /// Required or recommended.
    pub demand: Demand,
    /// Hosts it stands for, for readers.
    #[serde(default)]
    pub examples: String,
}

/// The whole matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// Rows in display order.
    pub platforms: Vec<MatrixRow>,
    /// May an offer promise only `any` of them?
    pub any_allowed: bool,
}

fn linux(architecture: &str, variant: Option<&str>) -> Platform {
    Platform {
        os: "linux".into(),
        architecture: architecture.into(),
        variant: variant.map(Into::into),
    }
}

impl Default for Matrix {
    fn default() -> Self {
        let row = |platform, demand, examples: &str| MatrixRow {
            platform,
            demand,
            examples: examples.into(),
        };
        Self {
            platforms: vec![
                row(
                    linux("amd64", None),
                    Demand::Required,
                    "industrial PCs; Ubuntu, RHEL, Azure Linux",
                ),
                row(
                    linux("arm64", None),
                    Demand::Recommended,
                    "Raspberry Pi 4 and 5 (64-bit); Ubuntu",
                ),
                row(
                    linux("arm", Some("v7")),
                    Demand::Required,
                    "Raspberry Pi 2 to 4 (32-bit); Debian",
                ),
            ],
            any_allowed: true,
        }
    }
}

impl Matrix {
    /// Platforms with a given demand.
    pub fn with(&self, demand: Demand) -> impl Iterator<Item = &Platform> {
        self.platforms
            .iter()
            .filter(move |row| row.demand == demand)
            .map(|row| &row.platform)
    }
}
