//! Subscriptions.

use serde_json::{Value, json};

use super::{CURRENCY, list, plan, price, with_nulls};
use crate::sandbox::stripe::state::Subscription;

pub fn subscription(subscription: &Subscription) -> Value {
    let item = json!({
        "id": subscription.item,
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": subscription.created,
        "current_period_end": subscription.period_end,
        "current_period_start": subscription.period_start,
        "discounts": [],
        "metadata": {},
        "plan": plan(),
        "price": price(),
        "quantity": subscription.quantity,
        "subscription": subscription.id,
        "tax_rates": [],
    });
    let json = json!({
        "id": subscription.id,
        "object": "subscription",
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
        "billing_cycle_anchor": subscription.created,
        "billing_mode": { "flexible": null, "type": "classic" },
        "billing_schedules": [],
        "cancel_at": subscription.cancel_at_period_end.then_some(subscription.period_end),
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "canceled_at": subscription.canceled_at,
        "cancellation_details": {
            "comment": null,
            "feedback": null,
            "reason": subscription.canceled_at.map(|_| "cancellation_requested"),
        },
        "collection_method": "charge_automatically",
        "created": subscription.created,
        "currency": CURRENCY,
        "customer": subscription.customer,
        "default_tax_rates": [],
        "discounts": [],
        "ended_at": subscription.ended_at,
        "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        "items": list(vec![item], false, &format!("/v1/subscription_items?subscription={}", subscription.id)),
        "latest_invoice": subscription.latest_invoice,
        "livemode": false,
        "metadata": subscription.metadata,
        "pause_collection": subscription.pause_collection.as_ref().map(|behavior| json!({
            "behavior": behavior, "resumes_at": null,
        })),
        "payment_settings": {
            "payment_method_options": null,
            "payment_method_types": null,
            "save_default_payment_method": "off",
        },
        "start_date": subscription.created,
        "status": subscription.status,
        "trial_end": subscription.trial_end,
        "trial_settings": { "end_behavior": { "missing_payment_method": "create_invoice" } },
        "trial_start": subscription.trial_end.map(|_| subscription.created),
    });
    let nulls = [
        "application",
        "application_fee_percent",
        "billing_cycle_anchor_config",
        "billing_thresholds",
        "days_until_due",
        "default_payment_method",
        "default_source",
        "description",
        "next_pending_invoice_item_invoice",
        "on_behalf_of",
        "pending_invoice_item_interval",
        "pending_setup_intent",
        "pending_update",
        "schedule",
        "test_clock",
        "transfer_data",
    ];
    with_nulls(json, &nulls)
}
