//! The keys of `edgemart.toml`. Every key is optional; `docs/reference/configuration.md` shows them all.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use app::egress::EgressPolicy;
use app::settings::{Challenge, Nightly, OnStop, RegistrySettings, Runs, Transfers};
use domain::deployment::Runtime;
use edge::runner::{self, Pace};
use serde::Deserialize;

use super::ConfigError;
use super::limits::LimitsFile;
use crate::logging::LogFormat;

/// The file as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    /// Address and port to listen on.
    pub(super) listen: Option<SocketAddr>,
    /// Allow plain HTTP on an address that other machines reach.
    pub(super) insecure_http: bool,
    /// PEM file of the certificate and its issuers.
    pub(super) tls_certificate: Option<PathBuf>,
    /// PEM file of its private key.
    pub(super) tls_key: Option<PathBuf>,
    /// Seconds that requests under way get after a stop.
    pub(super) stop_seconds_max: Option<u64>,
    /// `text` or `json`.
    pub(super) log_format: Option<LogFormat>,
    /// What is logged, in the language of `tracing`.
    pub(super) log: Option<String>,
    /// Folder of the database, blobs and keys.
    pub(super) data: Option<PathBuf>,
    /// Where people reach the marketplace.
    pub(super) public_url: Option<String>,
    /// Where devices pull; the host of `public_url` unless given.
    pub(super) registry_host: Option<String>,
    /// `sqlite:///…` or `postgres://…`.
    pub(super) database_url: Option<String>,
    /// `file:///…` or `s3://bucket/prefix?endpoint=…`.
    pub(super) storage_url: Option<String>,
    /// Name of the marketplace.
    pub(super) name: Option<String>,
    /// Who answers new publishers.
    pub(super) onboarding_contact: Option<String>,
    /// Version of the terms that publishers accept.
    pub(super) terms_version: Option<String>,
    /// May people sign up by themselves?
    pub(super) open_sign_up: Option<bool>,
    /// Ask the addresses of a listing whether they answer?
    pub(super) check_links: bool,
    /// Peers whose forwarding headers count.
    pub(super) trusted_proxies: Vec<IpAddr>,
    /// Where the server may connect to on a publisher's word.
    pub(super) egress: EgressPolicy,
    /// Bounds.
    pub(super) limits: LimitsFile,
    /// Images of the runtime in generated manifests.
    pub(super) runtime: RuntimeFile,
    /// How `/v2` behaves.
    pub(super) registry: RegistryFile,
    /// How modules are certified.
    pub(super) certification: CertificationFile,
    /// How slow the other side may be.
    pub(super) transfers: TransfersFile,
}

/// `[runtime]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RuntimeFile {
    agent_image: Option<String>,
    hub_image: Option<String>,
}

impl RuntimeFile {
    pub(super) fn apply(self) -> Runtime {
        let default = Runtime::default();
        Runtime {
            agent_image: self.agent_image.unwrap_or(default.agent_image),
            hub_image: self.hub_image.unwrap_or(default.hub_image),
        }
    }
}

/// `[certification]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CertificationFile {
    /// Where modules are run.
    pub(super) engine: Option<String>,
    /// Modules run at once.
    parallel_max: Option<NonZeroU32>,
    /// When live modules are run again, such as `01:00-05:00`, UTC.
    nightly: Option<NightWord>,
    /// Modules run in one night.
    nightly_modules_max: Option<NonZeroU32>,
    /// Images for other architectures are run where the machine has an emulator.
    emulated: Option<bool>,
    /// Minutes in which a module has to renew its token by itself.
    long_run_minutes: Option<u32>,
    /// Memory that a module is given at most.
    memory_bytes_max: Option<MemoryWord>,
    /// Processor time, in thousandths of a core.
    cpu_permille_max: Option<NonZeroU32>,
    /// Processes and threads.
    processes_max: Option<NonZeroU32>,
    /// Bytes of an image, unpacked.
    image_unpacked_bytes_max: Option<NonZeroU64>,
}

/// Less than this no engine gives.
const MEMORY_BYTES_MIN: u64 = 16 * 1024 * 1024;

/// Bytes of memory.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u64")]
struct MemoryWord(u64);

impl TryFrom<u64> for MemoryWord {
    type Error = String;

    fn try_from(bytes: u64) -> Result<Self, String> {
        if bytes < MEMORY_BYTES_MIN {
            return Err(format!(
                "{bytes} bytes of memory are less than any engine gives; give {MEMORY_BYTES_MIN} or more"
            ));
        }
        Ok(Self(bytes))
    }
}

