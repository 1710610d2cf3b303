//! Manifests, tags, referrers and deletes.

use serde_json::{Value, json};
use testkit::image::{ImageBuilder, digest};

use crate::market::{INBOX, Market, on_both, small_with, strict};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
}

/// A manifest of a configuration and one layer, with extra fields.
fn artifact(config: &[u8], layer: &[u8], extra: &Value) -> Vec<u8> {
    let mut document = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.empty.v1+json", config),
        "layers": [descriptor("application/octet-stream", layer)],
    });
    for (name, value) in extra.as_object().unwrap() {
        document[name] = value.clone();
    }
    document.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn images_come_back_byte_for_byte() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let builders = [
            ImageBuilder::all_platforms(),
            ImageBuilder::all_platforms().docker(),
            ImageBuilder::all_platforms().nested(),
            ImageBuilder::all_platforms().single(),
        ];
        for (number, builder) in builders.into_iter().enumerate() {
            let image = builder.build();
            let tag = format!("1.0.{number}");
            market.push_image(INBOX, &tag, &image).await;
            for manifest in &image.manifests {
                let mut names = vec![manifest.digest.as_str()];
                if manifest == image.top() {
                    names.push(&tag);
                }
                for name in names {
                    for method in ["GET", "HEAD"] {
                        // What the client says it accepts changes nothing.
                        let headers = [auth, ("Accept", "application/json")];
                        let answer = market
                            .ask(
                                method,
                                &format!("/v2/{INBOX}/manifests/{name}"),
                                &headers,
                                b"",
                            )
                            .await;
                        assert_eq!(answer.status, 200, "{method} {name}");
                        assert!(method == "HEAD" || answer.body == manifest.bytes, "{name}");
                        assert_eq!(
                            answer.header("content-length"),
                            manifest.bytes.len().to_string()
                        );
                        assert_eq!(answer.header("content-type"), manifest.media_type);
                        assert_eq!(answer.header("docker-content-digest"), manifest.digest);
                        assert_eq!(answer.header("cache-control"), "private, no-cache");
                    }
                }
            }
            for (name, bytes) in &image.blobs {
                let got = market
                    .ask("GET", &format!("/v2/{INBOX}/blobs/{name}"), &[auth], b"")
                    .await;
                assert!(got.body == *bytes, "{name}");
            }
        }
        let quoted = format!("\"{}\"", ImageBuilder::all_platforms().build().top().digest);
        let target = format!("/v2/{INBOX}/manifests/1.0.0");
        let same = market
            .ask("GET", &target, &[auth, ("If-None-Match", &quoted)], b"")
            .await;
        assert_eq!((same.status, same.header("etag")), (304, quoted.as_str()));
        let events = store::events::of_subject(&market.reader, "repository", INBOX, 100)
            .await
            .unwrap();
        assert!(
            events
                .iter()
                .any(|event| event.kind == "manifest_pushed"
                    && event.data["tags"] == json!(["1.0.3"]))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_manifests_are_refused_with_the_reason() {
    let market = small_with(strict()).await;
    let token = market.pusher(INBOX).await;
    let (config, layer) = (b"{}".as_slice(), b"layer".as_slice());
    market.push_blob(INBOX, &token, config).await;
    let lacking = artifact(config, layer, &json!({}));
    let absent = market
        .push_manifest(INBOX, &token, "x", (OCI_MANIFEST, &lacking))
        .await;
    assert_eq!(
        (absent.status, absent.code().as_str()),
        (400, "MANIFEST_BLOB_UNKNOWN")
    );
    assert_eq!(
        absent.json()["errors"][0]["detail"]["digest"],
        digest(layer)
    );
    market.push_blob(INBOX, &token, layer).await;
    let index = |child: &[u8]| {
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(OCI_MANIFEST, child)]}).to_string().into_bytes()
    };
    let wrong_size = String::from_utf8(lacking.clone())
        .unwrap()
        .replace("\"size\":5", "\"size\":6")
        .into_bytes();
    let foreign = String::from_utf8(lacking.clone())
        .unwrap()
        .replace(OCI_MANIFEST, "text/html")
        .into_bytes();
    let elsewhere = format!("sha256:{}", "0".repeat(64));
    let cases: [(&str, &str, &[u8], u16, &str); 12] = [
        (
            "x",
            OCI_INDEX,
            &index(b"nobody pushed this"),
            400,
            "MANIFEST_BLOB_UNKNOWN",
        ),
        ("x", OCI_MANIFEST, &wrong_size, 400, "MANIFEST_INVALID"),
        ("x", "text/html", &foreign, 400, "MANIFEST_INVALID"),
        ("x", "application/json", &lacking, 400, "MANIFEST_INVALID"),
        ("x", OCI_INDEX, &lacking, 400, "MANIFEST_INVALID"),
        ("x", OCI_MANIFEST, b"", 400, "MANIFEST_INVALID"),
        ("x", OCI_MANIFEST, b"not json", 400, "MANIFEST_INVALID"),
        ("x", OCI_MANIFEST, b"\xff\xfe", 400, "MANIFEST_INVALID"),
        (
            "x",
            OCI_MANIFEST,
            &vec![b'['; 100_000],
            400,
            "MANIFEST_INVALID",
        ),
        (
            "x",
            "application/vnd.docker.distribution.manifest.v1+json",
            b"{\"schemaVersion\":1}",
            400,
            "MANIFEST_INVALID",
        ),
        (&elsewhere, OCI_MANIFEST, &lacking, 400, "DIGEST_INVALID"),
        ("bad:tag", OCI_MANIFEST, &lacking, 400, "DIGEST_INVALID"),
    ];
    for (name, media_type, bytes, status, code) in cases {
        let answer = market
            .push_manifest(INBOX, &token, name, (media_type, bytes))
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{media_type} {name}: {}",
            answer.text()
        );
    }
    let tags = market
        .ask(
            "GET",
            &format!("/v2/{INBOX}/manifests/x"),
            &[("Authorization", &token)],
            b"",
        )
        .await;
    assert_eq!(
        (tags.status, tags.code().as_str()),
        (404, "MANIFEST_UNKNOWN"),
        "nothing of all that was kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn four_mebibytes_are_the_limit() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let (config, layer) = (b"{}".as_slice(), b"layer".as_slice());
        market.push_blob(INBOX, &token, config).await;
        market.push_blob(INBOX, &token, layer).await;
        let limit = 4 * 1024 * 1024;
        let sized = |bytes: usize| {
            let plain = artifact(config, layer, &json!({"annotations": {"pad": ""}}));
            artifact(
                config,
                layer,
                &json!({"annotations": {"pad": "x".repeat(bytes - plain.len())}}),
            )
        };
        let fits = sized(limit);
        assert_eq!(fits.len(), limit);
        let answer = market
            .push_manifest(INBOX, &token, "big", (OCI_MANIFEST, &fits))
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let got = market
            .ask(
                "GET",
                &format!("/v2/{INBOX}/manifests/big"),
                &[("Authorization", &token)],
                b"",
            )
            .await;
        assert!(got.body == fits);
        let over = market
            .push_manifest(INBOX, &token, "over", (OCI_MANIFEST, &sized(limit + 1)))
            .await;
        assert_eq!((over.status, over.code().as_str()), (413, "SIZE_INVALID"));
        let mut streamed = format!("{:x}\r\n", limit + 1).into_bytes();
        streamed.extend_from_slice(&sized(limit + 1));
        streamed.extend_from_slice(b"\r\n0\r\n\r\n");
        let headers = [
            ("Authorization", token.as_str()),
            ("Content-Type", OCI_MANIFEST),
            ("Transfer-Encoding", "chunked"),
        ];
        let over = market
            .ask(
                "PUT",
                &format!("/v2/{INBOX}/manifests/over"),
                &headers,
                &streamed,
            )
            .await;
        assert_eq!((over.status, over.code().as_str()), (413, "SIZE_INVALID"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_listed_in_order_and_in_pages() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let image = ImageBuilder::all_platforms().single().build();
        market.push_image(INBOX, "latest", &image).await;
        let top = image.top();
        let query: Vec<String> = ["B", "a", "1.10", "1.9", "_x", "Z-1"]
            .iter()
            .map(|tag| format!("tag={tag}"))
            .collect();
        let target = format!("/v2/{INBOX}/manifests/{}?{}", top.digest, query.join("&"));
        let answer = market
            .ask(
                "PUT",
                &target,
                &[auth, ("Content-Type", &top.media_type)],
                &top.bytes,
            )
            .await;
        assert_eq!(answer.status, 201);
        let set = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "oci-tag")
            .count();
        assert_eq!(set, 6);
        let all = ["1.10", "1.9", "B", "Z-1", "_x", "a", "latest"];
        let list = format!("/v2/{INBOX}/tags/list");
        let answer = market.ask("GET", &list, &[auth], b"").await;
        assert_eq!(answer.json(), json!({"name": INBOX, "tags": all}));
        assert_eq!(answer.header("link"), "");
        let mut seen = Vec::new();
        let mut next = format!("{list}?n=3");
        while !next.is_empty() {
            let page = market.ask("GET", &next, &[auth], b"").await;
            seen.extend(
                page.json()["tags"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|tag| tag.as_str().unwrap().to_owned()),
            );
            let link = page.header("link").to_owned();
            next = link
                .strip_prefix('<')
                .and_then(|rest| rest.strip_suffix(">; rel=\"next\""))
                .unwrap_or_default()
                .to_owned();
        }
        assert_eq!(seen, all);
        for (query, tags) in [
            ("?n=0", json!([])),
            ("?last=C", json!(["Z-1", "_x", "a", "latest"])),
            ("?last=1.10&n=1", json!(["1.9"])),
            ("?last=zzz", json!([])),
            ("?n=99999999999999999999", json!(all)),
        ] {
            let answer = market
                .ask("GET", &format!("{list}{query}"), &[auth], b"")
                .await;
            assert_eq!(answer.json()["tags"], tags, "{query}");
        }
        assert_eq!(
            market
                .ask("GET", &format!("{list}?n=0"), &[auth], b"")
                .await
                .header("link"),
            ""
        );
        assert_eq!(
            market
                .ask("GET", &format!("{list}?n=abc"), &[auth], b"")
                .await
                .status,
            400
        );
        let none = market.pusher("incoming/contoso/none").await;
        let unknown = market
            .ask(
                "GET",
                "/v2/incoming/contoso/none/tags/list",
                &[("Authorization", &none)],
                b"",
            )
            .await;
        assert_eq!(
            (unknown.status, unknown.code().as_str()),
            (404, "NAME_UNKNOWN")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn referrers_are_listed() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let (config, layer) = (b"{}".as_slice(), b"layer".as_slice());
        market.push_blob(INBOX, &token, config).await;
        market.push_blob(INBOX, &token, layer).await;
        let subject = artifact(config, layer, &json!({}));
        let about = descriptor(OCI_MANIFEST, &subject);
        let list = format!("/v2/{INBOX}/referrers/{}", digest(&subject));
        let empty = market.ask("GET", &list, &[auth], b"").await;
        assert_eq!((empty.status, empty.header("content-type")), (200, OCI_INDEX));
        assert_eq!(empty.json()["manifests"], json!([]));
        // The subject need not be there yet.
        let signature = artifact(config, layer, &json!({
            "subject": about, "artifactType": "application/x.signature", "annotations": {"by": "contoso"},
        }));
        let answer = market.push_manifest(INBOX, &token, &digest(&signature), (OCI_MANIFEST, &signature)).await;
        assert_eq!((answer.status, answer.header("oci-subject")), (201, digest(&subject).as_str()));
        let sbom = artifact(config, layer, &json!({"subject": about, "artifactType": "application/x.sbom"}));
        assert_eq!(market.push_manifest(INBOX, &token, "sbom", (OCI_MANIFEST, &sbom)).await.status, 201);
        let plain = artifact(config, layer, &json!({"subject": about}));
        assert_eq!(market.push_manifest(INBOX, &token, "plain", (OCI_MANIFEST, &plain)).await.status, 201);
        // What a client without this list wrote under the fallback tag.
        let old = artifact(config, layer, &json!({"artifactType": "application/x.old"}));
        assert_eq!(market.push_manifest(INBOX, &token, &digest(&old), (OCI_MANIFEST, &old)).await.status, 201);
        let mut entry = descriptor(OCI_MANIFEST, &old);
        entry["artifactType"] = "application/x.old".into();
        let fallback = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).to_string().into_bytes();
        let tag = digest(&subject).replace(':', "-");
        assert_eq!(market.push_manifest(INBOX, &token, &tag, (OCI_INDEX, &fallback)).await.status, 201);
        let answer = market.ask("GET", &list, &[auth], b"").await;
        let found = answer.json()["manifests"].as_array().unwrap().clone();
        let types: std::collections::BTreeSet<&str> = found.iter().map(|one| one["artifactType"].as_str().unwrap()).collect();
        let expected = ["application/x.signature", "application/x.sbom", "application/vnd.oci.empty.v1+json", "application/x.old"];
        assert_eq!(types, expected.into_iter().collect());
        let signed = found.iter().find(|one| one["digest"] == digest(&signature)).unwrap();
        assert_eq!((signed["annotations"]["by"].as_str(), signed["size"].as_u64()), (Some("contoso"), Some(signature.len() as u64)));
        let filtered = market.ask("GET", &format!("{list}?artifactType=application/x.sbom"), &[auth], b"").await;
        assert_eq!(filtered.header("oci-filters-applied"), "artifactType");
        assert_eq!(filtered.json()["manifests"].as_array().unwrap().len(), 1);
        // To those who may not look, and for what does not exist, the list is empty, never an error.
        for target in [list.clone(), format!("/v2/no/such/repository/referrers/{}", digest(b"x"))] {
            let answer = market.get(&target).await;
            assert_eq!((answer.status, answer.json()["manifests"].clone()), (200, json!([])), "{target}");
        }
        assert_eq!(market.get(&format!("/v2/{INBOX}/referrers/sha256:zz")).await.status, 400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_are_seen_at_once_and_keep_what_is_needed() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let image = ImageBuilder::all_platforms().single().build();
        market.push_image(INBOX, "1.0.0", &image).await;
        market.push_image(INBOX, "latest", &image).await;
        let (top, blob) = (&image.top().digest, &image.blobs[0].0);
        let at = |name: &str| format!("/v2/{INBOX}/manifests/{name}");
        let blob_at = format!("/v2/{INBOX}/blobs/{blob}");
        let used = market.ask("DELETE", &blob_at, &[auth], b"").await;
        assert_eq!((used.status, used.code().as_str()), (409, "DENIED"));
        assert!(
            used.text().contains(top.as_str()),
            "it names the manifest: {}",
            used.text()
        );
        assert_eq!(market.ask("HEAD", &blob_at, &[auth], b"").await.status, 200);
        assert_eq!(
            market
                .ask("DELETE", &at("latest"), &[auth], b"")
                .await
                .status,
            202
        );
        assert_eq!(
            market.ask("GET", &at("latest"), &[auth], b"").await.status,
            404
        );
        assert_eq!(
            market.ask("GET", &at("1.0.0"), &[auth], b"").await.status,
            200,
            "the other tag stays"
        );
        assert_eq!(
            market.ask("DELETE", &at(top), &[auth], b"").await.status,
            202
        );
        for name in [top.as_str(), "1.0.0"] {
            let gone = market.ask("GET", &at(name), &[auth], b"").await;
            assert_eq!(
                (gone.status, gone.code().as_str()),
                (404, "MANIFEST_UNKNOWN"),
                "{name}"
            );
        }
        assert_eq!(
            market.ask("DELETE", &blob_at, &[auth], b"").await.status,
            202
        );
        for method in ["GET", "HEAD", "DELETE"] {
            assert_eq!(
                market.ask(method, &blob_at, &[auth], b"").await.status,
                404,
                "{method}"
            );
        }
        assert_eq!(
            market
                .ask("DELETE", &at("1.0.0"), &[auth], b"")
                .await
                .status,
            404
        );
        let events = store::events::of_subject(&market.reader, "repository", INBOX, 100)
            .await
            .unwrap();
        for kind in ["tag_deleted", "manifest_deleted", "blob_deleted"] {
            assert_eq!(
                events.iter().filter(|event| event.kind == kind).count(),
                1,
                "{kind}"
            );
        }
    })
    .await;
}
