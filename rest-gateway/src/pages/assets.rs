//! Style, script and icon. Their addresses change with their content, so that browsers may keep them for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
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
    /// The last segment of its address, such as `site-0123456789abcdef.css`.
    file: String,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset("site", "css", "text/css; charset=utf-8", include_str!("../../assets/site.css")),
        asset("site", "js", "text/javascript; charset=utf-8", include_str!("../../assets/site.js")),
        asset("icon", "svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
    ]
});

fn asset(stem: &'static str, name: &'static str, media_type: &'static str, content: &'static str) -> Asset {
    let mut hash = hex::encode(Sha256::digest(content));
    hash.truncate(HASH_CHARS);
    Asset { name, media_type, content, file: format!("{stem}-{hash}.{name}") }
}

/// The address of the style (`css`), the script (`js`) or the icon (`svg`), for templates.
pub fn path(name: String) -> Result<Value, Error> {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("there is no asset `{name}`")))?;
    Ok(Value::from_safe_string(format!("/assets/{}", asset.file)))
}

/// One of them.
pub async fn show(Path(file): Path<String>) -> Result<impl IntoResponse, ApiError> {
    let asset = ASSETS.iter().find(|asset| asset.file == file).ok_or_else(ApiError::not_found)?;
    let headers: [(HeaderName, HeaderValue); 2] =
        [(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)), (header::CACHE_CONTROL, FOR_GOOD)];
    Ok((headers, asset.content))
}
