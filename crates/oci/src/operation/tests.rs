//! Tables and properties for requests under `/v2`.

use super::*;
use crate::error_code::ErrorCode;
use proptest::prelude::*;

const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn parse(line: &str) -> Result<Operation, ParseError> {
    let line = line.replace("DIGEST", D);
    let (method, target) = line.split_once(' ').unwrap();
    match target.split_once('?') {
        Some((path, query)) => Operation::parse(method, path, Some(query)),
        None => Operation::parse(method, target, None),
    }
}

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn digest() -> Digest {
    D.parse().unwrap()
}

fn understood(table: Vec<(&str, Operation)>, action: Option<Action>) {
    for (line, expected) in table {
        let operation = parse(line).unwrap();
        assert_eq!(operation, expected, "{line}");
        assert_eq!(operation.action(), action, "{line}");
        assert_eq!(
            operation.repository().is_none(),
            matches!(action, None | Some(Action::Catalog))
        );
    }
}

#[test]
fn content() {
    let repository = || name("a/b");
    let tag = || Reference::Tag("1.0".parse().unwrap());
    let by_digest = || Reference::Digest(digest());
    let get = |reference| Operation::GetManifest {
        repository: repository(),
        reference,
    };
    let head = |reference| Operation::HeadManifest {
        repository: repository(),
        reference,
    };
    let get_blob = Operation::GetBlob {
        repository: repository(),
        digest: digest(),
    };
    let head_blob = Operation::HeadBlob {
        repository: repository(),
        digest: digest(),
    };
    let table = vec![
        ("GET /v2/a/b/blobs/DIGEST", get_blob),
        ("HEAD /v2/a/b/blobs/DIGEST", head_blob),
        ("GET /v2/a/b/manifests/1.0", get(tag())),
        ("HEAD /v2/a/b/manifests/1.0?ns=docker.io", head(tag())),
        ("GET /v2/a/b/manifests/DIGEST", get(by_digest())),
    ];
    understood(table, Some(Action::Pull));
    understood(
        vec![("GET /v2/", Operation::Base), ("HEAD /v2", Operation::Base)],
        None,
    );
    let delete = |reference| Operation::DeleteManifest {
        repository: repository(),
        reference,
    };
    let delete_blob = Operation::DeleteBlob {
        repository: repository(),
        digest: digest(),
    };
    let table = vec![
        ("DELETE /v2/a/b/manifests/1.0", delete(tag())),
        ("DELETE /v2/a/b/manifests/DIGEST", delete(by_digest())),
        ("DELETE /v2/a/b/blobs/DIGEST", delete_blob),
    ];
    understood(table, Some(Action::Delete));
}

#[test]
fn lists() {
    let tags = |n, last: Option<&str>| Operation::ListTags {
        repository: name("a"),
        n,
        last: last.map(str::to_owned),
    };
    let referrers = |artifact_type: Option<&str>| Operation::Referrers {
        repository: name("a"),
        digest: digest(),
        artifact_type: artifact_type.map(str::to_owned),
        last: None,
    };
    let table = vec![
        ("GET /v2/a/tags/list", tags(None, None)),
        (
            "GET /v2/a/tags/list?n=0&last=x%2Fy",
            tags(Some(0), Some("x/y")),
        ),
        ("GET /v2/a/tags/list?n=&last=", tags(None, None)),
        ("GET /v2/a/referrers/DIGEST", referrers(None)),
        (
            "GET /v2/a/referrers/DIGEST?artifactType=a/x+json",
            referrers(Some("a/x+json")),
        ),
        (
            "GET /v2/a/referrers/DIGEST?artifactType=a%2Fx%2Bjson",
            referrers(Some("a/x+json")),
        ),
    ];
    understood(table, Some(Action::Pull));
    let catalog = Operation::Catalog {
        n: Some(u64::MAX),
        last: Some("a".to_owned()),
    };
    understood(
        vec![("GET /v2/_catalog?n=99999999999999999999999&last=a", catalog)],
        Some(Action::Catalog),
    );
}

#[test]
fn uploads() {
    let start = |digest, mount, algorithm| Operation::StartUpload {
        repository: name("a"),
        digest,
        mount,
        algorithm,
    };
    let table = vec![
        ("POST /v2/a/blobs/uploads/", start(None, None, None)),
        ("POST /v2/a/blobs/uploads", start(None, None, None)),
        ("POST /v2/a/blobs/uploads/?from=b", start(None, None, None)),
        (
            "POST /v2/a/blobs/uploads/?mount=DIGEST&from=b/c",
            start(None, Some((digest(), Some(name("b/c")))), None),
        ),
        (
            "POST /v2/a/blobs/uploads/?mount=DIGEST",
            start(None, Some((digest(), None)), None),
        ),
        (
            "POST /v2/a/blobs/uploads/?digest=DIGEST&digest-algorithm=sha512",
            start(Some(digest()), None, Some(DigestAlgorithm::Sha512)),
        ),
    ];
    understood(table, Some(Action::Push));
    let mount = parse("POST /v2/a/blobs/uploads/?mount=DIGEST&from=b").unwrap();
    assert_eq!(mount.mount_source(), Some(&name("b")));

    let (repository, uuid) = (|| name("a"), || "0190-abc".to_owned());
    let patch = Operation::PatchUpload {
        repository: repository(),
        uuid: uuid(),
    };
    let get = Operation::GetUpload {
        repository: repository(),
        uuid: uuid(),
    };
    let delete = Operation::DeleteUpload {
        repository: repository(),
        uuid: uuid(),
    };
    let put = Operation::PutUpload {
        repository: repository(),
        uuid: uuid(),
        digest: digest(),
    };
    let table = vec![
        ("PATCH /v2/a/blobs/uploads/0190-abc", patch),
        ("GET /v2/a/blobs/uploads/0190-abc", get),
        ("DELETE /v2/a/blobs/uploads/0190-abc", delete),
        (
            "PUT /v2/a/blobs/uploads/0190-abc?digest=DIGEST&_state=x",
            put,
        ),
    ];
    understood(table, Some(Action::Push));
}

