//! Counting: a histogram of latencies, medians, and the few conversions figures need.

use std::time::Duration;

use serde::Serialize;

/// Sub-buckets of each power of two: latencies are kept to within 0.8 %.
const MANTISSA_BITS: u32 = 7;
const SUB_BUCKETS: u64 = 1 << MANTISSA_BITS;
const BUCKETS: usize = (64 - MANTISSA_BITS as usize + 1) << MANTISSA_BITS;

/// Latencies in nanoseconds, in buckets that grow with the value.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Vec<u32>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, latency: Duration) {
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The latency that `share` (0 to 1) of all stayed within; zero when nothing was recorded.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let mut seen = 0_u64;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if *count > 0 && real(seen) >= share * real(self.total) {
                return Duration::from_nanos(middle(index));
            }
        }
        Duration::ZERO
    }
}

fn bucket(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(MANTISSA_BITS + 1);
    let index = u64::from(shift) * SUB_BUCKETS + (value >> shift);
    usize::try_from(index).unwrap_or(BUCKETS - 1).min(BUCKETS - 1)
}

fn middle(index: usize) -> u64 {
    let index = index as u64;
    let shift = (index / SUB_BUCKETS).saturating_sub(1);
    let low = (index - shift * SUB_BUCKETS) << shift;
    low + ((1 << shift) >> 1)
}

/// The middle of the values, or the mean of the two in the middle; `None` of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[half]),
        _ => Some(f64::midpoint(sorted[half - 1], sorted[half])),
    }
}

/// Several ratios: the one in the middle, and between which they lay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Ratio {
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let least = values.iter().copied().min_by(f64::total_cmp)?;
        let most = values.iter().copied().max_by(f64::total_cmp)?;
        Some(Self { median: median(values)?, least, most })
    }

    /// Each value over the mean of its neighbours among the others: the one taken before it and the one after.
    pub(crate) fn between(values: &[f64], others: &[f64]) -> Option<Self> {
        let pairs = others.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
        let ratios: Vec<f64> = values.iter().zip(pairs).map(|(value, other)| value / other).collect();
        Self::of(&ratios)
    }
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts of a run stay far below 2^52")]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_within_one_percent_of_the_recorded_latencies() {
        let mut histogram = Histogram::default();
        for microseconds in 1..=10_000 {
            histogram.record(Duration::from_micros(microseconds));
        }
        for (share, want) in [(0.5, 5_000.0), (0.99, 9_900.0), (1.0, 10_000.0)] {
            let got = micros(histogram.quantile(share));
            assert!((got - want).abs() / want < 0.01, "share {share}: {got} instead of {want}");
        }
    }

    #[test]
    fn the_longest_latencies_have_a_bucket() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::MAX);
        histogram.record(Duration::ZERO);
        assert_eq!(histogram.total(), 2);
        assert!(histogram.quantile(1.0) > Duration::from_secs(1));
    }

    #[test]
    fn a_median_is_not_moved_by_one_bad_run() {
        assert_eq!(median(&[3.0, 900.0, 1.0]), Some(3.0));
        assert_eq!(median(&[4.0, 2.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }
}
