//! Which versions of the rules a program applies, and which ones a leaf says that its program does
//! (PROTOCOL.md §5.20).

use std::collections::BTreeSet;

use crate::policy::RULES_VERSION;

/// The first version: every program applies it, and no leaf states it.
const FIRST: u32 = 1;

/// The versions of the rules that a program applies: all from the first to its newest.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProgramRules(u32);

impl ProgramRules {
    /// The versions that this program applies.
    pub const CURRENT: Self = Self(RULES_VERSION);
    /// The newest version that a leaf can state.
    pub const MAX: u32 = 255;

    /// What a program of another version would apply: for tests that let two versions meet. The
    /// rules themselves stay those of this program. Beyond 1 to [`Self::MAX`] the nearest counts.
    #[must_use]
    pub fn dangerous_up_to(newest: u32) -> Self {
        Self(newest.clamp(FIRST, Self::MAX))
    }

    /// The newest of them.
    #[must_use]
    pub fn newest(self) -> u32 {
        self.0
    }

    /// Whether the program applies a version.
    #[must_use]
    pub fn applies(self, version: u32) -> bool {
        (FIRST..=self.0).contains(&version)
    }

    /// What the program's leaves state.
    #[must_use]
    pub fn stated(self) -> StatedRules {
        (FIRST + 1..=self.0).collect()
    }
}

/// The versions of the rules that a leaf's capabilities state. Its word: a program that states
/// more than it applies harms its own device alone.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StatedRules(BTreeSet<u32>);

impl StatedRules {
    /// Whether the leaf's program applies a version, as it says.
    #[must_use]
    pub fn has(&self, version: u32) -> bool {
        version == FIRST || self.0.contains(&version)
    }

    /// The versions after the first, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied()
    }
}

impl FromIterator<u32> for StatedRules {
    fn from_iter<I: IntoIterator<Item = u32>>(versions: I) -> Self {
        let versions = versions.into_iter();
        Self(versions.filter(|version| (FIRST + 1..=ProgramRules::MAX).contains(version)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_states_what_it_applies() {
        assert!(ProgramRules::CURRENT.applies(RULES_VERSION));
        assert!(!ProgramRules::CURRENT.applies(RULES_VERSION + 1));
        assert!(!ProgramRules::CURRENT.applies(0));
        let third = ProgramRules::dangerous_up_to(3);
        assert_eq!(third.stated().iter().collect::<Vec<_>>(), [2, 3]);
        assert!((1..=3).all(|version| third.stated().has(version)));
        assert!(!third.stated().has(4) && !third.stated().has(0));
    }

    #[test]
    fn numbers_that_are_no_version_are_not_stated() {
        let stated: StatedRules = [0, 1, 256, u32::MAX].into_iter().collect();
        assert_eq!(stated, StatedRules::default());
        assert_eq!(ProgramRules::dangerous_up_to(0).newest(), 1);
        assert_eq!(ProgramRules::dangerous_up_to(u32::MAX).newest(), ProgramRules::MAX);
    }
}
