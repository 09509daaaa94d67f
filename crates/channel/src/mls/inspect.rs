//! What a commit would do: read from openmls's staged commit, before anything is merged.

use std::collections::BTreeSet;

use enlace_log::control::KeyPackageHash;
use openmls::group::{MlsGroup, QueuedProposal, StagedCommit as MlsStaged};
use openmls::messages::proposals::{Proposal, ProposalOrRefType};
use openmls::treesync::RatchetTree;

use super::backend::Provider;
use super::crypto::Crypto;
use super::error::{MlsError, ProcessError, VoidReason};
use super::group::Group;
use super::ids::LeafIndex;
use super::leaf::{self, CheckedLeaf};
use super::profile::EVIDENCE_PROPOSAL;
use super::view::{GroupView, Member, ViewError};
use super::{key_package, storage};

/// A commit's effect, for the validator. Proposal kinds, leaves and keys have been checked;
/// certificates and entitlement have not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommitDetails {
    /// Who made the commit.
    pub sender: LeafIndex,
    /// The group it was made in.
    pub before: GroupView,
    /// The group after it.
    pub after: GroupView,
    /// Who came, as leaves of `after`.
    pub added: Vec<LeafIndex>,
    /// The key packages of those who came, in the same order.
    pub key_packages: Vec<KeyPackageHash>,
    /// Who went, as leaves of `before`.
    pub removed: Vec<LeafIndex>,
    /// Whether the commit rewrites the group context, be it with the same policy.
    pub rewrites_policy: bool,
    /// The evidence in it (proposals of type 0xF0E2), in the commit's order.
    pub evidence: Vec<Vec<u8>>,
    /// Whether this device is removed. It cannot check the confirmation of such a commit: whether
    /// the others merged it shows only in what they send later.
    pub removes_self: bool,
}

impl CommitDetails {
    /// The committer's leaf before the commit: the one whose key signed it.
    #[must_use]
    pub fn sender_before(&self) -> Option<&Member> {
        self.before.member(self.sender)
    }

    /// The committer's new leaf, perhaps with another certificate and key.
    #[must_use]
    pub fn sender_after(&self) -> Option<&Member> {
        self.after.member(self.sender)
    }
}

impl Group {
    /// Checks a staged commit and says what it does.
    pub(super) fn inspect(
        &self,
        provider: &Provider<'_>,
        sender: LeafIndex,
        staged: &MlsStaged,
    ) -> Result<CommitDetails, ProcessError> {
        let crypto = provider.crypto();
        let mut proposals = Proposals::default();
        for queued in staged.queued_proposals() {
            proposals.take(queued, self, crypto)?;
        }
        let path_leaf = staged.update_path_leaf_node().ok_or(VoidReason::NoPath)?;
        let path_leaf = leaf::check(path_leaf, self.suite, crypto).map_err(VoidReason::Leaf)?;

        let before = self.view().map_err(|_| VoidReason::GroupContext)?;
        let (after, added) = before
            .changed(
                staged.group_context(),
                &proposals.removed,
                (sender, path_leaf),
                proposals.added,
            )
            .map_err(void)?;
        if !after.keys_are_unique() {
            return Err(VoidReason::DuplicateKey.into());
        }
        self.check_path_keys(provider, staged)?;

        Ok(CommitDetails {
            sender,
            before,
            after,
            added,
            key_packages: proposals.key_packages,
            removed: proposals.removed,
            rewrites_policy: proposals.rewrites_policy,
            evidence: proposals.evidence,
            removes_self: staged.self_removed(),
        })
    }

    /// Everybody must be able to encrypt to each node of the path, or nobody could commit again.
    fn check_path_keys(
        &self,
        provider: &Provider<'_>,
        staged: &MlsStaged,
    ) -> Result<(), ProcessError> {
        let tree = self.inner.export_ratchet_tree();
        let old = parent_keys(&tree);
        let new = parent_keys(&self.tree_after(provider, staged, tree)?);
        let suite = self.suite.to_mls();
        if new.difference(&old).all(|key| provider.crypto().can_seal_to(suite, key)) {
            Ok(())
        } else {
            Err(VoidReason::UnusablePathKey.into())
        }
    }

    fn tree_after(
        &self,
        provider: &Provider<'_>,
        staged: &MlsStaged,
        tree: RatchetTree,
    ) -> Result<RatchetTree, ProcessError> {
        let exported = staged.export_ratchet_tree(provider.crypto(), tree);
        match exported.map_err(|e| VoidReason::Mls(MlsError::new(e)))? {
            Some(tree) => Ok(tree),
            None => self.tree_after_own_removal(provider, staged),
        }
    }

