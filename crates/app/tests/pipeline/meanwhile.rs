//! Somebody is shut out, taken out, or changes a password while what they asked for is being made. The change is held open:
//! what was asked for waits for it, and is then refused. Made before the change, it ends with it.

use std::time::Duration;

use app::App;
use app::accounts::{
    ERASED_NAME, change_password, erase_own_account, hash_password, set_disabled, sign_in,
};
use app::error::Refused;
use app::offers::{create_preview_token, invite_to_preview, waive_rule};
use app::publishers::put_member;
use app::registry::{Caller, PREVIEW_USER, identify, refresh_token};
use domain::actor::Actor;
use domain::lifecycle::State;
use domain::role::MemberRole;
use store::{Store, Tx};
use testkit::engines::for_each_engine;
use tokio::task::JoinHandle;

use crate::market::Market;

const PASSWORD: &str = "a long enough password";
const NEW: &str = "quite another password";

/// Long enough for anything that does not wait.
const A_WHILE: Duration = Duration::from_millis(700);

/// Begins something while a change is open, sees that it waits for the change, and gives what came of it.
async fn met<T: Send + 'static>(tx: Tx, begun: JoinHandle<T>) -> T {
    let mut begun = begun;
    let early = tokio::time::timeout(A_WHILE, &mut begun).await;
    assert!(early.is_err(), "it did not wait for the change");
    tx.commit().await.unwrap();
    begun.await.unwrap()
}

fn id(actor: &Actor) -> String {
    actor.account().unwrap().id.clone()
}

