//! Made-up numbers that hang together: a function of the user, the day and what is counted, so that they are the same
//! each time, parts add up to their whole, a share is less than what it is of, weeks have their rhythm, and months grow.
//! On some days something has happened, so that there is something to find.

use chrono::{Datelike, Days, NaiveDate, Utc};
use sha2::{Digest, Sha256};

/// How far back there is anything.
const HISTORY: Days = Days::new(560);
/// From Monday to Sunday.
const WEEK: [f64; 7] = [1.08, 1.14, 1.12, 1.06, 0.98, 0.76, 0.86];
/// By how much it grows a day.
const GROWTH: f64 = 0.0011;

/// Days on which something happened: what is counted, how many days ago, and how many times as much of it there was. What
/// is not named here never has such a day.
pub const EVENTS: [(&str, i64, f64); 10] = [
    ("sessions", 3, 2.3),
    ("sessions", 24, 0.35),
    ("sessions", 58, 2.2),
    ("sessions", 101, 0.3),
    ("sessions", 139, 2.6),
    ("sessions", 170, 0.25),
    ("impressions", 12, 0.3),
    ("impressions", 45, 2.4),
    ("impressions", 88, 0.3),
    ("impressions", 150, 2.5),
];

/// Between 0 and 1, always the same for the same text.
pub fn chance(seed: &str) -> f64 {
    let digest = Sha256::digest(seed.as_bytes());
    let bytes = digest.first_chunk::<4>().copied().unwrap_or_default();
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}

/// Today, as the platforms see it.
pub fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// How much of something there was on a day, for something that has about `typical` of it now.
pub fn daily(user: &str, what: &str, typical: f64, day: NaiveDate) -> i64 {
    let today = today();
    if day > today || today.checked_sub_days(HISTORY).is_none_or(|first| day < first) {
        return 0;
    }
    let age = (today - day).num_days();
    let size = 0.6 + 0.8 * chance(&format!("{user} {what} size"));
    let weekday = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
    let week = WEEK.get(weekday).copied().unwrap_or(1.0);
    let noise = 0.88 + 0.24 * chance(&format!("{user} {what} {day}"));
    let event = EVENTS.iter().find(|(of, ago, _)| *of == what && *ago == age).map_or(1.0, |(_, _, times)| *times);
    whole(typical * size * week * noise * event * (-GROWTH * days(age)).exp())
}

/// What belongs to something there is so much of: between so much and so much of each. `when` is a day or a post.
pub fn share(user: &str, what: &str, when: &str, whole_of: i64, between: (f64, f64)) -> i64 {
    let luck = (chance(&format!("{user} {what} share")) + chance(&format!("{user} {what} {when} share"))) / 2.0;
    let (least, most) = between;
    whole(real(whole_of) * (least + (most - least) * luck))
}

/// Divides a number among parts by their weights; the parts add up to it. Where the weights are whole numbers, and the
/// number is less than their sum, no part is more than its weight.
pub fn split(total: i64, weights: &[f64]) -> Vec<i64> {
    let sum: f64 = weights.iter().sum();
    let mut given = 0;
    let mut reached = 0.0;
    weights
        .iter()
        .map(|weight| {
            reached += weight;
            // Rounding what all parts so far have together leaves no rest over.
            let upto = if sum > 0.0 { whole(real(total) * reached / sum) } else { 0 };
            let part = upto - given;
            given = upto;
            part
        })
        .collect()
}

/// How much of what a post gets in the end it has after some hours.
pub fn so_far(user: &str, post: &str, what: &str, in_the_end: f64, hours: i64) -> i64 {
    let size = 0.4 + 1.6 * chance(&format!("{user} {post} {what}"));
    whole(in_the_end * size * (1.0 - (-days(hours.max(0)) / 30.0).exp()))
}

#[expect(clippy::cast_precision_loss, reason = "numbers of people and days are small")]
fn days(number: i64) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "numbers of people are small")]
pub fn real(number: i64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, reason = "numbers of people are small")]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_their_whole() {
        for total in [0, 1, 7, 1_000, 12_345] {
            let parts = split(total, &[0.31, 0.001, 0.4, 0.1, 0.189]);
            assert_eq!(parts.iter().sum::<i64>(), total);
            assert!(parts.iter().all(|part| *part >= 0), "{parts:?}");
        }
        assert_eq!(split(5, &[0.0, 0.0]), [0, 0]);
        for total in 0..=60 {
            let parts = split(total, &[20.0, 1.0, 0.0, 32.0, 7.0]);
            assert!(parts.iter().zip([20, 1, 0, 32, 7]).all(|(part, weight)| (0..=weight).contains(part)), "{parts:?}");
        }
    }

    #[test]
    fn a_day_is_the_same_each_time_and_growth_shows_over_months() {
        let day = today() - Days::new(10);
        assert_eq!(daily("u", "sessions", 300.0, day), daily("u", "sessions", 300.0, day));
        let month =
            |back: u64| (0..28).map(|n| daily("u", "sessions", 300.0, today() - Days::new(back + n))).sum::<i64>();
        assert!(month(1) > month(365));
        assert_eq!(daily("u", "sessions", 300.0, today() + Days::new(1)), 0);
        assert_eq!(daily("u", "sessions", 300.0, today() - Days::new(2_000)), 0);
    }
}
