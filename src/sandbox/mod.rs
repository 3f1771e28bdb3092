//! HTTP stand-ins for the services that a laptop has no account with. There are none in production.
//!
//! Both are served at one address: Composio's below `/api` and `/composio`, Stripe's everywhere else.

pub mod composio;
mod file;
mod guard;
pub mod stripe;

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;
use web::client_ip::TrustedProxies;
use web::config::{ComposioConfig, Config, EncryptionSecret, Mode, PublicUrl, SANDBOX_ADDR, StripeConfig};
use web::serve;

/// Whether a stand-in takes the place of Stripe.
pub fn is_stripe_wanted(config: &Config) -> bool {
    config.mode == Mode::Development && config.stripe.is_none()
}

/// Whether a stand-in takes the place of Composio.
pub fn is_composio_wanted(config: &Config) -> bool {
    config.mode == Mode::Development && config.composio.is_none()
}

/// Stand-ins that are ready to be served.
pub struct Sandboxes {
    listener: TcpListener,
    /// Where a browser finds them.
    pub origin: PublicUrl,
    stripe: Option<stripe::Sandbox>,
    composio: Option<composio::Sandbox>,
    /// The account at Stripe's stand-in.
    pub stripe_account: Option<StripeConfig>,
    /// The project at Composio's stand-in.
    pub composio_project: Option<ComposioConfig>,
}

/// Binds and opens the stand-ins that are wanted, on the data of earlier runs; none when none is.
///
/// # Errors
///
/// When their address is taken, or a file of theirs cannot be read or written.
pub async fn open(
    config: &Config,
    secret: &EncryptionSecret,
    gateway: SocketAddr,
) -> Result<Option<Sandboxes>, String> {
    let (with_stripe, with_composio) = (is_stripe_wanted(config), is_composio_wanted(config));
    if !with_stripe && !with_composio {
        return Ok(None);
    }
    let listener = serve::bind(SANDBOX_ADDR, config.sandbox_addr).await?;
    let address = listener.local_addr().map_err(|error| format!("cannot tell the address that was bound: {error}"))?;
    let origin = PublicUrl::localhost(address.port());
    let dir = &config.data_dir;
    let stripe = if with_stripe { Some(open_stripe(dir, secret, gateway, &origin)?) } else { None };
    let composio = if with_composio { Some(open_composio(dir, secret, gateway, &origin)?) } else { None };
    Ok(Some(Sandboxes {
        listener,
        origin,
        stripe_account: if with_stripe { Some(account(secret, address)?) } else { None },
        composio_project: if with_composio { Some(project(secret, address)?) } else { None },
        stripe,
        composio,
    }))
}

impl Sandboxes {
    /// Serves them until `shutdown`.
    pub async fn serve(self, shutdown: CancellationToken) {
        // The pages of the two link to each other; where there is only one, it is what one finds.
        let stripe = match self.stripe {
            Some(stripe) => {
                tokio::spawn(stripe.clone().deliveries(shutdown.clone()));
                stripe.router()
            }
            None => Router::new().route("/", get(async || Redirect::to("/composio"))),
        };
        let composio = match self.composio {
            Some(composio) => composio.router(),
            None => Router::new().route("/composio", get(async || Redirect::to("/"))),
        };
        serve::serve(self.listener, stripe.merge(composio), TrustedProxies::default(), shutdown).await;
    }

    /// What they stand in for.
    pub const fn names(&self) -> &'static str {
        match (self.stripe.is_some(), self.composio.is_some()) {
            (true, true) => "Stripe and Composio",
            (true, false) => "Stripe",
            (false, _) => "Composio",
        }
    }
}

fn open_stripe(
    dir: &Path,
    secret: &EncryptionSecret,
    gateway: SocketAddr,
    origin: &PublicUrl,
) -> Result<stripe::Sandbox, String> {
    let webhook = stripe::WebhookTarget { url: url(gateway, "/api/webhooks/stripe")?, secret: stripe_secret(secret) };
    stripe::Sandbox::open(&dir.join(stripe::FILE), origin.join(""), webhook)
        .map_err(|error| cannot_open("Stripe", &error))
}

fn open_composio(
    dir: &Path,
    secret: &EncryptionSecret,
    gateway: SocketAddr,
    origin: &PublicUrl,
) -> Result<composio::Sandbox, String> {
    let webhook =
        composio::WebhookTarget { url: url(gateway, "/api/webhooks/composio")?, secret: composio_secret(secret) };
    composio::Sandbox::open(&dir.join(composio::FILE), origin.join(""), webhook)
        .map_err(|error| cannot_open("Composio", &error))
}

fn cannot_open(what: &str, error: &std::io::Error) -> String {
    format!("cannot open the {what} sandbox: {error}. Set HEYCMO_DATA_DIR to a directory that can be written.")
}

/// The account at the stand-in for Stripe that listens on `address`.
///
/// # Errors
///
/// Never for an address that can be listened on.
pub fn account(secret: &EncryptionSecret, address: SocketAddr) -> Result<StripeConfig, String> {
    Ok(StripeConfig {
        secret_key: stripe::SECRET_KEY.into(),
        webhook_secrets: vec![stripe_secret(secret)],
        price: stripe::PRICE_ID.to_owned(),
        api_base: url(address, "")?,
    })
}

fn project(secret: &EncryptionSecret, address: SocketAddr) -> Result<ComposioConfig, String> {
    Ok(ComposioConfig {
        api_key: composio::API_KEY.into(),
        base_url: url(address, composio::API_PATH)?,
        webhook_secrets: vec![composio_secret(secret)],
        auth_configs: std::collections::BTreeMap::new(),
    })
}

fn url(address: SocketAddr, path: &str) -> Result<Url, String> {
    Url::parse(&format!("http://{address}{path}")).map_err(|error| format!("{address}: {error}"))
}

/// What the stand-in signs with; the same after a restart.
fn stripe_secret(secret: &EncryptionSecret) -> SecretString {
    format!("whsec_{}", hex::encode(secret.derive("sandbox stripe webhooks"))).into()
}

fn composio_secret(secret: &EncryptionSecret) -> SecretString {
    hex::encode(secret.derive("sandbox composio webhooks")).into()
}
