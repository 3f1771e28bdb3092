//! Connected platforms: how they stand, the way to Composio and back, and the end of a connection.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use entity::connections::{ConnectionStatus, Platform};
use entity::customers::Customer;
use entity::db::Db;
use entity::ids::CustomerId;
use minijinja::{Value, context};
use platforms::connections::{BadCallback, Callback, Completed, Link, Standing};
use platforms::{Platforms, facts};
use serde::Deserialize;
use web::ApiError;
use web::session::{SameOrigin, Visitor, see_other};

use super::said::{Said, refusal};
use super::{Frame, Section, home};
use crate::Gateway;
use crate::pages::finish::NO_REFERRER;
use crate::pages::{Notice, Site, words};

/// How long the page waits to hear how the platforms stand.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a person who comes back from Composio is told, or what was just done here.
#[derive(Debug, Default, Deserialize)]
pub struct ConnectionsQuery {
    platform: Option<String>,
    result: Option<ConnectionStatus>,
    said: Option<String>,
}

/// The platforms, and how it went.
pub async fn show(
    visitor: Visitor,
    Query(query): Query<ConnectionsQuery>,
    State(gateway): State<Gateway>,
) -> Result<Response, ApiError> {
    page(&gateway, &visitor.customer, message(&query), Said::done(query.said.as_deref())).await
}

/// The platforms, as Composio says it, or as we last knew when it takes its time.
async fn page(
    gateway: &Gateway,
    customer: &Customer,
    message: Option<String>,
    said: Said,
) -> Result<Response, ApiError> {
    let platforms = &gateway.platforms;
    let frame = Frame::read(&gateway.db, customer, Section::Connections).await?;
    let (standings, is_stale) = if platforms.is_configured() {
        match tokio::time::timeout(PATIENCE, platforms.overview(&customer.id)).await {
            Ok(overview) => overview.map(|overview| (overview.platforms, overview.stale))?,
            Err(_elapsed) => (platforms.last_known(&customer.id).await?, true),
        }
    } else {
        (Vec::new(), false)
    };
    let values = context! {
        message,
        said => said.values(),
        is_configured => platforms.is_configured(),
        is_stale,
        platforms => standings.iter().map(|standing| values(standing, frame.zone)).collect::<Vec<Value>>(),
    };
    frame.page(&gateway.site, "connections.html", values)
}

/// What the address says is only repeated in our own words.
fn message(query: &ConnectionsQuery) -> Option<String> {
    let platform: Platform = query.platform.as_deref()?.parse().ok()?;
    Some(sentence(platform, query.result?))
}

/// Which platform of the visitor's.
#[derive(Debug, Deserialize)]
pub struct PlatformPath {
    platform: String,
}

impl PlatformPath {
    fn platform(&self) -> Result<Platform, ApiError> {
        self.platform.parse().map_err(|_| ApiError::not_found())
    }
}

/// Sends the person to Composio, to allow the use of an account.
pub async fn connect(
    _: SameOrigin,
    visitor: Visitor,
    State(gateway): State<Gateway>,
    Path(path): Path<PlatformPath>,
) -> Result<Response, ApiError> {
    let platform = path.platform()?;
    let customer = visitor.customer;
    let mut links = gateway.platforms.links(&customer.id, &[platform]).await?;
    match links.pop().map(|(_, link)| link) {
        Some(Ok(Link::Follow { url, .. })) => Ok(see_other(&url)),
        Some(Ok(Link::Connected)) | None => Ok(see_other(&address(&customer.id))),
        Some(Err(error)) => refused(&gateway, &customer, error).await,
    }
}

/// Ends a connection.
pub async fn disconnect(
    _: SameOrigin,
    visitor: Visitor,
    State(gateway): State<Gateway>,
    Path(path): Path<PlatformPath>,
) -> Result<Response, ApiError> {
    let platform = path.platform()?;
    let customer = visitor.customer;
    match gateway.platforms.disconnect(&customer.id, platform).await {
        Ok(()) => Ok(see_other(&format!("{}?said=disconnected", address(&customer.id)))),
        Err(error) => refused(&gateway, &customer, error).await,
    }
}

fn address(customer_id: &CustomerId) -> String {
    format!("{}/connections", home(customer_id))
}

async fn refused(gateway: &Gateway, customer: &Customer, error: platforms::Error) -> Result<Response, ApiError> {
    let problem = refusal(error.into())?;
    let page = page(gateway, customer, None, Said::refused(&problem, &customer.id)).await?;
    Ok((problem.status, page).into_response())
}

