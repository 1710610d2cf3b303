//! What others decide: the operator on publishers and accounts, the reviewer on submissions, owners on members.

use axum::http::StatusCode;

use crate::Browser;
use crate::common::{self, BOSS, DEV};
use crate::people;

#[tokio::test]
async fn the_operator_decides() {
    let market = common::stocked().await;
    people::move_in(&market).await;
    let boss = Browser::of(&market, BOSS).await;
    let account = store::accounts::find_by_email(&market.reader, BOSS)
        .await
        .unwrap()
        .unwrap();
    let last = boss
        .send(
            &format!("/admin/accounts/{}/roles", account.id),
            &[("reviewer", "yes")],
        )
        .await;
    assert_eq!(last.status, StatusCode::CONFLICT);
    assert!(last.text().contains("last operator"));
    let bad = boss
        .send(
            "/admin/policy",
            &[
                ("setting", "policy"),
                ("policy", r#"{"rules":{"IMG-4":{}}}"#),
            ],
        )
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        bad.text().contains("IMG-04") && bad.text().contains("IMG-4"),
        "{}",
        bad.text()
    );
    boss.done(
        "/admin/policy",
        &[
            ("setting", "policy"),
            (
                "policy",
                r#"{"version":"2026-11","rules":{"IMG-05":{"enabled":false}}}"#,
            ),
        ],
    )
    .await;
    assert_eq!(
        app::offers::policy(&market.app).await.unwrap().version,
        "2026-11"
    );
    let none = boss
        .send(
            "/admin/policy",
            &[
                ("setting", "matrix"),
                ("matrix", r#"{"platforms":[],"any_allowed":true}"#),
            ],
        )
        .await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    let silent = boss
        .send("/admin/publishers/fabrikam", &[("decision", "suspend")])
        .await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    boss.done(
        "/admin/publishers/fabrikam",
        &[("decision", "suspend"), ("reason", "Unpaid invoices")],
    )
    .await;
    assert!(
        boss.page("/admin/publishers?state=suspended")
            .await
            .contains("Unpaid invoices")
    );
    assert!(boss.page("/admin").await.contains("Setting changed"));
    let metrics = boss.get("/metrics").await;
    assert!(
        metrics
            .text()
            .contains("edgemart_publishers{state=\"suspended\"} 1"),
        "{}",
        metrics.text()
    );
    for line in [
        "edgemart_http_requests_total{route=\"/admin\",method=\"GET\",status=\"2xx\"} 1",
        "edgemart_http_request_seconds_count{route=\"/admin\",method=\"GET\"} 1",
        "edgemart_blob_bytes ",
        "edgemart_resident_memory_bytes ",
        "edgemart_jobs{state=\"queued\"} 0",
    ] {
        let text = metrics.text();
        assert!(
            text.lines().any(|each| each.starts_with(line)),
            "{line}\n{text}"
        );
    }
    let eve = store::accounts::find_by_email(&market.reader, common::EVE)
        .await
        .unwrap()
        .unwrap();
    let hers = Browser::of(&market, common::EVE).await;
    boss.done(
        &format!("/admin/accounts/{}/access", eve.id),
        &[("access", "disable")],
    )
    .await;
    assert_eq!(hers.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_reviewer_rejects_by_rule_and_the_publisher_reads_why() {
    let market = common::stocked().await;
    people::move_in(&market).await;
    let rita = Browser::of(&market, people::PEOPLE[6]).await;
    assert!(rita.page("/review").await.contains(people::IN_REVIEW));
    let target = format!("/review/{}", people::IN_REVIEW);
    let page = rita.page(&target).await;
    assert!(page.contains("Try it with the simulator"), "{page}");
    let bare = rita
        .send(&format!("{target}/reject"), &[("comment", "")])
        .await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    rita.done(
        &format!("{target}/reject"),
        &[("rules", "LST-05"), ("comment", "Document START_AT.")],
    )
    .await;
    let dev = Browser::of(&market, DEV).await;
    let told = dev
        .page(&format!("/publish/submissions/{}", people::IN_REVIEW))
        .await;
    assert!(told.contains("LST-05: Document START_AT.") && told.contains("Rejected"));
    let own = dev
        .page(&format!("/publish/submissions/{}", people::IN_PREVIEW))
        .await;
    assert!(own.contains("Go live") && own.contains("Cancel submission"));
    dev.done(
        &format!("/publish/submissions/{}/go-live", people::IN_PREVIEW),
        &[],
    )
    .await;
    let going = dev
        .page(&format!("/publish/submissions/{}", people::IN_PREVIEW))
        .await;
    assert!(going.contains("hx-trigger=\"every 2s\"") && !going.contains("Cancel submission"));
}

#[tokio::test]
async fn members_keep_an_owner() {
    let market = common::stocked().await;
    people::move_in(&market).await;
    let dev = Browser::of(&market, DEV).await;
    let unknown = dev
        .send(
            "/publish/contoso/members",
            &[("email", "who@nowhere.example"), ("role", "developer")],
        )
        .await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.text().contains("f-email-error"));
    let owner = store::accounts::find_by_email(&market.reader, DEV)
        .await
        .unwrap()
        .unwrap();
    let alone = dev
        .send(
            "/publish/contoso/members/remove",
            &[("account_id", &owner.id)],
        )
        .await;
    assert_eq!(alone.status, StatusCode::CONFLICT);
    assert_eq!(
        dev.get("/publish/contoso/leads.csv")
            .await
            .header("content-type"),
        "text/csv; charset=utf-8"
    );
}
