//! Pictures that publishers uploaded. The rows say whose and what; the bytes are in [`crate::Blobs`].

use domain::ids::PublisherId;
use oci::Digest;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::column::Row;
use crate::digests;
use crate::entity::media::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// A picture of a publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// What its bytes hash to.
    pub digest: Digest,
    /// Who uploaded it; two publishers may have uploaded the same bytes.
    pub publisher: PublisherId,
    /// Such as `image/png`.
    pub media_type: String,
    /// Bytes.
    pub size: i64,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

fn read(model: Model) -> Result<Media, Error> {
    let row = Row {
        table: "media",
        key: &model.digest,
    };
    Ok(Media {
        digest: row.read("digest", &model.digest)?,
        publisher: row.read("publisher", &model.publisher)?,
        media_type: model.media_type,
        size: model.size,
        created_at: model.created_at,
    })
}

/// Notes a picture; one that the publisher has already stays as it is.
pub async fn put(tx: &Tx, media: &Media) -> Result<(), Error> {
    let model = Model {
        digest: media.digest.to_string(),
        publisher: media.publisher.to_string(),
        media_type: media.media_type.clone(),
        size: media.size,
        created_at: media.created_at,
    };
    write::insert_if_new(tx, model.into_active_model()).await?;
    Ok(())
}

/// The picture with this digest, as the first who uploaded it described it.
pub async fn find(source: &impl Source, digest: &Digest) -> Result<Option<Media>, Error> {
    let query = Entity::find()
        .filter(Column::Digest.eq(digest.as_str()))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Publisher)
        .limit(1);
    query.one(&source.connection()).await?.map(read).transpose()
}

/// Digests of all pictures, each once, in order, after the given one; at most `limit`.
pub async fn all(
    source: &impl Source,
    after: Option<&Digest>,
    limit: u64,
) -> Result<Vec<Digest>, Error> {
    digests::page::<Entity>(source, Column::Digest, Condition::all(), after, limit).await
}
