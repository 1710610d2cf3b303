//! A member deletes a tag, a manifest or a blob of the publisher's own repository. Only the repository's hold on it goes,
//! at once; bytes that nothing holds any longer are swept later. Refuses a blob that a manifest still lists.

use oci::{Digest, ErrorCode, Manifest, Reference};
use serde_json::json;

use super::authorize::{PushPass, unknown};
use super::log::record;
use super::refusal::{Fault, Refusal};
use crate::App;

/// Deletes a tag alone, or a manifest with all its tags.
pub async fn delete_manifest(
    app: &App,
    pass: &PushPass,
    reference: &Reference,
) -> Result<(), Refusal> {
    let repository = pass.repository().as_str();
    let missing = || {
        Refusal::NotFound(unknown(
            ErrorCode::ManifestUnknown,
            pass.repository(),
            reference.as_str(),
        ))
    };
    let tx = app.writer.begin().await?;
    match reference {
        Reference::Tag(tag) => {
            if store::registry::tag(&tx, repository, tag.as_str())
                .await?
                .is_none()
            {
                return Err(missing());
            }
            store::registry::delete_tag(&tx, repository, tag.as_str()).await?;
            record(app, &tx, pass, "tag_deleted", json!({"tag": tag})).await?;
        }
        Reference::Digest(digest) => {
            if store::registry::has_manifest(&tx, repository, digest)
                .await?
                .is_none()
            {
                return Err(missing());
            }
            let tags = store::registry::tags_of_digest(&tx, repository, digest).await?;
            for tag in &tags {
                store::registry::delete_tag(&tx, repository, tag).await?;
            }
            store::registry::unlink_manifest(&tx, repository, digest).await?;
            record(
                app,
                &tx,
                pass,
                "manifest_deleted",
                json!({"digest": digest, "tags": tags}),
            )
            .await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Deletes a blob that no manifest of the repository lists.
pub async fn delete_blob(app: &App, pass: &PushPass, digest: &Digest) -> Result<(), Refusal> {
    let repository = pass.repository().as_str();
    let tx = app.writer.begin().await?;
    if store::registry::has_blob(&tx, repository, digest)
        .await?
        .is_none()
    {
        return Err(Refusal::NotFound(unknown(
            ErrorCode::BlobUnknown,
            pass.repository(),
            digest.as_str(),
        )));
    }
    // First the row, which makes a push of a manifest that needs it wait or be seen; then the look for manifests.
    store::registry::unlink_blob(&tx, repository, digest).await?;
    for (held, _) in store::registry::manifests_of(&tx, repository).await? {
        let Some(stored) = store::registry::manifest(&tx, &held).await? else {
            continue;
        };
        let manifest = Manifest::parse(Some(&stored.media_type), &stored.bytes)
            .map_err(|error| Refusal::storage(format!("manifest {held}: {error}")))?;
        if manifest.blobs().any(|blob| blob.digest == *digest) {
            let message = format!(
                "the blob {digest} is still listed by the manifest {held}; delete that first"
            );
            return Err(Refusal::Conflict(Fault::new(ErrorCode::Denied, message)));
        }
    }
    record(app, &tx, pass, "blob_deleted", json!({"digest": digest})).await?;
    tx.commit().await?;
    Ok(())
}
