//! What the operator took down: gone from search, page and manifest on every replica, denied to devices with the reason,
//! back after lifting, and without bytes once its time is over. What other releases are made of stays.

use std::collections::BTreeMap;

use app::App;
use app::admin::{TakeDown, lift_takedown, take_down};
use app::catalog::Query;
use app::deploy::{Choice, Form, NoManifest, manifest};
use app::egress::EgressPolicy;
use app::error::Refused;
use app::registry::{Caller, Refusal, find_blob, find_manifest};
use app::settings::Settings;
use domain::ids::OfferKey;
use domain::lifecycle::State;
use domain::offer::Offer;
use oci::{Digest, Manifest, Reference};
use store::Store;
use testkit::engines::for_each_engine;
use testkit::folder::Folder;
use testkit::image::TestImage;
use tokio::sync::watch;

use crate::market::{Market, start, test_image};

pub const WHY: &str = "Its image holds a leaked key.";

pub fn whole(key: &OfferKey) -> TakeDown {
    TakeDown {
        key: key.clone(),
        release: None,
        reason: WHY.into(),
    }
}

fn found(app: &App) -> usize {
    let query = Query {
        text: "temperature".into(),
        ..Query::default()
    };
    app.catalog.snapshot().search(&query).total
}

/// What a device is answered: nothing when it gets the manifest.
pub async fn pull(app: &App, repo: &str, name: &str) -> Option<String> {
    let reference: Reference = name.parse().unwrap();
    let asked = find_manifest(app, &Caller::Anonymous, &repo.parse().unwrap(), &reference).await;
    match asked {
        Ok(_) => None,
        Err(Refusal::Denied(why)) => Some(why),
        Err(other) => panic!("{repo} {name}: {other:?}"),
    }
}

pub async fn pull_blob(app: &App, repo: &str, digest: &Digest) -> Option<String> {
    match find_blob(app, &Caller::Anonymous, &repo.parse().unwrap(), digest).await {
        Ok(_) => None,
        Err(Refusal::Denied(why)) => Some(why),
        Err(other) => panic!("{repo} {digest}: {other:?}"),
    }
}

/// The blobs of every image that a digest stands for.
pub async fn blobs(app: &App, root: &Digest) -> Vec<Digest> {
    let (mut waiting, mut found) = (vec![root.clone()], Vec::new());
    while let Some(digest) = waiting.pop() {
        let stored = store::registry::manifest(&app.reader, &digest)
            .await
            .unwrap()
            .unwrap();
        let manifest = Manifest::parse(Some(&stored.media_type), &stored.bytes).unwrap();
        waiting.extend(manifest.children().iter().map(|child| child.digest.clone()));
        found.extend(manifest.blobs().map(|blob| blob.digest.clone()));
    }
    found
}

async fn published(market: &Market) -> (Offer, String, Digest) {
    market.seed("contoso/temperature-sensor").await;
    let offer = market.draft("temperature-sensor").await;
    let key = offer.key();
    market.publish(&key).await;
    market.wait_for_catalog(|app| found(app) == 1).await;
    let module = market.app.catalog.module(&key).unwrap();
    let plan = &module.plans[0];
    (
        offer,
        plan.repository.clone(),
        plan.releases[0].digest.clone(),
    )
}

