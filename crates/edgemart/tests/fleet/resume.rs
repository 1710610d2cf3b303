//! A replica dies in the middle of a large layer, on PostgreSQL and S3: another goes on at the byte where the kept part
//! ends, and the publisher's registry sends only the rest.

use app::offers::{save_draft, submit_offer};
use domain::lifecycle::State;
use store::registry::uploads::{self, Upload};
use testkit::hostile::{self, Trick};
use testkit::image::ImageBuilder;

use crate::place::{PATIENCE, Place, check_complete};
use crate::replicas::wait_for;
use crate::server::Server;

/// Larger than two parts of an import.
const LAYER_BYTES: usize = 18_000_000;
/// After the first part and before the second.
const STOPS_AT: usize = 12_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn another_replica_goes_on_at_the_byte_where_one_died() {
    let s3 = testkit::s3::start().await;
    let storage = (s3.storage_url("resume"), s3.keys());
    let image = ImageBuilder::all_platforms()
        .user("1000")
        .noise(LAYER_BYTES)
        .build();
    let trick = Trick::BlobStallsAt {
        at: STOPS_AT,
        times: 1,
        ranges: true,
    };
    let upstream = hostile::serve(&image, "contoso/large", "latest,1.0.0", trick)
        .await
        .unwrap();
    let database = testkit::postgres::create_database();
    let place = Place::importing(Some(database), Some(storage), &[upstream.host()]).await;
    let app = place.app().await;
    let owner = place.found(&app).await;
    let small = crate::place::image(1);
    let key = place.draft(&app, &owner, "sensor", &small).await;
    let row = store::offers::find(&app.reader, &key)
        .await
        .unwrap()
        .unwrap();
    let mut offer = row.draft;
    offer.plans[0].image.registry = upstream.host();
    offer.plans[0].image.repository = "contoso/large".into();
    save_draft(&app, &owner, &key, &offer, row.revision)
        .await
        .unwrap();

    let environment = place.environment();
    let a = Server::start(&place.config, &environment).await;
    let id = submit_offer(&app, &owner, &key, "").await.unwrap();
    let repo = key.repository(&offer.plans[0].plan);
    let kept = async {
        loop {
            let parts = uploads::of_repository(&app.reader, &repo).await.unwrap();
            if parts.len() == 3 && parts.iter().all(|part| part.size > 0) {
                return parts;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let kept: Vec<Upload> = tokio::time::timeout(PATIENCE, kept)
        .await
        .expect("no part was kept");
    a.kill().await;

    let b = Server::start(&place.config, &environment).await;
    wait_for(&app, &id, State::Preview).await;
    drop(b);
    let requests = upstream.requests();
    let asked = requests
        .iter()
        .filter_map(|request| request.header("range"));
    let mut asked: Vec<String> = asked.map(ToOwned::to_owned).collect();
    let mut expected: Vec<String> = kept
        .iter()
        .map(|part| format!("bytes={}-", part.size))
        .collect();
    asked.sort();
    expected.sort();
    assert_eq!(asked, expected, "only the rest is asked for");
    check_complete(&app).await;
    let left = uploads::of_repository(&app.reader, &repo).await.unwrap();
    assert!(left.is_empty(), "parts are left");
}
