//! Readiness, with how the services of others do.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use entity::db::Db;
use platforms::Platforms;
use serde::Serialize;
use utoipa::ToSchema;
use web::health::{Ready, readiness};
use web::layers::Quiet;
use web::timestamp;

/// The gateway can serve.
#[derive(Debug, Serialize, ToSchema)]
pub struct GatewayReady {
    #[serde(flatten)]
    ready: Ready,
    composio: UpstreamOut,
}

/// How calls to a service of somebody else's went lately. Whatever it is, the gateway can serve.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpstreamOut {
    #[schema(value_type = String, pattern = "^(not_configured|unused|ok|failing)$", example = "ok")]
    status: &'static str,
    /// Since when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    since: Option<String>,
    /// The last error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    error: Option<String>,
}

/// 200 while the database answers, 503 within 2 s of it being away, and 200 again by itself.
#[utoipa::path(
    get,
    path = "/api/health/ready",
    tag = "Health",
    operation_id = "getReadiness",
    responses((status = 200, body = GatewayReady), (status = 503, body = GatewayReady, description = "The database does not answer")),
)]
pub async fn ready(
    State(db): State<Db>,
    State(platforms): State<Platforms>,
) -> (StatusCode, Extension<Quiet>, Json<GatewayReady>) {
    let (code, ready) = readiness(&db).await;
    (code, Extension(Quiet), Json(GatewayReady { ready, composio: composio(&platforms) }))
}

fn composio(platforms: &Platforms) -> UpstreamOut {
    let plain = |status| UpstreamOut { status, since: None, error: None };
    let Some(health) = platforms.health() else { return plain("not_configured") };
    match (health.failing, health.answered_at) {
        (Some(failing), _) => {
            UpstreamOut { status: "failing", since: Some(timestamp(failing.since)), error: Some(failing.error) }
        }
        (None, Some(_)) => plain("ok"),
        (None, None) => plain("unused"),
    }
}
