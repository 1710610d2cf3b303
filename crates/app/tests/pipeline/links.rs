//! Do the addresses of a listing answer? Asked through the guard when the operator allows it: a page that is there, one
//! that is not, one that leads into our own network, and one that never answers.

use std::time::Duration;

use domain::lifecycle::State;
use testkit::http::{Response, Server};

use crate::market::{Market, failures};

async fn website() -> Server {
    Server::start(|request| match request.path.as_str() {
        "/privacy" | "/docs" => Response::new(200, "<p>Settings: INTERVAL_SECONDS.</p>"),
        "/moved" => Response::new(301, "").with("location", "/docs"),
        "/inside" => {
            Response::new(302, "").with("location", "http://169.254.169.254/latest/meta-data")
        }
        _ => Response::new(404, "no such page"),
    })
    .await
    .unwrap()
}

async fn judged(path: &str) -> (State, String, Vec<String>) {
    let (store, _folder) = testkit::engines::sqlite().await;
    let site = website().await;
    let host = site.host();
    let market = Market::open_with(store, &[&host], |settings| settings.check_links = true).await;
    market.seed("contoso/heartbeat").await;
    let mut offer = market.draft("heartbeat").await;
    let listing = &mut offer.listing;
    listing.privacy_policy_url = site.url("/privacy");
    listing.documentation_url = site.url("/moved");
    listing.support_contact.url = site.url(path);
    listing.useful_links.clear();
    offer.properties.terms = domain::offer::Terms {
        standard_contract: true,
        ..domain::offer::Terms::default()
    };
    market.save(&offer).await;
    let id = market.submit(&offer.key()).await;
    let settled = [State::Preview, State::InReview, State::Rejected];
    let judged = market.wait(&id, &settled).await;
    let found = failures(&judged).remove("LST-04").unwrap_or_default();
    let asked = site
        .requests()
        .into_iter()
        .map(|r| format!("{} {}", r.method, r.path));
    (judged.state, found.join(" "), asked.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_answer_pass() {
    let (state, found, asked) = judged("/docs").await;
    assert_ne!(state, State::Rejected, "{found}");
    assert_eq!(found, "");
    assert!(
        asked.contains(&"HEAD /docs".to_owned()),
        "the redirect was followed: {asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_missing_blocks() {
    let (state, found, asked) = judged("/none").await;
    assert_eq!(state, State::Rejected);
    assert!(
        found.contains("answered 404") && found.contains("support_contact"),
        "{found}"
    );
    assert!(
        asked.contains(&"GET /none".to_owned()),
        "HEAD may be refused where GET is not: {asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_leads_into_our_network_is_not_followed() {
    let (state, found, _) = judged("/inside").await;
    assert_eq!(state, State::Rejected);
    assert!(found.contains("169.254.169.254"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_never_answers_ends_in_a_sentence() {
    let (store, _folder) = testkit::engines::sqlite().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let market = Market::open_with(store, &[&host], |settings| settings.check_links = true).await;
    market.seed("contoso/heartbeat").await;
    let mut offer = market.draft("heartbeat").await;
    let listing = &mut offer.listing;
    listing.support_contact.url = format!("http://{host}/silent");
    for url in [
        &mut listing.privacy_policy_url,
        &mut listing.documentation_url,
    ] {
        *url = format!("http://{host}/silent");
    }
    listing.useful_links.clear();
    offer.properties.terms = domain::offer::Terms {
        standard_contract: true,
        ..domain::offer::Terms::default()
    };
    market.save(&offer).await;
    let begun = std::time::Instant::now();
    let id = market.submit(&offer.key()).await;
    let rejected = market.wait(&id, &[State::Rejected]).await;
    let found = failures(&rejected)
        .remove("LST-04")
        .unwrap_or_default()
        .join(" ");
    assert!(found.contains("no answer within 10 seconds"), "{found}");
    // The same address in three fields is asked once.
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "{:?}",
        begun.elapsed()
    );
}
