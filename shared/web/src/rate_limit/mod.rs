//! How many requests a minute each client may make, by scope.
//!
//! A budget of N lets N requests pass at once and comes back evenly over the minute. Each request is charged where it
//! is known who pays: by address in front of a route, by API key or customer after authentication. Budgets are in
//! memory, one set per process.

mod buckets;

use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{FromFnLayer, Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use entity::ids::{CustomerId, KeyId};
use tokio_util::sync::CancellationToken;

use crate::client_ip::{TrustedProxies, network_of};
use crate::config::{ConfigError, Environment};
use crate::error::ApiError;
use buckets::{Buckets, Outcome};

/// See draft-ietf-httpapi-ratelimit-headers.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Codes of refusals that nobody was guessing for.
const NO_GUESS: [&str; 2] = ["missing_key", "expired_token"];
/// In seconds.
const WINDOW: u32 = 60;
const TIDY_INTERVAL: Duration = Duration::from_secs(60);

/// What a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Starting to pay; by address.
    Checkout,
    /// What Stripe tells; by address.
    Webhooks,
    /// The REST API; by API key.
    Api,
    /// The pages of an account in a browser, by the key of the session: who clicks around takes nothing from programs.
    Pages,
    /// Failed authentications and other guesses; by address.
    Preauth,
    /// The MCP server; by customer.
    Mcp,
    /// What operators do; by address.
    Admin,
}

impl Scope {
    /// Its name in the headers of answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Webhooks => "webhooks",
            Self::Api => "api",
            Self::Pages => "pages",
            Self::Preauth => "preauth",
            Self::Mcp => "mcp",
            Self::Admin => "admin",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::Checkout => "RATE_LIMIT_CHECKOUT",
            Self::Webhooks => "RATE_LIMIT_WEBHOOKS",
            Self::Api => "RATE_LIMIT_API",
            Self::Pages => "RATE_LIMIT_PAGES",
            Self::Preauth => "RATE_LIMIT_PREAUTH",
            Self::Mcp => "RATE_LIMIT_MCP",
            Self::Admin => "RATE_LIMIT_ADMIN",
        }
    }

    const fn default_per_minute(self) -> u32 {
        match self {
            Self::Checkout => 5,
            Self::Webhooks => 100,
            Self::Api => 60,
            // A page is two requests: itself, and the stream that keeps it up to date.
            Self::Pages => 120,
            Self::Preauth => 20,
            Self::Mcp => 30,
            Self::Admin => 10,
        }
    }
}

/// Something for each scope.
#[derive(Clone, Copy, Debug, Default)]
struct PerScope<T> {
    checkout: T,
    webhooks: T,
    api: T,
    pages: T,
    preauth: T,
    mcp: T,
    admin: T,
}

impl<T> PerScope<T> {
    fn try_of<E>(make: impl Fn(Scope) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            checkout: make(Scope::Checkout)?,
            webhooks: make(Scope::Webhooks)?,
            api: make(Scope::Api)?,
            pages: make(Scope::Pages)?,
            preauth: make(Scope::Preauth)?,
            mcp: make(Scope::Mcp)?,
            admin: make(Scope::Admin)?,
        })
    }

    const fn get(&self, scope: Scope) -> &T {
        match scope {
            Scope::Checkout => &self.checkout,
            Scope::Webhooks => &self.webhooks,
            Scope::Api => &self.api,
            Scope::Pages => &self.pages,
            Scope::Preauth => &self.preauth,
            Scope::Mcp => &self.mcp,
            Scope::Admin => &self.admin,
        }
    }

    fn all(&self) -> [&T; 7] {
        [&self.checkout, &self.webhooks, &self.api, &self.pages, &self.preauth, &self.mcp, &self.admin]
    }
}

/// Requests a minute for each scope; none where there is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct RateLimits(PerScope<Option<NonZeroU32>>);

impl RateLimits {
    /// Reads `RATE_LIMIT_CHECKOUT` and the other scopes' variables.
    ///
    /// # Errors
    ///
    /// The first that is not a whole number.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let parse = |text: &str| {
            text.parse::<u32>()
                .map_err(|_| "must be a whole number of requests a minute, such as 60, or 0 for no limit".to_owned())
        };
        PerScope::try_of(|scope| {
            let set = environment.parsed_with(scope.variable(), parse)?;
            Ok(NonZeroU32::new(set.unwrap_or(scope.default_per_minute())))
        })
        .map(Self)
    }
}

