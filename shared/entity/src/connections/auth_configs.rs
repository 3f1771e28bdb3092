use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

use super::Platform;
use crate::db::{Db, now};
use crate::error::Result;
use crate::tables::auth_config;

/// Which of Composio's auth configs is used for a platform, if one was found or made.
///
/// # Errors
///
/// When the database fails.
pub async fn auth_config(db: &Db, platform: Platform) -> Result<Option<String>> {
    let known = auth_config::Entity::find_by_id(platform).one(db.connection()).await?;
    Ok(known.map(|known| known.auth_config_id))
}

/// Remembers the auth config of a platform; gives back which one is used, when somebody else was first.
///
/// # Errors
///
/// When the database fails.
pub async fn remember_auth_config(db: &Db, platform: Platform, auth_config_id: &str) -> Result<String> {
    let row = auth_config::ActiveModel {
        platform: Set(platform),
        auth_config_id: Set(auth_config_id.to_owned()),
        created_at: Set(now()),
    };
    auth_config::Entity::insert(row)
        .on_conflict_do_nothing_on([auth_config::Column::Platform])
        .exec(db.connection())
        .await?;
    Ok(auth_config(db, platform).await?.unwrap_or_else(|| auth_config_id.to_owned()))
}

/// Forgets an auth config that Composio no longer has.
///
/// # Errors
///
/// When the database fails.
pub async fn forget_auth_config(db: &Db, platform: Platform, auth_config_id: &str) -> Result<()> {
    auth_config::Entity::delete_many()
        .filter(auth_config::Column::Platform.eq(platform))
        .filter(auth_config::Column::AuthConfigId.eq(auth_config_id))
        .exec(db.connection())
        .await?;
    Ok(())
}
