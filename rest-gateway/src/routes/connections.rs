//! Connected platforms: links, state, and what Composio tells.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use composio::signature::Headers;
use entity::connections::{ConnectionStatus, Platform};
use entity::ids::CustomerId;
use platforms::Platforms;
use platforms::connections::{BadWebhook, Link, Overview};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::auth::Owner;
use web::error::ErrorOut;
use web::{ApiError, timestamp};

use super::NO_STORE;
use super::billing::ReceivedOut;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectIn {
    #[schema(min_items = 1, max_items = 14, value_type = Vec<PlatformName>)]
    platforms: Vec<String>,
}

/// The name of a platform.
#[derive(Debug, Serialize, ToSchema)]
#[schema(
    pattern = "^(google_analytics|search_console|instagram|linkedin|x|facebook|youtube|tiktok|reddit|gmail|mailchimp|hubspot|slack|notion)$",
    example = "linkedin"
)]
#[allow(dead_code, reason = "only described")]
pub struct PlatformName(String);

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinksOut {
    #[schema(value_type = String, example = "cust_01M851E88BEZS4E1V4ZSCPXFGH")]
    customer_id: CustomerId,
    /// By platform.
    #[schema(value_type = BTreeMap<String, LinkOut>)]
    links: BTreeMap<Platform, LinkOut>,
}

/// A link, or that none is needed, or why there is none.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, example = "https://connect.composio.dev/link/ln_a1b2")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    connected: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    code: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionsOut {
    #[schema(value_type = String, example = "cust_01M851E88BEZS4E1V4ZSCPXFGH")]
    customer_id: CustomerId,
    /// When this was found out.
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    synced_at: Option<String>,
    /// Whether the connections could not be looked at now, so that this is what was known last.
    stale: bool,
    /// By platform; every platform there is.
    #[schema(value_type = BTreeMap<String, ConnectionOut>)]
    connections: BTreeMap<Platform, ConnectionOut>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionOut {
    connected: bool,
    #[schema(value_type = String, pattern = "^(not_connected|pending|connected|needs_reconnect)$", example = "connected")]
    status: ConnectionStatus,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    connected_at: Option<String>,
    /// Why it does not work.
    reason: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisconnectedOut {
    #[schema(value_type = String, example = "cust_01M851E88BEZS4E1V4ZSCPXFGH")]
    customer_id: CustomerId,
    #[schema(value_type = String, example = "linkedin")]
    platform: Platform,
    connected: bool,
}

/// Which connection.
#[derive(Debug, Deserialize)]
pub struct PlatformPath {
    platform: String,
}

/// Makes links with which the owner connects platforms in a browser.
#[utoipa::path(
    post,
    path = "/api/connect/{customer_id}",
    tag = "Connections",
    operation_id = "connectPlatforms",
    params(("customer_id" = String, Path, description = "Your own id")),
    request_body = ConnectIn,
    responses((status = 200, body = LinksOut), (status = BAD_GATEWAY, body = ErrorOut, description = "`platform_failed`, `platform_refused`: for none of them there is a link")),
    security(("apiKey" = [])),
)]
pub async fn connect(
    Owner(holder): Owner,
    State(platforms): State<Platforms>,
    web::body::Json(input): web::body::Json<ConnectIn>,
) -> Result<impl IntoResponse, ApiError> {
    let wanted = wanted(&input.platforms)?;
    let customer_id = holder.customer.id;
    let made = platforms.links(&customer_id, &wanted).await?;
    let mut links = BTreeMap::new();
    let mut failed = None;
    for (platform, link) in made {
        let out = match link {
            Ok(Link::Connected) => LinkOut { connected: Some(true), ..LinkOut::default() },
            Ok(Link::Follow { url, expires_at }) => {
                LinkOut { url: Some(url), expires_at: Some(timestamp(expires_at)), ..LinkOut::default() }
            }
            Err(error) => {
                tracing::warn!(%platform, %error, cause = cause(&error), "no link could be made");
                let out = LinkOut { error: Some(error.to_string()), code: Some(error.code()), ..LinkOut::default() };
                failed = Some(error);
                out
            }
        };
        links.insert(platform, out);
    }
    match failed {
        Some(error) if links.values().all(|link| link.error.is_some()) => Err(error.into()),
        _ => Ok((NO_STORE, Json(LinksOut { customer_id, links }))),
    }
}

