//! What is done to every answer on its way out: errors become pages for browsers, and browsers are told what pages of
//! ours may do, which is little.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use web::ApiError;
use web::session::accepts_html;

use super::{Notice, Site};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
/// For pages that show a secret or have one in their address.
pub const NO_REFERRER: [(HeaderName, HeaderValue); 1] =
    [(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"))];
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const NOTHING_PERMITTED: HeaderValue =
    HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()");
const ONE_YEAR_OF_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// No script, style, picture or request but to our own, nothing inline, no frames, and forms only to us and the targets.
pub fn content_security_policy(form_targets: &[&str]) -> String {
    let form_action = [&["'self'"], form_targets].concat().join(" ");
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// On a page: where a form of it leads, instead of everywhere that forms of ours may lead.
#[derive(Clone, Debug)]
pub struct FormTarget(pub String);

/// Stands outermost.
pub async fn finish(State(site): State<Site>, request: Request, next: Next) -> Response {
    let wants_page = accepts_html(request.headers()) && is_for_people(request.uri().path());
    let mut response = next.run(request).await;
    if wants_page && let Some(error) = response.extensions_mut().remove::<ApiError>() {
        response = as_page(&site, &error, response);
    }
    secure(&site, &mut response);
    response
}

/// The API and OAuth's routes for apps answer in JSON whoever asks; the dashboard is a page, whatever its path.
fn is_for_people(path: &str) -> bool {
    let is_api = path == "/api" || path.starts_with("/api/");
    let is_oauth = path.starts_with("/oauth/") && path != crate::oauth::AUTHORIZE_PATH;
    !is_api && !is_oauth || path.starts_with("/api/dashboard/")
}

/// The same status and headers with a page for a body.
fn as_page(site: &Site, error: &ApiError, response: Response) -> Response {
    let request_id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let title = match error.status {
        StatusCode::UNAUTHORIZED => "Log in first",
        StatusCode::FORBIDDEN => "This was refused",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        status if status.is_server_error() => "This did not work",
        _ => "This cannot be answered",
    };
    let text = match error.status {
        StatusCode::NOT_FOUND => "The address may be mistyped, or belong to another account than the one you use.",
        _ => &error.message,
    };
    let notice = Notice {
        status: error.status,
        title,
        text: &[text],
        actions: &[("Go to the start page", "/"), ("Log in", "/login")],
        request_id: request_id.as_deref(),
        ..Notice::default()
    };
    let (mut parts, body) = response.into_parts();
    let Ok(page) = site.notice(notice) else { return Response::from_parts(parts, body) };
    let (page, body) = page.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(page.headers);
    Response::from_parts(parts, body)
}

fn secure(site: &Site, response: &mut Response) {
    let target = response.extensions_mut().remove::<FormTarget>();
    let policy = target.and_then(|FormTarget(target)| HeaderValue::try_from(content_security_policy(&[&target])).ok());
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if site.0.is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ONE_YEAR_OF_TLS);
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|value| value.starts_with("text/html")) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.unwrap_or_else(|| site.0.policy.clone()));
        headers.insert(PERMISSIONS_POLICY, NOTHING_PERMITTED);
        headers.entry(header::REFERRER_POLICY).or_insert(SAME_ORIGIN);
    }
}
