//! Days that stand out of a daily series.
//!
//! Each day is compared with what the twelve weeks before it let expect: the level of the last two weeks, times what is
//! usual on its weekday. How far days usually are from that is seen from the same comparison of the days before. All of
//! it by medians, so that a wild day does not hide the next one: the seasonal hybrid of Hochenbaum, Vallis and Kejariwal
//! (2017, <https://arxiv.org/abs/1704.07706>), with only earlier days as its ground, and with days that are a steady part
//! higher or lower than the level, as in growth, taken for usual. Distances are taken on a scale on which counting alone
//! varies by one ([`statistics::steady`](crate::statistics::steady)), and counting is never thought to vary less.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use crate::statistics::{median, spread, steady, unsteady};

/// So many days before a day are looked at.
pub const HISTORY_DAYS: u64 = 84;
/// With fewer known ones among them nothing is said about it: five weeks.
pub const NEEDED_DAYS: usize = 35;

/// The level is that of so many days.
const LEVEL_DAYS: u64 = 14;
const LEVEL_NEEDED: usize = 7;
/// What is usual on a weekday is known from so many of them.
const WEEKDAYS_NEEDED: usize = 4;
const DISTANCES_NEEDED: usize = 21;
/// How many times the usual distance is far outside. Distances of marketing have longer tails than a normal
/// distribution, and a report looks at hundreds of days: see the rate of false alarms in the tests.
const FAR: f64 = 5.0;
/// No audience is steadier than to this part.
const STEADIEST: f64 = 0.03;

/// A daily series: what is not known of a day is not there.
pub type Daily = BTreeMap<NaiveDate, f64>;

/// A day far outside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlier {
    /// The day.
    pub date: NaiveDate,
    /// Its number.
    pub value: f64,
    /// What was to be expected.
    pub expected: f64,
    /// From here…
    pub low: f64,
    /// …to here it would have been usual.
    pub high: f64,
}

/// What can be said about some days of a series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// Days far outside, oldest first.
    pub outliers: Vec<Outlier>,
    /// How many days could be compared.
    pub judged: u32,
    /// Days with a number that have too little before them to be compared with.
    pub too_early: u32,
    /// Days without a number between others that have one.
    pub holes: Vec<NaiveDate>,
    /// How many times more than by counting alone the series varies from day to day; none where nothing was compared.
    pub dispersion: Option<f64>,
}

/// Looks at the days from `first` to `last`.
#[must_use]
pub fn judge(series: &Daily, first: NaiveDate, last: NaiveDate) -> Judgement {
    let mut judgement = Judgement::default();
    let mut dispersions = Vec::new();
    for day in first.iter_days().take_while(|day| *day <= last) {
        let Some(value) = series.get(&day).copied() else {
            let is_between = series.range(..day).next().is_some() && series.range(day..).next().is_some();
            judgement.holes.extend(is_between.then_some(day));
            continue;
        };
        let Some(usual) = Usual::before(series, day) else {
            judgement.too_early += 1;
            continue;
        };
        judgement.judged += 1;
        dispersions.push(usual.spread.powi(2));
        judgement.outliers.extend(usual.outlier(day, value));
    }
    judgement.dispersion = median(&dispersions);
    judgement
}

/// What is usual on a day.
struct Usual {
    /// On the steady scale, as the others.
    expected: f64,
    spread: f64,
}

impl Usual {
    /// What the days before let expect.
    fn before(series: &Daily, day: NaiveDate) -> Option<Self> {
        let start = day.checked_sub_days(Days::new(HISTORY_DAYS))?;
        let history: Vec<(NaiveDate, f64)> = series.range(start..day).map(|(day, value)| (*day, *value)).collect();
        if history.len() < NEEDED_DAYS {
            return None;
        }
        let weekdays = Weekdays::of(&history);
        let level: Vec<(NaiveDate, f64)> =
            history.iter().filter_map(|(day, value)| Some((*day, value / weekdays.index(*day)?))).collect();
        let expect = |day: NaiveDate| Some(level_before(&level, day)? * weekdays.index(day)?);
        let compared: Vec<(f64, f64)> = history
            .iter()
            .filter_map(|(day, value)| expect(*day).map(|expected| (expected, steady(*value) - steady(expected))))
            .collect();
        if compared.len() < DISTANCES_NEEDED {
            return None;
        }
        let (levels, distances): (Vec<f64>, Vec<f64>) = compared.into_iter().unzip();
        let expected = expect(day)?;
        // What varies beyond counting does so in proportion to how much there is.
        let beyond_counting = (spread(&distances)?.powi(2) - 1.0).max(0.0) * expected / median(&levels)?.max(1.0);
        let spread = (1.0 + beyond_counting).sqrt().max(STEADIEST * expected.sqrt());
        Some(Self { expected: steady(expected) + median(&distances)?, spread })
    }

