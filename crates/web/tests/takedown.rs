//! What visitors, publishers and programs see of a takedown, and the operator's page for it.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::too_many_lines,
    reason = "a story that goes wrong panics, and its parts are shared"
)]

mod common;

use axum::http::StatusCode;
use common::{Answer, BOSS, DEV, Market};
use domain::role::TokenScope;
use serde_json::{Value, json};

const WHY: &str = "Its image holds a leaked key.";
const TAGS: &str = "/v2/contoso/temperature-sensor/standard/tags/list";
const SENSOR: &str = "/modules/contoso/temperature-sensor";

async fn post(market: &Market, target: &str, token: &str, body: &Value) -> Answer {
    let headers = [
        ("authorization", token),
        ("content-type", "application/json"),
    ];
    market
        .ask("POST", target, &headers, body.to_string().as_bytes())
        .await
}

/// The stock has releases and no images; a takedown looks at both.
async fn stocked() -> Market {
    let market = common::stocked().await;
    let index = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let tx = market.writer.begin().await.unwrap();
    for digest in [
        common::modules::NEWEST_DIGEST,
        common::modules::OLDER_DIGEST,
    ] {
        let digest: oci::Digest = digest.parse().unwrap();
        let manifest = store::registry::StoredManifest {
            digest: digest.clone(),
            media_type: "application/vnd.oci.image.index.v1+json".into(),
            bytes: index.to_vec(),
            subject: None,
            artifact_type: None,
        };
        let repo = "contoso/temperature-sensor/standard";
        store::registry::put_manifest(&tx, &manifest).await.unwrap();
        store::registry::link_manifest(&tx, repo, &digest, true, 1)
            .await
            .unwrap();
        let tag = if manifest.digest.as_str() == common::modules::NEWEST_DIGEST {
            "1.4.2"
        } else {
            "1.3.0"
        };
        store::registry::set_tag(&tx, repo, tag, &digest, 1)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    market
}

/// Everything that lists repositories, for clients of the registry.
const LISTS: [&str; 4] = [
    "/v2/_catalog",
    "/v1/search?q=temperature",
    "/v2/search/repositories/?query=temperature",
    "/v2/repositories/contoso/?page_size=100",
];

async fn refresh(market: &Market) {
    market
        .app
        .catalog
        .swap(app::catalog::build(&market.reader).await.unwrap());
}

#[tokio::test]
async fn a_module_that_is_down_says_why_everywhere() {
    let market = stocked().await;
    let token = market.bearer(BOSS, &TokenScope::ALL).await;
    let asked = json!({"module": "contoso.temperature-sensor", "reason": WHY});
    let made = post(&market, "/api/v1/takedowns", &token, &asked).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    refresh(&market).await;
    for target in [
        SENSOR.to_owned(),
        format!("{SENSOR}?tab=configure"),
        format!("{SENSOR}/manifest"),
        format!("/api/v1{SENSOR}"),
        format!("/api/v1{SENSOR}/certification"),
        format!("/api/v1{SENSOR}/plans/standard/manifest"),
    ] {
        let answer = market.get(&target).await;
        assert_eq!(answer.status, StatusCode::GONE, "{target}");
        assert!(answer.text().contains(WHY), "{target}: {}", answer.text());
    }
    let problem = market.get(&format!("/api/v1{SENSOR}")).await.json();
    assert_eq!(problem["reason"], WHY);
    let list = market.page("/modules?q=temperature").await;
    assert!(!list.contains("id=\"contoso.temperature-sensor\""));
    for target in LISTS {
        let list = market.get(target).await.text();
        assert!(!list.contains("temperature-sensor"), "{target}: {list}");
    }
    let tags = market.get(TAGS).await;
    assert_eq!(tags.status, StatusCode::FORBIDDEN);
    assert!(
        tags.text().contains("DENIED") && tags.text().contains(WHY),
        "{}",
        tags.text()
    );
    let none = market.get("/modules/contoso/never-was").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);

    let owner = market.session(DEV).await.0;
    let told = market
        .ask(
            "GET",
            "/publish/contoso/temperature-sensor",
            &[("cookie", &owner)],
            b"",
        )
        .await;
    assert!(told.text().contains(WHY), "the publisher reads it, too");
    let lift = format!("/api/v1/takedowns/{id}/lift");
    let bare = post(&market, &lift, &token, &json!({"reason": ""})).await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    let lifted = post(&market, &lift, &token, &json!({"reason": "Revoked."})).await;
    assert_eq!(lifted.status, StatusCode::NO_CONTENT, "{}", lifted.text());
    refresh(&market).await;
    assert_eq!(market.get(SENSOR).await.status, StatusCode::OK);
    for target in LISTS {
        let list = market.get(target).await.text();
        assert!(list.contains("temperature-sensor"), "{target}: {list}");
    }
    assert_eq!(market.get(TAGS).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_version_that_is_down_leaves_the_others() {
    let market = stocked().await;
    let token = market.bearer(BOSS, &TokenScope::ALL).await;
    let half = json!({"module": "contoso.temperature-sensor", "version": "1.4.2", "reason": WHY});
    let half = post(&market, "/api/v1/takedowns", &token, &half).await;
    assert_eq!(half.status, StatusCode::UNPROCESSABLE_ENTITY);
    let asked = json!({"module": "contoso.temperature-sensor", "plan": "standard", "version": "1.4.2", "reason": WHY});
    let made = post(&market, "/api/v1/takedowns", &token, &asked).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    refresh(&market).await;
    let tags = market.get(TAGS).await.json();
    assert!(
        !tags["tags"].as_array().unwrap().contains(&json!("1.4.2")),
        "{tags}"
    );
    assert!(
        tags["tags"].as_array().unwrap().contains(&json!("1.3.0")),
        "{tags}"
    );
    let versions = market.page(&format!("{SENSOR}?tab=versions")).await;
    assert!(
        versions.contains("1.3.0") && versions.contains(WHY),
        "{versions}"
    );
    let gone = market.get(&format!("{SENSOR}?version=1.4.2")).await;
    assert_eq!(gone.status, StatusCode::GONE);
    let gone = market
        .get(&format!(
            "/api/v1{SENSOR}/plans/standard/manifest?version=1.4.2"
        ))
        .await;
    assert_eq!(
        (gone.status, gone.text().contains(WHY)),
        (StatusCode::GONE, true)
    );
    let built = market
        .get(&format!("/api/v1{SENSOR}/plans/standard/manifest"))
        .await;
    assert!(
        built.text().contains(common::modules::OLDER_DIGEST),
        "{}",
        built.text()
    );
}

#[tokio::test]
async fn the_operator_takes_down_and_lifts_by_form() {
    let market = stocked().await;
    let (cookie, csrf) = market.session(BOSS).await;
    let send = async |target: &str, fields: &[(&str, &str)]| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &csrf).extend_pairs(fields);
        let headers = [
            ("cookie", cookie.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        market
            .ask("POST", target, &headers, form.finish().as_bytes())
            .await
    };
    let page = async || {
        let headers = [("cookie", cookie.as_str())];
        market
            .ask("GET", "/admin/takedowns", &headers, b"")
            .await
            .text()
    };
    assert!(page().await.contains("Nothing was taken down"));
    let bare = send("/admin/takedowns", &[("module", "nonsense")]).await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bare.text().contains("f-module-error") && bare.text().contains("nonsense"));
    let unknown = [("module", "contoso.never-was"), ("reason", WHY)];
    let unknown = send("/admin/takedowns", &unknown).await;
    assert_eq!(unknown.status, StatusCode::CONFLICT);
    let asked = [("module", "contoso.temperature-sensor"), ("reason", WHY)];
    let taken = send("/admin/takedowns", &asked).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text());
    let shown = page().await;
    assert!(shown.contains(WHY) && shown.contains("In force"), "{shown}");
    let down = store::takedowns::in_force(&market.reader).await.unwrap();
    let lift = format!("/admin/takedowns/{}/lift", down[0].id);
    let bare = send(&lift, &[("reason", "")]).await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Told of the lift, and not of the form that takes down.
    assert!(bare.text().contains("notice"), "{}", bare.text());
    assert!(!bare.text().contains("f-reason-error"), "{}", bare.text());
    let unknown = send("/admin/takedowns/none/lift", &[("reason", "Why not.")]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let lifted = send(&lift, &[("reason", "The key was revoked.")]).await;
    assert_eq!(lifted.status, StatusCode::SEE_OTHER);
    assert!(page().await.contains("The key was revoked."));
    assert_eq!(
        send(&lift, &[("reason", "Again.")]).await.status,
        StatusCode::CONFLICT
    );
}
