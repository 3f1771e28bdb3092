//! Public holidays, by country.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;

/// Country, day and name; see the head of the file.
const DAYS: &str = include_str!("../../data/holidays.tsv");
/// Which country a zone is in, from the time zone database.
const ZONES: &str = include_str!("../../data/zone.tab");

/// The days that the whole of a country has off. Those of single regions are not among them.
#[derive(Clone, Debug, Default)]
pub struct Holidays(BTreeMap<NaiveDate, &'static str>);

impl Holidays {
    /// Those of a country, by its ISO 3166 code such as `DE`; none for a country that is not known.
    #[must_use]
    pub fn of(country: &str) -> Self {
        let days = of_country(country).filter_map(|line| {
            let (day, name) = line.split_once('\t')?;
            Some((day.parse().ok()?, name))
        });
        Self(days.collect())
    }

    /// The last year whose days are known, for a country that is.
    #[must_use]
    pub fn last_year(&self) -> Option<i32> {
        Some(self.0.keys().next_back()?.year())
    }

    /// What a day is called, if it is one of them.
    #[must_use]
    pub fn name(&self, day: NaiveDate) -> Option<&'static str> {
        self.0.get(&day).copied()
    }
}

/// The rest of the lines of a country.
fn of_country(country: &str) -> impl Iterator<Item = &'static str> {
    let lines = DAYS.lines().filter_map(|line| line.split_once('\t'));
    lines.filter(move |(code, _)| *code == country).map(|(_, rest)| rest)
}

/// The country that a zone is in, where it is in one.
#[must_use]
pub fn country_of(zone: Tz) -> Option<&'static str> {
    let lines = ZONES.lines().filter(|line| !line.starts_with('#'));
    let mut columns = lines.map(|line| line.split('\t'));
    columns.find_map(|mut columns| {
        let country = columns.next()?;
        (columns.nth(1)? == zone.name()).then_some(country)
    })
}

/// Whether the holidays of a country are known.
#[must_use]
pub fn is_known(country: &str) -> bool {
    of_country(country).next().is_some()
}
