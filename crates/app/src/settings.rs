//! What the operator decided, parsed and complete. The binary builds it from flags, environment and file;
//! nothing in here is read from anywhere else.

use std::time::Duration;

use edge::runner::{Limits as RunLimits, Pace};
use url::Url;

/// Everything use-cases need to know about this installation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach the marketplace, such as `https://market.example`. Never taken from a Host header.
    pub public_url: Url,
    /// Where devices pull, such as `market.example` or `127.0.0.1:8080`.
    pub registry_host: String,
    /// Name of this marketplace in titles and tokens.
    pub name: String,
    /// Who answers new publishers.
    pub onboarding_contact: String,
    /// Version of the marketplace terms that publishers accept.
    pub terms_version: String,
    /// May people sign up by themselves?
    pub open_sign_up: bool,
    /// Ask the addresses of a listing whether they answer?
    pub check_links: bool,
    /// Bounds on bytes and counts.
    pub limits: Limits,
    /// Images of the runtime in generated manifests.
    pub runtime: domain::deployment::Runtime,
    /// How `/v2` behaves.
    pub registry: RegistrySettings,
    /// Where modules are run for certification, such as `unix:///run/podman/podman.sock`; none: they are not run.
    pub engine: Option<String>,
    /// How they are run there.
    pub runs: Runs,
    /// How slow the other side of a transfer may be.
    pub transfers: Transfers,
}

/// How modules are run for certification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runs {
    /// Modules that this process runs at once.
    pub parallel_max: usize,
    /// How long each step of a run takes.
    pub pace: Pace,
    /// What a module may take.
    pub limits: RunLimits,
    /// Bytes that an image may take at the engine, unpacked; a larger one is not run.
    pub image_unpacked_bytes_max: u64,
    /// Are images for other architectures run, where the engine's machine has an emulator?
    pub emulated: bool,
    /// When live modules are run again; none: never.
    pub nightly: Option<Nightly>,
}

/// When and how live modules are run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nightly {
    /// Minutes after midnight, UTC, when the night begins.
    pub from_minute: u32,
    /// Minutes it lasts, at most a day.
    pub minutes: u32,
    /// Modules run in one night.
    pub modules_max: usize,
    /// How long the hub is away.
    pub outage: Duration,
}

impl Default for Nightly {
    fn default() -> Self {
        Self {
            from_minute: 60,
            minutes: 240,
            modules_max: 200,
            outage: Duration::from_secs(60),
        }
    }
}

impl Default for Runs {
    fn default() -> Self {
        Self {
            parallel_max: 2,
            pace: Pace::default(),
            limits: RunLimits::default(),
            image_unpacked_bytes_max: 8 * 1024 * 1024 * 1024,
            emulated: true,
            nightly: None,
        }
    }
}

/// How slow the other side of a transfer may be, in either direction. There is no limit on the whole of one, since a large
/// layer on a thin line takes hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfers {
    /// Without a single byte.
    pub silence_max: Duration,
    /// Time over which its rate is measured…
    pub window: Duration,
    /// …and what must move in that time: less than the thinnest line carries, more than a trickle that only holds a
    /// connection.
    pub window_bytes_min: u64,
}

impl Default for Transfers {
    fn default() -> Self {
        Self {
            silence_max: Duration::from_secs(300),
            window: Duration::from_secs(600),
            window_bytes_min: 64 * 1024,
        }
    }
}

