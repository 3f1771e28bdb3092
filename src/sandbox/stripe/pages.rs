//! What a customer would see at Stripe, and what the person who develops sees here.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Form, Path, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::actions::{SessionAction, SubscriptionAction};
use super::error::StripeError;
use super::state::{Attempt, Event, InvoiceStatus, Session, SessionStatus, State, Status, Subscription};
use super::{Sandbox, render, webhooks};

/// How many of each kind the control page shows.
const MAX_SHOWN: usize = 50;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("date", |time: i64| written(time, "%-d %B %Y"));
    environment.add_filter("time", |time: i64| written(time, "%F %T UTC"));
    environment.add_filter("dollars", render::dollars);
    for (name, source) in [
        ("base.html", include_str!("templates/base.html")),
        ("checkout.html", include_str!("templates/checkout.html")),
        ("control.html", include_str!("templates/control.html")),
        ("invoice.html", include_str!("templates/invoice.html")),
        ("message.html", include_str!("templates/message.html")),
        ("portal.html", include_str!("templates/portal.html")),
    ] {
        // A template with a mistake is missing, and the page that needs it says so in the log; the tests open each.
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(%error, name, "a template of the Stripe sandbox is wrong");
        }
    }
    environment
});

pub fn router() -> Router<Sandbox> {
    Router::new()
        .route("/", get(control))
        .route("/sandbox.css", get(style))
        .route("/pay/{session}", get(checkout))
        .route("/pay/{session}/{action}", post(pay))
        .route("/portal/{portal}", get(portal))
        .route("/portal/{portal}/{subscription}/{action}", post(act_in_portal))
        .route("/invoice/{invoice}", get(invoice))
        .route("/invoice/{invoice}/pay", post(pay_invoice))
        .route("/control/sessions/{id}/{action}", post(control_session))
        .route("/control/subscriptions/{id}/{action}", post(control_subscription))
        .route("/control/events/{id}/deliver", post(control_delivery))
}

pub async fn not_found() -> Response {
    message(StatusCode::NOT_FOUND, "There is no such page.")
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("templates/sandbox.css"))
}

