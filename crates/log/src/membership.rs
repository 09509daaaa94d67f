//! Who may read and write at which position, as a hub and a follower know it.
//!
//! A hub cannot judge MLS, so a void commit must not capture it. A commit that drops devices of
//! other authorities without evidence leaves them reading; whoever it dropped may contest it, which
//! puts everybody back whom it dropped, until an item of another officer confirms the commit: an
//! officer of another authority where there is one, and a member since before the commits in
//! question. [`Membership::plan`] says what an item would change as an [`Event`]; the storage
//! keeps the events, and [`Membership::apply`] replays them.

mod event;
mod moving;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::names::DeviceName;

use crate::control::{Contest, Stranded};
use crate::device_list::{DeviceList, ListChange, ListError, ListHash};
use crate::envelope::{Envelope, ItemKind};
use crate::ids::{Generation, Seq};
use crate::item::Sealed;

pub use event::Event;

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
        // What a hub states of itself changes nothing about members.
        let Some(author) = envelope.device() else { return Ok(None) };
        if envelope.kind == ItemKind::Contest {
            return self.plan_contest(seq, item, author).map(Some);
        }
        if !self.may_write(envelope, author) {
            return Err(MembershipError::NotAMember);
        }
        self.check_last_valid(envelope)?;
        match (envelope.kind, item.list_change()) {
            (ItemKind::Commit | ItemKind::Succession, Some(change)) => {
                self.plan_commit(seq, envelope, author, change, has_evidence).map(Some)
            }
            (ItemKind::Commit | ItemKind::Succession, None) => {
                Err(MembershipError::List(ListHash::NONE))
            }
            (ItemKind::Stranded, _) => plan_stranded(item, author).map(Some),
            (ItemKind::Leave, _) => Ok(Some(Event::Leave { device: author.clone() })),
            _ => Ok(self.plan_confirmation(seq, envelope, author)),
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
            Event::Anchor { seq, author, generation, list } => {
                let commit = Commit {
                    author: author.clone(),
                    parent: None,
                    generation: *generation,
                    list: list.clone(),
                    confirmed: true,
                };
                self.commits.insert(*seq, commit);
                self.listed += list.len();
                self.unsettled = None;
                // What lies between two memberships is not here.
                list.iter().for_each(|device| self.admit(device, *seq));
                self.set_current(*seq, list.clone());
            }
            Event::Commit { .. } => self.apply_commit(event),
            Event::Leave { device } => {
                self.left.insert(device.clone());
            }
            Event::Stranded { device } => {
                self.stranded.insert(device.clone());
            }
            Event::Contest { seq, .. } => {
                if let Some(Unsettled { since, former }) = self.unsettled.take() {
                    self.read_through(since, &former);
                    let restored = self.current.iter().chain(former.iter()).cloned().collect();
                    self.set_current(*seq, restored);
                }
            }
            Event::Confirmation { seq, commit } => self.apply_confirmation(*seq, *commit),
        }
    }

    fn may_write(&self, envelope: &Envelope, author: &DeviceName) -> bool {
        let creates = self.commits.is_empty() && envelope.kind == ItemKind::Commit;
        creates || self.current.contains(author)
    }

    /// The last commit held valid must be one that the author can have processed, and must have
    /// it as a member. It says which group the author is in: a succession that nobody builds on
    /// leads nowhere.
    fn check_last_valid(&self, envelope: &Envelope) -> Result<(), MembershipError> {
        let generation = match envelope.last_valid_commit {
            None if self.commits.is_empty() => Generation(0),
            Some(seq) if Some(seq) <= envelope.fence => self
                .commits
                .get(&seq)
                .map(|commit| commit.generation)
                .ok_or(MembershipError::UnknownCommit(Some(seq)))?,
            other => return Err(MembershipError::UnknownCommit(other)),
        };
        if envelope.generation == generation {
            Ok(())
        } else {
            Err(MembershipError::Generation(generation))
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
        author: &DeviceName,
        change: &ListChange,
        has_evidence: impl Fn(&DeviceName) -> bool,
    ) -> Result<Event, MembershipError> {
        let parent = envelope.last_valid_commit;
        let succeeds = envelope.kind == ItemKind::Succession;
        if succeeds && !change.added.is_empty() {
            return Err(MembershipError::Founding);
        }
        let base = self.list_after(parent).ok_or(MembershipError::UnknownCommit(parent))?;
        let list = base.apply(change)?;
        if list.hash() != envelope.list_hash {
            return Err(MembershipError::List(list.hash()));
        }
        if !list.contains(author) {
            return Err(MembershipError::DropsItself);
        }
        let final_drops = self
            .current
            .iter()
            .filter(|device| !list.contains(device))
            .filter(|device| {
                device.domain() == author.domain()
                    || self.left.contains(*device)
                    || has_evidence(device)
            })
            .cloned()
            .collect();
        Ok(Event::Commit {
            seq,
            author: author.clone(),
            parent,
            succeeds,
            change: change.clone(),
            final_drops,
        })
    }

    fn plan_contest(
        &self,
        seq: Seq,
        item: &Sealed,
        device: &DeviceName,
    ) -> Result<Event, MembershipError> {
        let envelope = item.envelope();
        let contest = item
            .payload()
            .and_then(|payload| Contest::decode(payload).ok())
            .filter(|c| c.channel == envelope.channel && c.generation == envelope.generation)
            .ok_or(MembershipError::Control)?;
        let is_dropped = |unsettled: &Unsettled| {
            unsettled.since <= contest.commit
                && unsettled.former.contains(device)
                && !self.current.contains(device)
        };
        let known = self.commits.contains_key(&contest.commit);
        if !known || self.left.contains(device) || !self.unsettled.as_ref().is_some_and(is_dropped)
        {
            return Err(MembershipError::NothingToContest);
        }
        Ok(Event::Contest { seq, device: device.clone(), commit: contest.commit })
    }

    /// The newest commit in the line of `last_valid_commit` that this item confirms.
    fn plan_confirmation(
        &self,
        seq: Seq,
        envelope: &Envelope,
        author: &DeviceName,
    ) -> Option<Event> {
        let commit = self.confirmable(envelope.last_valid_commit, author)?;
        Some(Event::Confirmation { seq, commit })
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

    /// Whether nobody but its author's officer could confirm a commit in this line.
    fn has_no_witness(&self, line: Option<Seq>, author: &DeviceName) -> bool {
        let established = self.lineage(line).find(|(_, commit)| commit.confirmed);
        established.is_none_or(|(_, commit)| {
            commit.list.iter().all(|device| device.officer() == author.officer())
        })
    }

    fn lineage(&self, from: Option<Seq>) -> impl Iterator<Item = (Seq, &Commit)> {
        let find = |seq: Option<Seq>| {
            let seq = seq?;
            self.commits.get(&seq).map(|commit| (seq, commit))
        };
        std::iter::successors(find(from), move |(_, commit)| find(commit.parent))
    }

    fn apply_commit(&mut self, event: &Event) {
        let Event::Commit { seq, author, parent, succeeds, change, final_drops } = event else {
            return;
        };
        let (seq, parent) = (*seq, *parent);
        let before = self.list_after(parent);
        let Some(Ok(list)) = before.as_ref().map(|base| base.apply(change)) else { return };
        if let Some(commit) = self.confirmable(parent, author) {
            self.apply_confirmation(seq, commit);
        }
        let passed_over = self.unsettled.clone().filter(|unsettled| parent < Some(unsettled.since));
        if let Some(Unsettled { since, former }) = passed_over {
            let stayed = former.iter().filter(|device| list.contains(device)).cloned().collect();
            self.read_through(since, &stayed);
        }
        let confirmed = self.has_no_witness(parent, author);
        let former = parent.and_then(|parent| self.commits.get(&parent));
        let former = former.map_or(Generation(0), |commit| commit.generation);
        let generation = Generation(former.0.saturating_add((*succeeds).into()));
        let commit =
            Commit { author: author.clone(), parent, generation, list: list.clone(), confirmed };
        self.commits.insert(seq, commit);
        self.listed += before.map_or(list.len(), |before| list.names_beside(&before));
        let reads_on = self.unsettle(seq, author, &list, final_drops);
        for device in &change.added {
            self.admit(device, seq);
            self.left.remove(device);
        }
        self.set_current(seq, list);
        for device in reads_on {
            if let Some(range) = self.rights.get_mut(&device).and_then(|ranges| ranges.last_mut()) {
                range.to = None;
            }
        }
    }

    /// A device reads from `seq` on. Whoever reads already keeps what it may read: the author may
    /// have begun at a list from before its admission. Whoever was a member before keeps that too:
    /// it may not have heard of its removal yet.
    fn admit(&mut self, device: &DeviceName, seq: Seq) {
        let ranges = self.rights.entry(device.clone()).or_default();
        if ranges.last().is_none_or(|range| range.to.is_some()) {
            ranges.push(ReadRange { from: seq, to: None });
        }
    }

    /// The commits from `since` on count for nothing. Whatever they ended or began for these, who
    /// were members before: they read on where they read then, without a gap.
    fn read_through(&mut self, since: Seq, devices: &DeviceList) {
        for device in devices.iter() {
            let Some(ranges) = self.rights.get_mut(device) else { continue };
            let before = ranges.iter().filter(|range| range.from < since).count();
            ranges.truncate(before.max(1));
        }
    }

    /// Keeps in mind whom a commit drops without evidence; returns those who read on.
    fn unsettle(
        &mut self,
        seq: Seq,
        author: &DeviceName,
        list: &DeviceList,
        final_drops: &BTreeSet<DeviceName>,
    ) -> Vec<DeviceName> {
        let (since, before) = match self.unsettled.take() {
            Some(unsettled) => (unsettled.since, unsettled.former),
            None => (seq, self.current.clone()),
        };
        let has_evidence = |device: &DeviceName| {
            final_drops.contains(device)
                && (self.left.contains(device) || device.domain() != author.domain())
        };
        let former: DeviceList =
            before.iter().filter(|device| !has_evidence(device)).cloned().collect();
        let dropped: Vec<_> = former.iter().filter(|device| !list.contains(device)).collect();
        let reads_on = |device: &&&DeviceName| {
            let range = self.read_ranges(device).last();
            !final_drops.contains(**device) && range.is_some_and(|range| range.to.is_none())
        };
        let reading = dropped.iter().filter(reads_on).map(|device| (*device).clone()).collect();
        if !dropped.is_empty() {
            self.unsettled = Some(Unsettled { since, former });
        }
        reading
    }

    /// Everything in the line of `commit` counts from now on, whatever was contested.
    fn apply_confirmation(&mut self, seq: Seq, commit: Seq) {
        let line: Vec<Seq> = self
            .lineage(Some(commit))
            .take_while(|(_, commit)| !commit.confirmed)
            .map(|(seq, _)| seq)
            .collect();
        for seq in line {
            if let Some(commit) = self.commits.get_mut(&seq) {
                commit.confirmed = true;
            }
        }
        let Some(list) = self.commits.get(&commit).map(|c| c.list.clone()) else { return };
        if self.fence() == Some(commit) {
            self.unsettled = None;
            self.set_current(seq, list);
        } else if let Some(unsettled) = self.unsettled.as_mut().filter(|u| u.since <= commit) {
            // The commits after it remain in question, and what they would lead back to is this.
            *unsettled = Unsettled { since: commit.next(), former: list };
        }
    }

    /// Makes `list` the current one. Whoever comes back without having been admitted anew reads
    /// on where it stopped, without a gap; whoever is not on the list reads no further than `seq`.
    fn set_current(&mut self, seq: Seq, list: DeviceList) {
        for device in list.iter() {
            match self.rights.get_mut(device).and_then(|ranges| ranges.last_mut()) {
                Some(range) => range.to = None,
                None => self.admit(device, seq),
            }
        }
        self.stranded.retain(|device| list.contains(device));
        self.current = list;
        self.end_reading(seq);
    }

    /// Whoever is no member reads no further than `seq`.
    fn end_reading(&mut self, seq: Seq) {
        for (device, ranges) in &mut self.rights {
            let open = ranges.last_mut().filter(|range| range.to.is_none());
            if let Some(range) = open.filter(|_| !self.current.contains(device)) {
                range.to = Some(seq);
            }
        }
    }
}

/// Who carries it out checks what is in it; a relay, that it is what it says, and how large it is.
fn plan_stranded(item: &Sealed, device: &DeviceName) -> Result<Event, MembershipError> {
    let envelope = item.envelope();
    let stranded = item.payload().and_then(|payload| Stranded::decode(payload).ok());
    let fits = stranded.is_some_and(|stranded| {
        stranded.channel == envelope.channel
            && stranded.generation == envelope.generation
            && stranded.device == *device
    });
    if fits {
        Ok(Event::Stranded { device: device.clone() })
    } else {
        Err(MembershipError::Control)
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
    /// It was made in another group than the one after the commit that it names; which that is.
    #[error("the channel's group is of generation {0} there")]
    Generation(Generation),
    /// A succession that lets somebody in.
    #[error("a succession lets nobody in")]
    Founding,
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
    /// The device was not dropped by that commit, or is back, or the commit is settled.
    #[error("there is nothing for this device to contest")]
    NothingToContest,
}
