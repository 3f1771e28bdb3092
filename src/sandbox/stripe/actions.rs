//! What happens at Stripe: payments, renewals, cancellations, and the events that tell of them.

use chrono::{DateTime, Months, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::StripeError;
use super::render;
use super::state::{
    Invoice, InvoiceStatus, PaymentStatus, Session, SessionStatus, State, Status, Subscription, new_id, now,
};

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// What can be done to a Checkout session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionAction {
    /// The payment succeeds at once.
    Pay,
    /// The payment is declined; the session stays open.
    Fail,
    /// The customer goes back; the session stays open.
    Cancel,
    /// The customer chooses a way to pay that takes days, such as a bank debit.
    PayLater,
    /// That payment arrives.
    Settle,
    /// That payment does not arrive.
    Decline,
    /// Nobody paid in time.
    Expire,
}

/// What can be done to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionAction {
    /// It ends now.
    Cancel,
    /// It ends with the period.
    CancelAtPeriodEnd,
    /// A new period begins and its payment fails; again, and another attempt fails.
    PastDue,
    /// What is owed is paid.
    Pay,
    /// Stripe gives up collecting what is owed.
    Unpaid,
    /// It pauses.
    Pause,
    /// It goes on, after a pause or in spite of a cancellation at the period's end.
    Resume,
    /// A new period begins and is paid; or the subscription ends, if it was to.
    Renew,
    /// The customer disputes the last payment with their bank.
    Dispute,
}

/// How a bill is met.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Paid,
    Declined,
    Awaited,
}

impl State {
    /// Does one thing to a session. `email` is what the customer typed, when the session did not say who pays.
    pub fn act_on_session(&mut self, id: &str, action: SessionAction, email: Option<&str>) -> Result<(), StripeError> {
        match action {
            SessionAction::Pay => self.complete(id, Outcome::Paid, email),
            SessionAction::PayLater => self.complete(id, Outcome::Awaited, email),
            SessionAction::Fail => {
                self.open_session(id)?;
                self.session_mut(id)?.was_declined = true;
                Ok(())
            }
            SessionAction::Cancel => self.open_session(id).map(|_| ()),
            SessionAction::Settle => self.settle(id),
            SessionAction::Decline => self.decline(id),
            SessionAction::Expire => self.expire(id),
        }
    }

    /// Does one thing to a subscription.
    pub fn act_on_subscription(&mut self, id: &str, action: SubscriptionAction) -> Result<(), StripeError> {
        match action {
            SubscriptionAction::Cancel => self.cancel(id),
            SubscriptionAction::CancelAtPeriodEnd => self.set_cancel_at_period_end(id, true),
            SubscriptionAction::PastDue => self.fail_payment(id),
            SubscriptionAction::Pay => self.pay_what_is_owed(id),
            SubscriptionAction::Unpaid => self.give_up_collecting(id),
            SubscriptionAction::Pause => self.pause(id),
            SubscriptionAction::Resume => self.resume(id),
            SubscriptionAction::Renew => self.renew(id, Outcome::Paid),
            SubscriptionAction::Dispute => self.dispute(id),
        }
    }

    /// Does what time alone does.
    pub fn run_out(&mut self) {
        let over: Vec<_> = self.sessions.iter().filter(|it| it.has_run_out()).map(|it| it.id.clone()).collect();
        for id in over {
            // It was found open.
            let _ = self.expire(&id);
        }
    }

    fn open_session(&self, id: &str) -> Result<&Session, StripeError> {
        let session = self.session(id)?;
        match session.status {
            SessionStatus::Open => Ok(session),
            SessionStatus::Complete => Err(StripeError::invalid("This Checkout Session is complete.")),
            SessionStatus::Expired => Err(StripeError::invalid("This Checkout Session has expired.")),
        }
    }

