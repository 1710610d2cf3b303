//! A publisher chooses which platforms of an image come along: the index stays as it is, byte for byte, nothing of the others
//! travels, and everybody says so in the same words. From another registry, and from our own `incoming/…`.

use app::App;
use app::offers::{go_live, save_draft, submit_offer};
use domain::actor::Actor;
use domain::ids::OfferKey;
use domain::lifecycle::State;
use oci::Digest;
use reqwest::Method;
use serde_json::Value;
use testkit::image::TestImage;

use crate::place::{PATIENCE, Place, check_complete};
use crate::replicas::wait_for;
use crate::server::Server;
use crate::work::Work;

const CHOSEN: [&str; 2] = ["linux/amd64", "linux/arm/v7"];
const LEFT_OUT: &str = "linux/arm64";
const REPO: &str = "contoso/sensor/standard";
const INBOX: &str = "incoming/contoso/sensor";

/// Saves a draft that takes some platforms along, or all; from the inbox if so wanted.
async fn choose(app: &App, owner: &Actor, key: &OfferKey, (some, inbox): (bool, bool)) {
    let row = store::offers::find(&app.reader, key)
        .await
        .unwrap()
        .unwrap();
    let mut offer = row.draft;
    let plan = &mut offer.plans[0];
    plan.platforms = CHOSEN.map(str::to_owned).to_vec();
    if !some {
        plan.platforms.push(LEFT_OUT.to_owned());
    }
    plan.image.declared_only = some;
    if inbox {
        plan.image.registry = String::new();
        plan.image.repository = INBOX.to_owned();
    }
    save_draft(app, owner, key, &offer, row.revision)
        .await
        .unwrap();
}

async fn publish(app: &App, owner: &Actor, key: &OfferKey) -> String {
    let id = submit_offer(app, owner, key, "").await.unwrap();
    wait_for(app, &id, State::Preview).await;
    go_live(app, owner, &id).await.unwrap();
    wait_for(app, &id, State::Live).await;
    id
}

async fn push(work: &Work, image: &TestImage) {
    for (digest, bytes) in &image.blobs {
        let path = format!("/v2/{INBOX}/blobs/uploads/?digest={digest}");
        let answer = work.ask(Method::POST, &path, bytes.clone()).await.unwrap();
        assert_eq!(answer.status(), 201);
    }
    for manifest in &image.manifests {
        let mut references = vec![manifest.digest.clone()];
        if manifest.digest == image.top().digest {
            references.extend(["latest".to_owned(), "1.0.0".to_owned()]);
        }
        for reference in references {
            let path = format!("/v2/{INBOX}/manifests/{reference}");
            let kind = &manifest.media_type;
            let answer = work.put_as(kind, &path, manifest.bytes.clone()).await;
            assert_eq!(answer.unwrap().status(), 201);
        }
    }
}

/// The image of one platform, as the index lists it.
fn child(image: &TestImage, platform: &str) -> Digest {
    let index: Value = serde_json::from_slice(&image.top().bytes).unwrap();
    let entries = index["manifests"].as_array().unwrap();
    let named = |entry: &&Value| {
        let parts = ["os", "architecture", "variant"].map(|part| &entry["platform"][part]);
        let parts: Vec<&str> = parts.iter().filter_map(|part| part.as_str()).collect();
        parts.join("/") == platform
    };
    let entry = entries.iter().find(named).unwrap();
    entry["digest"].as_str().unwrap().parse().unwrap()
}

