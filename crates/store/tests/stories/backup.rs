//! Bytes that a database names, copied into another storage: all of them, each verified, each once.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use oci::Digest;
use store::backup::{BackupError, PATIENCE, Tally, copy_bytes};
use store::blobs::Before;
use store::media::{self, Media};
use store::{Blobs, Store, registry};
use testkit::engines::for_each_engine;
use testkit::folder::Folder;

use crate::rows::{NOW, begin, publisher_id};

async fn keep(store: &Store, repo: &str, bytes: &'static [u8]) -> Digest {
    let digest = Digest::sha256_of(bytes);
    let body = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(bytes))]);
    store
        .blobs
        .put_verified(&digest, body, 1_000)
        .await
        .unwrap();
    let tx = store.writer.begin().await.unwrap();
    let size = bytes.len() as i64;
    registry::link_blob(&tx, repo, &digest, size, false, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    digest
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_the_database_names_is_copied_once() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let first = keep(&store, "p/one", b"first").await;
        keep(&store, "p/two", b"first").await;
        let second = keep(&store, "p/two", b"the second").await;
        let picture = Bytes::from_static(b"picture");
        let digest = Digest::sha256_of(&picture);
        store
            .blobs
            .put_media(&digest, picture.clone())
            .await
            .unwrap();
        let tx = store.writer.begin().await.unwrap();
        let row = Media {
            digest: digest.clone(),
            publisher: publisher_id("p1"),
            media_type: "image/png".into(),
            size: 7,
            created_at: NOW,
        };
        media::put(&tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        let totals = registry::blob_totals(&store.reader).await.unwrap();
        assert_eq!((totals.count, totals.bytes), (2, 15), "each blob once");

        let folder = Folder::new("copy").unwrap();
        let url = format!("file://{}", folder.path().display());
        let target = Blobs::at(&url, None).unwrap();
        let copy = async || {
            let ways = (&store.blobs, &target);
            copy_bytes(&store.reader, ways, Before::Trusted, PATIENCE)
                .await
                .unwrap()
        };
        let done = copy().await;
        assert_eq!((done.copied, done.bytes, done.before), (3, 22, 0));
        assert_eq!(target.read(&second).await.unwrap(), b"the second");
        assert_eq!(target.get_media(&digest).await.unwrap(), Some(picture));
        let again = copy().await;
        let nothing_new = Tally {
            before: 3,
            ..Tally::default()
        };
        assert_eq!(again, nothing_new);

        // Believed, unless it is to be read.
        std::fs::write(target.blob_path(&second).unwrap(), "spoiled!!!").unwrap();
        assert_eq!(copy().await, nothing_new);
        let ways = (&store.blobs, &target);
        let read = copy_bytes(&store.reader, ways, Before::Read, PATIENCE).await;
        let read = read.unwrap();
        assert_eq!((read.copied, read.before), (1, 2));
        assert_eq!(target.read(&second).await.unwrap(), b"the second");

        // What is gone and what was altered is named, and the rest is copied all the same.
        target.delete(&first).await.unwrap();
        target.delete(&second).await.unwrap();
        store.blobs.delete(&first).await.unwrap();
        let file = store.blobs.blob_path(&second).unwrap();
        std::fs::write(file, "something!").unwrap();
        let broken = copy().await;
        assert_eq!(broken.missing, [first]);
        assert_eq!(broken.altered, std::slice::from_ref(&second));
        assert_eq!(target.size(&second).await.unwrap(), None);
    })
    .await;
}

/// A name whose bytes the kernel promises and does not give: the loopback device has no cable.
fn make_unreadable(blobs: &Blobs, digest: &Digest) {
    let path = blobs.blob_path(digest).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/sys/class/net/lo/duplex", path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_named_and_the_rest_is_copied() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let mut held = Vec::new();
        for bytes in [b"one".as_slice(), b"two", b"three"] {
            held.push(keep(&store, "p/one", bytes).await);
        }
        held.sort();
        let [torn, lost, sound] = held.as_slice() else {
            panic!("three are held");
        };
        make_unreadable(&store.blobs, torn);
        // Not even to be opened.
        let path = store.blobs.blob_path(lost).unwrap();
        let folder = path.parent().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        std::fs::write(folder, "a file where the folder was").unwrap();

        let folder = Folder::new("copy").unwrap();
        let url = format!("file://{}", folder.path().display());
        let target = Blobs::at(&url, None).unwrap();
        let ways = (&store.blobs, &target);
        let copied = copy_bytes(&store.reader, ways, Before::Trusted, PATIENCE).await;
        let copied = copied.unwrap();
        assert_eq!(copied.copied, 1, "{copied:?}");
        assert!(!copied.is_complete());
        let named: Vec<&Digest> = copied.unreadable.iter().map(|(digest, _)| digest).collect();
        assert_eq!(named, [torn, lost], "{copied:?}");
        assert!(target.size(sound).await.unwrap().is_some());
        assert_eq!(
            target.size(torn).await.unwrap(),
            None,
            "half of it is not kept"
        );

        // A storage that gives nothing at all is not asked for ever.
        let impatient = copy_bytes(&store.reader, ways, Before::Trusted, Duration::ZERO).await;
        match impatient {
            Err(BackupError::Source { digest, .. }) => assert_eq!(digest, *torn),
            other => panic!("{other:?}"),
        }

        // What was copied and cannot be read is copied again.
        make_unreadable(&target, sound);
        let again = copy_bytes(&store.reader, ways, Before::Read, PATIENCE).await;
        assert_eq!(again.unwrap().copied, 1);
        assert_eq!(
            target.read(sound).await.unwrap().len() as u64,
            target.size(sound).await.unwrap().unwrap()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_takes_nothing_ends_the_copy() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let held = keep(&store, "p/one", b"one").await;
        let folder = Folder::new("copy").unwrap();
        std::fs::write(folder.path().join("blobs"), "no folder").unwrap();
        let url = format!("file://{}", folder.path().display());
        let target = Blobs::at(&url, None).unwrap();
        let ways = (&store.blobs, &target);
        let ended = copy_bytes(&store.reader, ways, Before::Read, PATIENCE).await;
        match ended {
            Err(BackupError::Target { digest, .. }) => assert_eq!(digest, held),
            other => panic!("{other:?}"),
        }
    })
    .await;
}
