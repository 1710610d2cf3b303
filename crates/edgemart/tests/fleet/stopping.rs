//! A stop lets transfers under way finish, refuses new ones, cuts off what takes longer than the limit, and keeps what was
//! counted.

use std::time::{Duration, Instant};

use oci::Digest;
use store::registry::{self, StoredManifest};

use crate::place::{EMAIL, PASSWORD, PATIENCE, Place};
use crate::server::Server;

/// Far more than the buffers between two sockets hold.
const BLOB_BYTES: usize = 48 * 1024 * 1024;

async fn push(server: &Server) -> Digest {
    let bytes: Vec<u8> = (0..BLOB_BYTES).map(|at| (at % 251) as u8).collect();
    let digest = Digest::sha256_of(&bytes);
    let put = reqwest::Client::new()
        .post(format!(
            "{}/v2/incoming/contoso/large/blobs/uploads/?digest={digest}",
            server.url
        ))
        .basic_auth(EMAIL, Some(PASSWORD))
        .body(bytes)
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), 201);
    digest
}

async fn begin_to_pull(server: &Server, digest: &Digest) -> reqwest::Response {
    let url = format!("{}/v2/incoming/contoso/large/blobs/{digest}", server.url);
    let mut got = reqwest::Client::new()
        .get(url)
        .basic_auth(EMAIL, Some(PASSWORD))
        .send()
        .await
        .unwrap();
    assert_eq!(got.status(), 200);
    assert!(got.chunk().await.unwrap().is_some());
    got
}

/// Until nobody listens there any more.
async fn refused(host: &str) {
    let gone = async {
        while tokio::net::TcpStream::connect(host).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_under_way_finish() {
    let place = Place::new(None, None).await;
    place.found(&place.app().await).await;
    let server = Server::start(&place.config, &[]).await;
    let digest = push(&server).await;
    let mut pull = begin_to_pull(&server, &digest).await;
    server.terminate().await;
    refused(server.host()).await;
    let mut rest = 0;
    while let Some(chunk) = pull.chunk().await.unwrap() {
        rest += chunk.len();
    }
    assert!(rest > BLOB_BYTES / 2, "{rest}");
    assert!(server.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_cut_off() {
    let place = Place::new(None, None).await;
    place.configure("stop_seconds_max", "1");
    place.found(&place.app().await).await;
    let server = Server::start(&place.config, &[]).await;
    let digest = push(&server).await;
    // Nobody reads on.
    let pull = begin_to_pull(&server, &digest).await;
    let begun = Instant::now();
    server.terminate().await;
    assert!(server.ended().await.success());
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    drop(pull);
}

#[tokio::test(flavor = "multi_thread")]
async fn pulls_counted_to_the_last_are_kept() {
    const REPOSITORY: &str = "contoso/sensor/standard";
    let place = Place::new(None, None).await;
    let server = Server::start(&place.config, &[]).await;
    let store = place.store().await;
    let bytes = b"{}".to_vec();
    let digest = Digest::sha256_of(&bytes);
    let manifest = StoredManifest {
        digest: digest.clone(),
        media_type: "application/vnd.oci.image.index.v1+json".to_owned(),
        bytes,
        subject: None,
        artifact_type: None,
    };
    let tx = store.writer.begin().await.unwrap();
    registry::put_manifest(&tx, &manifest).await.unwrap();
    registry::link_manifest(&tx, REPOSITORY, &digest, true, 1)
        .await
        .unwrap();
    registry::set_tag(&tx, REPOSITORY, "1.0.0", &digest, 1)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for name in ["1.0.0", "1.0.0", digest.as_str()] {
        let url = format!("{}/v2/{REPOSITORY}/manifests/{name}", server.url);
        assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
    }
    server.terminate().await;
    assert!(server.ended().await.success());
    let totals = registry::pulls::totals(&store.reader, &[REPOSITORY])
        .await
        .unwrap();
    assert_eq!(totals.values().sum::<i64>(), 3);
}
