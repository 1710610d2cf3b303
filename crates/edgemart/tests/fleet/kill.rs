//! `kill -9` during import, certification, go-live, push, mount, delete and garbage collection, many times: after each, everything visible is complete and
//! every digest verifies; in the end every submission arrived.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use app::offers::{go_live, submit_offer};
use domain::lifecycle::State;
use tokio::process::Command;
use tokio::sync::watch;

use crate::place::{EMAIL, PASSWORD, PATIENCE, Place, check_complete, image, sign_in};
use crate::server::Server;

/// Rounds in an ordinary run; `make soak` asks for more.
const ROUNDS: u64 = 20;
/// Offers on their way during the rounds.
const OFFERS: usize = 4;
/// Of one pushed blob.
const BLOB_BYTES: u64 = 300_000;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn rounds() -> u64 {
    match std::env::var("EDGEMART_KILL_ROUNDS") {
        Ok(text) => text.parse().expect("EDGEMART_KILL_ROUNDS is a number"),
        Err(_) => ROUNDS,
    }
}

/// Pushes blobs into `incoming/` until the server is gone.
async fn push(url: String, round: u64) {
    let client = reqwest::Client::new();
    for at in 0_u64.. {
        let bytes: Vec<u8> = (0..BLOB_BYTES)
            .map(|i| (i * 31 + at * 7 + round) as u8)
            .collect();
        let digest = oci::Digest::sha256_of(&bytes);
        let start = client
            .post(format!("{url}/v2/incoming/contoso/push/blobs/uploads/"))
            .basic_auth(EMAIL, Some(PASSWORD))
            .send()
            .await;
        let Ok(start) = start else { return };
        assert_eq!(start.status(), 202);
        let location = start.headers()["location"].to_str().unwrap().to_owned();
        let location = location.strip_prefix(&url).unwrap_or(&location).to_owned();
        let joint = if location.contains('?') { '&' } else { '?' };
        let put = client
            .put(format!("{url}{location}{joint}digest={digest}"))
            .basic_auth(EMAIL, Some(PASSWORD))
            .body(bytes)
            .send()
            .await;
        let Ok(put) = put else { return };
        // Without any grace a collection may take the bytes before they are linked; then it is told, and pushed again.
        assert!([201, 400, 503].contains(&put.status().as_u16()), "{put:?}");
        if put.status() == 201 && follow(&client, &url, &digest).await.is_none() {
            return;
        }
    }
}

/// Mounts the blob elsewhere, lists it in a manifest, and deletes tag, manifest, blob and the mounted one again; every
/// second time half of that. Nothing: the server is gone.
async fn follow(client: &reqwest::Client, url: &str, digest: &oci::Digest) -> Option<()> {
    let (here, there) = ("incoming/contoso/push", "incoming/contoso/mounted");
    let ask = async |method: reqwest::Method, path: String, body: String| {
        let sent = client
            .request(method, format!("{url}/v2/{path}"))
            .basic_auth(EMAIL, Some(PASSWORD))
            .header("Content-Type", MANIFEST)
            .body(body)
            .send();
        let status = sent.await.ok()?.status().as_u16();
        // What a collection without any grace took away in between is told as missing.
        assert!([201, 202, 400, 404, 409, 503].contains(&status), "{status}");
        Some(status)
    };
    let mount = format!("{there}/blobs/uploads/?mount={digest}&from={here}");
    ask(reqwest::Method::POST, mount, String::new()).await?;
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/octet-stream", "digest": digest, "size": BLOB_BYTES},
        "layers": [],
    })
    .to_string();
    let name = oci::Digest::sha256_of(manifest.as_bytes());
    let tag = format!("{here}/manifests/kept");
    ask(reqwest::Method::PUT, tag.clone(), manifest).await?;
    ask(reqwest::Method::DELETE, tag, String::new()).await?;
    if digest.hex().as_bytes()[0].is_multiple_of(2) {
        return Some(());
    }
    for path in [
        format!("{here}/manifests/{name}"),
        format!("{here}/blobs/{digest}"),
        format!("{there}/blobs/{digest}"),
    ] {
        ask(reqwest::Method::DELETE, path, String::new()).await?;
    }
    Some(())
}

/// Collects garbage without any grace, again and again, until told to stop; then kills what runs.
async fn collect(config: PathBuf, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let mut run = Command::new(env!("CARGO_BIN_EXE_edgemart"))
            .args(["admin", "gc", "--no-grace", "--config"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        tokio::select! {
            _ = run.wait() => {}
            _ = stop.changed() => run.kill().await.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_half_written() {
    let place = Place::new(None, None).await;
    // A manifest whose blob a collection took away is refused, so that whatever is linked must be whole.
    place.configure("registry.sparse_manifests", "false");
    let mut submissions = Vec::new();
    {
        let app = place.app().await;
        let owner = place.found(&app).await;
        for at in 0..OFFERS {
            let key = place
                .draft(&app, &owner, &format!("sensor-{at}"), &image(at))
                .await;
            submissions.push(submit_offer(&app, &owner, &key, "").await.unwrap());
        }
    }
    let mut hashed = 0;
    for round in 0..rounds() {
        let server = Server::start(&place.config, &[]).await;
        let pushing = tokio::spawn(push(server.url.clone(), round));
        let (stop, stopped) = watch::channel(false);
        let collecting = tokio::spawn(collect(place.config.clone(), stopped));
        // Spread over the first second; what falls where differs from machine to machine, and that is the point.
        tokio::time::sleep(Duration::from_millis(20 + (round * 137) % 900)).await;
        server.kill().await;
        stop.send(true).unwrap();
        pushing.await.unwrap();
        collecting.await.unwrap();
        let app = place.app().await;
        hashed = check_complete(&app).await;
        let owner = sign_in(&app, EMAIL).await;
        for id in &submissions {
            let found = store::submissions::find(&app.reader, id)
                .await
                .unwrap()
                .unwrap();
            assert!(
                !matches!(found.state, State::Rejected | State::Cancelled),
                "{:?}",
                found.failure
            );
            if found.state == State::Preview {
                go_live(&app, &owner, id).await.unwrap();
            }
        }
    }
    assert!(hashed > 0, "nothing was ever pushed or imported");
    finish(&place, &submissions).await;
}

/// With a server left alone, everything arrives.
async fn finish(place: &Place, submissions: &[String]) {
    let server = Server::start(&place.config, &[]).await;
    let app = place.app().await;
    let owner = sign_in(&app, EMAIL).await;
    let all_live = async {
        loop {
            let mut live = 0;
            for id in submissions {
                let found = store::submissions::find(&app.reader, id)
                    .await
                    .unwrap()
                    .unwrap();
                match found.state {
                    State::Live => live += 1,
                    State::Preview => go_live(&app, &owner, id).await.unwrap(),
                    State::Rejected => panic!("{:?}", found.failure),
                    _ => {}
                }
            }
            if live == submissions.len() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all_live)
        .await
        .expect("not every submission went live");
    check_complete(&app).await;
    drop(server);
}
