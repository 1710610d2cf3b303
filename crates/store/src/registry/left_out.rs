//! Images that a released index lists and its publisher chose not to bring. Nothing is kept of them but for which platform
//! they are, to tell whoever asks.

use oci::Digest;
use sea_orm::{EntityTrait, IntoActiveModel};

use crate::entity::left_out_manifest::{Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// Notes that a repository does not have `digest`, the image for `platform`, on purpose.
pub async fn leave_out(tx: &Tx, repo: &str, digest: &Digest, platform: &str) -> Result<(), Error> {
    let row = Model {
        repository: repo.to_owned(),
        digest: digest.to_string(),
        platform: platform.to_owned(),
    };
    write::insert_if_new(tx, row.into_active_model()).await?;
    Ok(())
}

/// For which platform an image is that a repository does not have on purpose.
pub async fn left_out(
    source: &impl Source,
    repo: &str,
    digest: &Digest,
) -> Result<Option<String>, Error> {
    let key = (repo.to_owned(), digest.to_string());
    let found = Entity::find_by_id(key).one(&source.connection()).await?;
    Ok(found.map(|row| row.platform))
}
