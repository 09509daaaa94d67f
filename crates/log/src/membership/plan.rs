//! What an item would change, or why a hub refuses it.

use enlace_identity::names::DeviceName;

use super::{Event, Membership, Unsettled};
use crate::control::{Contest, Stranded};
use crate::device_list::{ListChange, ListError, ListHash};
use crate::envelope::{Envelope, ItemKind};
use crate::ids::{Generation, Seq};
use crate::item::Sealed;

impl Membership {
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
                device.domain() == author.domain() || self.has_left(device) || has_evidence(device)
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
        if !known || self.has_left(device) || !self.unsettled.as_ref().is_some_and(is_dropped) {
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
