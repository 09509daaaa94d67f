//! How often the files are cleaned of what was erased: each time the whole store is written anew, so
//! nobody may cause that as often as they like.
//!
//! Some at once, then one in a while: what an officer erases in a day's work is gone at once, and who
//! erases again and again makes others' devices write no more than a set part of the time. Nothing is
//! left out: what is put off is done a little later, or when the program ends.

use std::time::Duration;

use enlace_identity::time::Timestamp;

/// So many times without a pause.
const AT_ONCE: u32 = 8;

/// After those, once in so long at the most.
const EVERY: Duration = Duration::from_secs(30);

/// And no more than this part of the time.
const PART: u32 = 20;

/// How long nothing is cleaned after the files could not be, as on a full disk: each try writes the
/// whole store. Doubled with each failure in a row.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// How far that goes.
const LONGEST_AFTER_FAILURE: Duration = Duration::from_secs(3600);

/// When the files may be cleaned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cleaning {
    /// How often they still may, as of `since`.
    left: u32,
    since: Timestamp,
    every: Duration,
    /// When it last failed, and how long it is not tried again.
    failed: Option<(Timestamp, Duration)>,
}

impl Default for Cleaning {
    fn default() -> Self {
        let since = Timestamp::default();
        Self { left: AT_ONCE, since, every: EVERY, failed: None }
    }
}

impl Cleaning {
    /// When the files may be cleaned: `now`, or later. A clock that was ahead holds nothing up.
    pub(super) fn next(&mut self, now: Timestamp) -> Timestamp {
        self.refill(now);
        let after_failure = self.failed.filter(|(at, _)| *at <= now);
        let after_failure = after_failure.map_or(now, |(at, wait)| at.plus(wait));
        let rested = if self.left > 0 { now } else { self.since.plus(self.every) };
        now.max(after_failure).max(rested)
    }

    /// They were, which took so long.
    pub(super) fn cleaned(&mut self, now: Timestamp, took: Duration) {
        self.refill(now);
        if self.left == AT_ONCE {
            self.since = now;
        }
        self.left = self.left.saturating_sub(1);
        self.every = EVERY.max(took * PART);
        self.failed = None;
    }

    /// They could not be.
    pub(super) fn failed(&mut self, now: Timestamp) {
        let wait = self.failed.map_or(AFTER_FAILURE, |(_, wait)| wait * 2);
        self.failed = Some((now, wait.min(LONGEST_AFTER_FAILURE)));
    }

    fn refill(&mut self, now: Timestamp) {
        if now < self.since {
            self.since = now;
        }
        while self.left < AT_ONCE && self.since.plus(self.every) <= now {
            self.since = self.since.plus(self.every);
            self.left += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn some_at_once_and_then_one_in_a_while() {
        let mut cleaning = Cleaning::default();
        for _ in 0..AT_ONCE {
            assert_eq!(cleaning.next(NOW), NOW);
            cleaning.cleaned(NOW, Duration::ZERO);
        }
        assert_eq!(cleaning.next(NOW), after(30));
        assert_eq!(cleaning.next(after(29)), after(30));
        assert_eq!(cleaning.next(after(30)), after(30));
        // What takes long is done less often.
        cleaning.cleaned(after(30), Duration::from_secs(6));
        assert_eq!(cleaning.next(after(31)), after(150));
        // After a quiet time as at first.
        let later = after(10_000);
        for _ in 0..AT_ONCE {
            assert_eq!(cleaning.next(later), later);
            cleaning.cleaned(later, Duration::ZERO);
        }
        assert!(cleaning.next(later) > later);
    }

    #[test]
    fn a_clock_that_was_ahead_holds_nothing_up_for_long() {
        let mut cleaning = Cleaning::default();
        let ahead = after(1_000_000);
        for _ in 0..AT_ONCE {
            cleaning.cleaned(ahead, Duration::ZERO);
        }
        cleaning.failed(ahead);
        assert_eq!(cleaning.next(NOW), after(30));
    }
}
