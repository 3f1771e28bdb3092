//! The model that writes, if there is one.

use secrecy::SecretString;
use url::Url;

use super::{ConfigError, Environment, parse_api_base};

const BASE_URL: &str = "LLM_BASE_URL";
const API_KEY: &str = "LLM_API_KEY";
const MODEL: &str = "LLM_MODEL";
const MAX_NAME_CHARS: usize = 200;

/// The model, if any variable of its says so. A server on this machine may need no key.
pub(super) fn from_environment(environment: &Environment) -> Result<Option<model::Config>, ConfigError> {
    let base_url = environment.parsed_with(BASE_URL, parse_base)?;
    let api_key = environment.parsed_with(API_KEY, parse_key)?;
    let model = environment.parsed_with(MODEL, parse_name)?;
    match (base_url, model) {
        (Some(base_url), Some(model)) => Ok(Some(model::Config { base_url, api_key, model })),
        (None, None) if api_key.is_none() => Ok(None),
        (None, _) => Err(needed(BASE_URL)),
        (Some(_), None) => Err(needed(MODEL)),
    }
}

fn needed(variable: &'static str) -> ConfigError {
    ConfigError::new(variable, "must be set too: a model that writes needs LLM_BASE_URL and LLM_MODEL")
}

fn parse_base(text: &str) -> Result<Url, String> {
    let url = parse_api_base(text)?;
    if url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none() {
        return Ok(url);
    }
    Err("must be an address and a path only, such as https://api.openai.com/v1; the key belongs in LLM_API_KEY"
        .to_owned())
}

fn parse_key(text: &str) -> Result<SecretString, String> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.into())
    } else {
        Err("must be a key as the model's server gave it, without blanks".to_owned())
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    if text.chars().count() <= MAX_NAME_CHARS && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be the name of a model, of at most {MAX_NAME_CHARS} characters"))
    }
}
