//! Liveness and readiness.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use entity::db::Db;
use serde::Serialize;

use crate::timestamp;

/// The process runs.
#[derive(Debug, Serialize)]
pub struct Live {
    status: &'static str,
    timestamp: String,
}

/// The process can serve.
#[derive(Debug, Serialize)]
pub struct Ready {
    status: &'static str,
    db: bool,
    timestamp: String,
}

/// 200 as long as the process runs. Never touches the database.
pub async fn live() -> Json<Live> {
    Json(Live { status: "ok", timestamp: timestamp(entity::db::now()) })
}

/// 200 while the database answers, 503 within 2 s of it being away, and 200 again by itself.
pub async fn ready(State(db): State<Db>) -> (StatusCode, Json<Ready>) {
    let answers = db.answers().await;
    let (code, status) =
        if answers { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    (code, Json(Ready { status, db: answers, timestamp: timestamp(entity::db::now()) }))
}
