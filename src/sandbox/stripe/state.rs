//! What the sandbox knows, and its file.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ulid::Ulid;

use super::error::StripeError;
use super::params::Params;
use crate::sandbox::file;

/// How long a Checkout session is open, in seconds.
const SESSION_LIFETIME: i64 = 24 * 60 * 60;
/// How long an idempotency key is remembered, in seconds.
const KEY_LIFETIME: i64 = 24 * 60 * 60;
/// How many events and idempotency keys are kept. The whole file is written with every change.
const MAX_KEPT: usize = 1_000;
/// How many attempts to deliver an event are remembered.
const MAX_ATTEMPTS_KEPT: usize = 50;

/// Names and values of the caller's.
pub type Metadata = BTreeMap<String, String>;

/// Seconds since 1970.
pub fn now() -> i64 {
    Utc::now().timestamp()
}

/// Milliseconds since 1970.
pub fn now_millis() -> i64 {
    Utc::now().timestamp_millis()
}

/// A new id with a prefix such as `cus_`.
pub fn new_id(prefix: &str) -> String {
    format!("{prefix}{}", Ulid::generate())
}

/// Everything, oldest first.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Where the sandbox is served, without a slash at its end; told anew at each start.
    #[serde(skip)]
    pub origin: String,
    pub customers: Vec<Customer>,
    pub sessions: Vec<Session>,
    pub subscriptions: Vec<Subscription>,
    pub invoices: Vec<Invoice>,
    pub portals: Vec<Portal>,
    pub events: Vec<Event>,
    pub answers: Vec<Answer>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Customer {
    pub id: String,
    pub created: i64,
    pub email: Option<String>,
    pub name: Option<String>,
    pub metadata: Metadata,
}

/// A Checkout session. It leaves `Open` once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    pub id: String,
    pub created: i64,
    pub expires_at: i64,
    pub status: SessionStatus,
    pub payment_status: PaymentStatus,
    pub quantity: i64,
    pub trial_days: Option<i64>,
    pub customer: Option<String>,
    pub customer_email: Option<String>,
    pub client_reference_id: Option<String>,
    pub success_url: String,
    pub cancel_url: Option<String>,
    pub allow_promotion_codes: Option<bool>,
    pub metadata: Metadata,
    pub subscription_metadata: Metadata,
    /// Set once complete.
    pub subscription: Option<String>,
    /// Set once complete.
    pub invoice: Option<String>,
    /// The last payment on it was declined; it is still open.
    pub was_declined: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    Open,
    Complete,
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    Paid,
    Unpaid,
    NoPaymentRequired,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub item: String,
    pub created: i64,
    pub customer: String,
    pub status: Status,
    pub quantity: i64,
    pub period_start: i64,
    pub period_end: i64,
    pub trial_end: Option<i64>,
    pub cancel_at_period_end: bool,
    pub canceled_at: Option<i64>,
    pub ended_at: Option<i64>,
    /// `pause_collection[behavior]`; the status stays as it is.
    pub pause_collection: Option<String>,
    pub latest_invoice: String,
    pub metadata: Metadata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Incomplete,
    IncompleteExpired,
    Trialing,
    Active,
    PastDue,
    Unpaid,
    Paused,
    Canceled,
}

impl Status {
    /// Whether nothing can follow.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Invoice {
    pub id: String,
    pub line: String,
    pub charge: String,
    pub payment_intent: String,
    pub created: i64,
    pub customer: String,
    pub subscription: String,
    pub subscription_item: String,
    pub is_first: bool,
    pub status: InvoiceStatus,
    /// In cents.
    pub amount: i64,
    pub quantity: i64,
    pub attempt_count: i64,
    pub paid_at: Option<i64>,
    pub period_start: i64,
    pub period_end: i64,
    pub is_disputed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    Open,
    Paid,
    Void,
}

/// A session of the customer portal.
#[derive(Clone, Serialize, Deserialize)]
pub struct Portal {
    pub id: String,
    pub created: i64,
    pub customer: String,
    pub return_url: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Event {
    pub id: String,
    pub created: i64,
    #[serde(rename = "type")]
    pub kind: String,
    pub object: Value,
    pub previous: Option<Value>,
    pub attempts: Vec<Attempt>,
    /// When it is sent next by itself, in milliseconds since 1970; none once it was taken or given up.
    pub due: Option<i64>,
    /// How often it was sent by itself in vain.
    pub failures: u32,
}

impl Event {
    /// Whether the gateway has it.
    pub fn was_taken(&self) -> bool {
        self.attempts.iter().any(Attempt::was_taken)
    }
}

/// One attempt to deliver an event.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    pub at: i64,
    /// Of the answer, if there was one.
    pub status: Option<u16>,
    pub error: Option<String>,
}

impl Attempt {
    pub fn was_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// The answer to a call with an idempotency key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Answer {
    pub key: String,
    pub at: i64,
    /// Method, path and parameters.
    pub call: String,
    pub body: Value,
}

impl State {
    /// Reads the file; without one, nothing is known.
    pub fn load(path: &Path, origin: String) -> io::Result<Self> {
        let state = file::load(path)?;
        Ok(Self { origin, ..state })
    }

    pub fn save(&self, path: &Path) -> io::Result<()> {
        file::save(path, self)
    }

    /// Whether time alone has changed something.
    pub fn has_run_out(&self) -> bool {
        self.sessions.iter().any(Session::has_run_out)
    }

