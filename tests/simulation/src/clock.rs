//! Virtual time, and the clocks that nodes read: each may be wrong.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use enlace_identity::time::Timestamp;
use enlace_transport::Clock;
use tokio::time::Instant;

/// When every run begins: 1 March 2030, 00:00 UTC.
pub const START: Timestamp = Timestamp::from_secs(1_898_553_600);

/// The clock of one node. It goes with the runtime's paused clock, and can be set wrong.
#[derive(Debug)]
pub struct NodeClock {
    began: Instant,
    ahead_ms: AtomicI64,
}

impl NodeClock {
    /// A clock that is right.
    #[must_use]
    pub fn new(began: Instant) -> Self {
        Self { began, ahead_ms: AtomicI64::new(0) }
    }

    /// Sets the clock ahead of the right time, or behind it.
    pub fn set_ahead(&self, ms: i64) {
        self.ahead_ms.store(ms, Ordering::SeqCst);
    }
}

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        let right = START.plus(self.began.elapsed());
        let ahead = self.ahead_ms.load(Ordering::SeqCst);
        let by = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 { right.minus(by) } else { right.plus(by) }
    }
}
