//! The end of a takedown that nobody lifted in time: its blobs leave the repositories it holds, and their bytes leave the
//! storage where no other repository has them. Manifests stay, a few kilobytes each: they answer devices with the reason,
//! and they are the record of what was there.

use domain::actor::Actor;
use oci::Digest;
use serde_json::json;
use store::registry::condemned::{Kind, begin_removal, mark, removed};
use store::takedowns::Takedown;

use crate::App;
use crate::error::{Refused, Trouble};
use crate::jobs::Ended;
use crate::record::Subject;

/// The job.
pub(crate) async fn purge(app: &App, id: &str) -> Result<Ended, Refused> {
    let Some(takedown) = store::takedowns::find(&app.reader, id).await? else {
        return Ok(Ended::Done);
    };
    if takedown.lifted.is_some() {
        return Ok(Ended::Done);
    }
    if takedown.purge_at > app.clock.now() {
        return Ok(Ended::Again("it can still be lifted".into()));
    }
    let blobs = unlink(app, &takedown).await?;
    for digest in blobs {
        remove(app, &digest).await?;
    }
    Ok(Ended::Done)
}

/// Removes bytes that no repository holds, as garbage collection does, but at once: whoever pushes these very bytes at this
/// moment is told to try again, or is seen here.
async fn remove(app: &App, digest: &Digest) -> Result<(), Refused> {
    let now = app.clock.now();
    let tx = app.writer.begin().await?;
    mark(&tx, Kind::Blob, digest, now).await?;
    if !begin_removal(&tx, Kind::Blob, digest, now, now).await? {
        return Ok(());
    }
    tx.commit().await?;
    let deleted = app.blobs.delete(digest).await;
    deleted.map_err(|e| Refused::Failed(Trouble::Storage(e.to_string())))?;
    let tx = app.writer.begin().await?;
    removed(&tx, Kind::Blob, digest).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes the blobs out of their repositories, once; gives all of them.
async fn unlink(app: &App, takedown: &Takedown) -> Result<Vec<Digest>, Refused> {
    let tx = app.writer.begin().await?;
    let withheld = store::takedowns::withheld(&tx, &takedown.id).await?;
    let blobs: Vec<_> = withheld.into_iter().filter(|one| one.blob).collect();
    if store::takedowns::set_purged(&tx, &takedown.id, app.clock.now()).await? {
        for one in &blobs {
            store::registry::unlink_blob(&tx, &one.repository, &one.digest).await?;
        }
        let data = json!({"takedown": takedown.id, "blobs": blobs.len()});
        let subject = (Subject::Offer, &*takedown.key.to_string());
        app.record(&tx, &Actor::System, subject, "takedown_purged", data)
            .await?;
        store::catalog_version::bump(&tx).await?;
        tx.commit().await?;
    }
    Ok(blobs.into_iter().map(|one| one.digest).collect())
}
