//! PUT: the app registers its functions, by a request of its own (out of band) or in its answer (in band).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::answer::FRAMEWORK;
use super::caller::Caller;
use super::introspect::capabilities;
use super::{Answer, App, parameter};
use crate::client::{SDK, said, under};

const SYNC_KIND: &str = "x-inngest-sync-kind";
const SERVER_KIND: &str = "x-inngest-server-kind";
const EXPECTED_SERVER_KIND: &str = "x-inngest-expected-server-kind";
const IN_BAND: &str = "in_band";
const OUT_OF_BAND: &str = "out_of_band";

/// Inngest did not take the functions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the functions were not registered: {0}")]
pub struct RegisterError(String);

#[derive(Deserialize)]
struct Registered {
    #[serde(default)]
    modified: bool,
}

#[derive(Deserialize)]
struct InBand {
    url: String,
}

pub(super) async fn sync(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Answer::unread(&rejection).finish(&app, None),
    };
    let caller = Caller::of(&app, &headers, &body);
    let is_in_band = headers.get(SYNC_KIND).is_some_and(|kind| kind == IN_BAND);
    // It tells nothing, it only makes the app register itself.
    let anybody_may = !is_in_band && matches!(caller, Caller::Unsigned) && app.client.config().lets_anybody_sync();
    let answer = match caller.refusal() {
        Some(refusal) if !anybody_may => refusal,
        _ if is_in_band => app.sync_in_band(&body, caller),
        _ => app.sync_out_of_band(&uri, &headers).await,
    };
    answer.finish(&app, caller.key())
}

impl App {
    fn sync_in_band(&self, body: &[u8], caller: Caller<'_>) -> Answer {
        let given = serde_json::from_slice(body).ok().and_then(|InBand { url }| Url::parse(&url).ok());
        let Some(mut url) = given else {
            let body = json!({"code": "invalid_body", "message": "the body must have the url of the app"});
            return Answer::json(StatusCode::BAD_REQUEST, &body).with(SYNC_KIND, IN_BAND);
        };
        self.adjust(&mut url);
        let body = json!({
            "app_id": self.client.app_id(),
            "env": self.client.config().env,
            "framework": FRAMEWORK,
            "platform": null,
            "sdk_author": "community",
            "sdk_language": "rust",
            "sdk_version": env!("CARGO_PKG_VERSION"),
            "sdk": SDK,
            "appVersion": self.client.app_version(),
            "url": url.as_str(),
            "capabilities": capabilities(),
            "functions": self.configs(&url),
            "inspection": self.inspection(caller.key().is_some()),
        });
        Answer::json(StatusCode::OK, &body).with(SYNC_KIND, IN_BAND)
    }

    async fn sync_out_of_band(&self, uri: &Uri, headers: &HeaderMap) -> Answer {
        let registered = match self.public_url(uri, headers) {
            Some(url) => self.register_at(&url, parameter(uri, "deployId").as_deref(), headers.get(SERVER_KIND)).await,
            None => Err("the request does not say where it came to: set INNGEST_SERVE_ORIGIN".to_owned()),
        };
        let answer = match registered {
            // The dev server asks every five seconds.
            Ok(modified) => {
                tracing::debug!(modified, "the functions are registered");
                let body = json!({"message": "Successfully registered", "modified": modified});
                Answer::json(StatusCode::OK, &body)
            }
            Err(message) => {
                tracing::warn!(problem = %message, "the functions were not registered");
                Answer::json(StatusCode::INTERNAL_SERVER_ERROR, &json!({"message": message, "modified": false}))
            }
        };
        answer.with(SYNC_KIND, OUT_OF_BAND)
    }

    /// Registers the functions, as served at `url`, without being asked to. Gives whether anything is new.
    ///
    /// # Errors
    ///
    /// When Inngest cannot be reached or does not take them.
    pub async fn register(&self, url: &Url) -> Result<bool, RegisterError> {
        self.register_at(url, None, None).await.map_err(RegisterError)
    }

    async fn register_at(
        &self,
        url: &Url,
        deploy_id: Option<&str>,
        expected_server: Option<&HeaderValue>,
    ) -> Result<bool, String> {
        let mut address = under(&self.client.config().api_origin, &["fn", "register"]);
        if let Some(id) = deploy_id {
            address.query_pairs_mut().append_pair("deployId", id);
        }
        let mut body = json!({
            "url": url.as_str(),
            "deployType": "ping",
            "framework": FRAMEWORK,
            "appName": self.client.app_id(),
            "sdk": SDK,
            "v": "0.1",
            "capabilities": capabilities(),
            "functions": self.configs(url),
        });
        if let (Some(version), Some(body)) = (self.client.app_version(), body.as_object_mut()) {
            body.insert("appVersion".to_owned(), version.into());
        }
        let request = || {
            let request = self.client.request(Method::POST, address.clone()).header(SYNC_KIND, OUT_OF_BAND).json(&body);
            expected_server.into_iter().fold(request, |request, kind| request.header(EXPECTED_SERVER_KIND, kind))
        };
        let unreachable = |error: reqwest::Error| {
            tracing::debug!(error = %error.without_url(), "Inngest cannot be reached");
            "Inngest cannot be reached".to_owned()
        };
        let answer = self.client.ask(request).await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        if status != StatusCode::OK {
            return Err(format!("Inngest answered {status}: {}", said(&body)));
        }
        Ok(serde_json::from_slice(&body).is_ok_and(|Registered { modified }| modified))
    }
}
