//! What an outbox row is to bring about.

use enlace_channel::policy::Role;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_log::ChannelNonce;
use enlace_proto::relay::v1::LeasePurpose;
use serde::{Deserialize, Serialize};

use crate::serde_text::{as_hex, as_text, as_text_or_none};

/// Something to be sent, as the officer or the client itself wants it. It is made into an item
/// only when the channel's state is known, and again when that has moved on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Open the channel: the item is made at once.
    Create {
        /// With the own hub, what the channel's id is derived from.
        #[serde(with = "as_text")]
        nonce: ChannelNonce,
    },
    /// Send the signed entry beside it.
    Entry,
    /// Admit an officer.
    Admit {
        /// Whom.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
        /// As what.
        #[serde(with = "as_text")]
        role: Role,
        /// The officer's key package, once it is claimed.
        #[serde(with = "as_hex", default)]
        key_package: Option<Vec<u8>>,
    },
    /// Admit a stand-in, by a registrar's mandate.
    AdmitStandIn {
        /// Whom.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
        /// The signed mandate.
        #[serde(with = "as_hex")]
        mandate: Option<Vec<u8>>,
        /// The officer's key package, once it is claimed.
        #[serde(with = "as_hex", default)]
        key_package: Option<Vec<u8>>,
    },
    /// Admit everybody of the own authority who has a program there, in batches.
    AdmitAll {
        /// As what.
        #[serde(with = "as_text")]
        role: Role,
        /// The last officer whom the relay has named so far.
        after: String,
    },
    /// Admit officers with one change.
    AdmitMany {
        /// As what.
        #[serde(with = "as_text")]
        role: Role,
        /// Whom.
        invited: Vec<Invited>,
        /// Whether their key packages were claimed.
        claimed: bool,
    },
    /// Remove officers, with all devices, with one change.
    RemoveMany {
        /// Whom.
        officers: Vec<Named>,
    },
    /// Let another device of this officer in.
    AddDevice {
        /// Which.
        #[serde(with = "as_text")]
        device: DeviceName,
        /// Its key package, once it is claimed.
        #[serde(with = "as_hex", default)]
        key_package: Option<Vec<u8>>,
    },
    /// Remove another device of this officer.
    RemoveDevice {
        /// Which.
        #[serde(with = "as_text")]
        device: DeviceName,
    },
    /// Remove an officer with all devices.
    Remove {
        /// Whom.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
    },
    /// Give an officer another role.
    SetRole {
        /// Whom.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
        /// Which.
        #[serde(with = "as_text")]
        role: Role,
    },
    /// Make an officer the owner, as leads of most authorities want it.
    AppointOwner {
        /// Whom.
        #[serde(with = "as_text")]
        officer: OfficerAddress,
        /// In whose place; nobody's where there is no owner.
        instead_of: Option<String>,
    },
    /// Carry out another member's wish to leave.
    CarryOutLeave {
        /// The device that asked.
        #[serde(with = "as_text")]
        device: DeviceName,
    },
    /// Remove a device whose certificate its authority has withdrawn.
    RemoveRevoked {
        /// The device.
        #[serde(with = "as_text")]
        device: DeviceName,
    },
    /// Put a device back that asked for it.
    PutBack {
        /// Which.
        #[serde(with = "as_text")]
        device: DeviceName,
    },
    /// Remove a device that its authority has suspended.
    RemoveSuspended {
        /// The device.
        #[serde(with = "as_text")]
        device: DeviceName,
    },
    /// Let a device back in whose suspension is over.
    Readmit {
        /// Which.
        #[serde(with = "as_text")]
        device: DeviceName,
        /// Its key package, once it is claimed.
        #[serde(with = "as_hex", default)]
        key_package: Option<Vec<u8>>,
    },
    /// Follow the network's bundle to its newest version.
    FollowBundle,
    /// Renew this device's keys.
    SelfUpdate,
    /// Close the channel, or open it again.
    SetClosed {
        /// Which of the two.
        closed: bool,
    },
    /// Follow the next version of the rules.
    RaiseRules {
        /// That version.
        to: u32,
    },
    /// Go on in a new group, with fresh keys for everybody.
    Succeed {
        /// Whether nobody can go on in the present one.
        poisoned: bool,
        /// The number of the suite.
        suite: u16,
        /// Which of the channel's groups it is to take the place of.
        generation: u64,
        /// Which authority is put out.
        #[serde(with = "as_text_or_none", default)]
        expelled: Option<Domain>,
        /// Every other device of the channel.
        #[serde(default)]
        wanted: Vec<Wanted>,
    },
    /// Say how many days after closing the own authority keeps its copies; without, for ever.
    SetRetention {
        /// How many.
        days: Option<u32>,
    },
    /// Place the own authority's hold, or lift it.
    SetHold {
        /// Which of the two.
        placed: bool,
    },
    /// Ask to be removed.
    Leave,
    /// Have the relays erase what entries say that were erased here.
    Erase {
        /// Their places.
        places: Vec<u64>,
    },
    /// Object to a void commit that dropped this device.
    Contest {
        /// The commit's position.
        commit: u64,
    },
    /// Say that this device is stranded, and ask to be put back.
    AskBack,
    /// The same of those in the next group, whose welcome this device could not open.
    AskBackInto {
        /// Where its founding stands.
        succession: u64,
    },
    /// Give a device that was put back what it missed.
    ShareHistory {
        /// The device.
        #[serde(with = "as_text")]
        device: DeviceName,
        /// The commit that it says stranded it.
        since: u64,
        /// The first position that is still to be shared.
        from: u64,
        /// The last one.
        to: u64,
        /// The key that it named, in hexadecimal.
        share_key: String,
    },
}