/// What Composio appends to the address, by its names of today and before.
#[derive(Debug, Deserialize)]
pub struct CallbackQuery {
    state: Option<String>,
    #[serde(alias = "connectionStatus")]
    status: Option<String>,
    #[serde(alias = "connectedAccountId")]
    connected_account_id: Option<String>,
}

/// Where browsers come back to from Composio. Without a credential: the state is one.
pub async fn callback(
    headers: HeaderMap,
    State(site): State<Site>,
    State(db): State<Db>,
    State(platforms): State<Platforms>,
    Query(query): Query<CallbackQuery>,
) -> Result<Response, ApiError> {
    let callback = Callback {
        state: query.state.as_deref(),
        status: query.status.as_deref(),
        account_id: query.connected_account_id.as_deref(),
    };
    let completed = match platforms.complete(callback).await {
        Ok(completed) => completed,
        Err(error) => return Ok((NO_REFERRER, bad_callback(&site, error)?).into_response()),
    };
    let Completed { customer_id, platform, status } = completed;
    let place = format!("{}?platform={platform}&result={}", address(&customer_id), status.as_str());
    let is_logged_in = site.sessions().current(&db, &headers).await?.is_some_and(|it| it.customer.id == customer_id);
    if is_logged_in {
        return Ok(see_other(&place));
    }
    // Whoever came from their assistant has no session here; a login form would not tell them how it went.
    let page = site.notice(Notice {
        title: title(status),
        text: &[&sentence(platform, status), "You can close this page and go on in your assistant."],
        actions: &[("Open your dashboard", &place)],
        ..Notice::default()
    })?;
    Ok((NO_REFERRER, page).into_response())
}

const fn title(status: ConnectionStatus) -> &'static str {
    match status {
        ConnectionStatus::Connected => "Connected",
        ConnectionStatus::Pending => "Almost connected",
        ConnectionStatus::NotConnected | ConnectionStatus::NeedsReconnect => "Not connected",
    }
}

/// How it went, for people.
fn sentence(platform: Platform, status: ConnectionStatus) -> String {
    let name = facts(platform).name;
    match status {
        ConnectionStatus::Connected => format!("{name} is connected."),
        ConnectionStatus::Pending => {
            format!(
                "{name} has not confirmed the connection yet. It usually takes less than a minute; the dashboard shows it."
            )
        }
        ConnectionStatus::NotConnected | ConnectionStatus::NeedsReconnect => {
            format!(
                "{name} was not connected. If you did not mean to decline, connect it again from the dashboard or from your assistant."
            )
        }
    }
}

fn bad_callback(site: &Site, error: BadCallback) -> Result<Response, ApiError> {
    let problem = error.to_string();
    let (status, advice) = match error {
        BadCallback::Failed(error) => {
            tracing::warn!(%error, "a connection could not be confirmed");
            (ApiError::from(error).status, "Nothing was lost: reload this page in a moment, and it is looked at again.")
        }
        _ => (
            StatusCode::BAD_REQUEST,
            "Nothing was changed. Ask your assistant to connect the platform again, or use the dashboard; the new link is good for 15 minutes and for one time.",
        ),
    };
    site.notice(Notice {
        status,
        title: "This connection was not made",
        text: &[&problem, advice],
        actions: &[("Open your dashboard", "/login")],
        ..Notice::default()
    })
}

/// A platform as the page shows it.
fn values(standing: &Standing, zone: Tz) -> Value {
    let Standing { facts, status, reason, connected_at } = standing;
    let mut good_for = Vec::new();
    if facts.metrics {
        good_for.push("numbers");
    }
    if !facts.publishes.is_empty() {
        good_for.push("publishing");
    }
    let state = match status {
        ConnectionStatus::Connected => match connected_at {
            Some(at) => format!("Connected since {}", words::time(*at, zone)),
            None => "Connected".to_owned(),
        },
        ConnectionStatus::Pending => "Waiting for you to allow it".to_owned(),
        ConnectionStatus::NeedsReconnect => "Needs to be connected again".to_owned(),
        ConnectionStatus::NotConnected => "Not connected".to_owned(),
    };
    context! {
        platform => facts.platform.as_str(),
        name => facts.name,
        good_for => good_for.join(" and "),
        limits => facts.limits,
        status => status.as_str(),
        // What nothing can be done with yet waits below.
        is_shown => !good_for.is_empty() || *status != ConnectionStatus::NotConnected,
        state,
        reason => reason.clone(),
    }
}
