//! Accounts: everyone who signs in, be it a customer, a publisher's member, a reviewer or an operator.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::entity::account::{Column, Entity};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

pub use crate::entity::account::Model as Account;

/// Adds an account; its address is kept in lower case. `Conflict` when the address or the id is taken.
pub async fn insert(tx: &Tx, account: &Account) -> Result<(), Error> {
    let mut row = account.clone();
    row.email = row.email.to_lowercase();
    write::insert(
        tx,
        row.into_active_model(),
        "an account with this e-mail address",
    )
    .await
}

/// The account with this id.
pub async fn find(source: &impl Source, id: &str) -> Result<Option<Account>, Error> {
    Ok(Entity::find_by_id(id).one(&source.connection()).await?)
}

/// The same, and nobody else changes or locks it until the transaction ends. On SQLite its one writer is alone anyway.
pub async fn lock(tx: &Tx, id: &str) -> Result<Option<Account>, Error> {
    Ok(Entity::find_by_id(id)
        .lock_exclusive()
        .one(&tx.inner)
        .await?)
}

/// Locks all operators, so that of two who drop each other the second sees what the first did. Before any single account.
pub async fn lock_operators(tx: &Tx) -> Result<(), Error> {
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Operator.eq(true))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .into_tuple::<String>()
        .all(&tx.inner)
        .await?;
    Ok(())
}

/// The account with this address, in any case.
pub async fn find_by_email(source: &impl Source, email: &str) -> Result<Option<Account>, Error> {
    let found = Entity::find().filter(Column::Email.eq(email.to_lowercase()));
    Ok(found.one(&source.connection()).await?)
}

/// At most `limit` accounts in order of id, beginning after the id `after`.
pub async fn list(
    source: &impl Source,
    limit: u64,
    after: Option<&str>,
) -> Result<Vec<Account>, Error> {
    let mut query = Entity::find().order_by_asc(Column::Id).limit(limit);
    if let Some(after) = after {
        query = query.filter(Column::Id.gt(after));
    }
    Ok(query.all(&source.connection()).await?)
}

async fn update(
    tx: &Tx,
    id: &str,
    values: impl IntoIterator<Item = (Column, Expr)>,
) -> Result<bool, Error> {
    let mut query = Entity::update_many().filter(Column::Id.eq(id));
    for (column, value) in values {
        query = query.col_expr(column, value);
    }
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Gives and takes the two marketplace roles. `false`: no such account.
pub async fn set_roles(tx: &Tx, id: &str, reviewer: bool, operator: bool) -> Result<bool, Error> {
    let roles = [
        (Column::Reviewer, Expr::value(reviewer)),
        (Column::Operator, Expr::value(operator)),
    ];
    update(tx, id, roles).await
}

/// Replaces the password hash. `false`: no such account.
pub async fn set_password(tx: &Tx, id: &str, password_hash: &str) -> Result<bool, Error> {
    update(tx, id, [(Column::PasswordHash, Expr::value(password_hash))]).await
}

/// Shuts an account out since `at`, or lets it in again with `None`. `false`: no such account.
pub async fn set_disabled(tx: &Tx, id: &str, at: Option<i64>) -> Result<bool, Error> {
    update(tx, id, [(Column::DisabledAt, Expr::value(at))]).await
}

/// Operators who can sign in.
pub async fn count_operators(source: &impl Source) -> Result<u64, Error> {
    let operators = Entity::find()
        .filter(Column::Operator.eq(true))
        .filter(Column::DisabledAt.is_null());
    Ok(operators.count(&source.connection()).await?)
}

/// What stands in place of the password hash of an erased account: no password matches it.
const ERASED: &str = "erased";

/// Whether the person behind an account was erased.
pub fn is_erased(account: &Account) -> bool {
    account.password_hash == ERASED
}

/// Replaces everything that tells who somebody is, and shuts the account out for good. Its id stays, so that the audit
/// trail keeps a pseudonym. `false`: no such account.
pub async fn erase(tx: &Tx, id: &str, name: &str, now: i64) -> Result<bool, Error> {
    let values = [
        (Column::Email, Expr::value(format!("{id}@erased.invalid"))),
        (Column::Name, Expr::value(name)),
        (Column::PasswordHash, Expr::value(ERASED)),
        (Column::Reviewer, Expr::value(false)),
        (Column::Operator, Expr::value(false)),
        (Column::DisabledAt, Expr::value(now)),
    ];
    update(tx, id, values).await
}