/// Whose budget a request is taken from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// A client's address, as [`network_of`] gives it.
    Ip(std::net::IpAddr),
    /// An accepted API key.
    Key(KeyId),
    /// A customer, whichever key they use.
    Customer(CustomerId),
    /// Everybody who came when too many others were counted already.
    Newcomers,
}

/// A budget after a request was charged to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    scope: Scope,
    /// Requests a minute.
    pub per_minute: u32,
    /// How many more would pass right now.
    pub left: u32,
    /// Seconds, rounded up, until the next one passes when none is left, and else until the budget is whole again.
    pub reset: u64,
}

impl Allowance {
    fn after(scope: Scope, per_minute: NonZeroU32, left: u32) -> Self {
        let interval = Duration::from_secs(u64::from(WINDOW)) / per_minute.get();
        let wait = if left == 0 { interval } else { interval * (per_minute.get() - left) };
        Self { scope, per_minute: per_minute.get(), left, reset: whole_seconds(wait) }
    }

    fn headers(&self) -> HeaderMap {
        let Self { scope, per_minute, left, reset } = self;
        let name = scope.name();
        let policy = format!("\"{name}\";q={per_minute};w={WINDOW}");
        let state = format!("\"{name}\";r={left};t={reset}");
        let fields = [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)];
        fields.into_iter().filter_map(|(field, text)| Some((field, HeaderValue::try_from(text).ok()?))).collect()
    }
}

/// A request that is refused because its payer's budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded(Allowance);

impl Exceeded {
    /// Seconds until the next request passes, rounded up and never 0.
    #[must_use]
    pub const fn retry_after(&self) -> u64 {
        self.0.reset
    }

    /// `Retry-After`, `RateLimit` and `RateLimit-Policy`.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = self.0.headers();
        headers.insert(RETRY_AFTER, self.retry_after().into());
        headers
    }
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        let Allowance { per_minute, reset, .. } = exceeded.0;
        let unit = if reset == 1 { "second" } else { "seconds" };
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            format!("Too many requests: {per_minute} a minute are allowed. Try again in {reset} {unit}."),
        )
    }
}

/// A second is the smallest wait that headers can tell.
fn whole_seconds(wait: Duration) -> u64 {
    let begun = u64::from(wait.subsec_nanos() > 0);
    (wait.as_secs() + begun).max(1)
}

/// What the answer to a request has to tell about budgets: that of the last one that was charged.
///
/// [`crate::layers`] puts one beside every request and writes its headers, so that whoever charges, be it an
/// extractor, need not see the answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<HeaderMap>>);

impl Told {
    fn tell(extensions: &Extensions, headers: HeaderMap) {
        if let Some(Self(told)) = extensions.get() {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = headers;
        }
    }

    pub(crate) fn take(&self) -> HeaderMap {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
struct Limited {
    per_minute: NonZeroU32,
    buckets: Buckets,
}

/// The budgets of a process, and who pays. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RateLimiter {
    scopes: Arc<PerScope<Option<Limited>>>,
    proxies: TrustedProxies,
}

impl RateLimiter {
    /// Budgets that nothing was taken from. Until `shutdown`, a task forgets whoever has a whole budget again.
    ///
    /// Must be called within a Tokio runtime.
    #[must_use]
    pub fn start(limits: RateLimits, proxies: TrustedProxies, shutdown: CancellationToken) -> Self {
        let limiter = Self::new(limits, proxies);
        let scopes = limiter.scopes.clone();
        let tidying = async move {
            loop {
                tokio::time::sleep(TIDY_INTERVAL).await;
                scopes.all().into_iter().flatten().for_each(|limited| limited.buckets.tidy());
            }
        };
        tokio::spawn(shutdown.run_until_cancelled_owned(tidying));
        limiter
    }

