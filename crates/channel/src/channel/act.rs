//! What a member can ask for that takes a commit.

use enlace_identity::names::{DeviceName, OfficerAddress};

use crate::entry::SignedEntry;
use crate::policy::Role;

/// A change of the channel, as an officer or the client itself wants it.
#[derive(Clone, Debug)]
pub enum Command {
    /// Admit officers, each with one of their devices.
    Admit(Vec<Admission>),
    /// Admit the first officer of an authority, with the consents of those present
    /// ([`Channel::agreement`]).
    ///
    /// [`Channel::agreement`]: super::Channel::agreement
    AdmitAuthority {
        /// Whom.
        admission: Admission,
        /// The entries in which leads consent.
        consents: Vec<SignedEntry>,
    },
    /// Admit a stand-in, as a lead, where its authority has no lead left.
    AdmitStandIn {
        /// Whom.
        admission: Admission,
        /// The registrar's signed mandate.
        mandate: Vec<u8>,
    },
    /// Make an officer the owner, as leads of most authorities want it.
    AppointOwner {
        /// Whom.
        officer: OfficerAddress,
        /// The entries in which leads consent.
        consents: Vec<SignedEntry>,
    },
    /// Let another device of an officer in who is in the channel already.
    AddDevice {
        /// The device.
        device: DeviceName,
        /// A key package of it.
        key_package: Vec<u8>,
    },
    /// Remove one device of an officer who has others.
    RemoveDevice(DeviceName),
    /// Remove an officer with all devices.
    Remove(OfficerAddress),
    /// Remove officers with all devices.
    RemoveAll(Vec<OfficerAddress>),
    /// Give an officer another role. `Owner` hands the ownership on.
    SetRole(OfficerAddress, Role),
    /// Carry out a member's own wish to leave.
    CarryOutLeave(DeviceName),
    /// Put a stranded device back, which has asked for it: anybody may.
    PutBack(DeviceName),
    /// Remove a device whose certificate its authority has withdrawn: anybody may.
    RemoveRevoked {
        /// The device.
        device: DeviceName,
        /// The list that withdraws it, as it travels ([`Channel::withdrawn`]).
        ///
        /// [`Channel::withdrawn`]: super::Channel::withdrawn
        list: Vec<u8>,
    },
    /// Remove a device that its authority has suspended: anybody may.
    RemoveSuspended {
        /// The device.
        device: DeviceName,
        /// The signed statement that names it.
        statement: Vec<u8>,
    },
    /// Let a device back in that a suspension took out: anybody may, once it is lifted or has ended.
    Readmit {
        /// The device.
        device: DeviceName,
        /// A key package of it.
        key_package: Vec<u8>,
        /// The signed statement that leaves it out; none when the former one has ended.
        statement: Option<Vec<u8>>,
    },
    /// Close the channel, or open it again.
    SetClosed(bool),
    /// Follow the next version of the rules.
    RaiseRules,
    /// Say how many days after closing the own authority keeps its copies; without, for ever.
    SetRetention(Option<u32>),
    /// Place the own authority's hold, or lift it.
    SetHold(bool),
    /// Follow the network's bundle to its newest version: anybody may. Takes out whom that version no
    /// longer vouches for.
    FollowBundle,
    /// Renew this device's keys.
    SelfUpdate,
}

/// Somebody to admit.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Whose device it must be.
    pub officer: OfficerAddress,
    /// The role to give.
    pub role: Role,
    /// A key package, claimed from the officer's relay.
    pub key_package: Vec<u8>,
}
