//! What a modified program does.

use super::rank::Rank;

/// What a modified program does that no honest one would.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Misdeed {
    /// Commits a removal that its officer may not make.
    Removal(usize),
    /// Commits a role for somebody that its officer may not give.
    Role(usize, Rank),
    /// Commits, and tells the hub a list of devices that lacks somebody who is in the group.
    List(usize),
    /// Closes the channel, or opens it, which its officer may not do.
    Closing(bool),
    /// Commits what is no message of MLS, in an envelope that is in order.
    Garbled,
    /// Commits the beginning of a genuine commit.
    CutShort,
    /// Signs a note as somebody else's.
    AnothersName(usize),
    /// Sends a note as somebody else's.
    AnothersEnvelope(usize),
    /// Sends a note under a commitment to another.
    Commitment,
    /// Quotes a head that the hub never signed.
    Quote,
    /// Objects to a change that concerns nobody.
    Contest,
    /// Writes in a channel that is closed.
    Late,
}

impl Misdeed {
    /// Whether it is a change that every honest member has to void.
    #[must_use]
    pub fn is_breach(self) -> bool {
        match self {
            Self::Removal(_)
            | Self::Role(..)
            | Self::List(_)
            | Self::Closing(_)
            | Self::Garbled
            | Self::CutShort => true,
            Self::AnothersName(_)
            | Self::AnothersEnvelope(_)
            | Self::Commitment
            | Self::Quote
            | Self::Contest
            | Self::Late => false,
        }
    }
}
