//! The address that Inngest calls: what an app has, its registration, and the calls of its functions.

mod answer;
mod call;
mod caller;
mod introspect;
mod opcode;
mod sync;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde_json::json;
use url::Url;

use crate::client::Inngest;
use crate::config::Mode;
use crate::function::Function;
use crate::options::{self, FunctionConfig, InvalidOption};
use answer::Answer;

pub use sync::RegisterError;

/// How large a call may be, in bytes. Inngest sends 4 MiB and what is around them.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// The functions of an app, ready to be served.
#[derive(Clone)]
pub struct App {
    client: Inngest,
    /// By what Inngest knows them by.
    functions: BTreeMap<String, Served>,
}

/// What is called.
#[derive(Clone)]
enum Served {
    Function(Function),
    /// What handles the failures of a function.
    FailuresOf(Function),
}

/// Why functions cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppError {
    /// The id of the app.
    #[error("the app id `{0}` must be letters, digits, `-` and `_`")]
    AppId(String),
    /// An option of a function.
    #[error("function `{function}`: {problem}")]
    Function {
        /// Which function.
        function: String,
        /// What is wrong.
        problem: InvalidOption,
    },
    /// Two functions with one id. What handles the failures of `x` has the id `x-failure`.
    #[error("there is more than one function with the id `{0}`")]
    Duplicate(String),
}

/// The routes for `functions`: mount them at one path, by custom `/api/inngest`.
///
/// # Errors
///
/// When Inngest would not take the functions.
pub fn serve<S>(client: Inngest, functions: impl IntoIterator<Item = Function>) -> Result<MethodRouter<S>, AppError>
where
    S: Clone + Send + Sync + 'static,
{
    Ok(App::new(client, functions)?.routes())
}

impl App {
    /// Puts the functions of an app together.
    ///
    /// # Errors
    ///
    /// When Inngest would not take them.
    pub fn new(client: Inngest, functions: impl IntoIterator<Item = Function>) -> Result<Self, AppError> {
        if !options::is_id(client.app_id()) {
            return Err(AppError::AppId(client.app_id().to_owned()));
        }
        if client.config().mode == Mode::Cloud && client.config().signing_keys().next().is_none() {
            tracing::error!("there is no INNGEST_SIGNING_KEY: every call will be refused");
        }
        let mut app = Self { client, functions: BTreeMap::new() };
        functions.into_iter().try_for_each(|function| app.add(function))?;
        Ok(app)
    }

    fn add(&mut self, function: Function) -> Result<(), AppError> {
        let invalid = |problem| AppError::Function { function: function.id().to_owned(), problem };
        options::check(function.options()).map_err(invalid)?;
        if function.handles_failures() {
            self.insert(format!("{}-failure", function.id()), Served::FailuresOf(function.clone()))?;
        }
        self.insert(function.id().to_owned(), Served::Function(function))
    }

    fn insert(&mut self, id: String, served: Served) -> Result<(), AppError> {
        match self.functions.insert(self.client.function_id(&id), served) {
            None => Ok(()),
            Some(_) => Err(AppError::Duplicate(id)),
        }
    }

    /// The routes, to be mounted at one path.
    pub fn routes<S: Clone + Send + Sync + 'static>(self) -> MethodRouter<S> {
        get(introspect::show)
            .put(sync::sync)
            .post(call::call)
            .fallback(not_allowed)
            // Whatever the limit of other routes is.
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(Arc::new(self))
    }

    /// The functions as they are registered when they are served at `url`.
    fn configs(&self, url: &Url) -> Vec<FunctionConfig<'_>> {
        self.functions.iter().map(|(id, served)| self.config(id, served, url)).collect()
    }

    fn config<'a>(&self, id: &str, served: &'a Served, url: &Url) -> FunctionConfig<'a> {
        match served {
            Served::Function(function) => FunctionConfig::new(id.to_owned(), function.options(), url),
            Served::FailuresOf(function) => {
                let of = self.client.function_id(function.id());
                FunctionConfig::for_failures(id.to_owned(), &of, function.options(), url)
            }
        }
    }

    /// The public address of the functions, when a request came to `uri`.
    fn public_url(&self, uri: &Uri, headers: &HeaderMap) -> Option<Url> {
        let text = |name| headers.get(name)?.to_str().ok();
        let mut url = match &self.client.config().serve_origin {
            Some(origin) => origin.clone(),
            None => {
                let forwarded = text("x-forwarded-proto").and_then(|list| list.split(',').next()).map(str::trim);
                let scheme = forwarded.or(uri.scheme_str()).unwrap_or("http");
                let host = text(header::HOST.as_str()).or(uri.authority().map(|authority| authority.as_str()))?;
                Url::parse(&format!("{scheme}://{host}")).ok()?
            }
        };
        url.set_path(uri.path());
        url.set_query(uri.query());
        self.adjust(&mut url);
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// Lets the configuration overrule an address, and takes out of it what belongs to one request only.
    fn adjust(&self, url: &mut Url) {
        let config = self.client.config();
        if let Some(origin) = &config.serve_origin {
            let mut adjusted = origin.clone();
            adjusted.set_path(url.path());
            adjusted.set_query(url.query());
            *url = adjusted;
        }
        if let Some(path) = &config.serve_path {
            url.set_path(path);
        }
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !matches!(&**name, "deployId" | "fnId" | "stepId" | "probe"))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
    }
}

/// The value of a parameter of the query.
fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

async fn not_allowed() -> Response {
    let allow = [(header::ALLOW, "GET, HEAD, POST, PUT")];
    let body = axum::Json(json!({"message": "Method not allowed"}));
    (StatusCode::METHOD_NOT_ALLOWED, allow, body).into_response()
}
