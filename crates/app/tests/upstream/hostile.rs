//! Registries that are slow, wrong, endless, or point somewhere they should not. Each ends soon, with its reason.

use std::time::Duration;

use app::egress::{Egress, EgressLimits, EgressPolicy};
use app::upstream::{Registry, UpstreamError, UpstreamLimits};
use oci::Digest;
use testkit::hostile::{self, Trick};
use testkit::http::{Body, Response, Server};
use testkit::image::{ImageBuilder, TestImage};

use crate::common::{
    REPOSITORY, collect, egress, fetch_largest, guarded, impatient, limits, registry, tag,
};

fn image() -> TestImage {
    ImageBuilder::new()
        .platform("linux/amd64")
        .noise(200_000)
        .build()
}

async fn serve(image: &TestImage, trick: Trick) -> Server {
    hostile::serve(image, REPOSITORY, "1.0", trick)
        .await
        .unwrap()
}

async fn blob_error(trick: Trick) -> UpstreamError {
    let image = image();
    let server = serve(&image, trick).await;
    let registry = registry(&egress(), &server.host(), None);
    fetch_largest(&registry, &image).await.unwrap_err()
}

async fn tag_error(trick: Trick) -> UpstreamError {
    let server = serve(&image(), trick).await;
    let registry = registry(&egress(), &server.host(), None);
    registry.tagged(&tag("1.0")).await.unwrap_err()
}

#[tokio::test]
async fn redirects_to_forbidden_places_are_not_followed() {
    for (url, says) in [
        ("http://169.254.169.254/latest/meta-data/", "link-local"),
        ("https://169.254.169.254/", "link-local"),
        ("http://2852039166/", "169.254.169.254"),
        ("http://0xa9.0xfe.0xa9.0xfe/", "169.254.169.254"),
        ("http://[::ffff:169.254.169.254]/", "wrapped in IPv6"),
        ("http://[64:ff9b::a9fe:a9fe]/", "wrapped in IPv6"),
        ("http://10.0.0.1/", "private address"),
        ("http://100.64.0.1/", "carrier-grade"),
        ("http://0.0.0.0/", "unspecified"),
        ("http://1.1.1.1/", "plain http"),
        ("file:///etc/passwd", "only https"),
        ("http://user:password@127.0.0.1/", "user name or password"),
        ("http://[", "Location"),
    ] {
        let error = blob_error(Trick::BlobRedirect(url.to_owned())).await;
        assert!(error.to_string().contains(says), "{url}: {error}");
        assert!(!error.may_pass(), "{url}");
    }
}

#[tokio::test]
async fn redirects_without_end_are_ended() {
    let error = tag_error(Trick::RedirectLoop).await.to_string();
    assert!(error.contains("more than 5 redirects"), "{error}");
}

