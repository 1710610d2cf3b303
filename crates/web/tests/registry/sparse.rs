//! Sparse manifests (distribution-spec "Pushing manifests"): what lists things that are not there is taken, told, and
//! never opens anything; and a closed lab, where nobody signs in.

use app::settings::{Challenge, RegistrySettings};
use serde_json::json;
use testkit::image::{ImageBuilder, digest};

use crate::market::{
    DEV, EVE, INBOX, LIVE, Market, PASSWORD, basic, on_both, on_both_with, small_with,
};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[tokio::test(flavor = "multi_thread")]
async fn what_lists_absent_things_is_taken_and_told() {
    on_both(async |market: Market| {
        let image = ImageBuilder::all_platforms().single().build();
        let top = image.top();
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let at = format!("/v2/{INBOX}/manifests/sparse");
        let pushed = market
            .push_manifest(INBOX, &token, "sparse", (&top.media_type, &top.bytes))
            .await;
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        let warning = pushed.header("warning");
        assert!(
            warning.starts_with("299 - \"the manifest lists sha256:"),
            "{warning}"
        );
        assert_eq!(market.ask("GET", &at, &[auth], b"").await.body, top.bytes);
        let (layer, bytes) = image.largest_blob();
        let blob_at = format!("/v2/{INBOX}/blobs/{layer}");
        assert_eq!(market.ask("GET", &blob_at, &[auth], b"").await.status, 404);
        // It counts as needed from now on: what comes later is kept from being deleted under it.
        market.push_blob(INBOX, &token, bytes).await;
        assert_eq!(
            market.ask("DELETE", &blob_at, &[auth], b"").await.status,
            409
        );
        for (_, bytes) in &image.blobs {
            market.push_blob(INBOX, &token, bytes).await;
        }
        let whole = market
            .push_manifest(INBOX, &token, "whole", (&top.media_type, &top.bytes))
            .await;
        assert_eq!((whole.status, whole.header("warning")), (201, ""));
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": digest(b"nowhere"), "size": 7},
        ]});
        let index = index.to_string().into_bytes();
        let pushed = market
            .push_manifest(INBOX, &token, "index", (OCI_INDEX, &index))
            .await;
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        assert!(pushed.header("warning").contains(&digest(b"nowhere")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn naming_anothers_digest_opens_nothing() {
    on_both(async |market: Market| {
        let image = ImageBuilder::all_platforms().single().build();
        market.push_image(INBOX, "1.0.0", &image).await;
        let (eve, top) = (basic(EVE, PASSWORD), image.top());
        let auth = ("Authorization", eve.as_str());
        let headers = [auth, ("Content-Type", top.media_type.as_str())];
        let copy = "/v2/incoming/fabrikam/copy";
        let answer = market
            .ask(
                "PUT",
                &format!("{copy}/manifests/1.0.0"),
                &headers,
                &top.bytes,
            )
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert!(
            answer.header("warning").contains("does not have"),
            "{answer:?}"
        );
        for (digest, _) in &image.blobs {
            let target = format!("{copy}/blobs/{digest}");
            let answer = market.ask("GET", &target, &[auth], b"").await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (404, "BLOB_UNKNOWN")
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_closed_lab_nobody_signs_in() {
    let lab = RegistrySettings {
        lab_account: Some(DEV.into()),
        ..RegistrySettings::default()
    };
    on_both_with(lab, async |market: Market| {
        assert_eq!(market.get("/v2/").await.status, 200);
        let bytes = b"pushed by nobody";
        let blob = digest(bytes);
        let upload = format!("/v2/{INBOX}/blobs/uploads/?digest={blob}");
        assert_eq!(market.ask("POST", &upload, &[], bytes).await.status, 201);
        let at = format!("/v2/{INBOX}/blobs/{blob}");
        assert_eq!(market.get(&at).await.body, bytes);
        // The account's own bounds stay: no released repository, no other publisher, no wrong credentials.
        for target in [LIVE, "incoming/fabrikam/x"] {
            let upload = format!("/v2/{target}/blobs/uploads/?digest={blob}");
            assert_eq!(
                market.ask("POST", &upload, &[], bytes).await.status,
                403,
                "{target}"
            );
        }
        let wrong = basic(DEV, "wrong");
        let headers = [("Authorization", wrong.as_str())];
        assert_eq!(market.ask("GET", &at, &headers, b"").await.status, 401);
        // A page in a browser, a proxy, another name: none of them is the lab.
        for (name, value) in [
            ("Origin", "http://evil.example"),
            ("Origin", "null"),
            ("Sec-Fetch-Site", "cross-site"),
            ("X-Forwarded-For", "10.0.0.7"),
            ("Forwarded", "for=10.0.0.7"),
        ] {
            let answer = market.ask("GET", &at, &[(name, value)], b"").await;
            assert_eq!(answer.status, 401, "{name}: {value}");
        }
        let twin = market.twin().await;
        assert_eq!(
            twin.get(&at).await.status,
            401,
            "asked by another host name"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_basic_challenge_where_the_operator_wants_one() {
    let asks = RegistrySettings {
        challenge: Challenge::Basic,
        ..RegistrySettings::default()
    };
    let market = small_with(asks).await;
    let expected = format!("Basic realm=\"{}\", charset=\"UTF-8\"", market.peer);
    for target in ["/v2/".to_owned(), format!("/v2/{INBOX}/tags/list")] {
        let answer = market.get(&target).await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, expected.as_str())
        );
    }
    let token = market.pusher(INBOX).await;
    let right = basic(DEV, PASSWORD);
    for credentials in [token, right] {
        let headers = [("Authorization", credentials.as_str())];
        assert_eq!(market.ask("GET", "/v2/", &headers, b"").await.status, 200);
    }
}
