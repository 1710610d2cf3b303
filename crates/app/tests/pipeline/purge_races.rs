//! The bytes of a takedown go while somebody brings the very same ones: by a push, or by a go-live of what they are also part
//! of. Whoever was told that it is done has all of it afterwards.

use std::collections::BTreeMap;

use app::App;
use app::admin::take_down;
use app::offers::go_live;
use app::registry::{Ask, Caller, Chunk, Refusal, allow_write, put_blob};
use domain::lifecycle::State;
use futures_util::{StreamExt as _, TryStreamExt as _};
use oci::Digest;
use store::Store;
use store::jobs::JobState;
use testkit::engines::for_each_engine;

use crate::market::test_image;
use crate::takedown::{BothVersions, WHY, at_once, blobs, pull_blob, wait_until_purged};

const INBOX: &str = "incoming/contoso/again";
/// Times each layer is pushed, from before the takedown until well after it.
const PUSHES: usize = 40;

async fn push(app: &App, caller: &Caller, digest: &Digest, bytes: &[u8]) -> Result<u64, Refusal> {
    let repository = INBOX.parse().unwrap();
    let pass = allow_write(app, caller, Ask::Push, &repository).await?;
    let body = futures_util::stream::iter([Ok(bytes::Bytes::copy_from_slice(bytes))]);
    let chunk = Chunk {
        range: None,
        length: Some(bytes.len() as u64),
        body: body.boxed(),
    };
    put_blob(app, &pass, digest, chunk).await
}

async fn assert_whole(app: &App, digest: &Digest) {
    let opened = app.blobs.open(digest, None).await.unwrap();
    let (_, bytes) = opened.unwrap_or_else(|| panic!("the bytes of {digest} are gone"));
    let bytes: Vec<bytes::Bytes> = bytes.try_collect().await.unwrap();
    assert_eq!(Digest::sha256_of(&bytes.concat()), *digest);
}

/// Waits until nothing is queued or running.
async fn wait_for_jobs(app: &App) {
    let quiet = async {
        loop {
            let mut left = 0;
            for state in [JobState::Queued, JobState::Running] {
                left += store::jobs::in_state(&app.reader, state, 10)
                    .await
                    .unwrap()
                    .len();
            }
            if left == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), quiet)
        .await
        .expect("a job is never done");
}

async fn against_pushes(store: Store) {
    let both = BothVersions::open_with(store, at_once).await;
    let (market, app) = (&both.market, &both.market.app);
    let mut seeds = samples::images().unwrap().into_iter();
    let newer = seeds.find(|seed| seed.repository == "contoso/heartbeat");
    let bytes: BTreeMap<Digest, Vec<u8>> = test_image(newer.unwrap().image)
        .blobs
        .into_iter()
        .map(|(digest, bytes)| (digest.parse().unwrap(), bytes))
        .collect();
    let caller = Caller::Account(market.owner.account().unwrap().clone());
    let pushes = both.going.iter().map(|digest| {
        let (app, caller, bytes) = (app.clone(), caller.clone(), bytes[digest].clone());
        let digest = digest.clone();
        tokio::spawn(async move {
            let mut told = 0;
            for _ in 0..PUSHES {
                match push(&app, &caller, &digest, &bytes).await {
                    Ok(_) => {
                        told += 1;
                        assert_whole(&app, &digest).await;
                    }
                    // Taken away a moment ago, or being taken away: told, so that the client sends it again.
                    Err(Refusal::Interrupted(_) | Refusal::Failed(_)) => {}
                    Err(other) => panic!("{digest}: {other:?}"),
                }
            }
            told
        })
    });
    let pushes: Vec<_> = pushes.collect();
    let takedown = take_down(app, &market.operator, both.down("1.3.0"))
        .await
        .unwrap();
    let mut told = 0;
    for push in pushes {
        told += push.await.unwrap();
    }
    wait_until_purged(app, &takedown).await;
    wait_for_jobs(app).await;
    assert!(told > 0, "nothing was pushed at all");
    for digest in &both.going {
        let pushed = push(app, &caller, digest, &bytes[digest]).await;
        assert_eq!(pushed.unwrap(), bytes[digest].len() as u64);
        assert_whole(app, digest).await;
        let why = pull_blob(app, &both.repo, digest).await.unwrap();
        assert!(why.contains(WHY), "there it stays down: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_while_it_is_purged_stays() {
    for_each_engine(against_pushes).await;
}

async fn against_a_go_live(store: Store) {
    let mut both = BothVersions::open_with(store, at_once).await;
    both.push_mended().await;
    let (market, app) = (&both.market, &both.market.app);
    let id = market.submit(&both.offer.key()).await;
    market.wait(&id, &[State::Preview]).await;
    let (down, signed) = tokio::join!(
        take_down(app, &market.operator, both.down("1.3.0")),
        go_live(app, &market.owner, &id),
    );
    signed.unwrap();
    wait_until_purged(app, &down.unwrap()).await;
    let done = market.wait(&id, &[State::Live]).await;
    wait_for_jobs(app).await;
    let root = store::registry::tag(&app.reader, &both.repo, "1.4.0").await;
    for digest in blobs(app, &root.unwrap().unwrap()).await {
        assert_eq!(pull_blob(app, &both.repo, &digest).await, None, "{digest}");
        assert_whole(app, &digest).await;
    }
    assert_eq!(done.failure, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_live_while_it_is_purged_is_whole() {
    for_each_engine(against_a_go_live).await;
}
