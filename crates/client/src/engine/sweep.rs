//! Revoked and suspended devices: whoever learns of one takes it out of every channel in which it is
//! still a member, and lets it in again when the suspension is over. Anybody may, with the list or
//! the statement as evidence. So that not all do at once, the leads of its authority go
//! first, then the other leads, then everybody, [one after the other](super::turns); whoever's turn
//! comes when it is done has nothing to do.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use enlace_channel::channel::Channel;
use enlace_channel::policy::Role;
use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::names::{DeviceName, Domain, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Seq};

use super::passing::Passing;
use super::suspension::Due;
use super::turns;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::store::ChannelStanding;
use crate::task::Task;

/// By how much other leads go later than those of the device's authority.
const OTHER_LEADS: Duration = Duration::from_secs(2);

/// By how much everybody else does.
const EVERYBODY: Duration = Duration::from_secs(6);

/// By how much the hub's clock, which decides what is over, may be behind this device's.
pub(super) const CLOCKS: Duration = Duration::from_secs(4 * 60);

/// Which channels have changed since they were looked at.
#[derive(Debug)]
pub(super) struct Sweep {
    /// All of them: there are new lists, or the program was started.
    is_everywhere: bool,
    changed: BTreeSet<ChannelId>,
    /// The version of the network's bundle, which may come with a channel's commit.
    bundle: u64,
    /// The newest commit and the hub when a channel was last looked at: notes let nobody in.
    looked_at: HashMap<ChannelId, (Option<Seq>, Domain)>,
    /// When the next suspension ends.
    next_end: Option<Timestamp>,
    /// Lists that were found to be news in a channel.
    passing: Vec<Passing>,
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            is_everywhere: true,
            changed: BTreeSet::new(),
            bundle: 0,
            looked_at: HashMap::new(),
            next_end: None,
            passing: Vec::new(),
        }
    }
}

impl Sweep {
    /// Something has happened.
    pub(super) fn note(&mut self, events: &[ClientEvent]) {
        self.changed.extend(events.iter().filter_map(|event| match event {
            ClientEvent::Channel(id) => Some(*id),
            _ => None,
        }));
    }
}

impl Engine {
    pub(super) fn look_for_revoked_again(&mut self) {
        self.sweep = Sweep::default();
    }

    /// Puts the removal of each revoked or suspended device in the outbox, and the return of each
    /// whose suspension is over, where that was not looked for yet.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) fn remove_revoked(&mut self) -> Result<(), EngineError> {
        let (now, bundle) = (self.trust.now(), self.trust.bundle().version());
        if bundle != self.sweep.bundle || self.sweep.next_end.is_some_and(|end| now >= end) {
            self.sweep = Sweep { bundle, ..Sweep::default() };
        }
        if !self.sweep.is_everywhere && self.sweep.changed.is_empty() {
            return Ok(());
        }
        let mut sweep = std::mem::take(&mut self.sweep);
        let authorities = self.trust.revoking_authorities();
        let done = self.write(|work| work.look_for_revoked(&mut sweep, &authorities));
        let found = std::mem::take(&mut sweep.passing);
        let known = |passing: &Passing, found: &Passing| {
            passing.channel == found.channel && passing.list == found.list
        };
        for found in found {
            if !self.passing.iter().any(|passing| known(passing, &found)) {
                self.passing.push(found);
            }
        }
        // What this has put in the outbox is no reason to look again.
        self.sweep = match done {
            Ok(()) => Sweep { is_everywhere: false, changed: BTreeSet::new(), ..sweep },
            Err(_) => Sweep { looked_at: HashMap::new(), ..sweep },
        };
        done
    }
}

/// How long a member of a channel waits for others to remove a device, let it in again, or, without
/// one, to do what concerns them all.
pub(super) fn turn<'a>(
    me: &DeviceName,
    concerned: Option<&DeviceName>,
    devices: impl IntoIterator<Item = &'a DeviceName>,
    role_of: impl Fn(&OfficerAddress) -> Option<Role>,
) -> Duration {
    let rank = |device: &DeviceName| {
        let is_lead = role_of(device.officer()).is_some_and(Role::is_lead);
        let is_own = concerned.is_none_or(|concerned| concerned.domain() == device.domain());
        match (is_lead, is_own) {
            _ if concerned == Some(device) => None,
            (true, true) => Some(Duration::ZERO),
            (true, false) => Some(OTHER_LEADS),
            (false, _) => Some(EVERYBODY),
        }
    };
    turns::turn(me, concerned.map_or("", DeviceName::as_str), devices, rank)
}

