//! Tidying touches nothing it should not: a healthy storage byte for byte, what a dry run looks at, files it does not know,
//! and layers that a manifest lists twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use app::registry::{Mend, collect_garbage, scrub};
use serde_json::json;
use testkit::image::{ImageBuilder, digest};

use crate::market::{INBOX, LIVE, Market, on_both, small};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Every file under the storage's folder with its bytes.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                found.insert(path, bytes);
            }
        }
    }
    found
}

/// The storage's folder, found by any blob in it: `blobs/sha256/ab/abcd…`.
fn storage(market: &Market, blob: &str) -> PathBuf {
    let path = market.blobs.blob_path(&blob.parse().unwrap()).unwrap();
    path.ancestors().nth(4).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_storage_stays_as_it_is_byte_for_byte() {
    let market = small().await;
    let image = |file: &str| {
        let built = ImageBuilder::all_platforms().file("name", file, 0o644);
        built.build()
    };
    market.push_image(INBOX, "1.0", &image("pushed")).await;
    let live = image("live");
    market.release(LIVE, "latest", &live, true).await;
    let root = storage(&market, &live.blobs[0].0);
    // Nobody knows whose these are: they stay.
    let strange = root.join("blobs/sha256/ab/not-a-digest");
    std::fs::create_dir_all(strange.parent().unwrap()).unwrap();
    std::fs::write(&strange, b"unknown").unwrap();
    std::fs::write(root.join("blobs/README"), b"unknown, too").unwrap();
    let before = files(&root);
    for mend in [Mend::Nothing, Mend::PutAside, Mend::Fetch] {
        assert_eq!(scrub(&market.app, mend).await.unwrap().broken, 0);
    }
    for _ in 0..3 {
        let report = collect_garbage(&market.app, 0, false).await.unwrap();
        assert_eq!(report.blobs_removed, 0, "{report:?}");
    }
    assert!(files(&root) == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_at_all() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    let stray = market.push_blob(INBOX, &token, b"nobody lists me").await;
    let bad = market.push_blob(INBOX, &token, b"to be spoiled").await;
    let root = storage(&market, &stray);
    let spoiled = market.blobs.blob_path(&bad.parse().unwrap()).unwrap();
    std::fs::write(spoiled, b"SPOILED").unwrap();
    let rows = async || {
        let held = store::registry::blobs_of(&market.reader, INBOX).await;
        let events = store::events::of_subject(&market.reader, "repository", INBOX, 50).await;
        (held.unwrap(), events.unwrap().len())
    };
    let (before, held) = (files(&root), rows().await);
    assert!(
        collect_garbage(&market.app, 0, true)
            .await
            .unwrap()
            .blobs_let_go
            > 0
    );
    assert_eq!(scrub(&market.app, Mend::Nothing).await.unwrap().broken, 1);
    assert!(files(&root) == before);
    assert!(rows().await == held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_two_manifests_list_twice_is_kept_until_the_last_is_gone() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let layer = market.push_blob(INBOX, &token, b"listed twice").await;
        let config = market.push_blob(INBOX, &token, b"{}").await;
        let entry = json!({"mediaType": "application/octet-stream", "digest": layer, "size": 12});
        let mut manifests = Vec::new();
        for number in 0..2 {
            let manifest = json!({
                "schemaVersion": 2, "mediaType": MANIFEST,
                "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
                "layers": [entry, entry],
                "annotations": {"number": number.to_string()},
            })
            .to_string();
            let name = digest(manifest.as_bytes());
            let pushed = (MANIFEST, manifest.as_bytes());
            let answer = market.push_manifest(INBOX, &token, &name, pushed).await;
            assert_eq!((answer.status, answer.header("warning")), (201, ""));
            manifests.push(name);
        }
        let at = format!("/v2/{INBOX}/blobs/{layer}");
        for manifest in &manifests {
            let refused = market.ask("DELETE", &at, &[auth], b"").await;
            assert_eq!((refused.status, refused.code().as_str()), (409, "DENIED"));
            for _ in 0..2 {
                collect_garbage(&market.app, 0, false).await.unwrap();
            }
            assert_eq!(market.ask("GET", &at, &[auth], b"").await.body, b"listed twice");
            let gone = format!("/v2/{INBOX}/manifests/{manifest}");
            assert_eq!(market.ask("DELETE", &gone, &[auth], b"").await.status, 202);
        }
        assert_eq!(market.ask("DELETE", &at, &[auth], b"").await.status, 202);
        assert_eq!(market.ask("GET", &at, &[auth], b"").await.status, 404);
    })
    .await;
}
