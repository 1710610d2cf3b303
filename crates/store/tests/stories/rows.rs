//! Rows to begin with, short to write: `p1` has the member `a1` and the offer `p1.sensor`.

use std::collections::BTreeMap;

use domain::defaults::Defaults;
use domain::ids::{OfferKey, PlanName, PublisherId};
use domain::lifecycle::{OfferState, State};
use domain::offer::Offer;
use domain::release::{Release, ReleasePlatform};
use oci::Digest;
use serde_json::json;
use store::Store;
use store::accounts::{self, Account};
use store::offers::{self, OfferRow};
use store::publishers::{self, Publisher, PublisherState};
use store::submissions::Submission;

/// A time; tests count on from it.
pub(crate) const NOW: i64 = 1_700_000_000_000_000;

pub(crate) fn account(id: &str) -> Account {
    Account {
        id: id.to_owned(),
        email: format!("{id}@example.com"),
        name: format!("Person {id}"),
        password_hash: "$argon2id$…".to_owned(),
        reviewer: false,
        operator: false,
        disabled_at: None,
        created_at: NOW,
    }
}

pub(crate) fn publisher(id: &str) -> Publisher {
    Publisher {
        id: id.parse().unwrap(),
        title: "Contoso".to_owned(),
        summary: "Sensors, and more \u{1F4E1}".to_owned(),
        website: "https://contoso.example".to_owned(),
        support_email: "help@contoso.example".to_owned(),
        contact_email: "owner@contoso.example".to_owned(),
        state: PublisherState::Pending,
        reason: None,
        terms_version: Some("2026-01".to_owned()),
        terms_accepted_at: Some(NOW),
        terms_accepted_by: Some("a1".to_owned()),
        skeleton: domain::ids::skeleton(id),
        verified: false,
        created_by: "a1".to_owned(),
        created_at: NOW,
    }
}

pub(crate) fn key(text: &str) -> OfferKey {
    text.parse().unwrap()
}

pub(crate) fn plan(text: &str) -> PlanName {
    text.parse().unwrap()
}

pub(crate) fn offer(name: &str) -> OfferRow {
    OfferRow {
        key: key(name),
        draft: Offer::empty(&key(name)),
        revision: 1,
        state: OfferState::Draft,
        live_submission: None,
        stop: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn submission(id: &str, offer: &str, number: i64) -> Submission {
    Submission {
        id: id.to_owned(),
        key: key(offer),
        number,
        state: State::Submitted,
        frozen: Offer::empty(&key(offer)),
        notes: "please".to_owned(),
        created_by: "a1".to_owned(),
        created_at: NOW + number,
        updated_at: NOW + number,
        report: None,
        imported: json!({}),
        waivers: json!([]),
        decision: None,
        failure: None,
        preview_expires_at: None,
    }
}

pub(crate) fn release(offer: &str, plan_name: &str, version: &str) -> Release {
    Release {
        key: key(offer),
        plan: plan(plan_name),
        version: version.parse().unwrap(),
        digest: digest(version),
        tags: vec!["latest".to_owned(), version.to_owned()],
        platforms: vec![ReleasePlatform {
            platform: "linux/arm/v7".parse().unwrap(),
            digest: digest("arm"),
            compressed_bytes: 5_000_000_000,
            layers: 7,
        }],
        defaults: Defaults::default(),
        notes: "Fixes.".to_owned(),
        submission: "s1".to_owned(),
        released_at: NOW,
    }
}

/// The digest of some bytes.
pub(crate) fn digest(of: &str) -> Digest {
    Digest::sha256_of(of.as_bytes())
}

pub(crate) fn publisher_id(id: &str) -> PublisherId {
    id.parse().unwrap()
}

/// The account `a1`, the publisher `p1` and the offers `p1.sensor` and `p1.pump`.
pub(crate) async fn begin(store: &Store) {
    let tx = store.writer.begin().await.unwrap();
    accounts::insert(&tx, &account("a1")).await.unwrap();
    publishers::insert(&tx, &publisher("p1")).await.unwrap();
    offers::insert(&tx, &offer("p1.sensor")).await.unwrap();
    offers::insert(&tx, &offer("p1.pump")).await.unwrap();
    tx.commit().await.unwrap();
}

/// How often each value came.
pub(crate) fn tally<T: Ord>(values: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut tally = BTreeMap::new();
    for value in values {
        *tally.entry(value).or_default() += 1;
    }
    tally
}
