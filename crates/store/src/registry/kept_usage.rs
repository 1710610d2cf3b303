//! What a publisher holds at most: what was counted last, and what was pushed and imported since. What went since is not taken
//! off, so whoever finds it too much counts anew ([`super::usage`]); what came otherwise, the tags of a go-live, shows at the
//! next count.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::Usage;
use crate::entity::publisher_usage::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// What is kept of one publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptUsage {
    /// At most this much.
    pub usage: Usage,
    /// When all of it was counted, microseconds since 1970, UTC.
    pub counted_at: i64,
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What a publisher holds at most; nothing before the first count.
pub async fn kept_usage(source: &impl Source, publisher: &str) -> Result<Option<KeptUsage>, Error> {
    let found = Entity::find_by_id(publisher);
    let found = found.one(&source.connection()).await?;
    Ok(found.map(|row| KeptUsage {
        usage: Usage {
            bytes: unsigned(row.bytes),
            repositories: unsigned(row.repositories),
            tags: unsigned(row.tags),
        },
        counted_at: row.counted_at,
    }))
}

/// Writes it down. Whoever does holds the publisher ([`super::hold_publisher`]), so that nothing that came meanwhile is lost.
pub async fn keep_usage(tx: &Tx, publisher: &str, kept: &KeptUsage) -> Result<(), Error> {
    let row = Model {
        publisher: publisher.to_owned(),
        bytes: signed(kept.usage.bytes),
        repositories: signed(kept.usage.repositories),
        tags: signed(kept.usage.tags),
        counted_at: kept.counted_at,
    };
    let changed = [
        Column::Bytes,
        Column::Repositories,
        Column::Tags,
        Column::CountedAt,
    ];
    write::upsert(tx, row.into_active_model(), [Column::Publisher], changed).await
}

/// Adds bytes that came without being asked whether there is room.
pub async fn add_to_usage(tx: &Tx, publisher: &str, bytes: u64) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Bytes, Expr::col(Column::Bytes).add(signed(bytes)))
        .filter(Column::Publisher.eq(publisher))
        .exec(&tx.inner)
        .await?;
    Ok(())
}
