//! A group this device is in: creating, loading, reading and deleting it, encrypting to it.

use std::fmt;
use std::sync::OnceLock;

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::{PublicKey, SigningKey};
use openmls::group::{GroupEpoch, MlsGroup, NewGroupError};
use openmls_traits::storage::StorageProvider;
use tls_codec::Serialize;
use zeroize::Zeroizing;

use super::backend::Provider;
use super::credential::credential_with_key;
use super::error::{EncryptError, GroupError, MlsError};
use super::ids::{Epoch, EpochAuthenticator, GroupId, LeafIndex};
use super::profile;
use super::suite::Suite;
use super::view::GroupView;
use crate::state_store::StateError;

/// A group, as loaded from a store.
///
/// Whatever changes it writes through to the store of the [`Provider`] it is given. After a
/// rollback of that store call [`reload`](Self::reload), or drop the group and load it again.
pub struct Group {
    pub(super) inner: MlsGroup,
    pub(super) id: GroupId,
    pub(super) suite: Suite,
    /// The present epoch, once it was asked for.
    view: OnceLock<GroupView>,
    /// An epoch before it, most of whose leaves are in the present one: to read a thousand
    /// certificates and keys takes longer than all else of a commit.
    known: Option<GroupView>,
}

impl Group {
    /// Creates a group with this device as its only member, and stores it.
    pub fn create(
        provider: &Provider<'_>,
        id: GroupId,
        signer: &SigningKey,
        chain: &UnverifiedChain,
        suite: Suite,
        policy: &[u8],
    ) -> Result<Self, GroupError> {
        let created = MlsGroup::new_with_group_id(
            provider.mls(),
            &provider.signer(signer),
            &profile::create_config(suite, policy, provider.rules()),
            id.to_mls(),
            credential_with_key(chain, &signer.public()),
        );
        provider.check_store()?;
        let inner = created.map_err(|error| match error {
            NewGroupError::GroupAlreadyExists => GroupError::Exists,
            error => GroupError::Mls(MlsError::new(error)),
        })?;
        Ok(Self { inner, id, suite, view: OnceLock::new(), known: None })
    }

    /// Loads a stored group; None if there is none of this id.
    pub fn load(provider: &Provider<'_>, id: GroupId) -> Result<Option<Self>, GroupError> {
        let loaded = MlsGroup::load(provider.storage(), &id.to_mls());
        provider.check_store()?;
        let loaded = loaded.map_err(|error| GroupError::Mls(MlsError::new(error)))?;
        loaded.map(Self::of_mls).transpose()
    }

    /// Forgets what is in memory and loads the group again: due after every rollback.
    pub fn reload(&mut self, provider: &Provider<'_>) -> Result<(), GroupError> {
        let known = self.view.take().or_else(|| self.known.take());
        *self = Self::load(provider, self.id)?.ok_or(GroupError::Unknown)?;
        self.known = known;
        Ok(())
    }

    /// Deletes the group and every key of it.
    pub fn delete(mut self, provider: &Provider<'_>) -> Result<(), StateError> {
        // After its own removal a member's keys still lie under the epoch before.
        let before = GroupEpoch::from(self.epoch().0.saturating_sub(1));
        let own_leaf = self.own_leaf().0;
        let storage = provider.storage();
        // What fails here fails in the store, and is asked for below.
        let _ = storage.delete_encryption_epoch_key_pairs(&self.id.to_mls(), &before, own_leaf);
        let _ = self.inner.delete(storage);
        provider.check_store()
    }

    /// The group's id.
    #[must_use]
    pub fn id(&self) -> GroupId {
        self.id
    }

    /// The group's suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The epoch that the group is in.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.inner.epoch().into()
    }

    /// This device's leaf.
    #[must_use]
    pub fn own_leaf(&self) -> LeafIndex {
        self.inner.own_leaf_index().into()
    }

    /// Whether this device still belongs to the group.
    #[must_use]
    pub fn is_member(&self) -> bool {
        self.inner.is_active()
    }

    /// Whether a commit of this device waits to be merged or cleared. It survives a restart.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.inner.pending_commit().is_some()
    }

    /// Bytes that are the same at every member of this epoch.
    #[must_use]
    pub fn epoch_authenticator(&self) -> EpochAuthenticator {
        EpochAuthenticator(self.inner.epoch_authenticator().as_slice().to_vec())
    }

    /// Members, policy and epoch.
    pub fn view(&self) -> Result<GroupView, GroupError> {
        if let Some(view) = self.view.get() {
            return Ok(view.clone());
        }
        let view = GroupView::of_group(self.inner.public_group(), self.known.as_ref());
        let view = view.map_err(|_| GroupError::Foreign)?;
        Ok(self.view.get_or_init(|| view).clone())
    }

    /// The group has changed. `after` is what it should be now, if that was worked out.
    pub(super) fn has_changed(&mut self, after: Option<GroupView>) {
        let before = self.view.take();
        self.known = after.or(before).or_else(|| self.known.take());
    }

    /// The policy's bytes.
    pub fn policy(&self) -> Result<&[u8], GroupError> {
        profile::policy_of(self.inner.extensions()).ok_or(GroupError::Foreign)
    }

    /// Where the device with this key stands.
    #[must_use]
    pub fn leaf_with_key(&self, key: &PublicKey) -> Option<LeafIndex> {
        let mut members = self.inner.members();
        members.find(|member| member.signature_key == key.as_bytes()).map(|m| m.index.into())
    }

    /// A secret that every member of this epoch derives alike (RFC 9420 §8.5).
    pub fn export_secret(
        &self,
        provider: &Provider<'_>,
        label: &str,
        context: &[u8],
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, GroupError> {
        self.inner
            .export_secret(provider.crypto(), label, context, length)
            .map(Zeroizing::new)
            .map_err(|error| GroupError::Mls(MlsError::new(error)))
    }

    /// Encrypts an entry. Allowed while a commit is pending: the entry is of the present epoch.
    ///
    /// The ratchet moves in the store: roll back only together with the message, and never send
    /// one that was rolled back.
    pub fn encrypt(
        &mut self,
        provider: &Provider<'_>,
        signer: &SigningKey,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, EncryptError> {
        if !self.is_member() {
            return Err(EncryptError::NotAMember);
        }
        self.inner.set_aad(aad.to_vec());
        let created =
            self.inner.create_message(provider.mls(), &provider.signer(signer), plaintext);
        self.inner.set_aad(Vec::new());
        provider.check_store()?;
        created
            .map_err(MlsError::new)
            .and_then(|message| message.tls_serialize_detached().map_err(MlsError::new))
            .map_err(EncryptError::Mls)
    }

    pub(super) fn of_mls(inner: MlsGroup) -> Result<Self, GroupError> {
        let id = GroupId::of_mls(inner.group_id()).ok_or(GroupError::Foreign)?;
        let suite = Suite::of_mls(inner.ciphersuite()).ok_or(GroupError::Foreign)?;
        Ok(Self { inner, id, suite, view: OnceLock::new(), known: None })
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("id", &self.id)
            .field("suite", &self.suite)
            .field("epoch", &self.epoch())
            .finish_non_exhaustive()
    }
}