    /// The session turns into a subscription.
    fn complete(&mut self, id: &str, outcome: Outcome, email: Option<&str>) -> Result<(), StripeError> {
        let session = self.open_session(id)?.clone();
        let customer = match &session.customer {
            Some(customer) => customer.clone(),
            None => {
                let email = session.customer_email.as_deref().or(email).filter(|email| email.contains('@'));
                let email = email.ok_or_else(|| {
                    StripeError::param("email", "parameter_missing", "An e-mail address is needed to pay.")
                })?;
                self.add_customer(Some(email.to_owned()), None, Default::default()).id
            }
        };
        let subscription = self.subscribe(&session, customer.clone(), outcome);
        let payment_status = match (session.trial_days, outcome) {
            (Some(_), _) => PaymentStatus::NoPaymentRequired,
            (None, Outcome::Paid) => PaymentStatus::Paid,
            (None, _) => PaymentStatus::Unpaid,
        };
        let session = self.session_mut(id)?;
        session.status = SessionStatus::Complete;
        session.payment_status = payment_status;
        session.customer = Some(customer);
        session.invoice = Some(subscription.latest_invoice.clone());
        session.subscription = Some(subscription.id);
        session.was_declined = false;
        self.emit_session("checkout.session.completed", id)
    }

    fn subscribe(&mut self, session: &Session, customer: String, outcome: Outcome) -> Subscription {
        let created = now();
        let trial_end = session.trial_days.map(|days| created + days * DAY);
        let mut subscription = Subscription {
            id: new_id("sub_"),
            item: new_id("si_"),
            created,
            customer,
            status: match (trial_end, outcome) {
                (Some(_), _) => Status::Trialing,
                (None, Outcome::Paid) => Status::Active,
                (None, _) => Status::Incomplete,
            },
            quantity: session.quantity,
            period_start: created,
            period_end: trial_end.unwrap_or_else(|| month_after(created)),
            trial_end,
            cancel_at_period_end: false,
            canceled_at: None,
            ended_at: None,
            pause_collection: None,
            latest_invoice: String::new(),
            metadata: session.subscription_metadata.clone(),
        };
        // Nothing is due for a trial, and that is paid at once.
        let outcome = if trial_end.is_some() { Outcome::Paid } else { outcome };
        let invoice = self.bill(&subscription, true, outcome);
        subscription.latest_invoice = invoice.id.clone();
        self.subscriptions.push(subscription.clone());
        self.emit("customer.subscription.created", render::subscription(&subscription), None);
        self.tell_of_payment(&invoice, outcome);
        subscription
    }

    /// A bill for the subscription's current period. Nobody is told yet.
    fn bill(&mut self, subscription: &Subscription, is_first: bool, outcome: Outcome) -> Invoice {
        let is_trial = is_first && subscription.trial_end.is_some();
        let invoice = Invoice {
            id: new_id("in_"),
            line: new_id("il_"),
            charge: new_id("ch_"),
            payment_intent: new_id("pi_"),
            created: now(),
            customer: subscription.customer.clone(),
            subscription: subscription.id.clone(),
            subscription_item: subscription.item.clone(),
            is_first,
            status: if outcome == Outcome::Paid { InvoiceStatus::Paid } else { InvoiceStatus::Open },
            amount: if is_trial { 0 } else { render::UNIT_AMOUNT * subscription.quantity },
            quantity: subscription.quantity,
            attempt_count: i64::from(!is_trial),
            paid_at: (outcome == Outcome::Paid).then(now),
            period_start: subscription.period_start,
            period_end: subscription.period_end,
            is_disputed: false,
        };
        self.invoices.push(invoice.clone());
        invoice
    }

    fn tell_of_payment(&mut self, invoice: &Invoice, outcome: Outcome) {
        let object = render::invoice(self, invoice);
        match outcome {
            Outcome::Paid => self.emit("invoice.paid", object, None),
            Outcome::Declined => self.emit("invoice.payment_failed", object, None),
            Outcome::Awaited => {}
        }
    }

    fn settle(&mut self, id: &str) -> Result<(), StripeError> {
        let subscription = self.awaiting(id)?;
        self.session_mut(id)?.payment_status = PaymentStatus::Paid;
        self.pay_open_invoices(&subscription);
        self.update(&subscription, |subscription| subscription.status = Status::Active)?;
        self.emit_session("checkout.session.async_payment_succeeded", id)
    }

