//! Column types and table shapes of the portable subset, so that a migration reads like a list of columns.

use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::SchemaManager;
use sea_orm_migration::sea_query::{
    Alias, ColumnDef, ForeignKey, ForeignKeyAction, Index, Table, TableCreateStatement,
};

/// Makes columns for one engine.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    engine: DbBackend,
}

impl Columns {
    pub(super) fn of(manager: &SchemaManager<'_>) -> Self {
        Self {
            engine: manager.get_database_backend(),
        }
    }

    /// Text that compares by bytes. SQLite does so by itself; PostgreSQL would use the database's language.
    pub(super) fn text(self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.engine {
            DbBackend::Postgres => column.custom(Alias::new("text collate \"C\"")),
            _ => column.text(),
        };
        column.not_null().take()
    }

    /// Text that may be absent.
    pub(super) fn text_null(self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.engine {
            DbBackend::Postgres => column.custom(Alias::new("text collate \"C\"")),
            _ => column.text(),
        };
        column.take()
    }
}

/// A time in microseconds, a count or a size in bytes.
pub(super) fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// A number that may be absent.
pub(super) fn number_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().take()
}

/// Yes or no.
pub(super) fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// Bytes.
pub(super) fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().not_null().take()
}

/// A table with its columns and its primary key.
pub(super) fn table<const N: usize>(
    name: &'static str,
    key: &[&'static str],
    columns: [ColumnDef; N],
) -> TableCreateStatement {
    let mut primary = Index::create();
    for column in key {
        primary.col(*column);
    }
    let mut table = Table::create();
    table.table(name).primary_key(&mut primary);
    for column in columns {
        table.col(column);
    }
    table
}

/// Adds a reference to another table; the row referred to cannot go while it is referred to.
pub(super) fn refers(
    table: &mut TableCreateStatement,
    from: &[&'static str],
    to_table: &'static str,
    to: &[&'static str],
) {
    reference(table, from, (to_table, to), ForeignKeyAction::NoAction);
}

/// Adds a reference to another table; these rows go with the row they belong to.
pub(super) fn belongs_to(
    table: &mut TableCreateStatement,
    from: &[&'static str],
    to_table: &'static str,
    to: &[&'static str],
) {
    reference(table, from, (to_table, to), ForeignKeyAction::Cascade);
}

fn reference(
    table: &mut TableCreateStatement,
    from: &[&'static str],
    (to_table, to): (&'static str, &[&'static str]),
    on_delete: ForeignKeyAction,
) {
    let mut key = ForeignKey::create();
    key.to_tbl(to_table).on_delete(on_delete);
    for column in from {
        key.from_col(*column);
    }
    for column in to {
        key.to_col(*column);
    }
    table.foreign_key(&mut key);
}

/// An index `{table}_{columns}`.
pub(super) async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    let mut index = Index::create();
    index
        .name(format!("{table}_{}", columns.join("_")))
        .table(table);
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}

/// A unique index `{table}_{columns}`.
pub(super) async fn unique(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    let mut index = Index::create();
    index
        .name(format!("{table}_{}", columns.join("_")))
        .table(table)
        .unique();
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}