    fn new(limits: RateLimits, proxies: TrustedProxies) -> Self {
        let limited = |per_minute| Limited { per_minute, buckets: Buckets::new(per_minute) };
        let Ok(scopes) = PerScope::try_of(|scope| Ok::<_, std::convert::Infallible>(limits.0.get(scope).map(limited)));
        Self { scopes: Arc::new(scopes), proxies }
    }

    /// No limits at all.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// How many requests a minute are taken; none where there is no limit.
    #[must_use]
    pub fn per_minute(&self, scope: Scope) -> Option<u32> {
        self.scopes.get(scope).as_ref().map(|limited| limited.per_minute.get())
    }

    /// Charges a request and sees to it that its answer tells what is left. None when the scope has no limit.
    ///
    /// # Errors
    ///
    /// When the budget is spent.
    pub fn charge(&self, request: &Extensions, scope: Scope, payer: &Payer) -> Result<Option<Allowance>, Exceeded> {
        let Some(Limited { per_minute, buckets }) = self.scopes.get(scope) else { return Ok(None) };
        match buckets.charge(payer) {
            Outcome::Passed { left } => {
                let allowance = Allowance::after(scope, *per_minute, left);
                Told::tell(request, allowance.headers());
                Ok(Some(allowance))
            }
            Outcome::Refused { wait } => {
                crate::metrics::limited(scope.name());
                let reset = whole_seconds(wait);
                let exceeded = Exceeded(Allowance { scope, per_minute: per_minute.get(), left: 0, reset });
                Told::tell(request, exceeded.headers());
                Err(exceeded)
            }
        }
    }

    /// Charges the client's address.
    ///
    /// # Errors
    ///
    /// When the budget is spent.
    pub fn charge_ip(&self, request: &Extensions, headers: &HeaderMap, scope: Scope) -> Result<(), Exceeded> {
        let payer = Payer::Ip(network_of(self.proxies.client(request, headers)));
        self.charge(request, scope, &payer).map(drop)
    }

    /// What a failed authentication is answered: a 401 costs the client's address an attempt, and once there is none
    /// left, it is a 429. Whoever shows a good credential never comes here, so nobody is locked out by others. Who shows
    /// none, or one that was good until lately, guesses nothing and pays nothing: that is how apps begin, and how they go
    /// on after a quarter of an hour, many of them from the one address of who hosts them.
    #[must_use]
    pub fn after_failure(&self, request: &Extensions, headers: &HeaderMap, error: ApiError) -> ApiError {
        if error.status != StatusCode::UNAUTHORIZED || NO_GUESS.contains(&error.code) {
            return error;
        }
        match self.charge_ip(request, headers, Scope::Preauth) {
            Ok(()) => error,
            Err(exceeded) => exceeded.into(),
        }
    }

    /// A layer for a route, as in `post(checkout).route_layer(limiter.by_ip(Scope::Checkout))`: every request to it is
    /// charged to the client's address.
    pub fn by_ip(&self, scope: Scope) -> ByIpLayer {
        self.by_ip_or(scope, |exceeded| ApiError::from(exceeded).into_response())
    }

