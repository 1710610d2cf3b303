//! The tables, one migration a file, never edited once released. Both engines run the same code.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod columns;
mod m0001_accounts;
mod m0002_publishers;
mod m0003_offers;
mod m0004_submissions;
mod m0005_work;
mod m0006_releases;
mod m0007_registry;
mod m0008_uploads;
mod m0009_catalog;
mod m0010_takedowns;
mod m0011_preview_audience;
mod m0012_condemned;
mod m0013_pulls;
mod m0018_whose_tokens;
mod m0019_runs;
mod m0020_left_out;
mod m0021_usage;
mod m0022_whose_jobs;

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(m0002_publishers::Migration),
            Box::new(m0003_offers::Migration),
            Box::new(m0004_submissions::Migration),
            Box::new(m0005_work::Migration),
            Box::new(m0006_releases::Migration),
            Box::new(m0007_registry::Migration),
            Box::new(m0008_uploads::Migration),
            Box::new(m0009_catalog::Migration),
            Box::new(m0010_takedowns::Migration),
            Box::new(m0011_preview_audience::Migration),
            Box::new(m0012_condemned::Migration),
            Box::new(m0013_pulls::Migration),
            Box::new(m0018_whose_tokens::Migration),
            Box::new(m0019_runs::Migration),
            Box::new(m0020_left_out::Migration),
            Box::new(m0021_usage::Migration),
            Box::new(m0022_whose_jobs::Migration),
        ]
    }
}
