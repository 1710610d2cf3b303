//! A server that is killed while it runs a module for certification: what it left at the engine goes with the next
//! start, the submission arrives all the same; and nobody takes away what a living process is running.

use app::offers::submit_offer;
use domain::lifecycle::State;
use domain::offer::PlatformOption;
use edge::runner::Engine;
use testkit::podman::{self, Podman};

use crate::place::{PATIENCE, Place};
use crate::server::Server;

const MODULE: &[u8] = include_bytes!("../trial/module.py");

/// Waits until the engine runs a container.
async fn running(podman: &Podman) {
    let look = async {
        while podman.run(&["ps", "--quiet"]).trim().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, look).await;
    found.expect("no module was started");
}

/// The fixture, submitted as the module of an offer.
async fn submit(place: &Place) -> String {
    let app = place.app().await;
    let owner = place.found(&app).await;
    let image = podman::python_module(MODULE).build();
    let key = place.draft(&app, &owner, "sensor", &image).await;
    let row = store::offers::find(&app.reader, &key).await.unwrap();
    let row = row.unwrap();
    let mut offer = row.draft;
    offer.properties.platforms = PlatformOption::Any;
    let plan = &mut offer.plans[0];
    plan.platforms = vec!["linux/amd64".into()];
    plan.outputs = vec!["out".into()];
    plan.defaults.routes[0].value =
        "FROM /messages/modules/TemperatureSensor/outputs/out INTO $upstream".into();
    plan.defaults.create_options = r#"{"HostConfig":{"Memory":134217728}}"#.into();
    app::offers::save_draft(&app, &owner, &key, &offer, row.revision)
        .await
        .unwrap();
    submit_offer(&app, &owner, &key, "").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_cleaned_up_and_done_again() {
    let podman = Podman::start();
    let place = Place::new(None, None).await;
    let id = submit(&place).await;
    let engine = [("EDGEMART_ENGINE", podman.address())];

    let server = Server::start(&place.config, &engine).await;
    running(&podman).await;
    let here = Engine::open(&podman.address()).await.unwrap();
    let swept = here.sweep().await.unwrap();
    assert!(!swept.any(), "a living process runs it: {swept:?}");
    server.kill().await;
    assert_ne!(podman.left_behind(), "", "it was killed in the middle");

    let server = Server::start(&place.config, &engine).await;
    let app = place.app().await;
    let arrived = async {
        loop {
            let found = store::submissions::find(&app.reader, &id).await.unwrap();
            let found = found.unwrap();
            match found.state {
                State::Preview | State::InReview => return,
                State::Rejected => panic!("{:?}", found.failure),
                _ => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            }
        }
    };
    let arrived = tokio::time::timeout(PATIENCE * 2, arrived).await;
    arrived.expect("the submission did not arrive");
    assert_eq!(podman.left_behind(), "");
    drop(server);
}