/// Billionths of a core in a thousandth.
pub(super) const NANO_CPUS_PER_PERMILLE: u64 = 1_000_000;

/// `HH:MM-HH:MM`, UTC; an end before the beginning is on the next day.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct NightWord {
    from_minute: u32,
    minutes: u32,
}

impl TryFrom<String> for NightWord {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no span of time; write it as 01:00-05:00, in UTC");
        let minute = |time: &str| {
            let (hour, minute) = time.trim().split_once(':')?;
            let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = minute(from).zip(minute(to)).ok_or_else(wrong)?;
        let day = 24 * 60;
        Ok(Self {
            from_minute: from,
            // From a time to itself is the whole day.
            minutes: (to + day - from - 1) % day + 1,
        })
    }
}

impl CertificationFile {
    pub(super) fn runs(&self) -> Runs {
        let default = Runs::default();
        Runs {
            parallel_max: self.parallel_max.map_or(default.parallel_max, |most| {
                usize::try_from(most.get()).unwrap_or(usize::MAX)
            }),
            nightly: self.nightly.map(|night| Nightly {
                from_minute: night.from_minute,
                minutes: night.minutes,
                modules_max: self
                    .nightly_modules_max
                    .map_or(Nightly::default().modules_max, |most| {
                        usize::try_from(most.get()).unwrap_or(usize::MAX)
                    }),
                ..Nightly::default()
            }),
            pace: Pace {
                renewal_max: self
                    .long_run_minutes
                    .map_or(default.pace.renewal_max, |long| {
                        Duration::from_secs(u64::from(long) * 60)
                    }),
                ..default.pace
            },
            emulated: self.emulated.unwrap_or(default.emulated),
            limits: self.run_limits(default.limits),
            image_unpacked_bytes_max: self
                .image_unpacked_bytes_max
                .map_or(default.image_unpacked_bytes_max, NonZeroU64::get),
        }
    }

    fn run_limits(&self, default: runner::Limits) -> runner::Limits {
        runner::Limits {
            memory_bytes_max: self
                .memory_bytes_max
                .map_or(default.memory_bytes_max, |most| most.0),
            nano_cpus_max: self.cpu_permille_max.map_or(default.nano_cpus_max, |most| {
                u64::from(most.get()) * NANO_CPUS_PER_PERMILLE
            }),
            processes_max: self
                .processes_max
                .map_or(default.processes_max, |most| most.get().into()),
        }
    }
}

/// `[registry]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RegistryFile {
    challenge: ChallengeWord,
    pub(super) lab_account: Option<String>,
    sparse_manifests: Option<bool>,
    gc_grace_hours: Option<u32>,
    stop_selling: StopWord,
    security_stop: StopWord,
    redirect_seconds: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StopWord {
    #[default]
    Warn,
    Deny,
}

impl StopWord {
    fn apply(self) -> OnStop {
        match self {
            Self::Warn => OnStop::Warn,
            Self::Deny => OnStop::Deny,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChallengeWord {
    #[default]
    Bearer,
    Basic,
}

/// A signed address cannot be taken back.
const REDIRECT_SECONDS_MAX: u32 = 3_600;

impl RegistryFile {
    pub(super) fn apply(self) -> Result<RegistrySettings, ConfigError> {
        let default = RegistrySettings::default();
        let seconds = self.redirect_seconds.unwrap_or_default();
        if seconds > REDIRECT_SECONDS_MAX {
            return Err(ConfigError(format!(
                "registry.redirect_seconds is {seconds}; give 0 to {REDIRECT_SECONDS_MAX}: an address that was given out opens its layer until then, also after a takedown"
            )));
        }
        Ok(RegistrySettings {
            challenge: match self.challenge {
                ChallengeWord::Bearer => Challenge::Bearer,
                ChallengeWord::Basic => Challenge::Basic,
            },
            lab_account: self
                .lab_account
                .map(|email| email.trim().to_lowercase())
                .filter(|email| !email.is_empty()),
            sparse_manifests: self.sparse_manifests.unwrap_or(default.sparse_manifests),
            gc_grace_hours: match self.gc_grace_hours {
                None => default.gc_grace_hours,
                Some(hours) => (hours > 0).then_some(hours),
            },
            on_stop: self.stop_selling.apply(),
            on_security_stop: self.security_stop.apply(),
            redirect_seconds: (seconds > 0).then_some(seconds),
        })
    }
}

/// `[transfers]`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TransfersFile {
    silence_seconds_max: Option<NonZeroU32>,
    window_seconds: Option<NonZeroU32>,
    window_bytes_min: Option<u64>,
}

impl TransfersFile {
    pub(super) fn apply(self) -> Transfers {
        let default = Transfers::default();
        let given = |seconds: Option<NonZeroU32>, default| {
            seconds.map_or(default, |seconds| {
                Duration::from_secs(u64::from(seconds.get()))
            })
        };
        Transfers {
            silence_max: given(self.silence_seconds_max, default.silence_max),
            window: given(self.window_seconds, default.window),
            window_bytes_min: self.window_bytes_min.unwrap_or(default.window_bytes_min),
        }
    }
}

impl File {
    /// Reads and parses the file.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            ConfigError(format!(
                "the configuration {} could not be read: {e}",
                path.display()
            ))
        })?;
        Self::parse(&text).map_err(|error| ConfigError(format!("{}: {error}", path.display())))
    }

    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let message = error.to_string();
            match nearest(error.message()) {
                Some(known) => ConfigError(format!("{message}did you mean `{known}`?")),
                None => ConfigError(message),
            }
        })
    }
}

