//! OAuth 2.1 as both processes know it: who issues tokens, for which server, and how an app that has none finds out
//! (RFC 9728). Issuing is the gateway's; see its `oauth`.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use entity::scopes::{Scope, Scopes};
use serde_json::{Value, json};
use tower_http::cors::{Any, CorsLayer};
use url::Url;

use crate::config::PublicUrl;

/// Where clients look for what describes the MCP server: at the root, and below it as the server's own paths are.
const METADATA: &str = "/.well-known/oauth-protected-resource";
/// How long browsers need not ask again whether they may ask.
const CORS_KEPT: Duration = Duration::from_secs(60 * 60);
/// The paths at which the one MCP server is found.
const PATHS: [&str; 2] = ["/mcp", "/mcp/sse"];

/// How apps are let in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OAuth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: String,
    mcp: PublicUrl,
    resource: String,
}

impl OAuth {
    /// Tokens are issued at the gateway, for the MCP server.
    #[must_use]
    pub fn new(gateway: &PublicUrl, mcp: &PublicUrl) -> Self {
        let [resource, _] = PATHS;
        Self(Arc::new(Inner { issuer: gateway.join(""), mcp: mcp.clone(), resource: mcp.join(resource) }))
    }

    /// Who issues tokens: the gateway's origin, without a slash at its end.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// What tokens are for: the address of the MCP server.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.0.resource
    }

    /// Whether an address is one of the MCP server's: that of either transport, however it is spelled.
    #[must_use]
    pub fn is_resource(&self, address: &str) -> bool {
        let read = |text: &str| Url::parse(text.trim_end_matches('/')).ok();
        let address = read(address);
        address.is_some() && PATHS.iter().any(|path| read(&self.0.mcp.join(path)) == address)
    }

    fn metadata_url(&self) -> String {
        let [path, _] = PATHS;
        self.0.mcp.join(&format!("{METADATA}{path}"))
    }

    fn metadata(&self) -> Value {
        json!({
            "resource": self.resource(),
            "resource_name": "HeyCMO",
            "authorization_servers": [self.issuer()],
            "scopes_supported": Scopes::ALL,
            "bearer_methods_supported": ["header"],
        })
    }

    /// Says on a refusal of the MCP server's where to get what is missing. `was_shown` is whether there was a credential.
    pub fn invite(&self, was_shown: bool, response: &mut Response) {
        let metadata = format!("resource_metadata=\"{}\"", self.metadata_url());
        let challenge = match response.status() {
            StatusCode::UNAUTHORIZED => {
                let error = if was_shown { "error=\"invalid_token\", " } else { "" };
                // All that there is: what of it the app gets is for the customer to decide.
                Some(format!("Bearer {error}{metadata}, scope=\"{}\"", Scopes::ALL))
            }
            StatusCode::FORBIDDEN => {
                let known = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
                known.map(|known| format!("{known}, {metadata}"))
            }
            _ => None,
        };
        if let Some(challenge) = challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
    }
}

/// Apps that live in a page of a browser may come from any page: what they get here they get without cookies, and it is
/// worth nothing before a person has let them in. Not for the consent page.
pub fn for_every_page<S: Clone + Send + Sync + 'static>(route: MethodRouter<S>) -> MethodRouter<S> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE, HeaderName::from_static("mcp-protocol-version")])
        .max_age(CORS_KEPT);
    // The layer answers what browsers ask beforehand, but is reached only by methods that the route has.
    route.options(async || StatusCode::NO_CONTENT).layer(cors)
}

/// The header of a refusal for want of a permission, as far as it is known there. It names what the app has as well: some
/// clients ask for nothing but what they read here, and would lose the rest.
#[must_use]
pub fn lacks(needed: Scope, granted: Scopes) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", granted.with(needed))).ok()
}

/// The routes that describe the MCP server. Both processes have them: behind an edge the gateway is asked, and without
/// one the MCP server. Where no app is let in there are none, so that clients with a key do not begin to ask.
pub fn resource_routes<S: Clone + Send + Sync + 'static>(oauth: Option<&OAuth>) -> Router<S> {
    let Some(oauth) = oauth else { return Router::new() };
    let metadata = oauth.metadata();
    let describe = for_every_page(get(async move || Json(metadata)));
    let below = PATHS.map(|path| format!("{METADATA}{path}"));
    let router = Router::new().route(METADATA, describe.clone());
    below.iter().fold(router, |router, path| router.route(path, describe.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oauth() -> OAuth {
        OAuth::new(&PublicUrl::localhost(1), &PublicUrl::localhost(2))
    }

    #[test]
    fn both_transports_are_one_resource_and_nothing_else_is() {
        for address in ["http://localhost:2/mcp", "HTTP://LOCALHOST:2/mcp/", "http://localhost:2/mcp/sse"] {
            assert!(oauth().is_resource(address), "{address}");
        }
        for address in [
            "",
            "mcp",
            "http://localhost:2",
            "http://localhost:2/",
            "http://localhost:2/mcp?a=b",
            "http://localhost:2/mcp#a",
            "http://localhost:2/MCP",
            "http://localhost:2/mcp/message",
            "http://localhost:1/mcp",
            "https://localhost:2/mcp",
            "http://localhost.evil.example:2/mcp",
            "http://anna@localhost:2/mcp",
        ] {
            assert!(!oauth().is_resource(address), "{address}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_missing_and_where_to_get_it() {
        let invited = |status: StatusCode, known: Option<HeaderValue>, was_shown: bool| {
            let mut response = Response::new(axum::body::Body::empty());
            *response.status_mut() = status;
            response.headers_mut().extend(known.map(|known| (header::WWW_AUTHENTICATE, known)));
            oauth().invite(was_shown, &mut response);
            let told = response.headers().get(header::WWW_AUTHENTICATE);
            told.map(|told| told.to_str().unwrap().to_owned())
        };
        let metadata = "resource_metadata=\"http://localhost:2/.well-known/oauth-protected-resource/mcp\"";
        let bearer = Some(HeaderValue::from_static("Bearer"));
        assert_eq!(
            invited(StatusCode::UNAUTHORIZED, bearer.clone(), false),
            Some(format!("Bearer {metadata}, scope=\"read write publish\""))
        );
        assert_eq!(
            invited(StatusCode::UNAUTHORIZED, bearer, true),
            Some(format!("Bearer error=\"invalid_token\", {metadata}, scope=\"read write publish\""))
        );
        assert_eq!(
            invited(StatusCode::FORBIDDEN, lacks(Scope::Publish, Scopes::from_iter([Scope::Read])), true),
            Some(format!("Bearer error=\"insufficient_scope\", scope=\"read publish\", {metadata}"))
        );
        for status in [StatusCode::FORBIDDEN, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
            assert_eq!(invited(status, None, true), None);
        }
    }
}
