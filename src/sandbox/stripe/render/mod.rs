//! The JSON of Stripe's objects.

mod invoice;
mod payment;
mod session;
mod subscription;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::StripeError;
use super::params::Params;
use super::state::{Customer, Event, PaymentStatus, Portal, Session, State};
use super::{API_VERSION, PRICE_ID};

pub use invoice::invoice;
pub use payment::{charge, dispute};
pub use session::session;
pub use subscription::subscription;

/// What a month costs, in cents.
pub const UNIT_AMOUNT: i64 = 4_900;
/// What the plan is called on the pages.
pub const PLAN: &str = "HeyCMO Pro";
const PRODUCT_ID: &str = "prod_sandbox_pro";
const CURRENCY: &str = "usd";
/// When the price was made: the start of 2026.
const PRICE_CREATED: i64 = 1_767_225_600;

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