/// An officer to be admitted with others.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Invited {
    /// Whom.
    #[serde(with = "as_text")]
    pub officer: OfficerAddress,
    /// The officer's key package, once it is claimed.
    #[serde(with = "as_hex", default)]
    pub key_package: Option<Vec<u8>>,
}

/// An officer among others.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Named {
    /// Whom.
    #[serde(with = "as_text")]
    pub officer: OfficerAddress,
}

impl Task {
    /// What to ask a lease for; `None` where no commit is made.
    #[must_use]
    pub fn lease(&self) -> Option<LeasePurpose> {
        match self {
            Self::Create { .. }
            | Self::AdmitAll { .. }
            | Self::Entry
            | Self::Leave
            | Self::Erase { .. }
            | Self::Contest { .. }
            | Self::AskBack
            | Self::AskBackInto { .. }
            | Self::ShareHistory { .. } => None,
            Self::Admit { .. }
            | Self::AdmitStandIn { .. }
            | Self::AdmitMany { .. }
            | Self::AddDevice { .. }
            | Self::Readmit { .. } => Some(LeasePurpose::Admission),
            Self::Remove { .. }
            | Self::RemoveMany { .. }
            | Self::RemoveDevice { .. }
            | Self::CarryOutLeave { .. }
            | Self::RemoveRevoked { .. }
            | Self::RemoveSuspended { .. } => Some(LeasePurpose::Removal),
            Self::SetRole { .. }
            | Self::AppointOwner { .. }
            | Self::SetClosed { .. }
            | Self::RaiseRules { .. }
            | Self::FollowBundle
            | Self::PutBack { .. }
            | Self::Succeed { .. }
            | Self::SetRetention { .. }
            | Self::SetHold { .. } => Some(LeasePurpose::Policy),
            Self::SelfUpdate => Some(LeasePurpose::SelfUpdate),
        }
    }

    /// Whether it goes before everything else, also where this device may write nothing.
    #[must_use]
    pub fn is_objection(&self) -> bool {
        matches!(self, Self::Contest { .. } | Self::AskBack | Self::AskBackInto { .. })
    }

    /// Whether there are circumstances in which others have to consent.
    #[must_use]
    pub fn may_need_consent(&self) -> bool {
        matches!(
            self,
            Self::Admit { .. }
                | Self::AppointOwner { .. }
                | Self::Succeed { expelled: Some(_), .. }
        )
    }

