//! Making a policy, and making the next one out of it.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::bundle::BundleHash;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Generation};

use super::former::present_in;
use super::{
    ChannelKind, Content, Founding, Policy, PolicyError, RULES_VERSION, Role, SuspendedDevice,
};
use crate::entry::HandlingCode;

/// What the creator of a channel chooses.
#[derive(Clone, Debug)]
pub struct NewCase {
    /// Random.
    pub channel: ChannelId,
    /// The creator, who becomes the owner.
    pub owner: OfficerAddress,
    /// One line.
    pub title: String,
    /// The owner's authority's own reference of the case.
    pub case_reference: Option<String>,
    /// What the exchange rests on; may be empty.
    pub legal_basis: String,
    /// The handling code that notes get by default.
    pub default_handling: HandlingCode,
    /// The authority whose relay orders the channel.
    pub hub: Domain,
    /// The network's bundle.
    pub bundle_hash: BundleHash,
}

impl NewCase {
    /// The policy of a case channel's first epoch.
    ///
    /// # Errors
    /// [`PolicyError::Value`] names the field that can't be like this.
    pub fn into_policy(self) -> Result<Policy, PolicyError> {
        self.into_policy_of(ChannelKind::Case)
    }

    /// The policy of the first epoch of a channel of that kind.
    ///
    /// # Errors
    /// [`PolicyError::Value`] names the field that can't be like this.
    pub fn into_policy_of(self, kind: ChannelKind) -> Result<Policy, PolicyError> {
        let authority = self.owner.domain().clone();
        let references = self.case_reference.map(|reference| (authority, reference));
        Policy::from_content(Content {
            rules_version: RULES_VERSION,
            channel: self.channel,
            generation: Generation(0),
            kind,
            title: self.title,
            case_references: references.into_iter().collect(),
            legal_basis: self.legal_basis,
            default_handling: self.default_handling,
            retention: BTreeMap::new(),
            hub: self.hub,
            creating_hub: None,
            roles: BTreeMap::from([(self.owner, Role::Owner)]),
            bundle_hash: self.bundle_hash,
            authorities_version: 1,
            closed: false,
            holds: BTreeSet::new(),
            founding: None,
            stand_ins: BTreeMap::new(),
            mandate_serials: BTreeMap::new(),
            suspension_serials: BTreeMap::new(),
            suspended: BTreeMap::new(),
            former_domains: BTreeMap::new(),
        })
    }
}

impl Policy {
    /// Begins a change. Whether this program applies the channel's rules is for the caller to know.
    ///
    /// # Errors
    /// [`PolicyError::NeedsNewerVersion`] when there are fields that would be lost.
    pub fn edit(&self) -> Result<PolicyEdit, PolicyError> {
        if self.has_unknown_fields {
            return Err(PolicyError::NeedsNewerVersion);
        }
        Ok(PolicyEdit(self.content.clone()))
    }

    /// With one officer more.
    ///
    /// # Errors
    /// [`PolicyError::AlreadyMember`]; as [`Self::edit`] and [`PolicyEdit::finish`].
    pub fn admit(&self, officer: &OfficerAddress, role: Role) -> Result<Self, PolicyError> {
        match self.role_of(officer) {
            Some(_) => Err(PolicyError::AlreadyMember(officer.clone())),
            None => self.edit()?.role(officer, role).finish(),
        }
    }

    /// With another role for an officer. [`Role::Owner`] hands the ownership on, and makes the
    /// present owner a lead.
    ///
    /// # Errors
    /// [`PolicyError::NotAMember`]; as [`Self::edit`] and [`PolicyEdit::finish`].
    pub fn set_role(&self, officer: &OfficerAddress, role: Role) -> Result<Self, PolicyError> {
        match (self.role_of(officer), role) {
            (None, _) => Err(PolicyError::NotAMember(officer.clone())),
            (Some(_), Role::Owner) => self.edit()?.owner(officer).finish(),
            (Some(_), role) => self.edit()?.role(officer, role).finish(),
        }
    }

