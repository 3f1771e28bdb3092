use std::sync::OnceLock;

use reqwest::ClientBuilder;
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;

/// The certificates that this machine trusts, read once: reading them for each client was most of what a start took.
static TLS: OnceLock<Option<ClientConfig>> = OnceLock::new();

/// What a client for somebody else's service begins with: TLS by ring, which the database brings anyway, and our name.
///
/// Connections are pooled, so make one client for a service and keep it.
pub fn http_client() -> ClientBuilder {
    // Fails when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().user_agent(concat!("HeyCMO/", env!("CARGO_PKG_VERSION")));
    match TLS.get_or_init(|| ClientConfig::with_platform_verifier().ok()) {
        Some(tls) => client.tls_backend_preconfigured(tls.clone()),
        // Building the client reads them again, and its error says what is wrong.
        None => client,
    }
}
