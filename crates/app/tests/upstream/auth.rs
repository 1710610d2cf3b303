//! Signing in: every mode with right, wrong and no credentials; where a password may go; renewal.

use std::time::Duration;

use app::egress::EgressPolicy;
use app::upstream::{Credentials, UpstreamError};
use testkit::hostile::{self, Trick};
use testkit::http::{Response, Server};
use testkit::image::{ImageBuilder, TestImage};
use testkit::registry::{Mode, Options, PASSWORD, Registry, USERNAME};

use crate::common::{REPOSITORY, credentials, egress, fetch_largest, guarded, registry, tag};

fn image() -> TestImage {
    ImageBuilder::all_platforms().build()
}

async fn started(mode: Mode) -> (Registry, TestImage) {
    let upstream = Registry::start(mode).await.unwrap();
    let image = image();
    upstream
        .push_image(REPOSITORY, "1.0", &image)
        .await
        .unwrap();
    (upstream, image)
}

#[tokio::test]
async fn right_credentials_read_in_every_mode() {
    for mode in [Mode::Basic, Mode::Bearer, Mode::Azure] {
        let (upstream, image) = started(mode).await;
        let registry = registry(&egress(), &upstream.host, Some(credentials()));
        let resolved = registry.tagged(&tag("1.0")).await.unwrap();
        assert_eq!(resolved.digest.as_str(), image.top().digest, "{mode:?}");
        let bytes = fetch_largest(&registry, &image).await.unwrap();
        assert_eq!(bytes, image.largest_blob().1, "{mode:?}");
        assert_eq!(registry.tags().await.unwrap(), [tag("1.0")], "{mode:?}");
        if let Some(tokens) = &upstream.tokens {
            let asked = tokens.requests();
            let granted = asked
                .iter()
                .filter(|request| request.path.ends_with("token"))
                .count();
            let expected = if mode == Mode::Azure { 2 } else { 1 };
            assert_eq!(
                granted, expected,
                "{mode:?}: one token serves all questions: {asked:?}"
            );
        }
    }
}

#[tokio::test]
async fn wrong_credentials_are_told_as_such() {
    for mode in [Mode::Basic, Mode::Bearer, Mode::Azure] {
        let (upstream, _) = started(mode).await;
        let wrong = Credentials::new(USERNAME, "guess");
        let registry = registry(&egress(), &upstream.host, Some(wrong));
        let error = registry.tagged(&tag("1.0")).await.unwrap_err();
        assert!(
            matches!(error, UpstreamError::CredentialsWrong { .. }),
            "{mode:?}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.contains(USERNAME) && text.contains(REPOSITORY),
            "{text}"
        );
        assert!(!text.contains("guess"), "{text}");
        assert!(!error.may_pass());
    }
}

#[tokio::test]
async fn without_credentials_a_closed_registry_asks_for_them() {
    for mode in [Mode::Basic, Mode::Bearer] {
        let (upstream, _) = started(mode).await;
        let registry = registry(&egress(), &upstream.host, None);
        let error = registry.tagged(&tag("1.0")).await.unwrap_err();
        assert!(
            matches!(error, UpstreamError::CredentialsRequired { .. }),
            "{mode:?}: {error}"
        );
    }
}

