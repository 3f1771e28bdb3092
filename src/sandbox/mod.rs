//! HTTP stand-ins for the services that a laptop has no account with. There are none in production.

pub mod stripe;

use std::net::SocketAddr;

use secrecy::SecretString;
use tokio::net::TcpListener;
use url::Url;
use web::config::{Config, EncryptionSecret, Mode, PublicUrl, SANDBOX_ADDR, StripeConfig};
use web::serve;

use stripe::{Sandbox, WebhookTarget};

/// Whether the stand-in takes the place of Stripe.
pub fn is_wanted(config: &Config) -> bool {
    config.mode == Mode::Development && config.stripe.is_none()
}

/// A stand-in that is ready to be served.
pub struct Stripe {
    pub listener: TcpListener,
    pub sandbox: Sandbox,
    /// Where a browser finds it.
    pub origin: PublicUrl,
    /// How the gateway reaches it.
    pub account: StripeConfig,
}

/// Binds and opens the stand-in for Stripe, on the data of earlier runs, if it is wanted.
///
/// # Errors
///
/// When its address is taken, or its file cannot be read or written.
pub async fn stripe(config: &Config, secret: &EncryptionSecret, gateway: SocketAddr) -> Result<Option<Stripe>, String> {
    if !is_wanted(config) {
        return Ok(None);
    }
    let listener = serve::bind(SANDBOX_ADDR, config.sandbox_addr).await?;
    let address = listener.local_addr().map_err(|error| format!("cannot tell the address that was bound: {error}"))?;
    let account = account(secret, address)?;
    let webhook = WebhookTarget { url: url(gateway, "/api/webhooks/stripe")?, secret: webhook_secret(secret) };
    let origin = PublicUrl::localhost(address.port());
    let sandbox = Sandbox::open(&config.data_dir.join(stripe::FILE), origin.join(""), webhook).map_err(|error| {
        format!("cannot open the Stripe sandbox: {error}. Set HEYCMO_DATA_DIR to a directory that can be written.")
    })?;
    Ok(Some(Stripe { listener, sandbox, origin, account }))
}

/// The account at the stand-in that listens on `address`.
///
/// # Errors
///
/// Never for an address that can be listened on.
pub fn account(secret: &EncryptionSecret, address: SocketAddr) -> Result<StripeConfig, String> {
    Ok(StripeConfig {
        secret_key: stripe::SECRET_KEY.into(),
        webhook_secrets: vec![webhook_secret(secret)],
        price: stripe::PRICE_ID.to_owned(),
        api_base: url(address, "")?,
    })
}

fn url(address: SocketAddr, path: &str) -> Result<Url, String> {
    Url::parse(&format!("http://{address}{path}")).map_err(|error| format!("{address}: {error}"))
}

/// What the stand-in signs with; the same after a restart.
fn webhook_secret(secret: &EncryptionSecret) -> SecretString {
    format!("whsec_{}", hex::encode(secret.derive("sandbox stripe webhooks"))).into()
}
