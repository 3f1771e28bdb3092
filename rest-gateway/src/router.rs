//! Every route, once.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};

use crate::Gateway;
use crate::routes::{admin, billing, customer, events, keys};

/// Stripe's events are some kilobytes; this is what the contract allows.
const WEBHOOK_LIMIT: usize = 4 * 1024 * 1024;

pub fn router(gateway: Gateway) -> Router {
    Router::new()
        // Anybody.
        .route("/api/health", get(web::health::live))
        .route("/api/health/ready", get(web::health::ready))
        .route("/api/checkout", post(billing::checkout))
        // Whoever holds the id of a paid checkout.
        .route("/api/session/{session_id}", get(billing::session))
        // Stripe, by its signature.
        .route("/api/webhooks/stripe", post(billing::webhook).layer(DefaultBodyLimit::max(WEBHOOK_LIMIT)))
        // Operators, by the admin secret.
        .route("/api/admin/provision", post(admin::provision))
        // Customers, by their key, on their own account.
        .route("/api/customer/{customer_id}", get(customer::show))
        .route("/api/events/{customer_id}", get(events::list))
        .route("/api/events/{customer_id}/stream", get(events::stream))
        .route("/api/customer/{customer_id}/keys", get(keys::list).post(keys::create))
        .route("/api/customer/{customer_id}/keys/{key_id}", delete(keys::revoke))
        .route("/api/billing/portal/{customer_id}", post(billing::portal))
        .with_state(gateway)
}
