//! Every route, once.

use axum::Router;
use axum::routing::{get, post};

use crate::Gateway;
use crate::pages::{assets, checkout, dashboard, landing, login};
use crate::routes::{admin, customer, events};

pub fn router(gateway: Gateway) -> Router {
    Router::new()
        // Anybody.
        .route("/api/health", get(web::health::live))
        .route("/api/health/ready", get(web::health::ready))
        // Operators, by the admin secret.
        .route("/api/admin/provision", post(admin::provision))
        // Customers, by their key, on their own account.
        .route("/api/customer/{customer_id}", get(customer::show))
        .route("/api/events/{customer_id}", get(events::list))
        .route("/api/events/{customer_id}/stream", get(events::stream))
        // People in a browser; forms are taken from our own pages only.
        .route("/", get(landing::show))
        .route("/checkout", post(landing::begin_checkout))
        .route("/checkout/success", get(checkout::success))
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/assets/{file}", get(assets::show))
        // By their session or key, on their own account.
        .route("/api/dashboard/{customer_id}", get(dashboard::show))
        .with_state(gateway)
}
