//! `/v1`: the part of Stripe's API that HeyCMO needs.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, State as Shared};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;

use super::actions::{SessionAction, SubscriptionAction};
use super::error::StripeError;
use super::faults::Kind;
use super::params::Params;
use super::state::{Answer, Event, Portal, Session, State, Status, Subscription, new_id, now};
use super::{API_VERSION, LoggedRequest, PRICE_ID, Sandbox, render};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The longest idempotency key.
const MAX_KEY_CHARS: usize = 255;
/// How soon and how late a session may be told to expire, in seconds from now.
const EXPIRES_IN: std::ops::RangeInclusive<i64> = 30 * 60 - 60..=24 * 60 * 60 + 60;

type Answered = Result<Response, StripeError>;

pub fn router(sandbox: &Sandbox) -> Router<Sandbox> {
    Router::new()
        .route("/v1/customers", get(list_customers).post(create_customer))
        .route("/v1/customers/{id}", get(get_customer).post(update_customer))
        .route("/v1/checkout/sessions", get(list_sessions).post(create_session))
        .route("/v1/checkout/sessions/{id}", get(get_session))
        .route("/v1/checkout/sessions/{id}/expire", post(expire_session))
        .route("/v1/subscriptions", get(list_subscriptions))
        .route("/v1/subscriptions/{id}", get(get_subscription).post(update_subscription).delete(cancel_subscription))
        .route("/v1/subscriptions/{id}/resume", post(resume_subscription))
        .route("/v1/billing_portal/sessions", post(create_portal))
        .route("/v1/invoices", get(list_invoices))
        .route("/v1/invoices/{id}", get(get_invoice))
        .route("/v1/charges/{id}", get(get_charge))
        .route("/v1/prices/{id}", get(get_price))
        .route("/v1/events", get(list_events))
        .route("/v1/events/{id}", get(get_event))
        .route("/v1/{*rest}", any(no_such_route))
        .method_not_allowed_fallback(no_such_route)
        .layer(middleware::from_fn_with_state(sandbox.clone(), around))
}

/// What is the same for every call: the log, faults, the key, the headers.
async fn around(Shared(sandbox): Shared<Sandbox>, request: Request, next: Next) -> Response {
    let sent = request.headers().clone();
    let fault = strike(&sandbox);
    sandbox.log(LoggedRequest {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        idempotency_key: text(&sent, &IDEMPOTENCY_KEY).map(str::to_owned),
        fault: fault.map(|(kind, _)| kind),
    });
    let mut response = match fault {
        Some((kind, false)) => kind.answer().await,
        Some((kind, true)) => {
            answer(&sent, request, next).await;
            kind.answer().await
        }
        None => answer(&sent, request, next).await,
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&new_id("req_")) {
        headers.insert(REQUEST_ID, id);
    }
    let version = sent.get(STRIPE_VERSION).cloned().unwrap_or(HeaderValue::from_static(API_VERSION));
    headers.insert(STRIPE_VERSION, version);
    headers.extend(sent.get(IDEMPOTENCY_KEY).map(|key| (IDEMPOTENCY_KEY, key.clone())));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    response
}

/// What is to go wrong with this call, and whether only after it was carried out.
fn strike(sandbox: &Sandbox) -> Option<(Kind, bool)> {
    let mut live = sandbox.live();
    let faults = live.faults.as_mut().filter(|faults| faults.is_live())?;
    faults.strikes().then_some((faults.kind, faults.after))
}

async fn answer(sent: &HeaderMap, request: Request, next: Next) -> Response {
    match authenticate(sent) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Takes every test key, as a Bearer token or as the name of Basic authentication.
fn authenticate(headers: &HeaderMap) -> Result<(), StripeError> {
    let (scheme, value) = text(headers, &header::AUTHORIZATION).and_then(|it| it.split_once(' ')).unwrap_or_default();
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        value.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = STANDARD.decode(value).ok().and_then(|pair| String::from_utf8(pair).ok()).unwrap_or_default();
        pair.split(':').next().unwrap_or_default().to_owned()
    } else {
        String::new()
    };
    if key.is_empty() {
        let message = "You did not provide an API key. You need to provide your API key in the Authorization header, \
                       using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
        return Err(StripeError::unauthorized(message));
    }
    if ["sk_test_", "rk_test_"].iter().any(|prefix| key.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty())) {
        return Ok(());
    }
    // A real key may have come here by mistake: not a character of it is repeated.
    Err(StripeError::unauthorized("Invalid API Key provided. The sandbox takes only keys that begin with sk_test_."))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The parameters of a call, from its query and its body.
