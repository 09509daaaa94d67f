//! How much of everything there is: what makes the number of states finite.

use crate::log::Device;

/// What a member wants to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Task {
    /// Write a note.
    Note,
    /// Renew its keys: a commit that changes nobody.
    Renew,
    /// Remove Ben, as a lead of his authority may.
    RemoveBen,
}

/// What happens at most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// What Ana, Ben and Cid want to do, in this order each. Where Ben is bad, he wants nothing.
    pub tasks: [&'static [Task]; 3],
    /// How many void commits Ben makes. With any he is bad: he knows all that the hub knows.
    pub void_commits: u8,
    /// How often the hub starts again, from any state that it ever had.
    pub starts: u8,
    /// Whether somebody keeps a head to himself when a hub asks, to show it later.
    pub withheld: bool,
    /// Whether everybody but Ben can be out of reach while the hub recovers.
    pub away: bool,
}

impl Bounds {
    /// Three honest members, who race.
    pub const RACES: Self = Self {
        tasks: [&[Task::Renew, Task::Note], &[Task::Renew], &[Task::Note]],
        void_commits: 0,
        starts: 0,
        withheld: false,
        away: false,
    };

    /// A malicious member of the owner's authority.
    pub const MALICE: Self = Self {
        tasks: [&[], &[], &[Task::Note]],
        void_commits: 2,
        starts: 0,
        withheld: false,
        away: false,
    };

    /// A member is removed, and objects without reason.
    pub const REMOVAL: Self = Self {
        tasks: [&[Task::RemoveBen, Task::Note], &[], &[Task::Note]],
        void_commits: 1,
        starts: 0,
        withheld: false,
        away: false,
    };

    /// A hub that is restored twice, with whomever out of reach.
    pub const RECOVERY: Self = Self {
        tasks: [&[Task::Renew], &[], &[Task::Note]],
        void_commits: 0,
        starts: 2,
        withheld: true,
        away: true,
    };

    /// As [`Self::MALICE`], with more to be lost.
    pub const LARGE_MALICE: Self =
        Self { tasks: [&[Task::Note], &[], &[Task::Note]], ..Self::MALICE };

    /// As [`Self::RECOVERY`], with commits that race across it.
    pub const LARGE_RECOVERY: Self =
        Self { tasks: [&[Task::Renew, Task::Note], &[], &[Task::Renew]], ..Self::RECOVERY };

    /// Void commits round a restore.
    pub const LARGE_BOTH: Self = Self {
        tasks: [&[], &[], &[Task::Note]],
        void_commits: 1,
        starts: 1,
        withheld: true,
        away: true,
    };

    /// All of these, by name.
    pub const NAMED: [(&str, Self); 7] = [
        ("races", Self::RACES),
        ("malice", Self::MALICE),
        ("removal", Self::REMOVAL),
        ("recovery", Self::RECOVERY),
        ("large malice", Self::LARGE_MALICE),
        ("large recovery", Self::LARGE_RECOVERY),
        ("large both", Self::LARGE_BOTH),
    ];

    /// Whether a member keeps to the protocol.
    #[must_use]
    pub fn is_honest(&self, device: Device) -> bool {
        device != Device::Ben || self.void_commits == 0
    }

    /// Whether a member is watched: honest, and with something to do. Who has nothing to do
    /// learns nothing that Ana doesn't.
    #[must_use]
    pub fn is_played(&self, device: Device) -> bool {
        self.is_honest(device) && (device != Device::Ben || !self.tasks[1].is_empty())
    }
}
