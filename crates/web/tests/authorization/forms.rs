//! No form without its session's token, none from another site; and one and the same answer for what is hidden and for
//! what is not there.

use axum::http::StatusCode;

use crate::common::{Answer, EVE};
use crate::people::{self, CSRF, PEOPLE};
use crate::{PAGES, content, filled, market};

#[tokio::test]
async fn no_form_without_its_token_and_none_from_another_site() {
    let market = market().await;
    let mut wrong = Vec::new();
    let forms = PAGES.iter().filter(|(method, ..)| *method == "post");
    for (number, (method, path, body, columns)) in forms.enumerate() {
        let target = filled(&market, path).await;
        // Somebody who may; where nobody may, anybody.
        let at = columns.rfind('O').unwrap_or(1);
        let cookie = people::cookie(&market, PEOPLE[at], number).await;
        let ways: [(&str, &[(&str, &str)]); 5] = [
            ("", &[]),
            ("another-token", &[]),
            (CSRF, &[("origin", "https://evil.example")]),
            (CSRF, &[("origin", "null")]),
            (CSRF, &[("sec-fetch-site", "cross-site")]),
        ];
        for (csrf, more) in ways {
            let (kind, sent) = content(&filled(&market, body).await, csrf);
            let mut headers = vec![("content-type", kind), ("cookie", cookie.as_str())];
            headers.extend_from_slice(more);
            let answer = market.ask("POST", &target, &headers, &sent).await;
            if answer.status != StatusCode::FORBIDDEN {
                wrong.push(format!(
                    "{method} {path} with {csrf:?} {more:?}: {}",
                    answer.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The page without what differs from one request to the next.
fn told(answer: &Answer, target: &str) -> String {
    let text = answer.text();
    let main = text
        .split("<main")
        .nth(1)
        .unwrap_or(&text)
        .split("</main>")
        .next()
        .unwrap_or_default()
        .to_owned();
    let id = answer.header("x-request-id").to_owned();
    main.replace(target, "")
        .replace(if id.is_empty() { "\0" } else { &id }, "")
}

#[tokio::test]
async fn what_is_hidden_looks_like_what_is_not_there() {
    let market = market().await;
    let cookie = people::cookie(&market, EVE, 1).await;
    for (hidden, missing) in [
        ("/publish/contoso", "/publish/nobody"),
        (
            "/publish/contoso/temperature-sensor",
            "/publish/nobody/nothing",
        ),
        (
            "/publish/contoso/temperature-sensor",
            "/publish/contoso/nothing",
        ),
        (
            "/publish/contoso/temperature-sensor/listing",
            "/publish/nobody/nothing/listing",
        ),
        ("/publish/contoso/leads", "/publish/nobody/leads"),
        (
            "/publish/submissions/submission-in-preview",
            "/publish/submissions/none",
        ),
        ("/review/submission-in-review", "/review/none"),
        ("/review", "/review/none"),
    ] {
        let one = market.ask("GET", hidden, &[("cookie", &cookie)], b"").await;
        let other = market
            .ask("GET", missing, &[("cookie", &cookie)], b"")
            .await;
        assert_eq!(one.status, StatusCode::NOT_FOUND, "{hidden}");
        assert_eq!(other.status, StatusCode::NOT_FOUND, "{missing}");
        assert_eq!(
            told(&one, hidden),
            told(&other, missing),
            "{hidden} and {missing} differ"
        );
    }
    for (hidden, missing) in [
        ("/publish/contoso", "/publish/nobody"),
        ("/review/submission-in-review", "/review/none"),
    ] {
        let (one, other) = (market.get(hidden).await, market.get(missing).await);
        assert_eq!(one.status, other.status, "{hidden} as a visitor");
        assert!(
            one.header("location").starts_with("/account/sign-in?next="),
            "{hidden}"
        );
    }
}
