use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

/// Secrets, which may be in files instead: `ADMIN_SECRET_FILE` names the one with the value of `ADMIN_SECRET`. Container
/// engines mount them so, and then no list of processes shows them.
pub const SECRETS: [&str; 12] = [
    "ADMIN_SECRET",
    "COMPOSIO_API_KEY",
    "COMPOSIO_WEBHOOK_SECRET",
    "DATABASE_URL",
    "ENCRYPTION_SECRET",
    "ENCRYPTION_SECRET_FALLBACK",
    "INNGEST_EVENT_KEY",
    "INNGEST_SIGNING_KEY",
    "INNGEST_SIGNING_KEY_FALLBACK",
    "LLM_API_KEY",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
];

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
    /// The environment of this process, with the secrets that it names files of. A variable that is not UTF-8 counts as
    /// absent; an empty one too.
    ///
    /// # Errors
    ///
    /// When a file of a secret cannot be read, or the secret is there as a variable too.
    pub fn of_process() -> Result<Self, ConfigError> {
        let pairs =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut values: HashMap<String, String> = pairs.filter(|(_, value)| !value.trim().is_empty()).collect();
        read_files(&mut values)?;
        Ok(Self { values, asked: RefCell::default() })
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

/// Puts the contents of the files in the places of the variables that name them.
fn read_files(values: &mut HashMap<String, String>) -> Result<(), ConfigError> {
    for name in SECRETS {
        let file = format!("{name}_FILE");
        let Some(path) = values.remove(&file) else { continue };
        if values.contains_key(name) {
            return Err(ConfigError::new(name, format!("and {file} are both set: leave one out")));
        }
        let secret = std::fs::read_to_string(path.trim()).map_err(|error| {
            ConfigError::new(name, format!("cannot be read from {path}, which {file} names: {error}"))
        })?;
        // As if it were not set, the program would go on with something else: a database of its own, for one.
        if secret.trim().is_empty() {
            return Err(ConfigError::new(name, format!("is empty in {path}, which {file} names")));
        }
        values.insert(name.to_owned(), secret);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<HashMap<String, String>, String> {
        let mut values = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read_files(&mut values).map_err(|error| error.to_string())?;
        Ok(values)
    }

    #[test]
    fn a_secret_may_be_in_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        std::fs::write(&path, "hidden\n").unwrap();
        let path = path.to_str().unwrap();
        let values = read(&[("ADMIN_SECRET_FILE", path), ("PUBLIC_URL_FILE", path)]).unwrap();
        assert_eq!(values.get("ADMIN_SECRET").map(String::as_str), Some("hidden\n"));
        assert_eq!(values.get("PUBLIC_URL"), None, "only secrets are read from files");
        let both = read(&[("ADMIN_SECRET_FILE", path), ("ADMIN_SECRET", "x")]).unwrap_err();
        assert_eq!(both, "ADMIN_SECRET and ADMIN_SECRET_FILE are both set: leave one out");
        let gone = read(&[("ADMIN_SECRET_FILE", "/nowhere")]).unwrap_err();
        assert!(
            gone.starts_with("ADMIN_SECRET cannot be read from /nowhere, which ADMIN_SECRET_FILE names: "),
            "{gone}"
        );
        let empty = directory.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        let empty = read(&[("DATABASE_URL_FILE", empty.to_str().unwrap())]).unwrap_err();
        assert!(empty.starts_with("DATABASE_URL is empty in /"), "{empty}");
    }
}
