//! Going wrong on purpose, so that tests see how a caller of Composio takes it.

use std::io;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::ComposioError;

/// Longer than any caller waits.
const HANG: Duration = Duration::from_secs(3_600);

/// What goes wrong with the next calls of a kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    pub kind: Kind,
    /// With how many of them.
    next: u32,
    /// Only with calls whose path holds this text, such as the name of a tool.
    #[serde(default)]
    path: String,
    /// How many of those go well before.
    #[serde(default)]
    skip: u32,
    /// The call is carried out, and only its answer is lost.
    #[serde(default)]
    pub after: bool,
    /// For `slow`: by how many milliseconds the answer comes late.
    #[serde(default)]
    pub millis: u64,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Too many requests.
    #[serde(rename = "429")]
    RateLimited,
    /// An internal error.
    #[serde(rename = "500")]
    Internal,
    /// Down for a while.
    #[serde(rename = "503")]
    Away,
    /// The key is refused.
    #[serde(rename = "401")]
    Unauthorized,
    /// 200, and the tool failed.
    Failed,
    /// A page of a proxy, with status 200.
    Html,
    /// The right answer, late.
    Slow,
    /// No answer.
    Hang,
    /// The connection ends without an answer.
    Close,
}

impl Faults {
    /// Whether a call with this path is to go wrong; counts it.
    pub fn strikes(&mut self, path: &str) -> bool {
        if self.next == 0 || !path.contains(&self.path) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.next -= 1;
        true
    }

    pub const fn is_live(&self) -> bool {
        self.next > 0
    }
}

impl Kind {
    /// The answer that the caller gets; none where it is the right one.
    pub async fn answer(self) -> Option<Response> {
        let error = |status, message: &str| Some(ComposioError::new(status, message).into_response());
        match self {
            Self::RateLimited => {
                let body = Json(json!({ "message": "Rate limit exceeded. (A fault that was asked for.)" }));
                Some((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], body).into_response())
            }
            Self::Internal => error(StatusCode::INTERNAL_SERVER_ERROR, "An error that was asked for."),
            Self::Away => error(StatusCode::SERVICE_UNAVAILABLE, "An outage that was asked for."),
            Self::Unauthorized => error(StatusCode::UNAUTHORIZED, "Invalid API key"),
            Self::Failed => {
                let body =
                    json!({ "data": {}, "error": "The platform refused, as was asked for.", "successful": false });
                Some(Json(body).into_response())
            }
            Self::Html => {
                let page = "<html><head><title>Please wait</title></head><body>Please wait…</body></html>";
                Some(([(header::CONTENT_TYPE, "text/html")], page).into_response())
            }
            Self::Slow => None,
            Self::Hang => {
                tokio::time::sleep(HANG).await;
                Some(StatusCode::GATEWAY_TIMEOUT.into_response())
            }
            Self::Close => {
                let broken = futures::stream::once(async { Err::<Vec<u8>, _>(io::Error::other("closed on purpose")) });
                Some(Body::from_stream(broken).into_response())
            }
        }
    }
}
