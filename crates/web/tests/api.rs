//! The JSON API: what anybody reads, what a publisher's token changes, and what is refused how.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::too_many_lines,
    reason = "a story is told in one piece and panics when it goes wrong; its parts are shared"
)]

mod common;
#[path = "api/publishing.rs"]
mod publishing;

use axum::http::StatusCode;
use common::modules::{FILTER_DIGEST, NEWEST_DIGEST};
use common::stocked;
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn search_answers_with_items_facets_and_a_cursor() {
    let market = stocked().await;
    let first = market.get("/api/v1/modules?limit=2").await.json();
    assert_eq!(
        (
            first["total"].as_u64(),
            first["items"].as_array().unwrap().len()
        ),
        (Some(3), 2)
    );
    let next = first["next"].as_str().unwrap();
    let second = market
        .get(&format!("/api/v1/modules?limit=2&cursor={next}"))
        .await
        .json();
    assert_eq!(
        (second["items"].as_array().unwrap().len(), &second["next"]),
        (1, &Value::Null)
    );
    let found = market
        .get("/api/v1/modules?q=temprature&device=linux/arm64")
        .await
        .json();
    let item = &found["items"][0];
    assert_eq!(item["id"], "contoso.temperature-sensor");
    assert_eq!(
        item["platforms"],
        json!(["linux/amd64", "linux/arm/v7", "linux/arm64"])
    );
    assert_eq!(
        (&item["fits"], &item["version"]),
        (&json!(true), &json!("1.4.2"))
    );
    assert_eq!(item["sizes"]["linux/arm64"], 2_700_000);
    assert_eq!(first["facets"]["price"][0]["value"], "free");
}

