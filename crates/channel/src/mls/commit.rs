//! Committing: adds, removals, a new policy, evidence, a new certificate, always with a path.

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::SigningKey;
use openmls::credentials::NewSignerBundle;
use openmls::group::{
    CommitBuilder, CommitBuilderStageError, CommitMessageBundle, CreateCommitError, LoadedPsks,
    MlsGroup,
};
use openmls::messages::proposals::{CustomProposal, Proposal};
use openmls::prelude::{KeyPackage, LeafNodeIndex, LeafNodeParameters, MlsMessageOut};
use tls_codec::Serialize;

use super::backend::Provider;
use super::credential::credential_with_key;
use super::error::{CommitError, MergeError, MlsError, ProcessError};
use super::group::Group;
use super::ids::LeafIndex;
use super::inspect::CommitDetails;
use super::key_package;
use super::profile::{self, EVIDENCE_PROPOSAL};
use super::storage::StorageFailure;
use crate::state_store::StateError;

/// What a commit changes. An empty one renews this device's keys.
#[derive(Default)]
pub struct Changes<'a> {
    /// Key packages of those who come. Building is superlinear: no more than 200 at once.
    pub add: Vec<Vec<u8>>,
    /// Leaves of those who go.
    pub remove: Vec<LeafIndex>,
    /// A new policy. Every extension of the group context is written again with it.
    pub policy: Option<Vec<u8>>,
    /// Evidence for what the author's role alone doesn't allow.
    pub evidence: Vec<Vec<u8>>,
    /// A renewed certificate of this device, perhaps with a new key.
    pub identity: Option<NewIdentity<'a>>,
}

/// A device's renewed certificate.
pub struct NewIdentity<'a> {
    /// The key that the new leaf certificate holds. It signs from the next epoch on.
    pub signer: &'a SigningKey,
    /// The new certificates.
    pub chain: UnverifiedChain,
}

/// A commit of this device that is stored as pending until it is merged or cleared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PendingCommit {
    /// The commit, for the members.
    pub commit: Vec<u8>,
    /// The welcome, for those who come.
    pub welcome: Option<Vec<u8>>,
    /// What it does: to be judged like anybody's commit before it is sent.
    pub details: CommitDetails,
}

impl Group {
    /// Builds a commit and stores it as pending.
    pub fn commit(
        &mut self,
        provider: &Provider<'_>,
        signer: &SigningKey,
        aad: &[u8],
        changes: Changes<'_>,
    ) -> Result<PendingCommit, CommitError> {
        if !self.is_member() {
            return Err(CommitError::NotAMember);
        }
        if self.is_pending() {
            return Err(CommitError::AlreadyPending);
        }
        let packages = self.key_packages(provider, &changes.add)?;
        self.inner.set_aad(aad.to_vec());
        let built = build(&mut self.inner, provider, signer, changes, packages);
        self.inner.set_aad(Vec::new());
        provider.check_store()?;
        let bundle = built?;
        let details = match self.pending_details(provider) {
            Ok(details) => details.ok_or(CommitError::NotAMember)?,
            Err(error) => {
                self.clear_pending(provider)?;
                return Err(error);
            }
        };
        Ok(PendingCommit {
            commit: serialize(bundle.commit())?,
            welcome: bundle.to_welcome_msg().as_ref().map(serialize).transpose()?,
            details,
        })
    }

    /// What the pending commit does, if there is one: also after a restart.
    pub fn pending_details(
        &self,
        provider: &Provider<'_>,
    ) -> Result<Option<CommitDetails>, CommitError> {
        let Some(staged) = self.inner.pending_commit() else { return Ok(None) };
        match self.inspect(provider, self.own_leaf(), staged) {
            Ok(details) => Ok(Some(details)),
            Err(ProcessError::Void(reason)) => Err(CommitError::Void(reason)),
            Err(ProcessError::State(error)) => Err(error.into()),
            Err(ProcessError::Stranded | ProcessError::NotAMember) => Err(CommitError::NotAMember),
        }
    }

