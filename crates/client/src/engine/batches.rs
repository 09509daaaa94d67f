//! Many who come and go together: one change for each batch.
//!
//! A batch is a row of the outbox, so it goes on where it was when the program starts again. Whoever
//! can't be let in is left out of it, and the officer is told; the same list once more tries those again
//! and passes over who is in.

use std::collections::BTreeMap;

use enlace_channel::channel::{Admission, Channel};
use enlace_channel::policy::Role;
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_log::{ChannelId, ClientId};
use enlace_proto::relay::v1::{ClaimedKeyPackage, FetchContactsResponse};

use super::acts::ActError;
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{ChannelStanding, OutboxRow, OutboxState, StoreError};
use crate::task::{Invited, Named, Task};

/// The most officers of one change: with all their devices they can be claimed with one call.
pub const BATCH: usize = 60;

/// What becomes of a list of officers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Batches {
    /// The batches, in order.
    pub queued: Vec<ClientId>,
    /// Who is in one of them.
    pub asked: Vec<OfficerAddress>,
    /// Who is in the channel already; of a removal, who is not.
    pub settled: Vec<OfficerAddress>,
    /// Officers of other authorities: their own leads let them in and out.
    pub others: Vec<OfficerAddress>,
}

impl Engine {
    /// Admits officers of the own authority, in batches.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn admit_many(
        &mut self,
        id: ChannelId,
        officers: &[OfficerAddress],
        role: Role,
    ) -> Result<Batches, ActError> {
        self.write(|work| work.admit_many(id, officers, role))
    }

    /// Admits all officers of the own authority whose programs have been at its relay, in batches.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn admit_all(&mut self, id: ChannelId, role: Role) -> Result<ClientId, ActError> {
        self.write(|work| {
            work.check_batch(id, true)?;
            work.put_batch(id, Task::AdmitAll { role, after: String::new() })
        })
    }

    /// Removes officers of the own authority, in batches.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed then.
    pub fn remove_many(
        &mut self,
        id: ChannelId,
        officers: &[OfficerAddress],
    ) -> Result<Batches, ActError> {
        self.write(|work| work.remove_many(id, officers))
    }

    /// The batches of a channel that still wait.
    ///
    /// # Errors
    /// When the store fails.
    pub fn batches(&mut self, id: ChannelId) -> Result<Vec<ClientId>, StoreError> {
        let rows = self.read(|tx| tx.queued(Some(id)))?;
        let batches = rows.iter().filter(|row| row.task.is_batch());
        Ok(batches.map(|row| row.client_id).collect())
    }
}

