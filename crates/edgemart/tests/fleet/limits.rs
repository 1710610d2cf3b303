//! What the operator allows of names, manifests, tags and requests, set in the configuration and told by the registry: each
//! refusal has the protocol's code, the limit and the way out; what came before a limit was lowered stays readable.

use oci::Digest;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::place::{Place, check_complete};
use crate::server::Server;
use crate::work::Work;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LONG: &str = "incoming/contoso/a-name-of-forty-one-characters-in";
const BLOB: &[u8] = b"{}";

async fn refused(answer: Response, status: u16, code: &str, told: &str) {
    assert_eq!(answer.status(), status);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["errors"][0]["code"], code);
    let message = body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains(told), "{message}");
}

fn manifest(layers: usize, remark: &str) -> Vec<u8> {
    let blob = json!({
        "mediaType": "application/octet-stream", "digest": Digest::sha256_of(BLOB), "size": BLOB.len(),
    });
    let text = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": blob, "layers": vec![blob.clone(); layers],
        "annotations": {"remark": remark},
    });
    text.to_string().into_bytes()
}

async fn put(work: &Work, repo: &str, tag: &str, bytes: Vec<u8>) -> Response {
    let path = format!("/v2/{repo}/manifests/{tag}");
    work.ask(Method::PUT, &path, bytes).await.unwrap()
}

async fn push_blob(work: &Work, repo: &str) -> Response {
    let digest = Digest::sha256_of(BLOB);
    let path = format!("/v2/{repo}/blobs/uploads/?digest={digest}");
    work.ask(Method::POST, &path, BLOB.to_vec()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_manifests_and_tags() {
    let place = Place::new(None, None).await;
    place.found(&place.app().await).await;
    let server = Server::start(&place.config, &[]).await;
    let work = Work::new(&server.url, 0);
    assert_eq!(push_blob(&work, LONG).await.status(), 201);
    assert_eq!(put(&work, LONG, "v1", manifest(1, "")).await.status(), 201);
    server.kill().await;

    for (key, value) in [
        ("name_bytes_max", 40),
        ("name_parts_max", 4),
        ("manifest_bytes_max", 5_000),
        ("manifest_entries_max", 3),
        ("repository_tags_max", 2),
    ] {
        place.configure(&format!("limits.{key}"), &value.to_string());
    }
    let server = Server::start(&place.config, &[]).await;
    let work = Work::new(&server.url, 0);
    let told = push_blob(&work, LONG).await;
    refused(told, 400, "NAME_INVALID", "40 characters").await;
    let told = put(&work, LONG, "v2", manifest(1, "")).await;
    refused(told, 400, "NAME_INVALID", "push to a shorter name").await;
    let told = push_blob(&work, "incoming/contoso/a/b/c").await;
    refused(
        told,
        400,
        "NAME_INVALID",
        "4 parts here, and this one has 5",
    )
    .await;

    let here = "incoming/contoso/a/b";
    assert_eq!(push_blob(&work, here).await.status(), 201);
    let told = put(&work, here, "v1", manifest(1, &"x".repeat(5_000))).await;
    refused(told, 413, "SIZE_INVALID", "5000 bytes").await;
    let told = put(&work, here, "v1", manifest(4, "")).await;
    refused(told, 400, "MANIFEST_INVALID", "list 3 things").await;
    for tag in ["v1", "v2"] {
        assert_eq!(put(&work, here, tag, manifest(3, "")).await.status(), 201);
    }
    let told = put(&work, here, "v3", manifest(3, "")).await;
    refused(told, 403, "DENIED", "limits.repository_tags_max").await;
    // Moving one is no new one, and where one goes another may come.
    let moved = put(&work, here, "v2", manifest(2, "")).await;
    assert_eq!(moved.status(), 201);
    for (method, tag, status) in [(Method::GET, "v3", 404), (Method::DELETE, "v1", 202)] {
        let path = format!("/v2/{here}/manifests/{tag}");
        let answer = work.ask(method, &path, Vec::new()).await.unwrap();
        assert_eq!(answer.status(), status, "{tag}");
    }
    assert_eq!(put(&work, here, "v3", manifest(3, "")).await.status(), 201);

    for (method, status) in [(Method::GET, 200), (Method::DELETE, 202)] {
        let path = format!("/v2/{LONG}/manifests/v1");
        let answer = work.ask(method, &path, Vec::new()).await.unwrap();
        assert_eq!(answer.status(), status, "what is there stays usable");
    }
    server.kill().await;
    check_complete(&place.app().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_one_client_in_a_minute() {
    let place = Place::new(None, None).await;
    place.found(&place.app().await).await;
    place.configure("limits.requests_per_minute_max", "6");
    let server = Server::start(&place.config, &[]).await;
    let work = Work::new(&server.url, 0);
    let mut told = Vec::new();
    for at in 0..30 {
        let path = ["/v2/_catalog", "/v1/_ping", "/token", "/v2/x/manifests/y"][at % 4];
        let answer = work.ask(Method::GET, path, Vec::new()).await.unwrap();
        if answer.status() != 429 {
            continue;
        }
        let wait = answer.headers()["retry-after"].to_str().unwrap();
        told.push(wait.parse::<u64>().unwrap());
        refused(answer, 429, "TOOMANYREQUESTS", "try again").await;
    }
    assert!((1..=24).contains(&told.len()), "{told:?}");
    // One comes back every ten seconds, and clients that were turned away together do not come back together.
    assert!(told.iter().all(|wait| (1..=22).contains(wait)), "{told:?}");
    told.dedup();
    assert!(told.len() > 1, "{told:?}");
    for path in ["/healthz", "/"] {
        // Without the registry's credentials, which say nothing to a page.
        let address = format!("{}{path}", server.url);
        let answer = reqwest::get(address).await.unwrap();
        assert_eq!(answer.status(), 200, "{path} is no part of the registry");
    }
}
