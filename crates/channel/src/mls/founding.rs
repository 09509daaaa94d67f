//! Founding a group with all its members at once: the next one of a channel.

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::SigningKey;
use enlace_log::FoundingHash;
use tls_codec::Serialize;

use super::backend::Provider;
use super::commit::Changes;
use super::error::{CommitError, GroupError, MlsError, VoidReason};
use super::group::Group;
use super::ids::GroupId;
use super::inspect::parent_keys;
use super::leaf;
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

    /// Whether the group is one that commits could have led to, as far as openmls does not ask that of a
    /// group that is joined: each leaf passes what a new one in a commit has to, and somebody can encrypt
    /// to each node. All who joined the same group find the same.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check_founded(&self, provider: &Provider<'_>) -> Result<(), VoidReason> {
        let (suite, crypto) = (self.suite, provider.crypto());
        for member in self.inner.members() {
            let leaf = self.inner.public_group().leaf(member.index);
            let leaf = leaf.ok_or(VoidReason::GroupContext)?;
            leaf::check(leaf, suite, crypto).map_err(VoidReason::Leaf)?;
        }
        let parents = parent_keys(&self.inner.export_ratchet_tree());
        match parents.iter().all(|key| crypto.can_seal_to(suite.to_mls(), key)) {
            true => Ok(()),
            false => Err(VoidReason::UnusablePathKey),
        }
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