    /// The same where errors have another shape than ours.
    pub fn by_ip_or(&self, scope: Scope, refuse: fn(Exceeded) -> Response) -> ByIpLayer {
        from_fn_with_state(ByIp { limiter: self.clone(), scope, refuse }, charge_or_refuse as ChargeOrRefuse)
    }
}

/// See [`RateLimiter::by_ip`].
pub type ByIpLayer = FromFnLayer<ChargeOrRefuse, ByIp, (State<ByIp>, Request)>;
type ChargeOrRefuse = fn(State<ByIp>, Request, Next) -> Answer;
type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// What a [`ByIpLayer`] works with.
#[derive(Clone, Debug)]
pub struct ByIp {
    limiter: RateLimiter,
    scope: Scope,
    refuse: fn(Exceeded) -> Response,
}

fn charge_or_refuse(State(ByIp { limiter, scope, refuse }): State<ByIp>, request: Request, next: Next) -> Answer {
    match limiter.charge_ip(request.extensions(), request.headers(), scope) {
        Ok(()) => Box::pin(next.run(request)),
        Err(exceeded) => Box::pin(std::future::ready(refuse(exceeded))),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::post;
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    fn limiter(variables: &[(&str, &str)]) -> RateLimiter {
        let environment = Environment::of(variables);
        let proxies = TrustedProxies::from_environment(&environment).unwrap();
        RateLimiter::new(RateLimits::from_environment(&environment).unwrap(), proxies)
    }

    fn app(limiter: &RateLimiter) -> Router {
        let router = Router::new().route("/", post(async || "done").route_layer(limiter.by_ip(Scope::Checkout)));
        crate::layers::around(router, Duration::from_secs(30))
    }

    async fn answer(app: &Router, method: &str, path: &str) -> (StatusCode, HeaderMap, Value) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn every_answer_of_a_limited_route_tells_what_is_left() {
        let app = app(&limiter(&[("RATE_LIMIT_CHECKOUT", "3")]));
        for (left, reset) in [(2, 20), (1, 40), (0, 20)] {
            let (status, headers, _) = answer(&app, "POST", "/").await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(headers["ratelimit-policy"], "\"checkout\";q=3;w=60");
            assert_eq!(headers["ratelimit"], format!("\"checkout\";r={left};t={reset}"));
            assert!(!headers.contains_key("retry-after"));
        }
        let (status, headers, body) = answer(&app, "POST", "/").await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(headers["ratelimit-policy"], "\"checkout\";q=3;w=60");
        assert_eq!(headers["ratelimit"], "\"checkout\";r=0;t=20");
        assert_eq!(headers["retry-after"], "20");
        assert_eq!(body["code"], "rate_limited");
        assert_eq!(body["error"], "Too many requests: 3 a minute are allowed. Try again in 20 seconds.");
        assert!(body["requestId"].is_string());
    }

    #[tokio::test]
    async fn what_is_not_served_costs_nothing() {
        let app = app(&limiter(&[("RATE_LIMIT_CHECKOUT", "1")]));
        answer(&app, "POST", "/").await;
        assert_eq!(answer(&app, "GET", "/").await.0, StatusCode::METHOD_NOT_ALLOWED);
        let (status, headers, _) = answer(&app, "POST", "/nothing").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(!headers.contains_key("ratelimit"));
    }

    #[tokio::test]
    async fn zero_is_no_limit() {
        for limiter in [limiter(&[("RATE_LIMIT_CHECKOUT", "0")]), RateLimiter::off()] {
            let app = app(&limiter);
            for _ in 0..200 {
                let (status, headers, _) = answer(&app, "POST", "/").await;
                assert_eq!((status, headers.contains_key("ratelimit")), (StatusCode::OK, false));
            }
        }
    }

    #[test]
    fn the_limits_are_those_of_the_contract_unless_told_otherwise() {
        let per_minute = |limits: RateLimits| limits.0.all().map(|limit| limit.map_or(0, NonZeroU32::get));
        let limits = |variables| RateLimits::from_environment(&Environment::of(variables)).unwrap();
        assert_eq!(per_minute(limits(&[])), [5, 100, 60, 120, 20, 30, 10]);
        assert_eq!(
            per_minute(limits(&[("RATE_LIMIT_MCP", "7"), ("RATE_LIMIT_API", "0")])),
            [5, 100, 0, 120, 20, 7, 10]
        );
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        for (millis, seconds) in [(0, 1), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (59_001, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds, "{millis} ms");
        }
    }

    #[test]
    fn failed_attempts_run_out_and_other_errors_cost_nothing() {
        let limiter = limiter(&[("RATE_LIMIT_PREAUTH", "2")]);
        let fail = |status| {
            let error = ApiError::of_status(status);
            limiter.after_failure(&Extensions::new(), &HeaderMap::new(), error).status
        };
        for status in [StatusCode::FORBIDDEN, StatusCode::SERVICE_UNAVAILABLE] {
            assert!((0..5).all(|_| fail(status) == status));
        }
        let seen = [(); 3].map(|()| fail(StatusCode::UNAUTHORIZED).as_u16());
        assert_eq!(seen, [401, 401, 429]);
        assert_eq!(fail(StatusCode::FORBIDDEN), StatusCode::FORBIDDEN);
    }
}