#[test]
fn manifests_with_tags() {
    let put = |reference: &str, tags: &[&str]| Operation::PutManifest {
        repository: name("a"),
        reference: reference.replace("DIGEST", D).parse().unwrap(),
        tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(),
    };
    let table = vec![
        ("PUT /v2/a/manifests/1", put("1", &[])),
        (
            "PUT /v2/a/manifests/DIGEST?tag=1&tag=latest&tag=1",
            put("DIGEST", &["1", "latest"]),
        ),
    ];
    understood(table, Some(Action::Push));
}

#[test]
fn names_may_hold_the_words_of_endpoints() {
    let table = [
        ("GET /v2/manifests/manifests/manifests", "manifests"),
        ("GET /v2/a/tags/list/tags/list", "a/tags/list"),
        ("GET /v2/a/manifests/tags/list", "a/manifests"),
        ("GET /v2/a/blobs/uploads/manifests/1", "a/blobs/uploads"),
        ("POST /v2/a/blobs/uploads/blobs/uploads/", "a/blobs/uploads"),
        ("GET /v2/blobs/blobs/uploads/x", "blobs"),
        ("GET /v2/a/referrers/referrers/DIGEST", "a/referrers"),
        ("GET /v2/v2/manifests/1", "v2"),
    ];
    for (line, expected) in table {
        assert_eq!(
            parse(line).unwrap().repository().unwrap().as_str(),
            expected,
            "{line}"
        );
    }
}

fn refused(code: ErrorCode, lines: &[&str]) {
    for line in lines {
        let error = parse(line).unwrap_err();
        assert_eq!(error.code(), code, "{line}: {error}");
        let routed = !matches!(
            error,
            ParseError::NotFound { .. } | ParseError::MethodNotAllowed { .. }
        );
        assert!(routed, "{line}: {error}");
    }
}

#[test]
fn tricks_in_the_path() {
    let long_name = format!("GET /v2/{}/manifests/1", "a".repeat(256));
    let long_path = format!("GET /v2/a/manifests/{}", "a".repeat(2000));
    let lines = [
        "GET /v2/A/manifests/1",
        "GET /v2//manifests/1",
        "GET /v2//a/manifests/1",
        "GET /v2/a//manifests/1",
        "GET /v2/a/manifests//1",
        "GET /v2/../a/manifests/1",
        "GET /v2/a/../b/manifests/1",
        "GET /v2/a/manifests/..",
        "GET /v2/a/./b/manifests/1",
        "GET /v2/a%2fb/manifests/1",
        "GET /v2/a/%2e%2e/b/manifests/1",
        "GET /v2/a/manifests/1%00",
        "GET /v2/a\0/manifests/1",
        "GET /v2/a\\b/manifests/1",
        "GET /v2/a/manifests/1\r\nx:y",
        "GET /v2/a:5000/manifests/1",
        "GET /v2/a___b/tags/list",
        "POST /v2/a/blobs/uploads/?mount=DIGEST&from=../b",
        &long_name,
        &long_path,
    ];
    refused(ErrorCode::NameInvalid, &lines);
}

#[test]
fn references_digests_and_ids() {
    let long_tag = format!("GET /v2/a/manifests/{}", "a".repeat(129));
    let unknown = [
        "GET /v2/a/manifests/.INVALID_MANIFEST_NAME",
        "GET /v2/a/manifests/",
        &long_tag,
    ];
    refused(ErrorCode::ManifestUnknown, &unknown);
    let many_tags = format!(
        "PUT /v2/a/manifests/DIGEST?{}",
        "tag=x&".repeat(MANIFEST_TAGS_MAX + 1)
    );
    let invalid = [
        "PUT /v2/a/manifests/.x",
        "PUT /v2/a/manifests/DIGEST?tag=",
        "PUT /v2/a/manifests/DIGEST?tag=%00",
        &many_tags,
    ];
    refused(ErrorCode::ManifestInvalid, &invalid);
    let digests = [
        "GET /v2/a/manifests/sha256:00",
        "PUT /v2/a/manifests/md5:00",
        "GET /v2/a/blobs/latest",
        "GET /v2/a/blobs/",
        "GET /v2/a/referrers/sha256:xyz",
        "PUT /v2/a/blobs/uploads/1",
        "PUT /v2/a/blobs/uploads/1?digest=",
        "PUT /v2/a/blobs/uploads/1?digest=sha256%3A00",
        "POST /v2/a/blobs/uploads/?mount=x",
        "POST /v2/a/blobs/uploads/?digest-algorithm=md5",
    ];
    refused(ErrorCode::DigestInvalid, &digests);
    let long_id = format!("GET /v2/a/blobs/uploads/{}", "a".repeat(65));
    refused(
        ErrorCode::BlobUploadUnknown,
        &["GET /v2/a/blobs/uploads/x_y", &long_id],
    );
}

