//! Who may do what, as one table: every address of the pages and of the API × everyone who may ask. An address without
//! a row fails, and so does a row without an address. Then the forms: no form without its session's token, none from
//! another site, and one and the same answer for what is hidden and for what is not there.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::too_many_lines,
    reason = "a story is told in one piece and panics when it goes wrong; its parts are shared"
)]

mod common;
#[path = "authorization/forms.rs"]
mod forms;
mod people;

use std::collections::BTreeSet;

use axum::http::StatusCode;
use common::{Answer, DEV, GUEST, Market};
use domain::role::TokenScope;
use people::{CSRF, IN_PREVIEW, IN_REVIEW, PEOPLE};

/// Columns: visitor, customer, owner of another publisher, developer, manager, owner, reviewer, operator.
/// `O` may (whatever then comes of the content), `S` is asked to sign in, `H` finds nothing there, `D` is refused.
type Row = (&'static str, &'static str, &'static str, &'static str);

const PUBLIC: &str = "OOOOOOOO";
const SIGNED_IN: &str = "SOOOOOOO";
const MEMBERS: &str = "SHHOOOHH";
const MANAGERS: &str = "SHHDOOHH";
const REVIEWERS: &str = "SHHHHHOO";
const OPERATORS: &str = "SHHHHHHO";
/// The API tells an account that has a token which role it lacks.
const API_REVIEWERS: &str = "SDDDDDOO";
const API_OPERATORS: &str = "SDDDDDDO";

const STALE: &str = "revision=999999";

