//! Invoices.

use serde_json::{Value, json};

use super::{CURRENCY, PLAN, PRICE_ID, PRODUCT_ID, UNIT_AMOUNT, dollars, list, merged, with_nulls};
use crate::sandbox::stripe::state::{Invoice, InvoiceStatus, Metadata, State};

/// When Stripe tries again after a failed payment, in seconds.
const RETRY_AFTER: i64 = 3 * 24 * 60 * 60;

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

fn invoice_line(invoice: &Invoice, metadata: &Metadata) -> Value {
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
