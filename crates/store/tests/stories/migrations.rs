//! Migrations: both engines get the same tables, opening again changes nothing, a newer database is refused, and
//! replicas that start together take turns.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use store::OpenError;
use testkit::folder::Folder;

const COLUMNS_SQLITE: &str = "select t.name || '.' || c.name || ' ' || \
    case lower(c.type) when 'integer' then 'bigint' else lower(c.type) end || ' ' || case when c.\"notnull\" = 1 then 'not null' else 'null' end as line \
    from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table' and t.name not like 'sqlite_%'";
const COLUMNS_POSTGRES: &str = "select table_name || '.' || column_name || ' ' || \
    case data_type when 'bytea' then 'blob' else data_type end || ' ' || \
    case is_nullable when 'NO' then 'not null' else 'null' end as line \
    from information_schema.columns where table_schema = 'public'";
const INDEXES_SQLITE: &str = "select name || ' ' || case when sql like '%unique%' then 'unique' else '' end as line \
    from sqlite_schema where type = 'index' and name not like 'sqlite_%'";
const INDEXES_POSTGRES: &str = "select indexname || ' ' || case when indexdef like '%UNIQUE%' then 'unique' else '' end \
    as line from pg_indexes where schemaname = 'public' and indexname not like '%_pkey'";
const PRIMARY_SQLITE: &str = "select t.name || '.' || c.name || ' ' || c.pk as line \
    from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table' and c.pk > 0";
const PRIMARY_POSTGRES: &str = "select table_name || '.' || column_name || ' ' || ordinal_position as line \
    from information_schema.key_column_usage where constraint_name like '%_pkey'";
const FOREIGN_SQLITE: &str = "select t.name || '.' || f.\"from\" || ' ' || f.\"table\" || '.' || f.\"to\" || ' ' || \
    lower(f.on_delete) as line from sqlite_schema t, pragma_foreign_key_list(t.name) f where t.type = 'table'";
const FOREIGN_POSTGRES: &str = "select c.conrelid::regclass || '.' || a.attname || ' ' || c.confrelid::regclass || '.' \
    || b.attname || ' ' || case c.confdeltype when 'a' then 'no action' when 'c' then 'cascade' else '?' end as line \
    from pg_constraint c, unnest(c.conkey, c.confkey) k(l, r), pg_attribute a, pg_attribute b \
    where c.contype = 'f' and a.attrelid = c.conrelid and a.attnum = k.l \
    and b.attrelid = c.confrelid and b.attnum = k.r";
const COLLATIONS_POSTGRES: &str = "select table_name || '.' || column_name as line from information_schema.columns \
    where table_schema = 'public' and data_type = 'text' and collation_name is distinct from 'C'";

async fn lines(database: &DatabaseConnection, query: &str) -> BTreeSet<String> {
    let statement = Statement::from_string(database.get_database_backend(), query);
    let rows = database.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get::<String>("", "line").unwrap())
        .filter(|line| !line.starts_with("seaql_migrations"))
        .collect()
}

/// The addresses of a fresh database of each engine, and of a place for blobs.
fn addresses(folder: &Folder) -> ([String; 2], String) {
    let sqlite = format!("sqlite://{}", folder.path().join("edgemart.db").display());
    let storage = format!("file://{}", folder.path().join("storage").display());
    ([sqlite, testkit::postgres::create_database()], storage)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_get_the_same_tables() {
    let folder = Folder::new("migrations").unwrap();
    let (urls, storage) = addresses(&folder);
    for url in &urls {
        store::open(url, &storage, None).await.unwrap();
    }
    let sqlite = Database::connect(&urls[0]).await.unwrap();
    let postgres = Database::connect(&urls[1]).await.unwrap();
    let questions = [
        (COLUMNS_SQLITE, COLUMNS_POSTGRES, 150),
        (INDEXES_SQLITE, INDEXES_POSTGRES, 20),
        (PRIMARY_SQLITE, PRIMARY_POSTGRES, 30),
        (FOREIGN_SQLITE, FOREIGN_POSTGRES, 15),
    ];
    for (of_sqlite, of_postgres, at_least) in questions {
        let (here, there) = (
            lines(&sqlite, of_sqlite).await,
            lines(&postgres, of_postgres).await,
        );
        assert_eq!(here, there);
        assert!(here.len() >= at_least, "{here:#?}");
    }
    assert_eq!(
        lines(&postgres, COLLATIONS_POSTGRES).await,
        BTreeSet::new(),
        "every text compares by bytes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused_and_left_alone() {
    let folder = Folder::new("migrations").unwrap();
    let (urls, storage) = addresses(&folder);
    for url in &urls {
        store::open(url, &storage, None).await.unwrap();
        store::open(url, &storage, None).await.unwrap();
        let database = Database::connect(url).await.unwrap();
        let newer = "insert into seaql_migrations (version, applied_at) values ('m9999_future', 1)";
        database.execute_unprepared(newer).await.unwrap();
        let refused = store::open(url, &storage, None).await.err().unwrap();
        assert!(
            matches!(&refused, OpenError::SchemaNewer { found } if found == "m9999_future"),
            "{refused}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_start_together_take_turns() {
    let folder = Folder::new("migrations").unwrap();
    let (urls, storage) = addresses(&folder);
    let open = || store::open(&urls[1], &storage, None);
    let (one, two, three) = tokio::join!(open(), open(), open());
    let (one, _, _) = (one.unwrap(), two.unwrap(), three.unwrap());
    store::health(&one.reader).await.unwrap();
    let database = Database::connect(&urls[1]).await.unwrap();
    assert_eq!(database.get_database_backend(), DbBackend::Postgres);
    let twice = "select version as line from seaql_migrations group by version having count(*) > 1";
    assert_eq!(lines(&database, twice).await, BTreeSet::new());
}
