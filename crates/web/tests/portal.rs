//! The signed-in pages as a person uses them without script: forms sent, answers read, mistakes told at their field,
//! secrets shown once.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::too_many_lines,
    reason = "a story is told in one piece and panics when it goes wrong; its parts are shared"
)]

mod common;
#[path = "portal/decisions.rs"]
mod decisions;
mod people;
#[path = "portal/people.rs"]
mod persons;

use axum::http::StatusCode;
use common::{Answer, DEV, Market};
use people::CSRF;

/// One person with a browser.
struct Browser<'a> {
    market: &'a Market,
    cookie: String,
}

impl<'a> Browser<'a> {
    async fn of(market: &'a Market, email: &str) -> Self {
        Self {
            market,
            cookie: people::cookie(market, email, 7).await,
        }
    }

    async fn get(&self, target: &str) -> Answer {
        self.market
            .ask("GET", target, &[("cookie", &self.cookie)], b"")
            .await
    }

    async fn page(&self, target: &str) -> String {
        let answer = self.get(target).await;
        assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.text());
        answer.text()
    }

    async fn send(&self, target: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", CSRF).extend_pairs(fields);
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.market
            .ask("POST", target, &headers, form.finish().as_bytes())
            .await
    }

    /// Sends a form that must be taken; gives where it leads.
    async fn done(&self, target: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.send(target, fields).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{target}: {}",
            answer.text()
        );
        answer.header("location").to_owned()
    }
}

async fn visitor_sends(market: &Market, target: &str, form: &str) -> Answer {
    market
        .ask(
            "POST",
            target,
            &[("content-type", "application/x-www-form-urlencoded")],
            form.as_bytes(),
        )
        .await
}

