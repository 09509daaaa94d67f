//! What can go wrong, sorted by whose fault it is.
//!
//! *Void* means that a peer sent what no honest member accepts: every member says so alike, and
//! the item changes nothing. [`StateError`] is our own store's failure and says nothing about the
//! peer.

use std::error::Error;

use thiserror::Error;

use super::ids::Epoch;
use crate::state_store::StateError;

/// What the MLS library says, for a log.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct MlsError(Box<dyn Error + Send + Sync>);

impl MlsError {
    pub(super) fn new(error: impl Error) -> Self {
        Self(error.to_string().into())
    }
}

/// The cryptography can't be started.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BackendError {
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    NoRandomness,
}

/// A leaf is not what this protocol's leaves are.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum LeafError {
    /// The credential is not a chain of leaf and issuing certificate.
    #[error("the credential is not a chain of two certificates")]
    Credential,
    /// The signature key is no Ed25519 key, or of small order.
    #[error("the signature key is not usable")]
    SignatureKey,
    /// Nobody can encrypt to the encryption key.
    #[error("nobody can encrypt to this key")]
    UnusableKey,
    /// The lifetime is not exactly [0, 2^64−1].
    #[error("the lifetime is not [0, 2^64-1]")]
    Lifetime,
    /// Capabilities that every member needs are missing.
    #[error("capabilities are missing")]
    Capabilities,
    /// The leaf or key package has extensions that this protocol doesn't use.
    #[error("extensions that do not belong there")]
    Extensions,
}

