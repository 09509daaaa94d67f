//! What a change of membership or policy did, as the officer is told.

use enlace_channel::policy::{FoundingReason, Role};
use enlace_channel::rules::{Act, PolicyField, Removal};
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use serde::{Deserialize, Serialize};

use crate::serde_text::as_text;

/// One thing that a change did.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum ChangeAct {
    /// An officer came in, or came back with another device.
    Admitted {
        /// Who.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
        /// With which device.
        #[serde(with = "as_text")]
        device: DeviceName,
        /// As what.
        #[serde(with = "as_text")]
        role: Role,
        /// Whether the officer's authority is new.
        new_authority: bool,
    },
    /// A device is back whose suspension is lifted or has ended.
    Returned {
        /// Who.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
        /// With which device.
        #[serde(with = "as_text")]
        device: DeviceName,
        /// As what.
        #[serde(with = "as_text")]
        role: Role,
    },
    /// An officer has another address, since the officer's authority has another domain.
    AddressChanged {
        /// The address before.
        #[serde(with = "as_text")]
        former: OfficerAddress,
        /// The address from now on.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
        /// The first device there.
        #[serde(with = "as_text")]
        device: DeviceName,
        /// As what.
        #[serde(with = "as_text")]
        role: Role,
    },
    /// An officer who is in the channel has one device more.
    DeviceAdded {
        /// Which.
        #[serde(with = "as_text")]
        device: DeviceName,
    },
    /// An officer has one device less, and stays.
    DeviceRemoved {
        /// Which.
        #[serde(with = "as_text")]
        device: DeviceName,
        /// Whether its certificate was revoked.
        revoked: bool,
        /// Whether its authority has suspended it.
        #[serde(default)]
        suspended: bool,
    },
    /// An officer is no longer in the channel, with this device.
    Removed {
        /// Who.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
        /// With which device.
        #[serde(with = "as_text")]
        device: DeviceName,
        /// Whether the officer had asked for it.
        left: bool,
        /// Whether the device's certificate was revoked.
        #[serde(default)]
        revoked: bool,
        /// Whether the device's authority has suspended it.
        #[serde(default)]
        suspended: bool,
        /// Whether the network's bundle no longer vouches for it.
        #[serde(default)]
        dropped: bool,
    },
    /// An officer has another role.
    RoleChanged {
        /// Who.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
        /// The former role.
        #[serde(with = "as_text")]
        from: Role,
        /// The present one.
        #[serde(with = "as_text")]
        to: Role,
    },
    /// A device has another certificate.
    Renewed {
        /// Which.
        #[serde(with = "as_text")]
        device: DeviceName,
    },
    /// A device that a change had left behind is in step again.
    PutBack {
        /// Which.
        #[serde(with = "as_text")]
        device: DeviceName,
        /// The position of the change that left it behind, by its own word.
        since: u64,
    },
    /// The case is closed.
    Closed,
    /// It is open again.
    Reopened,
    /// The channel goes on with fresh keys for everybody.
    Founded {
        /// Whether nobody could go on with the former ones.
        poisoned: bool,
    },
    /// The channel follows a newer version of the rules.
    RulesRaised {
        /// That version.
        to: u32,
    },
    /// An authority keeps its copies, whatever is withdrawn or has run its time.
    HoldPlaced {
        /// Which.
        authority: String,
    },
    /// It no longer does.
    HoldLifted {
        /// Which.
        authority: String,
    },
    /// An authority is out, with all of its officers.
    Expelled {
        /// Which.
        #[serde(with = "as_text")]
        authority: Domain,
    },
    /// The channel goes by a later version of the network's bundle.
    BundleChanged {
        /// That version.
        version: u64,
    },
    /// The channel's title, references or rules of use changed.
    PolicyChanged {
        /// `title`, `legal_basis`, `default_handling`, `case_reference` or `retention`.
        field: String,
        /// Whose, where each authority has its own.
        authority: Option<String>,
    },
}

impl From<Act> for ChangeAct {
    fn from(act: Act) -> Self {
        match act {
            Act::Admitted { officer, device, role, new_authority } => {
                Self::Admitted { officer, device, role, new_authority }
            }
            Act::Returned { officer, device, role } => Self::Returned { officer, device, role },
            Act::AddressChanged { former, officer, device, role } => {
                Self::AddressChanged { former, officer, device, role }
            }
            Act::DeviceAdded { device } => Self::DeviceAdded { device },
            Act::DeviceRemoved { device, because } => Self::DeviceRemoved {
                device,
                revoked: because == Removal::Revoked,
                suspended: because == Removal::Suspended,
            },
            Act::Removed { officer, device, because } => Self::Removed {
                officer,
                device,
                left: because == Removal::Left,
                revoked: because == Removal::Revoked,
                suspended: because == Removal::Suspended,
                dropped: because == Removal::Dropped,
            },
            Act::RoleChanged { officer, from, to } => Self::RoleChanged { officer, from, to },
            Act::Renewed { device } => Self::Renewed { device },
            Act::PutBack { device, since, .. } => Self::PutBack { device, since: since.0 },
            Act::Closed => Self::Closed,
            Act::Reopened => Self::Reopened,
            Act::Founded(reason) => Self::Founded { poisoned: reason == FoundingReason::Poisoned },
            Act::RulesRaised { to } => Self::RulesRaised { to },
            Act::PolicyChanged(PolicyField::Hold { authority, placed }) => {
                let authority = authority.to_string();
                match placed {
                    true => Self::HoldPlaced { authority },
                    false => Self::HoldLifted { authority },
                }
            }
            Act::Expelled(authority) => Self::Expelled { authority },
            Act::BundleChanged { version } => Self::BundleChanged { version },
            Act::PolicyChanged(field) => {
                let (field, authority) = match field {
                    PolicyField::Title => ("title", None),
                    PolicyField::LegalBasis => ("legal_basis", None),
                    PolicyField::DefaultHandling => ("default_handling", None),
                    PolicyField::CaseReference(domain) => ("case_reference", Some(domain)),
                    PolicyField::Retention(domain) => ("retention", Some(domain)),
                    PolicyField::Hold { authority, .. } => ("hold", Some(authority)),
                };
                let authority = authority.map(|domain| domain.to_string());
                Self::PolicyChanged { field: field.to_owned(), authority }
            }
        }
    }
}
