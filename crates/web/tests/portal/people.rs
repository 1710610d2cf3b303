//! People and publishers by form: the profile, giving a publisher away, look-alike ids, erasing oneself, a new password.

use axum::http::StatusCode;

use crate::common::{self, BOSS, DEV, EVE, GUEST, PASSWORD};
use crate::{Browser, people};

#[tokio::test]
async fn an_owner_edits_the_profile_and_visitors_read_it() {
    let market = common::stocked().await;
    let dev = Browser::of(&market, DEV).await;
    let broken = [
        ("title", ""),
        ("website", "nonsense"),
        ("contact_email", "x"),
    ];
    let refused = dev.send("/publish/contoso/profile", &broken).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["title", "website", "contact_email"] {
        let error = format!("f-{field}-error");
        assert!(
            refused.text().contains(&error),
            "{field}: {}",
            refused.text()
        );
    }
    assert!(
        refused.text().contains("nonsense"),
        "what was typed is gone"
    );
    let profile = [
        ("title", "Contoso Gauges"),
        ("summary", "Gauges & sensors."),
        ("website", "https://gauges.example"),
        ("support_email", "help@gauges.example"),
        ("contact_email", DEV),
    ];
    dev.done("/publish/contoso/profile", &profile).await;
    let public = market.page("/publishers/contoso").await;
    for told in [
        "Contoso Gauges",
        "https://gauges.example",
        "help@gauges.example",
    ] {
        assert!(public.contains(told), "{told}");
    }
    assert!(
        !public.contains(DEV),
        "the operator's contact is not public"
    );
}

#[tokio::test]
async fn a_publisher_is_given_to_another_member() {
    let market = common::stocked().await;
    people::move_in(&market).await;
    let dev = Browser::of(&market, DEV).await;
    let page = dev.page("/publish/contoso/members").await;
    assert!(page.contains("Make owner instead of me"));
    let heir = store::accounts::find_by_email(&market.reader, people::PEOPLE[4])
        .await
        .unwrap()
        .unwrap();
    let to = [("account_id", heir.id.as_str())];
    dev.done("/publish/contoso/members/transfer", &to).await;
    let page = dev.page("/publish/contoso/members").await;
    assert!(
        !page.contains("Make owner instead of me"),
        "a manager gives nothing away"
    );
    let again = dev.send("/publish/contoso/members/transfer", &to).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_look_alike_is_flagged_and_confirmed() {
    let market = common::stocked().await;
    let guest = Browser::of(&market, GUEST).await;
    let asked = [
        ("id", "c0ntoso"),
        ("title", "Contoso"),
        ("contact_email", GUEST),
        ("terms_version", "2026-01"),
        ("terms_accepted", "yes"),
    ];
    guest.done("/publish", &asked).await;
    let boss = Browser::of(&market, BOSS).await;
    let page = boss.page("/admin/publishers?state=pending").await;
    assert!(page.contains("can be mistaken for contoso"), "{page}");
    let plain = boss
        .send("/admin/publishers/c0ntoso", &[("decision", "approve")])
        .await;
    assert_eq!(plain.status, StatusCode::UNPROCESSABLE_ENTITY);
    let meant = [("decision", "approve"), ("look_alike", "yes")];
    boss.done("/admin/publishers/c0ntoso", &meant).await;
    assert!(guest.page("/publish/c0ntoso").await.contains("Approved"));
}

#[tokio::test]
async fn a_person_changes_the_password_and_erases_themselves() {
    let market = common::stocked().await;
    let guest = Browser::of(&market, GUEST).await;
    let wrong = [
        ("current", "nonsense nonsense"),
        ("password", "another long phrase"),
    ];
    let refused = guest.send("/account/password", &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let short = [("current", PASSWORD), ("password", "short")];
    let refused = guest.send("/account/password", &short).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = [("current", PASSWORD), ("password", "another long phrase")];
    guest.done("/account/password", &right).await;
    assert_eq!(
        guest.get("/account").await.status,
        StatusCode::SEE_OTHER,
        "signed out"
    );

    let eve = Browser::of(&market, EVE).await;
    let refused = eve.send("/account/erase", &[("password", PASSWORD)]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("fabrikam"), "{}", refused.text());
    let boss = Browser::of(&market, BOSS).await;
    let account = store::accounts::find_by_email(&market.reader, GUEST).await;
    let id = account.unwrap().unwrap().id;
    let erase = format!("/admin/accounts/{id}/erase");
    assert_eq!(boss.send(&erase, &[]).await.status, StatusCode::CONFLICT);
    boss.done(
        &format!("/admin/accounts/{id}/access"),
        &[("access", "disable")],
    )
    .await;
    boss.done(&erase, &[]).await;
    let list = boss.page("/admin/accounts").await;
    assert!(
        list.contains("Erased account") && !list.contains(GUEST),
        "{list}"
    );
}