#[tokio::test]
async fn a_host_on_a_forbidden_address_is_not_contacted() {
    let server = serve(&image(), Trick::None).await;
    let closed = Egress::new(EgressPolicy::default()).unwrap();
    for host in [
        server.host(),
        format!("localhost:{}", server.address.port()),
    ] {
        let error = registry(&closed, &host, None)
            .tagged(&tag("1.0"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("loopback"), "{host}: {error}");
        assert!(
            error.to_string().contains("egress.allow"),
            "{host}: {error}"
        );
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn blobs_of_the_wrong_size_are_cut_off() {
    for trick in [Trick::BlobEndless, Trick::BlobLonger] {
        let error = blob_error(trick.clone()).await;
        assert!(
            matches!(error, UpstreamError::SizeMismatch { .. }),
            "{trick:?}: {error}"
        );
        assert!(!error.may_pass());
    }
}

#[tokio::test]
async fn slow_answers_are_given_up() {
    let image = image();
    let trickle = serve(&image, Trick::BlobTrickle(Duration::from_millis(20))).await;
    let error = fetch_largest(&impatient(&trickle.host()), &image)
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::TooSlow { .. }), "{error}");
    assert!(error.may_pass());
    // Half of it comes at once, then nothing: first the idle limit, then headway from where it stopped.
    let stalled = serve(&image, Trick::BlobStalled).await;
    let error = fetch_largest(&impatient(&stalled.host()), &image)
        .await
        .unwrap_err();
    let given_up = matches!(
        error,
        UpstreamError::TooSlow { .. } | UpstreamError::Cut { .. }
    );
    assert!(given_up && error.may_pass(), "{error}");
    let silent = serve(&image, Trick::ManifestSilent).await;
    let error = impatient(&silent.host())
        .tagged(&tag("1.0"))
        .await
        .unwrap_err();
    assert!(error.may_pass());
    assert!(error.to_string().contains("was silent"), "{error}");
}

#[tokio::test]
async fn cut_transfers_are_taken_up_again() {
    for ranges in [true, false] {
        let image = image();
        let server = serve(
            &image,
            Trick::BlobCut {
                every: 30_000,
                ranges,
            },
        )
        .await;
        let registry = registry(&egress(), &server.host(), None);
        let bytes = fetch_largest(&registry, &image).await.unwrap();
        assert_eq!(bytes, image.largest_blob().1, "ranges: {ranges}");
        let asked = server.requests();
        let parts = asked
            .iter()
            .filter(|request| request.header("range").is_some())
            .count();
        assert!(parts >= 6, "ranges: {ranges}: {parts}");
    }
}

/// The other end is gone without a word: no data, no end. The silence ends the connection, not the transfer.
#[tokio::test]
async fn a_transfer_that_falls_silent_is_taken_up_again() {
    let image = image();
    let (at, size) = (50_000, image.largest_blob().1.len());
    let trick = Trick::BlobStallsAt {
        at,
        times: 2,
        ranges: true,
    };
    let server = serve(&image, trick).await;
    let waits = EgressLimits {
        idle_max: Duration::from_millis(300),
        ..EgressLimits::default()
    };
    let policy = EgressPolicy::allowing(&["127.0.0.0/8"]).unwrap();
    let egress = Egress::with_limits(policy, waits).unwrap();
    let registry = registry(&egress, &server.host(), None);
    let bytes = fetch_largest(&registry, &image).await.unwrap();
    assert_eq!(bytes, image.largest_blob().1);
    let asked = server.requests();
    let ranges: Vec<&str> = asked
        .iter()
        .filter_map(|request| request.header("range"))
        .collect();
    assert_eq!(ranges, [format!("bytes={at}-")]);
    assert_eq!(server.sent_bytes(), size as u64, "no byte came twice");
}

/// A registry that serves ranges and refuses this one: the whole is read again and its head passed over.
#[tokio::test]
async fn a_refused_range_leads_to_the_whole() {
    let image = image();
    let (digest, bytes) = image.largest_blob().clone();
    let whole = bytes.clone();
    let server = Server::start(move |request| match request.header("range") {
        Some(_) => Response::new(416, "").with("Content-Range", format!("bytes */{}", whole.len())),
        None => Response::new(200, whole.clone()),
    })
    .await
    .unwrap();
    let registry = registry(&egress(), &server.host(), None);
    let digest = digest.parse().unwrap();
    let stream = registry.blob(&digest, bytes.len() as u64, 1_000).await;
    let rest = collect(stream.unwrap()).await.unwrap();
    assert_eq!(rest, bytes[1_000..]);
}

/// A part of another whole, or beyond the end, is not stitched in; one that is shorter than asked for is gone on from.
#[tokio::test]
async fn parts_are_taken_only_where_they_belong() {
    let image = image();
    let (digest, bytes) = image.largest_blob().clone();
    let size = bytes.len();
    let digest: Digest = digest.parse().unwrap();
    for (said, says) in [
        (
            format!("bytes 1000-{}/{}", size - 1, size + 1),
            "should have",
        ),
        (format!("bytes 1000-{size}/*"), "another part"),
        ("bytes 1000-999/*".to_owned(), "another part"),
        ("pages 1-2/3".to_owned(), "another part"),
        (String::new(), "another part"),
    ] {
        let part = bytes[1_000..].to_vec();
        let told = said.clone();
        let server = Server::start(move |_| {
            Response::new(206, part.clone()).with("Content-Range", told.clone())
        })
        .await
        .unwrap();
        let registry = registry(&egress(), &server.host(), None);
        let Err(error) = registry.blob(&digest, size as u64, 1_000).await else {
            panic!("`{said}` was taken");
        };
        assert!(error.to_string().contains(says), "`{said}`: {error}");
    }
    let whole = bytes.clone();
    let server = Server::start(move |request| {
        let range = request.header("range").unwrap_or_default();
        let start: usize = range["bytes=".len()..range.len() - 1].parse().unwrap();
        let end = (start + 40_000).min(whole.len());
        let said = format!("bytes {start}-{}/{}", end - 1, whole.len());
        Response::new(206, &whole[start..end]).with("Content-Range", said)
    })
    .await
    .unwrap();
    let registry = registry(&egress(), &server.host(), None);
    let stream = registry.blob(&digest, size as u64, 1_000).await.unwrap();
    assert_eq!(collect(stream).await.unwrap(), bytes[1_000..]);
}

/// What is passed over came all the same.
#[tokio::test]
async fn a_slow_registry_without_ranges_gets_to_the_rest() {
    let bytes: Vec<u8> = (0..100).collect();
    let sent = bytes.clone();
    let server = Server::start(move |_| {
        Response::new(200, "").body(Body::Trickle {
            bytes: sent.clone(),
            pause: Duration::from_millis(15),
        })
    })
    .await
    .unwrap();
    let limits = UpstreamLimits {
        headway_time_max: Duration::from_millis(500),
        headway_bytes_min: 3,
        ..limits()
    };
    let repository = REPOSITORY.parse().unwrap();
    let registry =
        Registry::with_limits(&egress(), &server.host(), &repository, None, limits).unwrap();
    let stream = registry.blob(&Digest::sha256_of(&bytes), 100, 90).await;
    assert_eq!(collect(stream.unwrap()).await.unwrap(), bytes[90..]);
}

#[tokio::test]
async fn transfers_without_headway_are_given_up() {
    let error = blob_error(Trick::BlobCut {
        every: 0,
        ranges: true,
    })
    .await;
    assert!(
        matches!(
            error,
            UpstreamError::Cut {
                attempts: 3,
                got: 0,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.may_pass());
}

#[tokio::test]
async fn a_part_from_another_place_is_not_stitched_in() {
    let error = blob_error(Trick::BlobRangeLie(1_000)).await;
    assert!(error.to_string().contains("another part"), "{error}");
}

#[tokio::test]
async fn manifests_are_verified_and_bounded() {
    let error = tag_error(Trick::ManifestWrong).await;
    assert!(
        matches!(error, UpstreamError::DigestMismatch { .. }),
        "{error}"
    );
    let error = tag_error(Trick::ManifestEndless).await;
    assert!(
        error.to_string().contains("limit of 4194304 bytes"),
        "{error}"
    );
    let error = tag_error(Trick::ManifestType(
        "application/vnd.example+json".to_owned(),
    ))
    .await;
    assert!(matches!(error, UpstreamError::Manifest { .. }), "{error}");
    assert!(
        error.to_string().contains("application/vnd.example+json"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_no_registry_is_called_so() {
    let error = tag_error(Trick::WebPage).await;
    assert!(
        matches!(
            error,
            UpstreamError::Manifest { .. } | UpstreamError::Protocol { .. }
        ),
        "{error}"
    );
    let server =
        Server::start(|_| Response::new(200, "").body(Body::Raw(b"220 mail ready\r\n".to_vec())))
            .await
            .unwrap();
    let error = registry(&egress(), &server.host(), None)
        .tagged(&tag("1.0"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("broke"), "{error}");
}

#[tokio::test]
async fn giant_headers_are_refused() {
    for bytes in [100_000, 2_000_000] {
        let error = tag_error(Trick::GiantHeaders(bytes)).await;
        assert!(
            error.to_string().contains("header fields"),
            "{bytes}: {error}"
        );
    }
}

#[tokio::test]
async fn passing_trouble_is_waited_out_and_lasting_trouble_told() {
    for (status, retry_after) in [(503, None), (429, Some(1)), (500, None)] {
        let image = image();
        let trick = Trick::FirstAnswers {
            status,
            count: 2,
            retry_after,
        };
        let server = serve(&image, trick).await;
        let registry = registry(&egress(), &server.host(), None);
        let started = tokio::time::Instant::now();
        registry.tagged(&tag("1.0")).await.unwrap();
        if retry_after.is_some() {
            assert!(
                started.elapsed() >= Duration::from_secs(2),
                "Retry-After was not respected"
            );
        }
    }
    let lasting = Trick::FirstAnswers {
        status: 503,
        count: 1_000,
        retry_after: None,
    };
    let error = tag_error(lasting).await;
    assert!(
        matches!(error, UpstreamError::Busy { status: 503, .. }),
        "{error}"
    );
    let long = Trick::FirstAnswers {
        status: 429,
        count: 1_000,
        retry_after: Some(3_600),
    };
    let error = tag_error(long).await;
    assert_eq!(
        error.retry_after(),
        Some(Duration::from_secs(3_600)),
        "{error}"
    );
    assert!(error.may_pass());
}

#[tokio::test]
async fn lists_of_tags_end_and_stay_on_their_host() {
    let image = image();
    let server = serve(
        &image,
        Trick::TagsNext(format!("/v2/{REPOSITORY}/tags/list?last=other")),
    )
    .await;
    let reader = registry(&egress(), &server.host(), None);
    let tags = reader.tags().await.unwrap();
    assert_eq!(tags, [tag("1.0"), tag("other"), tag("1.0"), tag("other")]);
    for next in ["http://169.254.169.254/", "?n=1000"] {
        let server = serve(&image, Trick::TagsNext(next.to_owned())).await;
        let error = registry(&egress(), &server.host(), None)
            .tags()
            .await
            .unwrap_err();
        assert!(error.to_string().contains("next page"), "{next}: {error}");
    }
}

#[tokio::test]
async fn a_bad_certificate_never_leads_to_plain_http() {
    let certificate = testkit::certificate::Certificate::generate().unwrap();
    let server = Server::start_tls(&certificate, |_| Response::new(200, "{}"))
        .await
        .unwrap();
    let error = registry(&egress(), &server.host(), None)
        .tagged(&tag("1.0"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("egress.ca_file"), "{error}");
    assert!(!error.may_pass());
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn https_does_not_redirect_to_plain_http() {
    let certificate = testkit::certificate::Certificate::generate().unwrap();
    let folder = testkit::folder::Folder::new("ca").unwrap();
    let plain = Server::start(|_| Response::new(200, "{}")).await.unwrap();
    let target = plain.url("/");
    let server = Server::start_tls(&certificate, move |request| match request.path.as_str() {
        "/v2/" => Response::new(200, "{}"),
        _ => Response::new(307, "").with("Location", &target),
    })
    .await
    .unwrap();
    let policy = EgressPolicy {
        ca_file: Some(certificate.write(folder.path()).unwrap()),
        ..EgressPolicy::allowing(&["127.0.0.0/8"]).unwrap()
    };
    let error = registry(&guarded(policy), &server.host(), None)
        .tagged(&tag("1.0"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("from https to plain http"),
        "{error}"
    );
    assert!(plain.requests().is_empty());
}

#[tokio::test]
async fn bytes_are_asked_for_as_they_are_stored() {
    let image = image();
    let server = serve(&image, Trick::None).await;
    let registry = registry(&egress(), &server.host(), None);
    fetch_largest(&registry, &image).await.unwrap();
    for request in server.requests() {
        assert_eq!(
            request.header("accept-encoding"),
            Some("identity"),
            "{request:?}"
        );
    }
    let stream = registry.blob(&Digest::sha256_of(b""), 0, 0).await.unwrap();
    assert!(collect(stream).await.unwrap().is_empty());
}

/// The environment of this process cannot be changed safely, so another one runs a story that needs the network.
#[test]
fn proxies_of_the_environment_are_ignored() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    for name in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ] {
        child.env(name, "http://127.0.0.1:9");
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY");
    let story = "hostile::bytes_are_asked_for_as_they_are_stored";
    let output = child.args(["--exact", story]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[tokio::test]
async fn links_are_asked_through_the_same_guard() {
    let server = Server::start(
        |request| match (request.method.as_str(), request.path.as_str()) {
            ("HEAD", "/no-head") => Response::new(405, ""),
            (_, "/gone") => Response::new(404, ""),
            (_, "/moved") => Response::new(301, "").with("Location", "/fine"),
            (_, "/away") => Response::new(301, "").with("Location", "http://169.254.169.254/"),
            _ => Response::new(200, "x"),
        },
    )
    .await
    .unwrap();
    let egress = egress();
    for (path, status) in [
        ("/fine", 200),
        ("/no-head", 200),
        ("/gone", 404),
        ("/moved", 200),
    ] {
        assert_eq!(
            egress.head_status(&server.url(path)).await.unwrap(),
            status,
            "{path}"
        );
    }
    assert!(egress.head_status(&server.url("/away")).await.is_err());
    assert!(egress.head_status("no url").await.is_err());
}
