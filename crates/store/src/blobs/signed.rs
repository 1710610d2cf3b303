//! Addresses under which a client reads a blob from the object store itself, signed and for a while. Whoever has one may
//! read that blob until then, and nothing else.

use std::time::Duration;

use object_store::signer::Method;
use oci::Digest;

use super::{BlobError, Blobs};

impl Blobs {
    /// Where a client may `GET` a blob for so long, whether or not it is there; `None` when the storage is a folder.
    pub async fn signed_address(
        &self,
        digest: &Digest,
        good_for: Duration,
    ) -> Result<Option<String>, BlobError> {
        let Some(signer) = &self.signer else {
            return Ok(None);
        };
        let path = self.blob(digest);
        let signed = signer.signed_url(Method::GET, &path, good_for).await;
        let url = signed.map_err(BlobError::storage("sign an address of", &path))?;
        Ok(Some(url.into()))
    }
}
