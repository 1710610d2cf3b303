//! What a certification looks at: an offer and everything that was gathered about it.
//!
//! All of it is plain data, so that the gatherer fills it in and a test writes it down. Nothing here judges.
//! Left out: how the evidence is gathered, and credentials, which no rule needs.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{OfferKey, PlanName};
use domain::matrix::Matrix;
use domain::offer::{LogoSlot, Offer, Plan};
use domain::release::Release;
use oci::{Digest, ImageConfig, Manifest, Platform};

use domain::behaviour::Behaviour;

/// An offer with the evidence on it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The offer as frozen in its submission, or as read from a folder.
    pub offer: Offer,
    /// What became of each logo; a slot left out counts as [`LogoEvidence::Missing`].
    pub logos: BTreeMap<LogoSlot, LogoEvidence>,
    /// One for each plan whose image was fetched.
    pub plans: Vec<PlanEvidence>,
    /// What each address of the offer answered; `None` when the operator allows no outgoing connections.
    pub links: Option<Vec<LinkEvidence>>,
    /// The platforms that count.
    pub matrix: Matrix,
    /// Every release of this offer that went live before, of all plans.
    pub previous: Vec<Release>,
    /// `host/repository` of each plan when it first went live; plans that never did are absent.
    pub first_sources: BTreeMap<PlanName, String>,
    /// `host/repository` → the other offer that takes its images from there.
    pub other_sources: BTreeMap<String, OfferKey>,
    /// Why nobody could look up what the marketplace holds already (`previous`, `first_sources`, `other_sources`); `None`
    /// where it was looked up.
    pub unasked: Option<String>,
    /// The host (with port) under which the marketplace serves images.
    pub registry_host: String,
    /// Were the images fetched? `false` in the offline lint: rules on images are then *not run*.
    pub imported: bool,
    /// What was seen of the modules when they ran.
    pub behaviour: Behaviour,
    /// What a reviewer excused, each with a reason.
    pub waivers: Vec<Waiver>,
}

impl Subject {
    /// An offer of which nothing has been gathered: what the offline lint starts from.
    pub fn offline(offer: Offer, matrix: Matrix, registry_host: impl Into<String>) -> Self {
        Self {
            offer,
            logos: BTreeMap::new(),
            plans: Vec::new(),
            links: None,
            matrix,
            previous: Vec::new(),
            first_sources: BTreeMap::new(),
            other_sources: BTreeMap::new(),
            unasked: Some("the marketplace was not asked what it holds".to_owned()),
            registry_host: registry_host.into(),
            imported: false,
            behaviour: Behaviour::NotRun("the modules were not started".to_owned()),
            waivers: Vec::new(),
        }
    }

    /// `host/repository` that a plan takes its image from; without a registry it is this marketplace's own.
    pub fn source(&self, plan: &Plan) -> String {
        let host = match plan.image.registry.as_str() {
            "" => &self.registry_host,
            host => host,
        };
        format!("{host}/{}", plan.image.repository)
    }

    /// The evidence on one plan's image.
    pub fn evidence(&self, plan: &PlanName) -> Option<&PlanEvidence> {
        self.plans.iter().find(|evidence| &evidence.plan == plan)
    }

    /// The releases of one plan.
    pub fn releases<'a>(&'a self, plan: &'a PlanName) -> impl Iterator<Item = &'a Release> {
        self.previous
            .iter()
            .filter(move |release| &release.plan == plan)
    }
}

/// What became of one logo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoEvidence {
    /// No file was given, or the file named does not exist.
    Missing,
    /// A file was given; `Err` holds why [`domain::logo::check`] refused it.
    Judged(Result<(), String>),
}

