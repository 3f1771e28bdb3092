//! Payments of invoices, and disputes about them.

use serde_json::{Value, json};

use super::{CURRENCY, with_nulls};
use crate::sandbox::stripe::state::{Invoice, InvoiceStatus, State, new_id, now};

/// How long a merchant may take to answer a dispute, in seconds.
const DISPUTE_DEADLINE: i64 = 7 * 24 * 60 * 60;

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
    let created = now();
    json!({
        "id": new_id("du_"),
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
