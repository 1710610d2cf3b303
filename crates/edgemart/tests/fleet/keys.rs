//! `admin keys rotate` killed at many points, beside a server that keeps sealing: every stored secret opens all the time,
//! and in the end one key is left.

use std::process::Stdio;
use std::time::Duration;

use app::offers::{UpstreamCredentials, put_credentials};
use app::secrets::{Sealed, SecretKeys};
use testkit::postgres;

use crate::place::{Place, image};

/// Stored secrets.
const OFFERS: usize = 3;
const ROUNDS: u64 = 12;

fn given(password: &str) -> UpstreamCredentials {
    UpstreamCredentials {
        username: "robot".into(),
        password: password.into(),
        realm_host: None,
    }
}

/// Opens everything with the key file as it is now; answers the ids of the keys in use.
async fn all_open(place: &Place) -> Vec<String> {
    let app = place.app().await;
    let keys = SecretKeys::open_or_create(&place.folder.path().join("data/secrets.key")).unwrap();
    let rows = store::credentials::list_all(&app.reader).await.unwrap();
    assert_eq!(rows.len(), OFFERS);
    for row in rows {
        let id = format!("credentials/{}.{}/{}", row.publisher, row.offer, row.plan);
        let sealed = Sealed {
            key_id: row.key_id,
            nonce: row.nonce,
            ciphertext: row.ciphertext,
        };
        let plain = keys.open(&id, &sealed).unwrap();
        let plain = std::str::from_utf8(&plain).unwrap();
        assert!(plain.contains("robot"), "{plain}");
    }
    keys.ids()
}

async fn rotate_and_kill(place: &Place, after: Duration) {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_edgemart"))
        .args(["admin", "keys", "rotate", "--config"])
        .arg(&place.config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // Where it falls differs from machine to machine, and that is the point; a run that ended first is fine, too.
    let _ = tokio::time::timeout(after, child.wait()).await;
    let _ = child.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_may_be_killed_and_run_again() {
    for place in [
        Place::new(None, None).await,
        Place::new(Some(postgres::create_database()), None).await,
    ] {
        let app = place.app().await;
        let owner = place.found(&app).await;
        let mut offers = Vec::new();
        for at in 0..OFFERS {
            offers.push(
                place
                    .draft(&app, &owner, &format!("sensor-{at}"), &image(at))
                    .await,
            );
        }
        let plan = "standard".parse().unwrap();
        let host = place.upstream.host.clone();
        let seal = async |round: u64| {
            for key in &offers {
                let password = format!("secret {round}");
                put_credentials(&app, &owner, key, &plan, &host, given(&password))
                    .await
                    .unwrap();
            }
        };
        seal(0).await;
        let before = all_open(&place).await;
        assert_eq!(before.len(), 1);
        for round in 0..ROUNDS {
            let after = Duration::from_millis(10 + (round * 67) % 500);
            tokio::join!(rotate_and_kill(&place, after), seal(round));
            all_open(&place).await;
        }
        // Once to end what was begun, once for a new key.
        for _ in 0..2 {
            let (code, _, told) = place.verb(&["admin", "keys", "rotate"]).await;
            assert_eq!(code, 0, "{told}");
        }
        let after = all_open(&place).await;
        assert_eq!(after.len(), 1, "old keys are retired");
        assert_ne!(after, before);
        // This process still has its old view, and follows.
        seal(99).await;
        assert_eq!(all_open(&place).await, after);
        let (code, out, _) = place.verb(&["admin", "keys", "list", "-o", "json"]).await;
        assert_eq!(code, 0);
        let listed: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(listed["items"][0]["secrets"], OFFERS);
        assert_eq!(listed["items"][0]["seals"], true);
    }
}