#[tokio::test]
async fn the_catalog_has_an_etag() {
    let market = stocked().await;
    for address in [
        "/api/v1/modules",
        "/api/v1/modules/contoso/temperature-sensor",
        "/api/v1/modules/contoso/temperature-sensor/certification",
    ] {
        let answer = market.get(address).await;
        let tag = answer.header("etag").to_owned();
        assert!(!tag.is_empty(), "{address}");
        let again = market
            .ask("GET", address, &[("if-none-match", &tag)], b"")
            .await;
        assert_eq!(
            (again.status, again.bytes.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{address}"
        );
        market.refresh().await;
        let changed = market
            .ask("GET", address, &[("if-none-match", &tag)], b"")
            .await;
        assert_eq!(changed.status, StatusCode::OK, "{address}");
    }
}

#[tokio::test]
async fn a_module_shows_its_plans_and_hides_the_hidden_one() {
    let market = stocked().await;
    let module = market
        .get("/api/v1/modules/fabrikam/threshold-filter")
        .await
        .json();
    let plans: Vec<&str> = module["plans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["plan"].as_str().unwrap())
        .collect();
    assert_eq!(plans, ["basic", "pro"]);
    let version = &module["plans"][0]["versions"][0];
    assert_eq!(
        (&version["digest"], &version["tags"]),
        (&json!(FILTER_DIGEST), &json!(["1.0.0", "latest"]))
    );
    assert_eq!(
        version["reference"],
        format!("market.example/fabrikam/threshold-filter/basic@{FILTER_DIGEST}")
    );
    let named = market
        .get("/api/v1/modules/fabrikam/threshold-filter?plan=trial")
        .await
        .json();
    assert_eq!(named["plans"].as_array().unwrap().len(), 3);
    let report = market
        .get("/api/v1/modules/contoso/temperature-sensor/certification")
        .await
        .json();
    assert_eq!(report["digests"]["standard"], NEWEST_DIGEST);
    assert!(
        report["summaries"][0]
            .as_str()
            .unwrap()
            .starts_with("passed ")
    );
    let stopped = market
        .get("/api/v1/modules/contoso/old-sensor")
        .await
        .json();
    assert_eq!(
        (&stopped["listed"], &stopped["stopped"]["reason"]),
        (&json!(false), &json!("EndOfSupport"))
    );
}

#[tokio::test]
async fn a_manifest_names_every_open_placeholder() {
    let market = stocked().await;
    let address = "/api/v1/modules/contoso/http-forwarder/plans/standard/manifest";
    let refused = market.get(address).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(
        refused.json()["unfilled"][0]["name"],
        "MY_SERVER_IP_ADDRESS"
    );
    let filled = market
        .get(&format!(
            "{address}?set.MY_SERVER_IP_ADDRESS=10.0.0.7&module=Out"
        ))
        .await;
    assert_eq!(filled.status, StatusCode::OK);
    let module =
        &filled.json()["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["Out"];
    assert_eq!(module["env"]["SERVER"]["value"], "https://10.0.0.7/in");
    for (query, status) in [
        ("?form=round", 400),
        ("?version=9.9.9", 404),
        ("?set.MY_SERVER_IP_ADDRESS=", 422),
    ] {
        assert_eq!(
            market
                .get(&format!("{address}{query}"))
                .await
                .status
                .as_u16(),
            status,
            "{query}"
        );
    }
}

#[tokio::test]
async fn wrong_values_are_refused_as_problems() {
    let market = stocked().await;
    for (target, status) in [
        ("/api/v1/modules?limit=0", 400),
        ("/api/v1/modules?cursor=zzz", 400),
        ("/api/v1/modules?platform=nonsense", 400),
        ("/api/v1/modules?device=toaster", 400),
        ("/api/v1/modules/contoso/none", 404),
        ("/api/v1/modules/%FF/none", 404),
        ("/api/v1/nowhere", 404),
        ("/api/v1/account", 401),
        ("/api/v1/review", 401),
    ] {
        let answer = market.get(target).await;
        assert_eq!(answer.status.as_u16(), status, "{target}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{target}"
        );
        assert_eq!(answer.json()["status"], status, "{target}");
    }
    let way = market.ask("DELETE", "/api/v1/modules", &[], b"").await;
    assert_eq!(way.status, StatusCode::METHOD_NOT_ALLOWED);
    let long = format!("/api/v1/modules?q={}", "a".repeat(20_000));
    assert_eq!(market.get(&long).await.status, StatusCode::BAD_REQUEST);
    let token = market
        .ask(
            "GET",
            "/api/v1/account",
            &[("authorization", "Bearer emt_wrong")],
            b"",
        )
        .await;
    assert_eq!(token.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn documents_are_checked_and_merged() {
    let market = stocked().await;
    let manifest = market
        .get("/api/v1/modules/contoso/temperature-sensor/plans/standard/manifest")
        .await
        .text();
    let good = market
        .ask(
            "POST",
            "/api/v1/deployments/validate",
            &[JSON],
            manifest.as_bytes(),
        )
        .await
        .json();
    assert_eq!(
        (&good["ok"], &good["kind"]),
        (&json!(true), &json!("manifest")),
        "{good}"
    );
    let broken = market
        .ask(
            "POST",
            "/api/v1/deployments/validate",
            &[JSON],
            b"{\n  \"a\": }",
        )
        .await
        .json();
    assert_eq!(
        (&broken["ok"], &broken["problems"][0]["line"]),
        (&json!(false), &json!(2))
    );
    let large = vec![b' '; (1 << 20) + 1];
    let refused = market
        .ask("POST", "/api/v1/deployments/validate", &[JSON], &large)
        .await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    let merge = |body: Value| {
        let market = &market;
        async move {
            market
                .ask(
                    "POST",
                    "/api/v1/deployments/merge",
                    &[JSON],
                    body.to_string().as_bytes(),
                )
                .await
        }
    };
    let asked = json!({"document": manifest, "module": "fabrikam.threshold-filter", "plan": "pro", "name": "Limit"});
    let clash = merge(asked.clone()).await;
    assert_eq!(
        clash.status,
        StatusCode::CONFLICT,
        "both take port 8081: {}",
        clash.text()
    );
    assert!(!clash.json()["conflicts"].as_array().unwrap().is_empty());
    let base = market
        .get("/api/v1/modules/contoso/old-sensor/plans/standard/manifest")
        .await
        .json();
    let mut base = base;
    base["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["OldSensor"]["settings"]
        ["createOptions"] = json!("{}");
    let text = format!("// mine\n{}", serde_json::to_string_pretty(&base).unwrap());
    let mut asked = asked;
    asked["document"] = json!(text);
    let merged = merge(asked).await;
    assert_eq!(merged.status, StatusCode::OK, "{}", merged.text());
    let merged = merged.json();
    assert!(merged["text"].as_str().unwrap().starts_with("// mine\n"));
    assert!(
        merged["changes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["pointer"].as_str().unwrap().ends_with("/modules/Limit"))
    );
    let unfilled = merge(json!({"document": text, "module": "contoso.http-forwarder"})).await;
    assert_eq!(
        unfilled.json()["unfilled"][0]["name"],
        "MY_SERVER_IP_ADDRESS"
    );
    assert_eq!(
        merge(json!({"document": "{", "module": "contoso.old-sensor"}))
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        merge(json!({"document": "{}", "module": "x"})).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        merge(json!({"document": "{}", "modul": "x"})).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn every_route_is_in_the_description_and_nothing_else() {
    let market = stocked().await;
    let answer = market.get("/api/openapi.json").await;
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut described: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.push((method.clone(), path.clone()));
        }
    }
    let mut served: Vec<(String, String)> = web::routes::api()
        .into_iter()
        .map(|(method, path)| (method.to_owned(), path))
        .collect();
    described.sort();
    served.sort();
    assert_eq!(described, served);
    let list = &document["paths"]["/api/v1/modules"]["get"];
    assert!(list["responses"]["200"]["content"]["application/json"]["schema"].is_object());
}

#[tokio::test]
async fn programs_read_what_was_measured() {
    let market = stocked().await;
    let module = market
        .get("/api/v1/modules/contoso/temperature-sensor")
        .await;
    let runs = &module.json()["plans"][0]["runs"];
    assert_eq!(runs[0]["platform"], "linux/amd64");
    assert_eq!(runs[0]["passed"], 21);
    assert_eq!(runs[0]["memory_peak_bytes"], 22_020_096);
    assert_eq!(runs[0]["cpu_permille"], 13);
    assert_eq!(runs[0]["environment"], "0.1.0");
    assert_eq!(runs[0]["ran_at"], "2026-03-01T14:05:00Z");
    let not_run = runs[1]["not_run"].as_str().unwrap();
    assert!(not_run.contains("runs no arm64"), "{not_run}");
    assert_eq!(runs[1].get("memory_peak_bytes"), None);

    let report = market
        .get("/api/v1/modules/contoso/temperature-sensor/certification")
        .await
        .json();
    let run = &report["runs"][0];
    assert_eq!(run["observed"]["first"]["message_ms"], 1_900);
    assert_eq!(run["left_out"][0], "/HostConfig/Privileged");
    let log = run["log"].as_str().unwrap();
    let path = log.strip_prefix("http://market.example").unwrap();
    assert_eq!(market.get(path).await.status, StatusCode::OK);
    assert!(report["runs"][1]["observed"].is_null());
}
