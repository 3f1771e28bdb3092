//! What goes over the wire between Inngest and an app, as Inngest sees it.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

pub const KEY: &str = "signkey-prod-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub fn http() -> reqwest::Client {
    // In a build of the whole workspace reqwest has TLS without a provider of its own.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Written down once more, so that one mistake cannot hide in both places.
pub fn sign(key: &str, body: &[u8], time: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.rsplit('-').next().unwrap().as_bytes()).unwrap();
    mac.update(body);
    mac.update(time.to_string().as_bytes());
    format!("t={time}&s={}", hex::encode(mac.finalize().into_bytes()))
}

pub fn bearer(key: &str) -> String {
    let (prefix, secret) = key.rsplit_once('-').unwrap();
    format!("Bearer {prefix}-{}", hex::encode(Sha256::digest(hex::decode(secret).unwrap())))
}

/// Asserts that an answer is signed with this key, now.
pub fn assert_signed(key: &str, header: &str, body: &[u8]) {
    let time: i64 = header.strip_prefix("t=").unwrap().split('&').next().unwrap().parse().unwrap();
    assert_eq!(header, sign(key, body, time));
    assert!((Utc::now().timestamp() - time).abs() <= 300);
}

/// Serves on a port of its own, until the test ends; gives the origin.
pub async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router.layer(DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}
