//! Robust statistics, which single wild values cannot pull away, and how certain it is that numbers differ.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::erf::erfc;
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

/// A count on a scale on which counting alone varies by about one, however much there is (Anscombe 1948,
/// <https://doi.org/10.1093/biomet/35.3-4.246>).
#[must_use]
pub fn steady(count: f64) -> f64 {
    2.0 * (count.max(0.0) + 0.375).sqrt()
}

/// The count at a place on that scale.
#[must_use]
pub fn unsteady(steady: f64) -> f64 {
    (steady.max(0.0).powi(2) / 4.0 - 0.375).max(0.0)
}

/// How certain it is that two counts of as many days differ by more than chance, from 0 to 1. `dispersion` is how many
/// times more than by counting alone the numbers vary; 1 where they are single events.
///
/// The test of two Poisson rates on the scale of square roots (Gu, Ng, Tang and Schucany 2008,
/// <https://doi.org/10.1002/bimj.200710403>), with the dispersion of a quasi-Poisson model.
#[must_use]
pub fn certainty_of_counts(now: f64, before: f64, dispersion: f64) -> f64 {
    certainty((steady(now) - steady(before)) / (2.0 * dispersion.max(1.0)).sqrt())
}

/// The same for two shares, each so many of so many.
///
/// The pooled test of two proportions, <https://www.itl.nist.gov/div898/handbook/prc/section3/prc33.htm>.
#[must_use]
pub fn certainty_of_shares(now: (f64, f64), before: (f64, f64), dispersion: f64) -> Option<f64> {
    let ((hits, of), (hits_before, of_before)) = (now, before);
    if of <= 0.0 || of_before <= 0.0 {
        return None;
    }
    let pooled = (hits + hits_before) / (of + of_before);
    let variance = dispersion.max(1.0) * pooled * (1.0 - pooled) * (1.0 / of + 1.0 / of_before);
    (variance > 0.0).then(|| certainty((hits / of - hits_before / of_before) / variance.sqrt()))
}

/// How certain it is that a value lies outside what so many values around a middle say, by Student's distribution: of
/// few values even a far one may be chance.
#[must_use]
pub fn certainty_of_value(distance: f64, spread: f64, values: u32) -> Option<f64> {
    let known = StudentsT::new(0.0, 1.0, f64::from(values.checked_sub(1).filter(|freedom| *freedom > 0)?)).ok()?;
    // The middle itself is only estimated.
    let spread = spread * (1.0 + 1.0 / f64::from(values)).sqrt();
    let away = (distance / spread).abs();
    away.is_finite().then(|| 1.0 - 2.0 * known.sf(away))
}

/// How little of a normal distribution lies as far out.
fn certainty(distance: f64) -> f64 {
    1.0 - erfc(distance.abs() / std::f64::consts::SQRT_2)
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

    #[test]
    fn certainty_is_what_tables_of_the_distributions_say() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 0.002, "{a} {b}");
        near(certainty(1.959_964), 0.95);
        near(certainty_of_value(2.570_582 * (7.0_f64 / 6.0).sqrt(), 1.0, 6).unwrap(), 0.95);
        assert_eq!(certainty_of_value(1.0, 1.0, 1), None);
        assert_eq!(certainty_of_value(1.0, 0.0, 9), None);
        // 16 of 200 and 32 of 200: z = 2.46.
        near(certainty_of_shares((32.0, 200.0), (16.0, 200.0), 1.0).unwrap(), 0.986);
        assert_eq!(certainty_of_shares((0.0, 0.0), (1.0, 5.0), 1.0), None);
    }

    #[test]
    fn small_counts_and_restless_ones_are_less_certain() {
        assert!(certainty_of_counts(5.0, 2.0, 1.0) < 0.9);
        assert!(certainty_of_counts(500.0, 200.0, 1.0) > 0.999);
        assert!(certainty_of_counts(2_150.0, 2_000.0, 1.0) > 0.95);
        assert!(certainty_of_counts(2_150.0, 2_000.0, 3.0) < 0.95);
        assert!(certainty_of_counts(7.0, 7.0, 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_steady_scale_leads_back() {
        for count in [0.0, 1.0, 7.0, 320.0, 20_000.0] {
            assert!((unsteady(steady(count)) - count).abs() < 1e-6);
        }
    }

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