struct Call {
    params: Params,
    key: Option<String>,
    /// Tells calls under one idempotency key apart.
    fingerprint: String,
}

impl FromRequest<Sandbox> for Call {
    type Rejection = StripeError;

    async fn from_request(request: Request, sandbox: &Sandbox) -> Result<Self, StripeError> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let key = text(request.headers(), &IDEMPOTENCY_KEY).map(str::to_owned).filter(|_| method == Method::POST);
        if key.as_ref().is_some_and(|key| key.chars().count() > MAX_KEY_CHARS) {
            return Err(StripeError::invalid("Idempotency keys can have at most 255 characters."));
        }
        let query = request.uri().query().unwrap_or_default().to_owned();
        let content_type = text(request.headers(), &header::CONTENT_TYPE).unwrap_or_default().to_owned();
        let body = Bytes::from_request(request, sandbox).await;
        let body = body.map_err(|rejection| StripeError::invalid(rejection.body_text()))?;
        if !body.is_empty() && !content_type.starts_with("application/x-www-form-urlencoded") {
            return Err(StripeError::invalid(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
            ));
        }
        let separator: &[u8] = if query.is_empty() || body.is_empty() { b"" } else { b"&" };
        let params = Params::parse(&[query.as_bytes(), separator, &body].concat());
        let fingerprint = format!("{method} {path} {params:?}");
        Ok(Self { params, key, fingerprint })
    }
}

impl Sandbox {
    /// Answers a call that only looks.
    fn show(&self, call: &Call, look: impl FnOnce(&State, &Params) -> Result<Value, StripeError>) -> Answered {
        let body = self.read(|state| {
            let mut body = look(state, &call.params)?;
            render::expand(state, &mut body, &call.params)?;
            Ok(body)
        })?;
        Ok(axum::Json(body).into_response())
    }

