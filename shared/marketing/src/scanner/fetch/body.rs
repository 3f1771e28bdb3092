//! The body of an answer: never more of it than is good for us, on the wire and unpacked.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder};
use futures::TryStreamExt;
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, BufReader};
use tokio_util::io::StreamReader;

use super::FetchError;
use crate::scanner::seo::short;

/// As far as it was read.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) wire_bytes: u64,
    /// There was more.
    pub(super) is_cut: bool,
}

/// Reads at most so much of a body, on the wire and unpacked.
pub(super) async fn read(response: Response, most: u64) -> Result<Body, FetchError> {
    let url = response.url().clone();
    let encoding = response.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let encoding = encoding.trim().to_ascii_lowercase();
    let wire = Arc::new(AtomicU64::new(0));
    let counted = wire.clone();
    let stream = response.bytes_stream().map_err(io::Error::other).inspect_ok(move |chunk| {
        counted.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    });
    let packed = BufReader::new(StreamReader::new(stream).take(most + 1));
    let mut unpacked = unpacked(&encoding, packed)?.take(most + 1);
    let mut bytes = Vec::new();
    if let Err(error) = unpacked.read_to_end(&mut bytes).await {
        // A body that breaks off says as much as it says; browsers show it too.
        if bytes.is_empty() {
            tracing::debug!(%error, %url, "a page broke off");
            return Err(FetchError::Failed("it broke off".to_owned()));
        }
    }
    let is_cut = bytes.len() as u64 > most;
    bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(Body { bytes, wire_bytes: wire.load(Ordering::Relaxed), is_cut })
}

type Reading = Pin<Box<dyn AsyncRead + Send>>;

fn unpacked(encoding: &str, packed: impl AsyncBufRead + Send + Unpin + 'static) -> Result<Reading, FetchError> {
    Ok(match encoding {
        "" | "identity" => Box::pin(packed),
        "gzip" | "x-gzip" => Box::pin(GzipDecoder::new(packed)),
        "br" => Box::pin(BrotliDecoder::new(packed)),
        // By the standard it is zlib's format; some send it without.
        "deflate" => Box::pin(ZlibDecoder::new(packed)),
        other => {
            return Err(FetchError::Packed(short(other)));
        }
    })
}
