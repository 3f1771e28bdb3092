#![doc = include_str!("../README.md")]

mod m0001_foundation;
mod m0002_billing;
mod m0003_workflows;
mod m0004_connections;
mod m0005_scans;
mod m0006_cmo;
mod m0007_reports;
mod m0008_proposals;
mod m0009_oauth;
mod m0010_origins;

use entity::Result;
use entity::db::Db;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::EntityTrait;
use sea_orm_migration::seaql_migrations;

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_foundation::Migration),
            Box::new(m0002_billing::Migration),
            Box::new(m0003_workflows::Migration),
            Box::new(m0004_connections::Migration),
            Box::new(m0005_scans::Migration),
            Box::new(m0006_cmo::Migration),
            Box::new(m0007_reports::Migration),
            Box::new(m0008_proposals::Migration),
            Box::new(m0009_oauth::Migration),
            Box::new(m0010_origins::Migration),
        ]
    }
}

/// Brings the schema up to date. Safe when several processes do it at once: one does, the others wait and find it done.
///
/// # Errors
///
/// When the database fails; then nothing was changed.
pub async fn up(db: &Db) -> Result<()> {
    if is_up_to_date(db).await {
        return Ok(());
    }
    let tx = db.schema_tx().await?;
    Migrator::up(&tx, None).await?;
    Ok(tx.commit().await?)
}

/// Whether exactly our migrations were applied: one query, where the migrator asks the catalogue several times over.
async fn is_up_to_date(db: &Db) -> bool {
    let Ok(applied) = seaql_migrations::Entity::find().all(db.schema_connection()).await else { return false };
    let ours = Migrator::migrations();
    applied.len() == ours.len() && ours.iter().all(|one| applied.iter().any(|applied| applied.version == one.name()))
}

/// Takes back the newest `steps` migrations **and the data in what they made**.
///
/// # Errors
///
/// When the database fails; then nothing was changed.
pub async fn down(db: &Db, steps: u32) -> Result<()> {
    let tx = db.schema_tx().await?;
    Migrator::down(&tx, Some(steps)).await?;
    Ok(tx.commit().await?)
}

/// Names of the migrations that are still to be applied, oldest first.
///
/// # Errors
///
/// When the database fails.
pub async fn pending(db: &Db) -> Result<Vec<String>> {
    let pending = Migrator::get_pending_migrations(db.schema_connection()).await?;
    Ok(pending.iter().map(|migration| migration.name().to_owned()).collect())
}
