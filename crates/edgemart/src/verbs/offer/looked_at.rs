//! What the rules look at besides the folder: the image of each plan, out of its registry or given by itself, and the links.
//! Images are read by the marketplace's own functions, into a folder that goes with the verb.

use std::path::{Path, PathBuf};

use app::egress::{Egress, EgressPolicy};
use app::error::Refused;
use app::pipeline::{JudgedBy, ReadError, ReadImage, evidence, read_image, write_archive};
use app::upstream::{Credentials, Registry};
use certify::PlanEvidence;
use domain::offer::{Offer, Plan};
use edge::runner::{Archive, Engine};
use oci::{Manifest, RepositoryName};
use store::blobs::Blobs;
use tempfile::TempDir;

use super::{given, registry_login};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::trial::engine;

/// Registries of the own network may have private addresses, and speak plain HTTP if they have no TLS.
const OWN_NETWORKS: [&str; 7] = [
    "127.0.0.0/8",
    "::1",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "fc00::/7",
];

/// A place for images, and the door to registries.
pub(super) struct Bench<'a> {
    global: &'a Global,
    folder: TempDir,
    blobs: Blobs,
    pub(super) egress: Egress,
}

fn disk(why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failure, "there is no place for images")
        .why(why)
        .fix("name a folder with room for them in TMPDIR")
}

/// Our own trouble is told in full here.
fn kept(refused: Refused) -> Failure {
    match refused {
        Refused::Failed(trouble) => disk(trouble),
        other => disk(other),
    }
}

impl<'a> Bench<'a> {
    pub(super) fn open(global: &'a Global) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(disk)?;
        let blobs = format!("file://{}", folder.path().join("images").display());
        let blobs = Blobs::at(&blobs, None).map_err(disk)?;
        let connections = |why: &dyn std::fmt::Display| {
            Failure::new(
                Exit::Failure,
                "connections cannot be set up on this machine",
            )
            .why(why)
        };
        let mut policy = EgressPolicy::allowing(&OWN_NETWORKS).map_err(|e| connections(&e))?;
        if global.url.scheme() == "http" {
            // The token goes there as with every other verb.
            let own = EgressPolicy::allowing(&[&global.registry_host()]);
            policy.insecure = own.map_err(|e| connections(&e))?.allow;
        }
        let egress = Egress::new(policy).map_err(|e| connections(&e))?;
        Ok(Self {
            global,
            folder,
            blobs,
            egress,
        })
    }

    /// A path in the folder that nothing has yet.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The image of a plan in its registry.
    pub(super) async fn pulled(
        &self,
        plan: &Plan,
        known: Option<&JudgedBy>,
    ) -> Result<PlanEvidence, Failure> {
        let image = &plan.image;
        let wrong = |why: String| {
            Failure::new(
                Exit::Invalid,
                format!("the image of plan {} cannot be read", plan.plan),
            )
            .why(why)
            .fix(format!(
                "push it first, or name one on this machine: --image {}=IMAGE",
                plan.plan
            ))
        };
        let own = self.global.registry_host();
        let host = match image.registry.as_str() {
            "" => &own,
            host => host,
        };
        let repository: Result<RepositoryName, _> = image.repository.parse();
        let repository = repository.map_err(|e| wrong(format!("image.repository: {e}")))?;
        tell(&format!(
            "Reading {host}/{repository} for plan {}.",
            plan.plan
        ));
        let credentials = self.credentials(host, &image.repository)?;
        let registry = Registry::new(&self.egress, host, &repository, credentials);
        let registry = registry.map_err(|e| wrong(e.to_string()))?;
        let read = read_image(&registry, plan, &self.blobs).await;
        let read = read.map_err(|problem| match &problem {
            ReadError::Upstream(error) if error.may_pass() => {
                let what = format!("the image of plan {} cannot be read now", plan.plan);
                Failure::new(Exit::Network, what).why(problem)
            }
            ReadError::Upstream(_) => wrong(problem.to_string()),
            ReadError::Storage(_) => disk(problem),
        })?;
        self.evidence(plan, read, known).await
    }

    /// The image of a plan that was given: a name that the engine has, or an archive.
    pub(super) async fn given(
        &self,
        engine: &Engine,
        plan: &Plan,
        (name, image): (&str, &str),
    ) -> Result<PlanEvidence, Failure> {
        let archive = match Path::new(image) {
            file if file.is_file() => file.to_owned(),
            _ => {
                let archive = self.path(&format!("{}.tar", plan.plan));
                let saved = engine.save_image(name, &archive).await;
                saved.map_err(engine::refused)?;
                archive
            }
        };
        let folder = self.path(plan.plan.as_str());
        std::fs::create_dir(&folder).map_err(disk)?;
        let read = given::given(&archive, &folder, &self.blobs).await;
        std::fs::remove_dir_all(&folder).map_err(disk)?;
        let read = read.map_err(|why| {
            Failure::new(Exit::Invalid, format!("{image} cannot be read")).why(why)
        })?;
        self.evidence(plan, read, None).await
    }

    async fn evidence(
        &self,
        plan: &Plan,
        read: ReadImage,
        known: Option<&JudgedBy>,
    ) -> Result<PlanEvidence, Failure> {
        let releases = known.map(|known| known.releases.as_slice());
        let found = evidence(&self.blobs, &plan.plan, read, releases.unwrap_or_default()).await;
        found.map_err(kept)
    }

    /// Writes an image that was read as an archive for the engine, under a name.
    pub(super) async fn write(
        &self,
        manifest: &Manifest,
        name: &str,
        archive: Archive,
    ) -> Result<(), Failure> {
        let written = write_archive(&self.blobs, manifest, name, archive).await;
        written.map_err(kept)
    }

    fn credentials(&self, host: &str, repository: &str) -> Result<Option<Credentials>, Failure> {
        if host != self.global.registry_host() {
            return Ok(registry_login::find(host, repository));
        }
        let token = self.global.token()?;
        Ok(token.map(|token| Credentials::new("token", token)))
    }
}

/// Every address of the listing, where the marketplace asks them too.
pub(super) async fn links(
    egress: &Egress,
    offer: &Offer,
    known: Option<&JudgedBy>,
) -> Option<Vec<certify::LinkEvidence>> {
    match known {
        Some(known) if known.check_links => Some(app::links::check(egress, offer).await),
        _ => None,
    }
}
