//! Where a marketplace is kept, opened by the test itself while no server runs on it (SQLite) or beside the servers
//! (PostgreSQL): to submit, to sign off, and to look whether everything visible is complete.

use std::path::PathBuf;
use std::time::Duration;

use app::accounts::{SignUp, create_account, verify_password};
use app::clock::Clock;
use app::egress::{Egress, EgressPolicy};
use app::folder::read_folder;
use app::offers::{create_offer, put_logo, save_draft};
use app::publishers::{BecomePublisher, Decision, become_publisher, decide_publisher};
use app::registry::TokenKeys;
use app::secrets::SecretKeys;
use app::settings::{Limits, RegistrySettings, Runs, Settings, Transfers};
use app::{App, Parts};
use domain::actor::Actor;
use domain::ids::OfferKey;
use domain::offer::Offer;
use futures_util::TryStreamExt as _;
use oci::{Digest, DigestHasher, Manifest};
use store::StorageKeys;
use testkit::folder::Folder;
use testkit::image::{ImageBuilder, TestImage};
use testkit::registry::{Mode, Registry};

pub const EMAIL: &str = "owner@contoso.example";
pub const PASSWORD: &str = "a long enough password";
/// How long anything may take before the test gives up.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub struct Place {
    pub folder: Folder,
    pub config: PathBuf,
    pub upstream: Registry,
    database_url: String,
    storage_url: String,
    keys: Option<StorageKeys>,
}

impl Place {
    pub async fn new(database_url: Option<String>, storage: Option<(String, StorageKeys)>) -> Self {
        Self::importing(database_url, storage, &[]).await
    }

    /// The same, with more registries that may be imported from.
    pub async fn importing(
        database_url: Option<String>,
        storage: Option<(String, StorageKeys)>,
        hosts: &[String],
    ) -> Self {
        let folder = Folder::new("fleet").unwrap();
        let upstream = Registry::start(Mode::Open).await.unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(&data).unwrap();
        let database_url = database_url
            .unwrap_or_else(|| format!("sqlite://{}", data.join("edgemart.db").display()));
        let (storage_url, keys) = match storage {
            Some((url, keys)) => (url, Some(keys)),
            None => (format!("file://{}", data.join("blobs").display()), None),
        };
        let config = folder.path().join("edgemart.toml");
        let mut hosts = hosts.to_vec();
        hosts.push(upstream.host.clone());
        let text = format!(
            "data = {:?}\ndatabase_url = {database_url:?}\nstorage_url = {storage_url:?}\n\n[egress]\nallow = {hosts:?}\ninsecure = {hosts:?}\n",
            data.display().to_string(),
        );
        std::fs::write(&config, text).unwrap();
        Self {
            folder,
            config,
            upstream,
            database_url,
            storage_url,
            keys,
        }
    }

    /// Sets a key of the configuration file; before its tables.
    pub fn configure(&self, key: &str, value: &str) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        std::fs::write(&self.config, format!("{key} = {value}\n{text}")).unwrap();
    }

    /// Runs a verb of the binary on this place; answers exit code, stdout and stderr.
    pub async fn verb(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_edgemart"))
            .args(arguments)
            .arg("--config")
            .arg(&self.config)
            .envs(self.environment())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        (
            output.status.code().unwrap_or(-1),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    /// What a server process needs in its environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        match &self.keys {
            Some(keys) => vec![
                ("AWS_ACCESS_KEY_ID", keys.access_key_id.clone()),
                ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.clone()),
            ],
            None => Vec::new(),
        }
    }

    /// Metadata and bytes of this place.
    pub async fn store(&self) -> store::Store {
        let keys = self.keys.as_ref();
        store::open(&self.database_url, &self.storage_url, keys)
            .await
            .unwrap()
    }

    /// The use-cases on this place, without any background work.
    pub async fn app(&self) -> App {
        let nowhere = Egress::new(EgressPolicy::default()).unwrap();
        self.app_with(Clock::System, nowhere).await
    }

    /// The use-cases as a process finds them that comes so many microseconds later, when what a dead one held is free
    /// again; it reaches the publishers' registry.
    pub async fn app_after(&self, micros: i64) -> App {
        let mut egress = EgressPolicy::allowing(&[&self.upstream.host]).unwrap();
        egress.insecure.clone_from(&egress.allow);
        let later = Clock::manual(Clock::System.now() + micros);
        self.app_with(later, Egress::new(egress).unwrap()).await
    }

    async fn app_with(&self, clock: Clock, egress: Egress) -> App {
        let data = self.folder.path().join("data");
        App::start(Parts {
            store: self.store().await,
            clock,
            settings: Settings {
                public_url: "http://127.0.0.1:8080".parse().unwrap(),
                registry_host: "127.0.0.1:8080".into(),
                name: "Test market".into(),
                onboarding_contact: "operator@market.example".into(),
                terms_version: "1".into(),
                open_sign_up: true,
                check_links: false,
                limits: Limits::default(),
                runtime: domain::deployment::Runtime::default(),
                registry: RegistrySettings::default(),
                engine: None,
                runs: Runs::default(),
                transfers: Transfers::default(),
            },
            secrets: SecretKeys::open_or_create(&data.join("secrets.key")).unwrap(),
            token_keys: TokenKeys::open_or_create(&data.join("tokens.key")).unwrap(),
            egress,
        })
        .await
        .unwrap()
    }

    /// An approved publisher `contoso`; answers its owner.
    pub async fn found(&self, app: &App) -> Actor {
        let person = async |email: &str, operator| {
            let command = SignUp {
                email: email.into(),
                name: email.into(),
                password: PASSWORD.into(),
            };
            create_account(app, &Actor::System, command, false, operator)
                .await
                .unwrap();
            sign_in(app, email).await
        };
        let operator = person("operator@market.example", true).await;
        let owner = person(EMAIL, false).await;
        let command = BecomePublisher {
            id: "contoso".into(),
            title: "Contoso".into(),
            contact_email: EMAIL.into(),
            terms_version: "1".into(),
            terms_accepted: true,
            ..BecomePublisher::default()
        };
        let publisher = become_publisher(app, &owner, command).await.unwrap();
        decide_publisher(
            app,
            &operator,
            &publisher,
            Decision::Approve { verified: true },
        )
        .await
        .unwrap();
        sign_in(app, EMAIL).await
    }

    /// A draft whose image has layers of noise, so that its import takes a while.
    pub async fn draft(&self, app: &App, owner: &Actor, name: &str, image: &TestImage) -> OfferKey {
        let sample = samples::offers()
            .into_iter()
            .find(|s| s.offer == "temperature-sensor")
            .unwrap();
        let folder = read_folder(|path| Ok(sample.file(path).map(<[u8]>::to_vec))).unwrap();
        let mut offer: Offer = folder.offer;
        offer.publisher = "contoso".parse().unwrap();
        offer.offer = name.parse().unwrap();
        let key = offer.key();
        create_offer(app, owner, &key).await.unwrap();
        let mut revision = 1;
        for (slot, bytes) in folder.logos {
            let digest = put_logo(app, owner, &key, slot, bytes).await.unwrap();
            offer.listing.logos.set(slot, digest.to_string());
            revision += 1;
        }
        let repository = format!("contoso/{name}");
        for tag in ["latest", "1.0.0"] {
            self.upstream
                .push_image(&repository, tag, image)
                .await
                .unwrap();
        }
        offer.plans.truncate(1);
        let source = &mut offer.plans[0].image;
        source.registry.clone_from(&self.upstream.host);
        source.repository = repository;
        source.tags = vec!["latest".into(), "1.0.0".into()];
        save_draft(app, owner, &key, &offer, revision)
            .await
            .unwrap();
        key
    }
}

