//! The use-cases on an empty store, for the tests in here of what no other crate can reach. What others can is tested in
//! `tests/`, on a whole marketplace.

use domain::ids::OfferKey;
use domain::lifecycle::{OfferState, State};
use domain::offer::Offer;
use serde_json::{Value, json};
use store::Store;
use store::accounts::Account;
use store::jobs::NewJob;
use store::offers::OfferRow;
use store::publishers::{Publisher, PublisherState};
use store::submissions::Submission;
use testkit::folder::Folder;

use crate::clock::Clock;
use crate::egress::{Egress, EgressPolicy};
use crate::jobs::Kind;
use crate::registry::TokenKeys;
use crate::secrets::SecretKeys;
use crate::settings::{Limits, RegistrySettings, Runs, Settings, Transfers};
use crate::{App, Parts};

/// A marketplace with nobody in it and no background work, and the folder of its keys.
pub(crate) async fn app(store: Store, clock: Clock) -> (App, Folder) {
    let keys = Folder::new("keys").unwrap();
    let settings = Settings {
        public_url: "http://market.example".parse().unwrap(),
        registry_host: "market.example".into(),
        name: "Test market".into(),
        onboarding_contact: "operator@market.example".into(),
        terms_version: "1".into(),
        open_sign_up: false,
        check_links: false,
        limits: Limits::default(),
        runtime: domain::deployment::Runtime::default(),
        engine: None,
        runs: Runs::default(),
        registry: RegistrySettings::default(),
        transfers: Transfers::default(),
    };
    let parts = Parts {
        store,
        clock,
        settings,
        secrets: SecretKeys::open_or_create(&keys.path().join("secrets.key")).unwrap(),
        token_keys: TokenKeys::ephemeral().unwrap(),
        egress: Egress::new(EgressPolicy::default()).unwrap(),
    };
    (App::start(parts).await.unwrap(), keys)
}

/// A job that is due at once and nobody's.
pub(crate) async fn queued(store: &Store, id: &str, kind: Kind, payload: Value, now: i64) {
    let job = NewJob {
        id: id.into(),
        kind: kind.as_str().into(),
        payload,
        publisher: None,
        unique_key: None,
        run_at: now,
        created_at: now,
    };
    let tx = store.writer.begin().await.unwrap();
    assert!(store::jobs::enqueue(&tx, &job).await.unwrap());
    tx.commit().await.unwrap();
}

/// The rows of a submission in some state, of `contoso.sensor`.
pub(crate) async fn submission(store: &Store, state: State) -> Submission {
    let key: OfferKey = "contoso.sensor".parse().unwrap();
    let account = Account {
        id: "a1".into(),
        email: "owner@contoso.example".into(),
        name: "Owner".into(),
        password_hash: String::new(),
        reviewer: false,
        operator: false,
        disabled_at: None,
        created_at: 1,
    };
    let publisher = Publisher {
        id: key.publisher.clone(),
        title: "Contoso".into(),
        summary: String::new(),
        website: String::new(),
        support_email: String::new(),
        contact_email: "owner@contoso.example".into(),
        state: PublisherState::Approved,
        reason: None,
        terms_version: None,
        terms_accepted_at: None,
        terms_accepted_by: None,
        skeleton: "contoso".into(),
        verified: false,
        created_by: account.id.clone(),
        created_at: 1,
    };
    let offer = OfferRow {
        draft: Offer::empty(&key),
        revision: 1,
        state: OfferState::Draft,
        live_submission: None,
        stop: None,
        created_at: 1,
        updated_at: 1,
        key: key.clone(),
    };
    let submission = Submission {
        id: "s1".into(),
        number: 1,
        state,
        frozen: Offer::empty(&key),
        notes: String::new(),
        created_by: account.id.clone(),
        created_at: 1,
        updated_at: 1,
        report: None,
        imported: json!({}),
        waivers: json!([]),
        decision: None,
        failure: None,
        preview_expires_at: None,
        key,
    };
    let tx = store.writer.begin().await.unwrap();
    store::accounts::insert(&tx, &account).await.unwrap();
    store::publishers::insert(&tx, &publisher).await.unwrap();
    store::offers::insert(&tx, &offer).await.unwrap();
    store::submissions::insert(&tx, &submission).await.unwrap();
    tx.commit().await.unwrap();
    submission
}
