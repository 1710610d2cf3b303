//! The challenge, the token endpoint, and what wrong credentials meet.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use app::accounts::{CreateToken, create_token};
use domain::role::TokenScope;

use crate::http::Answer;
use crate::market::{DEV, EVE, INBOX, LIVE, Market, PASSWORD, basic, on_both, small};

fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_base_challenges_and_a_token_answers_it() {
    on_both(async |market: Market| {
        for target in ["/v2", "/v2/"] {
            let answer = market.get(target).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, "UNAUTHORIZED")
            );
            let expected = format!(
                "Bearer realm=\"http://{0}/token\",service=\"{0}\"",
                market.peer
            );
            assert_eq!(answer.header("www-authenticate"), expected);
            assert_eq!(
                answer.header("docker-distribution-api-version"),
                "registry/2.0"
            );
        }
        let granted = market
            .get(&format!(
                "/token?service={}&scope=repository:{LIVE}:pull,push",
                market.peer
            ))
            .await;
        assert_eq!(granted.status, 200);
        assert_eq!(granted.header("cache-control"), "no-store");
        let json = granted.json();
        assert_eq!(json["token"], json["access_token"]);
        assert_eq!(json["expires_in"], 300);
        assert_eq!(
            json["scope"],
            format!("repository:{LIVE}:pull"),
            "less than asked is granted"
        );
        let token = format!("Bearer {}", json["token"].as_str().unwrap());
        for method in ["GET", "HEAD"] {
            assert_eq!(
                market
                    .ask(method, "/v2/", &[("Authorization", &token)], b"")
                    .await
                    .status,
                200
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_carry_what_was_granted_and_no_more() {
    let market = small().await;
    let cases = [
        (
            Some(DEV),
            format!("repository:{INBOX}:pull,push"),
            format!("repository:{INBOX}:pull,push"),
        ),
        (
            Some(DEV),
            format!("repository:{INBOX}:*"),
            format!("repository:{INBOX}:pull,push,delete"),
        ),
        (
            Some(EVE),
            format!("repository:{INBOX}:pull,push"),
            String::new(),
        ),
        (None, format!("repository:{INBOX}:pull,push"), String::new()),
        (
            Some(DEV),
            format!("repository:{LIVE}:pull,push"),
            format!("repository:{LIVE}:pull"),
        ),
        (
            None,
            "repository:nothing/of/that:pull".into(),
            "repository:nothing/of/that:pull".into(),
        ),
        (None, "repository:host:5000/x:pull".into(), String::new()),
        (
            None,
            "registry:catalog:*".into(),
            "registry:catalog:*".into(),
        ),
        (None, "registry:catalog:search".into(), String::new()),
        (None, String::new(), String::new()),
    ];
    for (email, asked, expected) in cases {
        let authorization = email.map(|email| basic(email, PASSWORD));
        let headers: Vec<(&str, &str)> = authorization
            .iter()
            .map(|value| ("Authorization", value.as_str()))
            .collect();
        let answer = market
            .ask("GET", &format!("/token?scope={asked}"), &headers, b"")
            .await;
        assert_eq!(answer.status, 200, "{asked}: {}", answer.text());
        let json = answer.json();
        assert_eq!(json["scope"], expected, "{email:?} {asked}");
        let claims = claims(json["token"].as_str().unwrap());
        assert_eq!(claims["aud"], market.peer.to_string());
        assert_eq!(
            claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
            300
        );
    }
    let two = format!(
        "/token?scope=repository:{INBOX}:pull&scope=repository:incoming/contoso/other:pull%20repository:{INBOX}:pull"
    );
    let answer = market
        .ask(
            "GET",
            &two,
            &[("Authorization", &basic(DEV, PASSWORD))],
            b"",
        )
        .await;
    assert_eq!(
        answer.json()["scope"],
        format!("repository:{INBOX}:pull repository:incoming/contoso/other:pull")
    );
}

async fn form(market: &Market, body: &str) -> Answer {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    market
        .ask("POST", "/token", &headers, body.as_bytes())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oauth_form_works_and_fails_in_its_own_words() {
    let market = small().await;
    let good = format!(
        "grant_type=password&service={}&scope=repository:{INBOX}:pull,push&username=dev%40contoso.example&password={}&client_id=t",
        market.peer,
        PASSWORD.replace(' ', "+")
    );
    let answer = form(&market, &good).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        answer.json()["scope"],
        format!("repository:{INBOX}:pull,push")
    );
    let wrong = form(
        &market,
        "grant_type=password&username=dev%40contoso.example&password=wrong+password",
    )
    .await;
    assert_eq!(
        (wrong.status, wrong.json()["error"].as_str().unwrap()),
        (401, "invalid_grant")
    );
    let other = form(&market, "grant_type=client_credentials").await;
    assert_eq!(
        (other.status, other.json()["error"].as_str().unwrap()),
        (400, "unsupported_grant_type")
    );
    let none = form(&market, "grant_type=password&username=x").await;
    assert_eq!(
        (none.status, none.json()["error"].as_str().unwrap()),
        (400, "invalid_request")
    );
    let long = form(&market, &"x".repeat(70_000)).await;
    assert_eq!((long.status, long.code().as_str()), (413, "SIZE_INVALID"));
    let delete = market.ask("DELETE", "/token", &[], b"").await;
    assert_eq!(
        (delete.status, delete.header("allow")),
        (405, "GET, HEAD, POST")
    );
    let other = market.get("/token?service=another.example").await;
    assert_eq!((other.status, other.code().as_str()), (400, "UNSUPPORTED"));
    let broken = market.get("/token?scope=repository").await;
    assert_eq!(broken.status, 400);
    assert!(
        broken.text().contains("type:name:actions"),
        "{}",
        broken.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_refused_everywhere() {
    let market = small().await;
    let image = testkit::image::ImageBuilder::all_platforms().build();
    market.release(LIVE, "latest", &image, true).await;
    let anonymous = market.get("/token").await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut tampered = anonymous.clone();
    tampered.truncate(anonymous.len() - 4);
    tampered.push_str("AAAA");
    let none = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT","kid":"x"}"#),
        anonymous.split('.').nth(1).unwrap()
    );
    let credentials = [
        basic(DEV, "wrong password"),
        basic("nobody@nowhere.example", PASSWORD),
        basic("token", "emt_unknown"),
        basic("preview", "unknown"),
        format!("Bearer {tampered}"),
        format!("Bearer {none}"),
        "Bearer emt_unknown".into(),
        "Bearer garbage".into(),
        "Bearer a.b.c".into(),
        "Bearer".into(),
        "Basic !!!".into(),
        "Basic".into(),
        "Digest username=x".into(),
        "x".repeat(30_000),
    ];
    let places = [
        ("GET", "/v2/".to_owned()),
        ("GET", format!("/v2/{LIVE}/manifests/latest")),
        ("HEAD", format!("/v2/{LIVE}/blobs/{}", image.blobs[0].0)),
        ("GET", format!("/v2/{LIVE}/tags/list")),
        ("GET", "/v2/_catalog".to_owned()),
        ("POST", format!("/v2/{INBOX}/blobs/uploads/")),
        ("GET", "/v2/nothing/here".to_owned()),
        ("GET", "/token".to_owned()),
    ];
    for credential in &credentials {
        // Passwords are throttled by address; one place is enough to see those refused.
        let slow = credential.starts_with("Basic ") && !credential.contains('!');
        for (method, target) in places.iter().take(if slow { 2 } else { places.len() }) {
            let answer = market
                .ask(method, target, &[("Authorization", credential)], b"")
                .await;
            assert_eq!(
                answer.status,
                401,
                "{method} {target} {credential:.60}: {}",
                answer.text()
            );
            assert!(
                answer.header("www-authenticate").contains("realm=\""),
                "{credential:.60}"
            );
            assert!(!answer.text().contains(PASSWORD));
        }
    }
    let twice = [
        ("Authorization", "Bearer a.b.c"),
        ("Authorization", "Bearer a.b.c"),
    ];
    assert_eq!(market.ask("GET", "/v2/", &twice, b"").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_and_the_right_password_is_not_asked_twice() {
    let market = small().await;
    let right = basic(DEV, PASSWORD);
    for _ in 0..20 {
        assert_eq!(
            market
                .ask("GET", "/v2/", &[("Authorization", &right)], b"")
                .await
                .status,
            200
        );
    }
    let mut seen = Vec::new();
    for guess in 0..12 {
        let wrong = basic(EVE, &format!("guess number {guess}"));
        let answer = market
            .ask("GET", "/v2/", &[("Authorization", &wrong)], b"")
            .await;
        seen.push(answer.status);
        if answer.status == 429 {
            assert_eq!(answer.code(), "TOOMANYREQUESTS");
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
        }
    }
    assert_eq!(seen[0], 401);
    assert!(seen.contains(&429), "{seen:?}");
    // Another account is not locked out by it.
    assert_eq!(
        market
            .ask("GET", "/v2/", &[("Authorization", &right)], b"")
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn access_tokens_sign_in_and_keep_to_their_scope() {
    let market = small().await;
    let actor = market.actor(DEV).await;
    for (scope, push, pull) in [
        (TokenScope::Push, 202, 404),
        (TokenScope::Read, 403, 404),
        (TokenScope::Admin, 403, 404),
    ] {
        let command = CreateToken {
            name: "ci".into(),
            scopes: vec![scope],
            days: 1,
        };
        // Only operators may have tokens for operators' work.
        let Ok(made) = create_token(&market.app, &actor, command).await else {
            assert_eq!(scope, TokenScope::Admin);
            continue;
        };
        for authorization in [
            basic("anything", &made.secret),
            basic(DEV, &made.secret),
            format!("Bearer {}", made.secret),
        ] {
            let headers = [("Authorization", authorization.as_str())];
            let pushed = market
                .ask(
                    "POST",
                    &format!("/v2/{INBOX}/blobs/uploads/"),
                    &headers,
                    b"",
                )
                .await;
            assert_eq!(pushed.status, push, "{scope:?}: {}", pushed.text());
            let read = market
                .ask("GET", &format!("/v2/{INBOX}/manifests/none"), &headers, b"")
                .await;
            assert_eq!(read.status, pull, "{scope:?}");
        }
        app::accounts::revoke_token(&market.app, &actor, &made.id)
            .await
            .unwrap();
        let late = market
            .ask(
                "GET",
                "/v2/",
                &[("Authorization", &basic("x", &made.secret))],
                b"",
            )
            .await;
        assert_eq!(late.status, 401);
    }
}
