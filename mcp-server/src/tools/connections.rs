//! Connecting platforms.

use std::time::Duration;

use chrono_tz::Tz;
use entity::brands;
use entity::connections::{ConnectionStatus, Platform};
use entity::content::Channel;
use platforms::connections::{Link, Overview, Standing};
use platforms::facts;
use rmcp::model::ElicitationAction;
use rmcp::{Peer, RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Arguments, NoArguments};
use crate::answer::{Answer, Refusal};
use crate::caller::Caller;
use crate::schema;
use crate::server::HeyCmo;
use crate::when::{display, timestamp};

/// How long a person may take to say whether they go there. Well within what a tool may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to connect.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ConnectPlatformIn {
    /// The platform.
    platform: Platform,
}

/// Where to go to connect a platform.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LinkOut {
    platform: Platform,
    /// Whether it is connected already.
    connected: bool,
    /// The person opens this in a browser; null when it is connected.
    url: Option<String>,
    /// Until when the link is good.
    expires_at: Option<String>,
}

/// All platforms.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ConnectionsOut {
    connections: Vec<ConnectionOut>,
    /// When this was found out; null when it never was.
    synced_at: Option<String>,
    /// Whether the connections could not be looked at now, so that this is what was known last.
    stale: bool,
}

/// A platform and how it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ConnectionOut {
    platform: Platform,
    name: String,
    status: ConnectionStatus,
    /// Why it does not work.
    reason: Option<String>,
    connected_at: Option<String>,
    /// Whether numbers are read from it.
    metrics: bool,
    /// Content of these channels is published on it.
    publishes: Vec<Channel>,
    /// What to know about it.
    limits: String,
}

#[tool_router(router = connection_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "List connections",
        description = "Shows every platform that can be connected, how each connection stands, and what it is good for: reading numbers, publishing.",
        input_schema = schema::input::<NoArguments>(),
        output_schema = schema::output::<ConnectionsOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = true)
    )]
    async fn list_connections(
        &self,
        caller: Caller,
        _: Arguments<NoArguments>,
    ) -> Result<Answer<ConnectionsOut>, Refusal> {
        let app = self.app();
        let overview = app.platforms.overview(&caller.customer_id).await?;
        let brand = brands::get(&app.db, &caller.customer_id).await?;
        let text = in_words(&overview, brand.time_zone);
        let Overview { platforms, synced_at, stale } = overview;
        let connections = platforms.into_iter().map(ConnectionOut::from).collect();
        Ok(Answer { text, data: ConnectionsOut { connections, synced_at: synced_at.map(timestamp), stale } })
    }

    #[tool(
        title = "Connect platform",
        description = "Makes a link with which the person connects a platform in their browser, or connects it again. The link is good for a few minutes and for this account only.",
        input_schema = schema::input::<ConnectPlatformIn>(),
        output_schema = schema::output::<LinkOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = false, open_world_hint = true)
    )]
    async fn connect_platform(
        &self,
        caller: Caller,
        peer: Peer<RoleServer>,
        Arguments(ConnectPlatformIn { platform }): Arguments<ConnectPlatformIn>,
    ) -> Result<Answer<LinkOut>, Refusal> {
        let app = self.app();
        let facts = facts(platform);
        let mut links = app.platforms.links(&caller.customer_id, &[platform]).await?;
        let link = match links.pop() {
            Some((_, link)) => link?,
            None => return Err(Refusal("No link was made. Try again.".to_owned())),
        };
        let Link::Follow { url, expires_at } = link else {
            let text = format!("{} is connected already.", facts.name);
            return Ok(Answer { text, data: LinkOut { platform, connected: true, url: None, expires_at: None } });
        };
        let brand = brands::get(&app.db, &caller.customer_id).await?;
        let until = display(expires_at, brand.time_zone);
        let text = match open(&peer, &format!("Connect {} to HeyCMO", facts.name), &url).await {
            Some(ElicitationAction::Accept) => format!(
                "The person opened the link to {}. When they have allowed it, list_connections shows it as connected. {}",
                facts.name, facts.limits
            ),
            Some(_) => {
                format!("The person did not open the link to {} now. It is good until {until}: {url}", facts.name)
            }
            None => format!(
                "Ask the person to open this link in a browser and to allow it; it is good until {until}:\n{url}\n\
                 list_connections then shows {} as connected. {}",
                facts.name, facts.limits
            ),
        };
        let data = LinkOut { platform, connected: false, url: Some(url), expires_at: Some(timestamp(expires_at)) };
        Ok(Answer { text, data })
    }
}

/// Has the person's client open an address; none where it cannot, so that the answer has to carry it.
async fn open(peer: &Peer<RoleServer>, message: &str, url: &str) -> Option<ElicitationAction> {
    let url = Url::parse(url).ok()?;
    let id = url.path().rsplit('/').next().unwrap_or_default().to_owned();
    peer.elicit_url_with_timeout(message, url, id, Some(PATIENCE)).await.ok()
}

impl From<Standing> for ConnectionOut {
    fn from(standing: Standing) -> Self {
        let Standing { facts, status, reason, connected_at } = standing;
        Self {
            platform: facts.platform,
            name: facts.name.to_owned(),
            status,
            reason,
            connected_at: connected_at.map(timestamp),
            metrics: facts.metrics,
            publishes: facts.publishes.to_vec(),
            limits: facts.limits.to_owned(),
        }
    }
}

fn in_words(overview: &Overview, zone: Tz) -> String {
    let mut text = String::new();
    if overview.stale {
        let when = overview.synced_at.map_or_else(|| "never".to_owned(), |at| display(at, zone));
        text.push_str(&format!(
            "The connections cannot be looked at just now; this is what was known last ({when}).\n"
        ));
    }
    for Standing { facts, status, reason, connected_at } in &overview.platforms {
        let good_for = match (facts.metrics, facts.publishes.is_empty()) {
            (true, false) => "numbers and publishing",
            (true, true) => "numbers",
            (false, false) => "publishing",
            (false, true) => "nothing yet",
        };
        let how = match status {
            ConnectionStatus::Connected => connected_at
                .map_or_else(|| "connected".to_owned(), |at| format!("connected since {}", display(at, zone))),
            ConnectionStatus::Pending => "waits for the person to follow the link".to_owned(),
            ConnectionStatus::NeedsReconnect => "needs to be connected again (connect_platform)".to_owned(),
            ConnectionStatus::NotConnected => "not connected".to_owned(),
        };
        let why = reason.as_deref().map_or_else(String::new, |reason| format!(" ({reason})"));
        text.push_str(&format!("- {} (`{}`), for {good_for}: {how}{why}\n", facts.name, facts.platform));
    }
    text
}