    /// openmls exports no tree of a commit that removes this device, but a removed device must
    /// judge like everybody else: a copy of the group is merged, and rolled back.
    fn tree_after_own_removal(
        &self,
        provider: &Provider<'_>,
        staged: &MlsStaged,
    ) -> Result<RatchetTree, ProcessError> {
        let store = provider.storage().store();
        store.savepoint()?;
        let merged = self.merge_into_copy(provider, staged);
        store.rollback()?;
        provider.check_store()?;
        merged
    }

    fn merge_into_copy(
        &self,
        provider: &Provider<'_>,
        staged: &MlsStaged,
    ) -> Result<RatchetTree, ProcessError> {
        let mut copy = MlsGroup::load(provider.storage(), &self.id.to_mls())
            .ok()
            .flatten()
            .ok_or(ProcessError::NotAMember)?;
        copy.merge_staged_commit(provider.mls(), storage::copy(staged)?)
            .map_err(|e| VoidReason::Mls(MlsError::new(e)))?;
        Ok(copy.export_ratchet_tree())
    }
}

/// What the commit's proposals ask for.
#[derive(Default)]
struct Proposals {
    added: Vec<CheckedLeaf>,
    key_packages: Vec<KeyPackageHash>,
    removed: Vec<LeafIndex>,
    evidence: Vec<Vec<u8>>,
    rewrites_policy: bool,
}

impl Proposals {
    /// The whitelist: four kinds, by value.
    fn take(
        &mut self,
        queued: &QueuedProposal,
        group: &Group,
        crypto: &Crypto,
    ) -> Result<(), VoidReason> {
        if queued.proposal_or_ref_type() != ProposalOrRefType::Proposal {
            return Err(VoidReason::ProposalByReference);
        }
        match allowed(queued.proposal())? {
            Allowed::Add(package) => {
                self.added.push(key_package::check(package, group.suite, crypto)?);
                self.key_packages.push(key_package::hash(package).map_err(VoidReason::Mls)?);
            }
            Allowed::Remove(leaf) => self.removed.push(leaf),
            Allowed::GroupContext => self.rewrites_policy = true,
            Allowed::Evidence(bytes) => self.evidence.push(bytes.to_vec()),
        }
        Ok(())
    }
}

/// The proposals that a commit may hold.
enum Allowed<'a> {
    Add(&'a openmls::key_packages::KeyPackage),
    Remove(LeafIndex),
    GroupContext,
    Evidence(&'a [u8]),
}

fn allowed(proposal: &Proposal) -> Result<Allowed<'_>, VoidReason> {
    match proposal {
        Proposal::Add(add) => Ok(Allowed::Add(add.key_package())),
        Proposal::Remove(remove) => Ok(Allowed::Remove(remove.removed().into())),
        Proposal::GroupContextExtensions(_) => Ok(Allowed::GroupContext),
        Proposal::Custom(custom) if custom.proposal_type() == EVIDENCE_PROPOSAL => {
            Ok(Allowed::Evidence(custom.payload()))
        }
        other => Err(VoidReason::ProposalKind(other.proposal_type().into())),
    }
}

/// The public keys of all nodes above the leaves.
pub(super) fn parent_keys(tree: &RatchetTree) -> BTreeSet<Vec<u8>> {
    tree.parents().filter_map(leaf::first_vector).collect()
}

fn void(error: ViewError) -> VoidReason {
    match error {
        ViewError::Context => VoidReason::GroupContext,
        ViewError::Leaf(error) => VoidReason::Leaf(error),
    }
}

#[cfg(test)]
mod tests {
    use openmls::messages::proposals::{ExternalInitProposal, ReInitProposal};
    use tls_codec::Deserialize;

    use super::*;

    #[test]
    fn kinds_that_no_library_call_puts_into_a_commit_are_void_too() {
        let re_init = [&[1, 0xAA, 0, 1, 0, 3][..], &[0]].concat();
        let re_init = ReInitProposal::tls_deserialize_exact(re_init).unwrap();
        let external_init = ExternalInitProposal::from(vec![1]);
        let proposals = [
            (Proposal::ReInit(Box::new(re_init)), 5),
            (Proposal::ExternalInit(Box::new(external_init)), 6),
            (Proposal::SelfRemove, 10),
        ];
        for (proposal, kind) in proposals {
            assert!(matches!(allowed(&proposal), Err(VoidReason::ProposalKind(k)) if k == kind));
        }
    }
}
