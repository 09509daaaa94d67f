//! Groups: the key agreement of MLS (RFC 9420), and the only module that names openmls.
//!
//! A thin layer in our own words. It lets through what the protocol allows (private messages that
//! hold an application message or a commit; commits with a path, with adds, removes, a rewrite of
//! the group context and evidence, all by value) and refuses the rest as *void*. It does not judge
//! whether a commit's author was entitled to it, nor whether a certificate is good: a
//! [`StagedCommit`] and a [`StagedJoin`] show both sides of the change, and are merged when the
//! rules above agree.
//!
//! Every operation takes a [`Provider`]: a [`Backend`] on a
//! [`StateStore`](crate::state_store::StateStore). The caller opens a savepoint round each item.
//! When an item is void, it rolls back and calls [`Group::reload`], so that no trace stays; a
//! ratchet generation that one member counts as used and another doesn't would split the group.

mod backend;
mod commit;
mod credential;
mod crypto;
mod error;
mod founding;
mod group;
mod hpke;
mod ids;
mod inspect;
mod join;
mod key_package;
mod leaf;
mod message;
mod process;
mod profile;
mod share;
mod signer;
mod storage;
mod suite;
#[cfg(test)]
mod tests;

mod view;

pub use self::backend::{Backend, Provider};
pub use self::commit::{Changes, NewIdentity, PendingCommit};
pub use self::crypto::Tamper;
pub use self::error::{
    BackendError, CommitError, EncryptError, GroupError, JoinError, KeyPackageError, LeafError,
    MergeError, MlsError, ProcessError, VoidReason,
};
pub use self::founding::Founded;
pub use self::group::Group;
pub use self::ids::{Epoch, EpochAuthenticator, GroupId, LeafIndex};
pub use self::inspect::CommitDetails;
pub use self::join::{StagedJoin, stage_welcome};
pub use self::key_package::{
    KeyPackageReference, NewKeyPackage, UnverifiedKeyPackage, delete_key_package,
    generate_key_package, validate_key_package,
};
pub use self::message::{MessageInfo, MessageKind, compact, compact_epoch, expand, message_info};
pub use self::process::{Processed, StagedCommit};
pub use self::share::{ShareError, ShareKey, open_share, seal_share};
pub use self::suite::Suite;
pub use self::view::{GroupView, Member};