/// An image that certification accepts, some megabytes large.
pub fn image(seed: usize) -> TestImage {
    let program = samples::image("temperature-sensor", "1.0.0").unwrap();
    let index: serde_json::Value = serde_json::from_slice(&program.index).unwrap();
    assert!(index["manifests"].is_array());
    ImageBuilder::all_platforms()
        .user("1000")
        .noise(2_000_000 + seed)
        .build()
}

pub async fn sign_in(app: &App, email: &str) -> Actor {
    Actor::Account(
        verify_password(app, email, PASSWORD)
            .await
            .unwrap()
            .unwrap(),
    )
}

/// Size and digest of a blob as it is stored.
async fn measure(app: &App, digest: &Digest) -> (i64, Digest) {
    let (_, mut bytes) = app.blobs.open(digest, None).await.unwrap().unwrap();
    let mut hasher = DigestHasher::new(digest.algorithm());
    let mut size = 0;
    while let Some(some) = bytes.try_next().await.unwrap() {
        size += i64::try_from(some.len()).unwrap();
        hasher.update(&some);
    }
    (size, hasher.finish())
}

/// Everything that a registry client can name is complete: every linked manifest parses, its children and blobs are
/// linked to the same repository, and every blob's bytes have its digest. Answers how many blobs were hashed.
pub async fn check_complete(app: &App) -> usize {
    let mut hashed = 0;
    let names = store::registry::repositories(&app.reader, None, 1_000)
        .await
        .unwrap();
    for repo in &names {
        for (digest, _) in store::registry::manifests_of(&app.reader, repo)
            .await
            .unwrap()
        {
            let stored = store::registry::manifest(&app.reader, &digest)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(Digest::sha256_of(&stored.bytes), digest);
            let manifest = Manifest::parse(Some(&stored.media_type), &stored.bytes).unwrap();
            for child in manifest.children() {
                let linked = store::registry::has_manifest(&app.reader, repo, &child.digest)
                    .await
                    .unwrap();
                assert!(
                    linked.is_some(),
                    "{repo}: {digest} lists {} which is not there",
                    child.digest
                );
            }
            for blob in manifest.blobs() {
                let linked = store::registry::has_blob(&app.reader, repo, &blob.digest)
                    .await
                    .unwrap();
                assert!(
                    linked.is_some(),
                    "{repo}: {digest} lists blob {} which is not there",
                    blob.digest
                );
            }
        }
        for (digest, membership) in store::registry::blobs_of(&app.reader, repo).await.unwrap() {
            let (size, found) = measure(app, &digest).await;
            assert_eq!(size, membership.size, "{repo}: {digest}");
            assert_eq!(found, digest, "{repo}");
            hashed += 1;
        }
        for tag in store::registry::tags(&app.reader, repo, None, 1_000)
            .await
            .unwrap()
        {
            let named = store::registry::tag(&app.reader, repo, &tag)
                .await
                .unwrap()
                .unwrap();
            let linked = store::registry::has_manifest(&app.reader, repo, &named)
                .await
                .unwrap();
            assert!(
                linked.is_some(),
                "{repo}:{tag} names {named} which is not there"
            );
        }
    }
    hashed
}
