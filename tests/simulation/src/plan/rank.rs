//! Roles in a plan.

use enlace_channel::policy::Role;

/// A member's role, as a plan gives it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rank {
    /// Closes the channel, and lets authorities in.
    Owner,
    /// May admit and remove its authority's officers.
    Lead,
    /// Writes; in a forum, asks.
    Member,
    /// Publishes in a forum.
    Guide,
    /// Reads.
    Observer,
}

impl Rank {
    /// As the rules know it.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Owner => Role::Owner,
            Self::Lead => Role::Lead,
            Self::Member => Role::Member,
            Self::Guide => Role::Guide,
            Self::Observer => Role::Observer,
        }
    }
}
