//! A document for everybody: kept by caches for an hour, and then only sent again when it changed.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub const PLAIN_TEXT: &str = "text/plain; charset=utf-8";
pub const MARKDOWN: &str = "text/markdown; charset=utf-8";
pub const SITEMAP: &str = "application/xml; charset=utf-8";
pub const JSON: &str = "application/json";
pub const SERVER_CARD: &str = "application/mcp-server-card+json";
pub const AI_CATALOG: &str = "application/ai-catalog+json";
pub const LINKSET: &str = "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\"";
/// With which the catalog of APIs names itself, so that a HEAD request finds it.
pub const API_CATALOG: &str = "</.well-known/api-catalog>; rel=\"api-catalog\"; type=\"application/linkset+json\"";

const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=3600");
/// Any page may read them: they are public, and nobody's.
const FOR_EVERY_PAGE: [(HeaderName, HeaderValue); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET")),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type, If-None-Match")),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag")),
];
/// Of the content's SHA-256, in bytes.
const TAG_BYTES: usize = 16;

/// A text and what it is.
pub struct Document {
    media_type: &'static str,
    text: String,
    link: Option<&'static str>,
}

impl Document {
    pub const fn new(media_type: &'static str, text: String) -> Self {
        Self { media_type, text, link: None }
    }

    pub fn json(media_type: &'static str, value: &Value) -> Self {
        Self::new(media_type, format!("{value:#}\n"))
    }

    /// The same with a `Link` header.
    pub fn linked(self, link: &'static str) -> Self {
        Self { link: Some(link), ..self }
    }

    fn tag(&self) -> String {
        let digest = Sha256::digest(&self.text);
        format!("\"{}\"", hex::encode(digest.get(..TAG_BYTES).unwrap_or_default()))
    }
}

/// The document, or that the caller has it already.
pub fn answer(document: Document, headers: &HeaderMap) -> Response {
    let tag = document.tag();
    let told = [
        Some((header::CACHE_CONTROL, CACHING)),
        HeaderValue::try_from(&tag).ok().map(|tag| (header::ETAG, tag)),
        document.link.map(|link| (header::LINK, HeaderValue::from_static(link))),
    ];
    let told: HeaderMap = told.into_iter().flatten().chain(FOR_EVERY_PAGE).collect();
    if is_known(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, told).into_response();
    }
    let media_type = HeaderValue::from_static(document.media_type);
    (told, [(header::CONTENT_TYPE, media_type)], document.text).into_response()
}

/// Whether `If-None-Match` names the tag.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    let mut tags = named.flat_map(|value| value.split(','));
    tags.any(|named| matches!(named.trim(), "*") || named.trim().trim_start_matches("W/") == tag)
}
