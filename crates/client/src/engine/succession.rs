//! Founding a channel's next group: who comes along, and when nobody has to ask for it.

use std::time::Duration;

use enlace_channel::channel::{Channel, ChannelError, Standing};
use enlace_channel::mls::Suite;
use enlace_channel::policy::{Policy, Role};
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::ChannelId;

use super::EngineError;
use super::events::draw;
use super::work::Work;
use crate::store::StoreError;
use crate::task::{Task, Wanted};

/// How long whoever is left gets to put the stranded back, before one of these founds the next group.
const PATIENCE: Duration = Duration::from_secs(45);

/// Over how long those who may found it spread; the lease decides.
const SPREAD: Duration = Duration::from_secs(30);

impl Work<'_> {
    pub(super) fn succession(
        &self,
        channel: &Channel,
        poisoned: bool,
        suite: Option<Suite>,
    ) -> Result<Task, ChannelError> {
        let present = channel.view()?.suite;
        let suite = suite.unwrap_or(present).code();
        let generation = channel.policy().generation().0;
        let wanted = self.others_in(channel, None);
        Ok(Task::Succeed { poisoned, suite, generation, expelled: None, wanted })
    }

    pub(super) fn expulsion(
        &self,
        channel: &Channel,
        authority: Domain,
    ) -> Result<Task, ChannelError> {
        let suite = channel.view()?.suite.code();
        let generation = channel.policy().generation().0;
        let wanted = self.others_in(channel, Some(&authority));
        let expelled = Some(authority);
        Ok(Task::Succeed { poisoned: false, suite, generation, expelled, wanted })
    }

    /// Every other device of a channel that comes along, none claimed yet.
    fn others_in(&self, channel: &Channel, expelled: Option<&Domain>) -> Vec<Wanted> {
        let devices = channel.devices();
        let is_out = |d: &DeviceName| {
            expelled.is_some_and(|expelled| channel.policy().are_one(d.domain(), expelled))
        };
        let stays = |d: &&DeviceName| *d != self.me() && !is_out(d);
        let others = devices.iter().filter(stays).cloned();
        others.map(Wanted::of).collect()
    }

    /// A founding that waits takes everybody along who is in the channel by now.
    pub(super) fn want_key_packages(
        &mut self,
        id: ChannelId,
        channel: &Channel,
    ) -> Result<(), StoreError> {
        for mut row in self.tx.queued(Some(id))? {
            let Task::Succeed { wanted, expelled, .. } = &mut row.task else { continue };
            let mut now = self.others_in(channel, expelled.as_ref());
            let same = |a: &Wanted, b: &Wanted| a.device == b.device;
            if row.sealed.is_some()
                || now.iter().zip(&*wanted).all(|(a, b)| same(a, b)) && now.len() == wanted.len()
            {
                continue;
            }
            for device in &mut now {
                let claimed = wanted.iter().find(|claimed| same(claimed, device));
                device.key_package = claimed.and_then(|claimed| claimed.key_package.clone());
            }
            *wanted = now;
            self.tx.update_outbox(&row)?;
        }
        Ok(())
    }

    /// Where everybody but the officer at fault has lost step, nobody whom they could believe is left to
    /// put them back: who may, founds the next group.
    pub(super) fn rescue_if_all_are_stranded(
        &mut self,
        channel: &Channel,
    ) -> Result<(), EngineError> {
        let id = channel.id();
        let role = self.own_role(channel.policy());
        let may_found = role.is_some_and(Role::is_lead) && !channel.may_not_know_who_is_in();
        let Some(since) = channel.stranded_since().filter(|_| may_found) else {
            return Ok(());
        };
        // Whoever stranded itself has left nobody else behind.
        let guilty = self.author_at(id, since)?.filter(|guilty| guilty != self.me());
        let asking: Vec<_> = channel.asking_back().map(|(device, _)| device).collect();
        let all = channel.devices().iter().all(|device| {
            let is_guilty = guilty.as_ref().is_some_and(|g| g.officer() == device.officer());
            device == self.me() || is_guilty || asking.contains(device)
        });
        let queued = self.tx.queued(Some(id))?;
        if !all || queued.iter().any(|row| row.task.is_for_the_stranded()) {
            return Ok(());
        }
        let task = self.succession(channel, true, None)?;
        let delay = PATIENCE + SPREAD.mul_f64(draw(self.me(), self.me()));
        self.put_own(id, task, delay)
    }
}

/// Whether a device is where it is by nobody's word but the guilty one's.
pub(super) fn is_at_a_loss(channel: &Channel) -> bool {
    channel.standing() == Standing::Stranded || channel.awaits_another()
}

/// The owner, and where there is none every lead.
pub(super) fn may_renew(policy: &Policy, role: Option<Role>) -> bool {
    match role {
        Some(Role::Owner) => true,
        Some(Role::Lead) => policy.owners().next().is_none(),
        _ => false,
    }
}