/// Why a message is void.
#[derive(Debug, Error)]
pub enum VoidReason {
    /// The bytes are no MLS message, or more than one.
    #[error("not an MLS message")]
    Malformed,
    /// The message is not encrypted to the group.
    #[error("not a private message")]
    NotPrivate,
    /// The message is neither a commit nor an application message.
    #[error("neither a commit nor an application message")]
    ContentType,
    /// The message is for another group.
    #[error("for another group")]
    OtherGroup,
    /// The message was made in another epoch.
    #[error("made in epoch {}, the group is in {}", message.0, group.0)]
    OtherEpoch {
        /// The message's epoch, as it claims.
        message: Epoch,
        /// The group's epoch.
        group: Epoch,
    },
    /// The message can't be decrypted, or breaks a rule of MLS itself.
    #[error("refused by MLS")]
    Mls(#[source] MlsError),
    /// The commit holds a proposal of a kind that this protocol doesn't use.
    #[error("a proposal of kind {0:#06x}")]
    ProposalKind(u16),
    /// The commit names a proposal that isn't inside it.
    #[error("a proposal by reference")]
    ProposalByReference,
    /// The commit doesn't renew its author's keys.
    #[error("a commit without a path")]
    NoPath,
    /// After the commit the group context would not be the requirements and a policy.
    #[error("the group context drops, adds or changes an extension")]
    GroupContext,
    /// A leaf that the commit brings is not acceptable.
    #[error("a leaf is not acceptable")]
    Leaf(#[from] LeafError),
    /// Nobody could encrypt to a key of the commit's path.
    #[error("a key of the path is not usable")]
    UnusablePathKey,
    /// After the commit two leaves would have one signature key.
    #[error("two leaves with one signature key")]
    DuplicateKey,
}

/// A received message wasn't processed.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// The message is void: roll back, [`reload`](super::Group::reload), and go on.
    #[error("void")]
    Void(#[from] VoidReason),
    /// The commit counts for others, but its author left this device out: roll back,
    /// [`reload`](super::Group::reload), and stop writing (DESIGN.md, *stranded*).
    #[error("stranded by the author of this commit")]
    Stranded,
    /// This device is no member any more.
    #[error("no longer a member")]
    NotAMember,
    /// The store failed: abandon the transaction, process the same message again later.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A staged or pending commit wasn't merged.
#[derive(Debug, Error)]
pub enum MergeError {
    /// There is no pending commit.
    #[error("there is no pending commit")]
    NothingPending,
    /// The merged group is not the one that was judged: our bug. Roll back and stop.
    #[error("the merged group differs from the staged one")]
    Inconsistent,
    /// The library refused: our bug. Roll back and stop.
    #[error("merging failed")]
    Mls(#[source] MlsError),
    /// The store failed: abandon the transaction.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A commit wasn't built, and none is pending.
#[derive(Debug, Error)]
pub enum CommitError {
    /// An earlier commit of this device waits for its answer: merge or clear it first.
    #[error("an earlier commit is pending")]
    AlreadyPending,
    /// A key package is not acceptable: claim another one.
    #[error("key package {index} is not acceptable")]
    KeyPackage {
        /// Its place in [`Changes::add`](super::Changes).
        index: usize,
        /// What is wrong with it.
        #[source]
        error: KeyPackageError,
    },
    /// This device is no member any more.
    #[error("no longer a member")]
    NotAMember,
    /// The library refuses these changes: for instance a removal of somebody who isn't there.
    #[error("these changes are not possible")]
    Mls(#[source] MlsError),
    /// The commit would be void at every member.
    #[error("the commit would be void")]
    Void(#[from] VoidReason),
    /// The store failed: abandon the transaction.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A message wasn't encrypted.
#[derive(Debug, Error)]
pub enum EncryptError {
    /// This device is no member any more.
    #[error("no longer a member")]
    NotAMember,
    /// The library refused: our bug.
    #[error("encryption failed")]
    Mls(#[source] MlsError),
    /// The store failed: abandon the transaction. Encrypt again, never send what was made.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A group wasn't created, loaded or read.
#[derive(Debug, Error)]
pub enum GroupError {
    /// A group of this id exists already.
    #[error("a group of this id exists")]
    Exists,
    /// No group of this id is stored.
    #[error("no such group")]
    Unknown,
    /// The stored group isn't one of this protocol: the store is damaged.
    #[error("the stored group is not one of this protocol")]
    Foreign,
    /// The library refused: our bug.
    #[error("the group could not be made")]
    Mls(#[source] MlsError),
    /// The store failed: abandon the transaction.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A key package wasn't made, or isn't acceptable.
#[derive(Debug, Error)]
pub enum KeyPackageError {
    /// The bytes are no key package, or more than one.
    #[error("not a key package")]
    Malformed,
    /// The key package is of another suite.
    #[error("of another suite")]
    Suite,
    /// The leaf is not acceptable.
    #[error("its leaf is not acceptable")]
    Leaf(#[from] LeafError),
    /// A signature doesn't fit, or MLS itself refuses it.
    #[error("refused by MLS")]
    Mls(#[source] MlsError),
    /// The store failed: abandon the transaction.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A welcome wasn't accepted. The key package that it was made for is used up, unless the caller
/// rolls back.
#[derive(Debug, Error)]
pub enum JoinError {
    /// The bytes are no welcome.
    #[error("not a welcome")]
    Malformed,
    /// No key package of this device fits: it was used already, or the welcome is for another.
    #[error("no key package of this device fits")]
    NoKeyPackage,
    /// The group is here already: delete the old one first, in the same transaction.
    #[error("a group of this id exists")]
    Exists,
    /// The welcome doesn't lead into a group of this protocol, or breaks a rule of MLS.
    #[error("refused by MLS")]
    Mls(#[source] MlsError),
    /// The group context is not the requirements and a policy.
    #[error("the group context is not one of this protocol")]
    GroupContext,
    /// A member's leaf is not acceptable.
    #[error("a leaf is not acceptable")]
    Leaf(#[from] LeafError),
    /// The leaf in the group is not the one of the key package that the welcome was made for.
    #[error("the group holds another leaf of this device")]
    OtherLeaf,
    /// The welcome holds no path secret, so that the next commit could not be read.
    #[error("the welcome holds no path secret")]
    NoPathSecret,
    /// The welcome asks for pre-shared keys, which this protocol doesn't use.
    #[error("the welcome asks for pre-shared keys")]
    PreSharedKeys,
    /// The store failed: abandon the transaction.
    #[error(transparent)]
    State(#[from] StateError),
}