    fn outlier(&self, date: NaiveDate, value: f64) -> Option<Outlier> {
        let Self { expected, spread } = *self;
        let is_far = (steady(value) - expected).abs() > FAR * spread;
        is_far.then(|| Outlier {
            date,
            value,
            expected: unsteady(expected),
            low: unsteady(expected - FAR * spread),
            high: unsteady(expected + FAR * spread),
        })
    }
}

/// How each weekday is beside the others.
struct Weekdays(BTreeMap<u32, f64>);

impl Weekdays {
    fn of(history: &[(NaiveDate, f64)]) -> Self {
        let of_weekday = |weekday: Weekday| {
            let values: Vec<f64> =
                history.iter().filter(|(day, _)| day.weekday() == weekday).map(|(_, value)| *value).collect();
            (values.len() >= WEEKDAYS_NEEDED).then(|| median(&values)).flatten()
        };
        let week = std::iter::successors(Some(Weekday::Mon), |day| Some(day.succ())).take(7);
        let medians: Vec<(u32, f64)> =
            week.filter_map(|day| Some((day.num_days_from_monday(), of_weekday(day)?))).collect();
        let count = u32::try_from(medians.len()).map_or(1.0, f64::from).max(1.0);
        let mean = medians.iter().map(|(_, value)| value).sum::<f64>() / count;
        // One more of each: where there are only a few a day, the difference of weekdays is chance.
        Self(medians.into_iter().map(|(day, value)| (day, (value.max(0.0) + 1.0) / (mean.max(0.0) + 1.0))).collect())
    }

    fn index(&self, day: NaiveDate) -> Option<f64> {
        self.0.get(&day.weekday().num_days_from_monday()).copied()
    }
}

