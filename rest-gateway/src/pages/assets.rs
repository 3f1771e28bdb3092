//! Style, scripts and icon. Their addresses change with their content, so that browsers may keep them for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Error, ErrorKind, Value};
use sha2::{Digest, Sha256};
use web::ApiError;

const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Of the content's SHA-256, in hex.
const HASH_CHARS: usize = 16;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
    /// Its hash, as pages say it to browsers.
    integrity: String,
    /// The last segment of its address, such as `site-0123456789abcdef.css`.
    file: String,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        asset("site.css", "text/css; charset=utf-8", include_str!("../../assets/site.css")),
        asset("site.js", SCRIPT, include_str!("../../assets/site.js")),
        // htmx 2.0.11 as published, with its licence beside it.
        asset("htmx.js", SCRIPT, include_str!("../../assets/htmx.min.js")),
        asset("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
    ]
});

fn asset(name: &'static str, media_type: &'static str, content: &'static str) -> Asset {
    let digest = Sha256::digest(content);
    let mut hash = hex::encode(digest);
    hash.truncate(HASH_CHARS);
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let integrity = format!("sha256-{}", STANDARD.encode(digest));
    Asset { name, media_type, content, integrity, file: format!("{stem}-{hash}.{extension}") }
}

fn named(name: &str) -> Result<&'static Asset, Error> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    asset.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("there is no asset `{name}`")))
}

/// The address of an asset such as `site.css`, for templates.
pub fn path(name: String) -> Result<Value, Error> {
    Ok(Value::from_safe_string(format!("/assets/{}", named(&name)?.file)))
}

/// What browsers hold a script or style against before they use it, for templates.
pub fn integrity(name: String) -> Result<Value, Error> {
    Ok(Value::from_safe_string(named(&name)?.integrity.clone()))
}

/// One of them.
pub async fn show(Path(file): Path<String>) -> Result<impl IntoResponse, ApiError> {
    let asset = ASSETS.iter().find(|asset| asset.file == file).ok_or_else(ApiError::not_found)?;
    let headers: [(HeaderName, HeaderValue); 2] =
        [(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)), (header::CACHE_CONTROL, FOR_GOOD)];
    Ok((headers, asset.content))
}
