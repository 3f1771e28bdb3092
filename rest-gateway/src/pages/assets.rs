//! Style, scripts and icon. Their addresses change with their content, so that browsers may keep them for good, and they
//! are packed once for all who take them so. Pages are not: who sees how long a packed page is could guess what is in it.

use std::io::{self, Write};
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
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
    /// The same, packed with gzip.
    packed: Option<Bytes>,
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
    let packed = packed(content).ok();
    Asset { name, media_type, content, packed, integrity, file: format!("{stem}-{hash}.{extension}") }
}

fn packed(content: &str) -> io::Result<Bytes> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(content.as_bytes())?;
    Ok(packed.finish()?.into())
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
pub async fn show(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let asset = ASSETS.iter().find(|asset| asset.file == file).ok_or_else(ApiError::not_found)?;
    let told = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)),
        (header::CACHE_CONTROL, FOR_GOOD),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    Ok(match asset.packed.as_ref().filter(|_| takes_gzip(&headers)) {
        Some(packed) => {
            (told, [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))], packed.clone()).into_response()
        }
        None => (told, asset.content).into_response(),
    })
}

/// Whether the caller says so, and not that it would rather not.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    let mut codings = accepted.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = quality.trim().strip_prefix("q=").is_some_and(|it| it.trim().parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}
