//! Load at a steady rate, whatever the servers do: the time of each entry is set beforehand, and
//! latency counts from then, so that a server that falls behind cannot hide it.

use std::time::{Duration, Instant};

/// Timers are so coarse.
const TIMER: Duration = Duration::from_millis(2);

/// Times at a fixed interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    start: Instant,
    interval: Duration,
}

impl Pace {
    /// So many a second, from soon on.
    pub(crate) fn per_second(rate: u32) -> Self {
        Self { start: Instant::now() + 10 * TIMER, interval: Duration::from_secs(1) / rate }
    }

    /// When the entry of that index is due.
    pub(crate) fn due(&self, index: u64) -> Instant {
        self.start + self.interval.mul_f64(index as f64)
    }

    /// Waits until then: by a timer at first, awake at last.
    pub(crate) async fn wait(&self, index: u64) {
        let due = self.due(index);
        tokio::time::sleep_until((due - TIMER).into()).await;
        while Instant::now() < due {
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_early() {
        let pace = Pace::per_second(500);
        for index in 0..5 {
            pace.wait(index).await;
            assert!(Instant::now() >= pace.due(index));
        }
        assert_eq!(pace.due(500) - pace.due(0), Duration::from_secs(1));
    }
}
