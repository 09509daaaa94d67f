//! Replaying what items changed: who may write, and which positions each device may read.

use std::collections::BTreeSet;

use enlace_identity::names::DeviceName;

use super::{Commit, Event, Membership, ReadRange, Unsettled};
use crate::device_list::DeviceList;
use crate::ids::{Generation, Seq};

impl Membership {
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
        self.listed += before.as_ref().map_or(list.len(), |before| list.names_beside(before));
        let reads_on = self.unsettle(seq, author, &list, final_drops);
        for device in &change.added {
            self.admit(device, seq);
            self.left.remove(device);
            let mut were_in = before.iter().flat_map(DeviceList::iter);
            let has_left = !self.left.is_empty();
            if has_left && !were_in.any(|other| other.officer() == device.officer()) {
                self.left.retain(|other| other.officer() != device.officer());
            }
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
                && (self.has_left(device) || device.domain() != author.domain())
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

    /// Whether nobody but its author's officer could confirm a commit in this line.
    fn has_no_witness(&self, line: Option<Seq>, author: &DeviceName) -> bool {
        let established = self.lineage(line).find(|(_, commit)| commit.confirmed);
        established.is_none_or(|(_, commit)| {
            commit.list.iter().all(|device| device.officer() == author.officer())
        })
    }
}
