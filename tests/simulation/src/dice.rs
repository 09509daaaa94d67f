//! Where all chance of a run comes from: SHA-256 in counter mode over the seed.
//!
//! A run needs several independent sources, so that one more draw in one place does not change
//! every other place: [`Dice::fork`] makes them by name.

use std::ops::Range;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// A source of chance. The same seed and the same draws give the same numbers.
#[derive(Clone, Debug)]
pub struct Dice {
    key: [u8; 32],
    drawn: u64,
}

impl Dice {
    /// The source of a run.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::named(&seed.to_be_bytes(), "run")
    }

    /// Another source, independent of this one's further draws.
    #[must_use]
    pub fn fork(&self, name: &str) -> Self {
        Self::named(&self.key, name)
    }

    fn named(key: &[u8], name: &str) -> Self {
        let digest = Sha256::new().chain_update(key).chain_update(name);
        Self { key: digest.finalize().into(), drawn: 0 }
    }

    /// 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let digest = Sha256::new().chain_update(self.key).chain_update(self.drawn.to_be_bytes());
        digest.finalize().into()
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        let bytes = self.bytes();
        bytes[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A number of a range, which must not be empty.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.number() % (range.end - range.start)
    }

    /// An index below `count`, which must not be 0.
    pub fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.within(0..count as u64)).expect("it is below a usize")
    }

    /// One of these; there must be one.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.index(of.len())]
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.within(0..1000) < per_mille
    }

    /// A length of time of a range of milliseconds, which must not be empty.
    pub fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_does_not_depend_on_later_draws() {
        let mut dice = Dice::new(7);
        let early = dice.fork("links").number();
        let _ = dice.number();
        assert_eq!(dice.fork("links").number(), early);
        assert_ne!(dice.fork("plan").number(), early);
        assert_ne!(Dice::new(8).fork("links").number(), early);
    }

    #[test]
    fn draws_stay_in_their_range() {
        let mut dice = Dice::new(1);
        for _ in 0..100 {
            assert!((3..5).contains(&dice.within(3..5)));
            assert!(dice.index(2) < 2);
        }
        assert!(!dice.chance(0) && dice.chance(1000));
    }
}
