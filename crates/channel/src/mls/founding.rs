//! Founding a group with all its members at once: the next one of a channel.

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::SigningKey;
use enlace_log::FoundingHash;
use tls_codec::Serialize;

use super::backend::Provider;
use super::commit::Changes;
use super::error::{CommitError, GroupError, MlsError};
use super::group::Group;
use super::ids::GroupId;
use super::suite::Suite;

/// A group that this device has founded, and how the others come in.
pub struct Founded {
    /// In its first epoch with all members.
    pub group: Group,
    /// An MLS Welcome for all of them; `None` where there are none.
    pub welcome: Option<Vec<u8>>,
}

impl Group {
    /// Creates a group of this device and of those whose key packages these are, and stores it.
    ///
    /// # Errors
    /// [`CommitError`]; the transaction is to be abandoned.
    pub fn found(
        provider: &Provider<'_>,
        id: GroupId,
        signer: &SigningKey,
        chain: &UnverifiedChain,
        suite: Suite,
        policy: &[u8],
        key_packages: Vec<Vec<u8>>,
    ) -> Result<Founded, CommitError> {
        let created = Self::create(provider, id, signer, chain, suite, policy);
        let mut group = created.map_err(|error| match error {
            GroupError::State(error) => CommitError::State(error),
            error => CommitError::Mls(MlsError::new(error)),
        })?;
        if key_packages.is_empty() {
            return Ok(Founded { group, welcome: None });
        }
        let changes = Changes { add: key_packages, ..Changes::default() };
        let pending = group.commit(provider, signer, &[], changes)?;
        group.merge_pending(provider).map_err(|error| CommitError::Mls(MlsError::new(error)))?;
        Ok(Founded { group, welcome: pending.welcome })
    }

    /// Fixes this group in its present epoch: context and secrets (PROTOCOL.md §3.10).
    ///
    /// # Errors
    /// [`GroupError::Foreign`] when the context has no encoding, which no group's lacks.
    pub fn founding_hash(&self) -> Result<FoundingHash, GroupError> {
        let context = self.inner.public_group().group_context().tls_serialize_detached();
        let context = context.map_err(|_| GroupError::Foreign)?;
        Ok(FoundingHash::of(&context, self.epoch_authenticator().as_bytes()))
    }
}
