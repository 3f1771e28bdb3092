//! Cards and catalogs, each in the form of its own specification.

use std::net::IpAddr;

use entity::scopes::Scope;
use serde_json::{Map, Value, json};
use web::config::PublicUrl;
use web::oauth::OAuth;

use super::catalogue::{CATALOGUE, Prompt};
use super::document::{AI_CATALOG, SERVER_CARD};
use crate::Gateway;
use crate::oauth;
use crate::pages::words;

/// At most 100 characters, which is what the server card allows.
const ABOUT: &str = "Your brand, each channel's rules and a record of every decision, for the assistant you use.";
const SERVER_CARD_PATH: &str = "/.well-known/mcp/server-card.json";
const MCP: &str = "https://modelcontextprotocol.io";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// SEP-2127, whose schema is at <https://github.com/modelcontextprotocol/experimental-ext-server-card>. Tools are not
/// in it: a client asks the server itself for them.
pub fn server_card(gateway: &Gateway) -> Value {
    let site = gateway.site.public_url();
    json!({
        "$schema": "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json",
        "name": server_name(site),
        "version": VERSION,
        "title": "HeyCMO",
        "description": ABOUT,
        "websiteUrl": site.join("/"),
        "remotes": [{
            "type": "streamable-http",
            "url": gateway.mcp_url.join("/mcp"),
            "supportedProtocolVersions": CATALOGUE.protocol_versions,
            "headers": [authorization(gateway)],
        }],
    })
}

/// The entry for the MCP registry, which the operator publishes under the name of their own domain: `server.json`, see
/// <https://github.com/modelcontextprotocol/registry/blob/main/docs/reference/server-json/generic-server-json.md>.
pub fn registry_entry(gateway: &Gateway) -> Value {
    let site = gateway.site.public_url();
    let remote = |kind: &str, path: &str| json!({ "type": kind, "url": gateway.mcp_url.join(path), "headers": [authorization(gateway)] });
    json!({
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": server_name(site),
        "version": VERSION,
        "title": "HeyCMO",
        "description": ABOUT,
        "websiteUrl": site.join("/"),
        "remotes": [remote("streamable-http", "/mcp"), remote("sse", "/mcp/sse")],
    })
}

/// How a caller says who they are. Where apps are let in by OAuth, a client without a key finds out for itself.
fn authorization(gateway: &Gateway) -> Value {
    let is_required = gateway.oauth.is_none();
    let or_none = if is_required { "" } else { "; without one the person is asked, by OAuth" };
    json!({
        "name": "Authorization",
        "description": format!("Your API key, which begins with hcmo_live_{or_none}"),
        "value": "Bearer {api_key}",
        "isRequired": is_required,
        "isSecret": true,
        "variables": {
            "api_key": { "description": "Your API key", "isRequired": is_required, "isSecret": true, "placeholder": "hcmo_live_…" },
        },
    })
}

/// The catalog that SEP-2127 has clients look for, with one entry.
pub fn ai_catalog(gateway: &Gateway) -> Value {
    let site = gateway.site.public_url();
    json!({
        "specVersion": "1.0",
        "entries": [{
            "identifier": format!("urn:air:{}:mcp:heycmo", site.host()),
            "type": SERVER_CARD,
            "url": site.join(SERVER_CARD_PATH),
        }],
    })
}

