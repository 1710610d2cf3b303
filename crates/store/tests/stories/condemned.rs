//! Content on its way out: marks, removals, and links that meet them.

use store::registry::condemned::{
    Kind, REMOVING_MICROS_MAX, begin_removal, due, forget_if_linked, linked_blobs, mark,
    not_removed, remove_manifest, removed, unlinked_manifests,
};
use store::registry::{self, StoredManifest};
use store::{Error, Store};
use testkit::engines::for_each_engine;

use crate::rows::{NOW, digest};

const REPO: &str = "incoming/p1/x";
const LATER: i64 = NOW + 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_link_spares_a_mark_and_a_removal_refuses_a_link() {
    for_each_engine(|store: Store| async move {
        let (spared, doomed) = (digest("spared"), digest("doomed"));
        let tx = store.writer.begin().await.unwrap();
        for blob in [&spared, &doomed] {
            assert!(mark(&tx, Kind::Blob, blob, NOW).await.unwrap());
            assert!(
                !mark(&tx, Kind::Blob, blob, LATER).await.unwrap(),
                "the first time counts"
            );
        }
        tx.commit().await.unwrap();
        let at = |before| due(&store.reader, Kind::Blob, before, None, 10);
        assert!(at(NOW - 1).await.unwrap().is_empty());
        assert_eq!(at(NOW).await.unwrap().len(), 2);
        let none = due(&store.reader, Kind::Manifest, LATER, None, 10).await;
        assert!(none.unwrap().is_empty());
        let tx = store.writer.begin().await.unwrap();
        registry::link_blob(&tx, REPO, &spared, 1, false, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(at(LATER).await.unwrap(), std::slice::from_ref(&doomed));
        let tx = store.writer.begin().await.unwrap();
        assert!(
            !begin_removal(&tx, Kind::Blob, &spared, LATER, LATER)
                .await
                .unwrap()
        );
        assert!(
            !begin_removal(&tx, Kind::Blob, &doomed, NOW - 1, LATER)
                .await
                .unwrap()
        );
        assert!(
            begin_removal(&tx, Kind::Blob, &doomed, NOW, LATER)
                .await
                .unwrap()
        );
        assert!(
            !begin_removal(&tx, Kind::Blob, &doomed, NOW, LATER)
                .await
                .unwrap(),
            "one at a time"
        );
        tx.commit().await.unwrap();
        let tx = store.writer.begin().await.unwrap();
        let refused = registry::link_blob(&tx, REPO, &doomed, 1, false, LATER).await;
        assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
        drop(tx);
        // What a process left half-way, another takes over after a while.
        let much_later = LATER + REMOVING_MICROS_MAX + 1;
        let tx = store.writer.begin().await.unwrap();
        assert!(
            begin_removal(&tx, Kind::Blob, &doomed, NOW, much_later)
                .await
                .unwrap()
        );
        removed(&tx, Kind::Blob, &doomed).await.unwrap();
        registry::link_blob(&tx, REPO, &doomed, 1, false, LATER)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_manifests_that_nothing_links_are_removed() {
    for_each_engine(|store: Store| async move {
        let manifest = |text: &str| StoredManifest {
            digest: digest(text),
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            bytes: text.as_bytes().to_vec(),
            subject: None,
            artifact_type: None,
        };
        let tx = store.writer.begin().await.unwrap();
        for text in ["linked", "unlinked"] {
            registry::put_manifest(&tx, &manifest(text)).await.unwrap();
        }
        registry::link_manifest(&tx, REPO, &digest("linked"), false, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let unlinked = unlinked_manifests(&store.reader, None, 10).await.unwrap();
        assert_eq!(unlinked, [digest("unlinked")]);
        let after = unlinked_manifests(&store.reader, unlinked.first(), 10).await;
        assert!(after.unwrap().is_empty());
        let tx = store.writer.begin().await.unwrap();
        assert!(!remove_manifest(&tx, &digest("linked")).await.unwrap());
        assert!(remove_manifest(&tx, &digest("unlinked")).await.unwrap());
        assert!(!remove_manifest(&tx, &digest("unlinked")).await.unwrap());
        // Pushed again, it is simply there again; and a push takes a mark away.
        mark(&tx, Kind::Manifest, &digest("unlinked"), NOW)
            .await
            .unwrap();
        registry::put_manifest(&tx, &manifest("unlinked"))
            .await
            .unwrap();
        registry::put_manifest(&tx, &manifest("unlinked"))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let marked = due(&store.reader, Kind::Manifest, LATER, None, 10).await;
        assert!(marked.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_listed_once_whoever_holds_them() {
    for_each_engine(|store: Store| async move {
        let (one, two) = (digest("one"), digest("two"));
        let tx = store.writer.begin().await.unwrap();
        for (repo, blob) in [(REPO, &one), (REPO, &two), ("incoming/p1/y", &two)] {
            registry::link_blob(&tx, repo, blob, 1, false, NOW)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let tx = store.writer.begin().await.unwrap();
        for blob in [&one, &digest("nowhere")] {
            mark(&tx, Kind::Blob, blob, NOW).await.unwrap();
        }
        assert!(forget_if_linked(&tx, Kind::Blob, &one).await.unwrap());
        let nowhere = forget_if_linked(&tx, Kind::Blob, &digest("nowhere")).await;
        assert!(!nowhere.unwrap(), "what nothing links keeps its mark");
        drop(tx);
        let asked = [one.clone(), two.clone(), digest("nowhere")];
        let linked = linked_blobs(&store.reader, &asked).await.unwrap();
        assert_eq!(linked, [one, two].into_iter().collect());
        let first = registry::held_blobs(&store.reader, None, 10).await.unwrap();
        assert_eq!(first.len(), 2);
        let rest = registry::held_blobs(&store.reader, first.first(), 10)
            .await
            .unwrap();
        assert_eq!(rest, first[1..]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_failed_or_died_does_not_refuse_links_for_ever() {
    for_each_engine(|store: Store| async move {
        let doomed = digest("doomed");
        let late = LATER + REMOVING_MICROS_MAX + 1;
        let tx = store.writer.begin().await.unwrap();
        mark(&tx, Kind::Blob, &doomed, NOW).await.unwrap();
        let begun = begin_removal(&tx, Kind::Blob, &doomed, NOW, LATER).await;
        assert!(begun.unwrap());
        tx.commit().await.unwrap();
        // Died: over after a while.
        let tx = store.writer.begin().await.unwrap();
        registry::link_blob(&tx, REPO, &doomed, 1, false, late)
            .await
            .unwrap();
        drop(tx);
        let tx = store.writer.begin().await.unwrap();
        let early = registry::link_blob(&tx, REPO, &doomed, 1, false, LATER).await;
        assert!(matches!(early, Err(Error::Busy(_))), "{early:?}");
        drop(tx);
        // Failed: over at once.
        let tx = store.writer.begin().await.unwrap();
        not_removed(&tx, Kind::Blob, &doomed).await.unwrap();
        registry::link_blob(&tx, REPO, &doomed, 1, false, LATER)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    })
    .await;
}
