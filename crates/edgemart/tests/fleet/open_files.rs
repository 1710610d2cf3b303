//! Far more connections than the process may have files: it goes on accepting when it can, says no where it cannot, loses
//! nothing, and is well again when the connections are gone.

use std::time::Duration;

use reqwest::Method;
use tokio::net::TcpStream;

use crate::place::{PATIENCE, Place, check_complete};
use crate::server::Server;
use crate::work::Work;

const FILES_MAX: u64 = 128;
const CONNECTIONS: usize = 400;
/// Pushes tried while there is no room.
const TRIES: u64 = 8;
/// How long one of them may be kept waiting.
const WAIT: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_connections_passes() {
    let place = Place::new(None, None).await;
    place.found(&place.app().await).await;
    let mut server = Server::start_with_few_files(&place.config, FILES_MAX).await;
    let mut before = Work::new(&server.url, 0);
    before.push().await.expect("there is room");

    let mut flood = Vec::new();
    for _ in 0..CONNECTIONS {
        // What is beyond the queue of the system is not even connected.
        let connected = TcpStream::connect(server.host());
        if let Ok(Ok(stream)) = tokio::time::timeout(WAIT, connected).await {
            flood.push(stream);
        }
    }
    assert!(
        flood.len() as u64 > FILES_MAX,
        "{} connections",
        flood.len()
    );
    // By a connection from before, and by new ones; each is answered, told no, or not reached.
    for at in 0..TRIES {
        let fresh = Work::new(&server.url, at);
        let work = if at % 2 == 0 { &before } else { &fresh };
        let path = "/v2/incoming/contoso/flood/blobs/uploads/";
        let asked = tokio::time::timeout(WAIT, work.ask(Method::POST, path, Vec::new())).await;
        if let Ok(Ok(answer)) = asked {
            let status = answer.status().as_u16();
            assert!([202, 500, 503].contains(&status), "{status}");
            let text = answer.text().await.unwrap();
            assert!(status == 202 || text.contains("\"errors\""), "{text}");
            assert!(!text.contains("os error"), "{text}");
        }
    }
    assert!(!server.is_gone());

    drop(flood);
    let mut after = Work::new(&server.url, TRIES + 1);
    let healthy = async {
        while after
            .ask(Method::GET, "/readyz", Vec::new())
            .await
            .map_or(0, |a| a.status().as_u16())
            != 200
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let recovered = tokio::time::timeout(PATIENCE, healthy).await;
    recovered.expect("the server did not recover");
    after.push().await.expect("there is room again");
    server.kill().await;
    let app = place.app().await;
    before.check(&app).await;
    after.check(&app).await;
    check_complete(&app).await;
}
