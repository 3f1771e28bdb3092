//! Durations as Inngest reads them: `1h30m`.

use std::time::Duration;

use serde::Serializer;

/// In hours, minutes and seconds, which every field that takes a duration understands. Parts of a second count as a
/// whole one, and nothing is shorter than that.
pub(crate) fn text(duration: Duration) -> String {
    let seconds = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1);
    let parts = [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect()
}

pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*duration))
}

/// The same for a field that may be absent.
pub(crate) mod option {
    use super::{Duration, Serializer, text};

    pub(crate) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_str(&text(*duration)),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_inngest_reads_them() {
        let texts = [
            (Duration::from_secs(90 * 60), "1h30m"),
            (Duration::from_secs(5), "5s"),
            (Duration::from_secs(3661), "1h1m1s"),
            (Duration::from_secs(7 * 24 * 3600), "168h"),
            (Duration::from_millis(1500), "2s"),
            (Duration::from_millis(1), "1s"),
            (Duration::ZERO, "1s"),
        ];
        for (duration, expected) in texts {
            assert_eq!(text(duration), expected);
        }
    }
}
