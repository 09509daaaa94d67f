//! Who stands where in the tree, by name: read from the certificates once per epoch.

use std::collections::BTreeMap;

use enlace_identity::keys::PublicKey;
use enlace_identity::names::DeviceName;
use enlace_log::DeviceList;
use enlace_log::control::LeafHash;

use crate::credential::{device_name, leaf_hash};
use crate::mls::{GroupView, LeafIndex};

/// The members of one epoch by name. Their certificates were verified when they came.
#[derive(Clone, Debug)]
pub(super) struct Roster(BTreeMap<DeviceName, Seat>);

/// One member's place.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) leaf: LeafIndex,
    pub(super) key: PublicKey,
    pub(super) leaf_hash: LeafHash,
}

impl Roster {
    /// `None` when a leaf's certificate carries no device name, or two carry the same.
    pub(super) fn of(view: &GroupView) -> Option<Self> {
        let mut seats = BTreeMap::new();
        for member in &view.members {
            let seat =
                Seat { leaf: member.leaf, key: member.signature_key, leaf_hash: leaf_hash(member) };
            if seats.insert(device_name(&member.chain).ok()?, seat).is_some() {
                return None;
            }
        }
        Some(Self(seats))
    }

    pub(super) fn seat(&self, device: &DeviceName) -> Option<&Seat> {
        self.0.get(device)
    }

    pub(super) fn device_at(&self, leaf: LeafIndex) -> Option<&DeviceName> {
        self.0.iter().find(|(_, seat)| seat.leaf == leaf).map(|(device, _)| device)
    }

    pub(super) fn leaves(&self) -> BTreeMap<DeviceName, LeafHash> {
        self.0.iter().map(|(device, seat)| (device.clone(), seat.leaf_hash)).collect()
    }

    pub(super) fn list(&self) -> DeviceList {
        self.0.keys().cloned().collect()
    }
}