impl Work<'_> {
    fn look_for_revoked(
        &mut self,
        sweep: &mut Sweep,
        authorities: &BTreeSet<Domain>,
    ) -> Result<(), EngineError> {
        for row in self.tx.channels()? {
            let is_member =
                matches!(row.standing, ChannelStanding::Provisional | ChannelStanding::Member);
            if !is_member || !(sweep.is_everywhere || sweep.changed.contains(&row.id)) {
                continue;
            }
            // Whoever follows the channel says what is wrong with it.
            let Some(channel) = self.take(row.id).ok().flatten() else { continue };
            let now = (channel.fence(), channel.hub());
            let is_new = sweep.looked_at.insert(row.id, now.clone()) != Some(now);
            sweep.passing.extend(self.lists_to_pass_on(&channel, row.joined_at)?);
            let due = Due::of(&channel, self.trust);
            let (ended, next) = self.stand_ins(&channel);
            let ends = sweep.next_end.into_iter().chain(due.next).chain(next);
            sweep.next_end = ends.min();
            let find = |leaf: &VerifiedLeaf| self.trust.withdrawing(leaf);
            let is_suspect = |device: &DeviceName| authorities.contains(device.domain());
            let found =
                if is_new { channel.withdrawn(&self.ctx, is_suspect, find) } else { Ok(vec![]) };
            let is_behind = is_new && channel.is_behind_bundle(&self.ctx).unwrap_or(false);
            let (me, devices) = (self.me().clone(), channel.devices());
            let roles = channel.policy().roles().clone();
            let turn = |concerned: Option<&DeviceName>| {
                turn(&me, concerned, devices.iter(), |officer| roles.get(officer).copied())
            };
            self.keep(channel);
            let revoked = found?.into_iter().map(|(device, _)| Task::RemoveRevoked { device });
            let suspended = due.suspended.into_iter();
            let suspended = suspended.map(|device| Task::RemoveSuspended { device });
            let returning = due.returning.into_iter();
            let returning = returning.map(|device| Task::Readmit { device, key_package: None });
            let tasks = revoked.chain(suspended).chain(returning).collect();
            self.enqueue_sweep(row.id, tasks, &turn)?;
            for device in ended {
                let officer = device.officer().clone();
                self.enqueue_own(row.id, Task::Remove { officer }, turn(Some(&device)))?;
            }
            if is_behind {
                // Whoever comes first also takes those out whom the newer version doesn't vouch for.
                self.enqueue_own(row.id, Task::FollowBundle, turn(None))?;
            }
        }
        Ok(())
    }

    /// A device of each stand-in whose mandate has ended by any clock, and when the next one does.
    fn stand_ins(&self, channel: &Channel) -> (Vec<DeviceName>, Option<Timestamp>) {
        let (policy, devices) = (channel.policy(), channel.devices());
        let due = policy.stand_ins().iter().map(|(officer, end)| (officer, end.plus(CLOCKS)));
        let (ended, to_come): (Vec<_>, Vec<_>) = due.partition(|(_, due)| self.now() >= *due);
        let of =
            |officer: &OfficerAddress| devices.iter().find(|d| d.officer() == officer).cloned();
        let ended = ended.into_iter().filter(|(officer, _)| *officer != self.me().officer());
        let ended = ended.filter_map(|(officer, _)| of(officer)).collect();
        (ended, to_come.into_iter().map(|(_, due)| due).min())
    }

    fn enqueue_sweep(
        &mut self,
        id: ChannelId,
        tasks: Vec<Task>,
        turn: &impl Fn(Option<&DeviceName>) -> Duration,
    ) -> Result<(), EngineError> {
        if tasks.is_empty() {
            return Ok(());
        }
        let queued = self.tx.queued(Some(id))?.into_iter();
        let queued: Vec<Task> = queued.map(|row| row.task.without_key_package()).collect();
        let me = self.me().clone();
        for task in tasks {
            let (Task::RemoveRevoked { device }
            | Task::RemoveSuspended { device }
            | Task::Readmit { device, .. }) = &task
            else {
                continue;
            };
            if *device != me && !queued.contains(&task) {
                let delay = turn(Some(device));
                self.put_own(id, task, delay)?;
            }
        }
        Ok(())
    }
}