/// Method, address, body, columns.
const PAGES: &[Row] = &[
    ("get", "/", "", PUBLIC),
    ("get", "/modules", "", PUBLIC),
    ("get", "/modules/{publisher}/{offer}", "", PUBLIC),
    ("get", "/modules/{publisher}/{offer}/manifest", "", PUBLIC),
    (
        "get",
        "/modules/{publisher}/{offer}/runs/{run}/log",
        "",
        PUBLIC,
    ),
    ("get", "/modules/{publisher}/{offer}/get", "", SIGNED_IN),
    (
        "post",
        "/modules/{publisher}/{offer}/get",
        "plan=standard",
        SIGNED_IN,
    ),
    ("get", "/publishers/{publisher}", "", PUBLIC),
    ("get", "/categories/{category}", "", PUBLIC),
    ("get", "/media/sha256/{hex}", "", PUBLIC),
    ("get", "/terms", "", PUBLIC),
    ("get", "/guide", "", PUBLIC),
    ("get", "/faq", "", PUBLIC),
    ("get", "/about", "", PUBLIC),
    ("get", "/robots.txt", "", PUBLIC),
    ("get", "/account", "", SIGNED_IN),
    ("get", "/account/password", "", SIGNED_IN),
    // Without the present password nothing is changed.
    ("post", "/account/password", "", SIGNED_IN),
    ("get", "/account/erase", "", SIGNED_IN),
    // Without the password nobody is erased.
    ("post", "/account/erase", "", SIGNED_IN),
    ("get", "/account/sign-in", "", PUBLIC),
    ("post", "/account/sign-in", "", PUBLIC),
    ("get", "/account/sign-up", "", PUBLIC),
    ("post", "/account/sign-up", "", PUBLIC),
    ("get", "/account/tokens", "", SIGNED_IN),
    ("post", "/account/tokens", "", SIGNED_IN),
    // Of a token that nobody here has.
    ("post", "/account/tokens/revoke", "id=none", "SHHHHHHH"),
    // There is an operator, so the page is gone for everyone.
    ("get", "/set-up", "", "HHHHHHHH"),
    ("post", "/set-up", "", "HHHHHHHH"),
    ("get", "/publish", "", PUBLIC),
    ("post", "/publish", "", SIGNED_IN),
    ("get", "/publish/submissions/{id}", "", MEMBERS),
    (
        "get",
        "/publish/submissions/{id}/runs/{run}/log",
        "",
        MEMBERS,
    ),
    ("post", "/publish/submissions/{id}/go-live", "", MANAGERS),
    ("post", "/publish/submissions/{id}/cancel", "", MEMBERS),
    (
        "post",
        "/publish/submissions/{id}/preview-token",
        "plan=standard",
        MEMBERS,
    ),
    ("get", "/publish/submissions/{id}/preview", "", MEMBERS),
    (
        "post",
        "/publish/submissions/{id}/preview/manifest",
        "plan=standard",
        MEMBERS,
    ),
    ("post", "/publish/submissions/{id}/audience", "", MEMBERS),
    // Of somebody who was never let in.
    (
        "post",
        "/publish/submissions/{id}/audience/remove",
        "account_id=none",
        "SHHHHHHH",
    ),
    ("get", "/publish/{publisher}", "", MEMBERS),
    ("get", "/publish/{publisher}/members", "", MEMBERS),
    ("post", "/publish/{publisher}/members", "", MANAGERS),
    // The only owner: owners alone may try, and then it is refused for being the last.
    (
        "post",
        "/publish/{publisher}/members/remove",
        "account_id={owner}",
        "SHHDDOHH",
    ),
    // To the owner, who is it already: owners alone may try, and nothing comes of it.
    (
        "post",
        "/publish/{publisher}/members/transfer",
        "account_id={owner}",
        "SHHDDOHH",
    ),
    ("get", "/publish/{publisher}/profile", "", MEMBERS),
    // Without a name nothing is saved.
    ("post", "/publish/{publisher}/profile", "", "SHHDDOHH"),
    ("get", "/publish/{publisher}/leads", "", MANAGERS),
    ("get", "/publish/{publisher}/leads.csv", "", MANAGERS),
    ("get", "/publish/{publisher}/offers/new", "", MEMBERS),
    ("post", "/publish/{publisher}/offers/new", "", MEMBERS),
    ("get", "/publish/{publisher}/{offer}", "", MEMBERS),
    ("get", "/publish/{publisher}/{offer}/export", "", MEMBERS),
    ("get", "/publish/{publisher}/{offer}/logos", "", MEMBERS),
    (
        "post",
        "/publish/{publisher}/{offer}/logos",
        "multipart",
        MEMBERS,
    ),
    ("get", "/publish/{publisher}/{offer}/review", "", MEMBERS),
    (
        "post",
        "/publish/{publisher}/{offer}/review",
        STALE,
        MEMBERS,
    ),
    ("post", "/publish/{publisher}/{offer}/stop", "", MANAGERS),
    ("post", "/publish/{publisher}/{offer}/resume", "", MANAGERS),
    ("get", "/publish/{publisher}/{offer}/plans", "", MEMBERS),
    ("post", "/publish/{publisher}/{offer}/plans", "", MEMBERS),
    (
        "get",
        "/publish/{publisher}/{offer}/plans/{plan}/{part}",
        "",
        MEMBERS,
    ),
    (
        "post",
        "/publish/{publisher}/{offer}/plans/{plan}/{part}",
        STALE,
        MEMBERS,
    ),
    (
        "post",
        "/publish/{publisher}/{offer}/plans/{plan}/remove",
        STALE,
        MEMBERS,
    ),
    (
        "post",
        "/publish/{publisher}/{offer}/plans/{plan}/credentials",
        "",
        MEMBERS,
    ),
    (
        "post",
        "/publish/{publisher}/{offer}/plans/{plan}/credentials/forget",
        "",
        MEMBERS,
    ),
    ("get", "/publish/{publisher}/{offer}/{section}", "", MEMBERS),
    (
        "post",
        "/publish/{publisher}/{offer}/{section}",
        STALE,
        MEMBERS,
    ),
    ("get", "/review", "", REVIEWERS),
    ("get", "/review/{id}", "", REVIEWERS),
    ("get", "/review/{id}/runs/{run}/log", "", REVIEWERS),
    ("post", "/review/{id}/reject", "", REVIEWERS),
    ("post", "/review/{id}/waive", "", REVIEWERS),
    ("post", "/review/{id}/approve", "", REVIEWERS),
    ("get", "/admin", "", OPERATORS),
    ("get", "/admin/publishers", "", OPERATORS),
    ("post", "/admin/publishers/{publisher}", "", OPERATORS),
    ("get", "/admin/accounts", "", OPERATORS),
    ("post", "/admin/accounts/{id}/roles", "", OPERATORS),
    ("post", "/admin/accounts/{id}/access", "", OPERATORS),
    // Who is not shut out is not erased.
    ("post", "/admin/accounts/{id}/erase", "", OPERATORS),
    ("get", "/admin/policy", "", OPERATORS),
    ("post", "/admin/policy", "", OPERATORS),
    ("get", "/admin/takedowns", "", OPERATORS),
    ("post", "/admin/takedowns", "", OPERATORS),
    ("post", "/admin/takedowns/{id}/lift", "", OPERATORS),
    ("get", "/metrics", "", OPERATORS),
    // Last: it ends the session that the other rows use.
    ("post", "/account/sign-out", "", PUBLIC),
];

