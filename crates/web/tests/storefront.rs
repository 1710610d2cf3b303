//! The storefront as a visitor meets it: every page, without script and without an account.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::too_many_lines,
    reason = "a story is told in one piece and panics when it goes wrong; its parts are shared"
)]

mod common;
#[path = "storefront/runs.rs"]
mod runs;

use axum::http::StatusCode;
use common::modules::{FILTER_DIGEST, NEWEST_DIGEST, OLDER_DIGEST};
use common::{DEV, empty, stocked};

fn has(page: &str, wanted: &[&str]) {
    for text in wanted {
        assert!(page.contains(text), "`{text}` is missing in:\n{page}");
    }
}

fn has_not(page: &str, unwanted: &[&str]) {
    for text in unwanted {
        assert!(!page.contains(text), "`{text}` should not be in:\n{page}");
    }
}

#[tokio::test]
async fn the_start_page_counts_what_is_there() {
    let market = stocked().await;
    let page = market.page("/").await;
    has(
        &page,
        &[
            "<b>3</b>",
            "<b>2</b>",
            "1 Mar 2026",
            "HTTP forwarder",
            "/categories/simulation",
        ],
    );
    has_not(&page, &["Old sensor", "Threshold filter <b>"]);
}

#[tokio::test]
async fn an_empty_marketplace_says_so_and_what_to_do() {
    let market = empty().await;
    has(
        &market.page("/").await,
        &["No modules yet", "Publish the first one"],
    );
    has(
        &market.page("/modules").await,
        &["0 modules", "No modules yet"],
    );
}

#[tokio::test]
async fn a_misspelt_word_finds_and_the_device_decides() {
    let market = stocked().await;
    let page = market.page("/modules?q=temprature").await;
    has(
        &page,
        &[
            "1 module<",
            "Simulated temperature sensor",
            "for “temprature” in",
            // A waived rule takes nothing from what passed, and is said.
            "1 waived</span>",
            "uses 21 MiB, measured",
        ],
    );
    let page = market.page("/modules?device=rpi-64").await;
    has(
        &page,
        &[
            "3 modules",
            "No image for linux/arm64; it has linux/amd64",
            "Fits Raspberry Pi 4 or 5, 64-bit",
        ],
    );
    assert!(
        page.find("Simulated temperature").unwrap() < page.find("HTTP forwarder").unwrap(),
        "what fits comes first"
    );
}

#[tokio::test]
async fn filters_stand_in_the_address_and_come_out_one_by_one() {
    let market = stocked().await;
    let page = market
        .page("/modules?price=byol&platform=linux/amd64")
        .await;
    has(
        &page,
        &[
            "1 module<",
            "HTTP forwarder",
            "Price: Bring your own licence",
            "/modules?price=byol\"",
        ],
    );
    has(&page, &["value=\"byol\" checked", "Reset filters"]);
}

#[tokio::test]
async fn nothing_found_offers_the_step_that_helps_most() {
    let market = stocked().await;
    let page = market.page("/modules?q=sensor&price=byol").await;
    has(
        &page,
        &[
            "No module matches “sensor” with these filters",
            "1 module",
            "Remove “Bring your own licence”",
        ],
    );
    let page = market.page("/modules?q=zzzzzzzz").await;
    has(
        &page,
        &["No module matches “zzzzzzzz”", "Browse all modules"],
    );
}

#[tokio::test]
async fn what_is_typed_never_becomes_markup() {
    let market = stocked().await;
    let page = market
        .page("/modules?q=%3Cscript%3Ealert(1)%3C/script%3E&publisher=%22%3E%3Cb%3E")
        .await;
    has_not(&page, &["<script>alert", "\"><b>"]);
    let page = market.page("/modules/fabrikam/threshold-filter").await;
    has_not(&page, &["Threshold filter <b>"]);
}

#[tokio::test]
async fn htmx_gets_the_results_alone() {
    let market = stocked().await;
    let part = market
        .ask("GET", "/modules?q=sensor", &[("hx-request", "true")], b"")
        .await;
    has(&part.text(), &["id=\"results\"", "hx-swap-oob=\"true\""]);
    has_not(&part.text(), &["<html", "<header"]);
    assert!(
        part.header("vary").contains("HX-Request"),
        "{}",
        part.header("vary")
    );
    let back = [
        ("hx-request", "true"),
        ("hx-history-restore-request", "true"),
    ];
    let whole = market.ask("GET", "/modules?q=sensor", &back, b"").await;
    has(&whole.text(), &["<html"]);
}

