//! What happens to people and publishers: erasing, giving a publisher away, look-alike ids, the profile.

use app::accounts::{
    CreateToken, SignUp, account_by_token, create_account, create_token, erase_account,
    erase_own_account, set_disabled, sign_in, verify_password,
};
use app::error::Refused;
use app::offers::{GetItNow, get_it_now, leads_csv};
use app::publishers::{
    BecomePublisher, Decision, become_publisher, decide_publisher, edit_profile, put_member,
    transfer_ownership,
};
use domain::actor::Actor;
use domain::role::{MemberRole, TokenScope};
use store::Store;
use store::publishers::{Profile, PublisherState};
use testkit::engines::for_each_engine;

use crate::market::Market;

const PASSWORD: &str = "a long enough password";

async fn person(market: &Market, email: &str) -> Actor {
    let command = SignUp {
        email: email.into(),
        name: format!("Name of {email}"),
        password: PASSWORD.into(),
    };
    create_account(&market.app, &Actor::System, command, false, false)
        .await
        .unwrap();
    again(market, email).await
}

/// The account as it is now.
async fn again(market: &Market, email: &str) -> Actor {
    let found = verify_password(&market.app, email, PASSWORD).await.unwrap();
    Actor::Account(found.unwrap())
}

fn conflict(done: Result<(), Refused>) -> String {
    match done {
        Err(Refused::Conflict(why)) => why,
        other => panic!("{other:?}"),
    }
}

