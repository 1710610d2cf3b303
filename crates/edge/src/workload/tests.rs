//! Every endpoint, every version, every refusal; no socket.

use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::{Method, StatusCode};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::operation::{API_VERSIONS, Operation, parse};
use super::{Credentials, answer};
use crate::authority::Authority;
use crate::identity::Device;

fn credentials() -> Credentials {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a moment");
    let authority = Arc::new(Authority::new(now).expect("an authority"));
    Credentials::new(Arc::new(Device::default()), "mod1", 42, authority).expect("keys")
}

fn ask(credentials: &Credentials, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let operation = parse(&method, path, Some("api-version=2018-06-28"));
    let (status, value) = answer::answer(operation, body.to_string().as_bytes(), credentials);
    (status.as_u16(), value)
}

fn post(credentials: &Credentials, path: &str, body: Value) -> (u16, Value) {
    ask(credentials, Method::POST, path, &body)
}

#[test]
fn every_version_is_known_and_no_other() {
    for version in API_VERSIONS {
        let query = format!("x=1&api-version={version}");
        assert_eq!(
            parse(&Method::GET, "/trust-bundle", Some(&query)),
            Ok(Operation::TrustBundle)
        );
    }
    for (query, message) in [
        (None, "api-version not specified"),
        (Some("x=1"), "api-version not specified"),
        (
            Some("api-version=2017-01-01"),
            "invalid api-version \"2017-01-01\"",
        ),
        (Some("api-version="), "invalid api-version \"\""),
    ] {
        let refusal = parse(&Method::GET, "/trust-bundle", query).expect_err(message);
        assert_eq!(
            (refusal.status, refusal.message.as_str()),
            (StatusCode::BAD_REQUEST, message)
        );
    }
}

#[test]
fn the_bundle_is_a_certificate_and_the_list_holds_the_module() {
    let credentials = credentials();
    let (status, bundle) = ask(&credentials, Method::GET, "/trust-bundle", &json!(null));
    assert_eq!(status, 200);
    assert!(
        bundle["certificate"]
            .as_str()
            .is_some_and(|pem| pem.starts_with("-----BEGIN CERTIFICATE-----"))
    );
    let (_, empty) = ask(
        &credentials,
        Method::GET,
        "/manifest-trust-bundle",
        &json!(null),
    );
    assert_eq!(empty, json!({"certificate": ""}));
    for path in ["/modules", "/modules/"] {
        let (status, list) = ask(&credentials, Method::GET, path, &json!(null));
        assert_eq!((status, &list["modules"][0]["name"]), (200, &json!("mod1")));
    }
}

#[test]
fn sign_is_an_hmac_over_the_decoded_data() {
    let credentials = credentials();
    let data = BASE64_STANDARD.encode("sr\nse");
    let body = json!({"keyId": "primary", "algo": "HMACSHA256", "data": data});
    let (status, value) = post(&credentials, "/modules/mod1/genid/42/sign", body);
    let digest = BASE64_STANDARD.encode(crate::token::sign(credentials.key(), b"sr\nse"));
    assert_eq!((status, value), (200, json!({"digest": digest})));
}

#[test]
fn what_is_encrypted_is_decrypted_with_its_vector_alone() {
    let credentials = credentials();
    let vector = BASE64_STANDARD.encode("vector");
    let body =
        json!({"plaintext": BASE64_STANDARD.encode("secret"), "initializationVector": vector});
    let (_, first) = post(&credentials, "/modules/mod1/genid/42/encrypt", body.clone());
    let (_, second) = post(&credentials, "/modules/mod1/genid/42/encrypt", body);
    assert_ne!(
        first, second,
        "a vector sent twice does not make a nonce come twice"
    );
    let open = |vector: &str| {
        let body = json!({"ciphertext": first["ciphertext"], "initializationVector": vector});
        post(&credentials, "/modules/mod1/genid/42/decrypt", body)
    };
    assert_eq!(
        open(&vector),
        (200, json!({"plaintext": BASE64_STANDARD.encode("secret")}))
    );
    assert_eq!(open(&BASE64_STANDARD.encode("other")).0, 500);
}

#[test]
fn certificates_are_plain_pem_and_made() {
    let credentials = credentials();
    let body = json!({"commonName": "host.local", "expiration": "2027-01-01T00:00:00Z"});
    let (status, value) = post(
        &credentials,
        "/modules/mod1/genid/42/certificate/server",
        body,
    );
    assert_eq!(status, 201);
    assert_eq!(value["privateKey"]["type"], "key");
    assert!(
        value["privateKey"]["bytes"]
            .as_str()
            .is_some_and(|pem| pem.contains("PRIVATE KEY"))
    );
    let chain = value["certificate"].as_str().unwrap_or_default();
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2);
    assert_eq!(value["expiration"], "2026-12-22T00:00:00Z");
    let (status, _) = post(
        &credentials,
        "/modules/mod1/certificate/identity",
        json!({}),
    );
    assert_eq!(status, 201);
    for name in [json!("a b"), json!(""), json!(7), Value::Null] {
        let body = json!({"commonName": name});
        assert_eq!(
            post(
                &credentials,
                "/modules/mod1/genid/42/certificate/server",
                body
            )
            .0,
            400
        );
    }
}

#[test]
fn refusals_have_a_message_and_a_fitting_status() {
    let credentials = credentials();
    let data = json!({"data": "AAAA"});
    let cases = [
        ("/modules/other/genid/42/sign", data.clone(), 403),
        ("/modules/%24edgeAgent/genid/42/sign", data.clone(), 403),
        ("/modules/mod1/genid/41/sign", data.clone(), 404),
        ("/modules/mod1/genid/42/sign", json!({"data": "!"}), 400),
        ("/modules/mod1/genid/42/sign", json!({}), 400),
        ("/modules/mod1/genid/42/sign", json!([1]), 400),
        ("/modules/mod1%2Fgenid/42/sign", data.clone(), 404),
        ("/modules/mod1/genid/42/unsign", data.clone(), 404),
        ("/", data.clone(), 404),
        ("/trust-bundle", data, 405),
    ];
    for (path, body, wanted) in cases {
        let (status, value) = post(&credentials, path, body);
        assert_eq!(status, wanted, "{path}: {value}");
        assert!(
            value["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{value}"
        );
        assert_eq!(value.as_object().map(serde_json::Map::len), Some(1));
    }
}

proptest! {
    #[test]
    fn any_request_is_answered(
        path in "(/|modules|mod1|genid|42|sign|certificate|server|%2F|%FF|[a-z]){0,12}",
        body in r#"[\[\]{}":,a-z0-9=]{0,40}"#,
    ) {
        let operation = parse(&Method::POST, &path, Some("api-version=2022-08-03"));
        if let Ok(operation) = &operation {
            prop_assert!(path.starts_with('/'), "{operation:?}");
        }
        let now = Timestamp::from_second(1_800_000_000).expect("a moment");
        let authority = Arc::new(Authority::new(now).expect("an authority"));
        let credentials = Credentials::new(Arc::new(Device::default()), "mod1", 42, authority).expect("keys");
        let (status, value) = answer::answer(operation, body.as_bytes(), &credentials);
        prop_assert!(status.is_success() || value["message"].is_string());
    }
}
