//! GET: what the app has, in more detail for those who have its key.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use url::Url;

use super::answer::FRAMEWORK;
use super::caller::Caller;
use super::{Answer, App};
use crate::config::Mode;
use crate::signature::{SigningKey, event_key_hash};

/// Stays cheap: health checks come here too.
pub(super) async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let caller = Caller::of(&app, &headers, &[]);
    let body = match caller {
        Caller::Inngest(_) => app.inspection(true),
        Caller::Forged => app.summary(Some(false)),
        Caller::Dev | Caller::Unsigned | Caller::Unknown => app.summary(None),
    };
    Answer::json(StatusCode::OK, &body).finish(&app, caller.key())
}

pub(super) fn capabilities() -> Value {
    json!({"in_band_sync": "v1", "trust_probe": "v1"})
}

impl App {
    /// What anybody may know.
    fn summary(&self, authenticated: Option<bool>) -> Value {
        let config = self.client.config();
        json!({
            "authentication_succeeded": authenticated,
            "capabilities": capabilities(),
            "extra": {},
            "function_count": self.functions.len(),
            "has_event_key": config.event_key.is_some(),
            "has_signing_key": config.signing_key.is_some(),
            "has_signing_key_fallback": config.signing_key_fallback.is_some(),
            "mode": match config.mode {
                Mode::Cloud => "cloud",
                Mode::Dev => "dev",
            },
            "schema_version": "2024-05-24",
        })
    }

    /// What Inngest may know.
    pub(super) fn inspection(&self, authenticated: bool) -> Value {
        let config = self.client.config();
        let hint = |key: &Option<SigningKey>| key.as_ref().map(|key| key.hint().to_owned());
        let more = json!({
            "api_origin": config.api_origin.as_str(),
            "app_id": self.client.app_id(),
            "env": config.env,
            "event_api_origin": config.event_origin.as_str(),
            "event_key_hash": config.event_key.as_ref().map(event_key_hash),
            "framework": FRAMEWORK,
            "sdk_language": "rust",
            "sdk_version": env!("CARGO_PKG_VERSION"),
            "serve_origin": config.serve_origin.as_ref().map(Url::as_str),
            "serve_path": config.serve_path,
            "signing_key_hash": hint(&config.signing_key),
            "signing_key_fallback_hash": hint(&config.signing_key_fallback),
        });
        let mut body = self.summary(authenticated.then_some(true));
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        body
    }
}
