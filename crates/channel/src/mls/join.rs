//! Joining: a welcome is opened and shown before the group is taken in.

use std::fmt;

use openmls::group::{ProcessedWelcome, StagedWelcome, WelcomeError};
use openmls::prelude::{JoinBuilder, MlsMessageBodyIn, MlsMessageIn, Welcome};
use tls_codec::Deserialize;

use super::backend::Provider;
use super::error::{JoinError, MlsError};
use super::group::Group;
use super::ids::LeafIndex;
use super::profile;
use super::storage::StorageFailure;
use super::view::{GroupView, ViewError};

/// A group that this device is invited to. Its signatures, tree and keys fit together; whether
/// its members' certificates are good and its signer was entitled to admit this device is for the
/// caller to judge.
pub struct StagedJoin {
    /// The group, this device's leaf included.
    pub view: GroupView,
    /// This device's leaf.
    pub own_leaf: LeafIndex,
    /// Who signed the welcome: the author of the commit that added this device.
    pub sender: LeafIndex,
    inner: StagedWelcome,
}

/// Opens a welcome. The key package is used up by it, unless the caller rolls back.
pub fn stage_welcome(provider: &Provider<'_>, welcome: &[u8]) -> Result<StagedJoin, JoinError> {
    let welcome = parse(welcome)?;
    let processed =
        ProcessedWelcome::new_from_welcome(provider.mls(), &profile::join_config(), welcome);
    provider.check_store()?;
    let processed = processed.map_err(classify)?;
    if !processed.psks().is_empty() {
        return Err(JoinError::PreSharedKeys);
    }
    let own_key = processed.own_key_package().map(|own| own.leaf_node().encryption_key().clone());
    let staged = JoinBuilder::new(provider.mls(), processed).skip_lifetime_validation().build();
    provider.check_store()?;
    let staged = staged.map_err(classify)?;
    if staged.own_leaf_node().map(|leaf| leaf.encryption_key()) != own_key.as_ref() {
        return Err(JoinError::OtherLeaf);
    }
    StagedJoin::of_mls(staged)
}

impl StagedJoin {
    /// Takes the group in and stores it.
    pub fn into_group(self, provider: &Provider<'_>) -> Result<Group, JoinError> {
        let joined = self.inner.into_group(provider.mls());
        provider.check_store()?;
        let joined = joined.map_err(classify)?;
        // The leaf's own key, and at least the node where its path meets the committer's.
        if provider.storage().epoch_keys_written() < 2 {
            return Err(JoinError::NoPathSecret);
        }
        let mut group = Group::of_mls(joined).map_err(|_| JoinError::GroupContext)?;
        group.has_changed(Some(self.view));
        Ok(group)
    }

    fn of_mls(inner: StagedWelcome) -> Result<Self, JoinError> {
        let view = GroupView::of_welcome(&inner);
        let view = view.map_err(|error| match error {
            ViewError::Context => JoinError::GroupContext,
            ViewError::Leaf(error) => JoinError::Leaf(error),
        })?;
        Ok(Self {
            view,
            own_leaf: inner.own_leaf_index().into(),
            sender: inner.welcome_sender_index().into(),
            inner,
        })
    }
}

fn parse(welcome: &[u8]) -> Result<Welcome, JoinError> {
    let message = MlsMessageIn::tls_deserialize_exact(welcome).map_err(|_| JoinError::Malformed)?;
    match message.extract() {
        MlsMessageBodyIn::Welcome(welcome) => Ok(welcome),
        _ => Err(JoinError::Malformed),
    }
}

fn classify(error: WelcomeError<StorageFailure>) -> JoinError {
    match error {
        WelcomeError::NoMatchingKeyPackage => JoinError::NoKeyPackage,
        WelcomeError::GroupAlreadyExists => JoinError::Exists,
        error => JoinError::Mls(MlsError::new(error)),
    }
}

impl fmt::Debug for StagedJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedJoin").field("view", &self.view).finish_non_exhaustive()
    }
}
