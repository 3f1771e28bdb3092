//! Going wrong on purpose, so that tests see how a caller of Stripe takes it.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::error::StripeError;

/// Longer than any caller waits.
const HANG: Duration = Duration::from_secs(3_600);

/// What goes wrong with the next calls to `/v1`: with the next `next` of them, or with each at a probability of `rate`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    pub kind: Kind,
    #[serde(default)]
    next: u32,
    #[serde(default)]
    rate: f64,
    /// The call is carried out, and only its answer is lost.
    #[serde(default)]
    pub after: bool,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Too many requests, as Stripe says it.
    #[serde(rename = "429")]
    RateLimited,
    /// An internal error, as Stripe says it.
    #[serde(rename = "500")]
    Internal,
    /// The error page of a proxy on the way.
    Html,
    /// A success whose body is no JSON.
    Garbage,
    /// No answer.
    Hang,
    /// The connection ends without an answer.
    Close,
}

impl Faults {
    /// Whether this call is to go wrong; counts it.
    pub fn strikes(&mut self) -> bool {
        if self.next > 0 {
            self.next -= 1;
            return true;
        }
        // The lower half of an id's random part is as good as any dice.
        self.rate > 0.0 && f64::from(Ulid::generate().random() as u32) < self.rate * f64::from(u32::MAX)
    }

    /// Whether it may still strike.
    pub fn is_live(&self) -> bool {
        self.next > 0 || self.rate > 0.0
    }
}

impl Kind {
    /// The answer that the caller gets.
    pub async fn answer(self) -> Response {
        match self {
            Self::RateLimited => StripeError::rate_limited().into_response(),
            Self::Internal => StripeError::internal("An error that was asked for.").into_response(),
            Self::Html => {
                let page = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>";
                (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
            Self::Garbage => ([(header::CONTENT_TYPE, "application/json")], "{\"id\": \"cs_te").into_response(),
            Self::Hang => {
                tokio::time::sleep(HANG).await;
                StatusCode::GATEWAY_TIMEOUT.into_response()
            }
            Self::Close => {
                let broken = futures::stream::once(async { Err::<Vec<u8>, _>(io::Error::other("closed on purpose")) });
                Body::from_stream(broken).into_response()
            }
        }
    }
}
