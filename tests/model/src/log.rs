//! Items, and the logs that they make.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// A member's device. Ana and Ben are of the hub's authority, Cid is of the follower's.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Device {
    /// Owner, and lead of the hub's authority.
    Ana,
    /// Member; the one who may turn bad.
    Ben,
    /// Lead of the follower's authority.
    Cid,
}

impl Device {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Ana, Self::Ben, Self::Cid];

    /// Whether it may remove `other`: a lead of the same authority may, but nobody the owner.
    #[must_use]
    pub fn may_remove(self, other: Self) -> bool {
        (self, other) == (Self::Ana, Self::Ben)
    }
}

/// A set of devices.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Devices(u8);

impl Devices {
    /// All three.
    pub const ALL: Self = Self(0b111);

    /// Whether a device is in it.
    #[must_use]
    pub fn contains(self, device: Device) -> bool {
        self.0 & (1 << device as u8) != 0
    }

    /// The set without a device.
    #[must_use]
    pub fn without(self, device: Device) -> Self {
        Self(self.0 & !(1 << device as u8))
    }

    /// Its devices, in order.
    pub fn iter(self) -> impl Iterator<Item = Device> {
        Device::ALL.into_iter().filter(move |device| self.contains(*device))
    }
}

impl fmt::Debug for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A position of a log.
pub type Place = u8;

/// Which incarnation of the hub.
pub type Incarnation = u8;

/// Which epoch of the group: a hash of the commits that led to it.
pub type Epoch = u32;

/// What stands at a position.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Item {
    /// The first commit: all three are members.
    Created,
    /// Something that a member made.
    Sealed(Sealed),
    /// What a hub says of itself before it sequences again.
    Statement {
        /// What it signs from here on.
        incarnation: Incarnation,
        /// Whether others had items that it lacked.
        refilled: bool,
        /// Whether it knows that something is lost.
        lost: bool,
    },
}

/// An item as its author made it. Equal ones are equal to the byte.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Sealed {
    /// Who.
    pub author: Device,
    /// The idempotency key, of this device.
    pub id: u8,
    /// The newest commit item that the author has processed.
    pub fence: Place,
    /// The newest commit that the author holds valid.
    pub valid: Place,
    /// The MLS epoch that it was encrypted in. Relays don't see it.
    pub epoch: Epoch,
    /// What it is.
    pub body: Body,
}

/// What an item is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Body {
    /// A note.
    Entry,
    /// A commit.
    Commit {
        /// Whom the group has after it, as MLS has it.
        tree: Devices,
        /// Whom the envelope lists.
        list: Devices,
    },
    /// An objection.
    Contest {
        /// To this commit.
        commit: Place,
    },
}

/// A log, or a copy of one. Its chain stands for it where states are told apart.
#[derive(Clone, Eq, PartialEq)]
pub struct Log {
    chain: u64,
    items: Arc<[Item]>,
}

impl Log {
    /// With its first commit alone.
    #[must_use]
    pub fn created() -> Self {
        Self::of(&[Item::Created])
    }

    fn of(items: &[Item]) -> Self {
        let mut hasher = DefaultHasher::new();
        items.hash(&mut hasher);
        Self { chain: hasher.finish(), items: items.into() }
    }

    /// The items, in order.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// How many items it has: the next position.
    #[must_use]
    pub fn next(&self) -> Place {
        Place::try_from(self.items.len()).expect("a model's log is short")
    }

    /// The log up to a position, that one left out.
    #[must_use]
    pub fn before(&self, place: Place) -> Self {
        if place == self.next() {
            self.clone()
        } else {
            Self::of(&self.items[..usize::from(place)])
        }
    }

    /// The log with one item more.
    #[must_use]
    pub fn with(&self, item: Item) -> Self {
        Self::of(&[&self.items[..], &[item]].concat())
    }

    /// Whether `other` goes on where this one ends.
    #[must_use]
    pub fn leads_to(&self, other: &Self) -> bool {
        other.items.starts_with(&self.items)
    }

    /// How far two logs are the same.
    #[must_use]
    pub fn common(&self, other: &Self) -> Place {
        let same = self.items.iter().zip(&*other.items).take_while(|(a, b)| a == b).count();
        Place::try_from(same).expect("a model's log is short")
    }

    /// The members' items with their positions.
    pub fn sealed(&self) -> impl Iterator<Item = (Place, Sealed)> {
        (0..).zip(&*self.items).filter_map(|(place, item)| match item {
            Item::Sealed(sealed) => Some((place, *sealed)),
            Item::Created | Item::Statement { .. } => None,
        })
    }

    /// What a device made under an idempotency key, where it stands first.
    #[must_use]
    pub fn find(&self, author: Device, id: u8) -> Option<(Place, Sealed)> {
        self.sealed().find(|(_, sealed)| (sealed.author, sealed.id) == (author, id))
    }

    /// The newest statement: where it stands, and which incarnation began with it.
    #[must_use]
    pub fn statement(&self) -> Option<(Place, Incarnation)> {
        let statements = (0..).zip(&*self.items).filter_map(|(place, item)| match item {
            Item::Statement { incarnation, .. } => Some((place, *incarnation)),
            Item::Created | Item::Sealed(_) => None,
        });
        statements.last()
    }

    /// Where the first statement of a higher incarnation stands.
    #[must_use]
    pub fn statement_after(&self, incarnation: Incarnation) -> Option<Place> {
        (0..).zip(&*self.items).find_map(|(place, item)| match item {
            Item::Statement { incarnation: newer, .. } if *newer > incarnation => Some(place),
            _ => None,
        })
    }

    /// The incarnation that sequenced its last item.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.statement().map_or(0, |(_, incarnation)| incarnation)
    }

    /// How far it has come: by incarnation, then by length. Length alone would take a line that a
    /// later one replaced for the newer.
    #[must_use]
    pub fn reach(&self) -> (Incarnation, Place) {
        (self.incarnation(), self.next())
    }
}

impl Hash for Log {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chain.hash(state);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&*self.items).finish()
    }
}
