//! Why a channel's group took another one's place (PROTOCOL.md §5.9).

use enlace_log::ids::MAX_SEQ;
use enlace_log::{Generation, Seq};
use enlace_proto::channel::v1 as wire;

use super::{Policy, PolicyError};

/// What a group says of the one before it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Founding {
    /// The last commit of the group before.
    pub predecessor: Seq,
    /// Why that group was given up.
    pub reason: FoundingReason,
}

/// Why a channel goes on in another group.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FoundingReason {
    /// Fresh keys for everybody, perhaps of another suite.
    Renewal,
    /// Nobody could follow the newest change of the group before.
    Poisoned,
}

impl Founding {
    /// Reads the two fields; a group has both, or as the channel's first one neither.
    pub(super) fn of_wire(
        generation: Generation,
        predecessor: Option<u64>,
        founding: Option<wire::Founding>,
    ) -> Result<Option<Self>, PolicyError> {
        match (generation.0, predecessor, founding) {
            (0, None, None) => Ok(None),
            (1.., Some(predecessor @ ..=MAX_SEQ), Some(founding)) => Ok(Some(Self {
                predecessor: Seq(predecessor),
                reason: FoundingReason::of_wire(founding.reason)?,
            })),
            _ => Err(PolicyError::Value("founding")),
        }
    }

    pub(super) fn to_wire(&self) -> wire::Founding {
        let reason = match self.reason {
            FoundingReason::Renewal => wire::FoundingReason::Renewal,
            FoundingReason::Poisoned => wire::FoundingReason::Poisoned,
        };
        wire::Founding { reason: reason.into() }
    }
}

impl FoundingReason {
    fn of_wire(reason: i32) -> Result<Self, PolicyError> {
        match wire::FoundingReason::try_from(reason) {
            Ok(wire::FoundingReason::Renewal) => Ok(Self::Renewal),
            Ok(wire::FoundingReason::Poisoned) => Ok(Self::Poisoned),
            Ok(wire::FoundingReason::Unspecified) | Err(_) => Err(PolicyError::Value("founding")),
        }
    }
}

impl Policy {
    /// The policy of the group that takes this one's place.
    ///
    /// # Errors
    /// As [`Policy::edit`].
    pub fn succeed(&self, founding: Founding) -> Result<Self, PolicyError> {
        self.edit()?.succeed(founding).finish()
    }
}