/// A2A's agent card, version 1.0. HeyCMO does not speak A2A: the one interface is the MCP server, under a binding that
/// is none of A2A's own, so that no client of A2A takes it for one; the extension says the same in words.
pub fn agent_card(gateway: &Gateway) -> Value {
    let (site, mcp) = (gateway.site.public_url(), gateway.mcp_url.join("/mcp"));
    let credentials: Vec<Credential> =
        [Some(api_key()), gateway.oauth.as_ref().map(by_oauth)].into_iter().flatten().collect();
    json!({
        "name": "HeyCMO",
        "description": format!("{ABOUT} It speaks the Model Context Protocol, not A2A: connect an MCP client to {mcp}."),
        "version": VERSION,
        "documentationUrl": site.join("/llms-full.txt"),
        "supportedInterfaces": [{
            "url": mcp,
            "protocolBinding": MCP,
            "protocolVersion": CATALOGUE.protocol_versions.last(),
        }],
        "capabilities": {
            "streaming": false,
            "pushNotifications": false,
            "extendedAgentCard": false,
            "extensions": [{
                "uri": MCP,
                "description": "The interface is an MCP server over Streamable HTTP. No method of A2A is served.",
                "required": true,
                "params": { "serverCard": site.join(SERVER_CARD_PATH) },
            }],
        },
        "securitySchemes": credentials.iter().map(|it| (it.name.to_owned(), it.scheme.clone())).collect::<Map<_, _>>(),
        "securityRequirements": credentials.iter().map(|it| json!({ "schemes": { it.name: { "list": it.scopes } } })).collect::<Vec<_>>(),
        "defaultInputModes": ["application/json"],
        "defaultOutputModes": ["text/plain", "application/json"],
        "skills": CATALOGUE.prompts.iter().map(skill).collect::<Vec<Value>>(),
    })
}

/// One of the ways for an agent to say who it is, each of which is enough.
struct Credential {
    name: &'static str,
    scheme: Value,
    scopes: Vec<Scope>,
}

fn api_key() -> Credential {
    let scheme = json!({ "scheme": "Bearer", "description": "An API key, which begins with hcmo_live_" });
    Credential { name: "apiKey", scheme: json!({ "httpAuthSecurityScheme": scheme }), scopes: Vec::new() }
}

fn by_oauth(oauth: &OAuth) -> Credential {
    let at = |path: &str| format!("{}{path}", oauth.issuer());
    let scopes: Map<String, Value> =
        Scope::ALL.into_iter().map(|scope| (scope.to_string(), words::permission(scope).0.into())).collect();
    let scheme = json!({
        "description": "OAuth 2.1: the person is asked, and nobody needs a key",
        "oauth2MetadataUrl": at(oauth::METADATA_PATH),
        "flows": { "authorizationCode": {
            "authorizationUrl": at(oauth::AUTHORIZE_PATH),
            "tokenUrl": at(oauth::TOKEN_PATH),
            "refreshUrl": at(oauth::TOKEN_PATH),
            "scopes": scopes,
            "pkceRequired": true,
        } },
    });
    Credential { name: "oauth", scheme: json!({ "oauth2SecurityScheme": scheme }), scopes: Scope::ALL.to_vec() }
}

fn skill(prompt: &Prompt) -> Value {
    let Prompt { name, title, description } = prompt;
    json!({ "id": name, "name": title, "description": description, "tags": ["marketing", "mcp-prompt"] })
}

/// RFC 9727, as a linkset of RFC 9264: each interface with what describes it and what tells how it does.
pub fn api_catalog(gateway: &Gateway) -> Value {
    let at = |url: String, media_type: &str| json!({ "href": url, "type": media_type });
    let (site, mcp) = (gateway.site.public_url(), &gateway.mcp_url);
    json!({
        "linkset": [
            {
                "anchor": site.join("/api"),
                "service-desc": [at(site.join("/openapi.json"), "application/json")],
                "service-doc": [at(site.join("/docs"), "text/html"), at(site.join("/llms-full.txt"), "text/plain")],
                "status": [at(site.join("/api/health"), "application/json")],
            },
            {
                "anchor": mcp.join("/mcp"),
                "service-desc": [at(site.join(SERVER_CARD_PATH), SERVER_CARD)],
                "service-doc": [at(site.join("/llms-full.txt"), "text/plain")],
                "service-meta": [at(site.join("/.well-known/ai-catalog.json"), AI_CATALOG)],
            },
        ],
    })
}

fn server_name(site: &PublicUrl) -> String {
    format!("{}/heycmo", reversed(&site.host()))
}

/// `heycmo.example` as `example.heycmo`, which is how servers are named. An address stays as it is, but for the colons
/// that no name may have.
fn reversed(host: &str) -> String {
    let is_address = host.parse::<IpAddr>().is_ok();
    if is_address { host.replace(':', "-") } else { host.rsplit('.').collect::<Vec<&str>>().join(".") }
}
