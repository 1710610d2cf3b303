//! Bytes that a database names, copied into another storage: all of them, each verified, each once.

use bytes::Bytes;
use futures_util::stream;
use oci::Digest;
use store::backup::{Tally, copy_bytes};
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
            copy_bytes(&store.reader, &store.blobs, &target, Before::Trusted)
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
        let read = copy_bytes(&store.reader, &store.blobs, &target, Before::Read).await;
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
