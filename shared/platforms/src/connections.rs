//! Links that connect platforms, and how connections stand.
//!
//! Composio knows how they stand; our rows are what we last heard, for when it is away and for telling what changed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use composio::signature::{self, Headers};
use composio::{Account, AccountFilter, AccountStatus, Composio, EXPIRED, Envelope, LinkRequest};
use entity::connections::{
    self, AccountState, ConnectState, Connection, ConnectionStatus, NewLink, Observed, ObservedAccount, Platform,
};
use entity::db::now;
use entity::ids::CustomerId;
use futures::future::join_all;
use sha2::{Digest, Sha256};

use crate::table::{Facts, all, facts, platform_of_toolkit};
use crate::{Error, Platforms, Project, Result};

/// Where Composio sends browsers back to.
pub const CALLBACK_PATH: &str = "/api/composio/callback";
const STATE_BYTES: usize = 32;
const MAX_ID_CHARS: usize = 255;
/// How long anybody waits for a link, or for what became of one.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long somebody who has just come back from a platform waits until Composio has noticed too.
const LOOKS: [Duration; 4] = [
    Duration::from_millis(400),
    Duration::from_millis(900),
    Duration::from_millis(1_500),
    Duration::from_millis(2_000),
];

/// How all platforms of a customer stand.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Every platform there is.
    pub platforms: Vec<Standing>,
    /// When Composio told; none when it never did.
    pub synced_at: Option<DateTime<Utc>>,
    /// Whether Composio could not be asked, so that this is what we last knew.
    pub stale: bool,
}

/// How one platform of a customer stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Which, and what it can do.
    pub facts: Facts,
    /// How it stands.
    pub status: ConnectionStatus,
    /// Why it does not work, in Composio's words.
    pub reason: Option<String>,
    /// Since when it works.
    pub connected_at: Option<DateTime<Utc>>,
}

/// What somebody gets who wants to connect a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It is connected already.
    Connected,
    /// Where to go, and until when.
    Follow {
        /// At Composio.
        url: String,
        /// After this a new one is needed.
        expires_at: DateTime<Utc>,
    },
}

/// What a browser brings back from Composio. None of it is believed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Callback<'a> {
    /// What we gave to Composio to bring back.
    pub state: Option<&'a str>,
    /// `success` or `failed`.
    pub status: Option<&'a str>,
    /// Composio's id of the account.
    pub account_id: Option<&'a str>,
}

/// What has become of a link.
#[derive(Clone, Debug)]
pub struct Completed {
    /// Whose it was.
    pub customer_id: CustomerId,
    /// What it was for.
    pub platform: Platform,
    /// How the platform stands now.
    pub status: ConnectionStatus,
}

/// Why a callback changed nothing. Displays as a sentence for the person in front of the browser.
#[derive(Debug, thiserror::Error)]
pub enum BadCallback {
    /// Not made by us, or altered.
    #[error("This address was not made by HeyCMO, or not all of it arrived.")]
    Forged,
    /// Used before.
    #[error("This link was used already.")]
    Used,
    /// Too old.
    #[error("This link has expired: it was good for 15 minutes.")]
    Expired,
    /// Another account than the link was for, or none.
    #[error("This answer does not fit the link that we gave you.")]
    OtherAccount,
    /// Composio could not be asked; the link stays good.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Why a webhook was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BadWebhook {
    /// Nobody told us what webhooks are signed with.
    #[error("No COMPOSIO_WEBHOOK_SECRET is set, so no webhook can be believed.")]
    NotConfigured,
    /// Not signed by Composio, or too old.
    #[error("The webhook-signature header does not fit this body.")]
    Unsigned,
    /// Signed, but no event.
    #[error("The body is not an event of Composio's.")]
    Unreadable,
    /// It is to be delivered again.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Platforms {
    /// How all platforms of a customer stand. With Composio away: as we last knew.
    ///
    /// # Errors
    ///
    /// When our database fails, or nothing is configured.
    pub async fn overview(&self, customer_id: &CustomerId) -> Result<Overview> {
        let stale = match self.refresh(customer_id).await {
            Ok(()) => false,
            Err(Error::Upstream(..) | Error::Refused(..)) => true,
            Err(error) => return Err(error),
        };
        let known = connections::list(&self.db, customer_id).await?;
        let synced_at = if stale { known.iter().map(|known| known.updated_at).max() } else { Some(now()) };
        Ok(Overview { platforms: all().map(|facts| standing(facts, &known)).collect(), synced_at, stale })
    }

    /// The same as we last knew, without asking Composio.
    ///
    /// # Errors
    ///
    /// When our database fails.
    pub async fn last_known(&self, customer_id: &CustomerId) -> Result<Vec<Standing>> {
        let known = connections::list(&self.db, customer_id).await?;
        Ok(all().map(|facts| standing(facts, &known)).collect())
    }

