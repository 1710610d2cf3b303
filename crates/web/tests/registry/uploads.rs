//! Blobs in and out: chunks, order, digests, mounts, ranges, conditions.

use testkit::image::digest;

use app::clock::{Clock, HOUR};
use app::registry::drop_stale_uploads;

use crate::market::{DEV, EVE, INBOX, Market, PASSWORD, basic, on_both, small, small_at};

const OTHER: &str = "incoming/contoso/other";

fn noise(length: usize) -> Vec<u8> {
    let mut state: u32 = 7;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

async fn open(market: &Market, token: &str, repository: &str) -> String {
    let answer = market
        .ask(
            "POST",
            &format!("/v2/{repository}/blobs/uploads/"),
            &[("Authorization", token)],
            b"",
        )
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert!(!answer.header("docker-upload-uuid").is_empty());
    answer.header("location").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_in_chunks() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let bytes = noise(30_000);
        let location = open(&market, &token, INBOX).await;
        assert!(
            location.starts_with(&format!("/v2/{INBOX}/blobs/uploads/")),
            "{location}"
        );
        let first = market
            .ask(
                "PATCH",
                &location,
                &[auth, ("Content-Range", "0-9999")],
                &bytes[..10_000],
            )
            .await;
        assert_eq!((first.status, first.header("range")), (202, "0-9999"));
        // A chunk again, a gap, a range that lies about the length, and one that is none.
        for (range, part, status, code) in [
            ("0-9999", &bytes[..10_000], 416, "BLOB_UPLOAD_INVALID"),
            ("20000-29999", &bytes[20_000..], 416, "BLOB_UPLOAD_INVALID"),
            ("10000-29999", &bytes[10_000..20_000], 400, "SIZE_INVALID"),
            ("bytes 1-2", &bytes[..2], 400, "BLOB_UPLOAD_INVALID"),
        ] {
            let answer = market
                .ask("PATCH", &location, &[auth, ("Content-Range", range)], part)
                .await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (status, code),
                "{range}"
            );
            if status == 416 {
                assert_eq!(
                    (answer.header("range"), answer.header("location")),
                    ("0-9999", location.as_str())
                );
            }
        }
        let standing = market.ask("GET", &location, &[auth], b"").await;
        assert_eq!((standing.status, standing.header("range")), (204, "0-9999"));
        assert_eq!(standing.header("location"), location);
        // A chunk without a range, sent in HTTP chunks to its end.
        let mut streamed = format!("{:x}\r\n", 10_000).into_bytes();
        streamed.extend_from_slice(&bytes[10_000..20_000]);
        streamed.extend_from_slice(b"\r\n0\r\n\r\n");
        let second = market
            .ask(
                "PATCH",
                &location,
                &[auth, ("Transfer-Encoding", "chunked")],
                &streamed,
            )
            .await;
        assert_eq!((second.status, second.header("range")), (202, "0-19999"));
        let name = digest(&bytes);
        let late = market
            .ask(
                "PUT",
                &format!("{location}?digest={name}"),
                &[auth, ("Content-Range", "0-9999")],
                &bytes[..10_000],
            )
            .await;
        assert_eq!(late.status, 416);
        let closed = market
            .ask(
                "PUT",
                &format!("{location}?digest={name}"),
                &[auth, ("Content-Range", "20000-29999")],
                &bytes[20_000..],
            )
            .await;
        assert_eq!(closed.status, 201, "{}", closed.text());
        assert_eq!(
            closed.header("location"),
            format!("/v2/{INBOX}/blobs/{name}")
        );
        assert_eq!(closed.header("docker-content-digest"), name);
        let got = market
            .ask("GET", &format!("/v2/{INBOX}/blobs/{name}"), &[auth], b"")
            .await;
        assert!(got.status == 200 && got.body == bytes);
        let gone = market.ask("GET", &location, &[auth], b"").await;
        assert_eq!(
            (gone.status, gone.code().as_str()),
            (404, "BLOB_UPLOAD_UNKNOWN")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_ways_in() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let bytes = noise(5_000);
        let name = digest(&bytes);
        // Everything in the closing request.
        let location = open(&market, &token, INBOX).await;
        assert_eq!(
            market
                .ask("PUT", &format!("{location}?digest={name}"), &[auth], &bytes)
                .await
                .status,
            201
        );
        // Everything in one chunk, the close without a body.
        let more = noise(6_000);
        let location = open(&market, &token, INBOX).await;
        assert_eq!(
            market.ask("PATCH", &location, &[auth], &more).await.status,
            202
        );
        let closed = market
            .ask(
                "PUT",
                &format!("{location}?digest={}", digest(&more)),
                &[auth],
                b"",
            )
            .await;
        assert_eq!(closed.status, 201, "{}", closed.text());
        // Nothing at all is a blob too.
        let location = open(&market, &token, INBOX).await;
        let empty = digest(b"");
        assert_eq!(
            market
                .ask("PUT", &format!("{location}?digest={empty}"), &[auth], b"")
                .await
                .status,
            201
        );
        let got = market
            .ask("GET", &format!("/v2/{INBOX}/blobs/{empty}"), &[auth], b"")
            .await;
        assert_eq!((got.status, got.body.len()), (200, 0));
        // sha512, announced or not.
        let wide = oci::Digest::of(oci::DigestAlgorithm::Sha512, &bytes);
        let hinted = format!("/v2/{INBOX}/blobs/uploads/?digest-algorithm=sha512");
        let location = market
            .ask("POST", &hinted, &[auth], b"")
            .await
            .header("location")
            .to_owned();
        assert_eq!(
            market.ask("PATCH", &location, &[auth], &bytes).await.status,
            202
        );
        assert_eq!(
            market
                .ask("PUT", &format!("{location}?digest={wide}"), &[auth], b"")
                .await
                .status,
            201
        );
        let got = market
            .ask("GET", &format!("/v2/{INBOX}/blobs/{wide}"), &[auth], b"")
            .await;
        assert!(got.status == 200 && got.body == bytes);
        // A digest named early, the bytes later.
        let early = format!("/v2/{INBOX}/blobs/uploads/?digest={name}");
        assert_eq!(market.ask("POST", &early, &[auth], b"").await.status, 202);
        // Given up.
        let location = open(&market, &token, INBOX).await;
        assert_eq!(
            market.ask("DELETE", &location, &[auth], b"").await.status,
            204
        );
        for method in ["GET", "PATCH", "DELETE"] {
            let answer = market.ask(method, &location, &[auth], b"").await;
            assert_eq!(answer.status, 404, "{method}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_leave_nothing() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let (bytes, promised) = (noise(4_000), digest(b"something else"));
        for chunked in [false, true] {
            let location = open(&market, &token, INBOX).await;
            let mut body = bytes.as_slice();
            if chunked {
                assert_eq!(
                    market.ask("PATCH", &location, &[auth], &bytes).await.status,
                    202
                );
                body = b"";
            }
            let closed = market
                .ask(
                    "PUT",
                    &format!("{location}?digest={promised}"),
                    &[auth],
                    body,
                )
                .await;
            assert_eq!(
                (closed.status, closed.code().as_str()),
                (400, "DIGEST_INVALID")
            );
            assert!(
                closed.text().contains(&digest(&bytes)),
                "it names what it found"
            );
            let gone = market.ask("GET", &location, &[auth], b"").await;
            assert_eq!(gone.status, 404);
        }
        let whole = market
            .ask(
                "POST",
                &format!("/v2/{INBOX}/blobs/uploads/?digest={promised}"),
                &[auth],
                &bytes,
            )
            .await;
        assert_eq!(
            (whole.status, whole.code().as_str()),
            (400, "DIGEST_INVALID")
        );
        for name in [promised, digest(&bytes)] {
            let head = market
                .ask("HEAD", &format!("/v2/{INBOX}/blobs/{name}"), &[auth], b"")
                .await;
            assert_eq!(head.status, 404);
            assert_eq!(
                market.blobs.size(&name.parse().unwrap()).await.unwrap(),
                None,
                "no bytes stay under {name}"
            );
        }
        let location = open(&market, &token, INBOX).await;
        let none = market.ask("PUT", &location, &[auth], &bytes).await;
        assert_eq!((none.status, none.code().as_str()), (400, "DIGEST_INVALID"));
        let large = [auth, ("Content-Length", "99999999999")];
        let refused = market.ask("PATCH", &location, &large, b"").await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (413, "SIZE_INVALID")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_belong_to_who_began_them_where_they_began() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    let location = open(&market, &token, INBOX).await;
    let other = market.pusher(OTHER).await;
    let elsewhere = location.replace(INBOX, OTHER);
    let answer = market
        .ask("PATCH", &elsewhere, &[("Authorization", &other)], b"x")
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "BLOB_UPLOAD_UNKNOWN")
    );
    let eve = basic(EVE, PASSWORD);
    let answer = market
        .ask("PATCH", &location, &[("Authorization", &eve)], b"x")
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "DENIED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn mounts_take_only_what_the_caller_may_read() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let bytes = noise(3_000);
        let name = market.push_blob(INBOX, &token, &bytes).await;
        let ours = basic(DEV, PASSWORD);
        let eve = basic(EVE, PASSWORD);
        let mount = |repository: &str, query: &str| {
            format!("/v2/{repository}/blobs/uploads/?mount={name}{query}")
        };
        // Another publisher knows the digest, and the repository's name, and gets an upload like anyone else.
        for query in [String::new(), format!("&from={INBOX}")] {
            let answer = market
                .ask(
                    "POST",
                    &mount("incoming/fabrikam/x", &query),
                    &[("Authorization", &eve)],
                    b"",
                )
                .await;
            assert_eq!(answer.status, 202, "{}", answer.text());
        }
        let head = market
            .ask(
                "HEAD",
                &format!("/v2/incoming/fabrikam/x/blobs/{name}"),
                &[("Authorization", &eve)],
                b"",
            )
            .await;
        assert_eq!(head.status, 404);
        // The owner mounts by source, and without one.
        for (target, query) in [
            (OTHER, format!("&from={INBOX}")),
            ("incoming/contoso/third", String::new()),
        ] {
            let answer = market
                .ask(
                    "POST",
                    &mount(target, &query),
                    &[("Authorization", &ours)],
                    b"",
                )
                .await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            assert_eq!(
                answer.header("location"),
                format!("/v2/{target}/blobs/{name}")
            );
            let got = market
                .ask(
                    "GET",
                    &format!("/v2/{target}/blobs/{name}"),
                    &[("Authorization", &ours)],
                    b"",
                )
                .await;
            assert!(got.body == bytes);
        }
        // A token for the target alone is enough among one publisher's repositories.
        let narrow = market.pusher("incoming/contoso/fourth").await;
        for (number, query) in [format!("&from={INBOX}"), String::new()].iter().enumerate() {
            let target = mount("incoming/contoso/fourth", query);
            let headers = [("Authorization", narrow.as_str())];
            let answer = market.ask("POST", &target, &headers, b"").await;
            assert_eq!(answer.status, 201, "{number}: {}", answer.text());
        }
        // Who has none yet is told to ask for both.
        let asked = market
            .ask("POST", &mount(OTHER, &format!("&from={INBOX}")), &[], b"")
            .await;
        let scope = format!("scope=\"repository:{OTHER}:pull,push repository:{INBOX}:pull\"");
        assert!(
            asked.header("www-authenticate").contains(&scope),
            "{asked:?}"
        );
        let unknown = format!(
            "/v2/{OTHER}/blobs/uploads/?mount={}&from={INBOX}",
            digest(b"nobody has this")
        );
        assert_eq!(
            market
                .ask("POST", &unknown, &[("Authorization", &ours)], b"")
                .await
                .status,
            202
        );
        // What is public may be mounted by anyone who may push at all.
        let image = testkit::image::ImageBuilder::all_platforms().build();
        market
            .release(crate::market::LIVE, "latest", &image, true)
            .await;
        let public = &image.blobs[0].0;
        let target = format!(
            "/v2/incoming/fabrikam/x/blobs/uploads/?mount={public}&from={}",
            crate::market::LIVE
        );
        assert_eq!(
            market
                .ask("POST", &target, &[("Authorization", &eve)], b"")
                .await
                .status,
            201
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_and_conditions() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        // More than two slices, so that ranges cross their borders.
        let bytes = noise(2 * 1024 * 1024 + 777);
        let name = market.push_blob(INBOX, &token, &bytes).await;
        let target = format!("/v2/{INBOX}/blobs/{name}");
        let size = bytes.len();
        let head = market.ask("HEAD", &target, &[auth], b"").await;
        assert_eq!((head.status, head.header("content-length")), (200, size.to_string().as_str()));
        assert_eq!((head.header("accept-ranges"), head.header("docker-content-digest")), ("bytes", name.as_str()));
        assert_eq!(head.header("etag"), format!("\"{name}\""));
        for (range, from, to) in [
            ("bytes=500-1499", 500, 1_500),
            ("bytes=1048000-1049000", 1_048_000, 1_049_001),
            ("bytes=2097000-", 2_097_000, size),
            ("bytes=-500", size - 500, size),
            ("bytes=2097900-9999999", 2_097_900, size),
        ] {
            let answer = market.ask("GET", &target, &[auth, ("Range", range)], b"").await;
            assert_eq!(answer.status, 206, "{range}");
            assert_eq!(answer.header("content-range"), format!("bytes {from}-{}/{size}", to - 1));
            assert!(answer.body == bytes[from..to], "{range}");
        }
        for range in ["bytes=500-0", "bytes=9999999-", "bytes=-0"] {
            let answer = market.ask("GET", &target, &[auth, ("Range", range)], b"").await;
            assert_eq!((answer.status, answer.header("content-range")), (416, format!("bytes */{size}").as_str()), "{range}");
            assert_eq!(answer.code(), "SIZE_INVALID");
        }
        for range in ["lines=1-2", "bytes=x", "bytes=0-,0-,0-"] {
            let answer = market.ask("GET", &target, &[auth, ("Range", range)], b"").await;
            assert!(answer.status == 200 && answer.body == bytes, "{range}");
        }
        let many = market.ask("GET", &target, &[auth, ("Range", "bytes=0-9,1048570-1048589,-3")], b"").await;
        assert_eq!(many.status, 206);
        let boundary = many.header("content-type").strip_prefix("multipart/byteranges; boundary=").unwrap().to_owned();
        let mut expected = Vec::new();
        for (index, (from, to)) in [(0, 10), (1_048_570, 1_048_590), (size - 3, size)].into_iter().enumerate() {
            let before = if index == 0 { "" } else { "\r\n" };
            let part = format!(
                "{before}--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {from}-{}/{size}\r\n\r\n",
                to - 1
            );
            expected.extend_from_slice(part.as_bytes());
            expected.extend_from_slice(&bytes[from..to]);
        }
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert!(many.body == expected);
        let quoted = format!("\"{name}\"");
        let same = market.ask("GET", &target, &[auth, ("If-None-Match", &quoted)], b"").await;
        assert_eq!(same.status, 304);
        let resumed = market.ask("GET", &target, &[auth, ("Range", "bytes=0-0"), ("If-Range", &quoted)], b"").await;
        assert_eq!(resumed.status, 206);
        let changed = market.ask("GET", &target, &[auth, ("Range", "bytes=0-0"), ("If-Range", "\"other\"")], b"").await;
        assert_eq!((changed.status, changed.body.len()), (200, size));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_replica_goes_on_with_an_upload_also_after_a_restart() {
    on_both(async |first: Market| {
        let token = first.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let bytes = noise(9_000);
        let location = open(&first, &token, INBOX).await;
        assert_eq!(
            first
                .ask("PATCH", &location, &[auth], &bytes[..4_000])
                .await
                .status,
            202
        );
        let second = first.twin().await;
        drop(first);
        let standing = second.ask("GET", &location, &[auth], b"").await;
        assert_eq!((standing.status, standing.header("range")), (204, "0-3999"));
        let next = second
            .ask(
                "PATCH",
                &location,
                &[auth, ("Content-Range", "4000-5999")],
                &bytes[4_000..6_000],
            )
            .await;
        assert_eq!(next.status, 202);
        let third = second.twin().await;
        let name = digest(&bytes);
        let closed = third
            .ask(
                "PUT",
                &format!("{location}?digest={name}"),
                &[auth],
                &bytes[6_000..],
            )
            .await;
        assert_eq!(closed.status, 201, "{}", closed.text());
        let got = second
            .ask("GET", &format!("/v2/{INBOX}/blobs/{name}"), &[auth], b"")
            .await;
        assert!(got.status == 200 && got.body == bytes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_uploads_and_old_tokens_end() {
    let clock = Clock::manual(1_800_000_000_000_000);
    let market = small_at(clock.clone()).await;
    let token = market.pusher(INBOX).await;
    let auth = ("Authorization", token.as_str());
    let location = open(&market, &token, INBOX).await;
    assert_eq!(
        market
            .ask("PATCH", &location, &[auth], b"some")
            .await
            .status,
        202
    );
    assert_eq!(drop_stale_uploads(&market.app).await.unwrap(), 0);
    clock.advance(25 * HOUR);
    assert_eq!(drop_stale_uploads(&market.app).await.unwrap(), 1);
    let expired = market.ask("GET", &location, &[auth], b"").await;
    assert_eq!(expired.status, 401);
    assert!(
        expired
            .header("www-authenticate")
            .contains("error=\"invalid_token\"")
    );
    let fresh = market.pusher(INBOX).await;
    assert_eq!(
        market
            .ask("GET", &location, &[("Authorization", &fresh)], b"")
            .await
            .status,
        404
    );
}
