//! What a valid commit does, in the words that members are told.

use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_log::Seq;

use crate::policy::{FoundingReason, Role};

/// One thing that a commit did. A commit with none renewed its author's keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// An officer came in, or came back with another device.
    Admitted {
        /// The officer.
        officer: OfficerAddress,
        /// The device.
        device: DeviceName,
        /// The officer's role.
        role: Role,
        /// Whether the officer's authority was not in the channel before.
        new_authority: bool,
    },
    /// A device is back whose suspension is lifted or has ended.
    Returned {
        /// The officer.
        officer: OfficerAddress,
        /// The device.
        device: DeviceName,
        /// The officer's role.
        role: Role,
    },
    /// An officer has another address, since the officer's authority has another domain.
    AddressChanged {
        /// The address before, which stays until its devices go.
        former: OfficerAddress,
        /// The address from now on.
        officer: OfficerAddress,
        /// The first device there.
        device: DeviceName,
        /// The role that passes on.
        role: Role,
    },
    /// An officer who is in the channel has one device more.
    DeviceAdded {
        /// The device.
        device: DeviceName,
    },
    /// An officer has one device less, and stays.
    DeviceRemoved {
        /// The device.
        device: DeviceName,
        /// What entitled the author.
        because: Removal,
    },
    /// An officer is no longer in the channel, with this device.
    Removed {
        /// The officer.
        officer: OfficerAddress,
        /// The device.
        device: DeviceName,
        /// What entitled the author.
        because: Removal,
    },
    /// A stranded device was put back, as it had asked.
    PutBack {
        /// The device.
        device: DeviceName,
        /// The commit that it says stranded it.
        since: Seq,
        /// Under which key it wants what it missed.
        share_key: Vec<u8>,
    },
    /// An officer has another role.
    RoleChanged {
        /// The officer.
        officer: OfficerAddress,
        /// The former role.
        from: Role,
        /// The present one.
        to: Role,
    },
    /// A device has another certificate.
    Renewed {
        /// The device.
        device: DeviceName,
    },
    /// The case is closed.
    Closed,
    /// It is open again.
    Reopened,
    /// The channel goes on in a new group, with fresh keys for everybody.
    Founded(FoundingReason),
    /// The channel follows a newer version of the rules.
    RulesRaised {
        /// That version.
        to: u32,
    },
    /// An authority was put out of it, with all of its officers.
    Expelled(Domain),
    /// The channel goes by a later version of the network's bundle.
    BundleChanged {
        /// That version.
        version: u64,
    },
    /// The policy says something else.
    PolicyChanged(PolicyField),
}

/// What entitles to a removal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Removal {
    /// The author is the officer itself, with another device.
    Own,
    /// The author is a lead of the same authority.
    ByLead,
    /// The officer had asked for it.
    Left,
    /// The device's authority has withdrawn its certificate.
    Revoked,
    /// The device's authority has suspended it.
    Suspended,
    /// The officer stood in, and the mandate has ended.
    Ended,
    /// The network's bundle no longer vouches for it: its authority, or its authority's root, is out.
    Dropped,
}

/// A field of the policy that can change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PolicyField {
    /// The title.
    Title,
    /// What the exchange rests on.
    LegalBasis,
    /// The handling code by default.
    DefaultHandling,
    /// An authority's own reference of the case.
    CaseReference(Domain),
    /// How long an authority keeps entries.
    Retention(Domain),
    /// An authority keeps its copies, or no longer does.
    Hold {
        /// Whose.
        authority: Domain,
        /// Whether it is placed.
        placed: bool,
    },
}
