//! A marketplace in this process with its jobs running, a publisher, and that publisher's own registry: Debian's
//! `docker-registry`, seeded with sample images.

use std::collections::BTreeMap;
use std::time::Duration;

use app::accounts::{SignUp, create_account, verify_password};
use app::clock::Clock;
use app::egress::{Egress, EgressPolicy};
use app::folder::read_folder;
use app::offers::{create_offer, put_logo, save_draft, submit_offer};
use app::publishers::{BecomePublisher, Decision, become_publisher, decide_publisher};
use app::registry::TokenKeys;
use app::secrets::SecretKeys;
use app::settings::{Limits, RegistrySettings, Runs, Settings, Transfers};
use app::{App, Parts};
use domain::actor::Actor;
use domain::ids::OfferKey;
use domain::lifecycle::State;
use domain::offer::Offer;
use store::Store;
use store::submissions::Submission;
use testkit::folder::Folder;
use testkit::image::{TestImage, TestManifest};
use testkit::registry::{Mode, Registry};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a step of the pipeline may take before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "a long enough password";

pub struct Market {
    pub app: App,
    pub upstream: Registry,
    pub owner: Actor,
    pub reviewer: Actor,
    pub store: Store,
    egress: EgressPolicy,
    pub operator: Actor,
    stop: watch::Sender<bool>,
    background: Vec<JoinHandle<()>>,
    keys: Folder,
}

impl Drop for Market {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

async fn person(app: &App, email: &str, reviewer: bool, operator: bool) -> Actor {
    let command = SignUp {
        email: email.into(),
        name: email.into(),
        password: PASSWORD.into(),
    };
    create_account(app, &Actor::System, command, reviewer, operator)
        .await
        .unwrap();
    signed_in(app, email).await
}

async fn signed_in(app: &App, email: &str) -> Actor {
    Actor::Account(
        verify_password(app, email, PASSWORD)
            .await
            .unwrap()
            .unwrap(),
    )
}

fn settings() -> Settings {
    Settings {
        public_url: "http://127.0.0.1:8080".parse().unwrap(),
        registry_host: "127.0.0.1:8080".into(),
        name: "Test market".into(),
        onboarding_contact: "operator@market.example".into(),
        terms_version: "1".into(),
        open_sign_up: true,
        check_links: false,
        limits: Limits::default(),
        runtime: domain::deployment::Runtime::default(),
        engine: None,
        runs: Runs::default(),
        registry: RegistrySettings::default(),
        transfers: Transfers::default(),
    }
}

/// The use-cases on a store, with nobody in it and no background work.
pub async fn start(store: Store, egress: EgressPolicy, keys: &Folder) -> App {
    start_with(store, egress, keys, |_| {}).await
}

/// The same with settings of the test's own.
pub async fn start_with(
    store: Store,
    egress: EgressPolicy,
    keys: &Folder,
    change: impl FnOnce(&mut Settings),
) -> App {
    let mut settings = settings();
    change(&mut settings);
    App::start(Parts {
        store,
        clock: Clock::System,
        settings,
        secrets: SecretKeys::open_or_create(&keys.path().join("secrets.key")).unwrap(),
        token_keys: TokenKeys::ephemeral().unwrap(),
        egress: Egress::new(egress).unwrap(),
    })
    .await
    .unwrap()
}

impl Market {
    pub async fn open(store: Store) -> Self {
        Self::open_with(store, &[], |_| {}).await
    }

    /// The same, with more registries that may be imported from.
    pub async fn open_to(store: Store, hosts: &[String]) -> Self {
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        Self::open_with(store, &hosts, |_| {}).await
    }

    /// The same with settings of the test's own.
    pub async fn open_with(
        store: Store,
        hosts: &[&str],
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let upstream = Registry::start(Mode::Open).await.unwrap();
        let keys = Folder::new("keys").unwrap();
        let mut allowed: Vec<&str> = hosts.to_vec();
        allowed.push(&upstream.host);
        let mut egress = EgressPolicy::allowing(&allowed).unwrap();
        egress.insecure.clone_from(&egress.allow);
        let app = start_with(store.clone(), egress.clone(), &keys, change).await;
        let (stop, stopped) = watch::channel(false);
        let background = app.spawn_background(&stopped);
        let operator = person(&app, "operator@market.example", false, true).await;
        let reviewer = person(&app, "reviewer@market.example", true, false).await;
        let owner = person(&app, "owner@contoso.example", false, false).await;
        let command = BecomePublisher {
            id: "contoso".into(),
            title: "Contoso".into(),
            contact_email: "owner@contoso.example".into(),
            terms_version: "1".into(),
            terms_accepted: true,
            ..BecomePublisher::default()
        };
        let publisher = become_publisher(&app, &owner, command).await.unwrap();
        let approve = Decision::Approve { verified: true };
        decide_publisher(&app, &operator, &publisher, approve)
            .await
            .unwrap();
        let owner = signed_in(&app, "owner@contoso.example").await;
        Self {
            app,
            upstream,
            owner,
            reviewer,
            store,
            egress,
            operator,
            stop,
            background,
            keys,
        }
    }

    /// Ends this process's work wherever it stands, and begins anew on the same store.
    pub async fn restart(&mut self) {
        self.pause().await;
        self.app = start(self.store.clone(), self.egress.clone(), &self.keys).await;
        let (stop, stopped) = watch::channel(false);
        self.background = self.app.spawn_background(&stopped);
        self.stop = stop;
    }

