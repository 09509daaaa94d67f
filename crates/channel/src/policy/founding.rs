//! Why a channel's group took another one's place (PROTOCOL.md §5.9).

use enlace_identity::names::Domain;
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
    /// Whom it is to be rid of.
    pub expulsion: Option<Expulsion>,
}

/// Why a channel goes on in another group.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FoundingReason {
    /// Fresh keys for everybody, perhaps of another suite.
    Renewal,
    /// Nobody could follow the newest change of the group before.
    Poisoned,
    /// An authority is out, with all of its officers.
    Expulsion,
}

/// An authority that has to go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expulsion {
    /// Which.
    pub authority: Domain,
    /// The entries by which leads of other authorities consent, each an `enlace.channel.v1.Entry`.
    pub consents: Vec<Vec<u8>>,
}

impl Founding {
    /// The most consents, and the most bytes of one.
    const MAX_CONSENTS: (usize, usize) = (512, 8 << 10);

    /// With the same members.
    #[must_use]
    pub fn of_all(predecessor: Seq, reason: FoundingReason) -> Self {
        Self { predecessor, reason, expulsion: None }
    }

    /// Reads the two fields; a group has both, or as the channel's first one neither.
    pub(super) fn of_wire(
        generation: Generation,
        predecessor: Option<u64>,
        founding: Option<wire::Founding>,
    ) -> Result<Option<Self>, PolicyError> {
        match (generation.0, predecessor, founding) {
            (0, None, None) => Ok(None),
            (1.., Some(predecessor @ ..=MAX_SEQ), Some(founding)) => {
                let reason = FoundingReason::of_wire(founding.reason)?;
                let expulsion = Expulsion::of_wire(founding)?;
                if expulsion.is_some() != (reason == FoundingReason::Expulsion) {
                    return Err(PolicyError::Value("founding"));
                }
                Ok(Some(Self { predecessor: Seq(predecessor), reason, expulsion }))
            }
            _ => Err(PolicyError::Value("founding")),
        }
    }

    pub(super) fn to_wire(&self) -> wire::Founding {
        let reason = match self.reason {
            FoundingReason::Renewal => wire::FoundingReason::Renewal,
            FoundingReason::Poisoned => wire::FoundingReason::Poisoned,
            FoundingReason::Expulsion => wire::FoundingReason::Expulsion,
        };
        let expulsion = self.expulsion.as_ref();
        wire::Founding {
            reason: reason.into(),
            expelled: expulsion.map(|e| e.authority.to_string()).unwrap_or_default(),
            consents: expulsion.map(|e| e.consents.clone()).unwrap_or_default(),
        }
    }
}

impl FoundingReason {
    fn of_wire(reason: i32) -> Result<Self, PolicyError> {
        match wire::FoundingReason::try_from(reason) {
            Ok(wire::FoundingReason::Renewal) => Ok(Self::Renewal),
            Ok(wire::FoundingReason::Poisoned) => Ok(Self::Poisoned),
            Ok(wire::FoundingReason::Expulsion) => Ok(Self::Expulsion),
            Ok(wire::FoundingReason::Unspecified) | Err(_) => Err(PolicyError::Value("founding")),
        }
    }
}

impl Expulsion {
    fn of_wire(founding: wire::Founding) -> Result<Option<Self>, PolicyError> {
        let (most, longest) = Founding::MAX_CONSENTS;
        let wire::Founding { expelled, consents, .. } = founding;
        let refused = PolicyError::Value("founding");
        if expelled.is_empty() {
            return if consents.is_empty() { Ok(None) } else { Err(refused) };
        }
        if consents.len() > most || consents.iter().any(|consent| consent.len() > longest) {
            return Err(refused);
        }
        let authority = expelled.parse().map_err(|_| refused)?;
        Ok(Some(Self { authority, consents }))
    }
}

impl Policy {
    /// The policy of the group that takes this one's place; an authority that is expelled is not in
    /// it.
    ///
    /// # Errors
    /// As [`Policy::edit`].
    pub fn succeed(&self, founding: Founding) -> Result<Self, PolicyError> {
        self.edit()?.succeed(founding).finish()
    }
}