    fn decline(&mut self, id: &str) -> Result<(), StripeError> {
        let subscription = self.awaiting(id)?;
        let invoice = self.subscription(&subscription)?.latest_invoice.clone();
        let invoice = self.invoice(&invoice)?.clone();
        self.tell_of_payment(&invoice, Outcome::Declined);
        self.invoice_mut(&invoice.id)?.status = InvoiceStatus::Void;
        self.update(&subscription, |subscription| {
            subscription.status = Status::IncompleteExpired;
            subscription.ended_at = Some(now());
        })?;
        self.emit_session("checkout.session.async_payment_failed", id)
    }

    /// The subscription of a session whose payment is on its way.
    fn awaiting(&self, id: &str) -> Result<String, StripeError> {
        let session = self.session(id)?;
        let subscription = session.subscription.as_ref().map(|id| self.subscription(id)).transpose()?;
        match subscription {
            Some(it) if it.status == Status::Incomplete => Ok(it.id.clone()),
            _ => Err(StripeError::invalid("This Checkout Session does not wait for a payment.")),
        }
    }

    fn expire(&mut self, id: &str) -> Result<(), StripeError> {
        let status = self.session(id)?.status;
        if status != SessionStatus::Open {
            return Err(StripeError::invalid(format!(
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `{}`.",
                render::word(status)
            )));
        }
        self.session_mut(id)?.status = SessionStatus::Expired;
        self.emit_session("checkout.session.expired", id)
    }

    fn cancel(&mut self, id: &str) -> Result<(), StripeError> {
        self.not_ended(id)?;
        for invoice in self.invoices.iter_mut().filter(|it| it.subscription == id && it.status == InvoiceStatus::Open) {
            invoice.status = InvoiceStatus::Void;
        }
        let subscription = self.subscription_mut(id)?;
        subscription.status = Status::Canceled;
        subscription.canceled_at = subscription.canceled_at.or(Some(now()));
        subscription.ended_at = Some(now());
        let object = render::subscription(subscription);
        self.emit("customer.subscription.deleted", object, None);
        Ok(())
    }

    /// Takes back or sets the end of the subscription with its period.
    pub fn set_cancel_at_period_end(&mut self, id: &str, ends: bool) -> Result<(), StripeError> {
        self.not_ended(id)?;
        self.update(id, |subscription| {
            subscription.cancel_at_period_end = ends;
            subscription.canceled_at = ends.then(now);
        })
    }

    fn fail_payment(&mut self, id: &str) -> Result<(), StripeError> {
        let subscription = self.not_ended(id)?;
        if subscription.status != Status::PastDue {
            return self.renew(id, Outcome::Declined);
        }
        let latest = subscription.latest_invoice.clone();
        let invoice = self.invoice_mut(&latest)?;
        invoice.attempt_count += 1;
        let invoice = invoice.clone();
        self.tell_of_payment(&invoice, Outcome::Declined);
        Ok(())
    }

    fn renew(&mut self, id: &str, outcome: Outcome) -> Result<(), StripeError> {
        let mut next = self.not_ended(id)?.clone();
        if !matches!(next.status, Status::Active | Status::Trialing) {
            let message = format!("A subscription that is {} has no next period to pay.", render::word(next.status));
            return Err(StripeError::invalid(message));
        }
        if next.cancel_at_period_end {
            return self.cancel(id);
        }
        next.period_start = next.period_end;
        next.period_end = month_after(next.period_start);
        let invoice = self.bill(&next, false, outcome);
        self.tell_of_payment(&invoice, outcome);
        self.update(id, |subscription| {
            subscription.status = if outcome == Outcome::Paid { Status::Active } else { Status::PastDue };
            subscription.period_start = next.period_start;
            subscription.period_end = next.period_end;
            subscription.latest_invoice = invoice.id;
        })
    }

    fn pay_what_is_owed(&mut self, id: &str) -> Result<(), StripeError> {
        match self.not_ended(id)?.status {
            Status::PastDue | Status::Unpaid => {
                self.pay_open_invoices(id);
                self.update(id, |subscription| subscription.status = Status::Active)
            }
            Status::Incomplete => {
                let session = self.sessions.iter().find(|it| it.subscription.as_deref() == Some(id));
                let session = session.map(|it| it.id.clone());
                session.map_or(Ok(()), |session| self.settle(&session))
            }
            _ => Err(StripeError::invalid("This subscription has no open invoice.")),
        }
    }