    /// Asks Composio how the customer's platforms stand, and writes it down.
    pub(crate) async fn refresh(&self, customer_id: &CustomerId) -> Result<()> {
        let filter = AccountFilter { user_id: Some(customer_id.as_str()), ..AccountFilter::default() };
        // Which platform it is about does not matter to whoever reads the error: it is about all of them.
        let accounts = self.project()?.composio.accounts(filter).await;
        let accounts = accounts.map_err(|error| Error::Upstream(Platform::GoogleAnalytics, error))?;
        let observed: Vec<Observed> =
            all().map(|facts| observed(facts.platform, best(&accounts, facts.platform))).collect();
        Ok(connections::observe(&self.db, customer_id, &observed).await?)
    }

    /// Links to connect these platforms. One that fails loses none of the others.
    ///
    /// # Errors
    ///
    /// When nothing is configured, or our database fails.
    pub async fn links(
        &self,
        customer_id: &CustomerId,
        platforms: &[Platform],
    ) -> Result<Vec<(Platform, Result<Link>)>> {
        self.project()?;
        if let Err(Error::Store(error)) = self.refresh(customer_id).await {
            return Err(error.into());
        }
        let links = platforms.iter().map(async |platform| {
            let link = within(*platform, PATIENCE, self.link(customer_id, *platform)).await;
            (*platform, link)
        });
        Ok(join_all(links).await)
    }

    async fn link(&self, customer_id: &CustomerId, platform: Platform) -> Result<Link> {
        let known = connections::find(&self.db, customer_id, platform).await?;
        if known.is_some_and(|known| known.status == ConnectionStatus::Connected) {
            return Ok(Link::Connected);
        }
        let project = self.project()?;
        let state = project.new_state(platform)?;
        let callback_url = format!("{}?state={state}", project.public_url.join(CALLBACK_PATH));
        let made = match self.ask_for_link(customer_id, platform, &callback_url).await {
            // The auth config that we remembered is gone: look once more.
            Err(error) if error.is_not_found() && self.forget_auth_config(platform).await? => {
                self.ask_for_link(customer_id, platform, &callback_url).await
            }
            made => made,
        };
        let made = made.map_err(|error| error.into_error(platform))?;
        let link = NewLink { platform, state_hash: hash(&state), account_id: made.connected_account_id };
        let ours = connections::link_created(&self.db, customer_id, link).await?;
        let expires_at = made.expires_at.map_or(ours, |theirs| theirs.min(ours));
        Ok(Link::Follow { url: made.redirect_url, expires_at })
    }

    async fn ask_for_link(
        &self,
        customer_id: &CustomerId,
        platform: Platform,
        callback_url: &str,
    ) -> std::result::Result<composio::Link, LinkError> {
        let auth_config_id = self.auth_config(platform).await?;
        let request = LinkRequest { auth_config_id: &auth_config_id, user_id: customer_id.as_str(), callback_url };
        Ok(self.project()?.composio.link(&request).await?)
    }

    /// The auth config for a platform: the operator's own, or the one we know, or the project's, or a new one.
    async fn auth_config(&self, platform: Platform) -> std::result::Result<String, LinkError> {
        let project = self.project()?;
        if let Some(own) = project.auth_configs.get(&platform) {
            return Ok(own.clone());
        }
        let known = async || connections::auth_config(&self.db, platform).await.map_err(Error::from);
        if let Some(known) = known().await? {
            return Ok(known);
        }
        let _alone = project.making_auth_config.lock().await;
        if let Some(known) = known().await? {
            return Ok(known);
        }
        let toolkit = facts(platform).toolkit;
        let found = match project.composio.enabled_auth_configs(toolkit).await?.into_iter().next() {
            Some(found) => found,
            None => project.composio.make_managed_auth_config(toolkit, &format!("heycmo-{platform}")).await?,
        };
        Ok(connections::remember_auth_config(&self.db, platform, &found.id).await.map_err(Error::from)?)
    }

    /// Whether one was forgotten. The operator's own never is.
    async fn forget_auth_config(&self, platform: Platform) -> Result<bool> {
        let Some(known) = connections::auth_config(&self.db, platform).await? else { return Ok(false) };
        connections::forget_auth_config(&self.db, platform, &known).await?;
        Ok(true)
    }

