//! The verbs that need a token or a session: a publisher's, a reviewer's, an operator's.

use axum::http::StatusCode;
use domain::role::TokenScope;
use serde_json::{Value, json};

use crate::common::modules::png;
use crate::common::{BOSS, DEV, EVE, GUEST, Market, stocked};
use crate::{JSON, common};

const ALL: &[TokenScope] = &TokenScope::ALL;

async fn send(
    market: &Market,
    method: &str,
    target: &str,
    token: &str,
    body: &Value,
) -> common::Answer {
    let headers = [("authorization", token), JSON];
    market
        .ask(method, target, &headers, body.to_string().as_bytes())
        .await
}

async fn read(market: &Market, target: &str, token: &str) -> common::Answer {
    market
        .ask("GET", target, &[("authorization", token)], b"")
        .await
}

fn draft(title: &str) -> Value {
    json!({"publisher": "contoso", "offer": "new-thing", "listing": {"title": title}})
}

#[tokio::test]
async fn a_draft_is_saved_over_the_revision_that_was_read() {
    let market = stocked().await;
    let token = market.bearer(DEV, ALL).await;
    let address = "/api/v1/publishers/contoso/offers/new-thing";
    let made = send(&market, "PUT", address, &token, &draft("One")).await;
    assert_eq!(
        (made.status, made.header("etag"), made.header("location")),
        (StatusCode::CREATED, "\"2\"", address)
    );
    let blind = send(&market, "PUT", address, &token, &draft("Two")).await;
    assert_eq!(blind.status, StatusCode::BAD_REQUEST);
    let put = |revision: &'static str, title: &'static str| {
        let (market, token) = (&market, &token);
        async move {
            let headers = [
                ("authorization", token.as_str()),
                JSON,
                ("if-match", revision),
            ];
            market
                .ask(
                    "PUT",
                    address,
                    &headers,
                    draft(title).to_string().as_bytes(),
                )
                .await
        }
    };
    assert_eq!(
        put("\"1\"", "Two").await.status,
        StatusCode::PRECONDITION_FAILED
    );
    let saved = put("\"2\"", "Two").await;
    assert_eq!(
        (saved.status, saved.header("etag")),
        (StatusCode::OK, "\"3\"")
    );
    assert_eq!(put("*", "Three").await.status, StatusCode::OK);
    let read_back = read(&market, address, &token).await;
    assert_eq!(
        (
            read_back.header("etag"),
            &read_back.json()["listing"]["title"]
        ),
        ("\"4\"", &json!("Three"))
    );
    let other = json!({"publisher": "contoso", "offer": "other"});
    assert_eq!(
        send(&market, "PUT", address, &token, &other).await.status,
        StatusCode::BAD_REQUEST
    );
    let shape = json!({"publisher": "contoso", "offer": "new-thing", "titel": "x"});
    let shape = send(&market, "PUT", address, &token, &shape).await;
    assert!(shape.json()["detail"].as_str().unwrap().contains("titel"));
    let list = read(&market, "/api/v1/publishers/contoso/offers", &token)
        .await
        .json();
    assert_eq!(list["total"], 4);
}

#[tokio::test]
async fn logos_credentials_and_submissions_answer_with_what_is_wrong() {
    let market = stocked().await;
    let token = market.bearer(DEV, ALL).await;
    let address = "/api/v1/publishers/contoso/offers/new-thing";
    send(&market, "PUT", address, &token, &draft("One")).await;
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "image/png"),
    ];
    let picture = png(40, 40, [1, 2, 3]);
    let kept = market
        .ask("PUT", &format!("{address}/logos/small"), &headers, &picture)
        .await;
    assert_eq!(
        (kept.status, &kept.json()["revision"]),
        (StatusCode::OK, &json!(3)),
        "{}",
        kept.text()
    );
    let wrong = market
        .ask("PUT", &format!("{address}/logos/large"), &headers, &picture)
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.json()["violations"][0]["limit"]
            .as_str()
            .unwrap()
            .contains("115×115")
    );
    let none = market
        .ask("PUT", &format!("{address}/logos/huge"), &headers, &picture)
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let secret =
        json!({"username": "u", "password": "hidden-word", "registry": "registry.contoso.example"});
    let kept = send(
        &market,
        "PUT",
        &format!("{address}/plans/standard/credentials"),
        &token,
        &secret,
    )
    .await;
    assert_eq!((kept.status, kept.bytes.len()), (StatusCode::NO_CONTENT, 0));
    let submitted = send(
        &market,
        "POST",
        &format!("{address}/submissions"),
        &token,
        &json!({}),
    )
    .await;
    assert_eq!(submitted.status, StatusCode::UNPROCESSABLE_ENTITY);
    let violations = submitted.json()["violations"].as_array().unwrap().len();
    assert!(violations > 5, "all of them at once, not {violations}");
}