fn cause(error: &platforms::Error) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

/// Each once, in the order of the request.
fn wanted(names: &[String]) -> Result<Vec<Platform>, ApiError> {
    if names.is_empty() {
        return Err(ApiError::invalid("platforms", "must name at least one platform"));
    }
    if names.len() > Platform::ALL.len() {
        return Err(ApiError::invalid("platforms", format!("must name at most {} platforms", Platform::ALL.len())));
    }
    let mut wanted = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let platform =
            name.parse().map_err(|unknown| ApiError::invalid(format!("platforms[{index}]"), format!("{unknown}")))?;
        if !wanted.contains(&platform) {
            wanted.push(platform);
        }
    }
    Ok(wanted)
}

/// Shows how each platform stands.
#[utoipa::path(
    get,
    path = "/api/connections/{customer_id}",
    tag = "Connections",
    operation_id = "listConnections",
    params(("customer_id" = String, Path, description = "Your own id")),
    responses((status = 200, body = ConnectionsOut)),
    security(("apiKey" = [])),
)]
pub async fn list(Owner(holder): Owner, State(platforms): State<Platforms>) -> Result<impl IntoResponse, ApiError> {
    let customer_id = holder.customer.id;
    let Overview { platforms, synced_at, stale } = platforms.overview(&customer_id).await?;
    let connections = platforms.into_iter().map(|standing| {
        let out = ConnectionOut {
            connected: standing.status == ConnectionStatus::Connected,
            status: standing.status,
            connected_at: standing.connected_at.map(timestamp),
            reason: standing.reason,
        };
        (standing.facts.platform, out)
    });
    let connections = connections.collect();
    Ok((NO_STORE, Json(ConnectionsOut { customer_id, synced_at: synced_at.map(timestamp), stale, connections })))
}

/// Ends a connection. Where there is none, nothing happens.
#[utoipa::path(
    delete,
    path = "/api/connections/{customer_id}/{platform}",
    tag = "Connections",
    operation_id = "disconnectPlatform",
    params(("customer_id" = String, Path, description = "Your own id"), ("platform" = String, Path, description = "Such as `linkedin`")),
    responses((status = 200, body = DisconnectedOut), (status = BAD_GATEWAY, body = ErrorOut, description = "`platform_failed`, `platform_refused`")),
    security(("apiKey" = [])),
)]
pub async fn disconnect(
    Owner(holder): Owner,
    State(platforms): State<Platforms>,
    Path(PlatformPath { platform }): Path<PlatformPath>,
) -> Result<impl IntoResponse, ApiError> {
    let platform: Platform = platform.parse().map_err(|_| ApiError::not_found())?;
    platforms.disconnect(&holder.customer.id, platform).await?;
    Ok((NO_STORE, Json(DisconnectedOut { customer_id: holder.customer.id, platform, connected: false })))
}

/// Takes an event from Composio.
#[utoipa::path(
    post,
    path = "/api/webhooks/composio",
    tag = "Connections",
    operation_id = "receiveComposioEvent",
    params(
        ("webhook-id" = String, Header, description = "The same for each attempt to deliver it"),
        ("webhook-timestamp" = String, Header, description = "Unix time of this attempt"),
        ("webhook-signature" = String, Header, description = "Composio's signature of the two and the body"),
    ),
    request_body = Object,
    responses((status = 200, body = ReceivedOut), (status = BAD_REQUEST, body = ErrorOut, description = "`invalid_signature`, `invalid_event`"), (status = BAD_GATEWAY, body = ErrorOut, description = "`platform_failed`: to be delivered again")),
)]
pub async fn webhook(
    State(platforms): State<Platforms>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed =
        Headers { id: text("webhook-id"), timestamp: text("webhook-timestamp"), signature: text("webhook-signature") };
    platforms.receive(signed, &body).await.map_err(refused)?;
    Ok(Json(ReceivedOut::received()))
}

fn refused(error: BadWebhook) -> ApiError {
    let message = error.to_string();
    match error {
        BadWebhook::NotConfigured => ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_configured", message),
        BadWebhook::Unsigned => ApiError::new(StatusCode::BAD_REQUEST, "invalid_signature", message),
        BadWebhook::Unreadable => ApiError::new(StatusCode::BAD_REQUEST, "invalid_event", message),
        BadWebhook::Failed(error) => error.into(),
    }
}
