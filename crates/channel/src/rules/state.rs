//! A group as the rules see it.

use std::collections::BTreeMap;

use enlace_identity::bundle::Bundle;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::control::LeafHash;
use enlace_log::{ChannelId, DeviceList, Generation};

use super::rule::{Rule, Void};
use crate::credential::{CredentialError, VerifiedDevice, device_name, leaf_hash};
use crate::known_rules::StatedRules;
use crate::mls::{GroupView, Member};
use crate::policy::Policy;

/// A group in one epoch: who is in it, and what they agreed on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct State {
    /// The leaves by the names on their certificates.
    pub members: BTreeMap<DeviceName, LeafInfo>,
    /// The policy.
    pub policy: Policy,
}

/// A leaf of the group's tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeafInfo {
    /// The certificates.
    pub chain: UnverifiedChain,
    /// The key that the leaf signs with.
    pub signature_key: PublicKey,
    /// Fixes the leaf as it is.
    pub leaf_hash: LeafHash,
    /// The versions of the rules that its program applies, as it says.
    pub rules: StatedRules,
}

impl LeafInfo {
    /// Whether the certificates, or the key that they certify, are others.
    pub(super) fn has_other_certificate(&self, before: &Self) -> bool {
        self.chain != before.chain || self.signature_key != before.signature_key
    }
}

impl LeafInfo {
    /// A member whose certificate has expired since it came is a member still: the chain must hold at
    /// the first instant at which all of it claims to, whatever the time is now.
    ///
    /// # Errors
    /// [`CredentialError`] says what doesn't hold.
    pub fn verify_at_some_time(&self, bundle: &Bundle) -> Result<VerifiedDevice, CredentialError> {
        let domain = self.chain.unverified_name()?.domain().clone();
        let start = self.chain.unverified_validity()?.not_before;
        let mut verified = self.verify(bundle, start);
        for root in bundle.root_validities_of(&domain) {
            verified = verified.or_else(|_| self.verify(bundle, start.max(root.not_before)));
        }
        verified
    }

    pub(super) fn verify(
        &self,
        bundle: &Bundle,
        at: Timestamp,
    ) -> Result<VerifiedDevice, CredentialError> {
        VerifiedDevice::verify(&self.chain, &self.signature_key, bundle, at)
    }
}

impl State {
    /// Reads a group's public state.
    ///
    /// # Errors
    /// [`Rule::PolicyForm`], [`Rule::DeviceUnique`].
    pub fn of_view(view: &GroupView) -> Result<Self, Void> {
        let policy = Policy::decode(&view.policy).map_err(|e| Void::new(Rule::PolicyForm, e))?;
        let mut members = BTreeMap::new();
        for member in &view.members {
            let device = device_name(&member.chain);
            let device = device.map_err(|e| Void::new(Rule::DeviceUnique, e))?;
            if members.insert(device.clone(), LeafInfo::from(member)).is_some() {
                return Err(Void::new(Rule::DeviceUnique, device));
            }
        }
        Ok(Self { members, policy })
    }

    /// Which channel and which of its groups this is.
    pub(super) fn place(&self) -> (ChannelId, Generation) {
        (self.policy.channel(), self.policy.generation())
    }

    /// The devices.
    #[must_use]
    pub fn devices(&self) -> DeviceList {
        self.members.keys().cloned().collect()
    }

    /// R-ROLES-MATCH: a role for each device's officer, and for each officer with a role at least one
    /// device, and not more than [`Policy::MAX_DEVICES`].
    pub(super) fn check_roles_match(&self) -> Result<(), Void> {
        let mut devices: BTreeMap<_, usize> =
            self.policy.roles().keys().map(|officer| (officer, 0)).collect();
        for device in self.members.keys() {
            let count = devices.get_mut(device.officer());
            *count.ok_or_else(|| Void::new(Rule::RolesMatch, device))? += 1;
        }
        match devices.into_iter().find(|(_, count)| !(1..=Policy::MAX_DEVICES).contains(count)) {
            Some((officer, _)) => Err(Void::new(Rule::RolesMatch, officer)),
            None => Ok(()),
        }
    }

    /// R-ONE-OWNER of a group whose past is not known: it may have lost its owner.
    pub(super) fn check_owners(&self) -> Result<(), Void> {
        match self.policy.owners().count() {
            0 | 1 => Ok(()),
            count => Err(Void::new(Rule::OneOwner, count)),
        }
    }
}

impl From<&Member> for LeafInfo {
    fn from(member: &Member) -> Self {
        Self {
            chain: member.chain.clone(),
            signature_key: member.signature_key,
            leaf_hash: leaf_hash(member),
            rules: member.rules.clone(),
        }
    }
}
