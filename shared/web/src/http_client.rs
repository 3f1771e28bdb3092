use reqwest::ClientBuilder;

/// What a client for somebody else's service begins with: TLS by ring, which the database brings anyway, and our name.
///
/// Connections are pooled, so make one client for a service and keep it.
pub fn http_client() -> ClientBuilder {
    // Fails when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().user_agent(concat!("HeyCMO/", env!("CARGO_PKG_VERSION")))
}
