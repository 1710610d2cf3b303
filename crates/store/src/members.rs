//! Who belongs to which publisher, and as what.

use domain::ids::PublisherId;
use domain::role::MemberRole;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::accounts::Account;
use crate::column::Row;
use crate::entity::account;
use crate::entity::member::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write::{self, BINDS_MAX};

/// An account's place in a publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which publisher.
    pub publisher: PublisherId,
    /// Which account.
    pub account_id: String,
    /// As what.
    pub role: MemberRole,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

fn read(model: Model) -> Result<Member, Error> {
    let row = Row {
        table: "members",
        key: &format!("{}/{}", model.publisher, model.account_id),
    };
    Ok(Member {
        publisher: row.read("publisher", &model.publisher)?,
        role: row.read("role", &model.role)?,
        account_id: model.account_id,
        created_at: model.created_at,
    })
}

/// Adds a member, or changes the role of one.
pub async fn put(tx: &Tx, member: &Member) -> Result<(), Error> {
    let model = Model {
        publisher: member.publisher.to_string(),
        account_id: member.account_id.clone(),
        role: member.role.as_str().to_owned(),
        created_at: member.created_at,
    };
    let key = [Column::Publisher, Column::AccountId];
    write::upsert(tx, model.into_active_model(), key, [Column::Role]).await
}

/// Removes a member. `false`: was none.
pub async fn remove(tx: &Tx, publisher: &PublisherId, account_id: &str) -> Result<bool, Error> {
    let query = Entity::delete_many()
        .filter(Column::Publisher.eq(publisher.as_str()))
        .filter(Column::AccountId.eq(account_id));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// The memberships of an account, in order of publisher.
pub async fn of_account(source: &impl Source, account_id: &str) -> Result<Vec<Member>, Error> {
    let query = Entity::find()
        .filter(Column::AccountId.eq(account_id))
        .order_by_asc(Column::Publisher);
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// The members of a publisher with their accounts, longest-standing first.
pub async fn of_publisher(
    source: &impl Source,
    publisher: &PublisherId,
) -> Result<Vec<(Member, Account)>, Error> {
    let connection = source.connection();
    let members = Entity::find()
        .filter(Column::Publisher.eq(publisher.as_str()))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::AccountId)
        .all(&connection)
        .await?;
    let mut found = Vec::with_capacity(members.len());
    for some in members.chunks(BINDS_MAX) {
        let ids = some.iter().map(|member| member.account_id.as_str());
        let accounts = account::Entity::find()
            .filter(account::Column::Id.is_in(ids))
            .order_by_asc(account::Column::Id)
            .all(&connection)
            .await?;
        for model in some {
            // The foreign key promises the account; a sorted list finds it.
            if let Ok(at) = accounts.binary_search_by(|account| account.id.cmp(&model.account_id)) {
                found.push((read(model.clone())?, accounts[at].clone()));
            }
        }
    }
    Ok(found)
}

/// Takes an account out of every publisher; tells of how many.
pub async fn remove_of_account(tx: &Tx, account_id: &str) -> Result<u64, Error> {
    let query = Entity::delete_many().filter(Column::AccountId.eq(account_id));
    Ok(query.exec(&tx.inner).await?.rows_affected)
}