impl Work<'_> {
    fn admit_many(
        &mut self,
        id: ChannelId,
        officers: &[OfficerAddress],
        role: Role,
    ) -> Result<Batches, ActError> {
        let inside = self.check_batch(id, true)?;
        let mut batches = self.sorted(officers, |officer| !inside.contains_key(officer));
        for some in batches.asked.chunks(BATCH) {
            let invited = some.iter().map(|officer| invite(officer.clone())).collect();
            batches
                .queued
                .push(self.put_batch(id, Task::AdmitMany { role, invited, claimed: false })?);
        }
        Ok(batches)
    }

    fn remove_many(
        &mut self,
        id: ChannelId,
        officers: &[OfficerAddress],
    ) -> Result<Batches, ActError> {
        let inside = self.check_batch(id, false)?;
        if let Some(owner) = officers.iter().find(|o| inside.get(*o) == Some(&Role::Owner)) {
            return Err(ActError::OwnerStays(owner.clone()));
        }
        let me = self.me().officer().clone();
        let mut batches =
            self.sorted(officers, |officer| *officer != me && inside.contains_key(officer));
        for some in batches.asked.chunks(BATCH) {
            let officers = some.iter().map(|officer| Named { officer: officer.clone() }).collect();
            batches.queued.push(self.put_batch(id, Task::RemoveMany { officers })?);
        }
        Ok(batches)
    }

    /// Each officer once: who is to be in a batch, who is as is wanted, and who is others' affair.
    fn sorted(
        &self,
        officers: &[OfficerAddress],
        is_due: impl Fn(&OfficerAddress) -> bool,
    ) -> Batches {
        let named: BTreeMap<String, &OfficerAddress> =
            officers.iter().map(|officer| (officer.to_string(), officer)).collect();
        let mut batches = Batches::default();
        for officer in named.into_values() {
            let place = match self.ctx.bundle.are_one(officer.domain(), self.me().domain()) {
                false => &mut batches.others,
                true if is_due(officer) => &mut batches.asked,
                true => &mut batches.settled,
            };
            place.push(officer.clone());
        }
        batches
    }

    /// Whether this officer lets many in or takes them out; returns who is in the channel.
    fn check_batch(
        &mut self,
        id: ChannelId,
        admits: bool,
    ) -> Result<BTreeMap<OfficerAddress, Role>, ActError> {
        let row = self.tx.channel(id)?.ok_or(ActError::UnknownChannel)?;
        if row.standing == ChannelStanding::Removed {
            return Err(ActError::Removed);
        }
        let channel = self.take(id)?.ok_or(ActError::UnknownChannel)?;
        let roles = channel.policy().roles().clone();
        let is_closed = channel.policy().is_closed();
        let is_lead = self.own_role(channel.policy()).is_some_and(Role::is_lead);
        self.keep(channel);
        match (is_closed && admits, is_lead) {
            (true, _) => Err(ActError::Closed),
            (false, false) => Err(ActError::NotEntitled),
            (false, true) => Ok(roles),
        }
    }

    fn put_batch(&mut self, id: ChannelId, task: Task) -> Result<ClientId, ActError> {
        let client_id = self.new_client_id(id);
        self.tx.put_outbox(&self.new_row(id, client_id, task))?;
        self.tell(ClientEvent::Outbox { channel: id, client_id, state: OutboxState::Queued });
        Ok(client_id)
    }

    /// The relay has named officers: those who are not in the channel are admitted.
    pub(super) fn named(
        &mut self,
        client_id: ClientId,
        contacts: &FetchContactsResponse,
    ) -> Result<(), EngineError> {
        let Some(mut row) = self.row_of(client_id)? else { return Ok(()) };
        let Task::AdmitAll { role, after } = &mut row.task else { return Ok(()) };
        let role = *role;
        let last = contacts.officers.last().filter(|last| contacts.more && **last > *after);
        let next = last.cloned();
        if let Some(next) = &next {
            after.clone_from(next);
        }
        let named: Vec<OfficerAddress> =
            contacts.officers.iter().filter_map(|officer| officer.parse().ok()).collect();
        match self.admit_many(row.channel, &named, role) {
            Ok(_) => {}
            Err(ActError::Engine(error)) => return Err(error),
            Err(refused) => return Ok(self.fail(row, refused.to_string())?),
        }
        match next {
            Some(_) => Ok(self.tx.update_outbox(&row)?),
            None => Ok(self.accept(row, None)?),
        }
    }

    /// Key packages were claimed for a batch: who has none is left out.
    pub(super) fn claimed_many(
        &mut self,
        mut row: OutboxRow,
        packages: Vec<ClaimedKeyPackage>,
    ) -> Result<(), EngineError> {
        let mut by_officer = BTreeMap::new();
        for package in packages {
            if let Ok(device) = package.device.parse::<DeviceName>() {
                by_officer.entry(device.officer().clone()).or_insert(package.key_package);
            }
        }
        let Task::AdmitMany { invited, claimed, .. } = &mut row.task else { return Ok(()) };
        *claimed = true;
        let mut without = Vec::new();
        invited.retain_mut(|one| {
            one.key_package = by_officer.remove(&one.officer);
            if one.key_package.is_none() {
                without.push(one.officer.to_string());
            }
            one.key_package.is_some()
        });
        if !without.is_empty() {
            let notice = Notice::NotAdmitted { officers: without, reason: None };
            self.note(Some(row.channel), None, notice)?;
        }
        Ok(self.tx.update_outbox(&row)?)
    }

    /// Leaves out of a batch who came or went meanwhile, and whose key package is of no use.
    pub(super) fn leave_out(
        &mut self,
        row: &mut OutboxRow,
        channel: &Channel,
    ) -> Result<(), StoreError> {
        let policy = channel.policy();
        let mut refused = Vec::new();
        match &mut row.task {
            Task::RemoveMany { officers } => {
                officers.retain(|one| policy.role_of(&one.officer).is_some());
            }
            Task::AdmitMany { role, invited, .. } => invited.retain(|one| {
                let Some(admission) = admission(*role, one) else { return false };
                let checked = channel.check_admission(&self.ctx, &admission);
                if let Err(error) = &checked {
                    refused.push((one.officer.to_string(), error.to_string()));
                }
                checked.is_ok() && policy.role_of(&one.officer).is_none()
            }),
            _ => {}
        }
        for (officer, reason) in refused {
            let notice = Notice::NotAdmitted { officers: vec![officer], reason: Some(reason) };
            self.note(Some(row.channel), None, notice)?;
        }
        Ok(())
    }
}

/// Whom a batch admits.
pub(super) fn admissions(role: Role, invited: &[Invited]) -> Vec<Admission> {
    invited.iter().filter_map(|one| admission(role, one)).collect()
}

fn admission(role: Role, one: &Invited) -> Option<Admission> {
    let key_package = one.key_package.clone()?;
    Some(Admission { officer: one.officer.clone(), role, key_package })
}

fn invite(officer: OfficerAddress) -> Invited {
    Invited { officer, key_package: None }
}