    /// Answers a call that changes something; the same call under the same key gets the same answer again.
    fn perform(&self, call: &Call, act: impl FnOnce(&mut State, &Params) -> Result<Value, StripeError>) -> Answered {
        let (body, is_replay) = self.change(|state| {
            let first = call.key.as_deref().and_then(|key| state.answer(key));
            if let Some(first) = first {
                let is_same = first.call == call.fingerprint;
                return is_same
                    .then(|| (first.body.clone(), true))
                    .ok_or_else(|| StripeError::other_params(&first.key));
            }
            let mut body = act(state, &call.params)?;
            render::expand(state, &mut body, &call.params)?;
            if let Some(key) = &call.key {
                let call = call.fingerprint.clone();
                state.remember(Answer { key: key.clone(), at: now(), call, body: body.clone() });
            }
            Ok((body, false))
        })?;
        let mut response = axum::Json(body).into_response();
        if is_replay {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    }
}

async fn no_such_route(method: Method, uri: Uri) -> StripeError {
    StripeError::no_such_route(method.as_str(), uri.path())
}

async fn create_customer(Shared(sandbox): Shared<Sandbox>, call: Call) -> Answered {
    sandbox.perform(&call, |state, params| {
        params.only(&["email", "name", "metadata", "description", "phone", "address", "preferred_locales"])?;
        check_email(params, "email")?;
        let customer = state.add_customer(params.owned("email"), params.owned("name"), params.below("metadata"));
        Ok(render::customer(&customer))
    })
}

async fn update_customer(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.perform(&call, |state, params| {
        params.only(&["email", "name", "metadata", "description", "phone", "address", "preferred_locales"])?;
        check_email(params, "email")?;
        let customer = state.customer_mut(&id)?;
        if params.given("email").is_some() {
            customer.email = params.owned("email");
        }
        if params.given("name").is_some() {
            customer.name = params.owned("name");
        }
        merge(&mut customer.metadata, params);
        Ok(render::customer(customer))
    })
}

async fn get_customer(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.show(&call, |state, _| Ok(render::customer(state.customer(&id)?)))
}

async fn list_customers(Shared(sandbox): Shared<Sandbox>, call: Call) -> Answered {
    sandbox.show(&call, |state, params| {
        params.only(&["email", "created", "limit", "starting_after", "ending_before"])?;
        let email = params.text("email");
        let matching = state.customers.iter().filter(|it| email.is_none() || it.email.as_deref() == email);
        let matching = matching.filter(|it| is_created_when(params, it.created));
        page(params, "/v1/customers", matching.map(render::customer).collect())
    })
}

async fn create_session(Shared(sandbox): Shared<Sandbox>, call: Call) -> Answered {
    sandbox.perform(&call, |state, params| {
        check_session(state, params)?;
        let session = Session::new(params)?;
        state.sessions.push(session.clone());
        Ok(render::session(state, &session))
    })
}

/// Refuses what Stripe would refuse, and what the sandbox could only get wrong.
fn check_session(state: &State, params: &Params) -> Result<(), StripeError> {
    params.only(&[
        "allow_promotion_codes",
        "automatic_tax",
        "billing_address_collection",
        "cancel_url",
        "client_reference_id",
        "customer",
        "customer_email",
        "customer_update",
        "expires_at",
        "line_items",
        "locale",
        "metadata",
        "mode",
        "payment_method_collection",
        "payment_method_types",
        "subscription_data",
        "success_url",
        "tax_id_collection",
    ])?;
    let mode = params.required("mode")?;
    if mode != "subscription" {
        return Err(StripeError::param("mode", "parameter_invalid", "The sandbox knows only the mode subscription."));
    }
    let price = params.required("line_items[0][price]")?;
    if price != PRICE_ID {
        return Err(StripeError::missing_in("line_items[0][price]", "price", price));
    }
    if params.integer("line_items[0][quantity]")?.is_none_or(|quantity| quantity < 1) {
        let message = "Quantity is required. Add `quantity` to `line_items[0]`.";
        return Err(StripeError::param("line_items[0][quantity]", "parameter_missing", message));
    }
    let trial = params.integer("subscription_data[trial_period_days]")?;
    if trial.is_some_and(|days| !(1..=730).contains(&days)) {
        let message = "The trial must have 1 to 730 days.";
        return Err(StripeError::param("subscription_data[trial_period_days]", "parameter_invalid_integer", message));
    }
    if let (Some(_), Some(_)) = (params.text("customer"), params.text("customer_email")) {
        return Err(StripeError::invalid("You may only specify one of these parameters: customer, customer_email."));
    }
    if let Some(customer) = params.text("customer") {
        state.customer(customer).map_err(|_| StripeError::missing_in("customer", "customer", customer))?;
    }
    check_email(params, "customer_email")?;
    params.required("success_url")?;
    check_url(params, "success_url")?;
    check_url(params, "cancel_url")?;
    let expires_in = params.integer("expires_at")?.map(|at| at - now());
    if expires_in.is_some_and(|seconds| !EXPIRES_IN.contains(&seconds)) {
        let message = "The `expires_at` timestamp must be 30 minutes to 24 hours from Checkout Session creation.";
        return Err(StripeError::param("expires_at", "parameter_invalid_integer", message));
    }
    Ok(())
}

async fn get_session(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.show(&call, |state, _| Ok(render::session(state, state.session(&id)?)))
}

async fn list_sessions(Shared(sandbox): Shared<Sandbox>, call: Call) -> Answered {
    sandbox.show(&call, |state, params| {
        params.only(&["customer", "subscription", "status", "created", "limit", "starting_after", "ending_before"])?;
        let matching = state.sessions.iter().filter(|it| is_given(params, "customer", it.customer.as_deref()));
        let matching = matching.filter(|it| is_given(params, "subscription", it.subscription.as_deref()));
        let matching = matching.filter(|it| is_given(params, "status", Some(&render::word(it.status))));
        let matching = matching.filter(|it| is_created_when(params, it.created));
        page(params, "/v1/checkout/sessions", matching.map(|it| render::session(state, it)).collect())
    })
}

async fn expire_session(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.perform(&call, |state, params| {
        params.only(&[])?;
        state.act_on_session(&id, SessionAction::Expire, None)?;
        Ok(render::session(state, state.session(&id)?))
    })
}

async fn get_subscription(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.show(&call, |state, _| Ok(render::subscription(state.subscription(&id)?)))
}

async fn list_subscriptions(Shared(sandbox): Shared<Sandbox>, call: Call) -> Answered {
    sandbox.show(&call, |state, params| {
        params.only(&["customer", "status", "price", "created", "limit", "starting_after", "ending_before"])?;
        let matching = state.subscriptions.iter().filter(|it| is_given(params, "customer", Some(&it.customer)));
        let matching = matching.filter(|it| is_given(params, "price", Some(PRICE_ID)) && has_status(params, it));
        let matching = matching.filter(|it| is_created_when(params, it.created));
        page(params, "/v1/subscriptions", matching.map(render::subscription).collect())
    })
}

/// Without a status, all that are not canceled.
fn has_status(params: &Params, subscription: &Subscription) -> bool {
    match params.text("status") {
        None => subscription.status != Status::Canceled,
        Some("all") => true,
        Some("ended") => subscription.status.is_terminal(),
        Some(status) => status == render::word(subscription.status),
    }
}

async fn update_subscription(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.perform(&call, |state, params| {
        params.only(&["cancel_at_period_end", "pause_collection", "metadata", "cancellation_details"])?;
        if state.subscription(&id)?.status.is_terminal() {
            let message = "A canceled subscription can only update its cancellation_details.";
            return Err(StripeError::invalid(message));
        }
        if let Some(ends) = params.boolean("cancel_at_period_end")? {
            state.set_cancel_at_period_end(&id, ends)?;
        }
        if let Some(behavior) = pause_collection(params)? {
            state.update(&id, |subscription| subscription.pause_collection = behavior)?;
        }
        state.update(&id, |subscription| merge(&mut subscription.metadata, params))?;
        Ok(render::subscription(state.subscription(&id)?))
    })
}

/// What is to become of `pause_collection`, if it is given; an empty one ends the pause.
fn pause_collection(params: &Params) -> Result<Option<Option<String>>, StripeError> {
    const NAME: &str = "pause_collection[behavior]";
    match params.text(NAME) {
        Some(behavior @ ("keep_as_draft" | "mark_uncollectible" | "void")) => Ok(Some(Some(behavior.to_owned()))),
        Some(other) => {
            let message =
                format!("Invalid {NAME}: must be one of keep_as_draft, mark_uncollectible, or void; got {other}");
            Err(StripeError::param(NAME, "parameter_invalid", message))
        }
        None => Ok(params.given("pause_collection").map(|_| None)),
    }
}

async fn cancel_subscription(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.perform(&call, |state, params| {
        params.only(&["invoice_now", "prorate", "cancellation_details"])?;
        // Stripe knows no canceled subscription here.
        if state.subscription(&id)?.status.is_terminal() {
            return Err(StripeError::missing("subscription", &id));
        }
        state.act_on_subscription(&id, SubscriptionAction::Cancel)?;
        Ok(render::subscription(state.subscription(&id)?))
    })
}

async fn resume_subscription(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.perform(&call, |state, params| {
        params.only(&["billing_cycle_anchor", "proration_behavior", "proration_date"])?;
        if state.subscription(&id)?.status != Status::Paused {
            return Err(StripeError::invalid("This subscription is not paused."));
        }
        state.resume(&id)?;
        Ok(render::subscription(state.subscription(&id)?))
    })
}

async fn create_portal(Shared(sandbox): Shared<Sandbox>, call: Call) -> Answered {
    sandbox.perform(&call, |state, params| {
        params.only(&["customer", "return_url", "locale", "configuration"])?;
        let customer = params.required("customer")?;
        state.customer(customer).map_err(|_| StripeError::missing_in("customer", "customer", customer))?;
        check_url(params, "return_url")?;
        let portal = Portal {
            id: new_id("bps_"),
            created: now(),
            customer: customer.to_owned(),
            return_url: params.owned("return_url"),
        };
        state.portals.push(portal.clone());
        Ok(render::portal(state, &portal))
    })
}

async fn get_invoice(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.show(&call, |state, _| Ok(render::invoice(state, state.invoice(&id)?)))
}

async fn list_invoices(Shared(sandbox): Shared<Sandbox>, call: Call) -> Answered {
    sandbox.show(&call, |state, params| {
        params.only(&["customer", "subscription", "status", "created", "limit", "starting_after", "ending_before"])?;
        let matching = state.invoices.iter().filter(|it| is_given(params, "customer", Some(&it.customer)));
        let matching = matching.filter(|it| is_given(params, "subscription", Some(&it.subscription)));
        let matching = matching.filter(|it| is_given(params, "status", Some(&render::word(it.status))));
        let matching = matching.filter(|it| is_created_when(params, it.created));
        page(params, "/v1/invoices", matching.map(|it| render::invoice(state, it)).collect())
    })
}

async fn get_charge(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.show(&call, |state, _| Ok(render::charge(state, state.charged(&id)?)))
}

async fn get_price(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.show(
        &call,
        |_, _| {
            if id == PRICE_ID { Ok(render::price()) } else { Err(StripeError::missing("price", &id)) }
        },
    )
}

async fn get_event(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>, call: Call) -> Answered {
    sandbox.show(&call, |state, _| Ok(render::event(state.event(&id)?)))
}

async fn list_events(Shared(sandbox): Shared<Sandbox>, call: Call) -> Answered {
    sandbox.show(&call, |state, params| {
        params.only(&["created", "type", "types", "delivery_success", "limit", "starting_after", "ending_before"])?;
        let types = params.list("types");
        let delivered = params.boolean("delivery_success")?;
        let is_wanted = |event: &&Event| {
            is_given(params, "type", Some(&event.kind))
                && (types.is_empty() || types.contains(&event.kind))
                && is_created_when(params, event.created)
                && delivered.is_none_or(|wanted| wanted == event.was_taken())
        };
        page(params, "/v1/events", state.events.iter().filter(is_wanted).map(render::event).collect())
    })
}

/// One page of objects that come oldest first; pages begin with the newest.
fn page(params: &Params, url: &str, mut objects: Vec<Value>) -> Result<Value, StripeError> {
    let limit = params.integer("limit")?.unwrap_or(10);
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| {
        StripeError::param("limit", "parameter_invalid_integer", "The limit must be a number from 1 to 100.")
    })?;
    objects.reverse();
    let position = |name: &str| -> Result<Option<usize>, StripeError> {
        let Some(id) = params.text(name) else { return Ok(None) };
        let at = objects.iter().position(|object| object.get("id").and_then(Value::as_str) == Some(id));
        at.map(Some).ok_or_else(|| StripeError::missing_in(name, "object", id))
    };
    let (after, before) = (position("starting_after")?, position("ending_before")?);
    let (skip, has_more, take) = match (after, before) {
        (Some(_), Some(_)) => {
            return Err(StripeError::invalid("Give either starting_after or ending_before, not both."));
        }
        (None, Some(before)) => (before.saturating_sub(limit), before > limit, limit.min(before)),
        (after, None) => {
            let skip = after.map_or(0, |after| after + 1);
            (skip, objects.len().saturating_sub(skip) > limit, limit)
        }
    };
    Ok(render::list(objects.into_iter().skip(skip).take(take).collect(), has_more, url))
}