    /// As it has to be where `hub` orders the channel. Fields of a newer version are left alone.
    ///
    /// # Errors
    /// As [`PolicyEdit::finish`].
    pub fn at_hub(&self, hub: &Domain) -> Result<Self, PolicyError> {
        if self.has_unknown_fields || self.content.hub == *hub {
            return Ok(self.clone());
        }
        self.edit()?.hub(hub).finish()
    }

    /// Without an officer.
    ///
    /// # Errors
    /// [`PolicyError::NotAMember`]; as [`Self::edit`] and [`PolicyEdit::finish`].
    pub fn remove(&self, officer: &OfficerAddress) -> Result<Self, PolicyError> {
        match self.role_of(officer) {
            None => Err(PolicyError::NotAMember(officer.clone())),
            Some(_) => self.edit()?.without(officer).finish(),
        }
    }
}

/// A policy being changed. `authorities_version` follows by itself.
#[derive(Clone, Debug)]
pub struct PolicyEdit(Content);

impl PolicyEdit {
    /// Sets an officer's role, be the officer in the channel already or not.
    #[must_use]
    pub fn role(mut self, officer: &OfficerAddress, role: Role) -> Self {
        if !self.has_authority(officer.domain()) {
            self.raise_authorities_version();
        }
        self.0.roles.insert(officer.clone(), role);
        self
    }

    /// Hands the ownership on; the present owner becomes a lead.
    #[must_use]
    pub fn owner(mut self, officer: &OfficerAddress) -> Self {
        for role in self.0.roles.values_mut().filter(|role| **role == Role::Owner) {
            *role = Role::Lead;
        }
        self.role(officer, Role::Owner)
    }

    /// Makes an officer the owner whom leads have appointed; the present owner becomes a lead.
    #[must_use]
    pub fn appointed_owner(self, officer: &OfficerAddress) -> Self {
        let mut edit = self.owner(officer);
        edit.raise_authorities_version();
        edit
    }

    /// Lets a stand-in in, as a lead until the end of the mandate with that serial.
    #[must_use]
    pub fn stand_in(mut self, officer: &OfficerAddress, end: Timestamp, serial: u64) -> Self {
        self.0.stand_ins.insert(officer.clone(), end);
        self.0.mandate_serials.insert(officer.domain().clone(), serial);
        self.role(officer, Role::Lead)
    }

    /// Takes an officer out.
    #[must_use]
    pub fn without(mut self, officer: &OfficerAddress) -> Self {
        let was_there = self.0.roles.remove(officer).is_some();
        if was_there && !self.has_authority(officer.domain()) {
            self.raise_authorities_version();
        }
        self
    }

    /// Raises the version of the rules by one.
    #[must_use]
    pub fn raise_rules(mut self) -> Self {
        self.0.rules_version = self.0.rules_version.saturating_add(1);
        self
    }