const API: &[Row] = &[
    ("get", "/api/openapi.json", "", PUBLIC),
    ("get", "/api/v1/modules", "", PUBLIC),
    ("get", "/api/v1/modules/{publisher}/{offer}", "", PUBLIC),
    (
        "get",
        "/api/v1/modules/{publisher}/{offer}/certification",
        "",
        PUBLIC,
    ),
    (
        "get",
        "/api/v1/modules/{publisher}/{offer}/plans/{plan}/manifest",
        "",
        PUBLIC,
    ),
    ("post", "/api/v1/deployments/validate", "{}", PUBLIC),
    ("post", "/api/v1/deployments/merge", "{}", PUBLIC),
    ("get", "/api/v1/account", "", SIGNED_IN),
    ("get", "/api/v1/account/tokens", "", SIGNED_IN),
    (
        "post",
        "/api/v1/account/tokens",
        r#"{"name":"","scopes":[],"days":1}"#,
        SIGNED_IN,
    ),
    // Of a token that nobody here has.
    ("delete", "/api/v1/account/tokens/{id}", "", "SHHHHHHH"),
    ("get", "/api/v1/publishers/{publisher}/offers", "", MEMBERS),
    (
        "get",
        "/api/v1/publishers/{publisher}/offers/{offer}",
        "",
        MEMBERS,
    ),
    (
        "put",
        "/api/v1/publishers/{publisher}/offers/{offer}",
        "{}",
        MEMBERS,
    ),
    (
        "get",
        "/api/v1/publishers/{publisher}/offers/{offer}/judged-by",
        "",
        MEMBERS,
    ),
    (
        "put",
        "/api/v1/publishers/{publisher}/offers/{offer}/logos/{slot}",
        "no picture",
        MEMBERS,
    ),
    (
        "put",
        "/api/v1/publishers/{publisher}/offers/{offer}/plans/{plan}/credentials",
        r#"{"username":"","password":""}"#,
        MEMBERS,
    ),
    (
        "delete",
        "/api/v1/publishers/{publisher}/offers/{offer}/plans/{plan}/credentials",
        "",
        MEMBERS,
    ),
    (
        "post",
        "/api/v1/publishers/{publisher}/offers/{offer}/submissions",
        "{}",
        MEMBERS,
    ),
    // An unknown reason stops nothing, and what was not stopped is not resumed.
    (
        "post",
        "/api/v1/publishers/{publisher}/offers/{offer}/stop",
        r#"{"reason":""}"#,
        MANAGERS,
    ),
    (
        "post",
        "/api/v1/publishers/{publisher}/offers/{offer}/resume",
        "",
        MANAGERS,
    ),
    // Reviewers and operators read the report they decide on.
    ("get", "/api/v1/submissions/{id}", "", "SHHOOOOO"),
    ("post", "/api/v1/submissions/{id}/go-live", "{}", MANAGERS),
    ("post", "/api/v1/submissions/{id}/cancel", "{}", MEMBERS),
    (
        "post",
        "/api/v1/submissions/{id}/preview",
        r#"{"plan":"standard"}"#,
        MEMBERS,
    ),
    ("get", "/api/v1/publishers/{publisher}/leads", "", MANAGERS),
    (
        "post",
        "/api/v1/publishers/{publisher}/decision",
        "{\"decision\":\"approve\",\"verified\":true}",
        API_OPERATORS,
    ),
    ("get", "/api/v1/accounts", "", API_OPERATORS),
    (
        "post",
        "/api/v1/accounts/{id}/access",
        "{\"disabled\":false}",
        API_OPERATORS,
    ),
    (
        "post",
        "/api/v1/accounts/{id}/roles",
        "{\"reviewer\":false,\"operator\":false}",
        API_OPERATORS,
    ),
    ("get", "/api/v1/policy", "", API_OPERATORS),
    ("patch", "/api/v1/policy", "{}", API_OPERATORS),
    ("get", "/api/v1/review", "", API_REVIEWERS),
    (
        "post",
        "/api/v1/review/{id}",
        "{\"verdict\":\"approve\"}",
        API_REVIEWERS,
    ),
    ("get", "/api/v1/takedowns", "", API_OPERATORS),
    (
        "post",
        "/api/v1/takedowns",
        r#"{"module":"","reason":""}"#,
        API_OPERATORS,
    ),
    // Without a reason nothing is lifted.
    (
        "post",
        "/api/v1/takedowns/{id}/lift",
        r#"{"reason":""}"#,
        API_OPERATORS,
    ),
    ("post", "/api/v1/login", "{}", PUBLIC),
];

