//! Local time, which a zone may skip or have twice when its clocks change.

use chrono::{
    DateTime, Datelike, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;

/// The moment of a local time. One that the zone skips is as much later as the clocks were put forward (02:30 is then
/// 03:30); of one that it has twice it is the first.
#[must_use]
pub fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.to_utc(),
        LocalResult::None => {
            // No zone skips more than a day, so the offset of the day before is the one that was left.
            let before = zone.offset_from_utc_datetime(&(local - Duration::days(1)));
            let offset = chrono::Offset::fix(&before).local_minus_utc();
            (local - Duration::seconds(offset.into())).and_utc()
        }
    }
}

/// The Monday of the week of a day.
#[must_use]
pub fn monday(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap_or(day)
}

/// The last time that it was this weekday and time of day in the zone, `now` included.
#[must_use]
pub fn latest(zone: Tz, weekday: Weekday, time: NaiveTime, now: DateTime<Utc>) -> DateTime<Utc> {
    let this_week = monday(now.with_timezone(&zone).date_naive()) + Days::new(weekday.num_days_from_monday().into());
    let at = instant(zone, this_week.and_time(time));
    if at <= now { at } else { instant(zone, (this_week - Days::new(7)).and_time(time)) }
}
