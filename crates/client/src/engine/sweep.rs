//! Revoked devices: whoever learns of one takes it out of every channel in which it is still a member.
//! Anybody may, with the list as evidence. So that not all do at once, the leads of its authority go
//! first, then the other leads, then everybody, each by a hash of its own; whoever's turn comes when it
//! is done has nothing to do.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use enlace_channel::channel::Channel;
use enlace_channel::policy::Role;
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, Seq};

use super::events::draw;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::store::ChannelStanding;
use crate::task::Task;

/// How long leads of the device's authority spread over, and after them other leads.
const LEADS: Duration = Duration::from_secs(2);

/// How much time each member more gives the others.
const PER_MEMBER: Duration = Duration::from_millis(50);

/// Which channels have changed since they were looked at.
#[derive(Debug)]
pub(super) struct Sweep {
    /// All of them: there are new lists, or the program was started.
    is_everywhere: bool,
    changed: BTreeSet<ChannelId>,
    /// The newest commit when a channel was last looked at: notes let nobody in.
    looked_at: HashMap<ChannelId, Option<Seq>>,
}

impl Default for Sweep {
    fn default() -> Self {
        Self { is_everywhere: true, changed: BTreeSet::new(), looked_at: HashMap::new() }
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

    /// Puts the removal of each revoked device in the outbox, where that was not looked for yet.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) fn remove_revoked(&mut self) -> Result<(), EngineError> {
        if !self.sweep.is_everywhere && self.sweep.changed.is_empty() {
            return Ok(());
        }
        let mut sweep = std::mem::take(&mut self.sweep);
        let trust = self.trust.clone();
        let authorities = trust.revoking_authorities();
        let looked_at = &mut sweep.looked_at;
        let (is_everywhere, changed) = (sweep.is_everywhere, &sweep.changed);
        let done = if authorities.is_empty() {
            Ok(())
        } else {
            self.write(|work| {
                let rows = work.tx.channels()?.into_iter();
                for row in rows.filter(|row| is_everywhere || changed.contains(&row.id)) {
                    if !matches!(
                        row.standing,
                        ChannelStanding::Provisional | ChannelStanding::Member
                    ) {
                        continue;
                    }
                    // Whoever follows the channel says what is wrong with it.
                    let Some(channel) = work.take(row.id).ok().flatten() else { continue };
                    let fence = channel.fence();
                    let found = if looked_at.insert(row.id, fence) == Some(fence) {
                        Ok(Vec::new())
                    } else {
                        channel.withdrawn(&work.ctx, &authorities, |leaf| trust.withdrawing(leaf))
                    };
                    let found = found.and_then(|found| Ok((found, work.turn_of(&channel))));
                    work.keep(channel);
                    let (found, turn) = found?;
                    for (device, list) in found {
                        work.enqueue_removal(row.id, device, list, &turn)?;
                    }
                }
                Ok(())
            })
        };
        // What this has put in the outbox is no reason to look again.
        self.sweep = match done {
            Ok(()) => Sweep { is_everywhere: false, changed: BTreeSet::new(), ..sweep },
            Err(_) => sweep,
        };
        done
    }
}

/// What decides how long this device waits for others.
struct TurnOfMine {
    role: Option<Role>,
    members: u32,
}

impl Work<'_> {
    fn turn_of(&self, channel: &Channel) -> TurnOfMine {
        let role = channel.policy().role_of(self.me().officer());
        TurnOfMine { role, members: u32::try_from(channel.devices().len()).unwrap_or(u32::MAX) }
    }

    fn enqueue_removal(
        &mut self,
        id: ChannelId,
        device: DeviceName,
        list: Vec<u8>,
        turn: &TurnOfMine,
    ) -> Result<(), EngineError> {
        let waits =
            |task: &Task| matches!(task, Task::RemoveRevoked { device: d, .. } if *d == device);
        let is_queued = self.tx.queued(Some(id))?.iter().any(|row| waits(&row.task));
        if is_queued || device == *self.me() {
            return Ok(());
        }
        let draw = draw(self.me(), &device);
        let delay = match turn.role {
            Some(role) if role.is_lead() && device.domain() == self.me().domain() => {
                LEADS.mul_f64(draw)
            }
            Some(role) if role.is_lead() => LEADS + LEADS.mul_f64(draw),
            _ => 3 * LEADS + (PER_MEMBER * turn.members).mul_f64(draw),
        };
        self.enqueue_own(id, Task::RemoveRevoked { device, list: Some(list) }, delay)
    }
}
