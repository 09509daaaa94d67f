//! The devices of a channel as its hub sees them (PROTOCOL.md §3.6).

mod pages;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use enlace_identity::canonical::Writer;
use enlace_identity::names::{DeviceName, NameError};
use enlace_proto::relay::v1 as wire;

use self::pages::Pages;
use crate::ids::bytes_id;

bytes_id!(
    /// Hash of a device list.
    ListHash, 32
);

impl ListHash {
    /// What stands in an item that is not a commit.
    pub const NONE: Self = Self([0; 32]);
}

/// The devices that may read and write, sorted. Cloning is cheap, and lists that differ little share
/// what they have in common: a channel remembers one for each commit.
#[derive(Clone, Debug, Default)]
pub struct DeviceList(Pages);

impl DeviceList {
    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> ListHash {
        let names: Vec<&DeviceName> = self.iter().collect();
        let writer = Writer::new("enlace device list v1");
        ListHash(writer.list(&names, |w, name| w.bytes(name.as_str().as_bytes())).hash())
    }

    /// Whether the device is on it.
    #[must_use]
    pub fn contains(&self, device: &DeviceName) -> bool {
        self.0.contains(device)
    }

    /// The devices, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &DeviceName> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// How many names it takes memory for beside another list: those that the two do not share.
    #[must_use]
    pub fn names_beside(&self, other: &Self) -> usize {
        self.0.names_beside(&other.0)
    }

    /// What leads from `self` to `after`.
    #[must_use]
    pub fn change_to(&self, after: &Self) -> ListChange {
        let missing = |from: &Self, of: &Self| -> BTreeSet<DeviceName> {
            of.iter().filter(|device| !from.contains(device)).cloned().collect()
        };
        ListChange { added: missing(self, after), removed: missing(after, self) }
    }

    /// The list after a change.
    ///
    /// # Errors
    /// [`ListError::DoesNotFit`] when a device to add is on it already, or one to remove is not.
    pub fn apply(&self, change: &ListChange) -> Result<Self, ListError> {
        if change.is_empty() { Ok(self.clone()) } else { self.0.apply(change).map(Self) }
    }
}

impl PartialEq for DeviceList {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for DeviceList {}

impl FromIterator<DeviceName> for DeviceList {
    fn from_iter<I: IntoIterator<Item = DeviceName>>(devices: I) -> Self {
        Self(Pages::of(&devices.into_iter().collect()))
    }
}

/// What a commit does to the device list, relative to the list after the last commit that its
/// author holds valid.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ListChange {
    /// Devices that may read from this commit on.
    pub added: BTreeSet<DeviceName>,
    /// Devices that read no further.
    pub removed: BTreeSet<DeviceName>,
}

impl ListChange {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// As it travels.
    #[must_use]
    pub fn to_wire(&self) -> wire::ListChange {
        let names = |set: &BTreeSet<DeviceName>| set.iter().map(ToString::to_string).collect();
        wire::ListChange { added: names(&self.added), removed: names(&self.removed) }
    }
}

impl TryFrom<&wire::ListChange> for ListChange {
    type Error = ListError;

    fn try_from(change: &wire::ListChange) -> Result<Self, ListError> {
        let (added, removed) = (parse_sorted(&change.added)?, parse_sorted(&change.removed)?);
        match added.intersection(&removed).next() {
            Some(device) => Err(ListError::DoesNotFit(device.clone())),
            None => Ok(Self { added, removed }),
        }
    }
}

/// Reads device names that must be sorted, each once.
///
/// # Errors
/// [`ListError::Name`], [`ListError::NotSorted`].
pub fn parse_sorted(names: &[String]) -> Result<BTreeSet<DeviceName>, ListError> {
    if !names.is_sorted_by(|a, b| a < b) {
        return Err(ListError::NotSorted);
    }
    names.iter().map(|name| name.parse().map_err(ListError::Name)).collect()
}

/// Why a device list or a change to one is refused: the sender's fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ListError {
    /// A name is not a device's.
    #[error(transparent)]
    Name(NameError),
    /// The names are not sorted, or one stands twice.
    #[error("the device list is not sorted")]
    NotSorted,
    /// A device is added that is there, or removed that is not.
    #[error("the change to the device list does not fit at {0}")]
    DoesNotFit(DeviceName),
}
