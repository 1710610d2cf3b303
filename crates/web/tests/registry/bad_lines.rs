//! Edge links: what a client on a bad line can count on. Everything here goes through the fault proxy.

use std::time::Duration;

use app::settings::Transfers;
use testkit::fault::{BadLine, Line, Plan};
use testkit::image::digest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::send;
use crate::market::{INBOX, Market, on_both, small, small_paced};

const MEBIBYTE: usize = 1024 * 1024;

fn noise(length: usize) -> Vec<u8> {
    let mut state: u32 = 7;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3]
        })
        .collect()
}

/// What arrives of an answer before the line ends, and its head.
async fn fetch(line: &BadLine, target: &str, headers: &[(&str, String)]) -> (String, Vec<u8>) {
    let mut head = format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
        line.address
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut stream = TcpStream::connect(line.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut all, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    while let Ok(count) = stream.read(&mut piece).await {
        if count == 0 {
            break;
        }
        all.extend_from_slice(&piece[..count]);
    }
    let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") else {
        return (String::new(), Vec::new());
    };
    let head = String::from_utf8_lossy(&all[..end]).to_ascii_lowercase();
    (head, all.split_off(end + 4))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_after_every_cut() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let content = noise(5 * MEBIBYTE + 77);
        let blob = market.push_blob(INBOX, &token, &content).await;
        let target = format!("/v2/{INBOX}/blobs/{blob}");
        let line = BadLine::to(market.peer).await.unwrap();
        line.plan((0..4).map(|round| {
            Plan::down(Line {
                reset_after_bytes: Some(900_000 + round * 50_001),
                ..Line::default()
            })
        }));
        let mut have = Vec::new();
        let mut tries = 0;
        while have.len() < content.len() {
            tries += 1;
            assert!(tries <= 6, "{} bytes after {tries} tries", have.len());
            let headers = [
                ("Authorization", token.clone()),
                ("Range", format!("bytes={}-", have.len())),
                ("If-Range", format!("\"{blob}\"")),
            ];
            let (head, bytes) = fetch(&line, &target, &headers).await;
            if head.is_empty() {
                continue;
            }
            assert!(head.starts_with("http/1.1 206"), "{head}");
            let range = format!(
                "content-range: bytes {}-{}/{}",
                have.len(),
                content.len() - 1,
                content.len()
            );
            assert!(head.contains(&range), "{head}");
            have.extend_from_slice(&bytes);
        }
        assert_eq!(tries, 5, "four cuts and a clean end");
        assert!(have == content, "what was pieced together is the blob");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_after_a_cut_and_a_flipped_bit_is_found() {
    on_both(async |market: Market| {
        let token = market.pusher(INBOX).await;
        let auth = ("Authorization", token.as_str());
        let content = noise(3 * MEBIBYTE);
        let blob = digest(&content);
        let line = BadLine::to(market.peer).await.unwrap();
        let open = format!("/v2/{INBOX}/blobs/uploads/");
        let at = market.ask("POST", &open, &[auth], b"").await;
        let at = at.header("location").to_owned();
        let first = &content[..MEBIBYTE];
        assert_eq!(
            send(line.address, "PATCH", &at, &[auth], first)
                .await
                .status,
            202
        );
        // The second chunk is cut; the upload stands where it stood, and says so.
        line.plan([Plan::up(Line {
            reset_after_bytes: Some(500_000),
            ..Line::default()
        })]);
        let mut stream = TcpStream::connect(line.address).await.unwrap();
        let head = format!(
            "PATCH {at} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: {}\r\n\r\n",
            2 * MEBIBYTE
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The line breaks in the middle of this, which is the point.
        let _ = stream.write_all(&content[MEBIBYTE..]).await;
        drop(stream);
        let standing = market.ask("GET", &at, &[auth], b"").await;
        assert_eq!(standing.header("range"), format!("0-{}", MEBIBYTE - 1));
        let close = format!("{at}?digest={blob}");
        let done = send(line.address, "PUT", &close, &[auth], &content[MEBIBYTE..]).await;
        assert_eq!(done.status, 201, "{}", done.text());
        // The same with one bit turned round on the way.
        line.plan([Plan::up(Line {
            corrupt_byte: Some(2 * MEBIBYTE as u64),
            ..Line::default()
        })]);
        let other = noise(2 * MEBIBYTE + 500_000);
        let other = [&other[..], b"!"].concat();
        let target = format!("{open}?digest={}", digest(&other));
        let wrong = send(line.address, "POST", &target, &[auth], &other).await;
        assert_eq!(
            (wrong.status, wrong.code().as_str()),
            (400, "DIGEST_INVALID")
        );
        let there = format!("/v2/{INBOX}/blobs/{}", digest(&other));
        assert_eq!(market.ask("HEAD", &there, &[auth], b"").await.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_silent_clients_hold_nobody_up() {
    let market = small().await;
    let token = market.pusher(INBOX).await;
    let auth = ("Authorization", token.as_str());
    let content = noise(4 * MEBIBYTE);
    let blob = market.push_blob(INBOX, &token, &content).await;
    let target = format!("/v2/{INBOX}/blobs/{blob}");
    let line = BadLine::to(market.peer).await.unwrap();
    let silent = Line {
        stall_after_bytes: Some(100_000),
        ..Line::default()
    };
    line.plan([Plan::down(silent); 16]);
    let (market, line) = (std::sync::Arc::new(market), std::sync::Arc::new(line));
    let mut stuck = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (line, target, token) = (line.clone(), target.clone(), token.clone());
        stuck.spawn(async move { fetch(&line, &target, &[("Authorization", token)]).await });
    }
    for _ in 0..20 {
        let begun = std::time::Instant::now();
        let answer = market.ask("GET", &target, &[auth], b"").await;
        assert!(answer.body == content);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    // A thin line is slow and gets everything: there is no deadline on a whole transfer.
    let headers = [
        ("Authorization", token.clone()),
        ("Range", "bytes=0-399999".into()),
    ];
    let slow = BadLine::to(market.peer).await.unwrap();
    slow.plan([Plan::down(Line {
        latency: Some(Duration::from_millis(2)),
        bytes_per_second_max: Some(200_000),
        ..Line::default()
    })]);
    let (_, bytes) = fetch(&slow, &target, &headers).await;
    assert!(bytes == content[..400_000]);
    assert_eq!(stuck.len(), 16);
    stuck.abort_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_nothing_is_let_go() {
    let market = small_paced(Transfers {
        silence_max: Duration::from_secs(1),
        ..Transfers::default()
    })
    .await;
    let token = market.pusher(INBOX).await;
    let content = noise(32 * MEBIBYTE);
    let blob = market.push_blob(INBOX, &token, &content).await;
    let ask = format!(
        "GET /v2/{INBOX}/blobs/{blob} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {token}\r\n\r\n"
    );
    let mut stalled = TcpStream::connect(market.peer).await.unwrap();
    stalled.write_all(ask.as_bytes()).await.unwrap();
    // Nothing is read, so the window shuts.
    let_go(&market).await;
    drop(stalled);
    // The same through a line that goes dead half-way and tells nobody.
    let line = BadLine::to(market.peer).await.unwrap();
    line.plan([Plan::down(Line {
        stall_after_bytes: Some(3 * MEBIBYTE as u64),
        ..Line::default()
    })]);
    let dead = begin(line, format!("/v2/{INBOX}/blobs/{blob}"), token.clone());
    let_go(&market).await;
    dead.abort();
    // Who reads, however slowly, is not let go.
    let mut slow = TcpStream::connect(market.peer).await.unwrap();
    slow.write_all(ask.as_bytes()).await.unwrap();
    let (mut all, mut piece) = (0, vec![0; 2 * MEBIBYTE]);
    loop {
        let count = slow.read(&mut piece).await.unwrap();
        if count == 0 {
            break;
        }
        all += count;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(all > content.len(), "{all} bytes with the head");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trickle_is_let_go() {
    let market = small_paced(Transfers {
        window: Duration::from_secs(1),
        window_bytes_min: MEBIBYTE as u64,
        ..Transfers::default()
    })
    .await;
    let token = market.pusher(INBOX).await;
    let content = noise(32 * MEBIBYTE);
    let blob = market.push_blob(INBOX, &token, &content).await;
    let target = format!("/v2/{INBOX}/blobs/{blob}");
    let line = BadLine::to(market.peer).await.unwrap();
    let headers = [("Authorization", token.clone())];
    let (_, bytes) = fetch(&line, &target, &headers).await;
    assert!(bytes == content, "{} bytes", bytes.len());
    let trickle = BadLine::to(market.peer).await.unwrap();
    trickle.plan([Plan::down(Line {
        bytes_per_second_max: Some(128 * 1024),
        ..Line::default()
    })]);
    let stuck = begin(trickle, target, token);
    let_go(&market).await;
    stuck.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_went_silent_is_told_and_goes_on_later() {
    let market = small_paced(Transfers {
        silence_max: Duration::from_secs(1),
        ..Transfers::default()
    })
    .await;
    let token = market.pusher(INBOX).await;
    let auth = ("Authorization", token.as_str());
    let content = noise(400_000);
    let open = format!("/v2/{INBOX}/blobs/uploads/");
    let at = market.ask("POST", &open, &[auth], b"").await;
    let at = at.header("location").to_owned();
    let line = BadLine::to(market.peer).await.unwrap();
    line.plan([Plan::up(Line {
        stall_after_bytes: Some(100_000),
        ..Line::default()
    })]);
    let told = send(line.address, "PATCH", &at, &[auth], &content).await;
    assert_eq!(
        (told.status, told.code().as_str()),
        (400, "BLOB_UPLOAD_INVALID")
    );
    let standing = market.ask("GET", &at, &[auth], b"").await;
    assert_eq!(
        standing.header("range"),
        "0-0",
        "nothing of the chunk is kept"
    );
    let close = format!("{at}?digest={}", digest(&content));
    let done = market.ask("PUT", &close, &[auth], &content).await;
    assert_eq!(done.status, 201, "{}", done.text());
}

/// Asks for a blob through a line, in the background.
fn begin(line: BadLine, target: String, token: String) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        fetch(&line, &target, &[("Authorization", token)]).await;
    })
}

/// Until the server, which has sent something, keeps no connection any more.
async fn let_go(market: &Market) {
    let port = market.peer.port();
    let gone = tokio::time::timeout(Duration::from_secs(60), async {
        while established(port) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        while established(port) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    gone.await
        .expect("the server kept a reader that takes too little");
}

/// How many connections the kernel holds open from a port here.
fn established(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let from = format!("0100007F:{port:04X}");
    let lines = table.lines().map(|line| line.split_whitespace());
    lines
        .filter(|words| {
            let mut words = words.clone().skip(1);
            words.next() == Some(&from) && words.nth(1) == Some("01")
        })
        .count()
}
