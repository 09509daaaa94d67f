//! The channels of this device.

use std::fmt;
use std::str::FromStr;

use enlace_identity::names::Domain;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, SignedHead};

use super::StoreError;

/// A channel, as lists show it; the truth about it is in its state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChannelRow {
    /// Which.
    pub id: ChannelId,
    /// The authority whose relay orders it.
    pub hub: Domain,
    /// Its title, as of the last item.
    pub title: String,
    /// How this device stands to it.
    pub standing: ChannelStanding,
    /// Why its log is no longer taken in, if it isn't.
    pub stopped: Option<String>,
    /// The newest signed head that was verified.
    pub head: Option<SignedHead>,
    /// When this device joined or created it.
    pub joined_at: Timestamp,
    /// When this device last renewed its keys in it.
    pub updated_at: Timestamp,
}

/// How this device stands to a channel.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ChannelStanding {
    /// Made here, not yet accepted by its hub.
    Creating,
    /// Joined; no other member's item has confirmed it yet.
    Provisional,
    /// A member.
    Member,
    /// A commit's secrets did not reach this device: it reads and writes nothing new.
    Stranded,
    /// Removed: what is here stays readable.
    Removed,
}

/// Channels.
pub trait ChannelRows {
    /// All channels, oldest first.
    ///
    /// # Errors
    /// When the engine fails.
    fn channels(&self) -> Result<Vec<ChannelRow>, StoreError>;

    /// One channel.
    ///
    /// # Errors
    /// When the engine fails.
    fn channel(&self, id: ChannelId) -> Result<Option<ChannelRow>, StoreError>;

    /// Writes a channel, over what was there.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_channel(&self, row: &ChannelRow) -> Result<(), StoreError>;
}

impl ChannelStanding {
    const ALL: [Self; 5] =
        [Self::Creating, Self::Provisional, Self::Member, Self::Stranded, Self::Removed];

    /// Its name in the store and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Provisional => "provisional",
            Self::Member => "member",
            Self::Stranded => "stranded",
            Self::Removed => "removed",
        }
    }
}

impl fmt::Display for ChannelStanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ChannelStanding {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|standing| standing.as_str() == text);
        found.ok_or(StoreError::Corrupt("standing"))
    }
}
