//! Who may read and write at which position, as a hub and a follower know it.
//!
//! A hub cannot judge MLS, so a void commit must not capture it. A commit that drops devices of
//! other authorities without evidence leaves them reading; whoever it dropped may contest it, which
//! puts everybody back whom it dropped, until an item of another officer confirms the commit: an
//! officer of another authority where there is one, and a member since before the commits in
//! question. [`Membership::plan`] says what an item would change as an [`Event`]; the storage
//! keeps the events, and [`Membership::apply`] replays them.

mod apply;
mod event;
mod moving;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::names::DeviceName;

use crate::device_list::DeviceList;
use crate::ids::{Generation, Seq};

pub use event::Event;
pub use plan::MembershipError;

/// Who may read and write in one channel.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Membership {
    current: DeviceList,
    commits: BTreeMap<Seq, Commit>,
    unsettled: Option<Unsettled>,
    left: BTreeSet<DeviceName>,
    stranded: BTreeSet<DeviceName>,
    /// Of each device, in order: the present membership, if there is one, last.
    rights: BTreeMap<DeviceName, Vec<ReadRange>>,
    /// How many names the lists of all commits hold together, what they share counted once.
    listed: usize,
}

/// What a name on a list costs, and a name with its ranges, and a commit: bytes in memory, roughly.
const NAME_WEIGHT: usize = 64;
const READER_WEIGHT: usize = 160;
const COMMIT_WEIGHT: usize = 128;

/// What is remembered of a commit.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Commit {
    author: DeviceName,
    parent: Option<Seq>,
    /// The group after it.
    generation: Generation,
    list: DeviceList,
    /// Whether it counts, by the word of somebody besides its author. Then so do all before it in
    /// its line.
    confirmed: bool,
}

/// The newest commits drop devices, and may be contested.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Unsettled {
    /// The first of these commits.
    since: Seq,
    /// Who may write if they count for nothing.
    former: DeviceList,
}

/// Which positions a device may read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ReadRange {
    /// From the commit that admitted it.
    pub from: Seq,
    /// To the commit that removed it; `None` while it is a member.
    pub to: Option<Seq>,
}

impl ReadRange {
    /// Whether a position lies in the range.
    #[must_use]
    pub fn contains(&self, seq: Seq) -> bool {
        self.from <= seq && self.to.is_none_or(|to| seq <= to)
    }
}

impl Membership {
    /// What a copy of the log knows that begins at a commit: a follower's anchor.
    #[must_use]
    pub fn anchored(
        commit: Seq,
        author: DeviceName,
        generation: Generation,
        list: DeviceList,
    ) -> Self {
        let mut membership = Self::default();
        membership.apply(&Event::Anchor { seq: commit, author, generation, list });
        membership
    }

    /// How many bytes it takes in memory, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        NAME_WEIGHT * self.listed
            + READER_WEIGHT * self.rights.len()
            + COMMIT_WEIGHT * self.commits.len()
    }

    /// The devices that may write.
    #[must_use]
    pub fn current(&self) -> &DeviceList {
        &self.current
    }

    /// The position of the newest commit item.
    #[must_use]
    pub fn fence(&self) -> Option<Seq> {
        self.commits.keys().next_back().copied()
    }

    /// The group after the newest commit item, whether that counts or not.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.commits.values().next_back().map_or(Generation(0), |commit| commit.generation)
    }

    /// Who made a commit; `None` where there is none at that position.
    #[must_use]
    pub fn author_of(&self, commit: Seq) -> Option<&DeviceName> {
        self.commits.get(&commit).map(|commit| &commit.author)
    }

    /// Whether a commit may bring a device a welcome without admitting it: it is a member, and has
    /// said that it is stranded.
    #[must_use]
    pub fn may_be_put_back(&self, device: &DeviceName) -> bool {
        self.stranded.contains(device) && self.current.contains(device)
    }

    /// Which positions a device may read, in order: one range for each time that it was admitted.
    #[must_use]
    pub fn read_ranges(&self, device: &DeviceName) -> &[ReadRange] {
        self.rights.get(device).map_or(&[], Vec::as_slice)
    }

    /// Every device that is or was a member, with each of its ranges.
    pub fn readers(&self) -> impl Iterator<Item = (&DeviceName, ReadRange)> {
        self.rights.iter().flat_map(|(device, ranges)| ranges.iter().map(move |r| (device, *r)))
    }

    /// Whether a device of its officer posted a leave: all of them go.
    fn has_left(&self, device: &DeviceName) -> bool {
        self.left.iter().any(|other| other.officer() == device.officer())
    }

    fn list_after(&self, commit: Option<Seq>) -> Option<DeviceList> {
        match commit {
            None => Some(DeviceList::default()),
            Some(seq) => self.commits.get(&seq).map(|commit| commit.list.clone()),
        }
    }

    /// The newest commit in a line that an item of `device` confirms. Its word counts for commits
    /// of another officer who did not let it in: it is on the list after the newest one that is
    /// confirmed already. Where other authorities are on that list, it is of one of these.
    fn confirmable(&self, line: Option<Seq>, device: &DeviceName) -> Option<Seq> {
        let established = &self.lineage(line).find(|(_, commit)| commit.confirmed)?.1.list;
        if !established.contains(device) {
            return None;
        }
        self.lineage(line)
            .take_while(|(_, commit)| !commit.confirmed)
            .find(|(_, commit)| {
                let domain = commit.author.domain();
                commit.author.officer() != device.officer()
                    && commit.list.contains(device)
                    && (device.domain() != domain
                        || established.iter().all(|other| other.domain() == domain))
            })
            .map(|(commit, _)| commit)
    }

    fn lineage(&self, from: Option<Seq>) -> impl Iterator<Item = (Seq, &Commit)> {
        let find = |seq: Option<Seq>| {
            let seq = seq?;
            self.commits.get(&seq).map(|commit| (seq, commit))
        };
        std::iter::successors(find(from), move |(_, commit)| find(commit.parent))
    }
}