/// What a publisher's registry holds for one plan.
#[derive(Clone, Debug)]
pub struct PlanEvidence {
    /// Which plan.
    pub plan: PlanName,
    /// `host/repository` the image was read from.
    pub source: String,
    /// Every declared tag that resolved.
    pub tags: BTreeMap<String, Digest>,
    /// Declared tags that the registry does not have.
    pub missing_tags: Vec<String>,
    /// What the newest `X.Y.Z` names; `None` when it did not resolve.
    pub root: Option<Digest>,
    /// Every manifest that was read: what tags name, and the children of indexes.
    pub manifests: BTreeMap<Digest, Manifest>,
    /// Image configurations, by the digest of *the manifest* they belong to.
    pub configs: BTreeMap<Digest, ImageConfig>,
    /// The images of the newest version, one for each platform; attestations left out.
    pub images: Vec<ImageEvidence>,
    /// Version tags that were published with another digest.
    pub moved_tags: Vec<MovedTag>,
    /// What indexes list and the publisher chose not to bring; nothing is missing there.
    pub left_out: BTreeSet<Digest>,
    /// The image was given by itself, as an archive or from an engine: nothing is known of its tags and its index.
    pub by_itself: bool,
}

/// A version tag that no longer names what was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTag {
    /// `X.Y.Z`.
    pub tag: String,
    /// What the marketplace published.
    pub published: Digest,
    /// What the publisher's registry has now.
    pub found: Digest,
}

/// One platform's image of the newest version.
#[derive(Clone, Debug)]
pub struct ImageEvidence {
    /// Its manifest.
    pub digest: Digest,
    /// The platform the index claims, or the configuration's when there is no index.
    pub platform: Platform,
    /// Configuration and layers as pulled, in bytes; 0 where nobody knows, because no registry packed them yet.
    pub compressed_bytes: u64,
    /// Number of layers.
    pub layers: u32,
    /// What is inside; `Err` says why the layers could not be read.
    pub contents: Result<Contents, String>,
    /// What a scanner found; `None` when the operator configured none.
    pub scan: Option<Scan>,
}

/// What a walk over the layers of one image found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// All files unpacked, in bytes.
    pub unpacked_bytes: u64,
    /// Number of entries.
    pub files: u64,
    /// Paths with the setuid or setgid bit.
    pub setuid: Vec<String>,
    /// The program that starts; `None` when the configuration names none.
    pub entrypoint: Option<Entrypoint>,
    /// Paths of files that hold private keys or cloud credentials, such as `/home/app/.ssh/id_rsa`.
    pub secrets: Vec<String>,
}

/// The program that an image starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrypoint {
    /// Its path inside the image.
    pub path: String,
    /// What stands there.
    pub kind: EntrypointKind,
}

/// What stands at the path of an entry point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntrypointKind {
    /// A program, as its header says ([`oci::elf::machine`]).
    Elf(oci::elf::Elf),
    /// A text with `#!`.
    Script,
    /// Neither a program nor a script.
    Other,
    /// Nothing was found at this path, or nothing that could be followed to a file.
    Absent,
}

/// What a scanner found in one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Name and data version of the scanner.
    pub scanner: String,
    /// Known weaknesses.
    pub vulnerabilities: Vec<Vulnerability>,
    /// Paths that hold malware, each with its name.
    pub malware: Vec<String>,
}

/// One known weakness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vulnerability {
    /// Such as `CVE-2026-0001`.
    pub id: String,
    /// The package and its version.
    pub package: String,
    /// CVSS v3 base score in tenths: 98 is 9.8.
    pub cvss_tenths: u8,
}

/// What one address answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkEvidence {
    /// The address.
    pub url: String,
    /// The field it stands in, such as `listing.privacy_policy_url`.
    pub field: String,
    /// The HTTP status after redirects, or why there was no answer.
    pub status: Result<u16, String>,
    /// The start of the page as plain text, if it was fetched; rule LST-05 looks for settings in it.
    pub text: Option<String>,
}

/// A reviewer's word that one failure at one place is acceptable.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Waiver {
    /// The rule, such as `DEF-05`.
    pub rule: String,
    /// The place exactly as the report names it.
    pub place: String,
    /// Why; a blank reason waives nothing.
    pub reason: String,
    /// The reviewer.
    pub by: String,
}