async fn erased(store: Store) {
    let market = Market::open(store).await;
    let app = &market.app;
    market.seed("contoso/heartbeat").await;
    let key = market.draft("heartbeat").await.key();
    market.publish(&key).await;
    market
        .wait_for_catalog(|app| app.catalog.module(&key).is_some())
        .await;
    let ada = person(&market, "ada@home.example").await;
    let id = ada.account().unwrap().id.clone();
    let get = GetItNow {
        plan: app.catalog.module(&key).unwrap().plans[0].plan.to_string(),
        company: "Ada's pumps".into(),
        phone: "+1 425 555 0199".into(),
        consent: true,
        consent_text: "Pass my name on.".into(),
        ..GetItNow::default()
    };
    get_it_now(app, &ada, &key, get).await.unwrap();
    let command = CreateToken {
        name: "Ada's laptop".into(),
        scopes: vec![TokenScope::Read],
        days: 1,
    };
    let token = create_token(app, &ada, command).await.unwrap().secret;
    let session = sign_in(app, "ada@home.example", PASSWORD, "192.0.2.7")
        .await
        .unwrap();

    let wrong = erase_own_account(app, &ada, "another password").await;
    assert!(matches!(wrong, Err(Refused::Invalid(_))), "{wrong:?}");
    erase_own_account(app, &ada, PASSWORD).await.unwrap();

    let row = store::accounts::find(&app.reader, &id)
        .await
        .unwrap()
        .unwrap();
    assert!(store::accounts::is_erased(&row) && row.disabled_at.is_some());
    assert_eq!(row.email, format!("{id}@erased.invalid"));
    let nobody = verify_password(app, "ada@home.example", PASSWORD)
        .await
        .unwrap();
    assert!(nobody.is_none(), "the address is nobody's");
    assert!(account_by_token(app, &token).await.unwrap().is_none());
    let session = app::accounts::actor_of_session(app, &session.secret)
        .await
        .unwrap();
    assert!(session.is_none());
    let csv = leads_csv(app, &market.owner, &key.publisher).await.unwrap();
    assert_eq!(csv.lines().count(), 2, "that somebody asked stays: {csv}");
    let events = store::events::recent(&app.reader, 200, None).await.unwrap();
    let told = format!("{csv} {row:?} {events:?}");
    for personal in ["ada@home", "Ada's", "0199", "192.0.2.7"] {
        assert!(
            !told.contains(personal),
            "{personal} is still there: {told}"
        );
    }
    let by: Vec<&str> = events
        .iter()
        .filter(|e| e.actor == id)
        .map(|e| e.kind.as_str())
        .collect();
    assert!(
        by.contains(&"lead") && by.contains(&"account_erased"),
        "{by:?}"
    );
    // The address is free again, for whoever comes.
    person(&market, "ada@home.example").await;
    let back = set_disabled(app, &market.operator, &id, false).await;
    assert!(conflict(back).contains("erased"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_and_the_records_keep_a_pseudonym() {
    for_each_engine(erased).await;
}

async fn kept(store: Store) {
    let market = Market::open(store).await;
    let app = &market.app;
    let owner = erase_own_account(app, &market.owner, PASSWORD).await;
    let why = conflict(owner);
    assert!(
        why.contains("contoso") && why.contains("owner first"),
        "{why}"
    );
    let operator = erase_own_account(app, &market.operator, PASSWORD).await;
    assert!(conflict(operator).contains("last operator"));
    let ada = person(&market, "ada@home.example").await;
    let id = ada.account().unwrap().id.clone();
    let by_stranger = erase_account(app, &market.reviewer, &id).await;
    assert!(
        matches!(by_stranger, Err(Refused::Forbidden(_))),
        "{by_stranger:?}"
    );
    let slip = erase_account(app, &market.operator, &id).await;
    assert!(conflict(slip).contains("Shut the account out first"));
    set_disabled(app, &market.operator, &id, true)
        .await
        .unwrap();
    erase_account(app, &market.operator, &id).await.unwrap();
    erase_account(app, &market.operator, &id).await.unwrap();

    // Given away, the publisher is no reason to stay.
    let contoso = "contoso".parse().unwrap();
    let heir = person(&market, "heir@contoso.example").await;
    let heir_id = heir.account().unwrap().id.clone();
    let none = transfer_ownership(app, &market.owner, &contoso, &heir_id).await;
    assert!(matches!(none, Err(Refused::NotFound { .. })), "{none:?}");
    put_member(
        app,
        &market.owner,
        &contoso,
        "heir@contoso.example",
        MemberRole::Developer,
    )
    .await
    .unwrap();
    let grab = again(&market, "heir@contoso.example").await;
    let grab = transfer_ownership(app, &grab, &contoso, &heir_id).await;
    assert!(matches!(grab, Err(Refused::Forbidden(_))), "{grab:?}");
    transfer_ownership(app, &market.owner, &contoso, &heir_id)
        .await
        .unwrap();
    let roles = |actor: &Actor| actor.account().unwrap().publishers[&contoso];
    assert_eq!(
        roles(&again(&market, "heir@contoso.example").await),
        MemberRole::Owner
    );
    assert_eq!(
        roles(&again(&market, "owner@contoso.example").await),
        MemberRole::Manager
    );
    let stale = transfer_ownership(app, &market.owner, &contoso, &heir_id).await;
    assert!(
        conflict(stale).contains("not an owner"),
        "the session's old role does not count"
    );
    erase_own_account(app, &market.owner, PASSWORD)
        .await
        .unwrap();
    let members = store::members::of_publisher(&app.reader, &contoso)
        .await
        .unwrap();
    assert_eq!(members.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_leaves_a_publisher_or_the_market_without_anyone() {
    for_each_engine(kept).await;
}

async fn looks_like(store: Store) {
    let market = Market::open(store).await;
    let app = &market.app;
    let mallory = person(&market, "mallory@c0ntoso.example").await;
    let command = BecomePublisher {
        id: "c0ntoso".into(),
        title: "Contoso".into(),
        contact_email: "mallory@c0ntoso.example".into(),
        terms_version: "1".into(),
        terms_accepted: true,
        ..BecomePublisher::default()
    };
    let id = become_publisher(app, &mallory, command).await.unwrap();
    let plain = Decision::Approve { verified: false };
    let refused = decide_publisher(app, &market.operator, &id, plain.clone()).await;
    assert!(conflict(refused).contains("can be mistaken for contoso"));
    let row = store::publishers::find(&app.reader, &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.state, PublisherState::Pending);
    let meant = Decision::ApproveLookAlike { verified: false };
    decide_publisher(app, &market.operator, &id, meant)
        .await
        .unwrap();
    // Once approved, the mark is changed without asking again.
    decide_publisher(app, &market.operator, &id, plain)
        .await
        .unwrap();

    let profile = Profile {
        title: "Contoso Sensors".into(),
        summary: String::new(),
        website: "https://contoso.example".into(),
        support_email: "help@contoso.example".into(),
        contact_email: "ops@contoso.example".into(),
    };
    let contoso = "contoso".parse().unwrap();
    let other = edit_profile(app, &mallory, &contoso, profile.clone()).await;
    assert!(matches!(other, Err(Refused::Forbidden(_))), "{other:?}");
    let broken = Profile {
        title: " ".into(),
        website: "javascript:alert(1)".into(),
        support_email: "nonsense".into(),
        ..profile.clone()
    };
    match edit_profile(app, &market.owner, &contoso, broken).await {
        Err(Refused::Invalid(wrong)) => {
            let fields: Vec<&str> = wrong.iter().map(|v| v.field.as_str()).collect();
            assert_eq!(fields, ["title", "website", "support_email"]);
        }
        other => panic!("{other:?}"),
    }
    edit_profile(app, &market.owner, &contoso, profile)
        .await
        .unwrap();
    let row = store::publishers::find(&app.reader, &contoso)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.title.as_str(), row.support_email.as_str()),
        ("Contoso Sensors", "help@contoso.example")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn look_alikes_are_confirmed_and_profiles_are_edited() {
    for_each_engine(looks_like).await;
}