    /// Ends the work in the background; [`Market::restart`] takes it up again.
    pub async fn pause(&mut self) {
        self.stop.send_replace(true);
        for task in self.background.drain(..) {
            task.await.unwrap();
        }
    }

    /// Another process on the same store, with settings of its own and no work in the background.
    pub async fn replica(&self, change: impl FnOnce(&mut Settings)) -> App {
        start_with(self.store.clone(), self.egress.clone(), &self.keys, change).await
    }

    /// Seeds the upstream registry with the images of one sample repository.
    pub async fn seed(&self, repository: &str) {
        for seed in samples::images().unwrap() {
            if seed.repository == repository {
                self.push(repository, &seed.tags, &test_image(seed.image))
                    .await;
            }
        }
    }

    pub async fn push(&self, repository: &str, tags: &[(String, String)], image: &TestImage) {
        for (tag, digest) in tags {
            let mut tagged = image.clone();
            let at = tagged
                .manifests
                .iter()
                .position(|m| m.digest == *digest)
                .unwrap();
            let top = tagged.manifests.remove(at);
            // An index is pushed after its children; a child that gets a tag of its own needs none of them.
            if top.digest != image.top().digest {
                tagged.manifests.clear();
            }
            tagged.manifests.push(top);
            self.upstream
                .push_image(repository, tag, &tagged)
                .await
                .unwrap();
        }
    }

    /// A sample's offer as a saved draft, its images coming from the upstream registry.
    pub async fn draft(&self, name: &str) -> Offer {
        let sample = samples::offers()
            .into_iter()
            .find(|s| s.offer == name)
            .unwrap();
        let folder = read_folder(|path| Ok(sample.file(path).map(<[u8]>::to_vec))).unwrap();
        let mut offer = folder.offer;
        offer.publisher = "contoso".parse().unwrap();
        let key = offer.key();
        create_offer(&self.app, &self.owner, &key).await.unwrap();
        for (slot, bytes) in folder.logos {
            let digest = put_logo(&self.app, &self.owner, &key, slot, bytes)
                .await
                .unwrap();
            offer.listing.logos.set(slot, digest.to_string());
        }
        for plan in &mut offer.plans {
            plan.image.registry.clone_from(&self.upstream.host);
        }
        self.save(&offer).await;
        offer
    }

    /// The temperature sensor as a saved draft whose image comes from `host`, under two tags.
    pub async fn draft_from(&self, host: String, repository: &str) -> Offer {
        let mut offer = self.draft("temperature-sensor").await;
        let source = &mut offer.plans[0].image;
        source.registry = host;
        repository.clone_into(&mut source.repository);
        source.tags = vec!["latest".into(), "1.0.0".into()];
        self.save(&offer).await;
        offer
    }

    pub async fn save(&self, offer: &Offer) {
        let key = offer.key();
        let row = store::offers::find(&self.app.reader, &key)
            .await
            .unwrap()
            .unwrap();
        save_draft(&self.app, &self.owner, &key, offer, row.revision)
            .await
            .unwrap();
    }

    pub async fn submit(&self, key: &OfferKey) -> String {
        submit_offer(&self.app, &self.owner, key, "").await.unwrap()
    }

    /// Waits until a submission is in one of these states; any other end fails the test with its reason.
    pub async fn wait(&self, id: &str, states: &[State]) -> Submission {
        self.wait_within(id, states, PATIENCE).await
    }

    /// The same with another patience.
    pub async fn wait_within(&self, id: &str, states: &[State], patience: Duration) -> Submission {
        let look = async {
            loop {
                let found = store::submissions::find(&self.app.reader, id)
                    .await
                    .unwrap()
                    .unwrap();
                if states.contains(&found.state) {
                    return found;
                }
                assert!(
                    !found.state.is_final(),
                    "{:?}: {:?}\n{:#?}",
                    found.state,
                    found.failure,
                    failures(&found)
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(patience, look).await {
            Ok(found) => found,
            Err(_) => panic!("submission {id} did not reach {states:?}"),
        }
    }

    /// Waits until the catalog shows what `check` looks for.
    pub async fn wait_for_catalog(&self, check: impl Fn(&App) -> bool) {
        let look = async {
            while !check(&self.app) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look)
            .await
            .expect("the catalog did not follow");
    }

    /// Submits, waits for the preview, signs off, waits until live.
    pub async fn publish(&self, key: &OfferKey) -> Submission {
        let id = self.submit(key).await;
        self.wait(&id, &[State::Preview]).await;
        app::offers::go_live(&self.app, &self.owner, &id)
            .await
            .unwrap();
        self.wait(&id, &[State::Live]).await
    }
}

/// Codes and evidence of everything in a report that is not fine.
pub fn failures(submission: &Submission) -> BTreeMap<String, Vec<String>> {
    let Some(report) = &submission.report else {
        return BTreeMap::new();
    };
    let report: certify::Report = serde_json::from_value(report.clone()).unwrap();
    let mut found = BTreeMap::new();
    for result in &report.results {
        let told: Vec<String> = result.failures().map(|f| format!("{f:?}")).collect();
        if !told.is_empty() {
            found.insert(result.code.to_string(), told);
        }
    }
    found
}

pub fn test_image(image: samples::Image) -> TestImage {
    let index = TestManifest {
        digest: image.index_digest,
        media_type: image.index_media_type.into(),
        bytes: image.index,
    };
    let children = image.children.into_iter().map(|child| TestManifest {
        digest: child.digest,
        media_type: child.media_type.into(),
        bytes: child.bytes,
    });
    TestImage {
        manifests: children.chain([index]).collect(),
        blobs: image.blobs,
        absent: Vec::new(),
    }
}
