//! What a key or an app may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One permission. Each is asked for and given by itself; none includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub enum Scope {
    /// See everything: brand, content, numbers, scans, the log.
    Read,
    /// Change what stays inside: drafts, the brand profile, plans, leads, connections, durable work.
    Write,
    /// Let something go out: publish, give a time at which to, and approve.
    Publish,
}

/// A text that names no permission. Says which there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of read, write, publish")]
pub struct UnknownScope;

impl Scope {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Publish];

    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Publish => "publish",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Publish => 4,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name).ok_or(UnknownScope)
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;

    fn try_from(name: String) -> Result<Self, UnknownScope> {
        name.parse()
    }
}

/// A set of permissions. Written as OAuth writes it: names with a blank between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sea_orm::DeriveValueType)]
#[sea_orm(value_type = "String")]
pub struct Scopes(u8);

impl Scopes {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// Every permission.
    pub const ALL: Self = Self(Scope::Read.bit() | Scope::Write.bit() | Scope::Publish.bit());

    /// The permissions that a text names between blanks, as far as there are such.
    #[must_use]
    pub fn known_in(text: &str) -> Self {
        text.split(' ').filter_map(|name| name.parse::<Scope>().ok()).collect()
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether the other set has all of these.
    #[must_use]
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & other.0 == self.0
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | scope.bit())
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, the least first.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            write!(f, "{}{scope}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// As stored: only names that we wrote.
impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split(' ').filter(|name| !name.is_empty()).map(str::parse).collect()
    }
}

/// As a list of names.
impl Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_whatever_is_in_it() {
        for bits in 0..=Scopes::ALL.0 {
            let scopes = Scopes(bits);
            assert_eq!(scopes.to_string().parse(), Ok(scopes));
            assert_eq!(scopes.iter().collect::<Scopes>(), scopes);
        }
        assert_eq!(Scopes::ALL.to_string(), "read write publish");
        assert!("read admin".parse::<Scopes>().is_err());
    }

    #[test]
    fn of_what_somebody_asks_for_the_unknown_is_left_out() {
        for (text, expected) in [
            ("", ""),
            ("openid offline_access", ""),
            ("publish openid read read", "read publish"),
            ("READ", ""),
            (" write ", "write"),
        ] {
            assert_eq!(Scopes::known_in(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn no_permission_includes_another() {
        for scope in Scope::ALL {
            let only = Scopes::from_iter([scope]);
            assert_eq!(only.iter().collect::<Vec<_>>(), [scope]);
            assert!(only.is_within(Scopes::ALL) && !Scopes::ALL.is_within(only) && !only.is_empty());
            assert_eq!(Scopes::ALL.and(only), only);
        }
        assert!(Scopes::NONE.is_empty() && Scopes::NONE.is_within(Scopes::NONE));
    }
}