/// From "unknown field `x`, expected one of `a`, `b`": the known key with the fewest edits to `x`.
fn nearest(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    quoted
        .min_by_key(|known| strsim::damerau_levenshtein(wrong, known))
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_reads_as_a_span_of_time() {
        let read = |text: &str| {
            let file = File::parse(&format!("[certification]\nnightly = {text:?}"))?;
            let night = file.certification.runs().nightly;
            Ok(night.map(|night| (night.from_minute, night.minutes)))
        };
        let found = |text: &str| read(text).unwrap_or_else(|e: ConfigError| panic!("{text}: {e}"));
        assert_eq!(found("01:00-05:00"), Some((60, 240)));
        assert_eq!(found("22:30-02:00"), Some((1350, 210)));
        assert_eq!(found("00:00-00:00"), Some((0, 1440)));
        for wrong in ["", "1-5", "01:00", "24:00-05:00", "01:60-02:00", "-"] {
            let error = read(wrong).map(drop).unwrap_err().to_string();
            assert!(error.contains("01:00-05:00"), "{wrong}: {error}");
        }
    }

    #[test]
    fn limits_of_a_run_are_read_and_shown_again() {
        let text = "[certification]\nemulated = false\nlong_run_minutes = 70\nmemory_bytes_max = 1073741824\ncpu_permille_max = 1500\nprocesses_max = 99\nimage_unpacked_bytes_max = 7\n";
        let runs = File::parse(text).unwrap().certification.runs();
        assert!(!runs.emulated);
        assert_eq!(runs.pace.renewal_max.as_secs(), 4_200);
        assert_eq!(runs.limits.memory_bytes_max, 1 << 30);
        assert_eq!(runs.limits.nano_cpus_max, 1_500_000_000);
        assert_eq!(runs.limits.processes_max, 99);
        assert_eq!(runs.image_unpacked_bytes_max, 7);
        let default = File::parse("").unwrap().certification.runs();
        assert_eq!(default, Runs::default());
        let little = File::parse("[certification]\nmemory_bytes_max = 1000000");
        let error = little.unwrap_err().to_string();
        assert!(error.contains("16777216 or more"), "{error}");
    }

    #[test]
    fn unknown_keys_name_the_nearest_known_one() {
        let error = File::parse("listn = \"127.0.0.1:1\"")
            .unwrap_err()
            .to_string();
        assert!(error.contains("did you mean `listen`?"), "{error}");
        let error = File::parse("[limits]\nblob_byte_max = 1")
            .unwrap_err()
            .to_string();
        assert!(error.contains("did you mean `blob_bytes_max`?"), "{error}");
    }

    #[test]
    fn addresses_of_the_store_do_not_live_for_days() {
        let seconds = |text: &str| File::parse(text).unwrap().registry.apply();
        let error = seconds("[registry]\nredirect_seconds = 3601").unwrap_err();
        assert!(error.to_string().contains("give 0 to 3600"), "{error}");
        let given = seconds("[registry]\nredirect_seconds = 3600").unwrap();
        assert_eq!(given.redirect_seconds, Some(3_600));
    }
}