#[tokio::test]
async fn signing_up_in_and_out() {
    let market = common::empty().await;
    let form = "name=Ada&email=ADA%40home.example&password=a+long+passphrase&next=%2Fpublish";
    let answer = visitor_sends(&market, "/account/sign-up", form).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/publish")
    );
    let cookie = answer.header("set-cookie").to_owned();
    for part in [
        "edgemart=ems_",
        "HttpOnly",
        "SameSite=Lax",
        "Path=/",
        "Max-Age=1209600",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let again = visitor_sends(&market, "/account/sign-up", form).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        again.text().contains("an account with this address"),
        "{}",
        again.text()
    );
    let short = visitor_sends(&market, "/account/sign-up", "name=&email=x&password=short").await;
    let text = short.text();
    for wrong in ["f-name-error", "f-email-error", "f-password-error"] {
        assert!(text.contains(wrong), "{wrong} in {text}");
    }
    assert!(
        !text.contains("\"short\""),
        "a password came back to the page"
    );

    let bad = visitor_sends(
        &market,
        "/account/sign-in",
        "email=ada%40home.example&password=wrong+wrong+wrong",
    )
    .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let good = visitor_sends(
        &market,
        "/account/sign-in",
        "email=ada%40home.example&password=a+long+passphrase&next=https%3A%2F%2Fevil.example",
    )
    .await;
    assert_eq!(
        (good.status, good.header("location")),
        (StatusCode::SEE_OTHER, "/")
    );
    let session = good
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let profile = market
        .ask("GET", "/account", &[("cookie", &session)], b"")
        .await
        .text();
    let csrf = profile
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let headers = [
        ("cookie", session.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let out = market
        .ask(
            "POST",
            "/account/sign-out",
            &headers,
            format!("csrf={csrf}").as_bytes(),
        )
        .await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    let after = market
        .ask("GET", "/account", &[("cookie", &session)], b"")
        .await;
    assert!(
        after.header("location").starts_with("/account/sign-in"),
        "the session still works"
    );
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let market = common::empty().await;
    let mut last = StatusCode::OK;
    for _ in 0..9 {
        last = visitor_sends(
            &market,
            "/account/sign-in",
            "email=dev%40contoso.example&password=wrong+wrong+wrong",
        )
        .await
        .status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_token_is_shown_once() {
    let market = common::empty().await;
    let dev = Browser::of(&market, DEV).await;
    let refused = dev
        .send("/account/tokens", &[("name", "CI"), ("days", "9999")])
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text().contains("value=\"CI\""),
        "what was typed is gone"
    );
    let made = dev
        .send(
            "/account/tokens",
            &[
                ("name", "CI"),
                ("days", "30"),
                ("scopes", "read"),
                ("scopes", "push"),
            ],
        )
        .await;
    assert_eq!(
        (made.status, made.header("cache-control")),
        (StatusCode::OK, "no-store")
    );
    let text = made.text();
    let secret = text
        .split("<code>emt_")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let list = dev.page("/account/tokens").await;
    assert!(list.contains("CI") && !list.contains(secret));
    let token = store::tokens::list_of_account(
        &market.reader,
        &market.actor(DEV).await.account().unwrap().id,
    )
    .await
    .unwrap();
    dev.done("/account/tokens/revoke", &[("id", &token[0].id)])
        .await;
    assert!(dev.page("/account/tokens").await.contains("Revoked"));
}

#[tokio::test]
async fn an_offer_is_filled_in_section_by_section() {
    let market = common::empty().await;
    let dev = Browser::of(&market, DEV).await;
    let refused = dev
        .send(
            "/publish/contoso/offers/new",
            &[("offer", "Not an id"), ("listing.title", "Pump watch")],
        )
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text().contains("value=\"Pump watch\"") && refused.text().contains("f-offer-error")
    );
    let reserved = dev
        .send(
            "/publish/contoso/offers/new",
            &[("offer", "leads"), ("listing.title", "x")],
        )
        .await;
    assert_eq!(reserved.status, StatusCode::UNPROCESSABLE_ENTITY);
    let to = dev
        .done(
            "/publish/contoso/offers/new",
            &[("offer", "pump"), ("listing.title", "Pump watch")],
        )
        .await;
    assert_eq!(to, "/publish/contoso/pump/listing");

    // Nobody is told off for a form that was not begun; a save keeps what is incomplete and says what is missing.
    assert!(!dev.page(&to).await.contains("error-summary"));
    let long = "x".repeat(120);
    let listing = [
        ("revision", "2"),
        ("listing.title", "Pump <watch>"),
        ("listing.summary", long.as_str()),
    ];
    let to = dev.done("/publish/contoso/pump/listing", &listing).await;
    let page = dev.page(&to).await;
    assert!(
        page.contains("Pump &lt;watch&gt;") || page.contains("Pump &#60;watch&#62;"),
        "{page}"
    );
    assert!(page.contains("f-listing.summary-error") && page.contains(&long));
    assert!(page.contains("f-listing.description-error"));

    // Somebody else saved meanwhile: told, and nothing typed is lost.
    let stale = dev
        .send(
            "/publish/contoso/pump/listing",
            &[("revision", "2"), ("listing.summary", "Mine")],
        )
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.text().contains("value=\"Mine\""));

    let links = [
        ("listing.useful_links[0].name", "Docs"),
        (
            "listing.useful_links[0].value",
            "https://contoso.example/docs",
        ),
        ("listing.useful_links[1].name", ""),
        ("listing.useful_links[1].value", ""),
        ("listing.support_contact.email", "nonsense"),
    ];
    let to = dev.done("/publish/contoso/pump/links", &links).await;
    let page = dev.page(&to).await;
    assert!(
        page.contains("https://contoso.example/docs")
            && page.contains("f-listing.support_contact.email-error")
    );
    let key = "contoso.pump".parse().unwrap();
    let kept = store::offers::find(&market.reader, &key)
        .await
        .unwrap()
        .unwrap()
        .draft;
    assert_eq!(kept.listing.useful_links.len(), 1);

    dev.done(
        "/publish/contoso/pump/properties",
        &[
            ("properties.kind", "sink"),
            ("properties.terms", "url"),
            ("properties.terms.url", "https://contoso.example/terms"),
            ("properties.terms.text", "dropped"),
        ],
    )
    .await;
    let kept = store::offers::find(&market.reader, &key)
        .await
        .unwrap()
        .unwrap()
        .draft;
    assert_eq!(
        (
            kept.properties.terms.url.as_str(),
            kept.properties.terms.text.as_str()
        ),
        ("https://contoso.example/terms", "")
    );

    let refused = dev
        .send(
            "/publish/contoso/pump/review",
            &[("certification_notes", "Hello")],
        )
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text();
    for field in [
        "listing.summary",
        "listing.logos.wide",
        "properties.licence",
        "plans",
    ] {
        assert!(text.contains(field), "{field} is not listed");
    }
    assert!(dev.page("/publish/contoso").await.contains("Pump"));
    assert!(
        dev.page("/publish/contoso/pump")
            .await
            .contains("Offer created")
    );
}

