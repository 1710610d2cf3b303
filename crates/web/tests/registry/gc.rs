//! Garbage collection and scrubbing: what is needed stays, whoever pushes, deletes or mounts at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use app::clock::{Clock, HOUR};
use app::registry::{GcReport, Mend, collect_garbage, scrub};
use oci::Digest;
use testkit::image::{ImageBuilder, digest};

use crate::market::{INBOX, LIVE, Market, on_both, small, small_at};

const HIDDEN: &str = "contoso/sensor/hidden";

fn name(text: &str) -> Digest {
    text.parse().unwrap()
}

async fn run(market: &Market) -> GcReport {
    collect_garbage(&market.app, 0, false).await.unwrap()
}

async fn there(market: &Market, digest: &str) -> bool {
    market.blobs.size(&name(digest)).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_needs_goes_in_two_steps() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let image = |file: &str| {
            ImageBuilder::all_platforms()
                .single()
                .file("name", file, 0o644)
                .build()
        };
        let (kept, deleted) = (image("kept"), image("deleted"));
        let (live, left) = (image("live"), image("left"));
        market.push_image(INBOX, "kept", &kept).await;
        market.push_image(INBOX, "deleted", &deleted).await;
        market.release(LIVE, "latest", &live, true).await;
        market.release(HIDDEN, "latest", &left, false).await;
        let stray = market.push_blob(INBOX, &token, b"nobody lists me").await;
        let gone = format!("/v2/{INBOX}/manifests/{}", deleted.top().digest);
        assert_eq!(market.ask("DELETE", &gone, &[auth], b"").await.status, 202);
        // Young things are left alone, and a dry run changes nothing.
        assert_eq!(
            collect_garbage(&market.app, 1, false)
                .await
                .unwrap()
                .blobs_let_go,
            0
        );
        let dry = collect_garbage(&market.app, 0, true).await.unwrap();
        assert!(
            dry.blobs_let_go >= 2 && dry.manifests_let_go == 1,
            "{dry:?}"
        );
        assert_eq!(collect_garbage(&market.app, 0, true).await.unwrap(), dry);
        let first = run(&market).await;
        assert_eq!(
            (
                first.blobs_let_go,
                first.manifests_let_go,
                first.blobs_removed
            ),
            (dry.blobs_let_go, dry.manifests_let_go, 0),
            "{first:?}"
        );
        assert!(first.marked >= 3, "{first:?}");
        assert!(there(&market, &stray).await, "marked, not removed");
        let second = run(&market).await;
        // The one that was deleted had its mark from the very first run.
        let removed = (first.manifests_removed, second.manifests_removed);
        assert_eq!(removed, (1, 1), "{first:?} {second:?}");
        assert!(second.blobs_removed >= 3, "{second:?}");
        let needed: BTreeSet<&str> = [&kept, &live]
            .iter()
            .flat_map(|image| image.blobs.iter().map(|(digest, _)| digest.as_str()))
            .collect();
        for (digest, _) in deleted.blobs.iter().chain(&left.blobs) {
            let needed = needed.contains(digest.as_str());
            assert_eq!(there(&market, digest).await, needed, "{digest}");
        }
        assert!(!there(&market, &stray).await);
        for (repository, image) in [(INBOX, &kept), (LIVE, &live)] {
            for (digest, bytes) in &image.blobs {
                let target = format!("/v2/{repository}/blobs/{digest}");
                let answer = market.ask("GET", &target, &[auth], b"").await;
                assert!(answer.body == *bytes, "{target}");
            }
        }
        let third = run(&market).await;
        let nothing = GcReport {
            repositories: third.repositories,
            ..GcReport::default()
        };
        assert_eq!(third, nothing, "what is left is needed");
        assert_eq!(scrub(&market.app, Mend::PutAside).await.unwrap().broken, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_needed_again_is_spared() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let bytes = b"on its way out";
        let blob = market.push_blob(INBOX, &token, bytes).await;
        run(&market).await;
        let at = format!("/v2/{INBOX}/blobs/{blob}");
        let auth = ("Authorization", token.as_str());
        assert_eq!(market.ask("GET", &at, &[auth], b"").await.status, 404);
        market
            .push_blob("incoming/contoso/other", &token_for(&market).await, bytes)
            .await;
        let again = run(&market).await;
        assert_eq!(again.blobs_removed, 0, "the mark is gone: {again:?}");
        assert!(there(&market, &blob).await);
    })
    .await;
}

