//! Who may read and write at which position, as a hub and a follower know it.
//!
//! A hub cannot judge MLS, so a void commit must not capture it. A commit that drops devices of
//! other authorities without evidence leaves them reading; each may contest it once, which
//! restores the list before, until an item of another officer who stayed names the commit as
//! valid. [`Membership::plan`] says what an item would change as an [`Event`]; the storage keeps
//! the events, and [`Membership::apply`] replays them.

mod event;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::names::DeviceName;

use crate::control::Contest;
use crate::device_list::{DeviceList, ListChange, ListError, ListHash};
use crate::envelope::{Envelope, ItemKind};
use crate::ids::Seq;
use crate::item::Sealed;

pub use event::Event;

/// Who may read and write in one channel.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Membership {
    current: DeviceList,
    commits: BTreeMap<Seq, Commit>,
    left: BTreeSet<DeviceName>,
    rights: BTreeMap<DeviceName, ReadRange>,
}

/// What is remembered of a commit.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Commit {
    author: DeviceName,
    parent: Option<Seq>,
    list: DeviceList,
    before: DeviceList,
    dropped: BTreeSet<DeviceName>,
    contested_by: BTreeSet<DeviceName>,
    confirmed: bool,
}

/// Which positions a device may read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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
    pub fn anchored(commit: Seq, author: DeviceName, list: DeviceList) -> Self {
        let mut membership = Self::default();
        membership.apply(&Event::Anchor { seq: commit, author, list });
        membership
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

    /// Which positions a device may read; `None` when it never was a member.
    #[must_use]
    pub fn read_range(&self, device: &DeviceName) -> Option<ReadRange> {
        self.rights.get(device).copied()
    }

    /// Every device that is or was a member.
    pub fn readers(&self) -> impl Iterator<Item = (&DeviceName, ReadRange)> {
        self.rights.iter().map(|(device, range)| (device, *range))
    }

    /// Checks an item against who may write, and says what it would change if it stood at `seq`.
    /// `has_evidence` tells whether the hub itself knows that a device is revoked or suspended.
    ///
    /// # Errors
    /// The author's fault: the hub refuses the item.
    pub fn plan(
        &self,
        seq: Seq,
        item: &Sealed,
        has_evidence: impl Fn(&DeviceName) -> bool,
    ) -> Result<Option<Event>, MembershipError> {
        let envelope = item.envelope();
        if envelope.kind == ItemKind::Contest {
            return self.plan_contest(seq, item).map(Some);
        }
        if !self.may_write(envelope) {
            return Err(MembershipError::NotAMember);
        }
        self.check_last_valid(envelope)?;
        match (envelope.kind, item.list_change()) {
            (ItemKind::Commit, Some(change)) => {
                self.plan_commit(seq, envelope, change, has_evidence).map(Some)
            }
            (ItemKind::Commit, None) => Err(MembershipError::List(ListHash::NONE)),
            (ItemKind::Leave, _) => Ok(Some(Event::Leave { device: envelope.device.clone() })),
            _ => Ok(self.plan_confirmation(seq, envelope)),
        }
    }

    /// The devices that a planned commit admits.
    #[must_use]
    pub fn admitted_by(&self, event: &Event) -> Vec<DeviceName> {
        let Event::Commit { parent, change, .. } = event else { return Vec::new() };
        let base = self.list_after(*parent).unwrap_or_default();
        match base.apply(change) {
            Ok(list) => list.iter().filter(|d| !base.contains(d)).cloned().collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Replays what an item changed.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Anchor { seq, author, list } => {
                let commit = Commit {
                    author: author.clone(),
                    parent: None,
                    list: list.clone(),
                    before: DeviceList::default(),
                    dropped: BTreeSet::new(),
                    contested_by: BTreeSet::new(),
                    confirmed: true,
                };
                self.commits.insert(*seq, commit);
                self.set_current(*seq, list.clone());
            }
            Event::Commit { seq, author, parent, change, final_drops } => {
                self.apply_commit(*seq, author, *parent, change, final_drops);
            }
            Event::Leave { device } => {
                self.left.insert(device.clone());
            }
            Event::Contest { seq, device, commit } => {
                if let Some(record) = self.commits.get_mut(commit) {
                    record.contested_by.insert(device.clone());
                    let before = record.before.clone();
                    self.set_current(*seq, before);
                }
            }
            Event::Confirmation { seq, commit } => self.apply_confirmation(*seq, *commit),
        }
    }

    fn may_write(&self, envelope: &Envelope) -> bool {
        let creates = self.commits.is_empty() && envelope.kind == ItemKind::Commit;
        creates || self.current.contains(&envelope.device)
    }

    /// The last commit held valid must be one that the author can have processed, and must have
    /// it as a member.
    fn check_last_valid(&self, envelope: &Envelope) -> Result<(), MembershipError> {
        match envelope.last_valid_commit {
            None if self.commits.is_empty() => Ok(()),
            Some(seq) if self.commits.contains_key(&seq) && Some(seq) <= envelope.fence => Ok(()),
            other => Err(MembershipError::UnknownCommit(other)),
        }
    }

    fn list_after(&self, commit: Option<Seq>) -> Option<DeviceList> {
        match commit {
            None => Some(DeviceList::default()),
            Some(seq) => self.commits.get(&seq).map(|commit| commit.list.clone()),
        }
    }

    fn plan_commit(
        &self,
        seq: Seq,
        envelope: &Envelope,
        change: &ListChange,
        has_evidence: impl Fn(&DeviceName) -> bool,
    ) -> Result<Event, MembershipError> {
        let parent = envelope.last_valid_commit;
        let base = self.list_after(parent).ok_or(MembershipError::UnknownCommit(parent))?;
        let list = base.apply(change)?;
        if list.hash() != envelope.list_hash {
            return Err(MembershipError::List(list.hash()));
        }
        if !list.contains(&envelope.device) {
            return Err(MembershipError::DropsItself);
        }
        let final_drops = self
            .current
            .iter()
            .filter(|device| !list.contains(device))
            .filter(|device| {
                device.domain() == envelope.device.domain()
                    || self.left.contains(*device)
                    || has_evidence(device)
            })
            .cloned()
            .collect();
        Ok(Event::Commit {
            seq,
            author: envelope.device.clone(),
            parent,
            change: change.clone(),
            final_drops,
        })
    }

    fn plan_contest(&self, seq: Seq, item: &Sealed) -> Result<Event, MembershipError> {
        let envelope = item.envelope();
        let contest = item
            .payload()
            .and_then(|payload| Contest::decode(payload).ok())
            .filter(|c| c.channel == envelope.channel && c.generation == envelope.generation)
            .ok_or(MembershipError::Control)?;
        let device = &envelope.device;
        let commit = self
            .commits
            .get(&contest.commit)
            .filter(|commit| {
                commit.dropped.contains(device)
                    && !commit.contested_by.contains(device)
                    && !commit.confirmed
                    && !self.left.contains(device)
            })
            .ok_or(MembershipError::NothingToContest)?;
        debug_assert!(commit.before.contains(device));
        Ok(Event::Contest { seq, device: device.clone(), commit: contest.commit })
    }

    /// The newest commit in the line of `last_valid_commit` that this item confirms.
    fn plan_confirmation(&self, seq: Seq, envelope: &Envelope) -> Option<Event> {
        let commit = self.confirmable(envelope.last_valid_commit, &envelope.device)?;
        Some(Event::Confirmation { seq, commit })
    }

    /// The newest commit in a line that an item of `device` confirms: another officer's, who
    /// was a member before it and stayed.
    fn confirmable(&self, line: Option<Seq>, device: &DeviceName) -> Option<Seq> {
        self.lineage(line)
            .find(|(_, commit)| {
                !commit.confirmed
                    && commit.author.officer() != device.officer()
                    && commit.list.contains(device)
                    && (commit.dropped.is_empty() || commit.before.contains(device))
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

    fn apply_commit(
        &mut self,
        seq: Seq,
        author: &DeviceName,
        parent: Option<Seq>,
        change: &ListChange,
        final_drops: &BTreeSet<DeviceName>,
    ) {
        let Some(Ok(list)) = self.list_after(parent).map(|base| base.apply(change)) else {
            return;
        };
        if let Some(commit) = self.confirmable(parent, author) {
            self.apply_confirmation(seq, commit);
        }
        let before = self.current.clone();
        let dropped: BTreeSet<_> =
            before.iter().filter(|device| !list.contains(device)).cloned().collect();
        let reading_on: BTreeSet<_> = dropped.difference(final_drops).cloned().collect();
        let commit = Commit {
            author: author.clone(),
            parent,
            list: list.clone(),
            before,
            dropped,
            contested_by: BTreeSet::new(),
            confirmed: false,
        };
        self.commits.insert(seq, commit);
        for device in &change.added {
            self.rights.insert(device.clone(), ReadRange { from: seq, to: None });
            self.left.remove(device);
        }
        self.set_current(seq, list);
        for device in reading_on {
            if let Some(range) = self.rights.get_mut(&device) {
                range.to = None;
            }
        }
    }

    /// Everything in the line of `commit` counts from now on, whatever was contested.
    fn apply_confirmation(&mut self, seq: Seq, commit: Seq) {
        let line: Vec<Seq> = self.lineage(Some(commit)).map(|(seq, _)| seq).collect();
        let mut was_contested = false;
        for seq in &line {
            if let Some(commit) = self.commits.get_mut(seq).filter(|c| !c.confirmed) {
                commit.confirmed = true;
                was_contested |= !commit.contested_by.is_empty();
            }
        }
        let Some(list) = self.commits.get(&commit).map(|c| c.list.clone()) else { return };
        let newest = self.fence() == Some(commit);
        if was_contested && newest {
            self.set_current(seq, list);
        } else if newest {
            self.end_reading(seq);
        }
    }

    /// Makes `list` the current one. Whoever comes back without having been admitted anew reads
    /// on where it stopped, without a gap; whoever is not on the list reads no further than `seq`.
    fn set_current(&mut self, seq: Seq, list: DeviceList) {
        for device in list.iter() {
            let range = self.rights.entry(device.clone());
            range.or_insert(ReadRange { from: seq, to: None }).to = None;
        }
        self.current = list;
        self.end_reading(seq);
    }

    /// Whoever is no member reads no further than `seq`.
    fn end_reading(&mut self, seq: Seq) {
        for (device, range) in &mut self.rights {
            if !self.current.contains(device) && range.to.is_none() {
                range.to = Some(seq);
            }
        }
    }
}

/// Why a hub refuses an item.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MembershipError {
    /// The device may not write here now.
    #[error("the device is not a member of the channel")]
    NotAMember,
    /// It names a commit that is none, or lies beyond its own fence.
    #[error("it names a commit that is not in the log: {0:?}")]
    UnknownCommit(Option<Seq>),
    /// The change leads to another list than the envelope says; the list it leads to.
    #[error("the device list after the commit is not the one that its envelope names")]
    List(ListHash),
    /// The change cannot be applied.
    #[error(transparent)]
    Change(#[from] ListError),
    /// A commit whose author is not on the list after it.
    #[error("a commit cannot remove its own author")]
    DropsItself,
    /// A control item whose payload cannot be read or belongs elsewhere.
    #[error("the control item cannot be read")]
    Control,
    /// The device was not dropped by that commit, or has contested it, or it is settled.
    #[error("there is nothing for this device to contest")]
    NothingToContest,
}
