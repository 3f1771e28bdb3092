//! Form-encoded parameters with Stripe's brackets.

use std::collections::{BTreeMap, HashMap};

use super::error::StripeError;

/// Parameters by their full name, such as `line_items[0][price]`; `expand[]` counts up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads a query or a body.
    pub fn parse(form: &[u8]) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut params = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(form) {
            let name = match name.strip_suffix("[]") {
                Some(list) => {
                    let count = counts.entry(list.to_owned()).or_default();
                    *count += 1;
                    format!("{list}[{}]", *count - 1)
                }
                None => name.into_owned(),
            };
            params.insert(name, value.into_owned());
        }
        Self(params)
    }

    /// The value, if there is one. An empty one is how Stripe's clients unset a field.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value, unless it is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    pub fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    pub fn required(&self, name: &str) -> Result<&str, StripeError> {
        self.text(name)
            .ok_or_else(|| StripeError::param(name, "parameter_missing", format!("Missing required param: {name}.")))
    }

    pub fn boolean(&self, name: &str) -> Result<Option<bool>, StripeError> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => {
                Err(StripeError::param(name, "parameter_invalid_boolean", format!("Invalid boolean: {other}")))
            }
        }
    }

    pub fn integer(&self, name: &str) -> Result<Option<i64>, StripeError> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| StripeError::param(name, "parameter_invalid_integer", format!("Invalid integer: {text}")))
        };
        self.text(name).map(parse).transpose()
    }

    /// The values below a name, such as `metadata`, by their own names.
    pub fn below(&self, name: &str) -> BTreeMap<String, String> {
        let inner = |full: &str| Some(full.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        self.0.iter().filter_map(|(full, value)| Some((inner(full)?, value.clone()))).collect()
    }

    /// The values of a list, in order.
    pub fn list(&self, name: &str) -> Vec<String> {
        let mut values: Vec<_> = self
            .below(name)
            .into_iter()
            .map(|(at, value)| (at.parse::<usize>().unwrap_or(usize::MAX), value))
            .collect();
        values.sort_unstable();
        values.into_iter().map(|(_, value)| value).collect()
    }

    /// Refuses names that Stripe does not have, because it would.
    pub fn only(&self, known: &[&str]) -> Result<(), StripeError> {
        let top = |name: &str| name.split('[').next().unwrap_or_default().to_owned();
        match self.0.keys().find(|name| top(name) != "expand" && !known.contains(&top(name).as_str())) {
            None => Ok(()),
            Some(name) => {
                let message = format!("Received unknown parameter: {name}");
                Err(StripeError::param(name, "parameter_unknown", message))
            }
        }
    }
}