    /// Ends a link that a browser came back from: how the platform stands is read from Composio by our own id of the
    /// customer, and written down together with the use of the link.
    ///
    /// # Errors
    ///
    /// When the callback is not good, or Composio or the database cannot be asked; then nothing was changed.
    pub async fn complete(&self, callback: Callback<'_>) -> std::result::Result<Completed, BadCallback> {
        let project = self.project()?;
        let token = callback.state.filter(|state| project.states.open(state).is_ok()).ok_or(BadCallback::Forged)?;
        let state = connections::state(&self.db, &hash(token)).await.map_err(Error::from)?;
        let state = state.ok_or(BadCallback::Forged)?;
        require_good(&state)?;
        match callback.account_id {
            Some(id) if id == state.account_id => {}
            // Somebody who said no may come back without an account.
            None if callback.status == Some("failed") => {}
            _ => return Err(BadCallback::OtherAccount),
        }
        let says_success = callback.status == Some("success");
        let account = account_of(&project.composio, &state, says_success);
        let account = within(state.platform, PATIENCE, account).await?;
        let observed = match account {
            Some(account) => Observed { platform: state.platform, account: Some(account) },
            None => return Err(BadCallback::OtherAccount),
        };
        // What works already is not replaced by a link that was not finished.
        let is_active = observed.account.as_ref().is_some_and(|account| account.state == AccountState::Active);
        let known = connections::find(&self.db, &state.customer_id, state.platform).await.map_err(Error::from)?;
        let other_works = known.filter(|known| known.status == ConnectionStatus::Connected && !is_active);
        let observed = other_works.map_or(observed, |works| as_it_was(&works));
        if !connections::settle(&self.db, &state, &observed).await.map_err(Error::from)? {
            return Err(BadCallback::Used);
        }
        let now = connections::find(&self.db, &state.customer_id, state.platform).await.map_err(Error::from)?;
        let status = now.map_or(ConnectionStatus::NotConnected, |now| now.status);
        Ok(Completed { customer_id: state.customer_id, platform: state.platform, status })
    }

    /// Ends a connection, at Composio too.
    ///
    /// # Errors
    ///
    /// When Composio cannot be asked; what it has deleted by then is deleted.
    pub async fn disconnect(&self, customer_id: &CustomerId, platform: Platform) -> Result<()> {
        let composio = &self.project()?.composio;
        let upstream = |error| Error::upstream(platform, error);
        let filter = AccountFilter {
            user_id: Some(customer_id.as_str()),
            toolkit: Some(facts(platform).toolkit),
            account_id: None,
        };
        for account in composio.accounts(filter).await.map_err(upstream)? {
            composio.delete_account(&account.id).await.map_err(upstream)?;
        }
        Ok(connections::observe(&self.db, customer_id, &[observed(platform, None)]).await?)
    }

    /// Ends every connection of a customer, at Composio too.
    ///
    /// # Errors
    ///
    /// When Composio cannot be asked; what it has deleted by then is deleted.
    pub async fn disconnect_all(&self, customer_id: &CustomerId) -> Result<()> {
        let composio = &self.project()?.composio;
        let upstream = |error| Error::Upstream(Platform::GoogleAnalytics, error);
        let filter = AccountFilter { user_id: Some(customer_id.as_str()), ..AccountFilter::default() };
        for account in composio.accounts(filter).await.map_err(upstream)? {
            composio.delete_account(&account.id).await.map_err(upstream)?;
        }
        let none: Vec<Observed> = all().map(|facts| observed(facts.platform, None)).collect();
        Ok(connections::observe(&self.db, customer_id, &none).await?)
    }

    /// Takes a webhook: what it tells of is looked up, not believed. The same again does nothing.
    ///
    /// # Errors
    ///
    /// When it is not Composio's, or how things stand cannot be looked up: then it must be delivered again.
    pub async fn receive(&self, headers: Headers<'_>, body: &[u8]) -> std::result::Result<(), BadWebhook> {
        let secrets = &self.project()?.webhook_secrets;
        if secrets.is_empty() {
            return Err(BadWebhook::NotConfigured);
        }
        if !signature::is_valid(headers, body, secrets, now().timestamp()) {
            return Err(BadWebhook::Unsigned);
        }
        let event: Envelope = serde_json::from_slice(body).map_err(|_| BadWebhook::Unreadable)?;
        if event.id != headers.id || event.id.len() > MAX_ID_CHARS {
            return Err(BadWebhook::Unreadable);
        }
        if connections::webhook_is_handled(&self.db, &event.id).await.map_err(Error::from)? {
            return Ok(());
        }
        if event.event_type == EXPIRED
            && let Some(customer_id) = self.whose(&event).await?
        {
            match self.refresh(&customer_id).await {
                // The customer was deleted.
                Err(Error::Store(entity::Error::NotFound(_))) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            }
        }
        connections::webhook_handled(&self.db, &event.id).await.map_err(Error::from)?;
        if let Some(happened_at) = event.timestamp {
            web::metrics::webhook_handled("composio", now() - happened_at);
        }
        Ok(())
    }

