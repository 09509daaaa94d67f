//! A commit as the rules see it, and the order in which they are applied.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::bundle::Bundle;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::control::KeyPackageHash;
use enlace_log::{ListHash, Seq};

use super::act::Act;
use super::put_back::Back;
use super::rule::{Rule, Void};
use super::state::State;
use super::{
    JudgeError, bundle as bundles, evidence, fields, leaves, members, put_back, roles, stand_in,
    suspension, version,
};
use crate::policy::Role;

/// All that validity depends on.
#[derive(Clone, Debug)]
pub struct Change {
    /// The author of the commit: the MLS sender, whom the envelope names too.
    pub committer: DeviceName,
    /// The group before the commit. It is valid.
    pub before: State,
    /// The group after it.
    pub after: State,
    /// Whom its proposals add.
    pub added: BTreeSet<DeviceName>,
    /// Whom its proposals remove.
    pub removed: BTreeSet<DeviceName>,
    /// Which key package brings whom in.
    pub key_packages: BTreeMap<DeviceName, KeyPackageHash>,
    /// The contents of its evidence proposals, in order.
    pub evidence: Vec<Vec<u8>>,
    /// The hash of the device list in its envelope.
    pub list_hash: ListHash,
    /// The newest commit before it, void or not.
    pub fence: Option<Seq>,
    /// The newest valid one.
    pub last_valid_commit: Option<Seq>,
    /// Whose relay orders the log at its position.
    pub hub: Domain,
    /// The hub's clock there.
    pub received_at: Timestamp,
}

/// Decides on a change, and says what it does.
///
/// # Errors
/// [`JudgeError`].
pub fn judge_change(bundle: &Bundle, change: &Change) -> Result<Vec<Act>, JudgeError> {
    let expected = change.before.policy.bundle_hash();
    let bundle = bundle.known(&expected).ok_or(JudgeError::BundleMissing(expected))?;
    change.check_committer()?;
    change.check_list()?;
    let back = put_back::asked(change);
    change.check_proposals(&back)?;
    let next = bundles::check(bundle, change)?;
    let changed_fields = fields::check(change)?;
    let raised = version::check(change)?;
    change.after.check_roles_match()?;
    let renewed = leaves::check(bundle, change, &back)?;
    let mut grounds = evidence::grounds(bundle, change)?;
    if next.is_some() {
        grounds.dropped(&change.removed);
    }
    let removed = members::check_removals(change, &grounds.removals, &back)?;
    let admitted = members::check_admissions(change, &grounds, &back)?;
    suspension::check(change, &grounds, next.as_ref())?;
    stand_in::check(change, &grounds.mandates)?;
    roles::check_one_owner(change)?;
    let role_changes = roles::check(change, &grounds.consents)?;
    fields::check_authorities_version(change)?;
    let followed = next.map(|next| Act::BundleChanged { version: next.version() });
    let followed = followed.into_iter().collect();
    Ok([renewed, removed, admitted, role_changes, changed_fields, raised, followed].concat())
}

impl Change {
    /// The committer's role before, as far as it still lasts.
    pub(super) fn committer_role(&self) -> Option<Role> {
        self.before.policy.role_at(self.committer.officer(), self.received_at)
    }

    /// Whether the committer acts for an authority.
    pub(super) fn is_by_lead_of(&self, domain: &Domain) -> bool {
        self.before.policy.are_one(self.committer.domain(), domain)
            && self.committer_role().is_some_and(Role::is_lead)
    }

    /// Whether the committer lets in the address that succeeds its own.
    pub(super) fn is_succeeded_by(&self, officer: &OfficerAddress) -> bool {
        let is_new = self.role_before(officer).is_none();
        is_new && self.before.policy.succeeds(officer, self.committer.officer())
    }

    /// Whether the committer owns the channel.
    pub(super) fn is_by_owner(&self) -> bool {
        self.committer_role() == Some(Role::Owner)
    }

    /// The owner before, if it is still in the channel after.
    pub(super) fn owner_stays(&self) -> Option<&OfficerAddress> {
        self.before.policy.owners().find(|owner| self.role_after(owner).is_some())
    }

    pub(super) fn role_before(&self, officer: &OfficerAddress) -> Option<Role> {
        self.before.policy.role_of(officer)
    }

    pub(super) fn role_after(&self, officer: &OfficerAddress) -> Option<Role> {
        self.after.policy.role_of(officer)
    }

    /// The authorities present before.
    pub(super) fn authorities_before(&self) -> BTreeSet<&Domain> {
        self.before.policy.authorities()
    }

    /// R-COMMITTER.
    fn check_committer(&self) -> Result<(), Void> {
        let member = |state: &State| state.members.contains_key(&self.committer);
        if member(&self.before) && member(&self.after) {
            Ok(())
        } else {
            Err(Void::new(Rule::Committer, &self.committer))
        }
    }

    /// R-LIST.
    fn check_list(&self) -> Result<(), Void> {
        if self.after.devices().hash() == self.list_hash {
            Ok(())
        } else {
            Err(Void::new(Rule::List, self.list_hash))
        }
    }

    /// R-OWN-LEAF: nobody is removed and added at once, be it with the very same leaf, which would
    /// lock a device out that nobody was entitled to remove; but for whoever asked to be put `back`.
    fn check_proposals(&self, back: &Back) -> Result<(), Void> {
        let (before, after) = (&self.before.members, &self.after.members);
        let mut others_added = self.added.iter().filter(|device| !back.contains_key(*device));
        let mut others_gone = self.removed.iter().filter(|device| !back.contains_key(*device));
        let added = others_added.find(|d| before.contains_key(*d) || !after.contains_key(*d));
        let gone = others_gone.find(|d| after.contains_key(*d) || !before.contains_key(*d));
        let come = after.keys().find(|d| !before.contains_key(*d) && !self.added.contains(*d));
        let lost = before.keys().find(|d| !after.contains_key(*d) && !self.removed.contains(*d));
        match added.or(gone).or(come).or(lost) {
            Some(device) => Err(Void::new(Rule::OwnLeaf, device)),
            None => Ok(()),
        }
    }
}