async fn token_for(market: &Market) -> String {
    market.pusher("incoming/contoso/other").await
}

/// Pushes, deletes and collections of the same few blobs at once, with no grace at all: the worst there can be.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_while_it_runs() {
    on_both(async |market: Market| {
        let market = Arc::new(market);
        let ended = Arc::new(AtomicBool::new(false));
        let runs = Arc::new(AtomicUsize::new(0));
        let collectors: Vec<_> = (0..2)
            .map(|_| {
                let (market, ended, runs) = (market.clone(), ended.clone(), runs.clone());
                tokio::spawn(async move {
                    while !ended.load(Ordering::SeqCst) {
                        // Two collectors may meet; what one of them lost to the other it finds next time.
                        if collect_garbage(&market.app, 0, false).await.is_ok() {
                            runs.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                })
            })
            .collect();
        let mut pushers = tokio::task::JoinSet::new();
        for pusher in 0..4_usize {
            let market = market.clone();
            pushers.spawn(async move {
                let repository = format!("incoming/contoso/box{pusher}");
                let token = market.pusher(&repository).await;
                let headers = [("Authorization", token.as_str())];
                let (mut kept, mut turned_away) = (0, 0);
                for round in 0..25_usize {
                    let bytes = format!("blob {}", (round + pusher) % 5).into_bytes();
                    let blob = digest(&bytes);
                    let upload = format!("/v2/{repository}/blobs/uploads/?digest={blob}");
                    let pushed = market.ask("POST", &upload, &headers, &bytes).await;
                    if pushed.status != 201 {
                        assert!([400, 503].contains(&pushed.status), "{}", pushed.text());
                        turned_away += 1;
                        continue;
                    }
                    // A manifest makes it needed; from its acknowledgement on it must be there.
                    let manifest = serde_json::json!({
                        "schemaVersion": 2,
                        "mediaType": "application/vnd.oci.image.manifest.v1+json",
                        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": blob, "size": bytes.len()},
                        "layers": [],
                    })
                    .to_string();
                    let put = market
                        .push_manifest(&repository, &token, "x", ("application/vnd.oci.image.manifest.v1+json", manifest.as_bytes()))
                        .await;
                    if put.status != 201 || !put.header("warning").is_empty() {
                        // Collected between the two, as nothing needed it; the client was told.
                        turned_away += 1;
                        continue;
                    }
                    let at = format!("/v2/{repository}/blobs/{blob}");
                    let read = market.ask("GET", &at, &headers, b"").await;
                    assert!(read.status == 200 && read.body == bytes, "{}", read.text());
                    kept += 1;
                    let gone = format!("/v2/{repository}/manifests/{}", digest(manifest.as_bytes()));
                    assert_eq!(market.ask("DELETE", &gone, &headers, b"").await.status, 202);
                }
                (kept, turned_away)
            });
        }
        let (mut kept, mut turned_away) = (0, 0);
        while let Some(counts) = pushers.join_next().await {
            let (k, t) = counts.unwrap();
            kept += k;
            turned_away += t;
        }
        ended.store(true, Ordering::SeqCst);
        for collector in collectors {
            collector.await.unwrap();
        }
        eprintln!("{kept} kept, {turned_away} turned away, {} collections", runs.load(Ordering::SeqCst));
        assert!(kept > 0 && runs.load(Ordering::SeqCst) > 1);
        assert_eq!(scrub(&market.app, Mend::Nothing).await.unwrap().broken, 0);
    })
    .await;
}

/// Random pushes, deletes and collections against a model of what must be readable.
#[tokio::test(flavor = "multi_thread")]
async fn random_work_agrees_with_a_model() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    let headers = [("Authorization", token.as_str())];
    let blobs: Vec<Vec<u8>> = (0..6).map(|i| format!("layer {i}").into_bytes()).collect();
    let mut tags: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut state: u32 = 20_261_122;
    let mut roll = |sides: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(state >> 16).unwrap() % sides
    };
    for step in 0..150 {
        match roll(10) {
            0..=4 => {
                let (tag, picked) = (roll(4), vec![roll(6), roll(6)]);
                for blob in &picked {
                    market.push_blob(INBOX, &token, &blobs[*blob]).await;
                }
                let layers: Vec<_> = picked
                    .iter()
                    .map(|blob| serde_json::json!({
                        "mediaType": "application/octet-stream", "digest": digest(&blobs[*blob]), "size": blobs[*blob].len(),
                    }))
                    .collect();
                let manifest = serde_json::json!({
                    "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": layers[0], "layers": layers, "annotations": {"tag": tag.to_string()},
                })
                .to_string();
                let pushed = market
                    .push_manifest(
                        INBOX,
                        &token,
                        &format!("t{tag}"),
                        (
                            "application/vnd.oci.image.manifest.v1+json",
                            manifest.as_bytes(),
                        ),
                    )
                    .await;
                assert_eq!((pushed.status, pushed.header("warning")), (201, ""));
                tags.insert(tag, picked);
            }
            5 | 6 => {
                let tag = roll(4);
                let at = format!("/v2/{INBOX}/manifests/t{tag}");
                let found = market.ask("HEAD", &at, &headers, b"").await;
                assert_eq!(found.status == 200, tags.contains_key(&tag), "step {step}");
                if found.status == 200 {
                    let by_digest = format!(
                        "/v2/{INBOX}/manifests/{}",
                        found.header("docker-content-digest")
                    );
                    assert_eq!(
                        market.ask("DELETE", &by_digest, &headers, b"").await.status,
                        202
                    );
                    tags.remove(&tag);
                }
            }
            7 => {
                market.push_blob(INBOX, &token, &blobs[roll(6)]).await;
            }
            _ => {
                run(&market).await;
            }
        }
        for blob in tags.values().flatten() {
            let at = format!("/v2/{INBOX}/blobs/{}", digest(&blobs[*blob]));
            let read = market.ask("GET", &at, &headers, b"").await;
            assert!(read.body == blobs[*blob], "step {step}: {}", read.text());
        }
    }
    run(&market).await;
    run(&market).await;
    // Old manifests whose tag moved on are the publisher's own and stay; without tags at all everything may go.
    for digest in store::registry::manifests_of(&market.reader, INBOX)
        .await
        .unwrap()
    {
        let at = format!("/v2/{INBOX}/manifests/{}", digest.0);
        assert_eq!(market.ask("DELETE", &at, &headers, b"").await.status, 202);
    }
    run(&market).await;
    run(&market).await;
    for blob in &blobs {
        assert!(!there(&market, &digest(blob)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spoiled_bytes_are_found_put_aside_and_mended_by_a_push() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    let (whole, spoiled, lost) = (b"whole", b"to be spoiled", b"to be lost");
    market.push_blob(INBOX, &token, whole).await;
    let (bad, gone) = (
        market.push_blob(INBOX, &token, spoiled).await,
        market.push_blob(INBOX, &token, lost).await,
    );
    let healthy = scrub(&market.app, Mend::PutAside).await.unwrap();
    assert_eq!((healthy.blobs, healthy.broken), (3, 0));
    let path = |digest: &str| market.blobs.blob_path(&name(digest)).unwrap();
    std::fs::write(path(&bad), b"to be SPOILED").unwrap();
    std::fs::remove_file(path(&gone)).unwrap();
    let dry = scrub(&market.app, Mend::Nothing).await.unwrap();
    assert_eq!((dry.broken, dry.list.len()), (2, 2));
    assert!(path(&bad).is_file(), "a dry run leaves it");
    let found = scrub(&market.app, Mend::PutAside).await.unwrap();
    let broken = found
        .list
        .iter()
        .find(|one| one.digest == name(&bad))
        .unwrap();
    assert_eq!(broken.found, Some(Digest::sha256_of(b"to be SPOILED")));
    assert_eq!(broken.held_by, [INBOX]);
    assert!(
        broken
            .put_aside
            .as_ref()
            .is_some_and(|to| to.contains("quarantine"))
    );
    let at = format!("/v2/{INBOX}/blobs/{bad}");
    let headers = [("Authorization", token.as_str())];
    assert_eq!(market.ask("GET", &at, &headers, b"").await.status, 404);
    for bytes in [spoiled.as_slice(), lost] {
        market.push_blob(INBOX, &token, bytes).await;
    }
    assert_eq!(market.ask("GET", &at, &headers, b"").await.body, spoiled);
    assert_eq!(scrub(&market.app, Mend::PutAside).await.unwrap().broken, 0);
}

/// What cannot be read is told, and the rest is read all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_cannot_be_read_does_not_end_the_scrub() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    let mut held = Vec::new();
    for bytes in [b"one".as_slice(), b"two", b"three"] {
        held.push(market.push_blob(INBOX, &token, bytes).await);
    }
    let path = |digest: &str| market.blobs.blob_path(&name(digest)).unwrap();
    std::fs::remove_file(path(&held[1])).unwrap();
    // A file of the kernel that has a size and cannot be read: the loopback device has no cable.
    std::os::unix::fs::symlink("/sys/class/net/lo/duplex", path(&held[1])).unwrap();
    std::fs::write(path(&held[2]), b"THREE").unwrap();
    let found = scrub(&market.app, Mend::PutAside).await.unwrap();
    assert_eq!((found.blobs, found.broken), (2, 2), "{found:?}");
    let one = |digest: &str| found.list.iter().find(|one| one.digest == name(digest));
    let unreadable = one(&held[1]).unwrap();
    assert!(unreadable.unreadable.is_some() && unreadable.put_aside.is_none());
    assert!(one(&held[2]).unwrap().put_aside.is_some());
}

/// What the storage cannot even look up is told, too, although no list of it has that name.
#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_cannot_be_looked_up_is_told() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    let held = market.push_blob(INBOX, &token, b"behind a file").await;
    let path = market.blobs.blob_path(&name(&held)).unwrap();
    let folder = path.parent().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::write(folder, b"a file where the folder was").unwrap();
    let found = scrub(&market.app, Mend::PutAside).await.unwrap();
    assert_eq!((found.blobs, found.broken), (0, 1), "{found:?}");
    let told = found.list.first().unwrap();
    assert_eq!(
        (&told.digest, told.held_by.as_slice()),
        (&name(&held), &[INBOX.to_owned()][..])
    );
    assert!(told.unreadable.is_some() && told.put_aside.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn spoiled_bytes_that_cannot_be_put_aside_do_not_end_the_scrub() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    let mut held = Vec::new();
    for bytes in [b"one".as_slice(), b"two"] {
        let digest = market.push_blob(INBOX, &token, bytes).await;
        let path = market.blobs.blob_path(&name(&digest)).unwrap();
        std::fs::write(&path, b"spoiled").unwrap();
        held.push(path);
    }
    // blobs/sha256/ab/abcd…
    let storage = held[0].ancestors().nth(4).unwrap();
    std::fs::write(storage.join("quarantine"), b"no folder").unwrap();
    let found = scrub(&market.app, Mend::PutAside).await.unwrap();
    assert_eq!((found.blobs, found.broken), (2, 2), "{found:?}");
    for broken in &found.list {
        let why = broken.not_put_aside.as_ref().unwrap();
        assert!(
            why.contains("put aside") && broken.put_aside.is_none(),
            "{why}"
        );
    }
    assert!(held.iter().all(|path| path.is_file()));
}

/// Beyond those that are listed, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_blob_is_counted_once() {
    const MANY: u64 = 1_003;
    let market = small().await;
    let tx = market.writer.begin().await.unwrap();
    for number in 0..MANY {
        let digest = Digest::sha256_of(&number.to_be_bytes());
        store::registry::link_blob(&tx, INBOX, &digest, 8, false, 1)
            .await
            .unwrap();
        let path = market.blobs.blob_path(&digest).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"spoiled").unwrap();
    }
    tx.commit().await.unwrap();
    let found = scrub(&market.app, Mend::PutAside).await.unwrap();
    assert_eq!(
        (found.blobs, found.broken, found.list.len()),
        (MANY, MANY, 1_000)
    );
}

/// Whoever finds an old layer that no manifest lists does not push it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_was_found_is_not_collected_under_its_finder() {
    let clock = Clock::manual(1_800_000_000_000_000);
    let market = small_at(clock.clone()).await;
    let token = market.pusher(INBOX).await;
    let (found, other) = (
        market.push_blob(INBOX, &token, b"found again").await,
        market.push_blob(INBOX, &token, b"not asked for").await,
    );
    clock.advance(30 * HOUR);
    let token = market.pusher(INBOX).await;
    let headers = [("Authorization", token.as_str())];
    let at = format!("/v2/{INBOX}/blobs/{found}");
    assert_eq!(market.ask("HEAD", &at, &headers, b"").await.status, 200);
    let report = collect_garbage(&market.app, 24, false).await.unwrap();
    assert_eq!((report.blobs_let_go, report.failed), (1, 0));
    assert_eq!(market.ask("HEAD", &at, &headers, b"").await.status, 200);
    let gone = format!("/v2/{INBOX}/blobs/{other}");
    assert_eq!(market.ask("HEAD", &gone, &headers, b"").await.status, 404);
}