    /// Merges the pending commit: the hub has accepted it.
    pub fn merge_pending(&mut self, provider: &Provider<'_>) -> Result<(), MergeError> {
        if !self.is_pending() {
            return Err(MergeError::NothingPending);
        }
        let merged = self.inner.merge_pending_commit(provider.mls());
        self.has_changed(None);
        provider.check_store()?;
        merged.map_err(|error| MergeError::Mls(MlsError::new(error)))
    }

    /// Drops the pending commit: the hub has refused it for good. A timeout is no refusal.
    pub fn clear_pending(&mut self, provider: &Provider<'_>) -> Result<(), StateError> {
        let _ = self.inner.clear_pending_commit(provider.storage());
        provider.check_store()
    }

    fn key_packages(
        &self,
        provider: &Provider<'_>,
        messages: &[Vec<u8>],
    ) -> Result<Vec<KeyPackage>, CommitError> {
        let validate = |(index, message): (usize, &Vec<u8>)| {
            key_package::validate(provider.crypto(), message, self.suite)
                .map(|(package, _)| package)
                .map_err(|error| CommitError::KeyPackage { index, error })
        };
        messages.iter().enumerate().map(validate).collect()
    }
}

fn build(
    group: &mut MlsGroup,
    provider: &Provider<'_>,
    signer: &SigningKey,
    changes: Changes<'_>,
    packages: Vec<KeyPackage>,
) -> Result<CommitMessageBundle, CommitError> {
    let evidence = changes
        .evidence
        .into_iter()
        .map(|payload| Proposal::Custom(Box::new(CustomProposal::new(EVIDENCE_PROPOSAL, payload))));
    let mut builder = group
        .commit_builder()
        .consume_proposal_store(false)
        .force_self_update(true)
        .propose_adds(packages)
        .propose_removals(changes.remove.into_iter().map(LeafNodeIndex::from))
        .add_proposals(evidence);
    if let Some(policy) = &changes.policy {
        builder = builder
            .propose_group_context_extensions(profile::extensions(policy))
            .map_err(impossible)?;
    }
    let (parameters, rotated) = leaf_parameters(provider, signer, changes.identity);
    let loaded = builder
        .leaf_node_parameters(parameters)
        .load_psks(provider.storage())
        .map_err(impossible)?
        .create_group_info(false);
    finish(loaded, provider, signer, rotated)
}

/// A certificate for the same key goes into the leaf; one for a new key needs its signer too.
fn leaf_parameters<'a>(
    provider: &Provider<'_>,
    signer: &SigningKey,
    identity: Option<NewIdentity<'a>>,
) -> (LeafNodeParameters, Option<NewIdentity<'a>>) {
    let capabilities = profile::capabilities(provider.rules());
    let parameters = LeafNodeParameters::builder().with_capabilities(capabilities);
    match identity {
        Some(identity) if identity.signer.public() == signer.public() => {
            let credential = credential_with_key(&identity.chain, &signer.public());
            (parameters.with_credential_with_key(credential).build(), None)
        }
        rotated => (parameters.build(), rotated),
    }
}

fn finish(
    builder: CommitBuilder<'_, LoadedPsks>,
    provider: &Provider<'_>,
    signer: &SigningKey,
    rotated: Option<NewIdentity<'_>>,
) -> Result<CommitMessageBundle, CommitError> {
    let (rand, crypto, old) = (provider.crypto(), provider.crypto(), provider.signer(signer));
    let complete = match rotated {
        None => builder.build(rand, crypto, &old, |_| true),
        Some(NewIdentity { signer, chain }) => {
            let new = provider.signer(signer);
            let credential_with_key = credential_with_key(&chain, &signer.public());
            let bundle = NewSignerBundle { signer: &new, credential_with_key };
            builder.build_with_new_signer(rand, crypto, &old, bundle, |_| true)
        }
    };
    complete.map_err(impossible)?.stage_commit(provider.mls()).map_err(
        |error: CommitBuilderStageError<StorageFailure>| CommitError::Mls(MlsError::new(error)),
    )
}

fn impossible(error: CreateCommitError) -> CommitError {
    CommitError::Mls(MlsError::new(error))
}

fn serialize(message: &MlsMessageOut) -> Result<Vec<u8>, CommitError> {
    message.tls_serialize_detached().map_err(|error| CommitError::Mls(MlsError::new(error)))
}
