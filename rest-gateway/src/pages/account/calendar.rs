//! Days with what is due on them.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use entity::content::{self, Content, ContentStatus};
use entity::db::{Db, now};
use entity::ids::CustomerId;
use marketing::calendar::instant;
use minijinja::{Value, context};
use web::ApiError;

use crate::pages::words;

/// How many days, from which one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub first: NaiveDate,
    /// How many.
    pub days: u64,
}

impl Span {
    /// The week of a day, from Monday on.
    pub fn week_of(day: NaiveDate) -> Self {
        Self { first: monday(day), days: 7 }
    }

    /// The weeks of the month of a day.
    pub fn month_of(day: NaiveDate) -> Self {
        let first_of_month = day.with_day(1).unwrap_or(day);
        let first = monday(first_of_month);
        let last_of_month = next_month(first_of_month) - Days::new(1);
        let weeks = (last_of_month - first).num_days() / 7 + 1;
        Self { first, days: u64::try_from(weeks * 7).unwrap_or(42) }
    }

    /// The day after the last one.
    pub fn end(self) -> NaiveDate {
        self.first + Days::new(self.days)
    }
}

fn monday(day: NaiveDate) -> NaiveDate {
    day - Days::new(day.weekday().num_days_from_monday().into())
}

/// The first day of the month after a first day.
pub fn next_month(first: NaiveDate) -> NaiveDate {
    first.checked_add_months(chrono::Months::new(1)).unwrap_or(first)
}

/// The days of a span with the pieces that have their time on them. Days outside `month` are told apart.
pub async fn days(
    db: &Db,
    customer_id: &CustomerId,
    span: Span,
    zone: Tz,
    month: Option<u32>,
) -> Result<Vec<Value>, ApiError> {
    let moment = |day: NaiveDate| instant(zone, day.and_time(NaiveTime::MIN));
    let pieces = content::scheduled_between(db, customer_id, moment(span.first), moment(span.end())).await?;
    let now = now();
    let today = now.with_timezone(&zone).date_naive();
    let mut days = Vec::new();
    for day in span.first.iter_days().take(usize::try_from(span.days).unwrap_or_default()) {
        let is_on_day =
            |piece: &&Content| piece.scheduled_at.is_some_and(|at| at.with_timezone(&zone).date_naive() == day);
        let pieces: Vec<Value> = pieces.iter().filter(is_on_day).map(|piece| entry(piece, now, zone)).collect();
        days.push(context! {
            date => day.to_string(),
            weekday => day.format("%a").to_string(),
            number => day.day(),
            name => words::day(day),
            is_today => day == today,
            is_past => day < today,
            is_outside => month.is_some_and(|month| month != day.month()),
            pieces,
        });
    }
    Ok(days)
}

fn entry(piece: &Content, now: DateTime<Utc>, zone: Tz) -> Value {
    let at = piece.scheduled_at.unwrap_or(piece.created_at);
    let is_out = piece.status == ContentStatus::Published;
    context! {
        id => piece.id.as_str(),
        label => piece.label.as_str(),
        kind => words::kind(piece.kind),
        time => at.with_timezone(&zone).format("%H:%M").to_string(),
        status => words::content_status(piece.status),
        mark => words::mark(piece.status),
        is_late => at < now && !is_out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_week_begins_on_monday() {
        for text in ["2026-11-23", "2026-11-26", "2026-11-29"] {
            assert_eq!(Span::week_of(day(text)), Span { first: day("2026-11-23"), days: 7 });
        }
    }

    #[test]
    fn a_month_is_whole_weeks() {
        for (text, first, days) in
            [("2026-11-26", "2026-10-26", 42), ("2027-02-10", "2027-02-01", 28), ("2026-12-31", "2026-11-30", 35)]
        {
            assert_eq!(Span::month_of(day(text)), Span { first: day(first), days }, "{text}");
        }
    }
}
