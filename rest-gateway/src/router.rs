//! Every route, once.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use platforms::connections::CALLBACK_PATH;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::rate_limit::{RateLimiter, Scope};

use crate::openapi::Route;
use crate::pages::account::{activity, connections, content, keys, live, overview, piece, reports, scans};
use crate::pages::{Site, assets, checkout, docs, landing, login};
use crate::routes::{admin, billing, customer, events, health, onboarding};
use crate::{Gateway, discovery, oauth, openapi, routes};

/// How long a step may take: as long as Inngest waits.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);
/// Events of Stripe's and Composio's and reports of leaked keys are some kilobytes; this is what the contract allows.
const WEBHOOK_LIMIT: usize = 4 * 1024 * 1024;

pub fn router(gateway: Gateway) -> Router {
    let (api, description) = api(&gateway.rate_limiter).split_for_parts();
    let description = openapi::completed(description);
    let routes = Arc::new(openapi::routes(description.clone()));
    let workflows = gateway.workflows.clone();
    api.route("/openapi.json", get(async || Json(description)))
        .merge(documents(routes))
        .merge(browser(&gateway.rate_limiter))
        .merge(oauth::routes(gateway.oauth.as_ref(), &gateway.rate_limiter))
        .layer(web::layers::timeout(web::layers::REQUEST_TIMEOUT))
        // Inngest, by its signature. A call lasts as long as the step that it is for.
        .route("/api/inngest", workflows.routes())
        .with_state(gateway)
}

/// What programs and their authors read, for everybody.
fn documents(routes: Arc<Vec<Route>>) -> Router<Gateway> {
    let described = routes.clone();
    Router::new()
        .route("/docs", get(async move |State(site): State<Site>| docs::show(&site, &routes)))
        .route("/index.md", get(discovery::index))
        .route("/pricing.md", get(discovery::pricing))
        .route("/llms.txt", get(discovery::llms))
        .route(
            "/llms-full.txt",
            get(async move |State(gateway): State<Gateway>, headers: HeaderMap| {
                discovery::llms_full(&gateway, &described, &headers)
            }),
        )
        .route("/robots.txt", get(discovery::robots))
        .route("/server.json", get(discovery::registry_entry))
        .route("/sitemap.xml", get(discovery::sitemap))
        .route("/.well-known/agent-card.json", get(discovery::agent_card))
        .route("/.well-known/agent.json", get(discovery::agent_card))
        .route("/.well-known/ai-catalog.json", get(discovery::ai_catalog))
        .route("/.well-known/api-catalog", get(discovery::api_catalog))
        .route("/.well-known/mcp/server-card.json", get(discovery::server_card))
}

/// People in a browser; forms are taken from our own pages only.
fn browser(limiter: &RateLimiter) -> Router<Gateway> {
    let limited = |scope| limiter.by_ip(scope);
    Router::new()
        .route("/", get(landing::show))
        .route("/checkout", post(landing::begin_checkout).route_layer(limited(Scope::Checkout)))
        .route("/checkout/success", get(checkout::success).route_layer(limited(Scope::Preauth)))
        .route("/checkout/connection", get(checkout::connection).route_layer(limited(Scope::Preauth)))
        .route("/login", post(login::log_in).route_layer(limited(Scope::Preauth)).get(login::show))
        .route("/logout", post(login::log_out))
        .route("/assets/{file}", get(assets::show))
        // Whoever comes back from Composio, by the state that they bring.
        .route(CALLBACK_PATH, get(connections::callback).route_layer(limited(Scope::Preauth)))
        // By their session or key, on their own account.
        .merge(account())
}

/// The pages of one account. Not nested: whoever has to log in first comes back to the whole address.
fn account() -> Router<Gateway> {
    let at = |path: &str| format!("/api/dashboard/{{customer_id}}{path}");
    Router::new()
        .route(&at(""), get(overview::show))
        .route(&at("/content"), get(content::show))
        .route(&at("/content/{content_id}"), get(piece::show))
        .route(&at("/content/{content_id}/review"), post(piece::review))
        .route(&at("/content/{content_id}/schedule"), post(piece::schedule))
        .route(&at("/content/{content_id}/publish"), post(piece::publish))
        .route(&at("/scans"), get(scans::list).post(scans::scan))
        .route(&at("/scans/{scan_id}"), get(scans::show))
        .route(&at("/scans/{scan_id}/watch"), post(scans::watch))
        .route(&at("/reports"), get(reports::list))
        .route(&at("/reports/{run_id}"), get(reports::show))
        .route(&at("/proposals/{proposal_id}"), post(reports::decide))
        .route(&at("/connections"), get(connections::show))
        .route(&at("/connections/{platform}/connect"), post(connections::connect))
        .route(&at("/connections/{platform}/disconnect"), post(connections::disconnect))
        .route(&at("/activity"), get(activity::show))
        .route(&at("/keys"), get(keys::show).post(keys::create))
        .route(&at("/keys/{key_id}/revoke"), post(keys::revoke))
        .route(&at("/keys/{key_id}/connection"), get(keys::connection))
        .route(&at("/apps/{grant_id}/revoke"), post(keys::revoke_app))
        .route(&at("/billing"), post(keys::manage_billing))
        .route(&at("/live"), get(live::stream))
}

/// What programs call; each route with its description.
fn api(limiter: &RateLimiter) -> OpenApiRouter<Gateway> {
    let limited = |mut routes: OpenApiRouter<Gateway>, scope| {
        openapi::limited_by_address(routes.get_openapi_mut(), scope);
        routes.route_layer(limiter.by_ip(scope))
    };
    OpenApiRouter::with_openapi(openapi::description())
        // Anybody.
        .routes(routes!(web::health::live))
        .routes(routes!(health::ready))
        .merge(limited(OpenApiRouter::new().routes(routes!(billing::checkout)), Scope::Checkout))
        // Whoever holds the id of a paid checkout.
        .merge(limited(OpenApiRouter::new().routes(routes!(billing::session)), Scope::Preauth))
        // Stripe, by its signature.
        .merge(limited(
            OpenApiRouter::new().routes(routes!(billing::webhook)).layer(DefaultBodyLimit::max(WEBHOOK_LIMIT)),
            Scope::Webhooks,
        ))
        // Composio, by its signature.
        .merge(limited(
            OpenApiRouter::new()
                .routes(routes!(routes::connections::webhook))
                .layer(DefaultBodyLimit::max(WEBHOOK_LIMIT)),
            Scope::Webhooks,
        ))
        // Code hosts, by their signature.
        .merge(limited(
            OpenApiRouter::new()
                .routes(routes!(routes::secret_scanning::report))
                .layer(DefaultBodyLimit::max(WEBHOOK_LIMIT)),
            Scope::Webhooks,
        ))
        // Operators, by the admin secret.
        .merge(limited(OpenApiRouter::new().routes(routes!(admin::provision)), Scope::Admin))
        // Customers, by their key, on their own account. The key is charged where it is checked, by the extractor.
        .routes(routes!(customer::show))
        .routes(routes!(routes::keys::list, routes::keys::create))
        .routes(routes!(routes::keys::revoke))
        .routes(routes!(billing::portal))
        .routes(routes!(onboarding::start))
        .routes(routes!(routes::connections::connect))
        .routes(routes!(routes::connections::list))
        .routes(routes!(routes::connections::disconnect))
        .routes(routes!(events::list))
        .routes(routes!(events::stream))
}