    /// Sets the title.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.0.title = title.into();
        self
    }

    /// Sets or removes an authority's reference of the case.
    #[must_use]
    pub fn case_reference(mut self, authority: &Domain, reference: Option<String>) -> Self {
        set(&mut self.0.case_references, authority, reference);
        self
    }

    /// Sets what the exchange rests on.
    #[must_use]
    pub fn legal_basis(mut self, legal_basis: impl Into<String>) -> Self {
        self.0.legal_basis = legal_basis.into();
        self
    }

    /// Sets the handling code that notes get by default.
    #[must_use]
    pub fn default_handling(mut self, code: HandlingCode) -> Self {
        self.0.default_handling = code;
        self
    }

    /// Sets or removes how many days an authority keeps entries.
    #[must_use]
    pub fn retention(mut self, authority: &Domain, days: Option<u32>) -> Self {
        set(&mut self.0.retention, authority, days);
        self
    }

    /// Places an authority's hold, or lifts it.
    #[must_use]
    pub fn hold(mut self, authority: &Domain, placed: bool) -> Self {
        if placed {
            self.0.holds.insert(authority.clone());
        } else {
            self.0.holds.remove(authority);
        }
        self
    }

    /// Names the version of the network's bundle that certificates are judged by.
    #[must_use]
    pub fn bundle_hash(mut self, hash: BundleHash) -> Self {
        self.0.bundle_hash = hash;
        self
    }

    /// Records that another authority's relay orders the channel now.
    #[must_use]
    pub fn hub(mut self, hub: &Domain) -> Self {
        let former = std::mem::replace(&mut self.0.hub, hub.clone());
        if former != *hub {
            self.0.creating_hub.get_or_insert(former);
        }
        self
    }

    /// Says which domains authorities had before. What the policy has of an authority by its domain,
    /// it has by the present one from then on.
    #[must_use]
    pub fn former_domains(mut self, former: BTreeMap<Domain, Domain>) -> Self {
        rename(&mut self.0.case_references, &former);
        rename(&mut self.0.retention, &former);
        let holds = std::mem::take(&mut self.0.holds);
        self.0.holds = holds.iter().map(|holder| present_in(&former, holder).clone()).collect();
        self.0.former_domains = former;
        self
    }

    /// An officer's role passes to the address that succeeds the officer's. It keeps its own until it
    /// goes, but for an owner, who is a lead from then on.
    #[must_use]
    pub fn succeed_address(self, former: &OfficerAddress, address: &OfficerAddress) -> Self {
        match self.0.roles.get(former).copied() {
            Some(Role::Owner) => self.owner(address),
            Some(role) => self.role(address, role),
            None => self,
        }
    }

    /// Closes the channel, or opens it again.
    #[must_use]
    pub fn closed(mut self, closed: bool) -> Self {
        self.0.closed = closed;
        self
    }

    /// Makes it the next group's.
    #[must_use]
    pub fn succeed(mut self, founding: Founding) -> Self {
        self.0.generation = Generation(self.0.generation.0.saturating_add(1));
        if let Some(expulsion) = &founding.expulsion {
            let authority = &expulsion.authority;
            if self.has_authority(authority) {
                self.raise_authorities_version();
            }
            let present = |domain: &Domain| present_in(&self.0.former_domains, domain).clone();
            let out = present(authority);
            self.0.roles.retain(|officer, _| present(officer.domain()) != out);
            self.0.suspended.retain(|device, _| present(device.domain()) != out);
            self.0.case_references.remove(authority);
            self.0.retention.remove(authority);
            self.0.holds.remove(authority);
        }
        self.0.founding = Some(founding);
        self
    }

    /// Records the serial of a statement about suspensions.
    #[must_use]
    pub fn suspension_serial(mut self, authority: &Domain, serial: u64) -> Self {
        self.0.suspension_serials.insert(authority.clone(), serial);
        self
    }

    /// Sets which devices may come back after a suspension.
    #[must_use]
    pub fn suspended(mut self, suspended: BTreeMap<DeviceName, SuspendedDevice>) -> Self {
        self.0.suspended = suspended;
        self
    }

    /// The new policy.
    ///
    /// # Errors
    /// [`PolicyError::Value`] names the field that can't be like this.
    pub fn finish(mut self) -> Result<Policy, PolicyError> {
        let Content { stand_ins, roles, suspended, .. } = &mut self.0;
        stand_ins.retain(|officer, _| {
            roles.contains_key(officer) || suspended.keys().any(|d| d.officer() == officer)
        });
        Policy::from_content(self.0)
    }

    fn has_authority(&self, domain: &Domain) -> bool {
        let present = |domain| present_in(&self.0.former_domains, domain);
        self.0.roles.keys().any(|officer| present(officer.domain()) == present(domain))
    }

    fn raise_authorities_version(&mut self) {
        self.0.authorities_version = self.0.authorities_version.saturating_add(1);
    }

    /// Sets the fields as they are, for tests of what honest members would not write.
    #[cfg(test)]
    pub(crate) fn forge(mut self, change: impl FnOnce(&mut Content)) -> Self {
        change(&mut self.0);
        self
    }
}

fn rename<V>(map: &mut BTreeMap<Domain, V>, former: &BTreeMap<Domain, Domain>) {
    let entries = std::mem::take(map).into_iter();
    map.extend(entries.map(|(domain, value)| (present_in(former, &domain).clone(), value)));
}

fn set<V>(map: &mut BTreeMap<Domain, V>, authority: &Domain, value: Option<V>) {
    match value {
        Some(value) => map.insert(authority.clone(), value),
        None => map.remove(authority),
    };
}
