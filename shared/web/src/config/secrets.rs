use std::fs;
use std::io::{self, Write};
use std::path::Path;

use entity::private;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{ConfigError, Environment, Mode};
use crate::auth::AdminSecret;
use crate::seal::Seal;

const MIN_CHARS: usize = 32;

/// The secrets that both processes share.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// `ADMIN_SECRET`.
    pub admin: AdminSecret,
    /// `ENCRYPTION_SECRET`.
    pub encryption: EncryptionSecret,
    /// `ENCRYPTION_SECRET_FALLBACK`: the secret before the current one, while it is being rotated.
    encryption_fallback: Option<EncryptionSecret>,
}

/// The secret that other keys are derived from. Never printed.
#[derive(Clone, Debug)]
pub struct EncryptionSecret(SecretString);

impl EncryptionSecret {
    /// A secret from the configuration.
    #[must_use]
    pub const fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// A 256-bit key for one purpose, by HMAC-SHA256. Different purposes get unrelated keys.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).expect("any length will do");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl Secrets {
    /// Reads the secrets. In development, absent ones are generated into `data_dir`, once.
    ///
    /// # Errors
    ///
    /// When one is too short, or absent in production, or the file cannot be read or written.
    pub fn load(environment: &Environment, mode: Mode, data_dir: &Path) -> Result<Self, ConfigError> {
        let secret = |name, file| match given(environment, name)? {
            Some(secret) => Ok(secret),
            None if mode == Mode::Production => Err(ConfigError::new(
                name,
                format!(
                    "must be set in production, to at least {MIN_CHARS} characters; `openssl rand -hex 32` makes one"
                ),
            )),
            None => read_or_generate(&data_dir.join(file)).map_err(|error| {
                let problem = format!("is not set, and cannot be kept in {}: {error}", data_dir.display());
                ConfigError::new(name, format!("{problem}. Set HEYCMO_DATA_DIR to a directory that can be written."))
            }),
        };
        Ok(Self {
            admin: AdminSecret::new(secret("ADMIN_SECRET", "admin_secret")?),
            encryption: EncryptionSecret(secret("ENCRYPTION_SECRET", "encryption_secret")?),
            encryption_fallback: given(environment, "ENCRYPTION_SECRET_FALLBACK")?.map(EncryptionSecret),
        })
    }

    /// Seals and opens what is encrypted for one purpose.
    #[must_use]
    pub fn seal(&self, purpose: &'static str) -> Seal {
        Seal::new(purpose, &self.encryption, self.encryption_fallback.as_ref())
    }
}

fn given(environment: &Environment, name: &'static str) -> Result<Option<SecretString>, ConfigError> {
    match environment.var(name) {
        Some(value) if value.chars().count() < MIN_CHARS => Err(ConfigError::new(
            name,
            format!("must have at least {MIN_CHARS} characters; `openssl rand -hex 32` makes one"),
        )),
        value => Ok(value.map(SecretString::from)),
    }
}

fn read_or_generate(path: &Path) -> io::Result<SecretString> {
    if let Some(secret) = read(path)? {
        return Ok(secret);
    }
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    publish(path, &hex::encode(bytes))?;
    read(path)?.ok_or_else(|| io::Error::other("the file vanished"))
}

fn read(path: &Path) -> io::Result<Option<SecretString>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts the file in place whole: of two processes that start at once, both end up with the first one's secret.
fn publish(path: &Path, secret: &str) -> io::Result<()> {
    private::make_parent(path)?;
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = private::to_write().truncate(true).open(&draft)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_secrets_are_made_once_and_for_their_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let load = || Secrets::load(&Environment::of(&[]), Mode::Development, dir.path()).unwrap();
        let (first, second) = (load(), load());
        assert_eq!(first.admin.expose(), second.admin.expose());
        assert_eq!(first.admin.expose().len(), 64);
        assert_eq!(first.encryption.derive("a"), second.encryption.derive("a"));
        assert_ne!(first.encryption.derive("a"), first.encryption.derive("b"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(dir.path().join("admin_secret")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(!format!("{first:?}").contains(first.admin.expose()));
    }

    #[test]
    fn racing_processes_end_up_with_one_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        publish(&path, "first").unwrap();
        publish(&path, "second").unwrap();
        assert_eq!(read(&path).unwrap().unwrap().expose_secret(), "first");
    }

    #[test]
    fn production_wants_real_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let load = |variables: &[(&str, &str)]| {
            Secrets::load(&Environment::of(variables), Mode::Production, dir.path())
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        assert!(load(&[]).unwrap_err().starts_with("ADMIN_SECRET must be set"));
        assert!(load(&[("ADMIN_SECRET", "short")]).unwrap_err().starts_with("ADMIN_SECRET must have"));
        let long = "x".repeat(32);
        assert!(load(&[("ADMIN_SECRET", &long)]).unwrap_err().starts_with("ENCRYPTION_SECRET must be set"));
        let both = [("ADMIN_SECRET", long.as_str()), ("ENCRYPTION_SECRET", &long)];
        assert!(load(&both).is_ok());
        let with_short_fallback = [both.as_slice(), &[("ENCRYPTION_SECRET_FALLBACK", "short")]].concat();
        assert!(load(&with_short_fallback).unwrap_err().starts_with("ENCRYPTION_SECRET_FALLBACK must have"));
    }

    #[test]
    fn the_fallback_opens_what_was_sealed_before_the_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let load = |variables: &[(&str, &str)]| {
            Secrets::load(&Environment::of(variables), Mode::Development, dir.path()).unwrap().seal("a test")
        };
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let sealed = load(&[("ENCRYPTION_SECRET", &old)]).seal(b"kept").unwrap();
        let opened = load(&[("ENCRYPTION_SECRET", &new), ("ENCRYPTION_SECRET_FALLBACK", &old)]).open(&sealed);
        assert_eq!(opened.unwrap().expose_secret(), b"kept");
        assert!(load(&[("ENCRYPTION_SECRET", &new)]).open(&sealed).is_err());
    }
}