#[test]
fn parameters() {
    let lines = [
        "GET /v2/a/tags/list?n=abc",
        "GET /v2/a/tags/list?n=-1",
        "GET /v2/a/tags/list?n=1&n=2",
        "GET /v2/a/tags/list?last=%00",
        "GET /v2/a/tags/list?last=%f",
        "PUT /v2/a/blobs/uploads/1?digest=DIGEST&digest=DIGEST",
    ];
    refused(ErrorCode::Unsupported, &lines);
}

#[test]
fn unknown_paths_and_methods() {
    for path in [
        "/",
        "",
        "/v1/",
        "/v2x/",
        "/v22",
        "/v2/a",
        "/v2/a/b/c",
        "/v2/a/tags",
        "/v2/a/tags/other",
        "/v2/_oci/ext/discover",
        "/v2/_catalog/x",
        "/v2/manifests/1",
        "v2/",
        "//v2/",
    ] {
        assert!(
            matches!(
                Operation::parse("GET", path, None),
                Err(ParseError::NotFound { .. })
            ),
            "{path}"
        );
    }
    let table = [
        ("POST /v2/", "GET, HEAD"),
        ("get /v2/", "GET, HEAD"),
        ("PUT /v2/a/tags/list", "GET, HEAD"),
        ("DELETE /v2/_catalog", "GET, HEAD"),
        ("POST /v2/a/manifests/1", "GET, HEAD, PUT, DELETE"),
        ("PUT /v2/a/blobs/DIGEST", "GET, HEAD, DELETE"),
        ("GET /v2/a/blobs/uploads/", "POST"),
        ("POST /v2/a/blobs/uploads/1", "GET, PATCH, PUT, DELETE"),
        ("POST /v2/a/referrers/DIGEST", "GET, HEAD"),
    ];
    for (line, expected) in table {
        match parse(line) {
            Err(ParseError::MethodNotAllowed { allow, .. }) => {
                assert_eq!(allow, expected, "{line}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

/// Writes an operation as the one request line that means it.
fn line(operation: &Operation) -> Option<String> {
    let name = operation.repository()?;
    Some(match operation {
        Operation::GetManifest { reference, .. } => format!("GET /v2/{name}/manifests/{reference}"),
        Operation::GetBlob { digest, .. } => format!("GET /v2/{name}/blobs/{digest}"),
        Operation::GetUpload { uuid, .. } => format!("GET /v2/{name}/blobs/uploads/{uuid}"),
        Operation::Referrers { digest, .. } => format!("GET /v2/{name}/referrers/{digest}"),
        Operation::ListTags { .. } => format!("GET /v2/{name}/tags/list"),
        _ => return None,
    })
}

proptest! {
    #[test]
    fn what_is_accepted_is_written_in_one_way(path in "/v2/([a-z0-9._%/-]|blobs|uploads|/manifests/|/tags/list|/referrers/|DIGEST){0,12}") {
        if let Ok(operation) = parse(&format!("GET {path}"))
            && let Some(line) = line(&operation)
        {
            prop_assert_eq!(line, format!("GET {path}").replace("DIGEST", D));
        }
    }

    #[test]
    fn arbitrary_requests_do_not_panic(method in "GET|PUT|POST|\\PC{0,5}", path in "/v2/\\PC{0,40}|\\PC{0,40}", query in "\\PC{0,40}|[a-z=&%0-9]{0,40}") {
        let _ = Operation::parse(&method, &path, Some(&query));
    }

    #[test]
    fn every_legal_request_is_understood(name in "[a-z0-9]{1,4}(/(blobs|uploads|manifests|tags|list|referrers|[a-z]{1,3})){0,4}", tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}", id in "[A-Za-z0-9-]{1,64}") {
        for (line, expected) in [
            (format!("GET /v2/{name}/manifests/{tag}"), Action::Pull),
            (format!("GET /v2/{name}/tags/list"), Action::Pull),
            (format!("GET /v2/{name}/blobs/{D}"), Action::Pull),
            (format!("POST /v2/{name}/blobs/uploads/"), Action::Push),
            (format!("PATCH /v2/{name}/blobs/uploads/{id}"), Action::Push),
        ] {
            let operation = parse(&line).unwrap();
            prop_assert_eq!(operation.repository().unwrap().as_str(), &name);
            prop_assert_eq!(operation.action(), Some(expected));
        }
    }
}
