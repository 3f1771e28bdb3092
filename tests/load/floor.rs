//! The least that the same work can cost: axum by hand, with the hash of the key, one joined look-up and the newest 20
//! events from the same Postgres. No limits, no log, no checks of what comes in.

use std::collections::HashMap;
use std::convert::Infallible;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, SecondsFormat, Utc};
use futures::channel::mpsc;
use futures::{Stream, StreamExt};
use harness::mcp::Caller;
use sea_orm::sqlx::{self, PgPool, Row};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::subject::Customer;
use crate::usage::{Usage, pin};

/// As many as HeyCMO opens.
const CONNECTIONS: u32 = 16;
const KEY: &str = "SELECT k.id, k.hash, k.last_used_at, k.expires_at, k.revoked_at, c.id AS customer_id, c.email \
    FROM api_keys k LEFT JOIN customers c ON c.id = k.customer_id WHERE k.hash = $1 LIMIT 1";
const EVENTS: &str = "SELECT id, type, data, created_at FROM events WHERE customer_id = $1 ORDER BY id DESC LIMIT 21";

/// A process of the floor.
pub struct Floor {
    child: Child,
    /// The customer of the server it is compared with.
    pub customer: Customer,
}

impl Floor {
    /// This program again, as the floor of the database that a customer is in.
    pub async fn start(database_url: &str, customer: &Customer) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--floor", "--database-url", database_url]).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the floor starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let origin = lines.next_line().await.expect("its output").expect("its address");
        pin(child.id().expect("it runs"), 0);
        let caller = Caller::new(&origin, &customer.key);
        Self { child, customer: Customer { mcp: caller.clone(), gateway: caller, ..customer.clone() } }
    }

    pub fn usage(&self) -> Usage {
        Usage::of(self.child.id().expect("it runs"))
    }
}

#[derive(Clone)]
struct Shared {
    db: PgPool,
    streams: Arc<Mutex<HashMap<String, mpsc::UnboundedSender<String>>>>,
}

/// Serves until it is ended; prints its address first.
pub async fn serve(database_url: &str) {
    let options = sqlx::postgres::PgPoolOptions::new().max_connections(CONNECTIONS);
    let db = options.connect(database_url).await.expect("a database");
    let shared = Shared { db, streams: Arc::default() };
    let routes = Router::new()
        .route("/api/events/{customer_id}", get(events))
        .route("/mcp", post(message))
        .route("/mcp/sse", get(stream))
        .route("/mcp/messages", post(message_on_stream))
        .with_state(shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| stream.set_nodelay(true).expect("TCP"));
    axum::serve(listener, routes).await.expect("it serves");
}

/// Whose key it is.
async fn customer(db: &PgPool, headers: &HeaderMap) -> Option<String> {
    let key = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?;
    let hash = hex::encode(Sha256::digest(key));
    let row = sqlx::query(KEY).bind(hash).fetch_optional(db).await.expect("the database answers")?;
    row.get("customer_id")
}

/// The newest 20 events as both APIs show them, and where they go on.
async fn newest(db: &PgPool, customer: &str) -> (Vec<Value>, Option<String>) {
    let rows = sqlx::query(EVENTS).bind(customer).fetch_all(db).await.expect("the database answers");
    let next = rows.get(20).and_then(|_| rows.get(19)).map(|row| row.get("id"));
    let event = |row: &sqlx::postgres::PgRow| {
        let at: DateTime<Utc> = row.get("created_at");
        json!({
            "id": row.get::<String, _>("id"),
            "type": row.get::<String, _>("type"),
            "timestamp": at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "data": row.get::<Value, _>("data"),
        })
    };
    (rows.iter().take(20).map(event).collect(), next)
}

async fn events(State(shared): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let Some(customer) = customer(&shared.db, &headers).await.filter(|customer| *customer == id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (events, next) = newest(&shared.db, &customer).await;
    Json(json!({"events": events, "nextCursor": next})).into_response()
}

/// The answer to a message of MCP; none to what wants none.
async fn answer(shared: &Shared, customer: &str, message: &Value) -> Option<Value> {
    let id = message.get("id")?;
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "floor", "version": "1"},
        }),
        Some("tools/call") => {
            let (events, next) = newest(&shared.db, customer).await;
            let line = |event: &Value| format!("- {} · {} · {}", event["timestamp"], event["type"], event["data"]);
            let text: Vec<String> = events.iter().map(line).collect();
            json!({
                "content": [{"type": "text", "text": text.join("\n")}],
                "structuredContent": {"events": events, "nextCursor": next},
                "isError": false,
            })
        }
        _ => json!({}),
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

async fn message(State(shared): State<Shared>, headers: HeaderMap, Json(message): Json<Value>) -> Response {
    let Some(customer) = customer(&shared.db, &headers).await else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    match answer(&shared, &customer, &message).await {
        Some(answer) => ([("mcp-session-id", customer)], Json(answer)).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    }
}

async fn stream(State(shared): State<Shared>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (sender, receiver) = mpsc::unbounded();
    let id = ulid::Ulid::generate().to_string();
    let endpoint = Event::default().event("endpoint").data(format!("/mcp/messages?session_id={id}"));
    shared.streams.lock().expect("the streams").insert(id, sender);
    let messages = receiver.map(|message| Event::default().event("message").data(message));
    Sse::new(futures::stream::iter([endpoint]).chain(messages).map(Ok))
}

async fn message_on_stream(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    Json(message): Json<Value>,
) -> StatusCode {
    let Some(customer) = customer(&shared.db, &headers).await else { return StatusCode::UNAUTHORIZED };
    let stream = query.get("session_id").and_then(|id| shared.streams.lock().expect("the streams").get(id).cloned());
    let Some(stream) = stream else { return StatusCode::NOT_FOUND };
    if let Some(answer) = answer(&shared, &customer, &message).await {
        // Whoever has gone needs no answer.
        let _ = stream.unbounded_send(answer.to_string());
    }
    StatusCode::ACCEPTED
}
