use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Period, Point, Provenance, Series, Unit};
use crate::Result;

/// Numbers by the values of a dimension, beside those of the period before.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where it comes from.
    pub provenance: Provenance,
    /// The days that it is about.
    pub period: Period,
    /// The days that it is compared with.
    pub previous: Option<Period>,
    /// What the rows stand for, such as a channel.
    pub dimension: Option<String>,
    /// The largest first, or in the order of days.
    pub rows: Vec<Row>,
    /// Of everything, as the platform says it: the rows may be cut off.
    pub totals: Vec<Cell>,
    /// How many rows there are besides.
    pub left_out: usize,
}

/// The numbers of one value.
#[derive(Clone, Debug)]
pub struct Row {
    /// The value, such as `Organic Search`.
    pub key: String,
    /// One for each metric.
    pub cells: Vec<Cell>,
}

/// A number and what it was before.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The metric.
    pub metric: String,
    /// What it counts.
    pub unit: Unit,
    /// Now; absent when the platform says nothing.
    pub value: Option<f64>,
    /// In the period before.
    pub previous: Option<f64>,
}

impl Cell {
    /// By how much it changed.
    #[must_use]
    pub fn change(&self) -> Option<f64> {
        Some(self.value? - self.previous?)
    }

    /// The same as a part of what it was: 0.25 is a quarter more. Absent when there was nothing before.
    #[must_use]
    pub fn change_ratio(&self) -> Option<f64> {
        let previous = self.previous.filter(|previous| *previous != 0.0)?;
        Some(self.change()? / previous)
    }
}

/// What a table is to be of.
pub(super) struct Wanted {
    pub(super) period: Period,
    pub(super) compare: bool,
    pub(super) dimension: Option<String>,
    pub(super) limit: usize,
}

/// Numbers by value, as a platform gives them. Everything together has the empty text as its value.
pub(super) type Numbers = BTreeMap<String, Vec<Option<f64>>>;

/// A question to a platform, to be asked of several periods.
#[async_trait]
pub(super) trait Question: Sync {
    /// The numbers of a period, by the values of a dimension or over everything.
    async fn ask(&self, period: Period, by: Option<&str>) -> Result<Numbers>;
}

impl Table {
    /// Reads both periods, by the dimension and over everything.
    pub(super) async fn read(
        provenance: Provenance,
        metrics: &[(String, Unit)],
        wanted: Wanted,
        question: &impl Question,
    ) -> Result<Self> {
        let Wanted { period, compare, dimension, limit } = wanted;
        let previous = compare.then(|| period.previous());
        let by = dimension.as_deref();
        let divided = async |period: Option<Period>| match (period, by) {
            (Some(period), Some(_)) => question.ask(period, by).await,
            _ => Ok(Numbers::new()),
        };
        let whole = async |period: Option<Period>| match period {
            Some(period) => question.ask(period, None).await,
            None => Ok(Numbers::new()),
        };
        let (now, before, total, total_before) =
            futures::try_join!(divided(Some(period)), divided(previous), whole(Some(period)), whole(previous))?;
        let (rows, left_out) = rows(metrics, now, &before, by == Some("date"), limit);
        let totals = cells(metrics, total.values().next(), total_before.values().next());
        Ok(Self { provenance, period, previous, dimension, rows, totals, left_out })
    }
}

/// The metrics by day, with their totals. What the platform does not tell is left out.
pub(super) fn series(metrics: &[(&str, Unit)], by_day: &Numbers, totals: Numbers) -> Vec<Series> {
    let totals = totals.into_values().next().unwrap_or_default();
    let of = |(index, (metric, unit)): (usize, &(&str, Unit))| Series {
        metric: (*metric).to_owned(),
        unit: *unit,
        part: None,
        total: totals.get(index).copied().flatten(),
        as_of_now: false,
        points: by_day
            .iter()
            .filter_map(|(day, values)| {
                Some(Point { date: day.parse().ok()?, value: values.get(index).copied().flatten()? })
            })
            .collect(),
    };
    let all = metrics.iter().enumerate().map(of);
    all.filter(|series| series.total.is_some() || !series.points.is_empty()).collect()
}

/// Lays two periods beside each other. `is_by_day`: days of different periods are not the same.
fn rows(
    metrics: &[(String, Unit)],
    now: Numbers,
    before: &Numbers,
    is_by_day: bool,
    limit: usize,
) -> (Vec<Row>, usize) {
    let mut keys: Vec<&String> = now.keys().collect();
    if !is_by_day {
        keys.extend(before.keys().filter(|key| !now.contains_key(*key)));
    }
    let mut rows: Vec<Row> = keys
        .into_iter()
        .map(|key| Row {
            key: key.clone(),
            cells: cells(metrics, now.get(key), before.get(key).filter(|_| !is_by_day)),
        })
        .collect();
    if !is_by_day {
        let size = |row: &Row| row.cells.first().map_or((None, None), |cell| (cell.value, cell.previous));
        rows.sort_by(|a, b| size(b).partial_cmp(&size(a)).unwrap_or(std::cmp::Ordering::Equal));
    }
    let left_out = rows.len().saturating_sub(limit);
    rows.truncate(limit);
    (rows, left_out)
}

fn cells(metrics: &[(String, Unit)], now: Option<&Vec<Option<f64>>>, before: Option<&Vec<Option<f64>>>) -> Vec<Cell> {
    let of =
        |numbers: Option<&Vec<Option<f64>>>, index: usize| numbers.and_then(|all| all.get(index).copied().flatten());
    let cell = |(index, (metric, unit)): (usize, &(String, Unit))| Cell {
        metric: metric.clone(),
        unit: *unit,
        value: of(now, index),
        previous: of(before, index),
    };
    metrics.iter().enumerate().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(rows: &[(&str, f64)]) -> Numbers {
        rows.iter().map(|(key, value)| ((*key).to_owned(), vec![Some(*value)])).collect()
    }

    #[test]
    fn what_is_missing_is_absent_and_no_zero() {
        let metrics = [("sessions".to_owned(), Unit::Count)];
        let (rows, left_out) = rows(
            &metrics,
            numbers(&[("Email", 30.0), ("Direct", 50.0)]),
            &numbers(&[("Email", 20.0), ("Paid", 9.0)]),
            false,
            3,
        );
        assert_eq!(left_out, 0);
        let shown: Vec<_> =
            rows.iter().map(|row| (row.key.as_str(), row.cells[0].value, row.cells[0].previous)).collect();
        assert_eq!(shown, [("Direct", Some(50.0), None), ("Email", Some(30.0), Some(20.0)), ("Paid", None, Some(9.0))]);
        assert_eq!(rows[1].cells[0].change_ratio(), Some(0.5));
        assert_eq!((rows[0].cells[0].change(), rows[2].cells[0].change()), (None, None));
    }

    #[test]
    fn days_are_not_compared_with_other_days() {
        let metrics = [("sessions".to_owned(), Unit::Count)];
        let (rows, left_out) = rows(
            &metrics,
            numbers(&[("2026-01-02", 1.0), ("2026-01-01", 5.0)]),
            &numbers(&[("2025-12-31", 2.0)]),
            true,
            1,
        );
        assert_eq!((rows[0].key.as_str(), rows[0].cells[0].previous, left_out), ("2026-01-01", None, 1));
    }
}
