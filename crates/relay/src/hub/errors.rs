//! Why the hub says no, sorted by operation, and what the wire says of it.

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::Seq;
use enlace_log::ids::seq_to_u64;
use enlace_log::item::ItemError;
use enlace_log::membership::MembershipError;
use enlace_log::replica::ReplicaError;
use enlace_proto::relay::v1::{Error, ErrorCode};

use super::core::{NotYet, RefillError};
use super::trust::TrustError;
use crate::storage::StorageError;

/// The sequencer could not do its part; nobody's fault outside this relay.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unavailable {
    /// The storage failed; whether the write happened is not known. Send the same again.
    #[error("the relay's storage failed")]
    Storage,
    /// The relay is being stopped. Connect again later.
    #[error("the relay is being stopped")]
    Stopped,
}

/// Why a submitted item or a lease is refused. Nothing has changed then.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SubmitError {
    /// The item does not fit together.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// The payload is missing.
    #[error("the item has no payload")]
    NoPayload,
    /// The caller may not speak for this device.
    #[error("the caller may not submit for {0}")]
    NotTheCallers(DeviceName),
    /// Only a hub states what a hub states.
    #[error("a hub statement cannot be submitted")]
    HubStatement,
    /// The certificate of the outer signature's key is not accepted.
    #[error(transparent)]
    Certificate(#[from] TrustError),
    /// The outer signature is not by the device that the envelope names.
    #[error("the outer signature is not by the device that the envelope names")]
    OuterSignature,
    /// The welcomes are not those that the envelope names, or not for those whom the commit admits.
    #[error("the welcomes do not fit the commit")]
    Welcomes,
    /// More devices than a channel may have.
    #[error("a channel may have at most {0} devices")]
    TooManyDevices(usize),
    /// The device list is too long to be delivered with a welcome.
    #[error("the names of the channel's devices are too long to admit another one")]
    ListTooLong,
    /// The author's certificate is known to be revoked.
    #[error("the certificate of {0} is revoked")]
    Revoked(DeviceName),
    /// The author is suspended: it may submit again once that is lifted.
    #[error("{0} is suspended")]
    Suspended(DeviceName),
    /// No such channel here.
    #[error("the channel is not known here")]
    UnknownChannel,
    /// The channel is ordered elsewhere: submit there.
    #[error("the channel's hub is {0}")]
    NotTheHub(Domain),
    /// A channel with this id exists.
    #[error("the channel exists already")]
    ChannelExists,
    /// Only this authority's own devices create channels at its relay.
    #[error("only devices of {0} create channels here")]
    ForeignCreator(Domain),
    /// The first item is no commit of generation 0 without a fence.
    #[error("a channel begins with a commit of generation 0")]
    NotAFirstItem,
    /// The channel's id is not the one that this hub and the nonce lead to.
    #[error("the channel's id is not derived from {0} and the nonce")]
    ChannelId(Domain),
    /// The client id stands for another content already.
    #[error("the client id was used for something else")]
    ClientIdReused,
    /// Commits came in between: process them, then send again.
    #[error("the fence is at {0:?}")]
    StaleFence(Option<Seq>),
    /// A commit without a lease.
    #[error("a commit needs a lease")]
    LeaseMissing,
    /// Somebody else holds the lease, or goes first.
    #[error("the lease is held or others wait for it, ask again in {:?}", .0.wait)]
    LeaseHeld(NotYet),
    /// A tombstone that cannot be read, or names what does not stand there.
    #[error("the tombstone does not name entries of this channel")]
    Tombstone,
    /// A tombstone of something that is not its author's to erase.
    #[error("what stands at {0} is not its author's to erase")]
    NotTheirs(Seq),
    /// Who may write says no.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// This relay may have lost something that it accepted, and finds out first.
    #[error("the relay finds out whether it lost something, send it again")]
    Recovering,
    /// This relay's clock stepped back too far: the operator has to look.
    #[error("the relay's clock stepped back, its operator has to look")]
    ClockStep,
    /// Not the submitter's fault.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl SubmitError {
    /// Names a suspension where one stands behind the refusal.
    #[must_use]
    pub(super) fn or_suspended(self, is_suspended: impl Fn(&DeviceName) -> bool) -> Self {
        match self {
            Self::Revoked(device) if is_suspended(&device) => Self::Suspended(device),
            other => other,
        }
    }

    /// Its code on the wire.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Item(_)
            | Self::NoPayload
            | Self::HubStatement
            | Self::OuterSignature
            | Self::Welcomes
            | Self::TooManyDevices(_)
            | Self::ListTooLong
            | Self::NotAFirstItem
            | Self::ChannelId(_)
            | Self::Tombstone => ErrorCode::BadEnvelope,
            Self::NotTheCallers(_) | Self::ForeignCreator(_) | Self::NotTheirs(_) => {
                ErrorCode::NotAllowed
            }
            Self::Certificate(error) => error.code(),
            Self::Revoked(_) => ErrorCode::CredentialRevoked,
            Self::Suspended(_) => ErrorCode::Suspended,
            Self::UnknownChannel => ErrorCode::UnknownChannel,
            Self::NotTheHub(_) => ErrorCode::HubUnreachable,
            Self::ChannelExists => ErrorCode::ChannelExists,
            Self::ClientIdReused => ErrorCode::ClientIdReused,
            Self::StaleFence(_) => ErrorCode::StaleFence,
            Self::LeaseMissing => ErrorCode::LeaseMissing,
            Self::Recovering => ErrorCode::Recovering,
            Self::LeaseHeld(_) => ErrorCode::LeaseHeld,
            Self::Membership(MembershipError::NotAMember) => ErrorCode::NotAMember,
            Self::Membership(_) => ErrorCode::BadEnvelope,
            Self::ClockStep | Self::Unavailable(Unavailable::Storage) => ErrorCode::Internal,
            Self::Unavailable(Unavailable::Stopped) => ErrorCode::Stopping,
        }
    }

    /// As it travels.
    #[must_use]
    pub fn to_wire(&self) -> Error {
        let mut error = wire_error(self.code(), self.to_string());
        match self {
            Self::StaleFence(fence) => error.fence = seq_to_u64(*fence),
            Self::LeaseHeld(NotYet { wait, ahead }) => {
                error.retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                error.ahead = u32::try_from(*ahead).unwrap_or(u32::MAX);
            }
            _ => {}
        }
        error
    }
}

