//! What a lease is asked for, and how far the hub believes it.

use enlace_identity::names::DeviceName;
use enlace_log::ListChange;
use enlace_proto::relay::v1::LeasePurpose;

/// What a lease is asked for, in the order in which it is given.
///
/// A hub cannot read commits, but it sees whom they add and remove: who commits less than what the
/// lease was asked for goes last for a while. What it cannot tell apart stands below what it can.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// Removes a device whose certificate the hub itself knows to be revoked.
    Revocation,
    /// Removes devices.
    Removal,
    /// Adds devices.
    Admission,
    /// Changes the policy.
    Policy,
    /// Renews the author's keys.
    #[default]
    SelfUpdate,
}

impl Class {
    /// The highest class that a commit bears out by what it does to the device list.
    #[must_use]
    pub fn of_commit(change: &ListChange, is_revoked: impl Fn(&DeviceName) -> bool) -> Self {
        if change.removed.iter().any(is_revoked) {
            Self::Revocation
        } else if !change.removed.is_empty() {
            Self::Removal
        } else if !change.added.is_empty() {
            Self::Admission
        } else {
            Self::Policy
        }
    }
}

impl From<LeasePurpose> for Class {
    fn from(purpose: LeasePurpose) -> Self {
        match purpose {
            LeasePurpose::Revocation => Self::Revocation,
            LeasePurpose::Removal => Self::Removal,
            LeasePurpose::Admission => Self::Admission,
            LeasePurpose::Policy => Self::Policy,
            LeasePurpose::SelfUpdate | LeasePurpose::Unspecified => Self::SelfUpdate,
        }
    }
}

/// What a device says that it wants the lease for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LeaseClaim {
    /// What for.
    pub class: Class,
    /// Of a revocation: which member's certificate is revoked.
    pub revoked: Option<DeviceName>,
}

impl LeaseClaim {
    /// What of it is believed: a revocation needs a member that the hub knows to be revoked, and
    /// is a removal else.
    #[must_use]
    pub fn believed(&self, is_revoked_member: impl FnOnce(&DeviceName) -> bool) -> Class {
        let is_believed =
            self.class != Class::Revocation || self.revoked.as_ref().is_some_and(is_revoked_member);
        if is_believed { self.class } else { Class::Removal }
    }
}
