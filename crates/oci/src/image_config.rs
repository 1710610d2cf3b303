//! The image configuration (image-spec config.md; Docker's has the same shape): platform, defaults to run with, history
//! and the digests of the unpacked layers.
//!
//! Read, never written: the exact bytes are a blob. Fields that certification does not ask for are left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::descriptor::null_is_empty;
use crate::digest::Digest;
use crate::json::{self, JsonError, Known};
use crate::platform::{Platform, PlatformError};

/// The largest image configuration, in bytes.
pub const CONFIG_BYTES_MAX: usize = 4 * 1024 * 1024;

const KNOWN: Known = Known {
    keys: &[
        "architecture",
        "os",
        "variant",
        "config",
        "rootfs",
        "history",
        "diff_ids",
        "User",
        "Env",
        "Entrypoint",
        "Cmd",
        "ExposedPorts",
        "Labels",
        "Volumes",
        "WorkingDir",
        "StopSignal",
    ],
    objects: &["config", "rootfs"],
    lists: &["history"],
};

/// Why bytes are not an image configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageConfigError {
    /// Over [`CONFIG_BYTES_MAX`].
    #[error("image configuration may have {CONFIG_BYTES_MAX} bytes, found {found}")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// Not JSON, or a value of the wrong type; tells line and column.
    #[error("image configuration: {0}")]
    Json(#[from] JsonError),
}

/// What an image says about itself. Empty texts count as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// Operating system, as written.
    pub os: Option<String>,
    /// Architecture, as written.
    pub architecture: Option<String>,
    /// Variant, as written.
    pub variant: Option<String>,
    /// When the image was built, as written (RFC 3339 is expected).
    pub created: Option<String>,
    /// `user`, `user:group` or numbers; absent means root.
    pub user: Option<String>,
    /// `NAME=value`, in order.
    pub env: Vec<String>,
    /// The program.
    pub entrypoint: Vec<String>,
    /// Its arguments, or the program when there is no entry point.
    pub cmd: Vec<String>,
    /// `port`, `port/tcp` or `port/udp`, sorted.
    pub exposed_ports: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Paths declared as volumes, sorted.
    pub volumes: Vec<String>,
    /// Directory the program starts in.
    pub working_dir: Option<String>,
    /// Signal that asks the program to stop.
    pub stop_signal: Option<String>,
    /// How the layers came to be, lowest first.
    pub history: Vec<History>,
    /// Digests of the unpacked layers, lowest first; one for each layer of the manifest.
    pub diff_ids: Vec<Digest>,
}

/// One step of an image's history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct History {
    /// The command, as the builder wrote it.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub created_by: String,
    /// The step made no layer.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub empty_layer: bool,
}

#[derive(Deserialize)]
struct Document {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    created: Option<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    config: Run,
    #[serde(default, deserialize_with = "null_is_empty")]
    history: Vec<History>,
    #[serde(default, deserialize_with = "null_is_empty")]
    rootfs: RootFs,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Run {
    user: Option<String>,
    #[serde(deserialize_with = "null_is_empty")]
    env: Vec<String>,
    #[serde(deserialize_with = "words")]
    entrypoint: Vec<String>,
    #[serde(deserialize_with = "words")]
    cmd: Vec<String>,
    #[serde(deserialize_with = "null_is_empty")]
    exposed_ports: BTreeMap<String, serde::de::IgnoredAny>,
    #[serde(deserialize_with = "null_is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_is_empty")]
    volumes: BTreeMap<String, serde::de::IgnoredAny>,
    working_dir: Option<String>,
    stop_signal: Option<String>,
}

#[derive(Default, Deserialize)]
struct RootFs {
    #[serde(default, deserialize_with = "null_is_empty")]
    diff_ids: Vec<Digest>,
}

/// A list of words, or one word: Docker reads both.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list of strings or one string")]
    enum Words {
        Many(Vec<String>),
        One(String),
    }
    Ok(match Option::<Words>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Words::Many(words)) => words,
        Some(Words::One(word)) => vec![word],
    })
}

