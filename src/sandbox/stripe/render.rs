//! The JSON of Stripe's objects.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::StripeError;
use super::params::Params;
use super::state::{
    Customer, Event, Invoice, InvoiceStatus, PaymentStatus, Portal, Session, SessionStatus, State, Subscription,
};
use super::{API_VERSION, PRICE_ID};

/// What a month costs, in cents.
pub const UNIT_AMOUNT: i64 = 4_900;
/// What the plan is called on the pages.
pub const PLAN: &str = "HeyCMO Pro";
const PRODUCT_ID: &str = "prod_sandbox_pro";
const CURRENCY: &str = "usd";
/// When the price was made: the start of 2026.
const PRICE_CREATED: i64 = 1_767_225_600;
/// How long a merchant may take to answer a dispute, in seconds.
const DISPUTE_DEADLINE: i64 = 7 * 24 * 60 * 60;
/// When Stripe tries again after a failed payment, in seconds.
const RETRY_AFTER: i64 = 3 * 24 * 60 * 60;

/// The word that Stripe has for a status.
pub fn word(status: impl Serialize) -> String {
    match serde_json::to_value(status) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

pub fn price() -> Value {
    let price = json!({
        "id": PRICE_ID,
        "object": "price",
        "active": true,
        "billing_scheme": "per_unit",
        "created": PRICE_CREATED,
        "currency": CURRENCY,
        "livemode": false,
        "metadata": {},
        "product": PRODUCT_ID,
        "recurring": {
            "interval": "month",
            "interval_count": 1,
            "meter": null,
            "trial_period_days": null,
            "usage_type": "licensed",
        },
        "tax_behavior": "unspecified",
        "type": "recurring",
        "unit_amount": UNIT_AMOUNT,
        "unit_amount_decimal": UNIT_AMOUNT.to_string(),
    });
    with_nulls(price, &["custom_unit_amount", "lookup_key", "nickname", "tiers_mode", "transform_quantity"])
}

/// The same as its price, for older clients.
fn plan() -> Value {
    let plan = json!({
        "id": PRICE_ID,
        "object": "plan",
        "active": true,
        "amount": UNIT_AMOUNT,
        "amount_decimal": UNIT_AMOUNT.to_string(),
        "billing_scheme": "per_unit",
        "created": PRICE_CREATED,
        "currency": CURRENCY,
        "interval": "month",
        "interval_count": 1,
        "livemode": false,
        "metadata": {},
        "product": PRODUCT_ID,
        "usage_type": "licensed",
    });
    with_nulls(plan, &["meter", "nickname", "tiers_mode", "transform_usage", "trial_period_days"])
}

pub fn customer(customer: &Customer) -> Value {
    let json = json!({
        "id": customer.id,
        "object": "customer",
        "balance": 0,
        "created": customer.created,
        "delinquent": false,
        "email": customer.email,
        "invoice_prefix": "SANDBOX",
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": null,
            "footer": null,
            "rendering_options": null,
        },
        "livemode": false,
        "metadata": customer.metadata,
        "name": customer.name,
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
    });
    let nulls = ["address", "currency", "default_source", "description", "discount", "phone", "shipping", "test_clock"];
    with_nulls(json, &nulls)
}

