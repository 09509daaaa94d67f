//! A group as everybody in it sees it, for those who judge it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::PublicKey;
use openmls::group::{PublicGroup, StagedWelcome};
use openmls::prelude::{GroupContext, LeafNode, LeafNodeIndex, Member as MlsMember};

use super::credential;
use super::error::LeafError;
use super::ids::{Epoch, GroupId, LeafIndex};
use super::leaf::{self, CheckedLeaf};
use super::profile;
use super::suite::Suite;
use crate::known_rules::StatedRules;

/// One leaf of a group. Neither the chain nor that it fits the key has been checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// Where it stands in the tree.
    pub leaf: LeafIndex,
    /// The device's certificates, as it sent them.
    pub chain: UnverifiedChain,
    /// The key that signs for this leaf. The leaf certificate must hold the same one.
    pub signature_key: PublicKey,
    /// The key that others encrypt to, new with each commit of this member.
    pub encryption_key: Arc<[u8]>,
    /// The versions of the rules that its program applies, as it says. Of a group that is not
    /// joined yet this is not known, and the first version alone.
    pub rules: StatedRules,
}

/// The public state of a group in one epoch.
///
/// That there is one at all means: the group context is exactly our requirements and a policy, and
/// each leaf holds a chain of two certificates and a usable signature key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupView {
    /// The group.
    pub group_id: GroupId,
    /// Its suite.
    pub suite: Suite,
    /// The epoch.
    pub epoch: Epoch,
    /// All members, sorted by leaf.
    pub members: Vec<Member>,
    /// The policy's bytes (extension 0xF0E1).
    pub policy: Vec<u8>,
}

/// Why there is no view.
#[derive(Debug)]
pub(super) enum ViewError {
    /// The group context is not ours.
    Context,
    /// A leaf is not ours.
    Leaf(LeafError),
}

impl GroupView {
    /// The member at a leaf.
    #[must_use]
    pub fn member(&self, leaf: LeafIndex) -> Option<&Member> {
        self.members
            .binary_search_by_key(&leaf, |member| member.leaf)
            .ok()
            .map(|i| &self.members[i])
    }

    /// The member whose leaf holds this signature key.
    #[must_use]
    pub fn member_with_key(&self, key: &PublicKey) -> Option<&Member> {
        self.members.iter().find(|member| member.signature_key == *key)
    }

    /// Reads a group. What stands in `known` byte for byte is taken from there.
    pub(super) fn of_group(group: &PublicGroup, known: Option<&Self>) -> Result<Self, ViewError> {
        Self::new(group.group_context(), group.members(), |leaf| group.leaf(leaf), known)
    }

    /// openmls shows no leaves of a group before it is joined.
    pub(super) fn of_welcome(welcome: &StagedWelcome) -> Result<Self, ViewError> {
        Self::new(welcome.group_context(), welcome.members(), |_| None, None)
    }

    fn new<'a>(
        context: &GroupContext,
        members: impl Iterator<Item = MlsMember>,
        leaf_at: impl Fn(LeafNodeIndex) -> Option<&'a LeafNode>,
        known: Option<&Self>,
    ) -> Result<Self, ViewError> {
        let read = |member: MlsMember| {
            let rules = stated_rules(leaf_at(member.index));
            let known = known.and_then(|known| known.member(member.index.into()));
            match known.filter(|known| known.is_mls(&member)) {
                Some(known) => Ok(Member { rules, ..known.clone() }),
                None => Member::of_mls(member, rules),
            }
        };
        let mut members: Vec<_> =
            members.map(read).collect::<Result<_, _>>().map_err(ViewError::Leaf)?;
        members.sort_by_key(|member| member.leaf);
        Self::with_members(context, members)
    }

    /// The view after `removed` are gone, `committer` has a new leaf and `added` came, in the
    /// order in which RFC 9420 §12.3 applies them.
    pub(super) fn changed(
        &self,
        context: &GroupContext,
        removed: &[LeafIndex],
        committer: (LeafIndex, CheckedLeaf),
        added: Vec<CheckedLeaf>,
    ) -> Result<(Self, Vec<LeafIndex>), ViewError> {
        let mut leaves: BTreeMap<_, _> =
            self.members.iter().map(|member| (member.leaf, member.clone())).collect();
        leaves.retain(|leaf, _| !removed.contains(leaf));
        let (index, leaf) = committer;
        leaves.insert(index, Member::of_leaf(index, leaf));
        let mut places = Vec::with_capacity(added.len());
        for leaf in added {
            let free = leftmost_free(&leaves);
            leaves.insert(free, Member::of_leaf(free, leaf));
            places.push(free);
        }
        Ok((Self::with_members(context, leaves.into_values().collect())?, places))
    }

    /// Whether each signature key stands in one leaf only.
    pub(super) fn keys_are_unique(&self) -> bool {
        let keys: BTreeSet<_> = self.members.iter().map(|member| member.signature_key).collect();
        keys.len() == self.members.len()
    }

    fn with_members(context: &GroupContext, members: Vec<Member>) -> Result<Self, ViewError> {
        Ok(Self {
            group_id: GroupId::of_mls(context.group_id()).ok_or(ViewError::Context)?,
            suite: Suite::of_mls(context.ciphersuite()).ok_or(ViewError::Context)?,
            epoch: context.epoch().into(),
            members,
            policy: profile::policy_of(context.extensions()).ok_or(ViewError::Context)?.to_vec(),
        })
    }
}

impl Member {
    pub(super) fn of_mls(member: MlsMember, rules: StatedRules) -> Result<Self, LeafError> {
        Ok(Self {
            leaf: member.index.into(),
            chain: credential::decode(&member.credential)?,
            signature_key: leaf::signature_key(&member.signature_key)?,
            encryption_key: member.encryption_key.into(),
            rules,
        })
    }

    /// Whether this is that leaf, byte for byte.
    fn is_mls(&self, member: &MlsMember) -> bool {
        self.leaf == member.index.into()
            && self.signature_key.as_bytes()[..] == member.signature_key[..]
            && self.encryption_key[..] == member.encryption_key[..]
            && credential::decode(&member.credential).is_ok_and(|chain| chain == self.chain)
    }

    fn of_leaf(index: LeafIndex, leaf: CheckedLeaf) -> Self {
        Self {
            leaf: index,
            chain: leaf.chain,
            signature_key: leaf.signature_key,
            encryption_key: leaf.encryption_key.into(),
            rules: leaf.rules,
        }
    }
}

/// What a leaf states, if it is at hand.
pub(super) fn stated_rules(leaf: Option<&LeafNode>) -> StatedRules {
    leaf.map(|leaf| profile::stated_rules(leaf.capabilities())).unwrap_or_default()
}

/// Where RFC 9420 §12.1.1 puts the next leaf.
fn leftmost_free(leaves: &BTreeMap<LeafIndex, Member>) -> LeafIndex {
    let mut free = 0;
    for leaf in leaves.keys() {
        if leaf.0 != free {
            break;
        }
        free += 1;
    }
    LeafIndex(free)
}