async fn password_changed(store: Store) {
    let market = Market::open(store).await;
    let (app, owner) = (&market.app, &market.owner);
    let email = "owner@contoso.example";
    let by_password = Caller::Account(owner.account().unwrap().clone());
    let made = refresh_token(app, &by_password, PASSWORD, "docker").await;
    assert!(made.unwrap().is_some());

    let hash = hash_password(NEW).await.unwrap();
    let change = async || {
        let tx = market.store.writer.begin().await.unwrap();
        store::accounts::set_password(&tx, &id(owner), &hash)
            .await
            .unwrap();
        tx
    };
    let tx = change().await;
    let (copy, caller) = (app.clone(), by_password.clone());
    let login = async move { refresh_token(&copy, &caller, PASSWORD, "docker").await };
    let login = met(tx, tokio::spawn(login)).await;
    assert!(login.is_err(), "the old password made a token: {login:?}");
    let again = refresh_token(app, &by_password, PASSWORD, "docker").await;
    assert!(again.is_err(), "who signed in before has not the new one");

    let back = change_password(app, owner, NEW, PASSWORD).await;
    back.unwrap();
    let tx = change().await;
    let copy = app.clone();
    let session = async move { sign_in(&copy, email, PASSWORD, "192.0.2.7").await.err() };
    let refused = met(tx, tokio::spawn(session)).await;
    assert!(matches!(refused, Some(Refused::Invalid(_))), "{refused:?}");
    sign_in(app, email, NEW, "192.0.2.7").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_password_opens_nothing_once_it_is_changed() {
    for_each_engine(password_changed).await;
}

/// A submission in preview, its plan, and a guest.
async fn in_preview(market: &Market) -> (String, String, domain::ids::OfferKey) {
    market.seed("contoso/temperature-sensor").await;
    let offer = market.draft("temperature-sensor").await;
    let submission = market.submit(&offer.key()).await;
    market.wait(&submission, &[State::Preview]).await;
    invite_to_preview(
        &market.app,
        &market.owner,
        &offer.key(),
        "reviewer@market.example",
    )
    .await
    .unwrap();
    (submission, offer.plans[0].plan.to_string(), offer.key())
}

fn token(
    app: &App,
    actor: &Actor,
    (submission, plan): (&str, &str),
) -> JoinHandle<Result<String, Refused>> {
    let (app, actor) = (app.clone(), actor.clone());
    let (submission, plan) = (submission.to_owned(), plan.to_owned());
    tokio::spawn(async move {
        let made = create_preview_token(&app, &actor, &submission, &plan).await;
        made.map(|made| made.secret)
    })
}

async fn pulls(app: &App, secret: &str) -> bool {
    use base64::Engine as _;
    let pair = format!("{PREVIEW_USER}:{secret}");
    let pair = base64::engine::general_purpose::STANDARD.encode(pair);
    identify(app, Some(format!("Basic {pair}").as_bytes()))
        .await
        .is_ok()
}

async fn previews_end(store: Store) {
    let market = Market::open(store).await;
    let (app, guest) = (&market.app, &market.reviewer);
    let (submission, plan, key) = in_preview(&market).await;
    let asked = (submission.as_str(), plan.as_str());
    let now = app.clock.now();

    // Shut out: what they have ends, and nothing new comes.
    let secret = token(app, guest, asked).await.unwrap().unwrap();
    assert!(pulls(app, &secret).await);
    set_disabled(app, &market.operator, &id(guest), true)
        .await
        .unwrap();
    assert!(
        !pulls(app, &secret).await,
        "a pull token of who is shut out"
    );
    set_disabled(app, &market.operator, &id(guest), false)
        .await
        .unwrap();
    assert!(!pulls(app, &secret).await, "it does not come back");
    let tx = market.store.writer.begin().await.unwrap();
    store::accounts::set_disabled(&tx, &id(guest), Some(now))
        .await
        .unwrap();
    let made = met(tx, token(app, guest, asked)).await;
    assert!(made.is_err(), "{made:?}");
    set_disabled(app, &market.operator, &id(guest), false)
        .await
        .unwrap();

    // Taken out of the audience.
    let tx = market.store.writer.begin().await.unwrap();
    store::preview_audience::remove(&tx, &key, &id(guest))
        .await
        .unwrap();
    let made = met(tx, token(app, guest, asked)).await;
    assert!(matches!(made, Err(Refused::Conflict(_))), "{made:?}");

    // The preview ends.
    let tx = market.store.writer.begin().await.unwrap();
    let (from, to) = (State::Preview, State::Cancelled);
    let moved = store::submissions::set_state(&tx, &submission, from, to, now);
    assert!(moved.await.unwrap());
    let made = met(tx, token(app, &market.owner, asked)).await;
    assert!(matches!(made, Err(Refused::Conflict(_))), "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_pull_token_outlives_what_it_was_made_for() {
    for_each_engine(previews_end).await;
}

/// A submission whose plan wants a privilege.
async fn in_review(market: &Market) -> String {
    market.seed("contoso/temperature-sensor").await;
    let mut offer = market.draft("temperature-sensor").await;
    offer.plans[0].defaults.create_options = r#"{"HostConfig":{"Privileged":true}}"#.into();
    market.save(&offer).await;
    let submission = market.submit(&offer.key()).await;
    market.wait(&submission, &[State::InReview]).await;
    submission
}

async fn waived(store: Store) {
    let market = Market::open(store).await;
    let app = &market.app;
    let submission = in_review(&market).await;
    let waive = |actor: &Actor| {
        let (app, actor, submission) = (app.clone(), actor.clone(), submission.clone());
        tokio::spawn(async move {
            waive_rule(&app, &actor, &submission, "DEF-05", "here", "It may.").await
        })
    };

    // A reviewer of the publisher's own.
    let contoso = "contoso".parse().unwrap();
    let email = "reviewer@market.example";
    put_member(app, &market.owner, &contoso, email, MemberRole::Developer)
        .await
        .unwrap();
    let own = app::accounts::verify_password(app, email, PASSWORD).await;
    let own = Actor::Account(own.unwrap().unwrap());
    let refused = waive(&own).await.unwrap();
    let why = refused.expect_err("their own publisher").to_string();
    assert!(why.contains("another reviewer"), "{why}");

    // Another reviewer rejects it meanwhile.
    let tx = market.store.writer.begin().await.unwrap();
    let (from, to) = (State::InReview, State::Rejected);
    let moved = store::submissions::set_state(&tx, &submission, from, to, app.clock.now());
    assert!(moved.await.unwrap());
    let late = met(tx, waive(&market.reviewer)).await;
    assert!(matches!(late, Err(Refused::Conflict(_))), "{late:?}");
    let now = store::submissions::find(&app.reader, &submission).await;
    assert_eq!(now.unwrap().unwrap().waivers, serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waives_a_rule_of_their_own_or_of_what_is_decided() {
    for_each_engine(waived).await;
}

/// The same with the reviewer's waiver.
async fn waived_by_reviewer(market: &Market) -> String {
    let submission = in_review(market).await;
    let (app, reviewer) = (&market.app, &market.reviewer);
    waive_rule(app, reviewer, &submission, "DEF-05", "here", "It may.")
        .await
        .unwrap();
    submission
}

/// A go-live says first that the catalog changes, and then changes its submission; so does whoever erases the reviewer.
async fn erased_at_go_live(store: Store) {
    let market = Market::open(store).await;
    let (app, reviewer) = (&market.app, &market.reviewer);
    let submission = waived_by_reviewer(&market).await;
    let tx = market.store.writer.begin().await.unwrap();
    store::catalog_version::bump(&tx).await.unwrap();
    let (copy, leaving) = (app.clone(), reviewer.clone());
    let erasing = async move { erase_own_account(&copy, &leaving, PASSWORD).await };
    let mut erasing = tokio::spawn(erasing);
    let early = tokio::time::timeout(A_WHILE, &mut erasing).await;
    assert!(early.is_err(), "it did not wait for the go-live");
    let locked = store::submissions::lock(&tx, &submission).await;
    assert!(locked.expect("each waits for the other").is_some());
    tx.commit().await.unwrap();
    erasing.await.unwrap().unwrap();
    let now = store::submissions::find(&app.reader, &submission).await;
    assert_eq!(now.unwrap().unwrap().waivers[0]["by"], ERASED_NAME);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_is_erased_while_what_they_waived_goes_live() {
    for_each_engine(erased_at_go_live).await;
}