/// The module, once this server's catalog shows it.
async fn module(url: &str) -> reqwest::Response {
    let shown = async {
        loop {
            let answer = reqwest::get(format!("{url}/api/v1/modules/contoso/sensor"));
            let answer = answer.await.unwrap();
            if answer.status() == 200 {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, shown)
        .await
        .expect("the module is not shown")
}

async fn check_pulls(url: &str, image: &TestImage) {
    module(url).await;
    let get = async |path: String| reqwest::get(format!("{url}{path}")).await.unwrap();
    for reference in ["latest", "1.0.0", image.top().digest.as_str()] {
        let index = get(format!("/v2/{REPO}/manifests/{reference}")).await;
        assert_eq!(index.status(), 200);
        assert_eq!(
            index.bytes().await.unwrap(),
            image.top().bytes,
            "{reference}"
        );
    }
    for platform in CHOSEN {
        let image = child(image, platform);
        let there = get(format!("/v2/{REPO}/manifests/{image}")).await;
        assert_eq!(there.status(), 200, "{platform}");
    }
    let absent = child(image, LEFT_OUT);
    let told = get(format!("/v2/{REPO}/manifests/{absent}")).await;
    assert_eq!(told.status(), 404);
    let told: Value = told.json().await.unwrap();
    let error = &told["errors"][0];
    assert_eq!(error["code"], "MANIFEST_UNKNOWN");
    assert_eq!(error["detail"]["platform"], LEFT_OUT);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("linux/arm64") && message.contains("does not offer"),
        "{message}"
    );

    let tag: Value = get(format!("/v2/repositories/{REPO}/tags/1.0.0"))
        .await
        .json()
        .await
        .unwrap();
    let images = tag["images"].as_array().unwrap();
    let mut listed: Vec<&str> = images
        .iter()
        .map(|one| one["architecture"].as_str().unwrap())
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, ["amd64", "arm"]);
    let module: Value = module(url).await.json().await.unwrap();
    assert_eq!(module["platforms"], serde_json::json!(CHOSEN));
}

/// No byte of the platform that nobody chose is there.
async fn check_bytes(app: &App, image: &TestImage) {
    let absent = child(image, LEFT_OUT);
    let manifest = image
        .manifests
        .iter()
        .find(|one| one.digest == absent.to_string());
    let manifest = oci::Manifest::parse(None, &manifest.unwrap().bytes).unwrap();
    for blob in manifest.blobs() {
        let held = store::registry::has_blob(&app.reader, REPO, &blob.digest).await;
        assert_eq!(held.unwrap(), None, "{}", blob.digest);
    }
    let stored = store::registry::manifest(&app.reader, &absent)
        .await
        .unwrap();
    let inbox = store::registry::has_manifest(&app.reader, INBOX, &absent).await;
    assert_eq!(stored.is_some(), inbox.unwrap().is_some());
}

async fn only_what_is_declared_comes(database: Option<String>, inbox: bool) {
    let place = Place::new(database, None).await;
    let app = place.app().await;
    let owner = place.found(&app).await;
    let server = Server::start(&place.config, &[]).await;
    let image = crate::place::image(1);
    let key = place.draft(&app, &owner, "sensor", &image).await;
    if inbox {
        push(&Work::new(&server.url, 0), &image).await;
    }
    choose(&app, &owner, &key, (true, inbox)).await;
    let id = publish(&app, &owner, &key).await;
    check_pulls(&server.url, &image).await;
    check_bytes(&app, &image).await;
    let steps = store::steps::of_submission(&app.reader, &id).await.unwrap();
    let log = format!("{steps:?}");
    assert!(
        log.contains("not declared, so not copied: linux/arm64"),
        "{log}"
    );

    // Another time it is chosen.
    choose(&app, &owner, &key, (false, inbox)).await;
    publish(&app, &owner, &key).await;
    let path = format!("/v2/{REPO}/manifests/{}", child(&image, LEFT_OUT));
    let there = reqwest::get(format!("{}{path}", server.url)).await.unwrap();
    assert_eq!(there.status(), 200);
    server.kill().await;
    check_complete(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_declared_comes_from_another_registry() {
    let postgres = testkit::postgres::create_database();
    only_what_is_declared_comes(Some(postgres), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_declared_comes_from_the_inbox() {
    only_what_is_declared_comes(None, true).await;
}