#[tokio::test]
async fn the_product_page_shows_what_was_checked_and_how_to_pull_it() {
    let market = stocked().await;
    let page = market.page("/modules/contoso/temperature-sensor").await;
    has(
        &page,
        &[
            "IoT Edge module",
            "linux/arm/v7",
            "Verified",
            &format!(
                "docker pull market.example/contoso/temperature-sensor/standard@{NEWEST_DIGEST}"
            ),
            "skopeo copy --all --src-tls-verify=false docker://",
            "https://contoso.example/source",
            "Minimum hardware requirements",
            "edgemart add contoso.temperature-sensor",
        ],
    );
    has_not(&page, &["javascript:"]);
    let page = market
        .page("/modules/contoso/temperature-sensor?tab=certification")
        .await;
    has(
        &page,
        &[
            "Passed ",
            NEWEST_DIGEST,
            "1 warning",
            "1 waived by a reviewer",
            "3 not run",
            "needs a raw socket",
        ],
    );
}

#[tokio::test]
async fn a_report_speaks_only_about_the_digest_it_names() {
    let market = stocked().await;
    let page = market
        .page("/modules/contoso/temperature-sensor?tab=certification&version=1.3.0")
        .await;
    has(&page, &["No report on this version", OLDER_DIGEST]);
    has_not(&page, &[NEWEST_DIGEST]);
    let page = market
        .page("/modules/contoso/temperature-sensor?tab=versions")
        .await;
    has(
        &page,
        &[NEWEST_DIGEST, OLDER_DIGEST, "What is new in 1.3.0."],
    );
    let answer = market
        .get("/modules/contoso/temperature-sensor?version=9.9.9")
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_hidden_plan_shows_only_to_who_names_it() {
    let market = stocked().await;
    let page = market
        .page("/modules/fabrikam/threshold-filter?tab=plans")
        .await;
    has(&page, &["Basic", "Pro", "Ten rules at most."]);
    has_not(&page, &["Trial"]);
    let page = market
        .page("/modules/fabrikam/threshold-filter?plan=trial")
        .await;
    has(
        &page,
        &[
            "Trial",
            &format!("fabrikam/threshold-filter/trial@{FILTER_DIGEST}"),
        ],
    );
}

#[tokio::test]
async fn open_placeholders_hold_the_manifest_back_by_name() {
    let market = stocked().await;
    let page = market
        .page("/modules/contoso/http-forwarder?tab=configure")
        .await;
    has(
        &page,
        &[
            "The manifest waits for you",
            "MY_SERVER_IP_ADDRESS",
            "env.SERVER",
        ],
    );
    has_not(&page, &["modulesContent", "Give a value"]);
    let page = market
        .page("/modules/contoso/http-forwarder?tab=configure&form=full&set.MY_SERVER_IP_ADDRESS=")
        .await;
    has(
        &page,
        &[
            "Give a value; the module cannot start without it.",
            "aria-invalid=\"true\"",
        ],
    );
    let filled = "/modules/contoso/http-forwarder?tab=configure&form=layered&set.MY_SERVER_IP_ADDRESS=10.0.0.7%22%7D";
    let page = market.page(filled).await;
    has(
        &page,
        &[
            "properties.desired.modules.HttpForwarder",
            "10.0.0.7\\&#34;}",
            "Download the manifest",
        ],
    );
}

#[tokio::test]
async fn the_manifest_is_a_file_or_a_refusal_that_names_everything() {
    let market = stocked().await;
    let answer = market
        .get("/modules/contoso/temperature-sensor/manifest?form=layered&module=Cellar")
        .await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "application/json")
    );
    assert!(
        answer
            .header("content-disposition")
            .contains("contoso-temperature-sensor-layered.json")
    );
    let text = answer.json().to_string();
    has(
        &text,
        &[
            "properties.desired.modules.Cellar",
            NEWEST_DIGEST,
            "FROM /messages/modules/Cellar/",
        ],
    );
    let answer = market.get("/modules/contoso/http-forwarder/manifest").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    has(&answer.text(), &["MY_SERVER_IP_ADDRESS"]);
    let answer = market
        .get("/modules/contoso/temperature-sensor/manifest?form=round")
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_stopped_module_keeps_its_page_and_names_the_alternative() {
    let market = stocked().await;
    let page = market.page("/modules/contoso/old-sensor").await;
    has(
        &page,
        &[
            "no longer offered",
            "Use Simulated temperature sensor instead",
            "docker pull",
        ],
    );
    has_not(
        &market.page("/modules?q=old").await,
        &["/modules/contoso/old-sensor"],
    );
}