#[tokio::test]
async fn a_plan_keeps_its_parts() {
    let market = common::empty().await;
    let dev = Browser::of(&market, DEV).await;
    dev.done(
        "/publish/contoso/offers/new",
        &[("offer", "pump"), ("listing.title", "Pump")],
    )
    .await;
    let to = dev
        .done(
            "/publish/contoso/pump/plans",
            &[("plan", "standard"), ("title", "Standard")],
        )
        .await;
    assert_eq!(to, "/publish/contoso/pump/plans/standard/details");
    let twice = dev
        .send(
            "/publish/contoso/pump/plans",
            &[("plan", "standard"), ("title", "Again")],
        )
        .await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    let image = [
        ("image.registry", "registry.contoso.example"),
        ("image.repository", "pumps/watch"),
        ("image.tags", "latest\r\n1.0.0"),
        ("platforms", "linux/amd64"),
        ("platforms", "linux/arm/v7"),
        ("platforms_other", "linux/riscv64"),
        ("image.declared_only", "on"),
    ];
    let part = "/publish/contoso/pump/plans/standard";
    let to = dev.done(&format!("{part}/image"), &image).await;
    assert!(dev.page(&to).await.contains("linux/riscv64"));
    let broken = [
        ("defaults.module_name", "PumpWatch"),
        ("defaults.twin[0].name", "Every"),
        ("defaults.twin[0].value", "five"),
        ("defaults.env[0].name", "SERVER"),
        ("defaults.env[0].value", "<MY_SERVER>"),
    ];
    let refused = dev.send(&format!("{part}/configuration"), &broken).await;
    let text = refused.text();
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        text.contains("five") && text.contains("&lt;MY_SERVER&gt;")
            || text.contains("&#60;MY_SERVER&#62;"),
        "values are gone: {text}"
    );
    let mended: Vec<(&str, &str)> = broken
        .iter()
        .map(|(name, value)| (*name, if *value == "five" { "5" } else { *value }))
        .collect();
    dev.done(&format!("{part}/configuration"), &mended).await;
    let key = "contoso.pump".parse().unwrap();
    let kept = store::offers::find(&market.reader, &key)
        .await
        .unwrap()
        .unwrap()
        .draft
        .plans
        .remove(0);
    assert_eq!(kept.image.tags, ["latest", "1.0.0"]);
    assert!(kept.image.declared_only);
    assert_eq!(
        kept.platforms,
        ["linux/amd64", "linux/arm/v7", "linux/riscv64"]
    );
    assert_eq!(
        (
            kept.defaults.twin[0].value.as_i64(),
            kept.defaults.env.len()
        ),
        (Some(5), 1)
    );

    let secret = [("username", "robot"), ("password", "hunter2hunter2")];
    dev.done(&format!("{part}/credentials"), &secret).await;
    let page = dev.page(&format!("{part}/image")).await;
    assert!(
        page.contains("A password is kept") && !page.contains("hunter2") && !page.contains("robot")
    );
    dev.done(&format!("{part}/credentials/forget"), &[]).await;
    assert!(
        !dev.page(&format!("{part}/image"))
            .await
            .contains("A password is kept")
    );
    dev.done(&format!("{part}/remove"), &[]).await;
    assert_eq!(
        dev.get(&format!("{part}/details")).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn logos_come_from_one_square_and_leave_in_an_archive() {
    let market = common::empty().await;
    let dev = Browser::of(&market, DEV).await;
    dev.done(
        "/publish/contoso/offers/new",
        &[("offer", "pump"), ("listing.title", "Pump")],
    )
    .await;
    let upload = |name: &str, bytes: &[u8]| {
        let mut body =
            format!("--cut\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{CSRF}\r\n")
                .into_bytes();
        body.extend(format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n").bytes());
        body.extend_from_slice(bytes);
        body.extend(b"\r\n--cut--\r\n");
        body
    };
    let headers = [
        ("cookie", dev.cookie.as_str()),
        ("content-type", "multipart/form-data; boundary=cut"),
    ];
    let wrong = upload(
        "listing.logos.small",
        &common::modules::png(41, 40, [1, 2, 3]),
    );
    let refused = market
        .ask("POST", "/publish/contoso/pump/logos", &headers, &wrong)
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text().contains("f-listing.logos.small-error"),
        "{}",
        refused.text()
    );
    let square = upload(
        "large_square",
        &common::modules::png(300, 300, [1, 120, 90]),
    );
    let taken = market
        .ask("POST", "/publish/contoso/pump/logos", &headers, &square)
        .await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text());
    assert_eq!(
        dev.page("/publish/contoso/pump/logos")
            .await
            .matches("/media/sha256/")
            .count(),
        4
    );
    let archive = dev.get("/publish/contoso/pump/export").await;
    assert_eq!(
        archive.header("content-disposition"),
        "attachment; filename=\"contoso.pump.zip\""
    );
    assert!(archive.bytes.starts_with(b"PK\x03\x04"));
    for name in ["offer.yaml", "description.html", "logos/255x115.png"] {
        let held = archive
            .bytes
            .windows(name.len())
            .filter(|window| *window == name.as_bytes())
            .count();
        assert!(held >= 2, "{name} is not in the archive");
    }
}

#[tokio::test]
async fn publishers_see_how_often_a_release_was_pulled() {
    let market = common::stocked().await;
    let today = app::registry::day_of(market.app.clock.now());
    let pulled = (
        "contoso/temperature-sensor/standard".to_owned(),
        common::modules::NEWEST_DIGEST.to_owned(),
    );
    for (pulls, day) in [(1_234, today - 30), (56, today - 29), (1, today)] {
        let counted = [(pulled.clone(), pulls)].into_iter().collect();
        let tx = market.writer.begin().await.unwrap();
        store::registry::pulls::add(&tx, &counted, day)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let browser = Browser::of(&market, DEV).await;
    let page = browser.page("/publish/contoso/temperature-sensor").await;
    for cell in [
        "data-label=\"Pulls\">1,291</td>",
        "data-label=\"Last 30 days\">57</td>",
        "data-label=\"Pulls\">0</td>",
    ] {
        assert!(page.contains(cell), "{cell} in {page}");
    }
}
