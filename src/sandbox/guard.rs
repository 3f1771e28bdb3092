//! What stands in front of the pages of all stand-ins.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses posts from other sites' pages, and sets the headers of every page.
pub async fn guard(request: Request, next: Next) -> Response {
    if request.method() != Method::GET && !is_from_here(request.headers()) {
        return (StatusCode::FORBIDDEN, "This was sent by a page of another site.").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not "no-referrer": browsers would then hide the Origin of our own forms too.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Programs send no Origin; browsers always do.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host_of = |origin: &str| origin.split_once("://").map(|(_, host)| host.to_owned());
    match text(header::ORIGIN) {
        None => true,
        Some(origin) => host_of(origin).is_some_and(|host| Some(host.as_str()) == text(header::HOST)),
    }
}