/// Whether a parameter is absent or says this.
fn is_given(params: &Params, name: &str, value: Option<&str>) -> bool {
    params.text(name).is_none_or(|wanted| Some(wanted) == value)
}

/// Whether `created` says so; a bound that is no number matches nothing.
fn is_created_when(params: &Params, created: i64) -> bool {
    let holds = |name: &str, test: fn(i64, i64) -> bool| {
        params.text(name).is_none_or(|bound| bound.parse().is_ok_and(|bound| test(created, bound)))
    };
    holds("created", |a, b| a == b)
        && holds("created[gte]", |a, b| a >= b)
        && holds("created[gt]", |a, b| a > b)
        && holds("created[lte]", |a, b| a <= b)
        && holds("created[lt]", |a, b| a < b)
}

/// An empty value takes the name away.
fn merge(metadata: &mut super::state::Metadata, params: &Params) {
    for (name, value) in params.below("metadata") {
        if value.is_empty() {
            metadata.remove(&name);
        } else {
            metadata.insert(name, value);
        }
    }
}

fn check_email(params: &Params, name: &str) -> Result<(), StripeError> {
    match params.text(name) {
        Some(email) if !email.contains('@') => {
            Err(StripeError::param(name, "email_invalid", format!("Invalid email address: {email}")))
        }
        _ => Ok(()),
    }
}

fn check_url(params: &Params, name: &str) -> Result<(), StripeError> {
    let is_web = |url: &str| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    match params.text(name) {
        Some(url) if !is_web(url) => Err(StripeError::param(name, "url_invalid", "Not a valid URL")),
        _ => Ok(()),
    }
}