#[tokio::test]
async fn a_submission_is_seen_by_its_publisher_alone() {
    let market = stocked().await;
    let address = "/api/v1/submissions/submission-of-contoso.temperature-sensor";
    let own = read(&market, address, &market.bearer(DEV, ALL).await).await;
    assert_eq!(
        (own.status, &own.json()["state"]),
        (StatusCode::OK, &json!("live"))
    );
    assert!(own.json()["report"]["results"].is_array());
    let operator = read(&market, address, &market.bearer(BOSS, ALL).await).await;
    assert_eq!(operator.status, StatusCode::OK);
    let stranger = market.bearer(EVE, ALL).await;
    let hidden = read(&market, address, &stranger).await;
    let missing = read(&market, "/api/v1/submissions/none", &stranger).await;
    assert_eq!(
        (hidden.status, missing.status),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    assert_eq!(
        hidden.json()["detail"],
        missing.json()["detail"],
        "the answer tells nothing"
    );
    assert_eq!(market.get(address).await.status, StatusCode::UNAUTHORIZED);
    let late = send(
        &market,
        "POST",
        &format!("{address}/cancel"),
        &market.bearer(DEV, ALL).await,
        &json!({}),
    )
    .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn tokens_do_what_they_were_made_for_and_no_more() {
    let market = stocked().await;
    let reader = market.bearer(DEV, &[TokenScope::Read]).await;
    let address = "/api/v1/publishers/contoso/offers/new-thing";
    assert_eq!(
        send(&market, "PUT", address, &reader, &draft("One"))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    let wanted = json!({"name": "more", "scopes": ["publish"], "days": 1});
    assert_eq!(
        send(&market, "POST", "/api/v1/account/tokens", &reader, &wanted)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    let token = market.bearer(DEV, ALL).await;
    let made = send(&market, "POST", "/api/v1/account/tokens", &token, &wanted).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let fresh = format!("Bearer {}", made.json()["token"].as_str().unwrap());
    let account = read(&market, "/api/v1/account", &fresh).await.json();
    assert_eq!(
        (&account["scopes"], &account["publishers"][0]["role"]),
        (&json!(["publish"]), &json!("owner"))
    );
    let list = read(&market, "/api/v1/account/tokens", &token).await;
    assert!(!list.text().contains("emt_"), "no secret is told twice");
    let revoked = send(
        &market,
        "DELETE",
        &format!(
            "/api/v1/account/tokens/{}",
            made.json()["id"].as_str().unwrap()
        ),
        &token,
        &json!({}),
    )
    .await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(
        read(&market, "/api/v1/account", &fresh).await.status,
        StatusCode::UNAUTHORIZED
    );
    let wrong = json!({"name": "x", "scopes": ["fly"], "days": 1});
    assert_eq!(
        send(&market, "POST", "/api/v1/account/tokens", &token, &wanted)
            .await
            .status,
        StatusCode::CREATED
    );
    assert_eq!(
        send(&market, "POST", "/api/v1/account/tokens", &token, &wrong)
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn a_session_changes_things_only_with_its_own_token() {
    let market = stocked().await;
    let (cookie, csrf) = market.session(DEV).await;
    let body = json!({"name": "x", "scopes": ["read"], "days": 1}).to_string();
    let post = |headers: Vec<(&'static str, String)>| {
        let (market, body, cookie) = (&market, &body, &cookie);
        async move {
            let mut all = vec![("cookie", cookie.as_str()), JSON];
            all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
            market
                .ask("POST", "/api/v1/account/tokens", &all, body.as_bytes())
                .await
                .status
        }
    };
    assert_eq!(post(vec![]).await, StatusCode::FORBIDDEN);
    assert_eq!(
        post(vec![("x-csrf-token", "wrong".into())]).await,
        StatusCode::FORBIDDEN
    );
    let foreign = vec![
        ("x-csrf-token", csrf.clone()),
        ("origin", "https://evil.example".into()),
    ];
    assert_eq!(post(foreign).await, StatusCode::FORBIDDEN);
    assert_eq!(
        post(vec![("x-csrf-token", csrf)]).await,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn operators_decide_and_others_do_not() {
    let market = stocked().await;
    let address = "/api/v1/publishers/fabrikam/decision";
    let (boss, dev) = (
        market.bearer(BOSS, ALL).await,
        market.bearer(DEV, ALL).await,
    );
    let verify = json!({"decision": "approve", "verified": true});
    assert_eq!(
        send(&market, "POST", address, &dev, &verify).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        send(&market, "POST", address, &boss, &verify).await.status,
        StatusCode::NO_CONTENT
    );
    let silent = json!({"decision": "suspend"});
    assert_eq!(
        send(&market, "POST", address, &boss, &silent).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let publisher = store::publishers::find(&market.reader, &"fabrikam".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert!(publisher.verified);
    let queue = read(&market, "/api/v1/review", &boss).await.json();
    assert_eq!((&queue["total"], &queue["next"]), (&json!(0), &Value::Null));
    assert_eq!(
        read(&market, "/api/v1/review", &dev).await.status,
        StatusCode::FORBIDDEN
    );
    let verdict = json!({"verdict": "approve"});
    let live = "/api/v1/review/submission-of-contoso.temperature-sensor";
    assert_eq!(
        send(&market, "POST", live, &boss, &verdict).await.status,
        StatusCode::CONFLICT
    );
}

#[tokio::test]
async fn leads_are_csv_for_those_who_may_read_them() {
    let market = stocked().await;
    let leads = read(
        &market,
        "/api/v1/publishers/contoso/leads",
        &market.bearer(DEV, ALL).await,
    )
    .await;
    assert_eq!(leads.header("content-type"), "text/csv; charset=utf-8");
    assert!(leads.text().starts_with("date,offer,plan,"));
    let guest = market.bearer(GUEST, ALL).await;
    assert_eq!(
        read(&market, "/api/v1/publishers/contoso/leads", &guest)
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn selling_stops_and_resumes_by_program() {
    let market = stocked().await;
    let token = market.bearer(DEV, ALL).await;
    let way = "/api/v1/publishers/contoso/offers/temperature-sensor";
    let stop = format!("{way}/stop");
    let odd = send(&market, "POST", &stop, &token, &json!({"reason": "bored"})).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    let body = json!({"reason": "security_issue", "alternative": "contoso.http-forwarder"});
    let stopped = send(&market, "POST", &stop, &token, &body).await;
    assert_eq!(stopped.status, StatusCode::NO_CONTENT, "{}", stopped.text());
    let twice = send(&market, "POST", &stop, &token, &body).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    market.refresh().await;
    let module = market
        .get("/api/v1/modules/contoso/temperature-sensor")
        .await;
    assert_eq!(module.json()["listed"], false);
    let resume = format!("{way}/resume");
    let resumed = send(&market, "POST", &resume, &token, &json!({})).await;
    assert_eq!(resumed.status, StatusCode::NO_CONTENT);
    market.refresh().await;
    let module = market
        .get("/api/v1/modules/contoso/temperature-sensor")
        .await;
    assert_eq!(module.json()["listed"], true);
}

#[tokio::test]
async fn a_route_gets_another_name_in_a_merge() {
    let market = stocked().await;
    let mut manifest = market
        .get("/api/v1/modules/fabrikam/threshold-filter/plans/basic/manifest")
        .await
        .json();
    // Room for the sensor: the stock's modules all want the same host port.
    let content = &mut manifest["modulesContent"];
    content["$edgeAgent"]["properties.desired"]["modules"] = json!({});
    content["$edgeHub"]["properties.desired"]["routes"] = json!({});
    let merge = async |names: Value| {
        let body = json!({
            "document": manifest.to_string(), "module": "contoso.temperature-sensor",
            "name": "Second", "route_names": names,
        });
        market
            .ask(
                "POST",
                "/api/v1/deployments/merge",
                &[JSON],
                body.to_string().as_bytes(),
            )
            .await
    };
    let unknown = merge(json!({"Nothing": "Else"})).await;
    assert_eq!(
        unknown.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        unknown.text()
    );
    assert!(
        unknown.text().contains("SecondToCloud"),
        "the routes are named"
    );
    let renamed = merge(json!({"SecondToCloud": "Upwards"})).await;
    assert_eq!(renamed.status, StatusCode::OK, "{}", renamed.text());
    let text = renamed.json()["text"].as_str().unwrap().to_owned();
    assert!(
        text.contains("Upwards") && !text.contains("SecondToCloud"),
        "{text}"
    );
}
