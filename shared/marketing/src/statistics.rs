//! Robust statistics: what single wild values cannot pull away.

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