impl ImageConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Over [`CONFIG_BYTES_MAX`], not JSON, too deep, or a value of the wrong type.
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageConfigError> {
        if bytes.len() > CONFIG_BYTES_MAX {
            return Err(ImageConfigError::TooLarge { found: bytes.len() });
        }
        json::check(bytes, KNOWN)?;
        let Document {
            os,
            architecture,
            variant,
            created,
            config,
            history,
            rootfs,
        } = serde_json::from_slice(bytes).map_err(JsonError::from)?;
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self {
            os: said(os),
            architecture: said(architecture),
            variant: said(variant),
            created: said(created),
            user: said(config.user),
            env: config.env,
            entrypoint: config.entrypoint,
            cmd: config.cmd,
            exposed_ports: config.exposed_ports.into_keys().collect(),
            labels: config.labels,
            volumes: config.volumes.into_keys().collect(),
            working_dir: said(config.working_dir),
            stop_signal: said(config.stop_signal),
            history,
            diff_ids: rootfs.diff_ids,
        })
    }

    /// The platform the image says it was built for, as written; compare it normalised. `None` when operating system
    /// or architecture is absent, as in artifacts with the empty configuration.
    ///
    /// # Errors
    /// When a part breaks the platform grammar.
    pub fn platform(&self) -> Result<Option<Platform>, PlatformError> {
        match (&self.os, &self.architecture) {
            (Some(os), Some(architecture)) => {
                Platform::new(os, architecture, self.variant.as_deref()).map(Some)
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_field_is_read() {
        let digest = Digest::sha256_of(b"");
        let text = format!(
            r#"{{"created":"2026-01-02T03:04:05Z","architecture":"arm","os":"linux","variant":"v7","author":"x",
            "config":{{"User":"1000:1000","ExposedPorts":{{"80/tcp":{{}},"53/udp":{{}}}},"Env":["A=1","B=2"],
              "Entrypoint":["/run"],"Cmd":"now","Volumes":{{"/data":{{}}}},"WorkingDir":"/app","StopSignal":"SIGTERM",
              "Labels":{{"user":"label"}},"OnBuild":null}},
            "rootfs":{{"type":"layers","diff_ids":["{digest}"]}},
            "history":[{{"created_by":"COPY x"}},{{"created_by":"ENV A","empty_layer":true}}]}}"#
        );
        let config = ImageConfig::parse(text.as_bytes()).unwrap();
        assert_eq!(
            config.platform().unwrap().unwrap().to_string(),
            "linux/arm/v7"
        );
        assert_eq!(config.user.as_deref(), Some("1000:1000"));
        assert_eq!(config.env, ["A=1", "B=2"]);
        assert_eq!(
            (config.entrypoint, config.cmd),
            (vec!["/run".to_owned()], vec!["now".to_owned()])
        );
        assert_eq!(config.exposed_ports, ["53/udp", "80/tcp"]);
        assert_eq!(config.labels["user"], "label");
        assert_eq!(config.volumes, ["/data"]);
        assert_eq!(config.working_dir.as_deref(), Some("/app"));
        assert_eq!(config.stop_signal.as_deref(), Some("SIGTERM"));
        assert_eq!(config.created.as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(config.diff_ids, [digest]);
        assert!(!config.history[0].empty_layer && config.history[1].empty_layer);
        assert_eq!(config.history[0].created_by, "COPY x");
    }

    #[test]
    fn absent_null_and_empty_are_the_same() {
        let nulls = br#"{"os":"","architecture":null,"config":{"User":"","Env":null,"Cmd":null,"Labels":null},"history":null,"rootfs":null}"#;
        assert_eq!(ImageConfig::parse(nulls).unwrap(), ImageConfig::default());
        assert_eq!(
            ImageConfig::parse(br#"{"config":null}"#).unwrap(),
            ImageConfig::default()
        );
        let empty = ImageConfig::parse(b"{}").unwrap();
        assert_eq!(empty.platform(), Ok(None));
    }

    #[test]
    fn refused_with_the_right_reason() {
        let table = [
            ("", "EOF"),
            ("[]", "expected an object"),
            (r#"{"os":1}"#, "invalid type"),
            (r#"{"os":"linux","os":"windows"}"#, "appears twice"),
            (r#"{"os":"linux","OS":"windows"}"#, "written unlike 'os'"),
            (r#"{"config":{"user":"x"}}"#, "written unlike 'User'"),
            (r#"{"config":{"Env":[1]}}"#, "invalid type"),
            (
                r#"{"config":{"Cmd":{}}}"#,
                "a list of strings or one string",
            ),
            (r#"{"rootfs":{"diff_ids":["md5:1"]}}"#, "not supported"),
        ];
        for (text, expected) in table {
            let error = ImageConfig::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let large = " ".repeat(CONFIG_BYTES_MAX + 1);
        let found = CONFIG_BYTES_MAX + 1;
        assert_eq!(
            ImageConfig::parse(large.as_bytes()),
            Err(ImageConfigError::TooLarge { found })
        );
        assert!(
            ImageConfig::parse(br#"{"os":"li/nux","architecture":"x"}"#)
                .unwrap()
                .platform()
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>) {
            let _ = ImageConfig::parse(&bytes);
        }
    }
}
