//! How long to wait before a lost connection is dialled again.
//!
//! Pure: the caller brings the randomness and does the waiting.

use std::time::Duration;

/// Doubling delays with jitter, so that a thousand clients of a restarted relay don't return at
/// once.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// Delays that begin near `first` and stop growing at `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, ceiling: first.min(longest) }
    }

    /// The next delay: between half of the present ceiling and all of it, by `random`.
    pub fn next(&mut self, random: u8) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = ceiling.saturating_mul(2).min(self.longest);
        ceiling / 2 + ceiling / 2 * u32::from(random) / 255
    }

    /// Starts over: the connection held.
    pub fn reset(&mut self) {
        self.ceiling = self.first.min(self.longest);
    }
}

impl Default for Backoff {
    /// From half a second to one minute.
    fn default() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    #[test]
    fn delays_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let delays: Vec<u64> = (0..5).map(|_| backoff.next(255).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 5, 5]);
        backoff.reset();
        assert_eq!(backoff.next(255), Duration::from_secs(1));
    }

    #[test]
    fn jitter_stays_within_half_of_the_ceiling() {
        for random in 0..=255 {
            let delay = Backoff::default().next(random);
            assert!((Duration::from_millis(250)..=Duration::from_millis(500)).contains(&delay));
        }
    }
}
