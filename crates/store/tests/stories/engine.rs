//! What holds for the database as a whole: transactions, readers, addresses, back-up.

use serde_json::json;
use store::{Error, OpenError, Store, accounts, settings};
use testkit::engines::{for_each_engine, postgres, sqlite};
use testkit::folder::Folder;

use crate::rows::{account, tally};

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_leaves_nothing() {
    for_each_engine(|store: Store| async move {
        store::health(&store.reader).await.unwrap();
        let tx = store.writer.begin().await.unwrap();
        accounts::insert(&tx, &account("a1")).await.unwrap();
        drop(tx);
        let tx = store.writer.begin().await.unwrap();
        assert_eq!(accounts::find(&tx, "a1").await.unwrap(), None);
        accounts::insert(&tx, &account("a1")).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(accounts::list(&store.reader, 10, None).await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_once_lose_nothing() {
    for_each_engine(|store: Store| async move {
        let write = |store: Store, number: usize| async move {
            for round in 0..10 {
                let tx = store.writer.begin().await.unwrap();
                let id = format!("{number}-{round}");
                accounts::insert(&tx, &account(&id)).await.unwrap();
                assert!(accounts::find(&tx, &id).await.unwrap().is_some());
                tx.commit().await.unwrap();
                assert!(
                    accounts::find(&store.reader, &id).await.unwrap().is_some(),
                    "readers see it at once"
                );
            }
        };
        let all: Vec<_> = (0..8)
            .map(|number| tokio::spawn(write(store.clone(), number)))
            .collect();
        for one in all {
            one.await.unwrap();
        }
        assert_eq!(
            accounts::list(&store.reader, 1_000, None)
                .await
                .unwrap()
                .len(),
            80
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_opens_again_with_what_it_had() {
    let (store, folder) = sqlite().await;
    let tx = store.writer.begin().await.unwrap();
    settings::put(&tx, "policy", &json!(1)).await.unwrap();
    tx.commit().await.unwrap();
    drop(store);
    let database = format!("sqlite://{}", folder.path().join("edgemart.db").display());
    let storage = format!("file://{}", folder.path().join("storage").display());
    let again = store::open(&database, &storage, None).await.unwrap();
    assert_eq!(
        settings::get(&again.reader, "policy").await.unwrap(),
        Some(json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_up_is_a_whole_database() {
    let (store, folder) = sqlite().await;
    let tx = store.writer.begin().await.unwrap();
    accounts::insert(&tx, &account("a1")).await.unwrap();
    tx.commit().await.unwrap();
    // A transaction under way neither waits for the back-up nor gets into it.
    let open = store.writer.begin().await.unwrap();
    accounts::insert(&open, &account("a2")).await.unwrap();
    let copy = folder.path().join("copy of it.db");
    store::backup_sqlite(&store.writer, &copy).await.unwrap();
    drop(open);
    assert!(
        store::backup_sqlite(&store.writer, &copy).await.is_err(),
        "it never overwrites"
    );

    let url = url_of(&copy);
    let storage = format!("file://{}", folder.path().join("storage").display());
    let copied = store::open(&url, &storage, None).await.unwrap();
    let ids: Vec<_> = accounts::list(&copied.reader, 10, None).await.unwrap();
    assert_eq!(
        tally(ids.into_iter().map(|account| account.id))
            .into_keys()
            .collect::<Vec<_>>(),
        ["a1"]
    );

    let (store, folder) = postgres().await;
    let refused = store::backup_sqlite(&store.writer, &folder.path().join("x"))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::Other(_)) && refused.to_string().contains("pg_dump"),
        "{refused}"
    );
}

fn url_of(path: &std::path::Path) -> String {
    format!("sqlite://{}", path.display()).replace(' ', "%20")
}

#[tokio::test]
async fn unknown_addresses_are_refused_by_name() {
    let folder = Folder::new("addresses").unwrap();
    let storage = format!("file://{}", folder.path().display());
    let cases = [
        (
            "mysql://root:hunter2@localhost/x",
            storage.as_str(),
            "mysql",
        ),
        ("edgemart.db", &storage, "only sqlite:///"),
        ("sqlite::memory:", &storage, "in memory"),
        ("sqlite:///tmp/x.db", "gs://bucket", "gs"),
        ("sqlite:///tmp/x.db", "s3://bucket/x?region=a", "access key"),
        ("sqlite:///tmp/x.db", "not an address", "storage address"),
        (
            "postgres://u:hunter2@127.0.0.1:1/x",
            &storage,
            "postgres://127.0.0.1/x",
        ),
    ];
    for (database, storage, expected) in cases {
        let error = store::open(database, storage, None).await.err().unwrap();
        let told = error.to_string();
        assert!(told.contains(expected), "{database} {storage}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    let keys = store::StorageKeys {
        access_key_id: "a".into(),
        secret_access_key: "hunter2".into(),
    };
    let misspelt = store::open("sqlite:///tmp/x.db", "s3://bucket?endpiont=x", Some(&keys)).await;
    let misspelt = misspelt.err().unwrap();
    assert!(
        matches!(&misspelt, OpenError::Storage { what, .. } if what.contains("endpiont")),
        "{misspelt}"
    );
    assert!(!format!("{keys:?}").contains("hunter2"));
}