const BOUNDARY: &str = "multipart/form-data; boundary=cut";

async fn market() -> Market {
    let market = common::stocked().await;
    people::move_in(&market).await;
    market
}

/// The address with things that are there.
async fn filled(market: &Market, text: &str) -> String {
    let account = |email: &'static str| async move {
        store::accounts::find_by_email(&market.reader, email)
            .await
            .unwrap()
            .unwrap()
            .id
    };
    let key = "contoso.temperature-sensor".parse().unwrap();
    let offer = store::offers::find(&market.reader, &key)
        .await
        .unwrap()
        .unwrap();
    let logo = offer
        .draft
        .listing
        .logos
        .medium
        .trim_start_matches("sha256:")
        .to_owned();
    let id = if text.contains("/review/") {
        IN_REVIEW.to_owned()
    } else if text.contains("/admin/accounts/") || text.contains("/api/v1/accounts/") {
        account(GUEST).await
    } else if text.contains("/tokens/") {
        "none".to_owned()
    } else {
        IN_PREVIEW.to_owned()
    };
    let run = if text.contains("/modules/") {
        "run-of-submission-of-contoso.temperature-sensor".to_owned()
    } else {
        format!("run-of-{id}")
    };
    [
        ("{run}", run.as_str()),
        ("{publisher}", "contoso"),
        ("{offer}", "temperature-sensor"),
        ("{plan}", "standard"),
        ("{part}", "details"),
        ("{section}", "listing"),
        ("{slot}", "small"),
        ("{category}", "simulation"),
        ("{hex}", logo.as_str()),
        ("{owner}", account(DEV).await.as_str()),
        ("{id}", id.as_str()),
    ]
    .iter()
    .fold(text.to_owned(), |text, (name, value)| {
        text.replace(name, value)
    })
}

fn multipart(csrf: &str) -> Vec<u8> {
    let csrf = format!("--cut\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n");
    let file = "--cut\r\nContent-Disposition: form-data; name=\"large_square\"; filename=\"a.png\"\r\n\r\nno picture\r\n";
    format!("{csrf}{file}--cut--\r\n").into_bytes()
}

