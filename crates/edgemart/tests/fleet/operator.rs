//! The operator's verbs on this machine's installation, by the real binary, on both engines.

use testkit::postgres;

use crate::place::Place;
use crate::server::Server;

async fn places() -> [Place; 2] {
    [
        Place::new(None, None).await,
        Place::new(Some(postgres::create_database()), None).await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_set_up_link_is_printed_again_until_there_is_an_operator() {
    for place in places().await {
        let (code, out, told) = place.verb(&["admin", "set-up"]).await;
        assert_ne!(code, 0, "no server was here yet: {out} {told}");
        assert_eq!(out, "");
        let server = Server::start(&place.config, &place.environment()).await;
        let (code, out, told) = place.verb(&["admin", "set-up"]).await;
        assert_eq!(code, 0, "{told}");
        let (page, secret) = out.trim().split_once('#').unwrap();
        assert!(page.ends_with("/set-up") && secret.len() > 40, "{out}");
        place.found(&place.app().await).await;
        let (code, out, told) = place.verb(&["admin", "set-up"]).await;
        assert_eq!((code, out.as_str()), (6, ""), "{told}");
        assert!(told.contains("operator already"), "{told}");
        drop(server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_is_not_upgraded_by_a_verb() {
    let place = Place::new(Some(postgres::create_database()), None).await;
    let (code, _, told) = place.verb(&["admin", "keys", "list"]).await;
    assert_eq!(code, 1);
    assert!(told.contains("start `edgemart serve`"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_json_when_asked() {
    let place = Place::new(None, None).await;
    place.configure("log_format", "\"json\"");
    let mut server = Server::start_with_log(&place.config, &[]).await;
    let line = server.logged("serving").await;
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["message"], "serving");
    assert!(line["address"].as_str().unwrap().starts_with("127.0.0.1:"));
}