    pub fn customer(&self, id: &str) -> Result<&Customer, StripeError> {
        self.customers.iter().find(|it| it.id == id).ok_or_else(|| StripeError::missing("customer", id))
    }

    pub fn customer_mut(&mut self, id: &str) -> Result<&mut Customer, StripeError> {
        self.customers.iter_mut().find(|it| it.id == id).ok_or_else(|| StripeError::missing("customer", id))
    }

    pub fn session(&self, id: &str) -> Result<&Session, StripeError> {
        self.sessions.iter().find(|it| it.id == id).ok_or_else(|| StripeError::missing("checkout.session", id))
    }

    pub fn session_mut(&mut self, id: &str) -> Result<&mut Session, StripeError> {
        self.sessions.iter_mut().find(|it| it.id == id).ok_or_else(|| StripeError::missing("checkout.session", id))
    }

    pub fn subscription(&self, id: &str) -> Result<&Subscription, StripeError> {
        self.subscriptions.iter().find(|it| it.id == id).ok_or_else(|| StripeError::missing("subscription", id))
    }

    pub fn subscription_mut(&mut self, id: &str) -> Result<&mut Subscription, StripeError> {
        self.subscriptions.iter_mut().find(|it| it.id == id).ok_or_else(|| StripeError::missing("subscription", id))
    }

    pub fn invoice(&self, id: &str) -> Result<&Invoice, StripeError> {
        self.invoices.iter().find(|it| it.id == id).ok_or_else(|| StripeError::missing("invoice", id))
    }

    pub fn invoice_mut(&mut self, id: &str) -> Result<&mut Invoice, StripeError> {
        self.invoices.iter_mut().find(|it| it.id == id).ok_or_else(|| StripeError::missing("invoice", id))
    }

    /// The invoice that a charge paid.
    pub fn charged(&self, charge: &str) -> Result<&Invoice, StripeError> {
        self.invoices
            .iter()
            .find(|it| it.charge == charge && it.attempt_count > 0)
            .ok_or_else(|| StripeError::missing("charge", charge))
    }

    pub fn portal(&self, id: &str) -> Result<&Portal, StripeError> {
        self.portals.iter().find(|it| it.id == id).ok_or_else(|| StripeError::missing("billing_portal.session", id))
    }

    pub fn event(&self, id: &str) -> Result<&Event, StripeError> {
        self.events.iter().find(|it| it.id == id).ok_or_else(|| StripeError::missing("event", id))
    }

    /// A customer made from the caller's parameters.
    pub fn add_customer(&mut self, email: Option<String>, name: Option<String>, metadata: Metadata) -> Customer {
        let customer = Customer { id: new_id("cus_"), created: now(), email, name, metadata };
        self.customers.push(customer.clone());
        customer
    }

    /// Puts an event in the line to the gateway.
    pub fn emit(&mut self, kind: &str, object: Value, previous: Option<Value>) {
        self.events.push(Event {
            id: new_id("evt_"),
            created: now(),
            kind: kind.to_owned(),
            object,
            previous,
            attempts: Vec::new(),
            due: Some(now_millis()),
            failures: 0,
        });
        let excess = self.events.len().saturating_sub(MAX_KEPT);
        self.events.drain(..excess);
    }

    /// Notes an attempt to deliver an event, unless the event is gone.
    pub fn attempted(&mut self, id: &str, attempt: Attempt, next: impl FnOnce(u32) -> Option<i64>) {
        let Some(event) = self.events.iter_mut().find(|event| event.id == id) else { return };
        if attempt.was_taken() {
            event.due = None;
        } else if event.due.is_some() {
            event.failures += 1;
            event.due = next(event.failures);
        }
        event.attempts.push(attempt);
        let excess = event.attempts.len().saturating_sub(MAX_ATTEMPTS_KEPT);
        event.attempts.drain(..excess);
    }

    /// What was answered to this key, if it still counts.
    pub fn answer(&self, key: &str) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.key == key && answer.at > now() - KEY_LIFETIME)
    }

    pub fn remember(&mut self, answer: Answer) {
        self.answers.retain(|kept| kept.at > answer.at - KEY_LIFETIME && kept.key != answer.key);
        self.answers.push(answer);
        let excess = self.answers.len().saturating_sub(MAX_KEPT);
        self.answers.drain(..excess);
    }
}

impl Session {
    /// A session from the parameters of the call, which were checked.
    pub fn new(params: &Params) -> Result<Self, StripeError> {
        let created = now();
        Ok(Self {
            id: new_id("cs_test_"),
            created,
            expires_at: params.integer("expires_at")?.unwrap_or(created + SESSION_LIFETIME),
            status: SessionStatus::Open,
            payment_status: PaymentStatus::Unpaid,
            quantity: params.integer("line_items[0][quantity]")?.unwrap_or(1),
            trial_days: params.integer("subscription_data[trial_period_days]")?,
            customer: params.owned("customer"),
            customer_email: params.owned("customer_email"),
            client_reference_id: params.owned("client_reference_id"),
            success_url: params.required("success_url")?.to_owned(),
            cancel_url: params.owned("cancel_url"),
            allow_promotion_codes: params.boolean("allow_promotion_codes")?,
            metadata: params.below("metadata"),
            subscription_metadata: params.below("subscription_data[metadata]"),
            subscription: None,
            invoice: None,
            was_declined: false,
        })
    }

    pub fn has_run_out(&self) -> bool {
        self.status == SessionStatus::Open && self.expires_at <= now()
    }
}