    fn pay_open_invoices(&mut self, subscription: &str) {
        let mut paid = Vec::new();
        let open = |it: &&mut Invoice| it.subscription == subscription && it.status == InvoiceStatus::Open;
        for invoice in self.invoices.iter_mut().filter(open) {
            invoice.status = InvoiceStatus::Paid;
            invoice.paid_at = Some(now());
            invoice.attempt_count += 1;
            paid.push(invoice.clone());
        }
        for invoice in paid {
            self.tell_of_payment(&invoice, Outcome::Paid);
        }
    }

    fn give_up_collecting(&mut self, id: &str) -> Result<(), StripeError> {
        if self.not_ended(id)?.status != Status::PastDue {
            self.renew(id, Outcome::Declined)?;
        }
        self.update(id, |subscription| subscription.status = Status::Unpaid)
    }

    fn pause(&mut self, id: &str) -> Result<(), StripeError> {
        let status = self.not_ended(id)?.status;
        if !matches!(status, Status::Active | Status::Trialing | Status::PastDue) {
            return Err(StripeError::invalid(format!("A subscription that is {} cannot pause.", render::word(status))));
        }
        self.update(id, |subscription| subscription.status = Status::Paused)?;
        self.emit_subscription("customer.subscription.paused", id)
    }

    /// Ends a pause, or takes back a cancellation at the period's end.
    pub fn resume(&mut self, id: &str) -> Result<(), StripeError> {
        let subscription = self.not_ended(id)?;
        if subscription.cancel_at_period_end {
            return self.set_cancel_at_period_end(id, false);
        }
        if subscription.status != Status::Paused {
            return Err(StripeError::invalid("This subscription is not paused."));
        }
        self.update(id, |subscription| subscription.status = Status::Active)?;
        self.emit_subscription("customer.subscription.resumed", id)
    }

    fn dispute(&mut self, id: &str) -> Result<(), StripeError> {
        self.subscription(id)?;
        let paid = |it: &&mut Invoice| it.subscription == id && it.status == InvoiceStatus::Paid && it.amount > 0;
        let invoice = self.invoices.iter_mut().rev().find(paid);
        let invoice = invoice.ok_or_else(|| StripeError::invalid("This subscription has no payment to dispute."))?;
        if invoice.is_disputed {
            return Err(StripeError::invalid("The last payment is disputed already."));
        }
        invoice.is_disputed = true;
        let object = render::dispute(invoice);
        self.emit("charge.dispute.created", object, None);
        Ok(())
    }

    fn not_ended(&self, id: &str) -> Result<&Subscription, StripeError> {
        let subscription = self.subscription(id)?;
        if subscription.status.is_terminal() {
            let message = "A canceled subscription can only update its cancellation_details.";
            return Err(StripeError::invalid(message));
        }
        Ok(subscription)
    }

    /// Changes a subscription and tells what was different before, if anything was.
    pub fn update(&mut self, id: &str, change: impl FnOnce(&mut Subscription)) -> Result<(), StripeError> {
        let subscription = self.subscription_mut(id)?;
        let before = render::subscription(subscription);
        change(subscription);
        let after = render::subscription(subscription);
        let previous = different(before, &after);
        if !previous.is_empty() {
            self.emit("customer.subscription.updated", after, Some(Value::Object(previous)));
        }
        Ok(())
    }

    fn emit_session(&mut self, kind: &str, id: &str) -> Result<(), StripeError> {
        let object = render::session(self, self.session(id)?);
        self.emit(kind, object, None);
        Ok(())
    }

    fn emit_subscription(&mut self, kind: &str, id: &str) -> Result<(), StripeError> {
        let object = render::subscription(self.subscription(id)?);
        self.emit(kind, object, None);
        Ok(())
    }
}

/// The fields of `before` that `after` has otherwise.
fn different(before: Value, after: &Value) -> Map<String, Value> {
    let Value::Object(before) = before else { return Map::new() };
    before.into_iter().filter(|(name, value)| after.get(name) != Some(value)).collect()
}

fn month_after(time: i64) -> i64 {
    let start = DateTime::<Utc>::from_timestamp(time, 0);
    start.and_then(|start| start.checked_add_months(Months::new(1))).map_or(time + 30 * DAY, |end| end.timestamp())
}
