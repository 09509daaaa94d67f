//! Instants as the protocol writes them: milliseconds since 1970, UTC, without leap seconds.
//!
//! This crate never asks for the time; whoever owns a clock passes it in.

use std::time::Duration;

/// Unix time in milliseconds.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds since 1970.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// Later by `duration`; stops at the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// Earlier by `duration`; stops at 1970.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long ago `earlier` was, or zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A span of time in which something holds: from `not_before` on, and before `not_after`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Validity {
    /// The first instant at which it holds.
    pub not_before: Timestamp,
    /// The first instant at which it no longer holds.
    pub not_after: Timestamp,
}

/// Why something does not hold at a given time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ValidityError {
    /// It will hold later, or the clock is slow.
    #[error("not valid yet")]
    NotYetValid,
    /// It held once: a new one is needed.
    #[error("expired")]
    Expired,
}

impl Validity {
    /// From `start` on, for `length`.
    #[must_use]
    pub fn starting(start: Timestamp, length: Duration) -> Self {
        Self { not_before: start, not_after: start.plus(length) }
    }

    /// Whether it holds at `at`.
    ///
    /// # Errors
    /// [`ValidityError`] says on which side of the span `at` lies.
    pub fn check(&self, at: Timestamp) -> Result<(), ValidityError> {
        if at < self.not_before {
            Err(ValidityError::NotYetValid)
        } else if at >= self.not_after {
            Err(ValidityError::Expired)
        } else {
            Ok(())
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_exclusive() {
        let span = Validity::starting(Timestamp::from_secs(10), Duration::from_secs(5));
        let at = |millis| span.check(Timestamp::from_millis(millis));
        assert_eq!(at(9_999), Err(ValidityError::NotYetValid));
        assert_eq!((at(10_000), at(14_999)), (Ok(()), Ok(())));
        assert_eq!(at(15_000), Err(ValidityError::Expired));
    }

    #[test]
    fn arithmetic_saturates() {
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(Timestamp::default().minus(Duration::MAX), Timestamp::default());
        assert_eq!(Timestamp::default().since(end), Duration::ZERO);
    }
}
