//! An import that fails for good only after its publisher gave it up and submitted again: it changes nothing of what ended,
//! and takes nothing away from what came in its place.

use std::collections::HashMap;
use std::sync::{Mutex, mpsc};

use app::offers::cancel_submission;
use domain::lifecycle::State;
use store::Store;
use store::jobs::JobState;
use store::registry::uploads;
use testkit::engines::for_each_engine;
use testkit::http::{Body, Request, Response, Server};
use testkit::image::{ImageBuilder, TestImage};

use crate::market::Market;

const REPOSITORY: &str = "contoso/late";
/// More than one part.
const LAYER_BYTES: usize = 12_000_000;
/// After the first part.
const STOPS_AT: usize = 9_000_000;

/// A registry whose large layer never ends, and whose configuration is wrong the first time, and that only when told.
struct Upstream {
    image: TestImage,
    held: String,
    asked: Mutex<HashMap<String, usize>>,
    release: Mutex<mpsc::Receiver<()>>,
}

/// How a registry answers that has one image, under two tags.
pub fn manifest(image: &TestImage, reference: &str) -> Response {
    let named = ["latest", "1.0.0"].contains(&reference);
    let mut all = image.manifests.iter();
    let found = match named {
        true => Some(image.top()),
        false => all.find(|manifest| manifest.digest == reference),
    };
    match found {
        Some(found) => Response::new(200, found.bytes.clone())
            .with("Content-Type", &found.media_type)
            .with("Docker-Content-Digest", &found.digest),
        None => Response::new(404, ""),
    }
}

impl Upstream {
    fn answer(&self, request: &Request) -> Response {
        let Some(rest) = request.path.strip_prefix(&format!("/v2/{REPOSITORY}/")) else {
            return Response::new(200, "{}");
        };
        match rest.split_once('/') {
            Some(("manifests", reference)) => manifest(&self.image, reference),
            Some(("blobs", digest)) => self.blob(digest, request),
            _ => Response::new(404, ""),
        }
    }

    fn blob(&self, digest: &str, request: &Request) -> Response {
        let bytes = self.image.blob(digest).unwrap();
        if bytes.len() >= LAYER_BYTES {
            let start = request.header("range").map_or(0, |range| {
                let text = range.trim_start_matches("bytes=").trim_end_matches('-');
                text.parse().unwrap()
            });
            let (size, last) = (bytes.len(), bytes.len() - 1);
            let body = Body::Stalled {
                bytes: bytes[start..STOPS_AT.max(start)].to_vec(),
                promised: (size - start) as u64,
            };
            return match start {
                0 => Response::new(200, "").body(body),
                _ => Response::new(206, "")
                    .with("Content-Range", format!("bytes {start}-{last}/{size}"))
                    .body(body),
            };
        }
        let mut asked = self.asked.lock().unwrap();
        let times = asked.entry(digest.to_owned()).or_default();
        *times += 1;
        let first = digest == self.held && *times == 1;
        drop(asked);
        if !first {
            return Response::new(200, bytes);
        }
        let release = self.release.lock().unwrap();
        tokio::task::block_in_place(|| release.recv().unwrap());
        Response::new(200, vec![b'x'; bytes.len()])
    }
}

async fn fails_late(store: Store) {
    let image = ImageBuilder::all_platforms()
        .single()
        .noise(LAYER_BYTES)
        .build();
    let manifest = oci::Manifest::parse(None, &image.top().bytes).unwrap();
    let held = manifest.blobs().next().unwrap().digest.to_string();
    let (release, released) = mpsc::channel();
    let upstream = Upstream {
        image,
        held,
        asked: Mutex::default(),
        release: Mutex::new(released),
    };
    let server = Server::start(move |request| upstream.answer(request))
        .await
        .unwrap();
    let market = Market::open_to(store, &[server.host()]).await;
    let app = &market.app;
    let offer = market.draft_from(server.host(), REPOSITORY).await;
    let (key, repo) = (offer.key(), offer.key().repository(&offer.plans[0].plan));
    let parts = async || uploads::of_repository(&app.reader, &repo).await.unwrap();
    let until = async |what: &str, check: &dyn Fn(usize, usize) -> bool| {
        let look = async {
            loop {
                let kept = parts().await.iter().filter(|part| part.size > 0).count();
                let running = store::jobs::in_state(&app.reader, JobState::Running, 10).await;
                if check(kept, running.unwrap().len()) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(60), look).await;
        waited.unwrap_or_else(|_| panic!("{what}"));
    };

    let first = market.submit(&key).await;
    until("no part was kept", &|kept, running| {
        kept == 1 && running == 1
    })
    .await;
    cancel_submission(app, &market.owner, &first).await.unwrap();
    let second = market.submit(&key).await;
    until("the second does not run", &|_, running| running == 2).await;
    market.wait(&second, &[State::Importing]).await;
    let before = parts().await;
    release.send(()).unwrap();
    until("the first does not end", &|_, running| running == 1).await;

    let first = market.wait(&first, &[State::Cancelled]).await;
    assert_eq!(first.failure, None, "it ended before it failed");
    market.wait(&second, &[State::Importing]).await;
    let ids =
        |all: &[uploads::Upload]| -> Vec<String> { all.iter().map(|one| one.id.clone()).collect() };
    assert_eq!(
        ids(&parts().await),
        ids(&before),
        "the parts are the second's"
    );
    cancel_submission(app, &market.owner, &second)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_late_failure_leaves_the_successor_alone() {
    for_each_engine(fails_late).await;
}
