//! Which devices a suspension took out of the channel, and what they come back as.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::bundle::Bundle;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_identity::time::Timestamp;

use super::{Policy, Role};

/// A device that a suspension took out. It stays listed when it is back, until it goes in another
/// way: a joiner sees by it why anybody may have let it in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SuspendedDevice {
    /// What its officer comes back as; `None` while the officer is in the channel.
    pub role: Option<Role>,
    /// When the statement that suspended it ends: from then on it may come back.
    pub until: Timestamp,
}

impl Policy {
    /// The highest serial of each authority's statements about suspensions that took effect here.
    #[must_use]
    pub fn suspension_serials(&self) -> &BTreeMap<Domain, u64> {
        &self.content.suspension_serials
    }

    /// The serial of an authority's statement that took effect here last, or 0.
    #[must_use]
    pub fn suspension_serial(&self, authority: &Domain) -> u64 {
        self.content.suspension_serials.get(authority).copied().unwrap_or_default()
    }

    /// The devices that a suspension took out, those that are back included.
    #[must_use]
    pub fn suspended(&self) -> &BTreeMap<DeviceName, SuspendedDevice> {
        &self.content.suspended
    }

    /// The role that an officer has once a suspended device is back; `None` when it may not come
    /// back by itself. Where there is another owner by now, the former one comes back as a lead.
    #[must_use]
    pub fn role_on_return(&self, device: &DeviceName) -> Option<Role> {
        let entry = self.content.suspended.get(device)?;
        match self.role_of(device.officer()).or(entry.role)? {
            Role::Owner if self.has_other_owner(device.officer()) => Some(Role::Lead),
            role => Some(role),
        }
    }

    fn has_other_owner(&self, officer: &OfficerAddress) -> bool {
        self.owners().any(|owner| owner != officer)
    }

    /// What [`Self::suspended`] has to be after a commit: `after` has the roles after it, and
    /// `removed` says of each device that goes until when it is suspended, if that is why it goes;
    /// `next` is the bundle that the commit takes the channel to, if it does.
    #[must_use]
    pub fn suspended_after(
        &self,
        after: &Self,
        removed: &BTreeMap<DeviceName, Option<Timestamp>>,
        next: Option<&Bundle>,
    ) -> BTreeMap<DeviceName, SuspendedDevice> {
        let mut entries = self.content.suspended.clone();
        let mut by_suspension = BTreeSet::new();
        for (device, until) in removed {
            match until {
                Some(until) => {
                    let entry = SuspendedDevice { role: None, until: *until };
                    entries.insert(device.clone(), entry);
                    by_suspension.insert(device.officer());
                }
                None => _ = entries.remove(device),
            }
        }
        // Whoever goes altogether in another way comes back by a lead alone.
        entries.retain(|device, _| {
            let officer = device.officer();
            let goes = self.role_of(officer).is_some() && after.role_of(officer).is_none();
            !goes || by_suspension.contains(officer)
        });
        // An authority that is out comes in by consent alone, unless its last officer is suspended.
        let left = after.authorities();
        let present: BTreeSet<_> =
            self.authorities().into_iter().map(|authority| after.present(authority)).collect();
        entries.retain(|device, _| {
            let authority = after.present(device.domain());
            let goes = present.contains(authority) && !left.contains(authority);
            let is_suspended =
                by_suspension.iter().any(|officer| after.present(officer.domain()) == authority);
            let is_listed = next.is_none_or(|bundle| bundle.authority_of(authority).is_some());
            is_listed && (!goes || is_suspended)
        });
        let is_owned = after.owners().next().is_some();
        for (device, entry) in &mut entries {
            let officer = device.officer();
            match (self.role_of(officer), after.role_of(officer)) {
                (_, Some(_)) => entry.role = None,
                (Some(role), None) => entry.role = Some(role),
                (None, None) => {}
            }
            // Whom another owner has followed does not own it again when that one is gone too.
            if is_owned && entry.role == Some(Role::Owner) {
                entry.role = Some(Role::Lead);
            }
        }
        entries
    }
}
