//! A token bucket: an average rate, and how much may come at once.
//!
//! Pure: the time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// What is left of an allowance. It fills up again by itself.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full one that holds `burst` and refills by `amount` in each `period`.
    pub(crate) fn new(burst: u64, amount: u64, period: Duration, now: Instant) -> Self {
        let capacity = to_f64(burst);
        Self {
            capacity,
            per_second: to_f64(amount) / period.as_secs_f64(),
            level: capacity,
            at: now,
        }
    }

    /// Takes `amount`, or says after how long it could be taken.
    ///
    /// What exceeds the capacity can be taken from a full bucket only, which it leaves in debt:
    /// one large item is not refused for ever.
    pub(crate) fn take(&mut self, amount: u64, now: Instant) -> Result<(), Duration> {
        self.refill(now);
        let amount = to_f64(amount);
        let needed = amount.min(self.capacity);
        if self.level >= needed {
            self.level -= amount;
            return Ok(());
        }
        Err(Duration::from_secs_f64((needed - self.level) / self.per_second))
    }

    /// Gives back what was taken for something that did not happen.
    pub(crate) fn give_back(&mut self, amount: u64) {
        self.level = (self.level + to_f64(amount)).min(self.capacity);
    }

    /// Whether nothing is missing, so that forgetting it changes nothing.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.level >= self.capacity
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.level = (self.level + passed * self.per_second).min(self.capacity);
    }
}

/// Exact up to 2^53, and no limit is larger.
#[allow(clippy::cast_precision_loss)]
fn to_f64(amount: u64) -> f64 {
    amount as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_served_and_then_the_average_holds() {
        let start = Instant::now();
        let mut bucket = Bucket::new(3, 2, Duration::from_secs(1), start);
        for _ in 0..3 {
            assert_eq!(bucket.take(1, start), Ok(()));
        }
        assert_eq!(bucket.take(1, start), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(1, start + Duration::from_millis(500)), Ok(()));
        assert!(!bucket.is_full(start + Duration::from_secs(1)));
        assert!(bucket.is_full(start + Duration::from_secs(3)));
    }

    #[test]
    fn one_large_amount_passes_and_is_paid_off() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 10, Duration::from_secs(1), start);
        assert_eq!(bucket.take(30, start), Ok(()));
        assert!(bucket.take(1, start + Duration::from_secs(1)).is_err());
        assert_eq!(bucket.take(10, start + Duration::from_secs(3)), Ok(()));
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut bucket = Bucket::new(1, 1, Duration::from_secs(1), start);
        assert_eq!(bucket.take(1, start), Ok(()));
        assert!(bucket.take(1, start - Duration::from_secs(5)).is_err());
        assert!(bucket.take(1, start).is_err());
    }
}
