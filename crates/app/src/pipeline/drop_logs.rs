//! Event logs of runs that no run names: a process was killed between the file and its row, or before it could remove the
//! file of a row that went.

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use oci::Digest;

use crate::App;
use crate::registry::Refusal;

/// Digests that the database is asked for at once.
const AT_ONCE: usize = 400;

/// Removes logs that were written before a time and that no run names; tells how many. Whoever runs a module writes the
/// log and, right after it, the row: what is younger may be waiting for that.
pub(crate) async fn drop_unnamed_logs(app: &App, before: i64) -> Result<usize, Refusal> {
    let mut stored = app.blobs.list_run_logs();
    let mut dropped = 0;
    loop {
        let mut old: Vec<Digest> = Vec::with_capacity(AT_ONCE);
        let mut ended = true;
        while let Some(log) = stored.try_next().await.map_err(Refusal::storage)? {
            if log.modified < before {
                old.push(log.digest);
            }
            if old.len() == AT_ONCE {
                ended = false;
                break;
            }
        }
        let named: BTreeSet<Digest> = store::runs::named_logs(&app.reader, &old).await?;
        for digest in old.iter().filter(|digest| !named.contains(digest)) {
            let removed = app.blobs.delete_run_log(digest).await;
            removed.map_err(Refusal::storage)?;
            dropped += 1;
        }
        if ended {
            return Ok(dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use domain::release::ReleasePlatform;
    use oci::Digest;
    use store::Store;
    use testkit::engines::for_each_engine;

    use super::drop_unnamed_logs;
    use crate::clock::{Clock, DAY};
    use crate::testing;

    async fn orphans(store: Store) {
        let (app, _keys) = testing::app(store.clone(), Clock::System).await;
        let submission = testing::submission(&store, domain::lifecycle::State::Live).await;
        let image = ReleasePlatform {
            platform: "linux/amd64".parse().unwrap(),
            digest: Digest::sha256_of(b"image"),
            compressed_bytes: 1,
            layers: 1,
        };
        let run = testkit::runs::ran(&store, &submission.id, &image, 1).await;
        let tx = store.writer.begin().await.unwrap();
        store::runs::keep(&tx, &run).await.unwrap();
        tx.commit().await.unwrap();
        let named = run.summary.log.unwrap().digest;
        let orphan = Bytes::from_static(b"of a process that was killed");
        let orphan = app.blobs.put_run_log(orphan).await.unwrap();
        let there = async |digest: &Digest| app.blobs.get_run_log(digest).await.unwrap().is_some();

        let now = app.clock.now();
        assert_eq!(drop_unnamed_logs(&app, now - DAY).await.unwrap(), 0);
        assert!(there(&orphan).await, "its row may be on its way");
        assert_eq!(drop_unnamed_logs(&app, now + DAY).await.unwrap(), 1);
        assert!(there(&named).await && !there(&orphan).await);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_old_logs_that_no_run_names_go() {
        for_each_engine(orphans).await;
    }
}
