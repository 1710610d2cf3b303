//! Several takedowns at once, of releases that have layers or a manifest in common, lifted and purged in another order than
//! they came: what stands is whole, what can be lifted keeps its bytes, and what is down stays down.

use app::App;
use app::admin::{TakeDown, lift_takedown, take_down};
use app::registry::{Caller, Refusal, list_tags};
use domain::ids::OfferKey;
use oci::Digest;
use store::Store;
use store::takedowns::Withheld;
use testkit::engines::for_each_engine;

use crate::market::{Market, test_image};
use crate::takedown::{
    BothVersions, WHY, at_once, blobs, pull, pull_blob, wait_until_gone, wait_until_purged, whole,
};

const LIFTED: &str = "A false alarm.";

/// Three versions live; 1.3.0 and 1.4.0 are made of the same layers, which stand in `going`.
async fn open(store: Store) -> BothVersions {
    let mut both = BothVersions::open_with(store, |_| {}).await;
    both.push_mended().await;
    both.market.publish(&both.offer.key()).await;
    both
}

async fn is_whole(app: &App, repo: &str, tag: &str, all: &[Digest]) {
    assert_eq!(pull(app, repo, tag).await, None, "{tag}");
    for blob in all {
        assert_eq!(pull_blob(app, repo, blob).await, None, "{tag}: {blob}");
        assert!(app.blobs.size(blob).await.unwrap().is_some(), "{blob}");
    }
}

async fn are_down(app: &App, repo: &str, all: &[Digest]) {
    for blob in all {
        assert!(pull_blob(app, repo, blob).await.unwrap().contains(WHY));
    }
}