async fn checkout(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Response {
    let shown = sandbox.read(|state| {
        let session = state.session(&id)?;
        let known = session.customer.as_ref().and_then(|id| state.customer(id).ok()?.email.clone());
        let context = json!({
            "session": ShownSession::new(session),
            "plan": render::PLAN,
            "unit_amount": render::UNIT_AMOUNT,
            "email": known.or_else(|| session.customer_email.clone()),
            "success_url": success_url(session),
            "cancel_url": session.cancel_url,
        });
        let targets = [Some(success_url(session)), session.cancel_url.clone()];
        Ok((context, targets))
    });
    answer(shown.and_then(|(context, targets)| page("checkout.html", context, &targets)))
}

#[derive(Deserialize)]
struct Payer {
    email: Option<String>,
}

async fn pay(
    Shared(sandbox): Shared<Sandbox>,
    Path((id, action)): Path<(String, SessionAction)>,
    Form(payer): Form<Payer>,
) -> Response {
    let target = sandbox.change(|state| {
        state.act_on_session(&id, action, payer.email.as_deref())?;
        let session = state.session(&id)?;
        let here = format!("/pay/{id}");
        Ok(match action {
            SessionAction::Pay | SessionAction::PayLater => success_url(session),
            SessionAction::Cancel => session.cancel_url.clone().unwrap_or(here),
            _ => here,
        })
    });
    answer(target.map(|target| see_other(&target)))
}

/// Where a session that was paid leads, with its id filled in.
fn success_url(session: &Session) -> String {
    let filled = session.success_url.replace("{CHECKOUT_SESSION_ID}", &session.id);
    Url::parse(&filled).map_or(filled, String::from)
}

async fn portal(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Response {
    let shown = sandbox.read(|state| {
        let portal = state.portal(&id)?;
        let theirs = state.subscriptions.iter().rev().filter(|it| it.customer == portal.customer);
        let context = json!({
            "portal": id,
            "plan": render::PLAN,
            "unit_amount": render::UNIT_AMOUNT,
            "email": state.customer(&portal.customer)?.email,
            "return_url": portal.return_url,
            "subscriptions": theirs.map(|it| ShownSubscription::new(state, it)).collect::<Vec<_>>(),
        });
        Ok((context, portal.return_url.clone()))
    });
    answer(shown.and_then(|(context, target)| page("portal.html", context, &[target])))
}

async fn act_in_portal(
    Shared(sandbox): Shared<Sandbox>,
    Path((portal, subscription, action)): Path<(String, String, SubscriptionAction)>,
) -> Response {
    let done = sandbox.change(|state| {
        if state.portal(&portal)?.customer != state.subscription(&subscription)?.customer {
            return Err(StripeError::missing("subscription", &subscription));
        }
        state.act_on_subscription(&subscription, action)
    });
    answer(done.map(|()| see_other(&format!("/portal/{portal}"))))
}

async fn invoice(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Response {
    let shown = sandbox.read(|state| {
        let invoice = state.invoice(&id)?;
        Ok(json!({
            "invoice": id,
            "plan": render::PLAN,
            "amount": invoice.amount,
            "status": invoice.status,
            "period_start": invoice.period_start,
            "period_end": invoice.period_end,
            "email": state.customer(&invoice.customer)?.email,
        }))
    });
    answer(shown.and_then(|context| page("invoice.html", context, &[])))
}

async fn pay_invoice(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Response {
    let paid = sandbox.change(|state| {
        let subscription = state.invoice(&id)?.subscription.clone();
        state.act_on_subscription(&subscription, SubscriptionAction::Pay)
    });
    answer(paid.map(|()| see_other(&format!("/invoice/{id}"))))
}

async fn control(Shared(sandbox): Shared<Sandbox>) -> Response {
    let webhook = {
        let live = sandbox.live();
        json!({ "url": live.webhook.url.as_str(), "delivers": live.delivers })
    };
    let shown = sandbox.read(|state| {
        let subscriptions = state.subscriptions.iter().rev().take(MAX_SHOWN);
        Ok(json!({
            "webhook": webhook,
            "sessions": state.sessions.iter().rev().take(MAX_SHOWN).map(ShownSession::new).collect::<Vec<_>>(),
            "subscriptions": subscriptions.map(|it| ShownSubscription::new(state, it)).collect::<Vec<_>>(),
            "events": state.events.iter().rev().take(MAX_SHOWN).map(ShownEvent::new).collect::<Vec<_>>(),
        }))
    });
    answer(shown.and_then(|context| page("control.html", context, &[])))
}

async fn control_session(
    Shared(sandbox): Shared<Sandbox>,
    Path((id, action)): Path<(String, SessionAction)>,
) -> Response {
    answer(sandbox.change(|state| state.act_on_session(&id, action, None)).map(|()| see_other("/")))
}

async fn control_subscription(
    Shared(sandbox): Shared<Sandbox>,
    Path((id, action)): Path<(String, SubscriptionAction)>,
) -> Response {
    answer(sandbox.change(|state| state.act_on_subscription(&id, action)).map(|()| see_other("/")))
}

async fn control_delivery(Shared(sandbox): Shared<Sandbox>, Path(id): Path<String>) -> Response {
    answer(webhooks::deliver(&sandbox, &id).await.map(|_| see_other("/")))
}

/// A session as the pages show it.
#[derive(Serialize)]
struct ShownSession {
    id: String,
    created: i64,
    status: SessionStatus,
    payment_status: String,
    quantity: i64,
    amount: i64,
    trial_days: Option<i64>,
    was_declined: bool,
    is_settled: bool,
    /// What the control page offers.
    actions: Vec<Button<SessionAction>>,
}

impl ShownSession {
    fn new(session: &Session) -> Self {
        let is_settled = render::is_settled(session);
        let actions = match session.status {
            SessionStatus::Open => vec![button(SessionAction::Expire, "Expire")],
            SessionStatus::Complete if !is_settled => vec![
                button(SessionAction::Settle, "The payment arrives"),
                button(SessionAction::Decline, "The payment fails"),
            ],
            SessionStatus::Complete | SessionStatus::Expired => Vec::new(),
        };
        Self {
            id: session.id.clone(),
            created: session.created,
            status: session.status,
            payment_status: render::word(session.payment_status),
            quantity: session.quantity,
            amount: render::UNIT_AMOUNT * session.quantity,
            trial_days: session.trial_days,
            was_declined: session.was_declined,
            is_settled,
            actions,
        }
    }
}

/// A subscription as the pages show it.
#[derive(Serialize)]
struct ShownSubscription {
    id: String,
    status: String,
    email: Option<String>,
    period_end: i64,
    cancel_at_period_end: bool,
    /// What a customer may do.
    customer_actions: Vec<Button<SubscriptionAction>>,
    /// What only the control page offers.
    further_actions: Vec<Button<SubscriptionAction>>,
}

#[derive(Serialize)]
struct Button<T> {
    action: T,
    label: &'static str,
}

fn button<T>(action: T, label: &'static str) -> Button<T> {
    Button { action, label }
}

impl ShownSubscription {
    fn new(state: &State, subscription: &Subscription) -> Self {
        use SubscriptionAction as Action;
        let ends = subscription.cancel_at_period_end;
        let (runs, owes) = match subscription.status {
            Status::Active | Status::Trialing => (true, false),
            Status::PastDue => (true, true),
            Status::Unpaid | Status::Incomplete => (false, true),
            Status::Paused | Status::Canceled | Status::IncompleteExpired => (false, false),
        };
        let is_current = runs && !owes;
        let is_over = subscription.status.is_terminal();
        let is_disputable = state.invoices.iter().any(|invoice| {
            let is_paid = invoice.status == InvoiceStatus::Paid && invoice.amount > 0 && !invoice.is_disputed;
            invoice.subscription == subscription.id && is_paid
        });
        let offered = |offers: Vec<(bool, Action, &'static str)>| {
            let offers = offers.into_iter().filter(|(applies, ..)| *applies);
            offers.map(|(_, action, label)| button(action, label)).collect()
        };
        Self {
            id: subscription.id.clone(),
            status: render::word(subscription.status).replace('_', " "),
            email: state.customer(&subscription.customer).ok().and_then(|it| it.email.clone()),
            period_end: subscription.period_end,
            cancel_at_period_end: ends,
            customer_actions: offered(vec![
                (owes, Action::Pay, "Pay the open invoice"),
                (is_current && !ends, Action::PastDue, "Let the next payment fail"),
                (runs && !ends, Action::Pause, "Pause"),
                (ends || subscription.status == Status::Paused, Action::Resume, "Resume"),
                (runs && !ends, Action::CancelAtPeriodEnd, "Cancel at the end of the period"),
                (!is_over, Action::Cancel, "Cancel now"),
            ]),
            further_actions: offered(vec![
                (is_current, Action::Renew, "Begin the next period"),
                (subscription.status == Status::PastDue, Action::PastDue, "Let another attempt fail"),
                (runs, Action::Unpaid, "Stop collecting"),
                (is_disputable, Action::Dispute, "Dispute the last payment"),
            ]),
        }
    }
}

/// An event as the control page shows it.
#[derive(Serialize)]
struct ShownEvent<'a> {
    id: &'a str,
    kind: &'a str,
    created: i64,
    attempts: usize,
    last: Option<&'a Attempt>,
    was_taken: bool,
    is_waiting: bool,
    body: String,
}

impl<'a> ShownEvent<'a> {
    fn new(event: &'a Event) -> Self {
        Self {
            id: &event.id,
            kind: &event.kind,
            created: event.created,
            attempts: event.attempts.len(),
            last: event.attempts.last(),
            was_taken: event.was_taken(),
            is_waiting: event.due.is_some(),
            body: serde_json::to_string_pretty(&render::event(event)).unwrap_or_default(),
        }
    }
}

fn written(time: i64, format: &str) -> String {
    DateTime::<Utc>::from_timestamp(time, 0).map(|time| time.format(format).to_string()).unwrap_or_default()
}

/// Sends a browser on after a form.
fn see_other(target: &str) -> Response {
    Redirect::to(target).into_response()
}

/// A page whose forms may end at `targets`: browsers hold even the redirect after a form against `form-action`.
fn page(name: &str, context: Value, targets: &[Option<String>]) -> Result<Response, StripeError> {
    let html = TEMPLATES.get_template(name).and_then(|template| template.render(Serde(context))).map_err(|error| {
        tracing::error!(%error, name, "a page of the Stripe sandbox cannot be shown");
        StripeError::internal("This page has a mistake; the log says which.")
    })?;
    let mut response = Html(html).into_response();
    let origins = targets.iter().flatten().filter_map(|url| Url::parse(url).ok());
    let origins: String = origins.map(|url| format!(" {}", url.origin().ascii_serialization())).collect();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{origins}; frame-ancestors 'none'; base-uri 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

fn answer(result: Result<Response, StripeError>) -> Response {
    result.unwrap_or_else(|error| message(error.status, error.message()))
}

fn message(status: StatusCode, text: &str) -> Response {
    match page("message.html", json!({ "text": text }), &[]) {
        Ok(page) => (status, page).into_response(),
        Err(error) => error.into_response(),
    }
}
