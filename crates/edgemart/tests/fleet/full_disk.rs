//! The disk is full in the middle of a push: the client is told, nothing half-written is seen or stays, what was there is
//! served on, and with room again the same push goes through.

use std::path::{Path, PathBuf};

use oci::Digest;
use reqwest::{Client, Method, Response};

use crate::place::{EMAIL, PASSWORD, Place, check_complete};
use crate::server::Server;

const INBOX: &str = "incoming/contoso/full";
/// Room for the database and small blobs.
const FILE_BYTES_MAX: u64 = 20 * 1024 * 1024;
/// More than that.
const LARGE_BYTES: usize = 32 * 1024 * 1024;

async fn ask(url: &str, method: Method, path: &str, body: Vec<u8>) -> Response {
    let request = Client::new().request(method, format!("{url}{path}"));
    let request = request.basic_auth(EMAIL, Some(PASSWORD)).body(body);
    request.send().await.unwrap()
}

fn whole(body: &[u8]) -> String {
    format!(
        "/v2/{INBOX}/blobs/uploads/?digest={}",
        Digest::sha256_of(body)
    )
}

async fn assert_told(answer: Response, folder: &Path) {
    assert_eq!(answer.status(), 500);
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("\"errors\"") && text.contains("operator"),
        "{text}"
    );
    let inside = folder.display().to_string();
    assert!(
        !text.contains(&inside) && !text.contains("os error"),
        "{text}"
    );
}

fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_onto_a_full_disk_leaves_nothing() {
    let place = Place::new(None, None).await;
    place.found(&place.app().await).await;
    let small = b"small enough".to_vec();
    let large: Vec<u8> = (0..LARGE_BYTES).map(|i| (i * 31 % 251) as u8).collect();
    let data = place.folder.path().join("data");
    let server = Server::start_on_full_disk(&place.config, FILE_BYTES_MAX).await;
    let url = server.url.clone();
    let pushed = ask(&url, Method::POST, &whole(&small), small.clone()).await;
    assert_eq!(pushed.status(), 201);

    let refused = ask(&url, Method::POST, &whole(&large), large.clone()).await;
    assert_told(refused, &data).await;
    let uploads = format!("/v2/{INBOX}/blobs/uploads/");
    let opened = ask(&url, Method::POST, &uploads, Vec::new()).await;
    let location = opened.headers()["location"].to_str().unwrap().to_owned();
    assert_told(
        ask(&url, Method::PATCH, &location, large.clone()).await,
        &data,
    )
    .await;
    let stands = ask(&url, Method::GET, &location, Vec::new()).await;
    assert_eq!(
        (stands.status().as_u16(), &stands.headers()["range"]),
        (204, &"0-0".parse().unwrap())
    );
    // The upload is still good for what fits.
    let rest = b"what fits".to_vec();
    assert_eq!(
        ask(&url, Method::PATCH, &location, rest.clone())
            .await
            .status(),
        202
    );
    let close = format!("{location}?digest={}", Digest::sha256_of(&rest));
    assert_eq!(
        ask(&url, Method::PUT, &close, Vec::new()).await.status(),
        201
    );
    for body in [&small, &rest] {
        let at = format!("/v2/{INBOX}/blobs/{}", Digest::sha256_of(body));
        let read = ask(&url, Method::GET, &at, Vec::new()).await;
        assert_eq!(read.bytes().await.unwrap(), *body);
    }
    server.kill().await;

    assert_eq!(check_complete(&place.app().await).await, 2);
    let mut left: Vec<String> = files(&data.join("blobs"))
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    left.sort();
    let mut expected = [&small, &rest].map(|body| Digest::sha256_of(body).hex().to_owned());
    expected.sort();
    assert_eq!(left, expected, "nothing else, half-written or whole");
    let server = Server::start(&place.config, &[]).await;
    let again = ask(&server.url, Method::POST, &whole(&large), large).await;
    assert_eq!(again.status(), 201);
}
