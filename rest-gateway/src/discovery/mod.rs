//! What agents and crawlers find: the site as text, and cards that say where the MCP server and the API are.
//!
//! Nothing is written twice. What HeyCMO is comes from the same template as the start page (`parts/offer.txt`), routes
//! from the description of the API, and tools from `catalogue.json`, which a test writes from what the MCP server lists.

mod cards;
mod catalogue;
mod document;
mod texts;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use web::ApiError;

use crate::Gateway;
use crate::openapi::Route;
use document::{AI_CATALOG, API_CATALOG, Document, JSON, LINKSET, MARKDOWN, PLAIN_TEXT, SERVER_CARD, SITEMAP, answer};

/// What `/` says of the other documents, see RFC 8288. `sitemap` is not registered, but what crawlers look for.
pub const LINKS: &str = "</sitemap.xml>; rel=\"sitemap\"; type=\"application/xml\", \
    </index.md>; rel=\"alternate\"; type=\"text/markdown\", \
    </llms.txt>; rel=\"alternate\"; type=\"text/plain\", \
    </openapi.json>; rel=\"service-desc\"; type=\"application/json\", \
    </.well-known/api-catalog>; rel=\"api-catalog\"; type=\"application/linkset+json\", \
    </.well-known/agent.json>; rel=\"describedby\"; type=\"application/json\", \
    </.well-known/mcp/server-card.json>; rel=\"related\"; type=\"application/mcp-server-card+json\"";

/// `/llms.txt`: what there is to read, see <https://llmstxt.org>.
pub async fn llms(State(gateway): State<Gateway>, headers: HeaderMap) -> Result<Response, ApiError> {
    let text = texts::render(&gateway, "llms.txt", &[])?;
    Ok(answer(Document::new(PLAIN_TEXT, text), &headers))
}

/// `/llms-full.txt`: all of it in one file.
pub fn llms_full(gateway: &Gateway, routes: &[Route], headers: &HeaderMap) -> Result<Response, ApiError> {
    let text = texts::render(gateway, "llms-full.txt", routes)?;
    Ok(answer(Document::new(PLAIN_TEXT, text), headers))
}

/// `/index.md`: the start page as Markdown, which `/?mode=agent` answers too.
pub async fn index(State(gateway): State<Gateway>, headers: HeaderMap) -> Result<Response, ApiError> {
    let text = texts::render(&gateway, "index.md", &[])?;
    Ok(answer(Document::new(MARKDOWN, text), &headers))
}

/// `/pricing.md`: what it costs, as the start page says it.
pub async fn pricing(State(gateway): State<Gateway>, headers: HeaderMap) -> Result<Response, ApiError> {
    let text = texts::render(&gateway, "pricing.md", &[])?;
    Ok(answer(Document::new(MARKDOWN, text), &headers))
}

/// `/robots.txt`: everybody may read what is public, see RFC 9309.
pub async fn robots(State(gateway): State<Gateway>, headers: HeaderMap) -> Response {
    answer(Document::new(PLAIN_TEXT, texts::robots(&gateway)), &headers)
}

/// `/sitemap.xml`: the public pages, see <https://www.sitemaps.org>.
pub async fn sitemap(State(gateway): State<Gateway>, headers: HeaderMap) -> Response {
    answer(Document::new(SITEMAP, texts::sitemap(&gateway)), &headers)
}

/// `/.well-known/mcp/server-card.json`: where the MCP server is, see SEP-2127.
pub async fn server_card(State(gateway): State<Gateway>, headers: HeaderMap) -> Response {
    answer(Document::json(SERVER_CARD, &cards::server_card(&gateway)), &headers)
}

/// `/server.json`: what an operator publishes at the MCP registry.
pub async fn registry_entry(State(gateway): State<Gateway>, headers: HeaderMap) -> Response {
    answer(Document::json(JSON, &cards::registry_entry(&gateway)), &headers)
}

/// `/.well-known/ai-catalog.json`: where the server card is; SEP-2127 has clients look here.
pub async fn ai_catalog(State(gateway): State<Gateway>, headers: HeaderMap) -> Response {
    answer(Document::json(AI_CATALOG, &cards::ai_catalog(&gateway)), &headers)
}

/// `/.well-known/agent-card.json`, and `/.well-known/agent.json`, where it was before: what HeyCMO can do, in the form of
/// A2A's agent card.
pub async fn agent_card(State(gateway): State<Gateway>, headers: HeaderMap) -> Response {
    answer(Document::json(JSON, &cards::agent_card(&gateway)), &headers)
}

/// `/.well-known/api-catalog`: both interfaces with their descriptions, see RFC 9727.
pub async fn api_catalog(State(gateway): State<Gateway>, headers: HeaderMap) -> Response {
    let catalog = Document::json(LINKSET, &cards::api_catalog(&gateway));
    answer(catalog.linked(API_CATALOG), &headers)
}