/// Why a copy of another hub's log does not grow. Nothing has changed then.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IngestError {
    /// No such channel here; a welcome has to come first.
    #[error("the channel is not known here")]
    UnknownChannel,
    /// This relay orders the channel itself.
    #[error("this relay is the channel's hub")]
    NotAFollower,
    /// Another authority orders the channel: whoever sent this may not.
    #[error("the channel's hub is {0}")]
    OtherHub(Domain),
    /// The batch does not continue the copy. `Diverged` holds what proves a fork.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// A hub states that it takes over, and may not; why.
    #[error("a hub takes over that may not: {0}")]
    TakeOver(&'static str),
    /// A welcome's parts do not fit together; what does not.
    #[error("the welcome does not fit together: {0}")]
    Welcome(&'static str),
    /// An item inside it does not fit together.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// The committer's certificate is not accepted.
    #[error(transparent)]
    Certificate(#[from] TrustError),
    /// The hub has not begun anew since it signed this copy.
    #[error("the hub's signature does not say that the copy is superseded")]
    NotSuperseded,
    /// This relay's copy does not reach back so far.
    #[error("this relay's copy begins later")]
    BeforeAnchor,
    /// None of this authority's devices is welcomed.
    #[error("no device of this authority is welcomed")]
    NobodyHere,
    /// Not the sender's fault.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl IngestError {
    /// Its code on the wire.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownChannel => ErrorCode::UnknownChannel,
            Self::NotAFollower | Self::OtherHub(_) | Self::NobodyHere => ErrorCode::NotAllowed,
            Self::Replica(_)
            | Self::Welcome(_)
            | Self::TakeOver(_)
            | Self::Item(_)
            | Self::NotSuperseded
            | Self::BeforeAnchor => ErrorCode::BadEnvelope,
            Self::Certificate(error) => error.code(),
            Self::Unavailable(Unavailable::Storage) => ErrorCode::Internal,
            Self::Unavailable(Unavailable::Stopped) => ErrorCode::Stopping,
        }
    }

    /// As it travels.
    #[must_use]
    pub fn to_wire(&self) -> Error {
        wire_error(self.code(), self.to_string())
    }
}

/// Why nothing is taken back. Nothing has changed then.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RefillRefused {
    /// No such channel here, and the items do not begin one.
    #[error("the channel is not known here")]
    UnknownChannel,
    /// What is offered does not hold.
    #[error(transparent)]
    Refill(#[from] RefillError),
    /// Not the caller's fault.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RefillRefused {
    /// Its code on the wire.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownChannel | Self::Refill(RefillError::NotTheHub(_)) => {
                ErrorCode::UnknownChannel
            }
            Self::Refill(_) => ErrorCode::BadEnvelope,
            Self::Unavailable(Unavailable::Storage) => ErrorCode::Internal,
            Self::Unavailable(Unavailable::Stopped) => ErrorCode::Stopping,
        }
    }

    /// As it travels.
    #[must_use]
    pub fn to_wire(&self) -> Error {
        wire_error(self.code(), self.to_string())
    }
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No such channel here.
    #[error("the channel is not known here")]
    UnknownChannel,
    /// The reader may not read at that position.
    #[error("the reader is not a member at that position")]
    NotAMember,
    /// This relay's copy has a gap at that position: it begins anew with a welcome.
    #[error("this relay does not keep the log at that position")]
    Missing,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The relay is being stopped.
    #[error("the relay is being stopped")]
    Stopped,
}

impl ReadError {
    /// Its code on the wire.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownChannel => ErrorCode::UnknownChannel,
            Self::NotAMember | Self::Missing => ErrorCode::NotAMember,
            Self::Storage(_) => ErrorCode::Internal,
            Self::Stopped => ErrorCode::Stopping,
        }
    }

    /// As it travels; what the storage says stays here.
    #[must_use]
    pub fn to_wire(&self) -> Error {
        let message = match self {
            Self::Storage(_) => "the relay's storage failed".to_owned(),
            other => other.to_string(),
        };
        wire_error(self.code(), message)
    }
}

fn wire_error(code: ErrorCode, message: String) -> Error {
    Error { code: code.into(), message, retry_after_ms: 0, fence: 0, ahead: 0 }
}
