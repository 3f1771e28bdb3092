//! Robust statistics: what single wild values cannot pull away.

use statrs::stats_tests::Alternative;
use statrs::stats_tests::mannwhitneyu::{MannWhitneyUMethod, mannwhitneyu};

/// The middle of some values; none of none. Values that are no numbers are left out.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, upper))
}

/// How far values are from their middle, as the standard deviation of a normal distribution with the same median
/// absolute deviation (Rousseeuw and Croux 1993, <https://doi.org/10.1080/01621459.1993.10476408>).
#[must_use]
pub fn spread(values: &[f64]) -> Option<f64> {
    const NORMAL: f64 = 1.4826;
    let middle = median(values)?;
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    Some(NORMAL * median(&distances)?)
}

/// How two samples compare by their ranks alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// In which part of all pairs the value of the first is the greater one; a tie is half a pair.
    pub superiority: f64,
    /// How often chance alone gives a difference as large as this, in either direction.
    pub p: f64,
}

/// Compares two samples by the test of Mann and Whitney (1947, <https://doi.org/10.1214/aoms/1177730491>), with the
/// normal approximation, corrected for ties and continuity; none where a sample is empty. Values that are no numbers
/// are left out.
#[must_use]
pub fn compare(first: &[f64], second: &[f64]) -> Option<Comparison> {
    let finite = |values: &[f64]| values.iter().copied().filter(|value| value.is_finite()).collect::<Vec<f64>>();
    let (first, second) = (finite(first), finite(second));
    // The exact way takes time that grows without bounds with the larger sample.
    let method = MannWhitneyUMethod::AsymptoticInclContinuityCorrection;
    let (u, p) = mannwhitneyu(&first, &second, method, Alternative::TwoSided).ok()?;
    let length = |values: &[f64]| u32::try_from(values.len()).map_or(f64::MAX, f64::from);
    // All values alike: nothing differs.
    let p = if p.is_finite() { p.clamp(0.0, 1.0) } else { 1.0 };
    Some(Comparison { superiority: u / (length(&first) * length(&second)), p })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are those of scipy.stats.mannwhitneyu with method "asymptotic".
    #[test]
    fn samples_compare_as_elsewhere() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} is not {b}");
        let ages = compare(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0]).unwrap();
        close(ages.superiority, 17.0 / 20.0);
        close(ages.p, 0.111_346_881_003_4);
        let other_way = compare(&[20.0, 11.0, 17.0, 12.0], &[19.0, 22.0, 16.0, 29.0, 24.0]).unwrap();
        close(other_way.superiority, 3.0 / 20.0);
        close(other_way.p, ages.p);
        let alike = compare(&[1.0; 8], &[1.0; 9]).unwrap();
        assert_eq!((alike.superiority, alike.p), (0.5, 1.0));
        assert_eq!(compare(&[], &[1.0]), None);
        assert_eq!(compare(&[f64::NAN], &[1.0]), None);
        // Samples of very different size are compared at once.
        let many: Vec<f64> = (0..2_000).map(f64::from).collect();
        assert!(compare(&many[..3], &many[3..]).unwrap().p < 0.01);
    }
}
