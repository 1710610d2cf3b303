//! A scrub that fetches a lost layer again while the last who held it lets it go: what nobody holds is not brought back.

use std::sync::{Arc, Mutex};

use app::registry::{Mend, scrub};
use domain::lifecycle::State;
use oci::Digest;
use store::Store;
use testkit::engines::for_each_engine;
use testkit::http::{Request, Response, Server};
use testkit::image::{ImageBuilder, TestImage};
use tokio::runtime::Handle;

use crate::late::manifest;
use crate::market::Market;

const REPOSITORY: &str = "contoso/let-go";

/// The layer that is let go when it is next asked for, and of which repository.
type Fate = Arc<Mutex<Option<(Store, String, Digest)>>>;

fn answer(image: &TestImage, fate: &Fate, request: &Request) -> Response {
    let Some(rest) = request.path.strip_prefix(&format!("/v2/{REPOSITORY}/")) else {
        return Response::new(200, "{}");
    };
    match rest.split_once('/') {
        Some(("manifests", reference)) => manifest(image, reference),
        Some(("blobs", digest)) => {
            if let Some((store, repo, digest)) = fate.lock().unwrap().take() {
                let unlinked = async {
                    let tx = store.writer.begin().await.unwrap();
                    let unlinked = store::registry::unlink_blob(&tx, &repo, &digest).await;
                    tx.commit().await.unwrap();
                    unlinked.unwrap()
                };
                assert!(tokio::task::block_in_place(
                    || Handle::current().block_on(unlinked)
                ));
            }
            Response::new(200, image.blob(digest).unwrap())
        }
        _ => Response::new(404, ""),
    }
}

async fn let_go_meanwhile(store: Store) {
    let image = ImageBuilder::all_platforms().single().noise(50_000).build();
    let lost: Digest = image.largest_blob().0.parse().unwrap();
    let fate = Fate::default();
    let told = Arc::clone(&fate);
    let server = Server::start(move |request| answer(&image, &told, request))
        .await
        .unwrap();
    let market = Market::open_to(store, &[server.host()]).await;
    let app = &market.app;
    let offer = market.draft_from(server.host(), REPOSITORY).await;
    let repo = offer.key().repository(&offer.plans[0].plan);
    let id = market.submit(&offer.key()).await;
    // What the rules say of it does not matter: the layer came, and it is known from where.
    market
        .wait(&id, &[State::Preview, State::Rejected, State::InReview])
        .await;

    app.blobs.delete(&lost).await.unwrap();
    let report = scrub(app, Mend::Fetch).await.unwrap();
    assert_eq!((report.broken, report.healed), (1, 1), "{report:?}");
    assert!(app.blobs.size(&lost).await.unwrap().is_some());

    app.blobs.delete(&lost).await.unwrap();
    *fate.lock().unwrap() = Some((market.store.clone(), repo, lost.clone()));
    let report = scrub(app, Mend::Fetch).await.unwrap();
    assert!(fate.lock().unwrap().is_none(), "it was not asked for");
    assert_eq!((report.broken, report.healed), (1, 0), "{report:?}");
    let why = report.list[0].not_healed.clone().unwrap();
    assert!(why.contains("no repository holds it any more"), "{why}");
    assert_eq!(app.blobs.size(&lost).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_let_go_meanwhile_is_not_brought_back() {
    for_each_engine(let_go_meanwhile).await;
}