/// How the image registry behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrySettings {
    /// What a client without credentials is asked for.
    pub challenge: Challenge,
    /// For closed labs: whoever comes to `/v2` without credentials acts as the account with this address. The binary
    /// refuses it beyond loopback.
    pub lab_account: Option<String>,
    /// May a manifest be pushed to `incoming/…` before all that it lists is there? (distribution-spec "sparse"; an
    /// import checks that everything is there in any case.)
    pub sparse_manifests: bool,
    /// Hours after which unused content is removed; none: never, unless the operator asks for it.
    pub gc_grace_hours: Option<u32>,
    /// What pulls of a module are answered whose publisher stopped selling it.
    pub on_stop: OnStop,
    /// The same when it was stopped because of a security issue.
    pub on_security_stop: OnStop,
    /// Seconds for which a client that asks for a blob is sent to a signed address of the object store; none: blobs are
    /// served here.
    pub redirect_seconds: Option<u32>,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self {
            challenge: Challenge::Bearer,
            lab_account: None,
            sparse_manifests: true,
            gc_grace_hours: Some(crate::registry::GC_GRACE_HOURS),
            on_stop: OnStop::Warn,
            on_security_stop: OnStop::Warn,
            redirect_seconds: None,
        }
    }
}

/// What a pull of a stopped module is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStop {
    /// The image, with a warning that clients show: who has it keeps it.
    #[default]
    Warn,
    /// A refusal that says why.
    Deny,
}

/// How a registry client is told to sign in. Credentials of either kind are always understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Challenge {
    /// Fetch a token from `/token`; what every engine knows, and the only way that needs no password per request.
    #[default]
    Bearer,
    /// Send the name and an access token each time; for clients that know nothing else.
    Basic,
}

/// Every bound that an operator may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest blob, pushed or imported.
    pub blob_bytes_max: u64,
    /// All bytes of one plan's image, every platform together.
    pub image_bytes_max: u64,
    /// Manifests in one image, nested indexes included.
    pub manifests_per_image_max: usize,
    /// Layers fetched at once.
    pub import_parallel_max: usize,
    /// Hours that a preview token lives.
    pub preview_hours_max: u32,
    /// Jobs run at once by this process; one place is never taken by imports and the like, so there are at least two.
    pub jobs_parallel_max: usize,
    /// What one publisher may hold in the registry.
    pub quota: Quota,
    /// Hours after a takedown in which it can be lifted; then the bytes go.
    pub takedown_hours_max: u32,
    /// What names and manifests of the registry may be like.
    pub intake: Intake,
    /// Requests a minute that one client may make of the registry; zero: any number.
    pub requests_per_minute_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            blob_bytes_max: 10 * 1024 * 1024 * 1024,
            image_bytes_max: 40 * 1024 * 1024 * 1024,
            manifests_per_image_max: 64,
            import_parallel_max: 4,
            preview_hours_max: 14 * 24,
            jobs_parallel_max: 3,
            quota: Quota::default(),
            takedown_hours_max: 30 * 24,
            intake: Intake::default(),
            requests_per_minute_max: 0,
        }
    }
}

/// What names and manifests may be like that come into the registry. What is there already stays readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intake {
    /// Bytes of a repository name that is pushed to.
    pub name_bytes_max: usize,
    /// Parts of such a name, between slashes.
    pub name_parts_max: usize,
    /// Bytes of one manifest.
    pub manifest_bytes_max: usize,
    /// Layers, configurations and images that one manifest lists.
    pub manifest_entries_max: usize,
    /// Layers of one image that is imported.
    pub layers_per_image_max: usize,
    /// Tags of one repository that is pushed to; zero: only the publisher's quota counts.
    pub repository_tags_max: u64,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            name_bytes_max: oci::REPOSITORY_NAME_BYTES_MAX,
            name_parts_max: 16,
            manifest_bytes_max: oci::MANIFEST_BYTES_MAX,
            manifest_entries_max: oci::DESCRIPTORS_MAX,
            layers_per_image_max: crate::upstream::LAYERS_MAX,
            repository_tags_max: 0,
        }
    }
}

/// What one publisher may hold in the registry, in `incoming/…` and in its modules' repositories together; each thing
/// counts once. Zero: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of layers, configurations, manifests and uploads under way.
    pub bytes_max: u64,
    /// Repositories.
    pub repositories_max: u64,
    /// Tags in all of them.
    pub tags_max: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            bytes_max: 500 * 1024 * 1024 * 1024,
            repositories_max: 1_000,
            tags_max: 100_000,
        }
    }
}
