//! The few statement shapes that every noun shares. A uniqueness conflict is found with `ON CONFLICT DO NOTHING`,
//! because a refused `INSERT` would end the whole transaction on PostgreSQL but not on SQLite.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, DatabaseExecutor, EntityTrait};

use crate::error::Error;
use crate::source::sealed::Connected;

/// Most bound values a statement of ours carries; SQLite builds differ in what they allow.
pub(crate) const BINDS_MAX: usize = 500;

/// Inserts a row unless one of its unique values is taken; tells whether it did.
pub(crate) async fn insert_if_new<A>(to: &impl Connected, row: A) -> Result<bool, Error>
where
    A: ActiveModelTrait,
{
    let inserted = A::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&to.connection())
        .await?;
    Ok(inserted == 1)
}

/// Inserts a row; [`Error::Conflict`] with the given words when one of its unique values is taken.
pub(crate) async fn insert<A>(
    to: &impl Connected,
    row: A,
    unique: &'static str,
) -> Result<(), Error>
where
    A: ActiveModelTrait,
{
    if insert_if_new(to, row).await? {
        Ok(())
    } else {
        Err(Error::Conflict(unique))
    }
}

/// Inserts a row, or overwrites the `changed` columns of the one with the same `key`.
pub(crate) async fn upsert<A>(
    to: &impl Connected,
    row: A,
    key: impl IntoIterator<Item = <A::Entity as EntityTrait>::Column>,
    changed: impl IntoIterator<Item = <A::Entity as EntityTrait>::Column>,
) -> Result<(), Error>
where
    A: ActiveModelTrait,
{
    let connection: DatabaseExecutor<'_> = to.connection();
    A::Entity::insert(row)
        .on_conflict(OnConflict::columns(key).update_columns(changed).to_owned())
        .exec_without_returning(&connection)
        .await?;
    Ok(())
}