pub fn session(state: &State, session: &Session) -> Value {
    let is_open = session.status == SessionStatus::Open;
    let email = session.customer.as_ref().and_then(|id| state.customer(id).ok()?.email.clone());
    let email = email.or_else(|| session.customer_email.clone());
    let amount = if session.trial_days.is_some() { 0 } else { UNIT_AMOUNT * session.quantity };
    let json = json!({
        "id": session.id,
        "object": "checkout.session",
        "adaptive_pricing": { "enabled": false },
        "allow_promotion_codes": session.allow_promotion_codes,
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "cancel_url": session.cancel_url,
        "client_reference_id": session.client_reference_id,
        "created": session.created,
        "currency": CURRENCY,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null,
            "shipping_address": null,
            "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer": session.customer,
        "customer_creation": session.customer_email.as_ref().map(|_| "always"),
        "customer_details": email.map(|email| json!({
            "address": null, "business_name": null, "email": email, "individual_name": null, "name": null,
            "phone": null, "tax_exempt": "none", "tax_ids": [],
        })),
        "customer_email": session.customer_email,
        "expires_at": session.expires_at,
        "invoice": session.invoice,
        "livemode": false,
        "metadata": session.metadata,
        "mode": "subscription",
        "payment_method_collection": "always",
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card", "us_bank_account"],
        "payment_status": session.payment_status,
        "phone_number_collection": { "enabled": false },
        "shipping_options": [],
        "status": session.status,
        "subscription": session.subscription,
        "success_url": session.success_url,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "ui_mode": "hosted_page",
        "url": is_open.then(|| format!("{}/pay/{}", state.origin, session.id)),
    });
    let nulls = [
        "after_expiration",
        "billing_address_collection",
        "branding_settings",
        "client_secret",
        "collected_information",
        "consent",
        "consent_collection",
        "currency_conversion",
        "invoice_creation",
        "locale",
        "origin_context",
        "payment_intent",
        "payment_link",
        "payment_method_configuration_details",
        "permissions",
        "recovered_from",
        "saved_payment_method_options",
        "setup_intent",
        "shipping_address_collection",
        "shipping_cost",
        "submit_type",
        "wallet_options",
    ];
    with_nulls(json, &nulls)
}

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

pub fn invoice(state: &State, invoice: &Invoice) -> Value {
    let paid = if invoice.status == InvoiceStatus::Paid { invoice.amount } else { 0 };
    let is_open = invoice.status == InvoiceStatus::Open;
    let metadata = state.subscription(&invoice.subscription).map(|it| it.metadata.clone()).unwrap_or_default();
    let json = json!({
        "id": invoice.id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "HeyCMO sandbox",
        "amount_due": invoice.amount,
        "amount_overpaid": 0,
        "amount_paid": paid,
        "amount_remaining": invoice.amount - paid,
        "amount_shipping": 0,
        "attempt_count": invoice.attempt_count,
        "attempted": invoice.attempt_count > 0,
        "auto_advance": is_open,
        "automatic_tax": {
            "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null,
        },
        "billing_reason": if invoice.is_first { "subscription_create" } else { "subscription_cycle" },
        "collection_method": "charge_automatically",
        "created": invoice.created,
        "currency": CURRENCY,
        "customer": invoice.customer,
        "customer_email": state.customer(&invoice.customer).ok().and_then(|it| it.email.clone()),
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "effective_at": invoice.created,
        "ending_balance": 0,
        "hosted_invoice_url": format!("{}/invoice/{}", state.origin, invoice.id),
        "issuer": { "type": "self" },
        "lines": list(vec![invoice_line(invoice, &metadata)], false, &format!("/v1/invoices/{}/lines", invoice.id)),
        "livemode": false,
        "metadata": {},
        "next_payment_attempt": is_open.then_some(invoice.created + RETRY_AFTER),
        "number": format!("SANDBOX-{}", invoice.id.trim_start_matches("in_")),
    });
    let rest = json!({
        "parent": {
            "quote_details": null,
            "subscription_details": { "metadata": metadata, "subscription": invoice.subscription },
            "type": "subscription_details",
        },
        "payment_settings": {
            "default_mandate": null, "payment_method_options": null, "payment_method_types": null,
        },
        "period_end": invoice.period_end,
        "period_start": invoice.period_start,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": invoice.status,
        "status_transitions": {
            "finalized_at": invoice.created, "marked_uncollectible_at": null, "paid_at": invoice.paid_at,
            "voided_at": null,
        },
        "subtotal": invoice.amount,
        "subtotal_excluding_tax": invoice.amount,
        "total": invoice.amount,
        "total_discount_amounts": [],
        "total_excluding_tax": invoice.amount,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": invoice.created,
    });
    let nulls = [
        "account_tax_ids",
        "application",
        "automatically_finalizes_at",
        "custom_fields",
        "customer_address",
        "customer_name",
        "customer_phone",
        "customer_shipping",
        "default_payment_method",
        "default_source",
        "description",
        "due_date",
        "footer",
        "from_invoice",
        "invoice_pdf",
        "last_finalization_error",
        "latest_revision",
        "on_behalf_of",
        "receipt_number",
        "rendering",
        "shipping_cost",
        "shipping_details",
        "statement_descriptor",
        "test_clock",
    ];
    with_nulls(merged(json, rest), &nulls)
}

