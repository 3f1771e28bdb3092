use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{ConfigError, Environment, parse_api_base};

const SECRET_KEY: &str = "STRIPE_SECRET_KEY";
const WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SECRET";
const PRICE: &str = "STRIPE_PRICE_ID";

/// The account at Stripe: all of it, or nothing.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// `STRIPE_SECRET_KEY`: a secret or restricted key.
    pub secret_key: SecretString,
    /// `STRIPE_WEBHOOK_SECRET`: several while one replaces another.
    pub webhook_secrets: Vec<SecretString>,
    /// `STRIPE_PRICE_ID`: what customers subscribe to.
    pub price: String,
    /// `STRIPE_API_BASE`.
    pub api_base: Url,
}

impl StripeConfig {
    pub(super) fn from_environment(environment: &Environment) -> Result<Option<Self>, ConfigError> {
        let api_base = environment.parsed_with("STRIPE_API_BASE", parse_api_base)?;
        let secret_key = environment.parsed_with(SECRET_KEY, parse_key)?;
        let webhook_secrets = environment.list_of(WEBHOOK_SECRET, |text| Ok(SecretString::from(text)))?;
        let price = environment.var(PRICE).map(str::to_owned);
        if secret_key.is_none() && webhook_secrets.is_empty() && price.is_none() {
            return Ok(None);
        }
        let missing = |variable| {
            ConfigError::new(
                variable,
                "must be set too: payments need all of STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET and STRIPE_PRICE_ID",
            )
        };
        Ok(Some(Self {
            secret_key: secret_key.ok_or_else(|| missing(SECRET_KEY))?,
            webhook_secrets: if webhook_secrets.is_empty() {
                return Err(missing(WEBHOOK_SECRET));
            } else {
                webhook_secrets
            },
            price: price.ok_or_else(|| missing(PRICE))?,
            api_base: api_base.map_or_else(
                || {
                    parse_api_base("https://api.stripe.com")
                        .map_err(|problem| ConfigError::new("STRIPE_API_BASE", problem))
                },
                Ok,
            )?,
        }))
    }

    /// Whether real money moves.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.secret_key.expose_secret().contains("_live_")
    }
}

fn parse_key(text: &str) -> Result<SecretString, String> {
    if text.starts_with("sk_") || text.starts_with("rk_") {
        Ok(text.into())
    } else {
        Err("must be a secret or restricted key, which begins with sk_ or rk_".to_owned())
    }
}
