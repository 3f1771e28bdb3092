//! What an app says in an address or a form: each thing once.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};

use super::OAuthError;
use super::quote::visible;

/// Longer values are nobody's.
const MAX_VALUE: usize = 2_048;
/// The names that we know are shorter.
const MAX_QUOTED_CHARS: usize = 40;

/// Names and values. One that is empty counts as left out (RFC 6749, 3.1).
#[derive(Debug)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a query or a form.
    ///
    /// # Errors
    ///
    /// When something is said twice, which would leave open what was meant, or is too long.
    pub fn read(text: &[u8]) -> Result<Self, OAuthError> {
        let mut all = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            let wrong = |how: &str| {
                let name = visible(&name, MAX_QUOTED_CHARS);
                let name = if name.is_empty() { "A parameter" } else { &name };
                OAuthError::invalid_request(format!("{name} {how}."))
            };
            if value.len() > MAX_VALUE {
                return Err(wrong(&format!("has more than {MAX_VALUE} characters")));
            }
            if all.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(wrong("is there more than once"));
            }
        }
        Ok(Self(all))
    }

    /// Reads a form that was posted.
    ///
    /// # Errors
    ///
    /// When it is none, or comes with a client's secret in its head: apps have none.
    pub fn of_form(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthError> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OAuthError::invalid_request("Send a form: Content-Type: application/x-www-form-urlencoded."));
        }
        if headers.contains_key(header::AUTHORIZATION) {
            return Err(OAuthError::invalid_client(
                "Apps have no secret here: send client_id in the form, and no Authorization header.",
            ));
        }
        Self::read(body)
    }

    /// A value, if it is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A value that has to be there.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn require(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::invalid_request(format!("{name} is missing.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_twice_or_at_length() {
        let read = |text: &str| Parameters::read(text.as_bytes()).map_err(|error| error.description);
        let parameters = read("a=b+c%21&d=&e=f").unwrap();
        assert_eq!((parameters.get("a"), parameters.get("d"), parameters.get("g")), (Some("b c!"), None, None));
        assert_eq!(parameters.require("d").unwrap_err().error, "invalid_request");
        assert_eq!(read("a=b&a=b").unwrap_err(), "a is there more than once.");
        assert!(read(&format!("a={}", "x".repeat(MAX_VALUE + 1))).is_err());
        let long = "n".repeat(1_000);
        assert_eq!(read(&format!("{long}=&{long}=")).unwrap_err(), format!("{} is there more than once.", &long[..40]));
        assert_eq!(read("%00%E2%80%AEa=&%00%E2%80%AEa=").unwrap_err(), "a is there more than once.");
        assert_eq!(read("=&=").unwrap_err(), "A parameter is there more than once.");
    }
}