fn invoice_line(invoice: &Invoice, metadata: &super::state::Metadata) -> Value {
    json!({
        "id": invoice.line,
        "object": "line_item",
        "amount": invoice.amount,
        "currency": CURRENCY,
        "description": format!("{} × {PLAN} (at ${} / month)", invoice.quantity, dollars(UNIT_AMOUNT)),
        "discount_amounts": [],
        "discountable": true,
        "discounts": [],
        "invoice": invoice.id,
        "livemode": false,
        "metadata": metadata,
        "parent": {
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null,
                "proration": false,
                "proration_details": { "credited_items": null },
                "subscription": invoice.subscription,
                "subscription_item": invoice.subscription_item,
            },
            "type": "subscription_item_details",
        },
        "period": { "end": invoice.period_end, "start": invoice.period_start },
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": { "price": PRICE_ID, "product": PRODUCT_ID },
            "type": "price_details",
            "unit_amount_decimal": UNIT_AMOUNT.to_string(),
        },
        "quantity": invoice.quantity,
        "quantity_decimal": invoice.quantity.to_string(),
        "subtotal": invoice.amount,
        "taxes": [],
    })
}

/// The payment of an invoice.
pub fn charge(state: &State, invoice: &Invoice) -> Value {
    let is_paid = invoice.status == InvoiceStatus::Paid;
    let email = state.customer(&invoice.customer).ok().and_then(|it| it.email.clone());
    let json = json!({
        "id": invoice.charge,
        "object": "charge",
        "amount": invoice.amount,
        "amount_captured": if is_paid { invoice.amount } else { 0 },
        "amount_refunded": 0,
        "billing_details": { "address": null, "email": email, "name": null, "phone": null, "tax_id": null },
        "captured": is_paid,
        "created": invoice.paid_at.unwrap_or(invoice.created),
        "currency": CURRENCY,
        "customer": invoice.customer,
        "description": if invoice.is_first { "Subscription creation" } else { "Subscription update" },
        "disputed": invoice.is_disputed,
        "failure_code": (!is_paid).then_some("card_declined"),
        "failure_message": (!is_paid).then_some("Your card was declined."),
        "fraud_details": {},
        "livemode": false,
        "metadata": {},
        "outcome": {
            "network_status": if is_paid { "approved_by_network" } else { "declined_by_network" },
            "reason": null,
            "risk_level": "normal",
            "seller_message": if is_paid { "Payment complete." } else { "The bank declined the payment." },
            "type": if is_paid { "authorized" } else { "issuer_declined" },
        },
        "paid": is_paid,
        "payment_intent": invoice.payment_intent,
        "payment_method": "pm_sandbox",
        "payment_method_details": { "card": { "brand": "visa", "last4": "4242" }, "type": "card" },
        "refunded": false,
        "status": if is_paid { "succeeded" } else { "failed" },
    });
    let nulls = [
        "application",
        "application_fee",
        "application_fee_amount",
        "balance_transaction",
        "calculated_statement_descriptor",
        "failure_balance_transaction",
        "on_behalf_of",
        "receipt_email",
        "receipt_number",
        "receipt_url",
        "review",
        "shipping",
        "source",
        "source_transfer",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
        "transfer_group",
    ];
    with_nulls(json, &nulls)
}

