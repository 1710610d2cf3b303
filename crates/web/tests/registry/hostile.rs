//! Requests that nobody honest sends: each gets a clear answer in the envelope, and the server goes on.

use testkit::image::digest;

use crate::market::{INBOX, LIVE, small};

#[tokio::test(flavor = "multi_thread")]
async fn path_tricks_get_a_clear_no() {
    let market = small().await;
    let name = digest(b"x");
    let long = "a/".repeat(600);
    let cases = [
        ("/v2/../etc/passwd".to_owned(), 400),
        (format!("/v2/{LIVE}/../../../blobs/{name}"), 400),
        (format!("/v2/contoso/%2e%2e/x/blobs/{name}"), 400),
        (
            "/v2/contoso%2Fsensor/standard/manifests/latest".to_owned(),
            400,
        ),
        (
            "/v2/contoso/sensor/standard/manifests/..%2f..%2fetc".to_owned(),
            400,
        ),
        ("/v2/contoso/sensor/standard/manifests/%00".to_owned(), 400),
        ("/v2//contoso//manifests/latest".to_owned(), 400),
        ("/v2/Contoso/sensor/manifests/latest".to_owned(), 400),
        ("/v2/contoso/sensor_/manifests/latest".to_owned(), 400),
        ("/v2/-contoso/manifests/latest".to_owned(), 400),
        ("/v2/contoso/sensor\\x/manifests/latest".to_owned(), 400),
        (format!("/v2/{long}x/manifests/latest"), 400),
        (format!("/v2/{LIVE}/blobs/sha256:{}", "z".repeat(64)), 400),
        (format!("/v2/{LIVE}/blobs/sha256:abc"), 400),
        (
            format!("/v2/{LIVE}/blobs/md5:d41d8cd98f00b204e9800998ecf8427e"),
            400,
        ),
        (format!("/v2/{LIVE}/manifests/{}", "t".repeat(200)), 404),
        (format!("/v2/{LIVE}/manifests/.hidden"), 404),
        ("/v2/contoso".to_owned(), 404),
        ("/v2/contoso/manifests".to_owned(), 404),
        ("/v2/_unknown/extension".to_owned(), 404),
        (format!("/v2/{LIVE}/tags/list?n=-1"), 400),
        (format!("/v2/{LIVE}/tags/list?n=abc"), 400),
        (format!("/v2/{LIVE}/tags/list?n=1&n=2"), 400),
        (format!("/v2/{LIVE}/tags/list?last=%ff"), 400),
        (
            format!("/v2/{LIVE}/tags/list?{}", "x=1&".repeat(2_000)),
            400,
        ),
    ];
    for (target, status) in cases {
        let answer = market.get(&target).await;
        assert_eq!(answer.status, status, "{target:.80}: {}", answer.text());
        answer.code();
        assert!(answer.body.len() < 4_000, "{target:.80}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(market.get("/v2/_catalog").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_methods_say_what_is_allowed() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    for (method, target, allow) in [
        ("POST", "/v2/".to_owned(), "GET, HEAD"),
        ("DELETE", "/v2/_catalog".to_owned(), "GET, HEAD"),
        (
            "POST",
            format!("/v2/{INBOX}/manifests/x"),
            "GET, HEAD, PUT, DELETE",
        ),
        (
            "PUT",
            format!("/v2/{INBOX}/blobs/{}", digest(b"x")),
            "GET, HEAD, DELETE",
        ),
        ("GET", format!("/v2/{INBOX}/blobs/uploads/"), "POST"),
        ("PROPFIND", format!("/v2/{INBOX}/tags/list"), "GET, HEAD"),
        (
            "OPTIONS",
            format!("/v2/{INBOX}/blobs/uploads/x"),
            "GET, PATCH, PUT, DELETE",
        ),
        ("POST", "/v1/search?q=x".to_owned(), "GET, HEAD"),
    ] {
        let answer = market
            .ask(method, &target, &[("Authorization", &token)], b"")
            .await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, allow),
            "{method} {target}"
        );
        assert_eq!(answer.code(), "UNSUPPORTED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_leaves_the_upload_where_it_stood() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    let auth = ("Authorization", token.as_str());
    let opened = market
        .ask("POST", &format!("/v2/{INBOX}/blobs/uploads/"), &[auth], b"")
        .await;
    let location = opened.header("location").to_owned();
    assert_eq!(
        market
            .ask("PATCH", &location, &[auth], b"first ")
            .await
            .status,
        202
    );
    // Announces more than it sends, then goes away.
    {
        use tokio::io::AsyncWriteExt as _;
        let mut stream = tokio::net::TcpStream::connect(market.peer).await.unwrap();
        let head = format!(
            "PATCH {location} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: 1000\r\n\r\nsome of it"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        use tokio::io::AsyncReadExt as _;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
    let standing = market.ask("GET", &location, &[auth], b"").await;
    assert_eq!((standing.status, standing.header("range")), (204, "0-5"));
    let whole = b"first and second";
    let closed = market
        .ask(
            "PUT",
            &format!("{location}?digest={}", digest(whole)),
            &[auth, ("Content-Range", "6-15")],
            &whole[6..],
        )
        .await;
    assert_eq!(closed.status, 201, "{}", closed.text());
}
