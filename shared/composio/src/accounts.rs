use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Patience;
use crate::{Composio, Result};

const PAGE: &str = "100";
/// Nobody has more accounts than fit.
const MAX_PAGES: usize = 20;

/// What a link is for.
#[derive(Clone, Debug, Serialize)]
pub struct LinkRequest<'a> {
    /// How the account is connected.
    pub auth_config_id: &'a str,
    /// Our id of whom the account will belong to.
    pub user_id: &'a str,
    /// Where their browser is sent afterwards.
    pub callback_url: &'a str,
}

/// A link that a person follows to connect an account.
#[derive(Clone, Debug, Deserialize)]
pub struct Link {
    /// Where they go.
    pub redirect_url: String,
    /// The account that it is for, which is there already and waits.
    pub connected_account_id: String,
    /// Until when it can be followed.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// A connected account. The tokens that Composio sends with it are not read.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// Composio's id.
    pub id: String,
    /// Of which toolkit.
    #[serde(default)]
    pub toolkit: Slug,
    /// How it stands.
    pub status: AccountStatus,
    /// Why, in their words.
    #[serde(default)]
    pub status_reason: Option<String>,
    /// Our id of whom it belongs to. They announced that it may vanish: where it matters ask by it instead.
    #[serde(default)]
    pub user_id: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<DateTime<Utc>>,
    /// Whether somebody switched it off.
    #[serde(default)]
    pub is_disabled: bool,
}

/// Something that is known by its slug.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Slug {
    /// The slug.
    #[serde(default)]
    pub slug: String,
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum AccountStatus {
    /// It is being made.
    Initializing,
    /// It waits for the person.
    Initiated,
    /// It works.
    Active,
    /// The person or the platform said no.
    Failed,
    /// The platform no longer takes its tokens, or the person came too late.
    Expired,
    /// Somebody switched it off.
    Inactive,
    /// Its tokens were taken back.
    Revoked,
    /// Something newer than this client.
    Unknown(String),
}

impl From<String> for AccountStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "INITIALIZING" => Self::Initializing,
            "INITIATED" | "PENDING" => Self::Initiated,
            "ACTIVE" => Self::Active,
            "FAILED" => Self::Failed,
            "EXPIRED" => Self::Expired,
            "INACTIVE" => Self::Inactive,
            "REVOKED" => Self::Revoked,
            _ => Self::Unknown(text),
        }
    }
}

/// Which accounts are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccountFilter<'a> {
    /// Only this user's.
    pub user_id: Option<&'a str>,
    /// Only of this toolkit.
    pub toolkit: Option<&'a str>,
    /// Only this one.
    pub account_id: Option<&'a str>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    items: Vec<Account>,
    #[serde(default)]
    next_cursor: Option<String>,
}

impl Composio {
    /// Makes a link. A new account waits at Composio until it is followed.
    ///
    /// # Errors
    ///
    /// When the call fails; not found for an unknown auth config.
    pub async fn link(&self, link: &LinkRequest<'_>) -> Result<Link> {
        // An account that nobody follows a link to is harmless, so a lost answer may be asked for again.
        self.call(Method::POST, "/connected_accounts/link", &[], Some(link), Patience::REPEATABLE).await
    }

    /// The accounts that fit, of all pages.
    ///
    /// # Errors
    ///
    /// When a call fails.
    pub async fn accounts(&self, filter: AccountFilter<'_>) -> Result<Vec<Account>> {
        let mut query = vec![("limit", PAGE.to_owned())];
        let filters = [
            ("user_ids", filter.user_id),
            ("toolkit_slugs", filter.toolkit),
            ("connected_account_ids", filter.account_id),
        ];
        query.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))));
        let mut accounts = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query = query.clone();
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page: Page = self.get("/connected_accounts", &query).await?;
            accounts.extend(page.items);
            match page.next_cursor {
                Some(next) if !next.is_empty() => cursor = Some(next),
                _ => break,
            }
        }
        Ok(accounts)
    }

    /// Deletes an account and has its tokens taken back. One that is gone already is no error.
    ///
    /// # Errors
    ///
    /// When the call fails.
    pub async fn delete_account(&self, id: &str) -> Result<()> {
        let path = format!("/connected_accounts/{id}");
        let query = [("revoke_on_delete", "true".to_owned())];
        let deleted: Result<Value> = self.call(Method::DELETE, &path, &query, None::<&()>, Patience::REPEATABLE).await;
        match deleted {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}