#[tokio::test]
async fn a_public_repository_behind_tokens_is_read_anonymously() {
    let upstream = Registry::start_with(Options {
        mode: Mode::Bearer,
        public: vec![REPOSITORY.to_owned()],
        token_expires: Duration::from_secs(300),
    })
    .await
    .unwrap();
    let image = image();
    upstream
        .push_image(REPOSITORY, "1.0", &image)
        .await
        .unwrap();
    let registry = registry(&egress(), &upstream.host, None);
    assert_eq!(
        registry.tagged(&tag("1.0")).await.unwrap().digest.as_str(),
        image.top().digest
    );
    let asked = upstream.tokens.as_ref().unwrap().requests();
    assert!(
        asked
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
    let scope = format!("repository:{REPOSITORY}:pull");
    assert!(
        asked
            .iter()
            .all(|request| request.query_values("scope") == [scope.clone()]),
        "{asked:?}"
    );
}

#[tokio::test]
async fn tokens_are_renewed_when_they_run_out() {
    for mode in [Mode::Bearer, Mode::Azure] {
        let upstream = Registry::start_with(Options {
            mode,
            public: Vec::new(),
            // Less than the spare seconds, so that each token is kept for one second only.
            token_expires: Duration::from_secs(5),
        })
        .await
        .unwrap();
        let image = image();
        upstream
            .push_image(REPOSITORY, "1.0", &image)
            .await
            .unwrap();
        let registry = registry(&egress(), &upstream.host, Some(credentials()));
        registry.tagged(&tag("1.0")).await.unwrap();
        let tokens = upstream.tokens.as_ref().unwrap();
        let first = tokens.requests().len();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while tokens.requests().len() == first {
            assert!(
                tokio::time::Instant::now() < deadline,
                "{mode:?}: no token was renewed"
            );
            registry.tagged(&tag("1.0")).await.unwrap();
        }
        let last = tokens.requests().pop().unwrap();
        if mode == Mode::Azure {
            assert_eq!(
                last.form_value("grant_type").as_deref(),
                Some("refresh_token")
            );
            assert_eq!(last.form_value("password"), None);
        }
    }
}

#[tokio::test]
async fn a_password_goes_to_another_host_only_by_the_publishers_word_over_https() {
    let (upstream, image) = started(Mode::BearerElsewhere).await;
    let ca_file = upstream.certificate.write(upstream.folder.path()).unwrap();
    let policy = EgressPolicy {
        ca_file: Some(ca_file),
        ..EgressPolicy::allowing(&["127.0.0.0/8", "localhost"]).unwrap()
    };
    let egress = guarded(policy);
    let without_word = registry(&egress, &upstream.host, Some(credentials()));
    let error = without_word.tagged(&tag("1.0")).await.unwrap_err();
    assert!(
        matches!(error, UpstreamError::CredentialsElsewhere { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("https://localhost:"), "{error}");
    assert!(upstream.tokens.as_ref().unwrap().requests().is_empty());

    let mut trusting = credentials();
    trusting.realm_host = Some("localhost".to_owned());
    let with_word = registry(&egress, &upstream.host, Some(trusting.clone()));
    let resolved = with_word.tagged(&tag("1.0")).await.unwrap();
    assert_eq!(resolved.digest.as_str(), image.top().digest);

    // The same word does not help when the certificate is nobody's.
    let policy = EgressPolicy::allowing(&["127.0.0.0/8", "localhost"]).unwrap();
    let untrusted = registry(&guarded(policy), &upstream.host, Some(trusting));
    let error = untrusted.tagged(&tag("1.0")).await.unwrap_err();
    assert!(error.to_string().contains("egress.ca_file"), "{error}");
    assert!(!error.may_pass());
}

#[tokio::test]
async fn a_password_never_goes_to_a_plain_http_realm_on_another_host() {
    let thief = Server::start(|_| Response::new(200, r#"{"token":"x"}"#))
        .await
        .unwrap();
    let realm = format!("http://localhost:{}/token", thief.address.port());
    let challenge = format!("Bearer realm=\"{realm}\",service=\"s\"");
    let server = hostile::serve(&image(), REPOSITORY, "1.0", Trick::Challenge(challenge))
        .await
        .unwrap();
    let policy = EgressPolicy::allowing(&["127.0.0.0/8", "localhost"]).unwrap();
    let mut trusting = credentials();
    trusting.realm_host = Some("localhost".to_owned());
    for given in [credentials(), trusting] {
        let registry = registry(&guarded(policy.clone()), &server.host(), Some(given));
        let error = registry.tagged(&tag("1.0")).await.unwrap_err();
        assert!(
            matches!(error, UpstreamError::CredentialsElsewhere { .. }),
            "{error}"
        );
    }
    assert!(thief.requests().is_empty(), "{:?}", thief.requests());
}

#[tokio::test]
async fn realms_pass_the_same_guard() {
    for (realm, says) in [
        ("http://169.254.169.254/token", "link-local"),
        ("https://169.254.169.254/token", "link-local"),
        ("http://[::ffff:7f00:1]/token", "wrapped in IPv6"),
        ("https://10.0.0.1/token", "private address"),
        ("file:///etc/passwd", "only https"),
    ] {
        let challenge = format!("Bearer realm=\"{realm}\",service=\"s\"");
        let server = hostile::serve(&image(), REPOSITORY, "1.0", Trick::Challenge(challenge))
            .await
            .unwrap();
        let registry = registry(&egress(), &server.host(), None);
        let error = registry.tagged(&tag("1.0")).await.unwrap_err().to_string();
        assert!(error.contains(says), "{realm}: {error}");
    }
}

#[tokio::test]
async fn challenges_that_are_not_spoken_are_named() {
    for (challenge, says) in [
        ("Negotiate", "negotiate"),
        ("Bearer service=\"s\"", "Bearer realm=\"\""),
        ("Bearer realm=\"https://[\"", "https://["),
    ] {
        let trick = Trick::Challenge(challenge.to_owned());
        let server = hostile::serve(&image(), REPOSITORY, "1.0", trick)
            .await
            .unwrap();
        let registry = registry(&egress(), &server.host(), Some(credentials()));
        let error = registry.tagged(&tag("1.0")).await.unwrap_err();
        assert!(
            matches!(error, UpstreamError::Challenge { .. }),
            "{challenge}: {error}"
        );
        assert!(error.to_string().contains(says), "{challenge}: {error}");
    }
}

#[tokio::test]
async fn authorization_stays_with_the_registry_when_blobs_are_redirected() {
    let image = image();
    let bytes = image.largest_blob().1.clone();
    let storage = Server::start(move |_| Response::new(200, bytes.clone()))
        .await
        .unwrap();
    let trick = Trick::BlobRedirect(storage.url("/bucket/blob?signature=1"));
    let honest = hostile::serve(&image, REPOSITORY, "1.0", trick)
        .await
        .unwrap();
    let front = Server::start(challenging_basic(honest)).await.unwrap();
    let registry = registry(&egress(), &front.host(), Some(credentials()));
    assert_eq!(
        fetch_largest(&registry, &image).await.unwrap(),
        image.largest_blob().1
    );
    let asked = storage.requests();
    assert!(!asked.is_empty());
    for request in asked {
        assert_eq!(request.header("authorization"), None, "{request:?}");
        assert!(!format!("{request:?}").contains(PASSWORD));
    }
}

/// Asks for Basic, then sends to where the other server's blobs are said to be.
fn challenging_basic(
    _keeps_running: Server,
) -> impl Fn(&testkit::http::Request) -> Response + Send + Sync + 'static {
    move |request| {
        let _running = &_keeps_running;
        match request.basic() {
            Some((user, password)) if user == USERNAME && password == PASSWORD => {
                Response::new(307, "").with("Location", _keeps_running.url(&request.path))
            }
            _ => Response::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
        }
    }
}
