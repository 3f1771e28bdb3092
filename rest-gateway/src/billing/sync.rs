//! Asking Stripe how things stand, and writing it down.

use entity::billing::{self, PaidCheckout};
use entity::customers::{Customer, DEFAULT_PLAN};
use stripe_billing::subscription::RetrieveSubscription;
use stripe_checkout::checkout_session::{ListCheckoutSession, RetrieveCheckoutSession};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};

use super::reply::{self, Charge, Checkout, List, Progress};
use super::{Account, Billing, Error, checkout};

/// How often an answer may turn out to be older than what somebody else wrote meanwhile.
const ATTEMPTS: usize = 10;
/// How many Stripe lists at most in one answer.
const PAGE: i64 = 100;

/// What became of a checkout.
#[derive(Debug)]
pub enum Outcome {
    /// Paid: the customer is there.
    Fulfilled,
    /// Not paid (yet).
    Unpaid,
    /// Never paid, and too late for it.
    Expired,
    /// Not a checkout for HeyCMO.
    Foreign,
}

impl Billing {
    /// Looks at a subscription and writes how it stands. None when it belongs to no customer of ours: then the checkout
    /// that will make them brings it too.
    pub(super) async fn sync_subscription(
        &self,
        account: &Account,
        id: &str,
        event: Option<&str>,
    ) -> Result<Option<Customer>, Error> {
        let mut attempt = 1;
        loop {
            match self.look_at_subscription(account, id, event).await {
                Err(error) if error.is_stale() && attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    async fn look_at_subscription(
        &self,
        account: &Account,
        id: &str,
        event: Option<&str>,
    ) -> Result<Option<Customer>, Error> {
        // Before Stripe is asked: see entity::billing.
        let seen = billing::version(&self.db, id).await?;
        let observation = ask(account, id).await?.observation(seen)?;
        let payer = &observation.stripe_customer_id;
        let Some(customer) = billing::customer_of(&self.db, Some(id), payer).await? else { return Ok(None) };
        let customer = billing::observe(&self.db, &customer, observation, self.grace, event).await?;
        Ok(Some(customer))
    }

    /// Looks at a checkout; if it was paid, sees to it that its customer exists and may use the service.
    pub(super) async fn sync_checkout(
        &self,
        account: &Account,
        id: &str,
        event: Option<&str>,
    ) -> Result<Outcome, Error> {
        let request = RetrieveCheckoutSession::new(id).build();
        let checkout: Checkout = account.stripe.get(&request).await?;
        if !checkout::is_ours(&checkout) {
            return Ok(Outcome::Foreign);
        }
        match checkout.progress() {
            Progress::Unpaid => return Ok(Outcome::Unpaid),
            Progress::Expired => return Ok(Outcome::Expired),
            Progress::Paid => {}
        }
        let mut attempt = 1;
        loop {
            match self.fulfil(account, &checkout, event).await {
                Err(error) if error.is_stale() && attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome.map(|()| Outcome::Fulfilled),
            }
        }
    }

    async fn fulfil(&self, account: &Account, checkout: &Checkout, event: Option<&str>) -> Result<(), Error> {
        let id = &checkout.id;
        // Without an event there is nothing left to do once somebody else has done it. Many may claim at the same time.
        if event.is_none() && billing::is_fulfilled(&self.db, id).await? {
            return Ok(());
        }
        let missing = |what: &str| Error::Unexpected(format!("checkout {id} is paid and has no {what}"));
        let email = checkout.email().ok_or_else(|| missing("e-mail address"))?;
        let subscription = &checkout.subscription.as_ref().ok_or_else(|| missing("subscription"))?.0;
        // Before Stripe is asked: see entity::billing.
        let seen = billing::version(&self.db, subscription).await?;
        let started = ask(account, subscription).await?;
        let paid = PaidCheckout {
            id: id.clone(),
            email: email.to_owned(),
            plan: DEFAULT_PLAN.to_owned(),
            completed_at: started.created.and_then(reply::time).unwrap_or_else(entity::db::now),
            subscription: started.observation(seen)?,
        };
        billing::fulfil(&self.db, paid, self.grace, event).await?;
        Ok(())
    }

    /// Logs a dispute for the customer who made the payment, if it was one of ours.
    pub(super) async fn sync_dispute(
        &self,
        account: &Account,
        charge: &str,
        dispute: serde_json::Value,
        event: &str,
    ) -> Result<(), Error> {
        let request = RequestBuilder::new(StripeMethod::Get, format!("/charges/{charge}"));
        let charge: Charge = account.stripe.get(&request).await?;
        let Some(payer) = charge.customer else { return Ok(billing::processed(&self.db, event).await?) };
        if billing::customer_of(&self.db, None, &payer.0).await?.is_none() {
            // The dispute may be the first that is heard of somebody who did pay.
            self.sync_checkouts(account, ListCheckoutSession::new().customer(&payer.0)).await?;
        }
        match billing::customer_of(&self.db, None, &payer.0).await? {
            Some(customer) => billing::record_dispute(&self.db, &customer, dispute, Some(event)).await?,
            None => billing::processed(&self.db, event).await?,
        }
        Ok(())
    }

    /// Sees to it that whoever paid one of these checkouts may use the service. Says how many were not known before.
    pub(super) async fn sync_checkouts(
        &self,
        account: &Account,
        checkouts: ListCheckoutSession,
    ) -> Result<usize, Error> {
        let mut found = 0;
        let mut next = Some(checkouts.clone().limit(PAGE));
        while let Some(request) = next {
            let page: List<Checkout> = account.stripe.get(&request.build()).await?;
            for checkout in page.data.iter().filter(|it| checkout::is_ours(it) && it.progress() == Progress::Paid) {
                if !billing::is_fulfilled(&self.db, &checkout.id).await? {
                    self.sync_checkout(account, &checkout.id, None).await?;
                    found += 1;
                }
            }
            let last = page.data.last().filter(|_| page.has_more);
            next = last.map(|last| checkouts.clone().limit(PAGE).starting_after(&last.id));
        }
        Ok(found)
    }
}

async fn ask(account: &Account, subscription: &str) -> Result<reply::Subscription, Error> {
    let request = RetrieveSubscription::new(subscription).expand(vec!["latest_invoice".to_owned()]).build();
    Ok(account.stripe.get(&request).await?)
}
