//! Long lists of referrers come in pages that together are the whole list, and every list has an entity tag.

use std::collections::BTreeSet;

use app::registry::REFERRERS_MAX;
use serde_json::json;
use testkit::image::digest;

use crate::market::{INBOX, small};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[tokio::test(flavor = "multi_thread")]
async fn pages_together_are_the_whole_list() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    let headers = [("Authorization", token.as_str())];
    let config = market.push_blob(INBOX, &token, b"{}").await;
    let subject = digest(b"the subject");
    let mut expected = BTreeSet::new();
    let count = REFERRERS_MAX + 20;
    for number in 0..count {
        let kind = if number % 2 == 0 { "even" } else { "odd" };
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": format!("application/x.{kind}"),
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
            "layers": [],
            "subject": {"mediaType": MANIFEST, "digest": subject, "size": 11},
            "annotations": {"number": number.to_string()},
        })
        .to_string();
        let name = digest(manifest.as_bytes());
        let pushed = market
            .push_manifest(INBOX, &token, &name, (MANIFEST, manifest.as_bytes()))
            .await;
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        expected.insert(name);
    }
    for (filter, wanted) in [
        ("", count),
        ("?artifactType=application%2Fx.odd", count / 2),
    ] {
        let mut target = format!("/v2/{INBOX}/referrers/{subject}{filter}");
        let (mut found, mut pages) = (BTreeSet::new(), 0);
        loop {
            let answer = market.ask("GET", &target, &headers, b"").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let entries = answer.json()["manifests"].as_array().unwrap().clone();
            assert!(entries.len() <= REFERRERS_MAX);
            for entry in &entries {
                let name = entry["digest"].as_str().unwrap().to_owned();
                assert!(found.insert(name), "listed twice: {entry}");
            }
            pages += 1;
            let link = answer.header("link").to_owned();
            if link.is_empty() {
                break;
            }
            let end = link.find(">; rel=\"next\"").unwrap();
            target = link[1..end].to_owned();
        }
        assert_eq!(
            (found.len(), pages),
            (wanted, wanted.div_ceil(REFERRERS_MAX))
        );
        assert!(found.is_subset(&expected));
    }
    // Whoever asks often is told quickly that nothing changed.
    for target in [
        format!("/v2/{INBOX}/referrers/{subject}"),
        format!("/v2/{INBOX}/tags/list"),
        "/v2/_catalog".to_owned(),
    ] {
        let first = market.ask("GET", &target, &headers, b"").await;
        let tag = first.header("etag").to_owned();
        let again = [headers[0], ("If-None-Match", tag.as_str())];
        let same = market.ask("GET", &target, &again, b"").await;
        assert_eq!(
            (same.status, same.header("etag")),
            (304, tag.as_str()),
            "{target}"
        );
        let other = [headers[0], ("If-None-Match", "\"other\"")];
        let answer = market.ask("GET", &target, &other, b"").await;
        assert_eq!(answer.body, first.body, "{target}");
    }
    let broken = market
        .ask(
            "GET",
            &format!("/v2/{INBOX}/referrers/{subject}?last=x"),
            &headers,
            b"",
        )
        .await;
    assert_eq!(broken.status, 400);
}
