//! Uploads: chunks in order, one at a time.

use store::registry::uploads::{self, Chunk, Upload};
use store::{Store, Writer};
use testkit::engines::for_each_engine;

use crate::rows::NOW;

fn upload(id: &str) -> Upload {
    Upload {
        id: id.to_owned(),
        repo: "incoming/p1/sensor".to_owned(),
        account_id: "a1".to_owned(),
        created_at: NOW,
        updated_at: NOW,
        size: 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_chunks_for_the_same_place_one_gets_in() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        uploads::insert(&tx, &upload("u1")).await.unwrap();
        tx.commit().await.unwrap();
        let append = |writer: Writer, offset, len, key: &'static str| async move {
            let tx = writer.begin().await.unwrap();
            let appended = uploads::append_chunk(&tx, "u1", offset, len, key, NOW + 1)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            appended
        };
        let writer = &store.writer;
        let (one, two) = tokio::join!(
            append(writer.clone(), 0, 5, "one"),
            append(writer.clone(), 0, 5, "two")
        );
        assert!(one ^ two, "{one} {two}");
        assert!(!append(writer.clone(), 3, 5, "overlaps").await);
        assert!(!append(writer.clone(), 6, 5, "leaves a gap").await);
        assert!(append(writer.clone(), 5, 0, "nothing").await);
        assert!(append(writer.clone(), 5, 7, "last").await);
        let chunks = uploads::chunks(&store.reader, "u1").await.unwrap();
        let first = if one { "one" } else { "two" };
        let expected = [
            Chunk {
                offset: 0,
                len: 5,
                key: first.to_owned(),
            },
            Chunk {
                offset: 5,
                len: 7,
                key: "last".to_owned(),
            },
        ];
        assert_eq!(chunks, expected);
        let found = uploads::find(&store.reader, "u1").await.unwrap().unwrap();
        assert_eq!((found.size, found.updated_at), (12, NOW + 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_with_its_chunks_when_it_is_stale() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        uploads::insert(&tx, &upload("u1")).await.unwrap();
        uploads::insert(&tx, &upload("u2")).await.unwrap();
        uploads::append_chunk(&tx, "u2", 0, 5, "k", NOW + 9)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let stale = uploads::stale(&store.reader, NOW + 9).await.unwrap();
        assert_eq!(stale, [upload("u1")]);
        let tx = store.writer.begin().await.unwrap();
        assert!(uploads::delete(&tx, "u2").await.unwrap());
        assert!(!uploads::delete(&tx, "u2").await.unwrap());
        assert!(
            !uploads::append_chunk(&tx, "u2", 5, 5, "k2", NOW)
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        assert_eq!(uploads::chunks(&store.reader, "u2").await.unwrap(), []);
        assert_eq!(uploads::find(&store.reader, "u2").await.unwrap(), None);
    })
    .await;
}
