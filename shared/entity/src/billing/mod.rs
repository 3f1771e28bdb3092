//! Who has paid: what Stripe said, and what follows for a customer.
//!
//! Stripe's events are hints. Whoever handles one asks Stripe for the subscription as it is now and writes the answer
//! with [`observe`] or [`fulfil`], so that events may come late, twice or in any order. Two that ask at the same time
//! could still write their answers in the wrong order: therefore both say which [`version`] they saw **before** they
//! asked, and an answer that is older than what was written since is refused as [`Error::Conflict`] `stale`.

mod checkouts;
mod stripe_events;
mod subscriptions;

use crate::error::Error;

pub use checkouts::{Claimed, Fulfilled, PaidCheckout, claim, fulfil, has_used_key, is_fulfilled};
pub(crate) use stripe_events::LONGEST_WAIT;
pub use stripe_events::{NewStripeEvent, StripeEvent, due, failed, list, next_due, processed, replay, store, take};
pub use subscriptions::{
    Observation, Subscription, SubscriptionStatus, customer_of, end_grace_periods, next_grace_end, observe,
    of_customer, record_dispute, unfinished, version,
};

/// The answer of Stripe that was to be written is older than one that was written since: ask again.
pub const STALE: &str = "stale";

fn stale() -> Error {
    Error::conflict(STALE, "Stripe was asked by somebody else in the meantime. Ask again.")
}
