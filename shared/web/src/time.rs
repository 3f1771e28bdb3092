use chrono::{DateTime, SecondsFormat, Utc};

/// A time as the API writes it: ISO 8601 in UTC with milliseconds.
#[must_use]
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
