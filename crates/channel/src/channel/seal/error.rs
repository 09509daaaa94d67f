//! Why an item was not made.

use enlace_identity::mandate::MandateError;
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_identity::suspension::SuspensionError;

use crate::channel::ChannelError;
use crate::credential::CredentialError;
use crate::mls::{CommitError, EncryptError, KeyPackageError, MergeError, ShareError};
use crate::policy::PolicyError;
use crate::state_store::StateError;

/// Why an item was not made. Nothing may be kept of the transaction.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// This device is not a member any more.
    #[error("this device is not a member of the channel any more")]
    NotAMember,
    /// A commit's secrets did not reach this device: it waits to be swapped back in.
    #[error("this device has lost step with the channel and cannot write until it is let back in")]
    Stranded,
    /// Whoever stranded this device also put it back: it waits for somebody else's word.
    #[error("this device waits for a third member before it writes again")]
    Unconfirmed,
    /// This device follows the channel: there is nothing to ask for.
    #[error("this device has not lost step with the channel")]
    NotStranded,
    /// The key for what this device missed could not be made.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// An officer without a device is none: remove the officer, or leave.
    #[error("this is the officer's last device in the channel")]
    LastDevice,
    /// An earlier commit of this device waits for its place: try again after it.
    #[error("an earlier change waits for its answer")]
    CommitPending,
    /// Nobody of that name is in the channel.
    #[error("there is no such member in the channel")]
    NoSuchMember,
    /// The channel goes by the newest version of the network's bundle that is known and lists its hub.
    #[error("the channel goes by the newest version of the network's bundle")]
    NoLaterBundle,
    /// That member did not ask to leave, or already has.
    #[error("that member did not ask to leave")]
    NoSuchWish,
    /// The statement about suspensions does not hold, or no longer.
    #[error(transparent)]
    Suspension(#[from] SuspensionError),
    /// The owner must hand the ownership on first.
    #[error("the owner cannot leave: hand the ownership to somebody else first")]
    OwnerLeaves,
    /// The relay handed out somebody else's key package: claim another one.
    #[error("the key package that the relay gave out is not one of {0}")]
    OtherOfficer(OfficerAddress),
    /// The key package cannot be used: claim another one.
    #[error("the key package that the relay gave out cannot be used: {0}")]
    KeyPackage(#[from] KeyPackageError),
    /// The certificate in the key package is not good: claim another one.
    #[error("the certificate in the key package is refused: {0}")]
    Certificate(#[from] CredentialError),
    /// There must be a key package of each device: claim one of this.
    #[error("there is no key package of {0}")]
    NoKeyPackage(DeviceName),
    /// The mandate does not hold.
    #[error(transparent)]
    Mandate(#[from] MandateError),
    /// The rules of the channel do not allow it: every member would void it.
    #[error("the rules of the channel do not allow this: {0}")]
    NotAllowed(String),
    /// The change to the policy is not possible.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// MLS refuses the changes.
    #[error("the change could not be made: {0}")]
    Commit(CommitError),
    /// The entry could not be encrypted.
    #[error("the entry could not be encrypted: {0}")]
    Encrypt(EncryptError),
    /// The encrypted entry has not the form that others expect: our bug.
    #[error("the encrypted entry has an unexpected form")]
    Shape,
    /// The merge of the first commit failed.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The store failed, or is damaged.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

impl From<StateError> for SealError {
    fn from(error: StateError) -> Self {
        Self::Channel(error.into())
    }
}

impl From<CommitError> for SealError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::State(error) => error.into(),
            CommitError::AlreadyPending => Self::CommitPending,
            CommitError::NotAMember => Self::NotAMember,
            CommitError::KeyPackage { error, .. } => Self::KeyPackage(error),
            error => Self::Commit(error),
        }
    }
}

impl From<EncryptError> for SealError {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::State(error) => error.into(),
            EncryptError::NotAMember => Self::NotAMember,
            error @ EncryptError::Mls(_) => Self::Encrypt(error),
        }
    }
}
