//! Apps, as they tell of themselves. Nobody vouches for what they say.

use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::OnConflict,
};

use super::RedirectUris;
use crate::bounded::Tx;
use crate::db::{Db, now};
use crate::error::{Error, Result};
use crate::ids::ClientId;
use crate::tables::{oauth_client, oauth_grant};

/// An app as stored.
pub type Client = oauth_client::Model;

/// How many apps there may be that nobody has let in yet: anybody can register them.
const MAX_UNUSED: u64 = 10_000;
/// When there are so many, as many of the oldest give way at a time.
const GIVE_WAY: u64 = 100;
/// For so long none has to: a person takes minutes to let it in.
const UNDISTURBED: Duration = Duration::hours(1);
/// How long an app may wait for somebody to let it in. Some register when they are set up, and are used weeks later.
const UNUSED_KEPT: Duration = Duration::days(30);
/// How long an app is remembered that nobody lets in any more.
const USED_KEPT: Duration = Duration::days(90);

/// What an app tells of itself.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// What people are to call it.
    pub name: String,
    /// Where answers to it may go.
    pub redirect_uris: Vec<String>,
}

/// Writes down an app that registers itself.
///
/// # Errors
///
/// When too many have come within the hour (`too_many_clients`).
pub async fn register(db: &Db, new: NewClient) -> Result<Client> {
    make_room(db).await?;
    let row = oauth_client::ActiveModel {
        id: Set(ClientId::new().to_string()),
        name: Set(new.name),
        redirect_uris: Set(RedirectUris(new.redirect_uris)),
        created_at: Set(now()),
        fresh_until: Set(None),
        last_used_at: Set(None),
    };
    Ok(row.insert(db.connection()).await?)
}

/// Keeps what the document at `id` tells of an app.
///
/// # Errors
///
/// As [`register`].
pub async fn keep_document(db: &Db, id: &str, new: NewClient, fresh_until: DateTime<Utc>) -> Result<Client> {
    if client(db, id).await?.is_none() {
        make_room(db).await?;
    }
    let row = oauth_client::ActiveModel {
        id: Set(id.to_owned()),
        name: Set(new.name),
        redirect_uris: Set(RedirectUris(new.redirect_uris)),
        created_at: Set(now()),
        fresh_until: Set(Some(crate::db::stored(fresh_until))),
        last_used_at: Set(None),
    };
    let known = OnConflict::column(oauth_client::Column::Id)
        .update_columns([
            oauth_client::Column::Name,
            oauth_client::Column::RedirectUris,
            oauth_client::Column::FreshUntil,
        ])
        .to_owned();
    Ok(oauth_client::Entity::insert(row).on_conflict(known).exec_with_returning(db.connection()).await?)
}

/// Lets the oldest of too many apps give way that nobody has let in, so that a flood stops nobody for long.
async fn make_room(db: &Db) -> Result<()> {
    let unused = oauth_client::Entity::find().filter(oauth_client::Column::LastUsedAt.is_null());
    if unused.clone().count(db.connection()).await? < MAX_UNUSED {
        return Ok(());
    }
    let oldest: Vec<String> = unused
        .select_only()
        .column(oauth_client::Column::Id)
        .filter(oauth_client::Column::CreatedAt.lt(now() - UNDISTURBED))
        .order_by_asc(oauth_client::Column::CreatedAt)
        .limit(GIVE_WAY)
        .into_tuple()
        .all(db.connection())
        .await?;
    if oldest.is_empty() {
        return Err(Error::conflict("too_many_clients", "Too many apps have registered. Try again in an hour."));
    }
    oauth_client::Entity::delete_many()
        .filter(oauth_client::Column::Id.is_in(oldest))
        // Somebody may have let it in since.
        .filter(oauth_client::Column::LastUsedAt.is_null())
        .exec(db.connection())
        .await?;
    Ok(())
}

/// The app with this id, if there is one.
///
/// # Errors
///
/// When the database fails.
pub async fn client(db: &Db, id: &str) -> Result<Option<Client>> {
    Ok(oauth_client::Entity::find_by_id(id).one(db.connection()).await?)
}

/// Notes that somebody has let the app in.
pub(super) async fn note_use(tx: &Tx, id: &str) -> Result<()> {
    let change =
        oauth_client::ActiveModel { id: Set(id.to_owned()), last_used_at: Set(Some(now())), ..Default::default() };
    match change.update(tx).await {
        // Forgotten since its page was shown.
        Err(sea_orm::DbErr::RecordNotUpdated) => Err(Error::NotFound("app")),
        other => Ok(other.map(drop)?),
    }
}

/// Forgets apps that nobody lets in; says how many.
pub(super) async fn forget(db: &Db) -> Result<u64> {
    let let_in = Query::select().column(oauth_grant::Column::ClientId).from(oauth_grant::Entity).to_owned();
    let now = now();
    let unused = Condition::all()
        .add(oauth_client::Column::LastUsedAt.is_null())
        .add(oauth_client::Column::CreatedAt.lt(now - UNUSED_KEPT));
    let long_ago = oauth_client::Column::LastUsedAt.lt(now - USED_KEPT);
    let forgotten = oauth_client::Entity::delete_many()
        .filter(Condition::any().add(unused).add(long_ago))
        .filter(oauth_client::Column::Id.not_in_subquery(let_in))
        .exec(db.connection())
        .await?;
    Ok(forgotten.rows_affected)
}
