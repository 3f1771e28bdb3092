//! Times in the five fields of cron, with an optional zone before them, as Inngest has them.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// When something happens again and again.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    zone: Tz,
    fields: croner::Cron,
}

impl Cron {
    /// Reads fields such as `TZ=Europe/Berlin 0 7 * * 1`.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = |what: &dyn std::fmt::Display| format!("`{text}` is no cron: {what}");
        let (zone, fields) = match text.strip_prefix("TZ=").and_then(|rest| rest.split_once(' ')) {
            Some((zone, fields)) => (zone.parse().map_err(|error| problem(&error))?, fields),
            None => (Tz::UTC, text),
        };
        let fields = croner::Cron::from_str(fields).map_err(|error| problem(&error))?;
        Ok(Self { text: text.to_owned(), zone, fields })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first time after this; none when there is none.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.fields.find_next_occurrence(&after.with_timezone(&self.zone), false).ok()?;
        Some(next.with_timezone(&Utc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, after: &str) -> String {
        Cron::parse(cron).unwrap().next(after.parse().unwrap()).unwrap().to_rfc3339()
    }

    #[test]
    fn the_next_time_is_in_the_zone() {
        assert_eq!(next("0 * * * *", "2026-11-24T10:00:00Z"), "2026-11-24T11:00:00+00:00");
        // Monday, in winter and in summer.
        assert_eq!(next("TZ=Europe/Berlin 0 7 * * 1", "2026-11-24T10:00:00Z"), "2026-11-30T06:00:00+00:00");
        assert_eq!(next("TZ=Europe/Berlin 0 7 * * 1", "2026-06-24T10:00:00Z"), "2026-06-29T05:00:00+00:00");
    }

    #[test]
    fn what_is_no_cron_is_told() {
        for text in ["", "nonsense", "TZ=Nowhere/Else 0 * * * *", "61 * * * *"] {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
    }
}
