#![doc = include_str!("../README.md")]

mod answer;
mod error;
mod transport;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_openai::Client;
use async_openai::types::chat::{
    ChatCompletionRequestSystemMessage, ChatCompletionRequestUserMessage, CreateChatCompletionRequest,
};
use reqwest::ClientBuilder;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use answer::Answer;
use error::Failure;
use transport::Server;

pub use error::Error;

/// Which model writes, and where it is.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the paths of the API are below, such as `https://api.openai.com/v1`.
    pub base_url: Url,
    /// The key, where the server wants one.
    pub api_key: Option<SecretString>,
    /// The model's name at the server.
    pub model: String,
}

/// How much one call may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The whole call, with all its attempts.
    pub time: Duration,
    /// Tokens that the model may use for its answer and for thinking about it.
    pub tokens: u32,
    /// Characters of the answer.
    pub characters: usize,
}

/// What the model wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text, without blanks around it.
    pub text: String,
    /// Tokens that were read and written, where the server says so.
    pub usage: Option<Usage>,
}

/// Tokens, as the server counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// Those of the instructions and the request.
    pub prompt_tokens: Option<u64>,
    /// Those of the answer and of thinking about it.
    pub completion_tokens: Option<u64>,
}

/// A model that can be asked to write. Cheap to clone.
#[derive(Clone)]
pub struct Model {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client<Server>,
    name: String,
    /// The server knows only the older name of the limit.
    is_old: AtomicBool,
}

impl Model {
    /// A client for the model.
    ///
    /// # Errors
    ///
    /// When the key cannot be sent, or TLS cannot be set up.
    pub fn new(http: ClientBuilder, config: Config) -> Result<Self, String> {
        let Config { base_url, api_key, model } = config;
        let server = Server::new(base_url, api_key)?;
        let http = transport::client(http).map_err(|error| error.to_string())?;
        let client = Client::build(http.clone(), server).with_http_service(transport::service(http));
        Ok(Self { shared: Arc::new(Shared { client, name: model, is_old: AtomicBool::new(false) }) })
    }

    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Asks the model to do what `instructions` say with `request`.
    ///
    /// # Errors
    ///
    /// When there is no whole answer in words within the limits.
    pub async fn write(&self, instructions: &str, request: &str, limits: Limits) -> Result<Written, Error> {
        let outcome = match tokio::time::timeout(limits.time, self.ask(instructions, request, limits)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(Error::Unavailable(format!("no answer within {} s", limits.time.as_secs()))),
        };
        match &outcome {
            Ok(Written { usage, .. }) => {
                let (read, written) =
                    (usage.and_then(|it| it.prompt_tokens), usage.and_then(|it| it.completion_tokens));
                tracing::info!(model = self.name(), tokens_read = read, tokens_written = written, "the model wrote");
            }
            Err(error) => tracing::warn!(model = self.name(), %error, "the model did not write"),
        }
        outcome
    }

    async fn ask(&self, instructions: &str, request: &str, limits: Limits) -> Result<Written, Error> {
        let is_old = self.shared.is_old.load(Ordering::Relaxed);
        let answer = match self.complete(instructions, request, limits.tokens, is_old).await {
            Err(Failure::UnknownLimit) if !is_old => {
                self.shared.is_old.store(true, Ordering::Relaxed);
                self.complete(instructions, request, limits.tokens, true).await
            }
            answer => answer,
        };
        answer.map_err(Error::from)?.written(limits.characters)
    }

    async fn complete(&self, instructions: &str, request: &str, tokens: u32, is_old: bool) -> Result<Answer, Failure> {
        #[expect(deprecated, reason = "many servers know only this name of the limit")]
        let request = CreateChatCompletionRequest {
            model: self.name().to_owned(),
            messages: vec![
                ChatCompletionRequestSystemMessage::from(instructions).into(),
                ChatCompletionRequestUserMessage::from(request).into(),
            ],
            max_completion_tokens: (!is_old).then_some(tokens),
            max_tokens: is_old.then_some(tokens),
            ..CreateChatCompletionRequest::default()
        };
        Ok(self.shared.client.chat().create_byot(request).await?)
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("name", &self.shared.name).finish_non_exhaustive()
    }
}
