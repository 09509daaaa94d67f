//! The power supply of one life of a node. Once it is cut, nothing that the node still does has
//! any effect: no datagram leaves it, and nothing reaches its disk. So a crash hits at exactly one
//! effect, whatever tasks the node is made of and wherever they wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// No effect is the last.
const NEVER: u64 = u64::MAX;

/// A node's power. Clones are the same supply.
#[derive(Clone, Debug, Default)]
pub struct Power(Arc<Supply>);

#[derive(Debug)]
struct Supply {
    /// Effects that may still take place.
    left: AtomicU64,
    gone: Notify,
}

impl Default for Supply {
    fn default() -> Self {
        Self { left: AtomicU64::new(NEVER), gone: Notify::new() }
    }
}

impl Power {
    /// Cuts the power after so many more effects.
    pub fn cut_after(&self, effects: u64) {
        self.0.left.store(effects, Ordering::SeqCst);
        if effects == 0 {
            self.0.gone.notify_waiters();
        }
    }

    /// Whether the node lives.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.left.load(Ordering::SeqCst) > 0
    }

    /// An effect is about to take place; whether it may.
    #[must_use]
    pub fn allow(&self) -> bool {
        let left = self.0.left.load(Ordering::SeqCst);
        if left == 0 {
            return false;
        }
        if left != NEVER {
            self.0.left.store(left - 1, Ordering::SeqCst);
            if left == 1 {
                self.0.gone.notify_waiters();
            }
        }
        true
    }

    /// Waits until the power is gone.
    pub async fn gone(&self) {
        loop {
            let gone = self.0.gone.notified();
            if !self.is_on() {
                return;
            }
            gone.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_end_where_the_power_is_cut() {
        let power = Power::default();
        assert!(power.allow());
        power.cut_after(2);
        assert!(power.allow() && power.is_on());
        assert!(power.allow() && !power.is_on());
        assert!(!power.allow());
    }
}