#[tokio::test]
async fn publishers_and_categories_have_pages() {
    let market = stocked().await;
    let page = market.page("/publishers/contoso").await;
    has(
        &page,
        &[
            "Contoso Machines",
            "Sensors &#38; gateways since 1987.",
            "2 modules",
            "https://contoso.example/",
        ],
    );
    let page = market.page("/categories/analytics").await;
    has(
        &page,
        &[
            "IoT Edge modules",
            "Analytics",
            "1 module<",
            "/modules/fabrikam/threshold-filter",
        ],
    );
    for none in [
        "/publishers/nobody",
        "/publishers/..",
        "/categories/none",
        "/modules/contoso/none",
        "/modules/CON/x",
    ] {
        assert_eq!(
            market.get(none).await.status,
            StatusCode::NOT_FOUND,
            "{none}"
        );
    }
}

#[tokio::test]
async fn logos_are_png_for_ever_and_nothing_else() {
    let market = stocked().await;
    let page = market.page("/modules/contoso/temperature-sensor").await;
    let at = page.find("/media/sha256/").unwrap();
    let address = &page[at..at + "/media/sha256/".len() + 64];
    let answer = market.get(address).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "image/png")
    );
    assert!(answer.header("cache-control").contains("immutable"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let tag = answer.header("etag").to_owned();
    let again = market
        .ask("GET", address, &[("if-none-match", &tag)], b"")
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    let page = oci::Digest::sha256_of(b"<script>");
    market
        .blobs
        .put_media(&page, bytes::Bytes::from_static(b"<script>"))
        .await
        .unwrap();
    for none in [
        format!("/media/sha256/{}", page.hex()),
        "/media/sha256/../x".into(),
        "/media/sha256/00".into(),
    ] {
        assert_eq!(
            market.get(&none).await.status,
            StatusCode::NOT_FOUND,
            "{none}"
        );
    }
}

#[tokio::test]
async fn getting_it_needs_an_account_and_consent() {
    let market = stocked().await;
    let address = "/modules/contoso/temperature-sensor/get";
    let answer = market.get(address).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(
        answer
            .header("location")
            .starts_with("/account/sign-in?next="),
        "{}",
        answer.header("location")
    );
    let (cookie, csrf) = market.session(common::GUEST).await;
    let form = [
        ("cookie", cookie.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let page = market
        .ask("GET", address, &[("cookie", &cookie)], b"")
        .await
        .text();
    has(
        &page,
        &["Pass these details on to Contoso Machines.", common::GUEST],
    );
    let body = format!("csrf={csrf}&plan=standard&company=Plant");
    let refused = market.ask("POST", address, &form, body.as_bytes()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    has(&refused.text(), &["value=\"Plant\"", "Tick the box"]);
    let forged = market
        .ask("POST", address, &form, b"plan=standard&consent=yes")
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let done = market
        .ask(
            "POST",
            address,
            &form,
            format!("{body}&consent=yes").as_bytes(),
        )
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let next = market.page(done.header("location")).await;
    has(
        &next,
        &["Contoso Machines has your details", "modulesContent"],
    );
    let contoso = "contoso".parse().unwrap();
    let leads = store::leads::of_publisher(&market.reader, &contoso)
        .await
        .unwrap();
    assert_eq!(
        (
            leads.len(),
            leads[0].company.as_str(),
            leads[0].email.as_str()
        ),
        (1, "Plant", common::GUEST)
    );
    assert!(leads[0].consent_text.contains("Contoso Machines"));
}

#[tokio::test]
async fn the_texts_say_what_they_promise() {
    let market = stocked().await;
    has(
        &market.page("/terms").await,
        &[
            "Version 2026-01",
            "Protecting what is inside the image is the publisher's part",
        ],
    );
    has(
        &market.page("/guide").await,
        &["edgemart offer submit", "hello@market.example"],
    );
    has(&market.page("/faq").await, &["Do I need an account?"]);
    has(&market.page("/about").await, &["Test market"]);
    let robots = market.get("/robots.txt").await;
    has(&robots.text(), &["Disallow: /account"]);
}

#[tokio::test]
async fn every_page_is_closed_to_scripts_of_others_and_a_404_has_a_face() {
    let market = stocked().await;
    let (cookie, _) = market.session(DEV).await;
    for address in [
        "/",
        "/modules",
        "/modules/contoso/temperature-sensor",
        "/terms",
        "/nowhere",
    ] {
        let answer = market
            .ask("GET", address, &[("cookie", &cookie)], b"")
            .await;
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'"),
            "{address}"
        );
        let page = answer.text();
        for forbidden in [" style=\"", "<style", " onclick", "javascript:", "<script>"] {
            assert!(!page.contains(forbidden), "{address}: {forbidden}");
        }
        has(&page, &["<html lang=\"en\"", "Someone"]);
    }
    let missing = market.get("/nowhere").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    has(&missing.text(), &["Not found", "Browse modules"]);
}
