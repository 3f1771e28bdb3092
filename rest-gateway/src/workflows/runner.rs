//! Who runs the functions: Inngest, or the embedded engine.

use std::time::Duration;

use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use entity::db::Db;
use entity::outbox::{self, Message};
use inngest::{App, Event, Inngest};
use marketing::scanner::Scanner;
use model::Model;
use platforms::Platforms;
use tokio_util::sync::CancellationToken;
use web::error::ApiError;
use web::layers::Quiet;
use web::metrics::{self, Outcome, Upstream};

use super::{APP, functions};
use crate::billing::Billing;
use crate::engine::Engine;

/// How long Inngest may take to accept events.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Who runs the functions. Cheap to clone.
#[derive(Clone)]
pub enum Runner {
    /// The engine in this process, and in every other gateway on the database.
    Engine(Engine),
    /// Inngest, which calls us.
    Inngest(Box<(Inngest, App)>),
}

impl Runner {
    /// Inngest where it is, or else the engine. `model` writes drafts, where there is one.
    ///
    /// # Errors
    ///
    /// When a function wants something that whoever runs it does not have, or the model cannot be asked at all.
    pub fn new(
        db: &Db,
        billing: &Billing,
        platforms: &Platforms,
        scanner: &Scanner,
        model: Option<model::Config>,
        inngest: Option<inngest::Config>,
    ) -> Result<Self, String> {
        let model = model.map(|config| Model::new(web::http_client(), config)).transpose()?;
        let functions = functions(db, billing, platforms, scanner, model);
        let Some(config) = inngest else { return Ok(Self::Engine(Engine::new(db.clone(), functions)?)) };
        let http = web::http_client().timeout(TIMEOUT).build().map_err(|error| error.to_string())?;
        let client = Inngest::new(APP, config, http).with_app_version(env!("CARGO_PKG_VERSION"));
        let app = App::new(client.clone(), functions).map_err(|error| error.to_string())?;
        Ok(Self::Inngest(Box::new((client, app))))
    }

    /// Begins to work, until `shutdown`.
    pub fn start(&self, db: &Db, shutdown: &CancellationToken) {
        tokio::spawn(crate::outbox::carry(db.clone(), self.clone(), shutdown.clone()));
        tokio::spawn(crate::clock::mend(db.clone(), shutdown.clone()));
        if let Self::Engine(engine) = self {
            tokio::spawn(engine.clone().work(shutdown.clone()));
        }
    }

    /// Hands over an event, once it is accepted it is gone from the outbox.
    pub(crate) async fn take(&self, db: &Db, message: &Message) -> Result<(), String> {
        match self {
            Self::Engine(engine) => engine.deliver(message).await.map_err(|error| error.to_string()),
            Self::Inngest(inngest) => {
                let data = serde_json::from_str(&message.data).map_err(|error| error.to_string())?;
                let mut event = Event::new(&message.name, data).with_id(&message.event_id);
                event.ts = Some(message.created_at.timestamp_millis());
                let sending = inngest.0.send(vec![event]);
                let sent = metrics::upstream(Upstream::Inngest, |_| Outcome::Failed, sending).await;
                sent.map_err(|error| error.to_string())?;
                outbox::delivered(db, &message.id).await.map_err(|error| error.to_string())
            }
        }
    }

    /// Where Inngest calls the functions.
    pub(crate) fn routes<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        match self {
            // The dev server asks every few seconds, and each step is a call.
            Self::Inngest(inngest) => inngest.1.clone().routes().layer(map_response(async |mut answer: Response| {
                answer.extensions_mut().insert(Quiet);
                answer
            })),
            Self::Engine(_) => any(async || {
                ApiError::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "not_configured",
                    "Inngest is not set up on this server: its own engine does the work.",
                )
            }),
        }
    }
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Engine(_) => "Engine",
            Self::Inngest(_) => "Inngest",
        })
    }
}
