//! What we read of Stripe's answers: little, and tolerantly, because they change with the API version.

use chrono::{DateTime, Utc};
use entity::billing::{Observation, SubscriptionStatus};
use serde::{Deserialize, Deserializer};

use super::Error;

/// An id, which Stripe gives as text or, expanded, as the object with it.
#[derive(Clone, Debug)]
pub struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Text(String),
            Object { id: String },
        }
        match Either::deserialize(deserializer)? {
            Either::Text(id) | Either::Object { id } => Ok(Self(id)),
        }
    }
}

/// A new checkout session.
#[derive(Debug, Deserialize)]
pub struct NewCheckout {
    /// Where to pay; none once it is over.
    pub url: Option<String>,
}

/// A portal session.
#[derive(Debug, Deserialize)]
pub struct Portal {
    /// Where the portal is.
    pub url: String,
}

/// A checkout session.
#[derive(Debug, Deserialize)]
pub struct Checkout {
    pub id: String,
    pub status: Option<String>,
    pub payment_status: Option<String>,
    pub subscription: Option<Id>,
    pub customer_email: Option<String>,
    pub customer_details: Option<CustomerDetails>,
    #[serde(default)]
    pub metadata: Option<std::collections::HashMap<String, String>>,
}

#[derive(Debug, Deserialize)]
pub struct CustomerDetails {
    pub email: Option<String>,
}

/// A page of what Stripe lists, newest first.
#[derive(Debug, Deserialize)]
pub struct List<T> {
    pub data: Vec<T>,
    pub has_more: bool,
}

/// How far a checkout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Paid,
    Unpaid,
    Expired,
}

impl Checkout {
    pub fn progress(&self) -> Progress {
        match (self.status.as_deref(), self.payment_status.as_deref()) {
            (Some("complete"), Some("paid" | "no_payment_required")) => Progress::Paid,
            (Some("expired"), _) => Progress::Expired,
            _ => Progress::Unpaid,
        }
    }

    pub fn email(&self) -> Option<&str> {
        self.customer_details.as_ref().and_then(|details| details.email.as_deref()).or(self.customer_email.as_deref())
    }
}

/// A subscription.
#[derive(Debug, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub customer: Id,
    pub status: String,
    #[serde(default)]
    pub cancel_at_period_end: Option<bool>,
    pub cancel_at: Option<i64>,
    pub created: Option<i64>,
    /// Until 2025; since then each item has its own.
    pub current_period_end: Option<i64>,
    pub items: Option<Items>,
    pub latest_invoice: Option<Invoice>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Items {
    #[serde(default)]
    pub data: Vec<Item>,
}

#[derive(Debug, Deserialize)]
pub struct Item {
    pub current_period_end: Option<i64>,
}

/// The latest invoice, if it was expanded.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Invoice {
    Object { created: i64 },
    Other(serde::de::IgnoredAny),
}

impl Subscription {
    /// What is to be written; `seen` is the version that was read before Stripe was asked.
    pub fn observation(self, seen: Option<i64>) -> Result<Observation, Error> {
        let status = SubscriptionStatus::of_stripe(&self.status)
            .ok_or_else(|| Error::Unexpected(format!("subscription {} is `{}`", self.id, self.status)))?;
        let of_items = self.items.unwrap_or_default().data.into_iter().filter_map(|item| item.current_period_end).min();
        let invoiced_at = match self.latest_invoice {
            Some(Invoice::Object { created }) => time(created),
            _ => None,
        };
        Ok(Observation {
            id: self.id,
            stripe_customer_id: self.customer.0,
            status,
            cancel_at_period_end: self.cancel_at_period_end.unwrap_or(false) || self.cancel_at.is_some(),
            period_ends_at: of_items.or(self.current_period_end).and_then(time),
            past_due_since: invoiced_at,
            seen,
        })
    }
}

/// A charge, of which we want to know who paid it.
#[derive(Debug, Deserialize)]
pub struct Charge {
    pub customer: Option<Id>,
}

/// A Unix time in seconds.
pub fn time(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}
