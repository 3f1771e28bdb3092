//! Typed ids: a prefix that names the thing, and a ULID, so that ids sort by the time they were made.
//!
//! Ids made by one process are strictly increasing, so that paging by id never skips or repeats a row.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use ulid::{Generator, Ulid};

/// A text that is not an id of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an id: ids look like {prefix}_01M851E88BEZS4E1V4ZSCPXFGH")]
pub struct InvalidId {
    prefix: &'static str,
}

/// How much of a text that is no id is quoted: more than an id has.
const MAX_QUOTED_CHARS: usize = 40;

static GENERATOR: Mutex<Generator> = Mutex::new(Generator::new());

/// The next ULID of this process, greater than every one before it, even if the clock was set back.
fn next_ulid() -> Ulid {
    let mut generator = GENERATOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match generator.generate() {
        Ok(ulid) => ulid,
        // 2^80 ids in one millisecond; the increment still sorts after all of them.
        Err(overflow) => overflow.commit_overflow_increment(),
    }
}

/// In the next millisecond and at random: whoever made `last` counts on from it.
fn ulid_after(last: Ulid) -> Ulid {
    Ulid::from_parts(last.timestamp_ms() + 1, Ulid::generate().random())
}

fn ulid_at_start_of(time: DateTime<Utc>) -> Ulid {
    let millis = u64::try_from(time.timestamp_millis()).unwrap_or(0);
    Ulid::from_parts(millis, 0)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sea_orm::DeriveValueType)]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind starts with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, greater than every one made by this process before.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "each call makes another id")]
            pub fn new() -> Self {
                Self(format!(concat!($prefix, "_{}"), next_ulid()))
            }

            /// The smallest id that can have been made at `time` or later.
            #[must_use]
            pub fn first_at(time: DateTime<Utc>) -> Self {
                Self(format!(concat!($prefix, "_{}"), ulid_at_start_of(time)))
            }

            /// An id after this one, which may be another process's, and which nobody else makes.
            #[must_use]
            pub fn next(&self) -> Self {
                Self(format!(concat!($prefix, "_{}"), ulid_after(self.ulid())))
            }

            fn ulid(&self) -> Ulid {
                let text = self.0.get(Self::PREFIX.len() + 1..).unwrap_or_default();
                Ulid::from_string(text).unwrap_or_default()
            }

            /// When the id was made, to the millisecond.
            #[must_use]
            pub fn created_at(&self) -> DateTime<Utc> {
                let since_epoch = self.ulid().datetime().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
                DateTime::UNIX_EPOCH + since_epoch
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = InvalidId { prefix: $prefix };
                let ulid = text.strip_prefix(concat!($prefix, "_")).ok_or_else(|| invalid.clone())?;
                match Ulid::from_string(ulid) {
                    // Crockford's alphabet reads lower case too; one id has one spelling.
                    Ok(parsed) if parsed.to_string() == ulid => Ok(Self(text.to_owned())),
                    _ => Err(invalid),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        // Asked for by primary keys; only databases without RETURNING would use it.
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(|error| {
                    let beginning: String = text.chars().take(MAX_QUOTED_CHARS).collect();
                    serde::de::Error::custom(format!("`{beginning}` {error}"))
                })
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "_[0-9A-HJKMNP-TV-Z]{26}$"),
                })
            }
        }
    };
}

id!(/// A customer.
    CustomerId, "cust");
id!(/// An API key, not the key itself.
    KeyId, "key");
id!(/// An app that registered itself.
    ClientId, "client");
id!(/// What a customer has let an app do.
    GrantId, "grant");
id!(/// An entry of the event log.
    EventId, "evt");
id!(/// A piece of content.
    ContentId, "cnt");
id!(/// A revision of a piece of content.
    RevisionId, "rev");
id!(/// A decision on a piece of content.
    DecisionId, "dec");
id!(/// A lead.
    LeadId, "lead");
id!(/// A run of a workflow.
    RunId, "run");
id!(/// An event on its way to the durable functions.
    MessageId, "msg");
id!(/// A run of the embedded engine.
    ExecutionId, "exe");
id!(/// A piece of content on its way to a platform, or there.
    PublicationId, "pub");
id!(/// A scan of a page.
    ScanId, "scan");
id!(/// The numbers of a week, as they were kept.
    SnapshotId, "snap");
id!(/// A proposal to change the brand profile.
    ProposalId, "prop");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_strictly_increasing() {
        let ids: Vec<EventId> = (0..10_000).map(|_| EventId::new()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    /// Two processes may want an id after the same one, whose maker counts on.
    #[test]
    fn an_id_after_another_is_after_it_and_nobody_elses() {
        let last = EventId::new();
        let (one, other, own) = (last.next(), last.next(), EventId::new());
        assert!(one > last && other > last);
        assert!(one != other && one != own && other != own);
    }

    #[test]
    fn an_id_reads_back_and_tells_its_time() {
        let before = Utc::now();
        let id = CustomerId::new();
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert!((id.created_at() - before).abs() < chrono::Duration::seconds(60));
        assert!(CustomerId::first_at(id.created_at()) <= id);
        assert!(CustomerId::first_at(id.created_at() + chrono::Duration::milliseconds(1)) > id);
    }

    #[test]
    fn only_the_one_spelling_of_the_right_kind_is_an_id() {
        let id = CustomerId::new();
        let lower = id.as_str().to_lowercase();
        for wrong in ["", "cust_", "cust_1", lower.as_str(), EventId::new().as_str(), &format!("{id} ")] {
            assert!(wrong.parse::<CustomerId>().is_err(), "{wrong} was accepted");
        }
    }
}
