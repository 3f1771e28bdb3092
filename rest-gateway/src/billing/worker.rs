//! Handles the events that Stripe delivered, and ends grace periods.

use std::time::Duration;

use entity::billing::{self as store, StripeEvent};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::sync::Outcome;
use super::webhook::Envelope;
use super::{Account, Billing, Error};

/// How many events are handled at a time.
const AT_ONCE: usize = 4;
const BATCH: u64 = 50;
/// Shorter than an event is taken for, so that nobody else begins before this one has given up.
const TIME_FOR_ONE: Duration = Duration::from_secs(50);
/// How often to look besides: another process may have stored something.
const INTERVAL: chrono::Duration = chrono::Duration::seconds(30);
/// How long to wait after the database failed.
const PAUSE: Duration = Duration::from_secs(2);

impl Billing {
    /// Works until `shutdown`. An event that is being handled then is taken up again after the next start.
    pub async fn work(self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.work_for_ever()).await;
    }

    async fn work_for_ever(&self) {
        loop {
            // Before looking: what is stored from now on wakes the wait below.
            let stored = self.stored.notified();
            match self.work_off().await {
                Ok(wait) => {
                    // Either may come first, and both mean: look again.
                    let _ = tokio::time::timeout(wait, stored).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "could not look for events of Stripe's");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Does what is due and says how long until more is.
    async fn work_off(&self) -> Result<Duration, entity::Error> {
        store::end_grace_periods(&self.db).await?;
        if let Some(account) = self.account.as_deref() {
            while self.handle_due(account).await? > 0 {}
        }
        let soon = entity::db::now() + INTERVAL;
        let next_event = if self.account.is_some() { store::next_due(&self.db).await? } else { None };
        let next = [next_event, store::next_grace_end(&self.db).await?].into_iter().flatten().fold(soon, Ord::min);
        Ok((next - entity::db::now()).to_std().unwrap_or_default())
    }

    async fn handle_due(&self, account: &Account) -> Result<usize, entity::Error> {
        let due = store::due(&self.db, BATCH).await?;
        let count = due.len();
        let handling = due.into_iter().map(|event| self.take_and_handle(account, event));
        let mut outcomes = futures::stream::iter(handling).buffer_unordered(AT_ONCE);
        while let Some(outcome) = outcomes.next().await {
            outcome?;
        }
        Ok(count)
    }

    async fn take_and_handle(&self, account: &Account, event: StripeEvent) -> Result<(), entity::Error> {
        if !store::take(&self.db, &event).await? {
            return Ok(());
        }
        let handled = tokio::time::timeout(TIME_FOR_ONE, self.handle(account, &event)).await;
        let problem = match handled {
            Ok(Ok(())) => {
                web::metrics::webhook_handled("stripe", entity::db::now() - event.created_at);
                return Ok(());
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        tracing::warn!(event = event.id, event_type = event.event_type, problem, "an event of Stripe's is tried again");
        store::failed(&self.db, &event, &problem).await
    }

    /// Every way through this ends with the event marked as processed, in the transaction of its effects if it has any.
    async fn handle(&self, account: &Account, event: &StripeEvent) -> Result<(), Error> {
        let envelope: Envelope =
            serde_json::from_str(&event.payload).map_err(|error| Error::Unexpected(error.to_string()))?;
        let object = &envelope.data.object;
        let id = || id_at(object, "/id").ok_or_else(|| Error::Unexpected("the event's object has no id".to_owned()));
        let had_effects = match event.event_type.as_str() {
            "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
                let outcome = self.sync_checkout(account, id()?, Some(&event.id)).await?;
                matches!(outcome, Outcome::Fulfilled)
            }
            "checkout.session.async_payment_failed" | "invoice.paid" | "invoice.payment_failed" => {
                self.sync_mentioned(account, object, &event.id).await?
            }
            "charge.dispute.created" => {
                let Some(charge) = id_at(object, "/charge") else {
                    return Err(Error::Unexpected("the dispute names no charge".to_owned()));
                };
                self.sync_dispute(account, charge, dispute(object), &event.id).await?;
                true
            }
            _ => self.sync_subscription(account, id()?, Some(&event.id)).await?.is_some(),
        };
        if !had_effects {
            store::processed(&self.db, &event.id).await?;
        }
        Ok(())
    }

    async fn sync_mentioned(&self, account: &Account, object: &Value, event: &str) -> Result<bool, Error> {
        // Until 2025 invoices named their subscription directly.
        let mentioned = ["/parent/subscription_details/subscription", "/subscription"];
        let Some(id) = mentioned.iter().find_map(|pointer| id_at(object, pointer)) else { return Ok(false) };
        Ok(self.sync_subscription(account, id, Some(event)).await?.is_some())
    }
}

/// An id that may be given as text or as the object with it.
fn id_at<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    let value = object.pointer(pointer)?;
    value.as_str().or_else(|| value.get("id")?.as_str())
}

fn dispute(object: &Value) -> Value {
    let of = |field: &str| object.get(field).cloned().unwrap_or_default();
    json!({ "disputeId": of("id"), "amount": of("amount"), "currency": of("currency"), "reason": of("reason") })
}
