//! Virtual time, and the clocks that nodes read: each may be wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use enlace_identity::time::Timestamp;
use enlace_transport::Clock;
use tokio::time::Instant;

/// When every run begins: 1 March 2030, 00:00 UTC.
pub const START: Timestamp = Timestamp::from_secs(1_898_553_600);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The right time. It goes with the runtime's paused clock; days can pass at once, in which nothing
/// happens. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Calendar {
    began: Instant,
    days: Arc<AtomicU64>,
}

impl Calendar {
    /// That of a run that begins now.
    #[must_use]
    pub fn new(began: Instant) -> Self {
        Self { began, days: Arc::default() }
    }

    /// So many days pass.
    pub fn pass(&self, days: u64) {
        self.days.fetch_add(days, Ordering::SeqCst);
    }

    /// Whether days have passed.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.days.load(Ordering::SeqCst) > 0
    }

    /// The time since the run began, with the days that have passed.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let days = u32::try_from(self.days.load(Ordering::SeqCst)).unwrap_or(u32::MAX);
        self.began.elapsed() + DAY * days
    }
}

/// The clock of one node. It can be set wrong.
#[derive(Debug)]
pub struct NodeClock {
    calendar: Calendar,
    ahead_ms: AtomicI64,
}

impl NodeClock {
    /// A clock that is right.
    #[must_use]
    pub fn new(calendar: Calendar) -> Self {
        Self { calendar, ahead_ms: AtomicI64::new(0) }
    }

    /// Sets the clock ahead of the right time, or behind it.
    pub fn set_ahead(&self, ms: i64) {
        self.ahead_ms.store(ms, Ordering::SeqCst);
    }
}

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        let right = START.plus(self.calendar.elapsed());
        let ahead = self.ahead_ms.load(Ordering::SeqCst);
        let by = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 { right.minus(by) } else { right.plus(by) }
    }
}
