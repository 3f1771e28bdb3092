//! What the sandbox knows, and its file.

use std::io;
use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ulid::Ulid;

use super::error::ComposioError;
use crate::sandbox::file;

/// How long a link can be followed.
const LINK_LIFETIME: Duration = Duration::minutes(10);

/// A new id with a prefix such as `ca_`.
pub fn new_id(prefix: &str) -> String {
    format!("{prefix}{}", Ulid::generate())
}

/// Everything, oldest first.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Where the sandbox is served, without a slash at its end; told anew at each start.
    #[serde(skip)]
    pub origin: String,
    pub auth_configs: Vec<AuthConfig>,
    pub accounts: Vec<Account>,
    pub links: Vec<Link>,
    pub posts: Vec<Post>,
    /// Ids of posts that were deleted.
    pub deleted: Vec<String>,
    /// The last number that was given to something.
    last_number: i64,
    pub containers: Vec<Container>,
    pub campaigns: Vec<Campaign>,
    pub subscriptions: Vec<Subscription>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct AuthConfig {
    pub id: String,
    pub toolkit: String,
    pub name: String,
    pub managed: bool,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Account {
    pub id: String,
    pub toolkit: String,
    pub auth_config: String,
    pub user: String,
    /// As Composio writes it, or whatever a test wants it to be.
    pub status: String,
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A link that a person follows once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Link {
    pub token: String,
    pub account: String,
    pub callback_url: Option<String>,
    pub expires_at: DateTime<Utc>,
    pub used: bool,
}

/// Something that was published.
#[derive(Clone, Serialize, Deserialize)]
pub struct Post {
    pub id: String,
    pub toolkit: String,
    pub user: String,
    pub text: String,
    pub reply_to: Option<String>,
    pub url: String,
    /// As the tool was called.
    pub arguments: Value,
    pub created_at: DateTime<Utc>,
}

/// Media on their way to Instagram.
#[derive(Clone, Serialize, Deserialize)]
pub struct Container {
    pub id: String,
    pub user: String,
    pub arguments: Value,
    pub published: bool,
    /// How often its state was asked for: it is ready at the second time.
    pub looks: u32,
}

/// A campaign at Mailchimp.
#[derive(Clone, Serialize, Deserialize)]
pub struct Campaign {
    pub id: String,
    pub user: String,
    pub subject: String,
    pub arguments: Value,
    pub html: Option<String>,
    pub sent_at: Option<DateTime<Utc>>,
}

/// Where Composio would send events.
#[derive(Clone, Serialize, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub webhook_url: String,
    pub enabled_events: Vec<String>,
    pub secret: String,
    pub created_at: DateTime<Utc>,
}

impl State {
    pub fn load(path: &Path, origin: String) -> io::Result<Self> {
        let state = file::load(path)?;
        Ok(Self { origin, ..state })
    }

    pub fn save(&self, path: &Path) -> io::Result<()> {
        file::save(path, self)
    }

    /// Accounts whose link was not followed in time.
    pub fn run_out(&mut self) {
        let now = Utc::now();
        for link in self.links.iter().filter(|link| !link.used && link.expires_at <= now) {
            let waiting = self.accounts.iter_mut().find(|it| it.id == link.account && it.status == "INITIATED");
            if let Some(account) = waiting {
                account.status = "EXPIRED".to_owned();
                account.reason = Some("Initiation did not complete within 10 minutes".to_owned());
                account.updated_at = now;
            }
        }
    }

    /// A number that nothing has had before, also not in what was deleted.
    pub fn next_number(&mut self) -> i64 {
        self.last_number = (self.last_number + 1).max(Utc::now().timestamp_micros());
        self.last_number
    }

    pub fn account(&self, id: &str) -> Result<&Account, ComposioError> {
        self.accounts.iter().find(|it| it.id == id).ok_or_else(|| ComposioError::missing("Connected account", id))
    }

    pub fn set_status(&mut self, id: &str, status: &str, reason: Option<&str>) -> Result<Account, ComposioError> {
        let account = self.accounts.iter_mut().find(|it| it.id == id);
        let account = account.ok_or_else(|| ComposioError::missing("Connected account", id))?;
        account.status = status.to_owned();
        account.reason = reason.map(str::to_owned);
        account.updated_at = Utc::now();
        Ok(account.clone())
    }

    pub fn delete_account(&mut self, id: &str) -> Result<(), ComposioError> {
        self.account(id)?;
        self.accounts.retain(|it| it.id != id);
        self.links.retain(|it| it.account != id);
        Ok(())
    }

    /// An account that waits, and the link that connects it.
    pub fn add_link(
        &mut self,
        auth_config: &str,
        user: &str,
        callback_url: Option<String>,
    ) -> Result<Link, ComposioError> {
        let config = self.auth_configs.iter().find(|it| it.id == auth_config);
        let config = config.ok_or_else(|| ComposioError::missing("Auth config", auth_config))?;
        let now = Utc::now();
        let account = Account {
            id: new_id("ca_"),
            toolkit: config.toolkit.clone(),
            auth_config: config.id.clone(),
            user: user.to_owned(),
            status: "INITIATED".to_owned(),
            reason: None,
            created_at: now,
            updated_at: now,
        };
        let link = Link {
            token: new_id("ln_"),
            account: account.id.clone(),
            callback_url,
            expires_at: now + LINK_LIFETIME,
            used: false,
        };
        self.accounts.push(account);
        self.links.push(link.clone());
        Ok(link)
    }

    pub fn link(&self, token: &str) -> Option<&Link> {
        self.links.iter().find(|it| it.token == token)
    }

    /// What the person decided; the link is used up.
    pub fn follow(&mut self, token: &str, allowed: bool) -> Result<Link, ComposioError> {
        let link = self.links.iter_mut().find(|it| it.token == token && !it.used && it.expires_at > Utc::now());
        let link = link.ok_or_else(|| ComposioError::invalid("This link was used or has expired."))?;
        link.used = true;
        let link = link.clone();
        if allowed {
            self.set_status(&link.account, "ACTIVE", None)?;
        } else {
            self.set_status(&link.account, "FAILED", Some("The user denied access"))?;
        }
        Ok(link)
    }
}
