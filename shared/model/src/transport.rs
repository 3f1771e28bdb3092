//! Sends a request as often as makes sense, and reads an answer that cannot be too long.

use std::time::Duration;

use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Request, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tower::{Service, service_fn};
use url::Url;

use crate::Error;
use crate::error::Failure;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Whoever asks for a longer pause is not asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;
const MAX_CODE_CHARS: usize = 60;

/// Where the server is and what opens it. The library's own configuration would also read variables of OpenAI's.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    base: Url,
    key: SecretString,
    headers: HeaderMap,
}

impl Server {
    pub(crate) fn new(base: Url, key: Option<SecretString>) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &key {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
                .map_err(|_| "the key holds characters that no header can".to_owned())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self { base, key: key.unwrap_or_default(), headers })
    }
}

impl Config for Server {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.into()
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        self.base.as_str()
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

pub(crate) fn client(http: ClientBuilder) -> reqwest::Result<Client> {
    // A redirect would carry the request, and perhaps the key, to somebody else.
    http.connect_timeout(CONNECT_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()
}

pub(crate) fn service(
    http: Client,
) -> impl Service<HttpRequestFactory, Response = Response, Error = OpenAIError, Future: Send> + Clone + Send + Sync + 'static
{
    service_fn(move |request: HttpRequestFactory| {
        let http = http.clone();
        async move { Ok(send(&http, &request).await?) }
    })
}

async fn send(http: &Client, request: &HttpRequestFactory) -> Result<Response, Failure> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        let (failure, wait) = match attempt(http, request.build().await?).await {
            Ok(response) => return Ok(response),
            Err((failure, Again::Never)) => return Err(failure),
            Err((failure, Again::After(wait))) => {
                (failure, wait.unwrap_or_else(|| pause.mul_f64(fastrand::f64() + 0.5)))
            }
        };
        if wait > LONGEST_PAUSE {
            return Err(failure);
        }
        tracing::debug!(error = %failure, "asking the model again");
        tokio::time::sleep(wait).await;
        pause *= 3;
    }
    attempt(http, request.build().await?).await.map_err(|(failure, _)| failure)
}

enum Again {
    Never,
    After(Option<Duration>),
}

async fn attempt(http: &Client, request: Request) -> Result<Response, (Failure, Again)> {
    let unanswered = |error: reqwest::Error| {
        // Once the request is out the model may be writing, and is paid for it.
        let again = if error.is_connect() { Again::After(None) } else { Again::Never };
        (Error::Unavailable(with_causes(&error.without_url())).into(), again)
    };
    let response = http.execute(request).await.map_err(unanswered)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = match read(response).await {
        Ok(body) => body,
        Err(Unread::Broken(error)) => return Err(unanswered(error)),
        Err(Unread::TooLong) => return Err((Error::Overlong.into(), Again::Never)),
    };
    if status.is_success() {
        return Ok(http::Response::new(body).into());
    }
    let refusal = Refusal::read(&body);
    let again = match status {
        StatusCode::TOO_MANY_REQUESTS if refusal.is("insufficient_quota") => Again::Never,
        StatusCode::TOO_MANY_REQUESTS => Again::After(retry_after(&headers)),
        status if status.is_server_error() => Again::After(retry_after(&headers)),
        _ => Again::Never,
    };
    Err((refusal.failure(status), again))
}

/// What a server says of a request that it does not serve.
struct Refusal {
    /// Its names for what is wrong.
    codes: Vec<String>,
    is_about_limit: bool,
}

impl Refusal {
    fn read(body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = json.get("error").unwrap_or(&json);
        let code = |name: &str| error.get(name).and_then(Value::as_str).filter(|code| is_code(code)).map(str::to_owned);
        let is_about_limit = String::from_utf8_lossy(body).contains("max_completion_tokens");
        Self { codes: ["code", "type"].into_iter().filter_map(code).collect(), is_about_limit }
    }

    fn is(&self, code: &str) -> bool {
        self.codes.iter().any(|other| other == code)
    }

    fn failure(&self, status: StatusCode) -> Failure {
        let is_bad_request = matches!(status.as_u16(), 400 | 422);
        if is_bad_request && self.is_about_limit {
            return Failure::UnknownLimit;
        }
        if is_bad_request && (self.is("content_filter") || self.is("content_policy_violation")) {
            return Error::Refused.into();
        }
        let code = self.codes.first().map(|code| format!(" {code}")).unwrap_or_default();
        Error::Unavailable(format!("its server answers HTTP {}{code}", status.as_u16())).into()
    }
}

/// A name such as `invalid_api_key`, and not a sentence or a secret.
fn is_code(text: &str) -> bool {
    text.len() <= MAX_CODE_CHARS && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// reqwest's own words say only that it failed.
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

enum Unread {
    Broken(reqwest::Error),
    TooLong,
}

async fn read(mut response: Response) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::Broken)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            return Err(Unread::TooLong);
        }
    }
    Ok(body)
}