    async fn whose(&self, event: &Envelope) -> Result<Option<CustomerId>> {
        if let Some(account_id) = event.account_id()
            && let Some(known) = connections::owner_of_account(&self.db, account_id).await?
        {
            return Ok(Some(known.customer_id));
        }
        Ok(event.user_id().and_then(|id| id.parse().ok()))
    }
}

/// No longer than this, however many calls it takes.
async fn within<T>(platform: Platform, patience: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let in_time = tokio::time::timeout(patience, work).await;
    in_time
        .unwrap_or_else(|_| Err(Error::Upstream(platform, composio::Error::NoAnswer("no answer in time".to_owned()))))
}

impl Project {
    /// A text that nobody can guess or make but us.
    fn new_state(&self, platform: Platform) -> Result<String> {
        let mut bytes = [0_u8; STATE_BYTES];
        let failed = |error: String| Error::Unexpected(platform, error);
        getrandom::fill(&mut bytes).map_err(|error| failed(error.to_string()))?;
        self.states.seal(&bytes).map_err(|error| failed(error.to_string()))
    }
}

fn hash(state: &str) -> String {
    hex::encode(Sha256::digest(state.as_bytes()))
}

fn require_good(state: &ConnectState) -> std::result::Result<(), BadCallback> {
    if state.used_at.is_some() {
        return Err(BadCallback::Used);
    }
    if state.expires_at <= now() { Err(BadCallback::Expired) } else { Ok(()) }
}

/// The account of a link, by our own id of the customer. Somebody who says that it went well may be a moment ahead.
async fn account_of(
    composio: &Composio,
    state: &ConnectState,
    says_success: bool,
) -> std::result::Result<Option<ObservedAccount>, Error> {
    let filter =
        AccountFilter { user_id: Some(state.customer_id.as_str()), account_id: Some(&state.account_id), toolkit: None };
    let mut waits = LOOKS.iter();
    loop {
        let found = composio.accounts(filter).await.map_err(|error| Error::Upstream(state.platform, error))?;
        // The filter is asked for, and looked after.
        let fits = |account: &&Account| {
            account.id == state.account_id
                && account.user_id.as_deref().is_none_or(|user| user == state.customer_id.as_str())
                && platform_of_toolkit(&account.toolkit.slug).is_none_or(|platform| platform == state.platform)
        };
        let account = found.iter().find(fits).map(account);
        let is_pending = account.as_ref().is_some_and(|account| account.state == AccountState::Pending);
        match waits.next() {
            Some(wait) if says_success && is_pending => tokio::time::sleep(*wait).await,
            _ => return Ok(account),
        }
    }
}

fn as_it_was(known: &Connection) -> Observed {
    let account = ObservedAccount { id: known.account_id.clone(), state: AccountState::Active, reason: None };
    Observed { platform: known.platform, account: Some(account) }
}

fn standing(facts: Facts, known: &[Connection]) -> Standing {
    let known = known.iter().find(|known| known.platform == facts.platform);
    let status = known.map_or(ConnectionStatus::NotConnected, |known| known.status);
    let connected_at = known.filter(|_| status == ConnectionStatus::Connected).and_then(|known| known.connected_at);
    Standing { facts, status, reason: known.and_then(|known| known.reason.clone()), connected_at }
}

fn observed(platform: Platform, account: Option<&Account>) -> Observed {
    Observed { platform, account: account.map(self::account) }
}

fn account(account: &Account) -> ObservedAccount {
    let state = match account.status {
        AccountStatus::Active if !account.is_disabled => AccountState::Active,
        AccountStatus::Initializing | AccountStatus::Initiated => AccountState::Pending,
        _ => AccountState::Ended,
    };
    ObservedAccount { id: account.id.clone(), state, reason: account.status_reason.clone() }
}

/// The one account of several that counts: what works before what does not, and then the newest.
fn best(accounts: &[Account], platform: Platform) -> Option<&Account> {
    let of_platform = accounts.iter().filter(|account| platform_of_toolkit(&account.toolkit.slug) == Some(platform));
    of_platform.max_by_key(|it| (account(it).state == AccountState::Active, it.created_at))
}

/// Why there is no link.
enum LinkError {
    Ours(Error),
    Theirs(composio::Error),
}

impl LinkError {
    fn is_not_found(&self) -> bool {
        matches!(self, Self::Theirs(error) if error.is_not_found())
    }

    fn into_error(self, platform: Platform) -> Error {
        match self {
            Self::Ours(error) => error,
            Self::Theirs(error) => Error::upstream(platform, error),
        }
    }
}

impl From<Error> for LinkError {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<composio::Error> for LinkError {
    fn from(error: composio::Error) -> Self {
        Self::Theirs(error)
    }
}
