//! The same story on both databases: what passes on SQLite alone has not passed.

use std::future::Future;

use store::Store;

use crate::folder::Folder;
use crate::postgres;

/// A fresh store on SQLite in a folder of its own, which must be kept as long as the store.
pub async fn sqlite() -> (Store, Folder) {
    let folder = folder();
    let url = format!("sqlite://{}", folder.path().join("edgemart.db").display());
    (open(&url, &folder).await, folder)
}

/// A fresh store on PostgreSQL, its blobs in a folder, which must be kept as long as the store.
pub async fn postgres() -> (Store, Folder) {
    let folder = folder();
    let url = postgres::create_database();
    (open(&url, &folder).await, folder)
}

fn folder() -> Folder {
    match Folder::new("store") {
        Ok(folder) => folder,
        Err(error) => panic!("could not make a temporary folder: {error}"),
    }
}

async fn open(url: &str, folder: &Folder) -> Store {
    let storage = format!("file://{}", folder.path().join("storage").display());
    match store::open(url, &storage, None).await {
        Ok(store) => store,
        Err(error) => panic!("could not open {url}: {error}"),
    }
}

/// Runs a story on a fresh SQLite store, then on a fresh PostgreSQL store.
pub async fn for_each_engine<F, Told>(story: F)
where
    F: Fn(Store) -> Told,
    Told: Future<Output = ()>,
{
    eprintln!("on SQLite:");
    let (store, _folder) = sqlite().await;
    story(store).await;
    eprintln!("on PostgreSQL:");
    let (store, _folder) = postgres().await;
    story(store).await;
}
