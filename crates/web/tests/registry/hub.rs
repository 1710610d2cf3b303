//! The catalog in Docker Hub's shapes: both families of addresses, pages, cursors, entity tags and refusals.

use serde_json::{Value, json};

use crate::market::{Market, on_both, small};
use crate::search::list_an_offer;

const PLAN: &str = "sensor/standard";

fn both(path: &str) -> [String; 2] {
    [
        format!("/v2/namespaces/contoso/repositories{path}"),
        format!("/v2/repositories/contoso{path}"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_and_tags_as_hub_shows_them() {
    on_both(async |market: Market| {
        for target in both("/") {
            assert_eq!(market.get(&target).await.status, 404, "nothing is live yet");
        }
        list_an_offer(&market).await;
        for target in both("").into_iter().chain(both("/?page_size=5")) {
            let list = market.get(&target).await;
            assert_eq!(list.status, 200, "{target}");
            let json = list.json();
            assert_eq!((&json["count"], &json["next"]), (&json!(1), &Value::Null));
            let entry = &json["results"][0];
            assert_eq!(entry["name"], PLAN, "the hidden plan is not listed");
            assert_eq!(entry["namespace"], "contoso");
            assert_eq!(entry["description"], "Sends made-up temperatures.");
            assert_eq!(entry["is_private"], false);
        }
        for target in both(&format!("/{PLAN}")) {
            let json = market.get(&target).await.json();
            assert_eq!(json["user"], "contoso");
            assert_eq!(
                json["permissions"],
                json!({"read": true, "write": false, "admin": false})
            );
        }
        for target in both(&format!("/{PLAN}/tags")) {
            let json = market.get(&target).await.json();
            assert_eq!(json["count"], 1);
            let tag = &json["results"][0];
            assert_eq!(
                (&tag["name"], &tag["full_size"]),
                (&json!("latest"), &json!(1))
            );
            assert_eq!(tag["images"][0]["architecture"], "amd64");
            assert!(
                tag["digest"]
                    .as_str()
                    .is_some_and(|text| text.starts_with("sha256:"))
            );
            let one = market.get(&format!("{target}/latest")).await;
            assert_eq!(one.json(), *tag);
            let none = market.get(&format!("{target}/nothing")).await;
            assert_eq!(none.status, 404);
            assert!(none.json()["message"].is_string());
        }
        // Whoever knows a hidden plan's name may pull it, so may look it up.
        for target in both("/sensor/secret") {
            assert_eq!(market.get(&target).await.status, 200);
        }
        for path in [
            "/sensor/none",
            "/none/standard",
            "/sensor",
            "/sensor/standard/x",
        ] {
            for target in both(path) {
                assert_eq!(market.get(&target).await.status, 404, "{target}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn search_pages_and_entity_tags() {
    let market = small().await;
    list_an_offer(&market).await;
    for query in [
        "?query=sensor",
        "?q=temprature",
        "",
        "?query=sensor&platform=linux/amd64",
    ] {
        let json = market
            .get(&format!("/v2/search/repositories/{query}"))
            .await
            .json();
        assert_eq!(json["count"], 1, "{query}");
        assert_eq!(json["results"][0]["repo_name"], "contoso/sensor/standard");
        assert_eq!(json["results"][0]["repo_owner"], "contoso");
    }
    for query in [
        "?query=nothing-like-it",
        "?platform=linux/arm64",
        "?page=2",
        "?page=1000000",
    ] {
        let json = market
            .get(&format!("/v2/search/repositories{query}"))
            .await
            .json();
        assert_eq!(json["results"], json!([]), "{query}");
    }
    let list = "/v2/repositories/contoso/";
    let first = market.get(&format!("{list}?cursor=&name=sensor")).await;
    assert_eq!(first.json()["results"][0]["name"], PLAN);
    // A cursor goes on behind its entry, also when that entry is gone.
    let encode = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    for (after, left) in [("sensor/standard", 0), ("sensor/a", 1), ("zzz", 0), ("", 1)] {
        let json = market
            .get(&format!("{list}?cursor={}", encode(after)))
            .await
            .json();
        assert_eq!(json["results"].as_array().unwrap().len(), left, "{after}");
    }
    for wrong in [
        "?page=0",
        "?page_size=x",
        "?cursor=!",
        "?platform=x",
        "?ordering=stars",
    ] {
        let answer = market.get(&format!("{list}{wrong}")).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "UNSUPPORTED"),
            "{wrong}"
        );
    }
    let tag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "no-cache");
    let same = market
        .ask("GET", list, &[("If-None-Match", &tag)], b"")
        .await;
    assert_eq!((same.status, same.header("etag")), (304, tag.as_str()));
    let tx = market.writer.begin().await.unwrap();
    store::catalog_version::bump(&tx).await.unwrap();
    tx.commit().await.unwrap();
    market
        .app
        .catalog
        .swap(app::catalog::build(&market.reader).await.unwrap());
    let moved = market
        .ask("GET", list, &[("If-None-Match", &tag)], b"")
        .await;
    assert_eq!(moved.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_spoken_beside_the_specification() {
    let market = small().await;
    let found = market.get("/v2/_oci/ext/discover").await;
    assert_eq!(
        (found.status, found.header("content-type")),
        (200, "application/json")
    );
    let json = found.json();
    for extension in json["extensions"].as_array().unwrap() {
        let endpoint = extension["endpoints"][0].as_str().unwrap();
        let answer = market.get(&format!("/v2/{endpoint}")).await;
        assert_ne!(answer.status, 404, "{endpoint} is announced");
    }
    for target in [
        "/v2/_oci/ext/discover",
        "/v2/repositories/x/",
        "/v2/search/repositories/",
    ] {
        let wrong = market
            .ask("GET", target, &[("Authorization", "Bearer x")], b"")
            .await;
        assert_eq!(wrong.status, 401, "{target}");
        let written = market.ask("PUT", target, &[], b"").await;
        assert_eq!(
            (written.status, written.header("allow")),
            (405, "GET, HEAD"),
            "{target}"
        );
    }
}