async fn module_down_and_back(store: Store) {
    let second = Store {
        reader: store.reader.clone(),
        writer: store.writer.clone(),
        blobs: store.blobs.clone(),
    };
    let market = Market::open(store).await;
    let (offer, repo, digest) = published(&market).await;
    let key = offer.key();
    let keys = Folder::new("keys").unwrap();
    let replica = start(second, EgressPolicy::default(), &keys).await;
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(app::catalog::follow(replica.clone(), stopped));
    assert_eq!(found(&replica), 1);
    let before = market.app.catalog.module(&key).unwrap();

    let app = &market.app;
    let by_owner = take_down(app, &market.owner, whole(&key)).await;
    assert!(
        matches!(by_owner, Err(Refused::Forbidden(_))),
        "{by_owner:?}"
    );
    let silent = TakeDown {
        reason: "  ".into(),
        ..whole(&key)
    };
    let silent = take_down(app, &market.operator, silent).await;
    assert!(matches!(silent, Err(Refused::Invalid(_))), "{silent:?}");
    let id = take_down(app, &market.operator, whole(&key)).await.unwrap();
    let twice = take_down(app, &market.operator, whole(&key)).await;
    assert!(matches!(twice, Err(Refused::Conflict(_))), "{twice:?}");

    market.wait_for_catalog(|app| found(app) == 0).await;
    market.wait_for_catalog(|_| found(&replica) == 0).await;
    for app in [app, &replica] {
        match app.module(&key) {
            Err(Refused::Gone { reason, .. }) => assert_eq!(reason, WHY),
            other => panic!("{:?}", other.err()),
        }
        let blob = blobs(app, &digest).await.remove(0);
        for name in ["latest", "1.2.0", digest.as_str()] {
            let why = pull(app, &repo, name).await.expect("it is denied");
            assert!(why.contains(WHY), "{why}");
        }
        assert!(pull_blob(app, &repo, &blob).await.unwrap().contains(WHY));
    }
    assert!(
        store::registry::blocked_digests::is_blocked(&app.reader, &digest)
            .await
            .unwrap(),
        "nobody brings it back under another name"
    );
    let again = app::offers::submit_offer(app, &market.owner, &key, "").await;
    match again {
        Err(Refused::Conflict(why)) => assert!(why.contains(WHY), "{why}"),
        other => panic!("{other:?}"),
    }
    let events = store::events::of_subject(&app.reader, "offer", &key.to_string(), 5).await;
    assert_eq!(events.unwrap()[0].kind, "taken_down");

    let nothing = lift_takedown(app, &market.operator, &id, "").await;
    assert!(nothing.is_err(), "lifting needs a reason, too");
    lift_takedown(app, &market.operator, &id, "The key was revoked.")
        .await
        .unwrap();
    market.wait_for_catalog(|app| found(app) == 1).await;
    market.wait_for_catalog(|_| found(&replica) == 1).await;
    assert_eq!(
        app.module(&key).unwrap().plans[0].releases,
        before.plans[0].releases
    );
    for name in ["latest", "1.2.0", digest.as_str()] {
        assert_eq!(pull(app, &repo, name).await, None, "{name}");
    }
    let kept = store::takedowns::find(&app.reader, &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.lifted.unwrap().reason, "The key was revoked.");
    let late = lift_takedown(app, &market.operator, &id, "Once more.").await;
    assert!(matches!(late, Err(Refused::Conflict(_))), "{late:?}");
    market.publish(&key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_is_taken_down_and_lifted() {
    for_each_engine(module_down_and_back).await;
}

/// A second version of the sensor, upstream and in the offer: another sample's image, on the same base.
async fn with_second_version(market: &Market, offer: &mut Offer) -> Digest {
    let other = samples::images()
        .unwrap()
        .into_iter()
        .find(|seed| seed.repository == "contoso/heartbeat")
        .unwrap();
    let image = test_image(other.image);
    let top = image.top().digest.clone();
    let tags: Vec<(String, String)> = ["1.3.0", "1.3", "latest"]
        .map(|tag| (tag.to_owned(), top.clone()))
        .to_vec();
    market
        .push("contoso/temperature-sensor", &tags, &image)
        .await;
    let listed = &mut offer.plans[0].image.tags;
    listed.extend(["1.3.0".to_owned(), "1.3".to_owned()]);
    market.save(offer).await;
    top.parse().unwrap()
}

async fn release_down(store: Store) {
    let market = Market::open(store).await;
    let (mut offer, repo, older) = published(&market).await;
    let key = offer.key();
    let count = |app: &App| app.catalog.module(&key).unwrap().plans[0].releases.len();
    let before = count(&market.app);
    let newer = with_second_version(&market, &mut offer).await;
    market.publish(&key).await;
    market
        .wait_for_catalog(|app| count(app) == before + 1)
        .await;
    let app = &market.app;
    let plan = offer.plans[0].plan.clone();
    let release = |version: &str| TakeDown {
        release: Some((plan.clone(), version.parse().unwrap())),
        ..whole(&key)
    };
    let none = take_down(app, &market.operator, release("9.9.9")).await;
    assert!(matches!(none, Err(Refused::NotFound { .. })), "{none:?}");
    let id = take_down(app, &market.operator, release("1.3.0"))
        .await
        .unwrap();
    market.wait_for_catalog(|app| count(app) == before).await;
    assert_eq!(found(app), 1, "the module stays in search with what stands");
    let latest = store::registry::tag(&app.reader, &repo, "latest")
        .await
        .unwrap();
    assert_eq!(
        latest.as_ref(),
        Some(&older),
        "latest is the newest that stands"
    );
    for name in ["1.3.0", "1.3", newer.as_str()] {
        assert!(
            pull(app, &repo, name).await.unwrap().contains(WHY),
            "{name}"
        );
    }
    for name in ["latest", "1.2.0", older.as_str()] {
        assert_eq!(pull(app, &repo, name).await, None, "{name}");
    }
    for blob in blobs(app, &older).await {
        assert_eq!(
            pull_blob(app, &repo, &blob).await,
            None,
            "what stands is whole"
        );
    }
    let module = app.module(&key).unwrap();
    let choice = Choice {
        version: Some("1.3.0".into()),
        ..Choice::default()
    };
    match manifest(app, &module, plan.as_str(), Form::Full, &choice) {
        Err(NoManifest::Refused(Refused::Gone { reason, .. })) => assert_eq!(reason, WHY),
        other => panic!("{other:?}"),
    }
    assert!(manifest(app, &module, plan.as_str(), Form::Full, &Choice::default()).is_ok());

    // The same image does not come in again; without its tags the offer goes on.
    let refused = market.submit(&key).await;
    let refused = market
        .wait(&refused, &[State::Rejected])
        .await
        .failure
        .unwrap();
    assert!(
        refused.contains(WHY) && refused.contains("sha256:"),
        "{refused}"
    );
    lift_takedown(app, &market.operator, &id, "A false alarm.")
        .await
        .unwrap();
    market
        .wait_for_catalog(|app| count(app) == before + 1)
        .await;
    let latest = store::registry::tag(&app.reader, &repo, "latest")
        .await
        .unwrap();
    assert_eq!(latest.as_ref(), Some(&newer));
    market.publish(&key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_taken_down_alone() {
    for_each_engine(release_down).await;
}

/// The bytes of a takedown go at once.
pub fn at_once(settings: &mut Settings) {
    settings.limits.takedown_hours_max = 0;
}

/// Versions 1.2.0 and 1.3.0 of one module, both live.
pub struct BothVersions {
    pub market: Market,
    pub offer: Offer,
    pub repo: String,
    /// Blobs of 1.2.0.
    pub kept: Vec<Digest>,
    /// Blobs of 1.3.0 alone.
    pub going: Vec<Digest>,
}

impl BothVersions {
    /// Where the bytes of a takedown go at once.
    async fn open(store: Store) -> Self {
        Self::open_with(store, at_once).await
    }

    pub async fn open_with(store: Store, change: impl FnOnce(&mut Settings)) -> Self {
        let market = Market::open_with(store, &[], change).await;
        let (mut offer, repo, older) = published(&market).await;
        let newer = with_second_version(&market, &mut offer).await;
        market.publish(&offer.key()).await;
        let kept = blobs(&market.app, &older).await;
        let mut going = blobs(&market.app, &newer).await;
        going.retain(|blob| !kept.contains(blob));
        assert!(!going.is_empty(), "the images differ");
        Self {
            market,
            offer,
            repo,
            kept,
            going,
        }
    }

    /// 1.3.0 goes, 1.2.0 stays.
    fn newer_down(&self) -> TakeDown {
        self.down("1.3.0")
    }

    /// The layers of 1.3.0 under new manifests, upstream as 1.4.0 and in the offer.
    pub async fn push_mended(&mut self) {
        self.offer.plans[0].image.tags = vec!["1.4.0".into(), "latest".into()];
        let other = samples::images().unwrap().into_iter();
        let other = other
            .map(|seed| (seed.repository, seed.image))
            .find(|(repository, _)| *repository == "contoso/heartbeat")
            .unwrap();
        let image = rebuilt(test_image(other.1));
        let tags = ["1.4.0", "latest"].map(|tag| (tag.to_owned(), image.top().digest.clone()));
        self.market
            .push("contoso/temperature-sensor", &tags, &image)
            .await;
        self.market.save(&self.offer).await;
    }

    pub fn down(&self, version: &str) -> TakeDown {
        TakeDown {
            release: Some((self.offer.plans[0].plan.clone(), version.parse().unwrap())),
            ..whole(&self.offer.key())
        }
    }
}

async fn purged(store: Store) {
    let both = BothVersions::open(store).await;
    let BothVersions {
        market,
        repo,
        kept,
        going,
        ..
    } = &both;
    let app = &market.app;
    let id = take_down(app, &market.operator, both.newer_down())
        .await
        .unwrap();
    wait_until_gone(app, going).await;
    for blob in kept {
        assert!(
            app.blobs.size(blob).await.unwrap().is_some(),
            "{blob} is of 1.2.0, too"
        );
        assert_eq!(pull_blob(app, repo, blob).await, None);
    }
    for blob in going {
        assert!(pull_blob(app, repo, blob).await.unwrap().contains(WHY));
    }
    assert!(pull(app, repo, "1.3.0").await.unwrap().contains(WHY));
    match lift_takedown(app, &market.operator, &id, "Too late.").await {
        Err(Refused::Conflict(why)) => assert!(why.contains("bytes are gone"), "{why}"),
        other => panic!("{other:?}"),
    }
}

pub async fn wait_until_gone(app: &App, blobs: &[Digest]) {
    let gone = async {
        loop {
            let mut left = 0;
            for blob in blobs {
                left += usize::from(app.blobs.size(blob).await.unwrap().is_some());
            }
            if left == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone)
        .await
        .expect("the bytes stayed");
}

pub async fn wait_until_purged(app: &App, takedown: &str) {
    let is_purged = async {
        let find = || store::takedowns::find(&app.reader, takedown);
        while find().await.unwrap().unwrap().purged_at.is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), is_purged)
        .await
        .expect("it was not purged");
}

/// The same layers under new manifests: what a publisher builds after a takedown.
fn rebuilt(mut image: TestImage) -> TestImage {
    let mut renamed: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for manifest in &mut image.manifests {
        let mut value: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
        value["annotations"]["org.example.build"] = "again".into();
        let children = value.get_mut("manifests");
        let children = children.and_then(|list| list.as_array_mut());
        for child in children.into_iter().flatten() {
            if let Some((digest, size)) = renamed.get(child["digest"].as_str().unwrap()) {
                child["digest"] = digest.as_str().into();
                child["size"] = (*size).into();
            }
        }
        manifest.bytes = serde_json::to_vec(&value).unwrap();
        let digest = Digest::sha256_of(&manifest.bytes).to_string();
        let old = std::mem::replace(&mut manifest.digest, digest.clone());
        renamed.insert(old, (digest, manifest.bytes.len()));
    }
    image
}

/// The mended image of the same layers is on its way while the old one is down.
async fn layers_come_back(store: Store) {
    let mut both = BothVersions::open(store).await;
    both.push_mended().await;
    let BothVersions {
        market,
        offer,
        repo,
        going,
        ..
    } = &both;
    let (app, key) = (&market.app, offer.key());
    let layer = &going[0];
    let id = market.submit(&key).await;
    market.wait(&id, &[State::Preview]).await;
    let takedown = take_down(app, &market.operator, both.newer_down())
        .await
        .unwrap();
    wait_until_purged(app, &takedown).await;
    let why = pull_blob(app, repo, layer).await;
    assert!(
        why.unwrap().contains(WHY),
        "a preview shows it to no customer"
    );
    let member = Caller::Account(market.owner.account().unwrap().clone());
    find_blob(app, &member, &repo.parse().unwrap(), layer)
        .await
        .expect("whoever sees the preview gets it whole");

    app::offers::cancel_submission(app, &market.owner, &id)
        .await
        .unwrap();
    let id = market.submit(&key).await;
    market.wait(&id, &[State::Preview]).await;
    let why = pull_blob(app, repo, layer).await;
    assert!(
        why.unwrap().contains(WHY),
        "importing it is not publishing it"
    );
    app::offers::go_live(app, &market.owner, &id).await.unwrap();
    market.wait(&id, &[State::Live]).await;
    assert_eq!(pull_blob(app, repo, layer).await, None);
    assert!(pull(app, repo, "1.3.0").await.unwrap().contains(WHY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_of_what_is_down_comes_back_at_go_live_and_not_before() {
    for_each_engine(layers_come_back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_takedown_go_in_the_end() {
    for_each_engine(purged).await;
}