/// A form with its token, or an upload with its token.
fn content(body: &str, csrf: &str) -> (&'static str, Vec<u8>) {
    if body == "multipart" {
        return (BOUNDARY, multipart(csrf));
    }
    (
        "application/x-www-form-urlencoded",
        format!("csrf={csrf}&{body}").into_bytes(),
    )
}

/// What an answer comes to, as a letter of the table.
fn letter(answer: &Answer) -> char {
    let to_sign_in = answer.header("location").starts_with("/account/sign-in");
    match answer.status {
        StatusCode::UNAUTHORIZED => 'S',
        StatusCode::SEE_OTHER if to_sign_in => 'S',
        StatusCode::NOT_FOUND => 'H',
        StatusCode::FORBIDDEN => 'D',
        status if status.is_server_error() || status == StatusCode::METHOD_NOT_ALLOWED => '!',
        _ => 'O',
    }
}

#[test]
fn every_address_has_its_row() {
    let named = |rows: &'static [Row]| {
        rows.iter()
            .map(|(method, path, ..)| format!("{method} {path}"))
    };
    let rows: BTreeSet<String> = named(PAGES).chain(named(API)).collect();
    let pages = web::routes::pages()
        .into_iter()
        .map(|(method, path)| format!("{method} {path}"));
    let api = web::routes::api()
        .into_iter()
        .map(|(method, path)| format!("{method} {path}"));
    let addresses: BTreeSet<String> = pages.chain(api).collect();
    let without: Vec<&String> = addresses.difference(&rows).collect();
    let stray: Vec<&String> = rows.difference(&addresses).collect();
    assert!(without.is_empty(), "addresses without a row: {without:#?}");
    assert!(stray.is_empty(), "rows without an address: {stray:#?}");
    assert_eq!(rows.len(), PAGES.len() + API.len(), "a row stands twice");
}

#[tokio::test]
async fn pages_answer_each_person_as_the_table_says() {
    let market = market().await;
    let mut cookies = vec![String::new()];
    for (at, email) in PEOPLE.iter().enumerate().skip(1) {
        cookies.push(people::cookie(&market, email, at).await);
    }
    let mut wrong = Vec::new();
    for (method, path, body, columns) in PAGES {
        let target = filled(&market, path).await;
        let body = filled(&market, body).await;
        for ((cookie, expected), who) in cookies.iter().zip(columns.chars()).zip(PEOPLE) {
            let csrf = if cookie.is_empty() { "" } else { CSRF };
            let (kind, sent) = content(&body, csrf);
            let mut headers = vec![("content-type", kind)];
            if !cookie.is_empty() {
                headers.push(("cookie", cookie.as_str()));
            }
            let sent = if *method == "get" { Vec::new() } else { sent };
            let answer = market
                .ask(&method.to_uppercase(), &target, &headers, &sent)
                .await;
            let found = letter(&answer);
            if found != expected {
                wrong.push(format!(
                    "{method} {path} as {who:?}: {found} ({}), expected {expected}",
                    answer.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_api_answers_each_person_as_the_table_says() {
    let market = market().await;
    let mut tokens = vec![String::new()];
    for email in &PEOPLE[1..] {
        tokens.push(market.bearer(email, &TokenScope::ALL).await);
    }
    let mut wrong = Vec::new();
    for (method, path, body, columns) in API {
        let target = filled(&market, path).await;
        for ((token, expected), who) in tokens.iter().zip(columns.chars()).zip(PEOPLE) {
            let kind = if path.ends_with("{slot}") {
                "image/png"
            } else {
                "application/json"
            };
            let mut headers = vec![("content-type", kind), ("if-match", "\"999999\"")];
            if !token.is_empty() {
                headers.push(("authorization", token.as_str()));
            }
            let answer = market
                .ask(&method.to_uppercase(), &target, &headers, body.as_bytes())
                .await;
            let found = letter(&answer);
            if found != expected {
                wrong.push(format!(
                    "{method} {path} as {who:?}: {found} ({}), expected {expected}",
                    answer.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
