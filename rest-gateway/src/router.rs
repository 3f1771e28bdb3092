//! Every route, once.

use axum::Router;
use axum::routing::{get, post};
use web::rate_limit::Scope;

use crate::Gateway;
use crate::routes::{admin, customer, events};

pub fn router(gateway: Gateway) -> Router {
    let limiter = gateway.rate_limiter.clone();
    Router::new()
        // Anybody.
        .route("/api/health", get(web::health::live))
        .route("/api/health/ready", get(web::health::ready))
        // Operators, by the admin secret.
        .route("/api/admin/provision", post(admin::provision).route_layer(limiter.by_ip(Scope::Admin)))
        // Customers, by their key, on their own account. The key is charged where it is checked, by the extractor.
        .route("/api/customer/{customer_id}", get(customer::show))
        .route("/api/events/{customer_id}", get(events::list))
        .route("/api/events/{customer_id}/stream", get(events::stream))
        .with_state(gateway)
}
