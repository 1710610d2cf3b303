//! Two processes on one PostgreSQL and one S3 (a real S3 protocol server): what one does, the other serves; and what one
//! was doing when it died, the other finishes.

use std::time::{Duration, Instant};

use app::App;
use app::offers::{go_live, submit_offer};
use domain::lifecycle::State;

use crate::place::{EMAIL, PASSWORD, PATIENCE, Place, check_complete, image, sign_in};
use crate::server::Server;

pub async fn wait_for(app: &App, id: &str, state: State) {
    let reached = async {
        loop {
            let found = store::submissions::find(&app.reader, id)
                .await
                .unwrap()
                .unwrap();
            if found.state == state {
                return;
            }
            assert!(found.state != State::Rejected, "{:?}", found.failure);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .unwrap_or_else(|_| panic!("never became {state:?}"));
}

async fn total(url: &str, words: &str) -> u64 {
    let answer = reqwest::get(format!("{url}/api/v1/modules?q={words}"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let body: serde_json::Value = answer.json().await.unwrap();
    body["total"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_everything() {
    let s3 = testkit::s3::start().await;
    let storage = (s3.storage_url("fleet"), s3.keys());
    let place = Place::new(Some(testkit::postgres::create_database()), Some(storage)).await;
    let app = place.app().await;
    let owner = place.found(&app).await;
    let environment = place.environment();
    let a = Server::start(&place.config, &environment).await;
    let b = Server::start(&place.config, &environment).await;

    push_to_one_pull_from_the_other(&a, &b).await;

    let key = place.draft(&app, &owner, "sensor", &image(1)).await;
    let id = submit_offer(&app, &owner, &key, "").await.unwrap();
    wait_for(&app, &id, State::Preview).await;
    assert_eq!(total(&b.url, "sensor").await, 0);
    go_live(&app, &owner, &id).await.unwrap();
    wait_for(&app, &id, State::Live).await;
    let since = Instant::now();
    for url in [&a.url, &b.url] {
        while total(url, "sensor").await == 0 {
            assert!(since.elapsed() < PATIENCE, "not findable on {url}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    eprintln!(
        "findable on both replicas after {} ms",
        since.elapsed().as_millis()
    );

    one_dies_and_the_other_finishes(&place, &app, a).await;
    check_complete(&app).await;
    drop(b);
}

async fn push_to_one_pull_from_the_other(a: &Server, b: &Server) {
    let client = reqwest::Client::new();
    let bytes = vec![42_u8; 700_000];
    let digest = oci::Digest::sha256_of(&bytes);
    let start = client
        .post(format!(
            "{}/v2/incoming/contoso/shared/blobs/uploads/",
            a.url
        ))
        .basic_auth(EMAIL, Some(PASSWORD))
        .send()
        .await
        .unwrap();
    assert_eq!(start.status(), 202);
    let location = start.headers()["location"].to_str().unwrap().to_owned();
    let path = location
        .strip_prefix(&a.url)
        .unwrap_or(&location)
        .to_owned();
    // The first half goes to one replica, the rest to the other.
    let half = bytes.len() / 2;
    let patched = client
        .patch(format!("{}{path}", a.url))
        .basic_auth(EMAIL, Some(PASSWORD))
        .header("Content-Range", format!("0-{}", half - 1))
        .body(bytes[..half].to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(patched.status(), 202);
    let joint = if path.contains('?') { '&' } else { '?' };
    let closed = client
        .put(format!("{}{path}{joint}digest={digest}", b.url))
        .basic_auth(EMAIL, Some(PASSWORD))
        .body(bytes[half..].to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(
        closed.status(),
        201,
        "an upload begun on {} is finished on {}",
        a.host(),
        b.host()
    );
    let pulled = client
        .get(format!(
            "{}/v2/incoming/contoso/shared/blobs/{digest}",
            b.url
        ))
        .basic_auth(EMAIL, Some(PASSWORD))
        .send()
        .await
        .unwrap();
    assert_eq!(pulled.status(), 200);
    assert_eq!(pulled.bytes().await.unwrap(), bytes);
}

async fn one_dies_and_the_other_finishes(place: &Place, app: &App, a: Server) {
    let owner = sign_in(app, EMAIL).await;
    let mut submissions = Vec::new();
    for at in 0..3 {
        let key = place
            .draft(app, &owner, &format!("late-{at}"), &image(10 + at))
            .await;
        submissions.push(submit_offer(app, &owner, &key, "").await.unwrap());
    }
    wait_for_work(app, &submissions).await;
    a.kill().await;
    for id in &submissions {
        wait_for(app, id, State::Preview).await;
    }
}

/// Waits until some submission is under way, so that the kill hits work.
async fn wait_for_work(app: &App, submissions: &[String]) {
    let begun = async {
        loop {
            for id in submissions {
                let found = store::submissions::find(&app.reader, id)
                    .await
                    .unwrap()
                    .unwrap();
                if found.state != State::Submitted {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, begun)
        .await
        .expect("no job was begun");
}