/// The level of the two weeks before a day.
fn level_before(level: &[(NaiveDate, f64)], day: NaiveDate) -> Option<f64> {
    let start = day.checked_sub_days(Days::new(LEVEL_DAYS))?;
    let (from, to) = (level.partition_point(|(it, _)| *it < start), level.partition_point(|(it, _)| *it < day));
    let values: Vec<f64> = level.get(from..to)?.iter().map(|(_, value)| *value).collect();
    (values.len() >= LEVEL_NEEDED).then(|| median(&values)).flatten()
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    const JUDGED: u64 = 14;
    const DAYS: u64 = HISTORY_DAYS + JUDGED;

    fn day(number: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 5).unwrap() + Days::new(number)
    }

    fn normal(random: &mut Rng) -> f64 {
        (-2.0 * random.f64().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
    }

    /// So many as happen where `mean` are usual.
    fn counted(random: &mut Rng, mean: f64) -> f64 {
        if mean > 60.0 {
            return (mean + mean.sqrt() * normal(random)).round().max(0.0);
        }
        let (limit, mut product, mut count) = ((-mean).exp(), random.f64(), 0.0);
        while product > limit {
            product *= random.f64();
            count += 1.0;
        }
        count
    }

    /// A website like others: so many a day, a rhythm of the week, growth, and days that are better or worse.
    fn clean(random: &mut Rng, level: f64, most_restless: f64) -> Daily {
        let week: Vec<f64> = (0..7).map(|_| 0.5 + 0.9 * random.f64()).collect();
        let growth = -0.002 + 0.006 * random.f64();
        let restless = most_restless * random.f64();
        (0..DAYS)
            .map(|number| {
                let weekday = week[usize::try_from(number % 7).unwrap()];
                let age = f64::from(u32::try_from(number).unwrap());
                let mean = level * weekday * (growth * age).exp() * (restless * normal(random)).exp();
                (day(number), counted(random, mean))
            })
            .collect()
    }

    fn judge_last_weeks(series: &Daily) -> Judgement {
        judge(series, day(HISTORY_DAYS), day(DAYS - 1))
    }

    fn dates(judgement: &Judgement) -> Vec<NaiveDate> {
        judgement.outliers.iter().map(|outlier| outlier.date).collect()
    }

    #[test]
    fn of_a_thousand_clean_series_hardly_a_day_is_reported() {
        let mut random = Rng::with_seed(1_704);
        let (mut days, mut alarms) = (0, 0);
        for number in 0..1_000 {
            let level = [0.5, 3.0, 20.0, 150.0, 2_000.0, 40_000.0][number % 6];
            let judgement = judge_last_weeks(&clean(&mut random, level, 0.18));
            assert_eq!((judgement.judged, judgement.too_early), (14, 0));
            days += judgement.judged;
            alarms += judgement.outliers.len();
        }
        let rate = f64::from(u32::try_from(alarms).unwrap()) / f64::from(days);
        eprintln!("false alarms: {alarms} in {days} days of 1,000 series, {rate:.6} a day");
        assert!(rate < 0.0005, "{rate}");
    }

    #[test]
    fn planted_days_of_realistic_size_are_found_and_no_others() {
        let mut random = Rng::with_seed(7);
        for number in 0..60 {
            let level = [60.0, 300.0, 4_000.0][number % 3];
            let mut series = clean(&mut random, level, 0.08);
            // One in the history of the others, which must not hide them.
            for (number, factor) in [(70, 3.0), (86, 3.5), (93, 0.0), (95, 0.3)] {
                *series.get_mut(&day(number)).unwrap() *= factor;
            }
            let found = dates(&judge_last_weeks(&series));
            // That it fell to a third can be told where there is enough to count.
            let expected = if level > 1_000.0 { vec![day(86), day(93), day(95)] } else { vec![day(86), day(93)] };
            assert!(expected.iter().all(|day| found.contains(day)), "{level}: {found:?}");
            assert!(found.iter().all(|it| [day(86), day(93), day(95)].contains(it)), "{level}: {found:?}");
        }
    }

    /// Always the same number, but for the weekend.
    fn steady_weeks(weekday: f64, weekend: f64) -> Daily {
        let of = |day: NaiveDate| if day.weekday().num_days_from_monday() < 5 { weekday } else { weekend };
        (0..DAYS).map(|number| (day(number), of(day(number)))).collect()
    }

    #[test]
    fn a_near_miss_is_none_and_a_saturday_is_compared_with_saturdays() {
        let (saturday, monday) = (day(89), day(91));
        let mut series = steady_weeks(400.0, 100.0);
        // Counting alone makes 20 of 400, so 100 more is far and 80 more is not.
        series.insert(monday, 480.0);
        assert_eq!(dates(&judge_last_weeks(&series)), []);
        series.insert(monday, 520.0);
        series.insert(saturday, 260.0);
        let judgement = judge_last_weeks(&series);
        assert_eq!(dates(&judgement), [saturday, monday]);
        let outlier = judgement.outliers[0];
        assert!((outlier.expected - 100.0).abs() < 2.0 && outlier.low < 60.0 && outlier.high > 140.0, "{outlier:?}");
        assert!(outlier.high < 260.0);
        series.insert(saturday, 400.0);
        assert!(dates(&judge_last_weeks(&series)).contains(&saturday), "as on a Monday, but it is a Saturday");
    }

    #[test]
    fn too_little_history_is_said_and_not_guessed() {
        let series: Daily = steady_weeks(400.0, 100.0).into_iter().skip(60).collect();
        let judgement = judge_last_weeks(&series);
        // The first day with five weeks before it.
        assert_eq!((judgement.too_early, judgement.judged), (11, 3));
        let young: Daily = series.into_iter().skip(20).collect();
        let judgement = judge_last_weeks(&young);
        assert_eq!((judgement.judged, judgement.dispersion, judgement.outliers.len()), (0, None, 0));
        assert_eq!(judge_last_weeks(&Daily::new()), Judgement::default());
    }

    #[test]
    fn holes_are_named_and_are_no_zeros() {
        let mut series = steady_weeks(400.0, 100.0);
        for hole in [40, 41, 42, 86] {
            series.remove(&day(hole));
        }
        // A source that lags has no holes at its end.
        series.remove(&day(DAYS - 1));
        let judgement = judge_last_weeks(&series);
        assert_eq!((judgement.holes, judgement.judged, judgement.outliers.len()), (vec![day(86)], 12, 0));
    }

    #[test]
    fn a_new_level_is_usual_after_a_week_or_two() {
        let mut series = steady_weeks(400.0, 100.0);
        for number in 60..DAYS {
            *series.get_mut(&day(number)).unwrap() *= 2.0;
        }
        assert_eq!(dates(&judge_last_weeks(&series)), []);
    }

    #[test]
    fn nothing_every_day_is_usual_and_a_handful_then_is_not() {
        let mut series: Daily = (0..DAYS).map(|number| (day(number), 0.0)).collect();
        assert_eq!(dates(&judge_last_weeks(&series)), []);
        series.insert(day(90), 2.0);
        series.insert(day(92), 12.0);
        assert_eq!(dates(&judge_last_weeks(&series)), [day(92)]);
    }
}
