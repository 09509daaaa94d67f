//! Times from one officer's `post` to another's event, and what they amount to.

use std::time::Duration;

use serde::Serialize;

/// What a number of times amount to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Latency {
    /// Half of them were at most this long, in milliseconds.
    pub(super) p50: f64,
    /// Of a hundred, 99 were at most this long, in milliseconds.
    pub(super) p99: f64,
    /// How many there were.
    pub(super) notes: usize,
}

impl Latency {
    /// Of at least one time.
    pub(super) fn of(times: &[Duration]) -> Option<Self> {
        let mut times = times.to_vec();
        times.sort();
        let (p50, p99) = (percentile(&times, 50)?, percentile(&times, 99)?);
        Some(Self { p50, p99, notes: times.len() })
    }
}

/// The nearest rank, in milliseconds to the hundredth.
fn percentile(sorted: &[Duration], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    let time = sorted.get(rank.checked_sub(1)?)?;
    Some((time.as_secs_f64() * 100_000.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        let latency = Latency::of(&times).unwrap();
        assert_eq!(latency, Latency { p50: 100.0, p99: 198.0, notes: 200 });
        let one = Latency::of(&[Duration::from_micros(1234)]).unwrap();
        assert_eq!(one, Latency { p50: 1.23, p99: 1.23, notes: 1 });
        assert_eq!(Latency::of(&[]), None);
    }
}