/// The dispute of an invoice's payment.
pub fn dispute(invoice: &Invoice) -> Value {
    let evidence = [
        "access_activity_log",
        "billing_address",
        "cancellation_policy",
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "customer_communication",
        "customer_email_address",
        "customer_name",
        "customer_purchase_ip",
        "customer_signature",
        "duplicate_charge_documentation",
        "duplicate_charge_explanation",
        "duplicate_charge_id",
        "product_description",
        "receipt",
        "refund_policy",
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        "service_date",
        "service_documentation",
        "shipping_address",
        "shipping_carrier",
        "shipping_date",
        "shipping_documentation",
        "shipping_tracking_number",
        "uncategorized_file",
        "uncategorized_text",
    ];
    let created = super::state::now();
    json!({
        "id": super::state::new_id("du_"),
        "object": "dispute",
        "amount": invoice.amount,
        "balance_transactions": [],
        "charge": invoice.charge,
        "created": created,
        "currency": CURRENCY,
        "enhanced_eligibility_types": [],
        "evidence": with_nulls(json!({ "enhanced_evidence": {} }), &evidence),
        "evidence_details": {
            "due_by": created + DISPUTE_DEADLINE,
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": true,
        "livemode": false,
        "metadata": {},
        "network_reason_code": null,
        "payment_intent": invoice.payment_intent,
        "payment_method_details": {
            "card": { "brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4" }, "type": "card",
        },
        "reason": "fraudulent",
        "status": "needs_response",
    })
}

pub fn portal(state: &State, portal: &Portal) -> Value {
    json!({
        "id": portal.id,
        "object": "billing_portal.session",
        "configuration": "bpc_sandbox",
        "created": portal.created,
        "customer": portal.customer,
        "customer_account": null,
        "flow": null,
        "livemode": false,
        "locale": null,
        "on_behalf_of": null,
        "return_url": portal.return_url,
        "url": format!("{}/portal/{}", state.origin, portal.id),
    })
}

pub fn event(event: &Event) -> Value {
    let mut data = Map::from_iter([("object".to_owned(), event.object.clone())]);
    data.extend(event.previous.clone().map(|previous| ("previous_attributes".to_owned(), previous)));
    json!({
        "id": event.id,
        "object": "event",
        "account": null,
        "api_version": API_VERSION,
        "context": null,
        "created": event.created,
        "data": data,
        "livemode": false,
        "pending_webhooks": u8::from(event.due.is_some()),
        "request": { "id": null, "idempotency_key": null },
        "type": event.kind,
    })
}

pub fn list(data: Vec<Value>, has_more: bool, url: &str) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}

/// An amount in cents as people write it.
pub fn dollars(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Whether nothing more has to be paid for a session.
pub fn is_settled(session: &Session) -> bool {
    session.payment_status != PaymentStatus::Unpaid
}

/// Puts objects in place of the ids that `expand` names.
pub fn expand(state: &State, value: &mut Value, params: &Params) -> Result<(), StripeError> {
    params.list("expand").iter().try_for_each(|path| expand_one(state, value, path, path))
}

fn expand_one(state: &State, value: &mut Value, path: &str, full: &str) -> Result<(), StripeError> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let unknown =
        || StripeError::param("expand", "invalid_expand", format!("This property cannot be expanded ({full})."));
    let inner = value.get_mut(first).ok_or_else(unknown)?;
    if let Value::String(id) = inner {
        *inner = by_id(state, id).ok_or_else(unknown)?;
    }
    match (inner, rest) {
        (Value::Null, _) | (Value::Object(_), None) => Ok(()),
        (Value::Array(items), Some(rest)) => items.iter_mut().try_for_each(|it| expand_one(state, it, rest, full)),
        (inner @ Value::Object(_), Some(rest)) => expand_one(state, inner, rest, full),
        _ => Err(unknown()),
    }
}

fn by_id(state: &State, id: &str) -> Option<Value> {
    match id.split('_').next()? {
        "cus" => state.customer(id).ok().map(customer),
        "sub" => state.subscription(id).ok().map(subscription),
        "in" => state.invoice(id).ok().map(|it| invoice(state, it)),
        "ch" => state.charged(id).ok().map(|it| charge(state, it)),
        _ => None,
    }
}

fn with_nulls(object: Value, names: &[&str]) -> Value {
    merged(object, Value::Object(names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect()))
}

fn merged(object: Value, more: Value) -> Value {
    match (object, more) {
        (Value::Object(mut object), Value::Object(more)) => {
            object.extend(more);
            Value::Object(object)
        }
        (object, _) => object,
    }
}
