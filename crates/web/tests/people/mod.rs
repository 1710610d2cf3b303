//! People of every role around the publisher `contoso`, and two of its submissions that are on their way. Used by the
//! authorization table and by the example that shows the signed-in pages.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene has failed"
)]

use app::accounts::{SignUp, create_account};
use app::clock::secret_hash;
use app::publishers::put_member;
use domain::actor::Actor;
use domain::lifecycle::State;
use domain::role::MemberRole;
use serde_json::json;
use store::sessions::Session;
use store::submissions::Submission;

use crate::common::modules::keep_runs;
use crate::common::{BOSS, DEV, EVE, GUEST, Market, NOW};

/// Who asks, in the order of the table's columns.
pub(crate) const PEOPLE: [&str; 8] = [
    "",
    GUEST,
    EVE,
    "developer@contoso.example",
    "manager@contoso.example",
    DEV,
    "reviewer@market.example",
    BOSS,
];
/// Everyone's anti-forgery token here.
pub(crate) const CSRF: &str = "the-token-of-this-session";
/// A submission of `contoso.temperature-sensor` that waits for its publisher.
pub(crate) const IN_PREVIEW: &str = "submission-in-preview";
/// A submission of `contoso.http-forwarder` that waits for a reviewer.
pub(crate) const IN_REVIEW: &str = "submission-in-review";

/// Brings the people and the submissions into a market that has modules.
pub(crate) async fn move_in(market: &Market) {
    let app = &market.app;
    let owner = market.actor(DEV).await;
    let contoso = "contoso".parse().unwrap();
    for (email, name, role) in [
        (PEOPLE[3], "Dana Developer", Some(MemberRole::Developer)),
        (PEOPLE[4], "Mara Manager", Some(MemberRole::Manager)),
        (PEOPLE[6], "Rita Reviewer", None),
    ] {
        // Nobody signs in with a password here: the sessions are rows.
        let sign_up = SignUp {
            email: email.into(),
            name: name.into(),
            password: "correct horse battery".into(),
        };
        create_account(app, &Actor::System, sign_up, role.is_none(), false)
            .await
            .unwrap();
        if let Some(role) = role {
            put_member(app, &owner, &contoso, email, role)
                .await
                .unwrap();
        }
    }
    submission(
        market,
        "contoso.temperature-sensor",
        IN_PREVIEW,
        State::Preview,
    )
    .await;
    submission(market, "contoso.http-forwarder", IN_REVIEW, State::InReview).await;
}

/// A second submission of an offer, made of the live one; what warned then asks for a person now.
async fn submission(market: &Market, key: &str, id: &str, state: State) {
    let key = key.parse().unwrap();
    let live = store::submissions::latest_of_offer(&market.reader, &key)
        .await
        .unwrap()
        .unwrap();
    let mut report = live.report.clone().unwrap();
    for result in report["results"].as_array_mut().unwrap() {
        if state == State::InReview && result["state"] == "warned" {
            result["state"] = json!("needs_review");
            result["level"] = json!("review");
        }
    }
    let row = Submission {
        id: id.into(),
        number: live.number + 1,
        state,
        notes: "Try it with the simulator on port 1502.".into(),
        created_by: market.actor(DEV).await.account().unwrap().id.clone(),
        created_at: NOW - 3_600_000_000,
        report: Some(report),
        preview_expires_at: (state == State::Preview).then_some(NOW + 86_400_000_000),
        ..live
    };
    let way = [
        State::Submitted,
        State::Importing,
        State::Certifying,
        State::InReview,
        State::Preview,
    ];
    let tx = market.writer.begin().await.unwrap();
    store::submissions::insert(&tx, &row).await.unwrap();
    tx.commit().await.unwrap();
    keep_runs(market, id).await;
    let tx = market.writer.begin().await.unwrap();
    let mut at = row.created_at;
    for step in way {
        if step == State::InReview && state == State::Preview {
            continue;
        }
        store::steps::start(&tx, id, step.as_str(), at)
            .await
            .unwrap();
        if step == state {
            break;
        }
        store::steps::append_log(&tx, id, step.as_str(), "one line of log\n")
            .await
            .unwrap();
        at += 4_200_000;
        store::steps::finish(&tx, id, step.as_str(), "done", "", at)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

/// A session for an account, as a row; gives the value of `Cookie`. Secrets are as long as real ones.
pub(crate) async fn cookie(market: &Market, email: &str, number: usize) -> String {
    let secret = format!("ems_{email}-{number}");
    let account = store::accounts::find_by_email(&market.reader, email)
        .await
        .unwrap()
        .unwrap();
    let row = Session {
        token_hash: secret_hash(&secret),
        account_id: account.id,
        csrf: CSRF.into(),
        created_at: NOW,
        expires_at: NOW + 14 * 86_400_000_000,
        last_seen_at: NOW,
    };
    let tx = market.writer.begin().await.unwrap();
    store::sessions::insert(&tx, &row).await.unwrap();
    tx.commit().await.unwrap();
    format!("edgemart={secret}")
}
