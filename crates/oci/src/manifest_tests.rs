//! Tables and properties for manifests.

use super::*;
use crate::media_type::{DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST};
use proptest::prelude::*;

fn descriptor(media_type: &str, rest: &str) -> String {
    let digest = Digest::sha256_of(media_type.as_bytes());
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":2{rest}}}"#)
}

fn image(rest: &str) -> String {
    let config = descriptor(media_type::OCI_CONFIG, "");
    let layer = descriptor(media_type::OCI_LAYER_TAR_GZIP, "");
    format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer},{layer}]{rest}}}"#)
}

fn index(rest: &str) -> String {
    let child = |platform: &str| descriptor(OCI_MANIFEST, &format!(r#","platform":{platform}"#));
    format!(
        r#"{{"schemaVersion":2,"manifests":[{},{},{},{}]{rest}}}"#,
        child(r#"{"os":"linux","architecture":"amd64"}"#),
        child(r#"{"os":"linux","architecture":"arm64","variant":"v8"}"#),
        child(r#"{"os":"linux","architecture":"aarch64"}"#),
        child(r#"{"os":"unknown","architecture":"unknown"}"#),
    )
}

fn parse(content_type: &str, text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(Some(content_type), text.as_bytes())
}

#[test]
fn an_image_keeps_its_exact_bytes() {
    let text = format!("  {}\n", image(""));
    let manifest = parse(
        "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
        &text,
    )
    .unwrap();
    assert_eq!(&*manifest.bytes, text.as_bytes());
    assert_eq!(manifest.digest, Digest::sha256_of(text.as_bytes()));
    assert_eq!(
        manifest.digest_with(DigestAlgorithm::Sha512),
        Digest::of(DigestAlgorithm::Sha512, text.as_bytes())
    );
    assert_eq!(manifest.media_type, OCI_MANIFEST);
    assert_eq!(manifest.kind(), ManifestKind::Image);
    assert_eq!(manifest.blobs().count(), 3);
    assert_eq!(manifest.artifact_type(), Some(media_type::OCI_CONFIG));
    assert!(
        manifest.children().is_empty()
            && manifest.platforms().is_empty()
            && manifest.subject().is_none()
    );
}

#[test]
fn an_index_tells_its_platforms() {
    let manifest = parse(DOCKER_MANIFEST_LIST, &index("")).unwrap();
    let platforms: Vec<String> = manifest
        .platforms()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    assert_eq!(manifest.children().len(), 4);
    assert_eq!(manifest.blobs().count(), 0);
    assert_eq!(manifest.artifact_type(), None);
}

#[test]
fn the_type_comes_from_header_then_field_then_shape() {
    let field = |name: &str| format!(r#","mediaType":"{name}""#);
    assert_eq!(
        parse(DOCKER_MANIFEST, &image(&field(DOCKER_MANIFEST)))
            .unwrap()
            .media_type,
        DOCKER_MANIFEST
    );
    let by_field = Manifest::parse(None, image(&field(DOCKER_MANIFEST)).as_bytes()).unwrap();
    assert_eq!(by_field.media_type, DOCKER_MANIFEST);
    assert_eq!(
        Manifest::parse(None, image("").as_bytes())
            .unwrap()
            .media_type,
        OCI_MANIFEST
    );
    assert_eq!(
        Manifest::parse(None, index("").as_bytes())
            .unwrap()
            .media_type,
        OCI_INDEX
    );
    assert_eq!(
        Manifest::parse(None, br#"{"schemaVersion":2}"#),
        Err(ManifestError::NoType)
    );
}

fn refused(content_type: &str, text: &str, expected: &str) {
    let error = parse(content_type, text).unwrap_err();
    assert!(
        error.to_string().contains(expected),
        "{content_type}: {error}"
    );
    assert_eq!(error.code(), ErrorCode::ManifestInvalid);
}

#[test]
fn wrong_types_are_refused() {
    let field = |name: &str| image(&format!(r#","mediaType":"{name}""#));
    refused(
        "application/json",
        &image(""),
        "manifest type 'application/json' is not accepted",
    );
    refused(
        "application/vnd.cncf.helm.config.v1+json",
        &image(""),
        "is not accepted",
    );
    refused(media_type::DOCKER_SCHEMA1, &image(""), "schema 1");
    refused(media_type::DOCKER_SCHEMA1_SIGNED, "{}", "schema 1");
    refused(
        OCI_MANIFEST,
        r#"{"schemaVersion":1,"fsLayers":[]}"#,
        "schema 1",
    );
    refused(OCI_MANIFEST, &image(r#","fsLayers":null"#), "schema 1");
    refused(OCI_MANIFEST, &field(OCI_INDEX), "the two must agree");
    refused(OCI_MANIFEST, &field(DOCKER_MANIFEST), "the two must agree");
    let both = "an image index must not have the field 'config'";
    refused(OCI_INDEX, &image(""), both);
    let layers = r#"{"schemaVersion":2,"manifests":[],"layers":null}"#;
    refused(OCI_INDEX, layers, "must not have the field 'layers'");
    let both = "an image manifest must not have the field 'manifests'";
    refused(OCI_MANIFEST, &image(r#","manifests":[]"#), both);
}

#[test]
fn missing_fields_are_named() {
    let config = descriptor(media_type::OCI_CONFIG, "");
    let only_config = format!(r#"{{"schemaVersion":2,"config":{config}}}"#);
    refused(
        OCI_MANIFEST,
        r#"{"schemaVersion":2,"layers":[]}"#,
        "needs the field 'config'",
    );
    refused(OCI_MANIFEST, &only_config, "needs the field 'layers'");
    refused(
        OCI_INDEX,
        r#"{"schemaVersion":2}"#,
        "needs the field 'manifests'",
    );
    refused(
        OCI_INDEX,
        r#"{"manifests":[]}"#,
        "schemaVersion must be 2, found nothing",
    );
    let text = r#"{"schemaVersion":"2","manifests":[]}"#;
    refused(OCI_INDEX, text, "schemaVersion must be 2, found \"2\"");
    refused(
        OCI_INDEX,
        r#"{"schemaVersion":3,"manifests":[]}"#,
        "must be 2, found 3",
    );
}

#[test]
fn malformed_documents_are_refused() {
    refused(
        OCI_MANIFEST,
        &image(r#","Layers":[]"#),
        "'Layers' is written unlike 'layers'",
    );
    refused(
        OCI_MANIFEST,
        &image(r#","layers":[]"#),
        "'layers' appears twice",
    );
    refused(OCI_MANIFEST, "", "malformed JSON: EOF");
    refused(OCI_MANIFEST, "\u{0}", "malformed JSON");
    refused(OCI_MANIFEST, "[2]", "expected an object");
    let nested = r#"{"schemaVersion":2,"manifests":[["a/b"]]}"#;
    refused(OCI_INDEX, nested, "expected an object, found an array");
    refused(
        OCI_MANIFEST,
        &image("").replace("\"size\":2", "\"size\":-2"),
        "found -2",
    );
    refused(
        OCI_MANIFEST,
        &image("").replace("sha256:", "sha256:../"),
        "hex digits",
    );
    let deep = format!(r#"{{"x":{}"#, "[".repeat(3_000_000));
    refused(OCI_MANIFEST, &deep, "nested deeper");
    let not_utf8 = b"{\"schemaVersion\":2,\"x\":\"\xff\"}";
    assert!(Manifest::parse(Some(OCI_MANIFEST), not_utf8).is_err());
}

#[test]
fn the_size_limit_is_exact() {
    let text = image("");
    let padded = |length: usize| format!("{text}{}", " ".repeat(length - text.len()));
    assert!(parse(OCI_MANIFEST, &padded(MANIFEST_BYTES_MAX)).is_ok());
    let error = parse(OCI_MANIFEST, &padded(MANIFEST_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(
        error,
        ManifestError::TooLarge {
            found: MANIFEST_BYTES_MAX + 1
        }
    );
    assert_eq!(error.code(), ErrorCode::SizeInvalid);
}

#[test]
fn many_large_annotations_are_allowed() {
    let value = "x".repeat(10_000);
    let members: Vec<String> = (0..390)
        .map(|number| format!(r#""note{number}":"{value}""#))
        .collect();
    let manifest = parse(
        OCI_MANIFEST,
        &image(&format!(r#","annotations":{{{}}}"#, members.join(","))),
    )
    .unwrap();
    assert_eq!(manifest.annotations().len(), 390);
}

#[test]
fn the_number_of_descriptors_is_bounded() {
    let child = descriptor(OCI_MANIFEST, "");
    let list = |count: usize| {
        format!(
            r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
            vec![child.as_str(); count].join(",")
        )
    };
    assert!(parse(OCI_INDEX, &list(DESCRIPTORS_MAX)).is_ok());
    assert_eq!(
        parse(OCI_INDEX, &list(DESCRIPTORS_MAX + 1)),
        Err(ManifestError::TooManyDescriptors {
            field: "manifests",
            found: DESCRIPTORS_MAX + 1
        })
    );
}

#[test]
fn foreign_layers_subject_and_artifact_type() {
    let foreign = descriptor(
        media_type::OCI_NONDISTRIBUTABLE_TAR_GZIP,
        r#","urls":["https://example.com/l"]"#,
    );
    let config = descriptor(media_type::OCI_EMPTY, "");
    let subject = descriptor(OCI_MANIFEST, "");
    let text = format!(
        r#"{{"schemaVersion":2,"artifactType":"application/x+json","config":{config},"layers":[{foreign}],"subject":{subject},"custom":{{"Size":[1]}}}}"#
    );
    let manifest = parse(OCI_MANIFEST, &text).unwrap();
    assert_eq!(manifest.blobs().count(), 1);
    assert_eq!(manifest.layers().len(), 1);
    assert_eq!(manifest.artifact_type(), Some("application/x+json"));
    assert_eq!(manifest.subject().unwrap().media_type, OCI_MANIFEST);
    let nulls = format!(
        r#"{{"schemaVersion":2,"config":{config},"layers":null,"annotations":null,"subject":null}}"#
    );
    assert!(parse(OCI_MANIFEST, &nulls).unwrap().layers().is_empty());
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>, typed: bool) {
        let _ = Manifest::parse(typed.then_some(OCI_MANIFEST), &bytes);
    }

    #[test]
    fn a_damaged_manifest_keeps_its_bytes_or_is_refused(at in 0usize..400, byte: u8) {
        let mut bytes = image("").into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(manifest) = Manifest::parse(Some(OCI_MANIFEST), &bytes) {
            prop_assert_eq!(&*manifest.bytes, bytes.as_slice());
            prop_assert_eq!(manifest.digest, Digest::sha256_of(&bytes));
        }
    }
}
