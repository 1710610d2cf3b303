//! Repositories: what is in them, for whom, under which tags.

use oci::Digest;
use store::registry::blocked_digests::{self, BlockedDigest};
use store::registry::pull_tokens::{self, PullToken};
use store::registry::{self, BlobMembership, Membership, ReferrersOf, StoredManifest};
use store::{Error, Store, Tx, submissions};
use testkit::engines::for_each_engine;

use crate::rows::{NOW, begin, digest, key, submission};

const REPO: &str = "p1/sensor/free";

fn manifest(text: &str, subject: Option<Digest>) -> StoredManifest {
    StoredManifest {
        digest: digest(text),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        bytes: text.as_bytes().to_vec(),
        artifact_type: subject
            .is_some()
            .then(|| "application/vnd.example.sbom".to_owned()),
        subject,
    }
}

async fn push(tx: &Tx, repo: &str, text: &str, public: bool) {
    registry::put_manifest(tx, &manifest(text, None))
        .await
        .unwrap();
    registry::link_manifest(tx, repo, &digest(text), public, NOW)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_keeps_its_bytes_and_a_repository_only_what_was_linked() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        let bytes = StoredManifest {
            bytes: vec![0, 1, 255, b'{'],
            ..manifest("m1", Some(digest("subject")))
        };
        registry::put_manifest(&tx, &bytes).await.unwrap();
        registry::put_manifest(&tx, &bytes).await.unwrap();
        registry::link_manifest(&tx, REPO, &digest("m1"), false, NOW)
            .await
            .unwrap();
        registry::link_manifest(&tx, REPO, &digest("m1"), false, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let reader = &store.reader;
        assert_eq!(
            registry::manifest(reader, &digest("m1")).await.unwrap(),
            Some(bytes)
        );
        let private = Some(Membership { public: false });
        assert_eq!(
            registry::has_manifest(reader, REPO, &digest("m1"))
                .await
                .unwrap(),
            private
        );
        assert_eq!(
            registry::has_manifest(reader, "p2/other/free", &digest("m1"))
                .await
                .unwrap(),
            None
        );
        assert!(registry::repository_exists(reader, REPO).await.unwrap());
        assert!(
            !registry::repository_exists(reader, "p2/other/free")
                .await
                .unwrap()
        );

        let tx = store.writer.begin().await.unwrap();
        let lonely = registry::link_manifest(&tx, REPO, &digest("never put"), false, NOW).await;
        assert!(matches!(lonely, Err(Error::Other(_))), "{lonely:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn public_is_never_taken_back() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        for public in [false, true, false] {
            push(&tx, REPO, "m1", public).await;
            registry::link_blob(&tx, REPO, &digest("b1"), 10, public, NOW)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let reader = &store.reader;
        let public = Some(Membership { public: true });
        assert_eq!(
            registry::has_manifest(reader, REPO, &digest("m1"))
                .await
                .unwrap(),
            public
        );
        let blob = BlobMembership {
            public: true,
            size: 10,
            linked_at: NOW,
        };
        assert_eq!(
            registry::has_blob(reader, REPO, &digest("b1"))
                .await
                .unwrap(),
            Some(blob)
        );
        assert!(registry::repository_public(reader, REPO).await.unwrap());
        assert_eq!(
            registry::blobs_of(reader, REPO).await.unwrap(),
            [(digest("b1"), blob)]
        );
        assert_eq!(registry::manifests_of(reader, REPO).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_becomes_public_whole_or_not_at_all() {
    for_each_engine(|store: Store| async move {
        let blobs: Vec<Digest> = (0..1_100)
            .map(|number| digest(&format!("b{number}")))
            .collect();
        let tx = store.writer.begin().await.unwrap();
        push(&tx, REPO, "m1", false).await;
        push(&tx, REPO, "not in it", false).await;
        for blob in &blobs {
            registry::link_blob(&tx, REPO, blob, 1, false, NOW)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();

        let reader = &store.reader;
        let tx = store.writer.begin().await.unwrap();
        let with_absent = [blobs.clone(), vec![digest("absent")]].concat();
        let short = registry::publish_closure(&tx, REPO, &[digest("m1")], &with_absent)
            .await
            .unwrap_err();
        assert!(short.to_string().contains("1100 of the 1101"), "{short}");
        tx.commit().await.unwrap();
        assert!(!registry::repository_public(reader, REPO).await.unwrap());

        let tx = store.writer.begin().await.unwrap();
        let twice = [blobs.clone(), blobs.clone()].concat();
        registry::publish_closure(&tx, REPO, &[digest("m1"), digest("m1")], &twice)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let found = registry::blobs_of(reader, REPO).await.unwrap();
        assert!(found.len() == 1_100 && found.iter().all(|(_, blob)| blob.public));
        let (inside, outside) = (digest("m1"), digest("not in it"));
        assert!(
            registry::has_manifest(reader, REPO, &inside)
                .await
                .unwrap()
                .unwrap()
                .public
        );
        assert!(
            !registry::has_manifest(reader, REPO, &outside)
                .await
                .unwrap()
                .unwrap()
                .public
        );
        assert!(registry::repository_public(reader, REPO).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_move_sort_by_bytes_and_go_with_their_manifest() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        push(&tx, REPO, "m1", false).await;
        push(&tx, REPO, "m2", false).await;
        for tag in ["latest", "1.0.0", "1.0.0-arm", "1_0", "Z", "a", "B"] {
            registry::set_tag(&tx, REPO, tag, &digest("m1"), NOW)
                .await
                .unwrap();
        }
        registry::set_tag(&tx, REPO, "latest", &digest("m2"), NOW + 1)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let reader = &store.reader;
        let all = registry::tags(reader, REPO, None, 100).await.unwrap();
        assert_eq!(all, ["1.0.0", "1.0.0-arm", "1_0", "B", "Z", "a", "latest"]);
        assert_eq!(
            registry::tags(reader, REPO, Some("1_0"), 2).await.unwrap(),
            ["B", "Z"]
        );
        assert_eq!(
            registry::tags(reader, REPO, Some("latest"), 2)
                .await
                .unwrap(),
            [""; 0]
        );
        assert_eq!(
            registry::tag(reader, REPO, "latest").await.unwrap(),
            Some(digest("m2"))
        );
        assert_eq!(registry::tag(reader, REPO, "LATEST").await.unwrap(), None);
        assert_eq!(
            registry::tags_of_digest(reader, REPO, &digest("m2"))
                .await
                .unwrap(),
            ["latest"]
        );

        let tx = store.writer.begin().await.unwrap();
        assert!(registry::delete_tag(&tx, REPO, "latest").await.unwrap());
        assert!(!registry::delete_tag(&tx, REPO, "latest").await.unwrap());
        assert!(
            registry::unlink_manifest(&tx, REPO, &digest("m1"))
                .await
                .unwrap()
        );
        assert!(
            !registry::unlink_manifest(&tx, REPO, &digest("m1"))
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        assert_eq!(
            registry::tags(reader, REPO, None, 100).await.unwrap(),
            [""; 0]
        );
        assert!(
            registry::has_manifest(reader, REPO, &digest("m2"))
                .await
                .unwrap()
                .is_some()
        );
        let tx = store.writer.begin().await.unwrap();
        let dangling = registry::set_tag(&tx, REPO, "latest", &digest("m1"), NOW).await;
        assert!(
            matches!(dangling, Err(Error::Other(_))),
            "a tag names what the repository holds"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_set_a_tag_leave_one_of_their_manifests() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        push(&tx, REPO, "m1", false).await;
        push(&tx, REPO, "m2", false).await;
        tx.commit().await.unwrap();
        let set = |writer: store::Writer, text: &'static str| async move {
            for _ in 0..20 {
                let tx = writer.begin().await.unwrap();
                registry::set_tag(&tx, REPO, "latest", &digest(text), NOW)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
            }
        };
        tokio::join!(
            set(store.writer.clone(), "m1"),
            set(store.writer.clone(), "m2")
        );
        let found = registry::tag(&store.reader, REPO, "latest")
            .await
            .unwrap()
            .unwrap();
        assert!([digest("m1"), digest("m2")].contains(&found));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_reads_its_own_blobs_and_public_ones() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        let linked = [
            ("p_1/sensor/free", "live", false),
            ("incoming/p_1/sensor", "pushed", false),
            ("px1/sensor/free", "foreign", false),
            ("p_10/sensor/free", "longer", false),
            ("px1/sensor/free", "public", true),
        ];
        for (repo, text, public) in linked {
            registry::link_blob(&tx, repo, &digest(text), 1, public, NOW)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let reader = &store.reader;
        for (text, expected) in [
            ("live", true),
            ("pushed", true),
            ("foreign", false),
            ("longer", false),
            ("public", true),
            ("nowhere", false),
        ] {
            let may = registry::publisher_may_read(reader, "p_1", &digest(text))
                .await
                .unwrap();
            assert_eq!(may, expected, "{text}");
        }
        let holders = registry::repositories_of_blob(reader, &digest("live"), 10)
            .await
            .unwrap();
        assert_eq!(holders, ["p_1/sensor/free"]);
        assert!(
            registry::is_blob_linked(reader, &digest("live"))
                .await
                .unwrap()
        );
        let tx = store.writer.begin().await.unwrap();
        assert!(
            registry::unlink_blob(&tx, "p_1/sensor/free", &digest("live"))
                .await
                .unwrap()
        );
        assert!(
            !registry::is_blob_linked(&tx, &digest("live"))
                .await
                .unwrap()
        );
        assert!(
            !registry::unlink_blob(&tx, "p_1/sensor/free", &digest("live"))
                .await
                .unwrap()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_are_paged_and_found_by_their_module() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        push(&tx, "a/x/y", "subject", false).await;
        for repo in ["b/x/y", "a-b/x/y", "a-b/x/z", "a-b/x-1/y", "a-b/x1/y"] {
            push(&tx, repo, "subject", true).await;
        }
        tx.commit().await.unwrap();
        let reader = &store.reader;
        let all = registry::repositories(reader, None, 10).await.unwrap();
        let named = [
            "a-b/x-1/y",
            "a-b/x/y",
            "a-b/x/z",
            "a-b/x1/y",
            "a/x/y",
            "b/x/y",
        ];
        assert_eq!(all, named);
        assert_eq!(
            registry::repositories(reader, Some("a-b/x/y"), 1)
                .await
                .unwrap(),
            ["a-b/x/z"]
        );
        let public = async |module: &str| {
            let module = key(module);
            registry::public_repositories_of(reader, &module)
                .await
                .unwrap()
        };
        assert_eq!(public("a-b.x").await, ["a-b/x/y", "a-b/x/z"]);
        assert_eq!(public("a.x").await, [] as [&str; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn referrers_stay_in_their_repository() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        for (repo, public) in [("b/x/y", true), ("a/x/y", false), ("a-b/x/y", true)] {
            push(&tx, repo, "subject", public).await;
        }
        for text in ["sbom", "signature"] {
            registry::put_manifest(&tx, &manifest(text, Some(digest("subject"))))
                .await
                .unwrap();
        }
        registry::link_manifest(&tx, "a/x/y", &digest("sbom"), false, NOW)
            .await
            .unwrap();
        registry::link_manifest(&tx, "b/x/y", &digest("signature"), false, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let reader = &store.reader;
        let subject = digest("subject");
        let asked = ReferrersOf {
            repo: "a/x/y",
            subject: &subject,
            public: false,
            artifact_type: None,
        };
        let sbom = [manifest("sbom", Some(subject.clone()))];
        let elsewhere = ReferrersOf {
            repo: "a-b/x/y",
            ..asked
        };
        let public = ReferrersOf {
            public: true,
            ..asked
        };
        let typed = ReferrersOf {
            artifact_type: Some("application/none"),
            ..asked
        };
        for (asked, expected) in [
            (asked, &sbom[..]),
            (elsewhere, &[]),
            (public, &[]),
            (typed, &[]),
        ] {
            let found = registry::referrers(reader, asked, None, 10).await;
            assert_eq!(found.unwrap(), expected, "{asked:?}");
            let found = registry::referrer_digests(reader, asked, None, 10).await;
            let digests: Vec<_> = expected.iter().map(|one| one.digest.clone()).collect();
            assert_eq!(found.unwrap(), digests, "{asked:?}");
        }
        let after = registry::referrer_digests(reader, asked, Some(&sbom[0].digest), 10).await;
        assert!(after.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_for_a_push_is_still_there_when_it_ends() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        registry::link_blob(&tx, REPO, &digest("b1"), 10, false, NOW)
            .await
            .unwrap();
        push(&tx, REPO, "m1", false).await;
        tx.commit().await.unwrap();

        let tx = store.writer.begin().await.unwrap();
        assert_eq!(
            registry::hold_blob(&tx, REPO, &digest("b1"))
                .await
                .unwrap()
                .unwrap()
                .size,
            10
        );
        assert!(
            registry::hold_manifest(&tx, REPO, &digest("m1"))
                .await
                .unwrap()
                .is_some()
        );
        assert_eq!(
            registry::hold_blob(&tx, REPO, &digest("b2")).await.unwrap(),
            None
        );
        let writer = store.writer.clone();
        let mut delete = tokio::spawn(async move {
            let tx = writer.begin().await.unwrap();
            registry::unlink_blob(&tx, REPO, &digest("b1"))
                .await
                .unwrap();
            tx.commit().await.unwrap();
        });
        let waited = tokio::time::timeout(std::time::Duration::from_millis(200), &mut delete).await;
        assert!(
            waited.is_err(),
            "the delete waits for the transaction that holds the blob"
        );
        assert!(
            registry::has_blob(&tx, REPO, &digest("b1"))
                .await
                .unwrap()
                .is_some()
        );
        tx.commit().await.unwrap();
        delete.await.unwrap();
        assert_eq!(
            registry::has_blob(&store.reader, REPO, &digest("b1"))
                .await
                .unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_digest_says_why() {
    for_each_engine(|store: Store| async move {
        let blocked = |reason: &str| BlockedDigest {
            digest: digest("m1"),
            reason: reason.to_owned(),
            at: NOW,
        };
        let tx = store.writer.begin().await.unwrap();
        blocked_digests::block(&tx, &blocked("malware"))
            .await
            .unwrap();
        blocked_digests::block(&tx, &blocked("court order"))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let reader = &store.reader;
        assert!(
            blocked_digests::is_blocked(reader, &digest("m1"))
                .await
                .unwrap()
        );
        assert!(
            !blocked_digests::is_blocked(reader, &digest("m2"))
                .await
                .unwrap()
        );
        let reason = registry::block_reason(reader, &digest("m1")).await.unwrap();
        assert_eq!(reason.as_deref(), Some("court order"));
        assert_eq!(
            blocked_digests::list(reader).await.unwrap(),
            [blocked("court order")]
        );
        let tx = store.writer.begin().await.unwrap();
        assert!(blocked_digests::unblock(&tx, &digest("m1")).await.unwrap());
        assert!(!blocked_digests::unblock(&tx, &digest("m1")).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_tokens_end_with_their_preview() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let token = |id: &str| PullToken {
            id: id.to_owned(),
            token_hash: format!("hash-{id}"),
            repo: REPO.to_owned(),
            submission: "s1".to_owned(),
            expires_at: NOW + 10,
            revoked_at: None,
            account_id: Some("a1".to_owned()),
        };
        let tx = store.writer.begin().await.unwrap();
        submissions::insert(&tx, &submission("s1", "p1.sensor", 1))
            .await
            .unwrap();
        pull_tokens::insert(&tx, &token("t1")).await.unwrap();
        pull_tokens::insert(&tx, &token("t2")).await.unwrap();
        assert!(matches!(
            pull_tokens::insert(&tx, &token("t2")).await,
            Err(Error::Conflict(_))
        ));
        assert_eq!(
            pull_tokens::find_by_hash(&tx, "hash-t1").await.unwrap(),
            Some(token("t1"))
        );
        assert_eq!(
            pull_tokens::revoke_of_submission(&tx, "s1", NOW)
                .await
                .unwrap(),
            2
        );
        assert_eq!(
            pull_tokens::revoke_of_submission(&tx, "s1", NOW)
                .await
                .unwrap(),
            0
        );
        let found = pull_tokens::find_by_hash(&tx, "hash-t2")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.revoked_at, Some(NOW));
    })
    .await;
}
