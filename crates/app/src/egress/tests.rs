//! The guard as a whole: spellings, resolution, URLs. Live servers are in `tests/upstream.rs`.

use super::*;

fn door(allow: &[&str]) -> Egress {
    Egress::new(EgressPolicy::allowing(allow).unwrap()).unwrap()
}

#[tokio::test]
async fn odd_spellings_of_an_address_are_read_as_that_address() {
    let egress = door(&[]);
    for host in [
        "127.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "①②⑦.0.0.1",
        "%31%32%37.0.0.1",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "::1",
        "[::ffff:7f00:1]",
        "::ffff:127.0.0.1",
        "0",
        "0x.0x.0",
        "0.0.0.0",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[fe80::1]",
    ] {
        let refused = egress.resolve(host, 80).await.unwrap_err();
        assert!(
            matches!(refused, EgressRefused::Address { .. }),
            "{host}: {refused}"
        );
    }
}

#[tokio::test]
async fn what_is_no_host_is_refused() {
    let egress = door(&[]);
    for host in [
        "",
        "a b",
        "a/b",
        "user@host",
        "host:80",
        "[::1",
        "[fe80::1%25eth0]",
        "256.1.1.1",
        "1.2.3.4.5",
        "99999999999",
        "a\0b",
        "exa%mple.com",
    ] {
        let refused = egress.resolve(host, 80).await.unwrap_err();
        assert!(
            matches!(refused, EgressRefused::Host { .. }),
            "{host}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn what_the_operator_lists_is_resolved() {
    let egress = door(&["127.0.0.1:5000"]);
    let found = egress.resolve("0x7f.1", 5000).await.unwrap();
    assert_eq!(found, ["127.0.0.1:5000".parse().unwrap()]);
    assert!(egress.resolve("127.0.0.1", 5001).await.is_err());
    assert!(egress.resolve("127.0.0.2", 5000).await.is_err());
    assert!(
        !door(&["localhost"])
            .resolve("localhost", 1)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn urls_are_checked_whole() {
    let egress = door(&["127.0.0.1"]);
    for (url, says) in [
        ("ftp://127.0.0.1/", "only https"),
        ("file:///etc/passwd", "only https"),
        ("gopher://127.0.0.1:70/", "only https"),
        ("https://u:p@127.0.0.1/", "user name or password"),
        ("https://127.0.0.1:0/", "host or port"),
        ("http://10.0.0.1/", "private address"),
        ("http://1.1.1.1/", "plain http"),
        ("https://169.254.169.254/latest/meta-data", "link-local"),
        ("https://[::ffff:169.254.169.254]/", "wrapped in IPv6"),
    ] {
        let refused = egress
            .check(&url.parse().unwrap())
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains(says), "{url}: {refused}");
    }
    egress
        .check(&"http://127.0.0.1:5000/".parse().unwrap())
        .await
        .unwrap();
    egress
        .check_secret(&"http://127.0.0.1:5000/".parse().unwrap())
        .await
        .unwrap();
    let wide = door(&["10.0.0.0/8"]);
    wide.check(&"http://10.0.0.1/".parse().unwrap())
        .await
        .unwrap();
    let refused = wide
        .check_secret(&"http://10.0.0.1/".parse().unwrap())
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("egress.insecure"), "{refused}");
}

#[tokio::test]
async fn no_question_leaves_an_air_gapped_plant() {
    let policy = EgressPolicy {
        enabled: false,
        ..EgressPolicy::default()
    };
    let refused = Egress::new(policy)
        .unwrap()
        .resolve("registry.example", 443)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, EgressRefused::Disabled { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_client_reaches_its_pinned_addresses_and_nothing_else() {
    let server = testkit::http::Server::start(|_| testkit::http::Response::new(204, ""))
        .await
        .unwrap();
    let tls = tls::client_config(None).unwrap();
    let pinned = Pinned::new(
        "pinned.example",
        vec![server.address],
        &tls,
        &EgressLimits::default(),
    )
    .unwrap();
    let port = server.address.port();
    let answer = pinned
        .client
        .get(format!("http://pinned.example:{port}/"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 204, "the name is never looked up");
    let error = pinned
        .client
        .get(format!("http://localhost:{port}/"))
        .send()
        .await
        .unwrap_err();
    assert!(
        format!("{error:?}").contains("was not checked by the egress guard"),
        "{error:?}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn requests_are_printed_without_their_secrets() {
    let mut request = Outgoing::new(
        reqwest::Method::POST,
        "https://r.example/token".parse().unwrap(),
    );
    request.authorization = Some("Bearer hunter2".parse().unwrap());
    request.form.push(("password", "hunter2".to_owned()));
    let printed = format!("{request:?}");
    assert!(
        printed.contains("r.example") && !printed.contains("hunter2"),
        "{printed}"
    );
}

#[test]
fn a_missing_file_of_authorities_is_named() {
    let policy = EgressPolicy {
        ca_file: Some("/nowhere/ca.pem".into()),
        ..EgressPolicy::default()
    };
    let error = Egress::new(policy).unwrap_err().to_string();
    assert!(
        error.contains("/nowhere/ca.pem") && error.contains("egress.ca_file"),
        "{error}"
    );
}
