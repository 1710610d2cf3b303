//! The other half of linking a blob. Bytes that nothing linked may be removed at any moment, so whoever links them looks
//! afterwards whether they are there: a removal that began before the link may have taken them, and none can begin after it.

use oci::Digest;

use crate::App;
use crate::error::Trouble;

/// Whether the bytes of a blob that was just linked are there; if not, the link goes.
pub(crate) async fn is_there(
    app: &App,
    repository: &str,
    digest: &Digest,
    size: u64,
) -> Result<bool, Trouble> {
    let there = app.blobs.size(digest).await;
    let there = there.map_err(|error| Trouble::Storage(error.to_string()))?;
    if there == Some(size) {
        return Ok(true);
    }
    let tx = app.writer.begin().await?;
    store::registry::unlink_blob(&tx, repository, digest).await?;
    tx.commit().await?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use oci::Digest;
    use store::Store;
    use testkit::engines::for_each_engine;

    use super::is_there;
    use crate::clock::Clock;
    use crate::testing;

    const REPOSITORY: &str = "incoming/contoso/sensor";

    async fn looked_for(store: Store) {
        let (app, _keys) = testing::app(store.clone(), Clock::System).await;
        let (kept, gone) = (Digest::sha256_of(b"kept"), Digest::sha256_of(b"gone"));
        let body = futures_util::stream::iter([Ok::<_, std::io::Error>(b"kept".as_slice().into())]);
        app.blobs.put_verified(&kept, body, 4).await.unwrap();
        let tx = store.writer.begin().await.unwrap();
        for digest in [&kept, &gone] {
            store::registry::link_blob(&tx, REPOSITORY, digest, 4, false, 1)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        assert!(is_there(&app, REPOSITORY, &kept, 4).await.unwrap());
        assert!(!is_there(&app, REPOSITORY, &gone, 4).await.unwrap());
        let left = store::registry::blobs_of(&app.reader, REPOSITORY).await;
        let left: Vec<Digest> = left
            .unwrap()
            .into_iter()
            .map(|(digest, _)| digest)
            .collect();
        assert_eq!(left, [kept]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_link_without_bytes_goes() {
        for_each_engine(looked_for).await;
    }
}