    /// A word for logs: never content.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Entry => "entry",
            Self::Admit { .. } => "admit",
            Self::AdmitStandIn { .. } => "admit stand-in",
            Self::AdmitAll { .. } => "admit all",
            Self::AdmitMany { .. } => "admit many",
            Self::RemoveMany { .. } => "remove many",
            Self::AddDevice { .. } => "add device",
            Self::RemoveDevice { .. } => "remove device",
            Self::Remove { .. } => "remove",
            Self::SetRole { .. } => "set role",
            Self::AppointOwner { .. } => "appoint owner",
            Self::CarryOutLeave { .. } => "carry out leave",
            Self::RemoveRevoked { .. } => "remove revoked",
            Self::RemoveSuspended { .. } => "remove suspended",
            Self::Readmit { .. } => "readmit",
            Self::FollowBundle => "follow the bundle",
            Self::SelfUpdate => "renew keys",
            Self::SetRetention { .. } => "set retention",
            Self::SetHold { placed: true } => "hold",
            Self::SetHold { placed: false } => "lift hold",
            Self::SetClosed { closed: true } => "close",
            Self::SetClosed { closed: false } => "reopen",
            Self::RaiseRules { .. } => "raise rules",
            Self::Succeed { .. } => "renew the channel",
            Self::Leave => "leave",
            Self::Erase { .. } => "erase",
            Self::Contest { .. } => "contest",
            Self::AskBack | Self::AskBackInto { .. } => "ask to be put back",
            Self::PutBack { .. } => "put back",
            Self::ShareHistory { .. } => "share history",
        }
    }

    /// The same, as notices keep it.
    #[must_use]
    pub fn without_key_package(mut self) -> Self {
        self.forget_key_packages();
        if let Self::Succeed { wanted, .. } = &mut self {
            wanted.clear();
        }
        self
    }

    /// Others have to be claimed.
    pub(crate) fn forget_key_packages(&mut self) {
        match self {
            Self::Admit { key_package, .. }
            | Self::AdmitStandIn { key_package, .. }
            | Self::AddDevice { key_package, .. }
            | Self::Readmit { key_package, .. } => *key_package = None,
            Self::Succeed { wanted, .. } => {
                wanted.iter_mut().for_each(|wanted| wanted.key_package = None);
            }
            Self::AdmitMany { invited, claimed, .. } => {
                *claimed = false;
                invited.iter_mut().for_each(|invited| invited.key_package = None);
            }
            _ => {}
        }
    }

    /// Whether it lets in or takes out many.
    #[must_use]
    pub fn is_batch(&self) -> bool {
        matches!(self, Self::AdmitAll { .. } | Self::AdmitMany { .. } | Self::RemoveMany { .. })
    }

    /// Whether a device that has lost step with the channel may do it.
    #[must_use]
    pub fn is_for_the_stranded(&self) -> bool {
        matches!(self, Self::Succeed { poisoned: true, .. })
    }

    /// Whose key package has to be claimed before the item can be made.
    #[must_use]
    pub fn missing_key_package(&self) -> Option<Claim<'_>> {
        match self {
            Self::Admit { officer, key_package: None, .. }
            | Self::AdmitStandIn { officer, key_package: None, .. } => {
                Some(Claim::Officer(officer))
            }
            Self::AddDevice { device, key_package: None }
            | Self::Readmit { device, key_package: None } => Some(Claim::Device(device)),
            Self::AdmitMany { invited, claimed: false, .. } => Some(Claim::Many(invited)),
            Self::Succeed { wanted, .. } if wanted.iter().any(Wanted::is_missing) => {
                Some(Claim::Devices(wanted))
            }
            _ => None,
        }
    }

    /// Keeps claimed key packages, of the devices that they were handed out for; whether there was
    /// one.
    pub(crate) fn keep_claimed(&mut self, claimed: Vec<(String, Vec<u8>)>) -> bool {
        match self {
            Self::Admit { key_package, .. }
            | Self::AdmitStandIn { key_package, .. }
            | Self::AddDevice { key_package, .. }
            | Self::Readmit { key_package, .. } => {
                *key_package = claimed.into_iter().next().map(|(_, key_package)| key_package);
                key_package.is_some()
            }
            Self::Succeed { wanted, .. } => {
                let mut any = false;
                for (device, key_package) in claimed {
                    let wanted = wanted.iter_mut().find(|w| w.device.as_str() == device);
                    if let Some(wanted) = wanted.filter(|wanted| wanted.is_missing()) {
                        wanted.key_package = Some(key_package);
                        any = true;
                    }
                }
                any
            }
            _ => false,
        }
    }
}

/// A device whose key package a new group takes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Wanted {
    /// Which.
    #[serde(with = "as_text")]
    pub device: DeviceName,
    /// Its key package, once it is claimed.
    #[serde(with = "as_hex", default)]
    pub key_package: Option<Vec<u8>>,
}

impl Wanted {
    /// Of a device, before it is claimed.
    #[must_use]
    pub fn of(device: DeviceName) -> Self {
        Self { device, key_package: None }
    }

    /// Whether it has to be claimed.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.key_package.is_none()
    }
}

/// Whose key package is claimed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim<'a> {
    /// One of any device of an officer.
    Officer(&'a OfficerAddress),
    /// One of that device.
    Device(&'a DeviceName),
    /// One of any device of each of these.
    Many(&'a [Invited]),
    /// One of each of these that has none yet.
    Devices(&'a [Wanted]),
}