async fn lifted_first_come_first(store: Store) {
    let both = open(store).await;
    let (app, operator) = (&both.market.app, &both.market.operator);
    let (repo, common) = (both.repo.as_str(), both.going.as_slice());
    let older = take_down(app, operator, both.down("1.3.0")).await.unwrap();
    is_whole(app, repo, "1.4.0", common).await;
    let newer = take_down(app, operator, both.down("1.4.0")).await.unwrap();
    are_down(app, repo, common).await;
    lift_takedown(app, operator, &older, LIFTED).await.unwrap();
    for tag in ["1.3.0", "latest"] {
        is_whole(app, repo, tag, common).await;
    }
    assert!(pull(app, repo, "1.4.0").await.unwrap().contains(WHY));
    // Down again; now the other one is lifted first.
    take_down(app, operator, both.down("1.3.0")).await.unwrap();
    are_down(app, repo, common).await;
    lift_takedown(app, operator, &newer, LIFTED).await.unwrap();
    for tag in ["1.4.0", "latest"] {
        is_whole(app, repo, tag, common).await;
    }
    is_whole(app, repo, "1.2.0", &both.kept).await;
    assert!(pull(app, repo, "1.3.0").await.unwrap().contains(WHY));
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_takedown_is_lifted_first_what_stands_is_whole() {
    for_each_engine(lifted_first_come_first).await;
}

async fn purged_before_another(store: Store) {
    let both = open(store).await;
    let (app, operator) = (&both.market.app, &both.market.operator);
    let (repo, common) = (both.repo.as_str(), both.going.as_slice());
    let soon = both.market.replica(at_once).await;
    let older = take_down(app, operator, both.down("1.3.0")).await.unwrap();
    let newer = take_down(&soon, operator, both.down("1.4.0")).await;
    let newer = newer.unwrap();
    wait_until_purged(app, &newer).await;
    lift_takedown(app, operator, &older, LIFTED).await.unwrap();
    is_whole(app, repo, "1.3.0", common).await;
    let late = lift_takedown(app, operator, &newer, LIFTED).await;
    assert!(late.is_err(), "it was purged");
    // What was spared goes with the release that it was spared for.
    let again = take_down(&soon, operator, both.down("1.3.0")).await;
    wait_until_purged(app, &again.unwrap()).await;
    wait_until_gone(app, common).await;
    is_whole(app, repo, "1.2.0", &both.kept).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_spares_what_another_takedown_may_give_back() {
    for_each_engine(purged_before_another).await;
}

/// A takedown withholds what stands: so a lift left it that looked at its own takedown alone.
async fn left_wrong(store: Store) {
    let mut both = open(store).await;
    let operator = both.market.operator.clone();
    let soon = both.market.replica(at_once).await;
    both.market.pause().await;
    let id = take_down(&soon, &operator, both.down("1.4.0")).await;
    let id = id.unwrap();
    let row = |digest: &Digest| Withheld {
        repository: both.repo.clone(),
        digest: digest.clone(),
        blob: true,
        everywhere: false,
    };
    let wrong: Vec<Withheld> = both.going.iter().map(row).collect();
    let tx = both.market.store.writer.begin().await.unwrap();
    store::takedowns::withhold(&tx, &id, &wrong).await.unwrap();
    tx.commit().await.unwrap();
    are_down(&both.market.app, &both.repo, &both.going).await;
    both.market.restart().await;
    let app = &both.market.app;
    wait_until_purged(app, &id).await;
    is_whole(app, &both.repo, "1.3.0", &both.going).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_takes_nothing_from_what_stands() {
    for_each_engine(left_wrong).await;
}

/// One image as two versions of a module, and as a version of another module.
async fn one_image_everywhere(store: Store) {
    let market = Market::open(store).await;
    let (app, operator) = (&market.app, &market.operator);
    let source = "contoso/temperature-sensor";
    market.seed(source).await;
    let seed = samples::images().unwrap();
    let mut seed = seed.into_iter();
    let seed = seed.find(|seed| (seed.repository, seed.version) == (source, "1.2.0"));
    let seed = seed.unwrap();
    let of = seed.tags.iter().find(|(tag, _)| tag == "1.2.0").unwrap();
    let again = [("1.2.1".to_owned(), of.1.clone())];
    let image = test_image(seed.image);
    market.push(source, &again, &image).await;
    let mut offer = market.draft("temperature-sensor").await;
    offer.plans[0].image.tags.push("1.2.1".into());
    market.save(&offer).await;
    market.publish(&offer.key()).await;
    // Two offers may not come from one repository.
    let tags: Vec<_> = seed.tags.iter().cloned().chain(again).collect();
    market.push("contoso/twin", &tags, &image).await;
    let mut twin = offer.clone();
    twin.offer = market.draft("heartbeat").await.offer;
    twin.plans[0].image.repository = "contoso/twin".into();
    twin.plans[0].image.tags = tags.into_iter().map(|(tag, _)| tag).collect();
    market.save(&twin).await;
    market.publish(&twin.key()).await;
    let repo = |key: &OfferKey, offer: &domain::offer::Offer| key.repository(&offer.plans[0].plan);
    let (here, there) = (repo(&offer.key(), &offer), repo(&twin.key(), &twin));

    let down = |version: &str| TakeDown {
        release: Some((offer.plans[0].plan.clone(), version.parse().unwrap())),
        ..whole(&offer.key())
    };
    let first = take_down(app, operator, down("1.2.0")).await.unwrap();
    assert_eq!(pull(app, &here, "1.2.1").await, None, "1.2.1 stands");
    let second = take_down(app, operator, down("1.2.1")).await.unwrap();
    assert!(pull(app, &here, "1.2.0").await.unwrap().contains(WHY));
    assert_eq!(
        pull(app, &there, "1.2.0").await,
        None,
        "it is down in one module"
    );
    let third = take_down(app, operator, whole(&twin.key())).await.unwrap();
    let digest: Digest = of.1.parse().unwrap();
    let blocked = || store::registry::block_reason(&app.reader, &digest);
    assert_eq!(blocked().await.unwrap().as_deref(), Some(WHY));

    lift_takedown(app, operator, &first, LIFTED).await.unwrap();
    assert_eq!(blocked().await.unwrap(), None, "it stands in one module");
    for tag in ["1.2.0", "latest"] {
        assert_eq!(pull(app, &here, tag).await, None, "{tag}");
    }
    assert!(pull(app, &there, "1.2.0").await.unwrap().contains(WHY));
    lift_takedown(app, operator, &third, LIFTED).await.unwrap();
    assert_eq!(pull(app, &there, "1.2.0").await, None);
    lift_takedown(app, operator, &second, LIFTED).await.unwrap();
    assert_eq!(pull(app, &here, "1.2.1").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_image_under_several_names_is_blocked_while_all_of_them_are_down() {
    for_each_engine(one_image_everywhere).await;
}

/// An image under a suffixed tag alone is no release; with its module it goes down, comes back, and loses its bytes.
async fn only_a_suffixed_tag(store: Store) {
    let market = Market::open(store).await;
    market.seed("contoso/temperature-sensor").await;
    let mut offer = market.draft("temperature-sensor").await;
    let mut seeds = samples::images().unwrap().into_iter();
    let beta = seeds.find(|seed| seed.repository == "contoso/heartbeat");
    let beta = test_image(beta.unwrap().image);
    let root: Digest = beta.top().digest.parse().unwrap();
    let tags = [("1.3.0-beta".to_owned(), root.to_string())];
    market
        .push("contoso/temperature-sensor", &tags, &beta)
        .await;
    offer.plans[0].image.tags.push("1.3.0-beta".to_owned());
    market.save(&offer).await;
    let (key, repo) = (offer.key(), offer.key().repository(&offer.plans[0].plan));
    market.publish(&key).await;
    let (app, operator) = (&market.app, &market.operator);
    let released = store::releases::of_offer(&app.reader, &key).await.unwrap();
    assert!(released.iter().all(|release| release.digest != root));
    let layers = blobs(app, &root).await;
    let repository = repo.parse().unwrap();
    let tags = async || list_tags(app, &Caller::Anonymous, &repository, None, None).await;
    let stands = async || {
        is_whole(app, &repo, "1.3.0-beta", &layers).await;
        assert_eq!(pull(app, &repo, "1.2.0").await, None);
        let listed = tags().await.unwrap().entries;
        assert!(listed.contains(&"1.3.0-beta".to_owned()), "{listed:?}");
    };
    let is_down = async || {
        for name in ["1.3.0-beta", root.as_str(), "1.2.0"] {
            let why = pull(app, &repo, name).await;
            assert!(why.is_some_and(|why| why.contains(WHY)), "{name} is served");
        }
        are_down(app, &repo, &layers).await;
        assert!(matches!(tags().await, Err(Refusal::Denied(_))));
    };
    stands().await;
    let id = take_down(app, operator, whole(&key)).await.unwrap();
    is_down().await;
    lift_takedown(app, operator, &id, LIFTED).await.unwrap();
    stands().await;

    // Of one release it is no part.
    let version = released[0].version;
    let one = TakeDown {
        release: Some((offer.plans[0].plan.clone(), version)),
        ..whole(&key)
    };
    let id = take_down(app, operator, one).await.unwrap();
    assert_eq!(pull(app, &repo, "1.3.0-beta").await, None);
    lift_takedown(app, operator, &id, LIFTED).await.unwrap();
    stands().await;

    let soon = market.replica(at_once).await;
    let id = take_down(&soon, operator, whole(&key)).await.unwrap();
    wait_until_purged(app, &id).await;
    is_down().await;
    wait_until_gone(app, &layers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_module_goes_down_with_what_is_no_release() {
    for_each_engine(only_a_suffixed_tag).await;
}
