use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;

/// Further back nobody compares.
const MAX_DAYS: i64 = 366;

/// Whole days, the first and the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    first: NaiveDate,
    last: NaiveDate,
}

impl Period {
    /// The last `days` whole days before `now`, as the zone counts days: today is not over and does not belong to it.
    #[must_use]
    pub fn last_days(days: u16, now: DateTime<Utc>, zone: Tz) -> Self {
        let today = now.with_timezone(&zone).date_naive();
        let back = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        Self { first: back(u64::from(days.max(1))), last: back(1) }
    }

    /// From one day to another.
    ///
    /// # Errors
    ///
    /// The field (`from` or `to`) that is wrong, and what it must be.
    pub fn between(
        first: NaiveDate,
        last: NaiveDate,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Result<Self, (&'static str, String)> {
        let today = now.with_timezone(&zone).date_naive();
        if last > today {
            return Err(("to", format!("must not be in the future; today is {today}")));
        }
        if first > last {
            return Err(("from", "must not be after `to`".to_owned()));
        }
        let period = Self { first, last };
        if period.days() > MAX_DAYS {
            return Err(("from", format!("must be at most {MAX_DAYS} days before `to`")));
        }
        Ok(period)
    }

    /// The first day.
    #[must_use]
    pub const fn first(self) -> NaiveDate {
        self.first
    }

    /// The last day.
    #[must_use]
    pub const fn last(self) -> NaiveDate {
        self.last
    }

    /// How many days it has.
    #[must_use]
    pub fn days(self) -> i64 {
        (self.last - self.first).num_days() + 1
    }

    /// As many days right before.
    #[must_use]
    pub fn previous(self) -> Self {
        self.earlier(self.days())
    }

    /// The same days in parts of at most so many, the first first.
    #[must_use]
    pub fn in_parts(self, days: i64) -> Vec<Self> {
        let step = chrono::Duration::days(days.max(1));
        let begins = std::iter::successors(Some(self.first), |first| Some(*first + step));
        let part = |first: NaiveDate| Self { first, last: self.last.min(first + step - chrono::Duration::days(1)) };
        begins.take_while(|first| *first <= self.last).map(part).collect()
    }

    /// As many days, so many earlier.
    #[must_use]
    pub fn earlier(self, days: i64) -> Self {
        let days = chrono::Duration::days(days);
        Self { first: self.first - days, last: self.last - days }
    }

    /// The same days with so many before them.
    #[must_use]
    pub fn with_days_before(self, days: u64) -> Self {
        Self { first: self.first.checked_sub_days(Days::new(days)).unwrap_or(self.first), last: self.last }
    }

    /// Whether a time is in it, as the zone counts days.
    #[must_use]
    pub fn contains(self, time: DateTime<Utc>, zone: Tz) -> bool {
        let day = time.with_timezone(&zone).date_naive();
        self.first <= day && day <= self.last
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_week_ends_yesterday_where_the_brand_is() {
        let now: DateTime<Utc> = "2026-03-29T22:30:00Z".parse().unwrap();
        let berlin = Period::last_days(7, now, chrono_tz::Europe::Berlin);
        assert_eq!((berlin.first(), berlin.last()), (day("2026-03-23"), day("2026-03-29")));
        let new_york = Period::last_days(7, now, chrono_tz::America::New_York);
        assert_eq!((new_york.first(), new_york.last()), (day("2026-03-22"), day("2026-03-28")));
        assert_eq!(berlin.previous().to_string(), "2026-03-16 to 2026-03-22");
        assert_eq!((berlin.days(), berlin.previous().days()), (7, 7));
    }

    #[test]
    fn parts_of_a_period_are_its_days_once() {
        let period = Period { first: day("2026-01-01"), last: day("2026-03-05") };
        let parts: Vec<String> = period.in_parts(30).iter().map(ToString::to_string).collect();
        assert_eq!(parts, ["2026-01-01 to 2026-01-30", "2026-01-31 to 2026-03-01", "2026-03-02 to 2026-03-05"]);
        assert_eq!(period.in_parts(64), [period]);
        assert_eq!(period.with_days_before(31).first(), day("2025-12-01"));
    }

    #[test]
    fn a_wrong_period_names_its_field() {
        let now: DateTime<Utc> = "2026-03-29T12:00:00Z".parse().unwrap();
        let field = |from, to| Period::between(day(from), day(to), now, Tz::UTC).map_err(|(field, _)| field);
        assert_eq!(field("2026-03-01", "2026-03-30"), Err("to"));
        assert_eq!(field("2026-03-02", "2026-03-01"), Err("from"));
        assert_eq!(field("2024-03-02", "2026-03-01"), Err("from"));
        assert!(field("2026-03-29", "2026-03-29").is_ok_and(|period| period.days() == 1));
    }
}
