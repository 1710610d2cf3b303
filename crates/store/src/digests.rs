//! Lists of digests that stand in one column of a table: each once, in order, page by page where they may be many.

use oci::Digest;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::column::Row;
use crate::error::Error;
use crate::source::Source;

/// Digests of a column whose rows fit the condition, after the given one; at most `limit`.
pub(crate) async fn page<E: EntityTrait>(
    source: &impl Source,
    column: E::Column,
    rows: Condition,
    after: Option<&Digest>,
    limit: u64,
) -> Result<Vec<Digest>, Error> {
    let rows = match after {
        Some(after) => rows.add(column.gt(after.as_str())),
        None => rows,
    };
    read::<E>(source, column, rows, Some(limit)).await
}

/// All of them, for conditions that few rows fit.
pub(crate) async fn all<E: EntityTrait>(
    source: &impl Source,
    column: E::Column,
    rows: Condition,
) -> Result<Vec<Digest>, Error> {
    read::<E>(source, column, rows, None).await
}

async fn read<E: EntityTrait>(
    source: &impl Source,
    column: E::Column,
    rows: Condition,
    limit: Option<u64>,
) -> Result<Vec<Digest>, Error> {
    let query = E::find()
        .select_only()
        .column(column)
        .distinct()
        .filter(rows)
        .order_by_asc(column)
        .limit(limit);
    let found: Vec<String> = query.into_tuple().all(&source.connection()).await?;
    parse(E::default().table_name(), &found)
}

/// Reads digests as they stand in a table.
pub(crate) fn parse(table: &'static str, found: &[String]) -> Result<Vec<Digest>, Error> {
    let read = |text: &String| Row { table, key: text }.read("digest", text);
    found.iter().map(read).collect()
}
