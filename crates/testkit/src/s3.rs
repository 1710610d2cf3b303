//! An S3 server in this process (`s3s-fs`), with one bucket that is a temporary folder.
//!
//! Unlike S3 it copies only into folders that exist, so those are made on the way in; and it takes keys of some 160
//! characters, so a sha512 blob needs a short prefix.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Method;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;
use tower::{Service, service_fn};

use crate::folder::Folder;

/// The header by which a copy names its source.
const COPY_SOURCE: &str = "x-amz-copy-source";

/// A running S3 server. It ends when dropped.
#[derive(Debug)]
pub struct S3Server {
    /// Such as `http://127.0.0.1:40123`.
    pub endpoint: String,
    /// The one bucket.
    pub bucket: String,
    /// The access key id that is let in.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    folder: Folder,
    copies: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// Starts a server on a free port of the loopback address. Panics when it cannot.
pub async fn start() -> S3Server {
    let folder = match Folder::new("s3") {
        Ok(folder) => folder,
        Err(error) => panic!("could not make a temporary folder: {error}"),
    };
    let bucket = "edgemart-test".to_owned();
    let (access_key, secret_key) = ("TESTACCESSKEY".to_owned(), "test-secret-key".to_owned());
    if let Err(error) = std::fs::create_dir(folder.path().join(&bucket)) {
        panic!("could not make the bucket: {error}");
    }
    let service = files_of(folder.path(), &access_key, &secret_key);
    let listener = match TcpListener::bind("127.0.0.1:0").await {
        Ok(listener) => listener,
        Err(error) => panic!("could not listen on the loopback address: {error}"),
    };
    let port = listener
        .local_addr()
        .map(|address| address.port())
        .unwrap_or_default();
    let root = folder.path().to_owned();
    let copies = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&copies);
    let turn = Arc::new(RwLock::new(()));
    let task = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (root, inner) = (root.clone(), service.clone());
            let (counted, turn) = (Arc::clone(&counted), Arc::clone(&turn));
            let service = service_fn(move |request: http::Request<_>| {
                let copies = request.headers().contains_key(COPY_SOURCE);
                let looks = [Method::GET, Method::HEAD].contains(request.method());
                if copies {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                make_way(&root, &request);
                let (mut inner, turn) = (inner.clone(), Arc::clone(&turn));
                async move {
                    // In S3 a copy appears whole; here it grows, so nobody looks meanwhile.
                    let _alone = match copies {
                        true => Some(turn.write().await),
                        false => None,
                    };
                    let _beside = match looks {
                        true => Some(turn.read().await),
                        false => None,
                    };
                    Service::call(&mut inner, request).await
                }
            });
            tokio::spawn(async move {
                // A client that goes away is no failure of the server.
                let _ = Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service))
                    .await;
            });
        }
    });
    S3Server {
        endpoint: format!("http://127.0.0.1:{port}"),
        bucket,
        access_key,
        secret_key,
        folder,
        copies,
        task,
    }
}

/// The protocol on a folder, for whoever has the key.
fn files_of(folder: &Path, access_key: &str, secret_key: &str) -> S3Service {
    let files = match FileSystem::new(folder) {
        Ok(files) => files,
        Err(error) => panic!("could not open the bucket's folder: {error:?}"),
    };
    let mut service = S3ServiceBuilder::new(files);
    service.set_auth(SimpleAuth::from_single(access_key, secret_key));
    service.build()
}

/// Makes the folder that a copy goes to.
fn make_way<B>(root: &Path, request: &http::Request<B>) {
    let path = Path::new(request.uri().path().trim_start_matches('/'));
    let plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if plain
        && request.headers().contains_key(COPY_SOURCE)
        && let Some(folder) = path.parent()
    {
        // When it cannot be made, the copy fails and says so.
        let _ = std::fs::create_dir_all(root.join(folder));
    }
}

impl S3Server {
    /// The storage address of a folder in the bucket, as `store::open` reads it.
    pub fn storage_url(&self, prefix: &str) -> String {
        format!(
            "s3://{}/{prefix}?endpoint={}&region=us-east-1&allow_http=true",
            self.bucket, self.endpoint
        )
    }

    /// The key pair for `store::open`.
    pub fn keys(&self) -> store::StorageKeys {
        store::StorageKeys {
            access_key_id: self.access_key.clone(),
            secret_access_key: self.secret_key.clone(),
        }
    }

    /// How often it was asked to copy an object by itself.
    pub fn copies(&self) -> u64 {
        self.copies.load(Ordering::Relaxed)
    }

    /// Every object in the bucket, in order of key.
    pub fn objects(&self) -> Vec<String> {
        let root = self.folder.path().join(&self.bucket);
        let mut found = Vec::new();
        let mut folders: Vec<PathBuf> = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(key) = path.strip_prefix(&root) {
                    found.push(key.display().to_string());
                }
            }
        }
        found.sort();
        found
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
