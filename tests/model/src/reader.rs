//! Followers and members take in what their source has, and members write.

use crate::access::Access;
use crate::bounds::Task;
use crate::group::{Group, Merged};
use crate::log::{Body, Device, Incarnation, Item, Log, Place, Sealed};
use crate::rules::Rules;

/// Where keys for objections begin, so that they collide with nothing else.
const CONTESTS: u8 = 32;

/// A member, as its device has it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Member {
    /// Its copy of the log.
    pub copy: Log,
    /// The commits it has merged, when they are not those of its copy: it merged one that is lost.
    /// It can't go back, so it writes nothing until its copy comes there again.
    pub astray: Option<Vec<Merged>>,
    /// A place that the hub told it and that its copy has not reached.
    pub told: Option<(Incarnation, Place)>,
    /// Commits that it holds void and others may not: nothing, where verdicts are pure.
    pub denied: Vec<Merged>,
}

impl Member {
    /// At the channel's beginning.
    #[must_use]
    pub fn new() -> Self {
        Self { copy: Log::created(), astray: None, told: None, denied: Vec::new() }
    }

    /// The commits that it has merged and holds valid.
    #[must_use]
    pub fn group(&self) -> Vec<Merged> {
        let merged = self.merged();
        merged.into_iter().filter(|commit| !self.denied.contains(commit)).collect()
    }

    /// Goes on with another copy: the old one and more, or what replaces its end.
    pub fn take(&mut self, copy: Log) {
        let merged = self.merged();
        let can_follow = Group::after(&copy).merged.starts_with(&merged);
        self.astray = (!can_follow).then_some(merged);
        self.told = self.told.filter(|told| *told > copy.reach());
        self.copy = copy;
    }

    /// What it would send now: objections first, then what it wants to do, in order.
    #[must_use]
    pub fn next(&self, device: Device, tasks: &[Task]) -> Vec<Sealed> {
        let group = Group::after(&self.copy);
        let mut next: Vec<Sealed> = self.contests(device, &group);
        let task = (0..).zip(tasks).find(|(id, _)| self.copy.find(device, *id).is_none());
        if let Some((id, task)) = task.filter(|_| group.tree.contains(device)) {
            let commit = |tree| Body::Commit { tree, list: tree };
            let body = match task {
                Task::Note => Body::Entry,
                Task::Renew => commit(group.tree),
                Task::RemoveBen => commit(group.tree.without(Device::Ben)),
            };
            let sealed = group.seal(device, id, body);
            // Who is astray can't encrypt; what it sent before, it still has.
            if self.astray.as_ref().is_none_or(|merged| merged.contains(&sealed)) {
                next.push(sealed);
            }
        }
        next
    }

    /// Whether it has all that it wants to do in its copy.
    #[must_use]
    pub fn is_done(&self, device: Device, tasks: &[Task]) -> bool {
        (0..).zip(tasks).all(|(id, _)| self.copy.find(device, id).is_some())
    }

    fn merged(&self) -> Vec<Merged> {
        self.astray.clone().unwrap_or_else(|| Group::after(&self.copy).merged.clone())
    }

    /// Objections to the void commits that may have dropped this device.
    fn contests(&self, device: Device, group: &Group) -> Vec<Sealed> {
        let due = self.copy.sealed().filter_map(|(place, commit)| {
            let before = Group::before(&self.copy, place);
            let is_void = matches!(commit.body, Body::Commit { .. }) && !before.counts(&commit);
            let id = CONTESTS + commit.id;
            let is_due = is_void
                && before.may_have_dropped(device, &commit)
                && self.copy.find(device, id).is_none();
            is_due.then(|| group.seal(device, id, Body::Contest { commit: place }))
        });
        due.collect()
    }
}

impl Default for Member {
    fn default() -> Self {
        Self::new()
    }
}

/// What a reader's copy becomes when its source shows it more; `None` when it has no more for it,
/// or may not show it.
///
/// A copy that its source goes on from grows by an item at a time. One that it doesn't was replaced
/// by a restore: the reader goes back to where they part, and takes in everything up to the
/// statement that began a higher incarnation, or nothing.
#[must_use]
pub fn read(copy: &Log, source: &Log, readers: &[Device], rules: &Rules) -> Option<Log> {
    let access = Access::after(source);
    let from = copy.common(source);
    let to = if copy.leads_to(source) {
        (from < source.next()).then_some(from)?
    } else {
        let newer = source.statement_after(copy.incarnation())?;
        (rules.back_to_common || from == newer).then_some(())?;
        source.statement().map(|(newest, _)| newest)?
    };
    let may_read = |place| readers.iter().any(|device| access.reads(*device, place));
    (from..=to).all(may_read).then(|| source.before(to + 1))
}

/// The newest item, if it is a commit.
#[must_use]
pub fn newest_commit(copy: &Log) -> Option<Sealed> {
    match copy.items().last()? {
        Item::Sealed(sealed) if matches!(sealed.body, Body::Commit { .. }) => Some(*sealed),
        _ => None,
    }
}
