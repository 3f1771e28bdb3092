//! Stand-ins for third parties, for a laptop without accounts and for the tests. Never in production.

use std::net::SocketAddr;

use secrecy::SecretString;
use url::Url;
use web::config::{Config, EncryptionSecret, Mode, StripeConfig};

/// The account at Stripe, or in development the one at the stand-in that listens on `address`.
pub fn stripe_or_stand_in(
    config: &Config,
    secret: &EncryptionSecret,
    address: SocketAddr,
) -> Result<Option<StripeConfig>, String> {
    if config.stripe.is_some() || config.mode == Mode::Production {
        return Ok(config.stripe.clone());
    }
    let api_base = Url::parse(&format!("http://{address}")).map_err(|error| format!("{address}: {error}"))?;
    Ok(Some(StripeConfig {
        secret_key: "sk_test_sandbox".into(),
        webhook_secrets: vec![webhook_secret(secret)],
        price: "price_sandbox_pro".to_owned(),
        api_base,
    }))
}

/// What the stand-in signs with; the same after a restart.
pub fn webhook_secret(secret: &EncryptionSecret) -> SecretString {
    format!("whsec_{}", hex::encode(secret.derive("sandbox stripe webhooks"))).into()
}
