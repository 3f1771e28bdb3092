//! Checkout sessions.

use serde_json::{Value, json};

use super::{CURRENCY, UNIT_AMOUNT, with_nulls};
use crate::sandbox::stripe::state::{Session, SessionStatus, State};

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
