//! What members hold valid: a pure function of the log up to a position (PROTOCOL.md §5.2).

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use crate::log::{Body, Device, Devices, Epoch, Item, Log, Place, Sealed};

/// A commit as a member merged it.
pub type Merged = Sealed;

/// The group after some items.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// The newest commit item.
    pub fence: Place,
    /// The newest valid commit.
    pub valid: Place,
    /// The members.
    pub tree: Devices,
    /// The valid commits after the first, in order.
    pub merged: Vec<Merged>,
    /// What they led to.
    pub epoch: Epoch,
}

impl Group {
    /// The group at the end of a log. Remembered: a search meets each log in many states.
    #[must_use]
    pub fn after(log: &Log) -> Rc<Self> {
        thread_local! {
            static KNOWN: RefCell<HashMap<Log, Rc<Group>>> = RefCell::default();
        }
        if let Some(known) = KNOWN.with_borrow(|known| known.get(log).cloned()) {
            return known;
        }
        let mut group =
            Self { fence: 0, valid: 0, tree: Devices::ALL, merged: Vec::new(), epoch: 0 };
        for (place, item) in (0..).zip(log.items()) {
            if let Item::Sealed(sealed) = item {
                group.take(place, sealed);
            }
        }
        let group = Rc::new(group);
        KNOWN.with_borrow_mut(|known| known.insert(log.clone(), group.clone()));
        group
    }

    /// The group before a position.
    #[must_use]
    pub fn before(log: &Log, place: Place) -> Rc<Self> {
        Self::after(&log.before(place))
    }

    /// Whether a commit is valid here, or an entry is at its place.
    #[must_use]
    pub fn counts(&self, sealed: &Sealed) -> bool {
        let is_placed = sealed.fence == self.fence && sealed.valid == self.valid;
        let may = match sealed.body {
            Body::Commit { tree, list } => {
                let removed = self.tree.iter().filter(|device| !tree.contains(*device));
                tree == list
                    && tree.contains(sealed.author)
                    && removed.into_iter().all(|device| sealed.author.may_remove(device))
            }
            Body::Entry | Body::Contest { .. } => true,
        };
        is_placed && may && sealed.epoch == self.epoch && self.tree.contains(sealed.author)
    }

    fn take(&mut self, place: Place, sealed: &Sealed) {
        let Body::Commit { tree, .. } = sealed.body else { return };
        let is_valid = self.counts(sealed);
        self.fence = place;
        if is_valid {
            self.valid = place;
            self.tree = tree;
            self.merged.push(*sealed);
            let mut hasher = DefaultHasher::new();
            self.merged.hash(&mut hasher);
            self.epoch = hasher.finish() as Epoch;
        }
    }

    /// Whether a relay's list after a void commit may lack a device: only a list that can be
    /// worked out, and has it, shows that it does not.
    #[must_use]
    pub fn may_have_dropped(&self, device: Device, void: &Sealed) -> bool {
        let Body::Commit { list, .. } = void.body else { return false };
        let is_shown = void.valid == self.valid && list.contains(device);
        list != self.tree && !is_shown
    }

    /// An item that fits here.
    #[must_use]
    pub fn seal(&self, author: Device, id: u8, body: Body) -> Sealed {
        Sealed { author, id, fence: self.fence, valid: self.valid, epoch: self.epoch, body }
    }
}
