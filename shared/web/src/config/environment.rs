use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

/// A variable that is wrong, and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: String,
}

impl ConfigError {
    /// `problem` goes on after the variable's name, as in "must be set".
    pub fn new(name: &'static str, problem: impl Into<String>) -> Self {
        Self { name, problem: problem.into() }
    }
}

/// The variables of the process. Remembers which were asked for, so that a test can hold the documentation against it.
#[derive(Debug, Default)]
pub struct Environment {
    values: HashMap<String, String>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl Environment {
    /// The environment of this process. A variable that is not UTF-8 counts as absent; an empty one too.
    #[must_use]
    pub fn of_process() -> Self {
        let pairs =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { values: pairs.collect(), asked: RefCell::default() }
    }

    /// An environment with just these variables.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { values: pairs.collect(), asked: RefCell::default() }
    }

    /// The variables that were asked for so far.
    #[must_use]
    pub fn asked(&self) -> Vec<&'static str> {
        self.asked.borrow().iter().copied().collect()
    }

    /// The value, trimmed; absent when empty.
    #[must_use]
    pub fn var(&self, name: &'static str) -> Option<&str> {
        self.asked.borrow_mut().insert(name);
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The value as a `T`.
    ///
    /// # Errors
    ///
    /// When it cannot be read as one; the type's own words say why.
    pub fn parsed<T: FromStr<Err = String>>(&self, name: &'static str) -> Result<Option<T>, ConfigError> {
        self.parsed_with(name, |text| text.parse())
    }

    /// The value, read by `parse`.
    ///
    /// # Errors
    ///
    /// When `parse` refuses it.
    pub fn parsed_with<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        self.var(name).map(parse).transpose().map_err(|problem| ConfigError { name, problem })
    }

    /// The values between commas, each read by `parse`.
    ///
    /// # Errors
    ///
    /// When `parse` refuses one.
    pub fn list_of<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ConfigError> {
        let items = self.var(name).unwrap_or_default().split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(parse).collect::<Result<_, _>>().map_err(|problem| ConfigError { name, problem })
    }
}
