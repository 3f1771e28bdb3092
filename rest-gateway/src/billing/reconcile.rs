//! Comparing everything with Stripe, for when webhooks were lost.

use chrono::Duration;
use entity::billing as store;
use stripe_checkout::checkout_session::ListCheckoutSession;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use super::Billing;

/// Stripe itself gives up delivering an event after three days.
const LOOK_BACK: Duration = Duration::days(4);

/// What a reconciliation found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Paid checkouts nobody had told us of.
    pub found: usize,
    /// Subscriptions that were compared.
    pub compared: usize,
    /// Of these, those whose state had changed without our knowing.
    pub corrected: usize,
    /// Those that Stripe could not be asked about, with the reason.
    pub failed: Vec<(String, String)>,
    /// Grace periods that were over.
    pub grace_ended: usize,
}

impl Billing {
    /// Asks Stripe for the truth of every subscription that is not over and for the checkouts of the last days, and ends
    /// the grace periods that are over.
    ///
    /// # Errors
    ///
    /// When there is no Stripe account or the database fails; Stripe's failures are in the result.
    pub async fn reconcile(&self) -> Result<Reconciled, String> {
        let account = self.account().map_err(|error| error.message)?;
        let sentence = |error: entity::Error| error.to_string();
        let mut result = Reconciled {
            grace_ended: store::end_grace_periods(&self.db).await.map_err(sentence)?,
            ..Default::default()
        };
        let since = (entity::db::now() - LOOK_BACK).timestamp();
        let since = RangeQueryTs::Bounds(RangeBoundsTs { gte: Some(since), ..Default::default() });
        match self.sync_checkouts(account, ListCheckoutSession::new().created(since)).await {
            Ok(found) => result.found = found,
            Err(error) => result.failed.push(("checkouts".to_owned(), error.to_string())),
        }
        for before in store::unfinished(&self.db).await.map_err(sentence)? {
            match self.sync_subscription(account, &before.id, None).await {
                Ok(_) => {
                    result.compared += 1;
                    let after = store::of_customer(&self.db, &before.customer_id).await.map_err(sentence)?;
                    let same = after.iter().any(|now| {
                        now.id == before.id
                            && now.status == before.status
                            && now.cancel_at_period_end == before.cancel_at_period_end
                    });
                    result.corrected += usize::from(!same);
                }
                Err(error) => result.failed.push((before.id, error.to_string())),
            }
        }
        Ok(result)
    }
}
