//! Liveness and readiness, which edges and supervisors ask for every few seconds: no line of the log as long as all is
//! well.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use entity::db::Db;
use serde::Serialize;
use utoipa::ToSchema;

use crate::layers::Quiet;
use crate::timestamp;

/// The process runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Live {
    #[schema(value_type = String)]
    status: &'static str,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    timestamp: String,
}

/// The process can serve.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    #[schema(value_type = String)]
    status: &'static str,
    db: bool,
    #[schema(format = DateTime, example = "2026-01-15T10:30:00.000Z")]
    timestamp: String,
}

/// 200 as long as the process runs. Never touches the database.
#[utoipa::path(
    get,
    path = "/api/health",
    tag = "Health",
    operation_id = "getHealth",
    responses((status = 200, body = Live)),
)]
pub async fn live() -> (Extension<Quiet>, Json<Live>) {
    (Extension(Quiet), Json(Live { status: "ok", timestamp: timestamp(entity::db::now()) }))
}

/// 200 while the database answers, 503 within 2 s of it being away, and 200 again by itself.
#[utoipa::path(
    get,
    path = "/api/health/ready",
    tag = "Health",
    operation_id = "getReadiness",
    responses((status = 200, body = Ready), (status = 503, body = Ready, description = "The database does not answer")),
)]
pub async fn ready(State(db): State<Db>) -> (StatusCode, Extension<Quiet>, Json<Ready>) {
    let (code, ready) = readiness(&db).await;
    (code, Extension(Quiet), Json(ready))
}

/// Whether this process can serve: what it cannot be without answers.
pub async fn readiness(db: &Db) -> (StatusCode, Ready) {
    let answers = db.answers().await;
    let (code, status) =
        if answers { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    (code, Ready { status, db: answers, timestamp: timestamp(entity::db::now()) })
}
