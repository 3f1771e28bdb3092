//! Times as customers give and read them: in their brand's zone.

use std::sync::LazyLock;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use entity::{Error, Result};

/// Reads a time: with an offset as it stands, without one in the given zone.
///
/// # Errors
///
/// When it is not a time, or one that the zone's clocks skip.
pub fn parse_time(field: &str, text: &str, zone: Tz) -> Result<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let local =
        formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok()).ok_or_else(|| {
            Error::invalid(
                field,
                "must be a time such as 2026-11-24T09:00 (in the brand's time zone) or 2026-11-24T09:00:00+01:00",
            )
        })?;
    in_zone(field, local, zone)
}

/// Reads a day (its first moment in the zone) or a time.
///
/// # Errors
///
/// As [`parse_time`].
pub fn parse_day_or_time(field: &str, text: &str, zone: Tz) -> Result<DateTime<Utc>> {
    match NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d") {
        // Some zones skip midnight when their clocks go forward; the day then begins at one.
        Ok(day) => in_zone(field, day.and_time(NaiveTime::MIN), zone)
            .or_else(|_| in_zone(field, day.and_time(NaiveTime::MIN) + chrono::Duration::hours(1), zone)),
        Err(_) => parse_time(field, text, zone),
    }
}

fn in_zone(field: &str, local: NaiveDateTime, zone: Tz) -> Result<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        // When clocks go back an hour comes twice; the first one is meant.
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Ok(time.to_utc()),
        LocalResult::None => Err(Error::invalid(
            field,
            format!("does not exist in {zone}: the clocks go forward over it. Choose a time an hour later"),
        )),
    }
}

/// A time for people, such as "Tue 24 Nov 2026, 09:00 (Europe/Berlin)".
pub fn display(time: DateTime<Utc>, zone: Tz) -> String {
    format!("{} ({zone})", in_list(time, zone))
}

/// The same where a list says the zone once.
pub fn in_list(time: DateTime<Utc>, zone: Tz) -> String {
    // Read once: a list has many times.
    static FORMAT: LazyLock<Vec<Item<'static>>> = LazyLock::new(|| StrftimeItems::new("%a %-d %b %Y, %H:%M").collect());
    time.with_timezone(&zone).format_with_items(FORMAT.iter()).to_string()
}

/// That a piece can no longer go out at its time, if that is so.
pub fn passed(time: DateTime<Utc>, zone: Tz) -> Option<String> {
    let has_passed = time <= entity::db::now();
    has_passed.then(|| {
        format!("Its time, {}, has passed: it must be scheduled again (schedule_content).", display(time, zone))
    })
}

/// A time for programs: UTC with milliseconds.
pub fn timestamp(time: DateTime<Utc>) -> String {
    web::timestamp(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America, Europe};

    #[test]
    fn a_time_without_offset_is_in_the_brands_zone() {
        for (text, zone, expected) in [
            ("2026-11-24T09:00", Europe::Berlin, "2026-11-24T08:00:00.000Z"),
            ("2026-07-24 09:00:30", Europe::Berlin, "2026-07-24T07:00:30.000Z"),
            ("2026-11-24T09:00:00Z", Europe::Berlin, "2026-11-24T09:00:00.000Z"),
            ("2026-11-24T09:00:00-05:00", Europe::Berlin, "2026-11-24T14:00:00.000Z"),
            // The clocks go back: half past two comes twice, the first is meant.
            ("2026-10-25T02:30", Europe::Berlin, "2026-10-25T00:30:00.000Z"),
        ] {
            assert_eq!(timestamp(parse_time("at", text, zone).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_refused() {
        let error = parse_time("at", "2026-03-29T02:30", Europe::Berlin).unwrap_err();
        assert!(error.to_string().contains("`at`"), "{error}");
        assert!(error.to_string().contains("clocks go forward"), "{error}");
    }

    #[test]
    fn other_texts_are_refused_with_an_example() {
        for text in ["", "tomorrow", "2026-13-01T09:00", "09:00", "2026-11-24"] {
            assert!(parse_time("at", text, Europe::Berlin).unwrap_err().to_string().contains("2026-11-24T09:00"));
        }
    }

    #[test]
    fn a_day_begins_at_its_first_moment() {
        let day = |text, zone| timestamp(parse_day_or_time("from", text, zone).unwrap());
        assert_eq!(day("2026-11-24", Europe::Berlin), "2026-11-23T23:00:00.000Z");
        // Clocks in Santiago go forward at midnight.
        assert_eq!(day("2026-09-06", America::Santiago), "2026-09-06T04:00:00.000Z");
    }

    #[test]
    fn people_read_the_zone() {
        let time = parse_time("at", "2026-11-24T09:00", Europe::Berlin).unwrap();
        assert_eq!(display(time, Europe::Berlin), "Tue 24 Nov 2026, 09:00 (Europe/Berlin)");
    }
}
