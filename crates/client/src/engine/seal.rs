//! Making items: for the present state of the channel, and again when that has moved on.

use std::time::Duration;

use enlace_channel::channel::{
    Admission, Channel, ChannelError, Command, SealError, SuccessionDraft,
};
use enlace_channel::mls::Suite;
use enlace_channel::policy::{FoundingReason, Role};
use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::names::DeviceName;
use enlace_log::Seq;
use enlace_proto::relay::v1::SubmitRequest;

use super::batches::admissions;
use super::succession::is_at_a_loss;
use super::work::Work;
use super::{Engine, EngineError, suspension};
use crate::store::{OutboxRow, SealedItem, StoreError};
use crate::task::{Task, Wanted};

/// How often a claimed key package that can't be used is replaced.
const MAX_CLAIMS: u32 = 5;

/// Why no item was made.
pub(super) enum Sealing {
    /// The store.
    Engine(EngineError),
    /// The transaction is to be abandoned, at least to the last savepoint.
    Impossible(SealError),
}

impl<E: Into<EngineError>> From<E> for Sealing {
    fn from(error: E) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Makes an item in a transaction of its own; what can't be made fails, or waits.
    pub(super) fn seal_or_fail(&mut self, row: OutboxRow) -> Result<(), EngineError> {
        match self.write(|work| work.seal(row.clone())) {
            Ok(()) => Ok(()),
            Err(Sealing::Engine(error)) => Err(error),
            Err(Sealing::Impossible(error)) => self.write(|work| work.sealing_failed(row, &error)),
        }
    }
}

impl Work<'_> {
    /// Makes the item of a row for the present state of its channel; an act that is no longer
    /// needed is done.
    pub(super) fn seal(&mut self, mut row: OutboxRow) -> Result<(), Sealing> {
        let id = row.channel;
        let mut channel = self.take(id)?.ok_or(StoreError::Corrupt("channel"))?;
        self.leave_out(&mut row, &channel)?;
        let is_over = row.automatic && row.task.is_for_the_stranded() && !is_at_a_loss(&channel);
        if is_over || is_done(&row.task, &channel, self.me()) {
            self.keep(channel);
            return Ok(self.accept(row, None)?);
        }
        if self.lacks_consent(&channel, &row.task)? {
            self.keep(channel);
            return Ok(self.tx.update_outbox(&OutboxRow { sealed: None, ..row })?);
        }
        if matches!(row.task, Task::ShareHistory { .. }) {
            let done = self.share_history(&channel, row);
            self.keep(channel);
            return Ok(done?);
        }
        let outgoing = match &row.task {
            Task::Entry => {
                let plaintext = row.signed.as_deref().ok_or(StoreError::Corrupt("entry"))?;
                let entry = super::settle::reload(plaintext)?;
                channel.seal_entry(&self.ctx, &entry, row.client_id)
            }
            Task::Leave => channel.seal_leave(&self.ctx, row.client_id),
            Task::AskBack => channel.seal_stranded(&self.ctx, row.client_id),
            Task::AskBackInto { succession } => {
                channel.seal_stranded_in(&self.ctx, Seq(*succession), row.client_id)
            }
            Task::RemoveRevoked { device } => {
                // As of now: a row may have waited while newer lists came.
                let find = |leaf: &VerifiedLeaf| self.trust.withdrawing(leaf);
                let found = channel.withdrawn(&self.ctx, |suspect| suspect == device, find)?;
                let Some((device, list)) = found.into_iter().next() else {
                    self.keep(channel);
                    return Ok(self.accept(row, None)?);
                };
                let command = Command::RemoveRevoked { device, list };
                channel.seal_commit(&self.ctx, &command, row.client_id)
            }
            Task::FollowBundle => {
                if !channel.is_behind_bundle(&self.ctx)? {
                    self.keep(channel);
                    return Ok(self.accept(row, None)?);
                }
                channel.seal_commit(&self.ctx, &Command::FollowBundle, row.client_id)
            }
            Task::Erase { places } => {
                let erased = self.still_erased(id, places)?;
                if erased.is_empty() {
                    self.keep(channel);
                    return Ok(self.accept(row, None)?);
                }
                channel.seal_tombstone(&self.ctx, erased, row.client_id)
            }
            Task::Succeed { poisoned, suite, expelled, wanted, .. } => {
                let mut draft = succession_draft(*poisoned, *suite, wanted)?;
                if let Some(authority) = expelled {
                    let consents = self.consents_to(&channel, &row.task)?;
                    draft.reason = FoundingReason::Expulsion;
                    draft.expulsion = Some((authority.clone(), consents));
                }
                channel.seal_succession(&self.ctx, draft, row.client_id)
            }
            Task::RemoveSuspended { device } => {
                let Some(stated) = self.trust.suspending(device) else {
                    self.keep(channel);
                    return Ok(self.accept(row, None)?);
                };
                let (device, statement) = (device.clone(), stated.signed().encode());
                let command = Command::RemoveSuspended { device, statement };
                channel.seal_commit(&self.ctx, &command, row.client_id)
            }
            Task::Readmit { device, key_package } => {
                let over = suspension::is_over(channel.policy(), device, self.trust);
                let (Some(over), Some(key_package)) = (over, key_package) else {
                    self.keep(channel);
                    return Ok(self.accept(row, None)?);
                };
                let (device, key_package) = (device.clone(), key_package.clone());
                let command = Command::Readmit { device, key_package, statement: over.statement };
                channel.seal_commit(&self.ctx, &command, row.client_id)
            }
            Task::Contest { commit } => {
                channel.seal_contest(&self.ctx, Seq(*commit), row.client_id)
            }
            task => match self.command(&channel, task)? {
                Some(command) => channel.seal_commit(&self.ctx, &command, row.client_id),
                None => return Err(StoreError::Corrupt("task").into()),
            },
        };
        let outgoing = outgoing.map_err(|error| match error {
            SealError::Channel(error) if !needs_newer_version(&error) => {
                Sealing::Engine(error.into())
            }
            error => Sealing::Impossible(error),
        })?;
        let hub = channel.hub().to_string();
        self.keep(channel);
        let request = SubmitRequest { hub, ..outgoing.request };
        let sealed = SealedItem { fence: outgoing.envelope.fence, request };
        Ok(self.tx.update_outbox(&OutboxRow { sealed: Some(sealed), ..row })?)
    }

    fn command(&self, channel: &Channel, task: &Task) -> Result<Option<Command>, EngineError> {
        Ok(match task {
            Task::Admit { officer, role, key_package: Some(key_package) } => {
                let admission = Admission {
                    officer: officer.clone(),
                    role: *role,
                    key_package: key_package.clone(),
                };
                let consents = self.consents_to(channel, task)?;
                Some(Command::AdmitAuthority { admission, consents })
            }
            Task::AdmitStandIn { officer, mandate: Some(mandate), key_package: Some(package) } => {
                let admission = Admission {
                    officer: officer.clone(),
                    role: Role::Lead,
                    key_package: package.clone(),
                };
                Some(Command::AdmitStandIn { admission, mandate: mandate.clone() })
            }
            Task::AppointOwner { officer, .. } => {
                let consents = self.consents_to(channel, task)?;
                Some(Command::AppointOwner { officer: officer.clone(), consents })
            }
            task => command(task),
        })
    }

    fn sealing_failed(&mut self, mut row: OutboxRow, error: &SealError) -> Result<(), EngineError> {
        let now = self.now();
        match error {
            SealError::CommitPending | SealError::Stranded | SealError::Unconfirmed => {
                row.not_before = now.plus(Duration::from_secs(1));
                Ok(self.tx.update_outbox(&row)?)
            }
            // The program can be updated any day.
            SealError::Channel(ChannelError::NeedsNewerVersion(_)) => {
                row.not_before = now.plus(Duration::from_secs(60));
                Ok(self.tx.update_outbox(&row)?)
            }
            SealError::OtherOfficer(_)
            | SealError::KeyPackage(_)
            | SealError::NoKeyPackage(_)
            | SealError::Certificate(_)
                if row.attempts < MAX_CLAIMS =>
            {
                row.attempts += 1;
                row.task.forget_key_packages();
                Ok(self.tx.update_outbox(&row)?)
            }
            error => Ok(self.fail(row, error.to_string())?),
        }
    }
}

fn needs_newer_version(error: &ChannelError) -> bool {
    matches!(error, ChannelError::NeedsNewerVersion(_))
}

/// Whether what a row wants has come about, by whomever.
pub(super) fn is_done(task: &Task, channel: &Channel, me: &DeviceName) -> bool {
    let policy = channel.policy();
    match task {
        Task::Admit { officer, .. } | Task::AdmitStandIn { officer, .. } => {
            policy.role_of(officer).is_some()
        }
        Task::AddDevice { device, .. } => channel.devices().contains(device),
        Task::RemoveDevice { device } => !channel.devices().contains(device),
        Task::Remove { officer } => policy.role_of(officer).is_none(),
        Task::AdmitMany { invited, .. } => {
            invited.iter().all(|one| policy.role_of(&one.officer).is_some())
        }
        Task::RemoveMany { officers } => {
            officers.iter().all(|one| policy.role_of(&one.officer).is_none())
        }
        Task::SetRole { officer, role } => policy.role_of(officer) == Some(*role),
        Task::AppointOwner { officer, .. } => policy.role_of(officer) == Some(Role::Owner),
        Task::SetClosed { closed } => policy.is_closed() == *closed,
        Task::RaiseRules { to } => policy.rules_version() >= *to,
        Task::SetRetention { days } => {
            policy.retention().get(policy.present(me.domain())).copied() == *days
        }
        Task::SetHold { placed } => policy.holds().contains(policy.present(me.domain())) == *placed,
        Task::CarryOutLeave { device } => !channel.leaving().any(|leaving| leaving == *device),
        Task::PutBack { device } => !channel.asking_back().any(|(asking, _)| asking == *device),
        Task::AskBack => channel.lacks_since().is_none(),
        Task::AskBackInto { succession } => !channel.is_locked_out(Seq(*succession)),
        Task::Succeed { expelled: Some(authority), .. } => {
            !policy.authorities().contains(authority)
        }
        Task::ShareHistory { device, .. } => !channel.devices().contains(device),
        Task::Succeed { generation, .. } => policy.generation().0 > *generation,
        Task::RemoveRevoked { device } | Task::RemoveSuspended { device } => {
            !channel.devices().contains(device)
        }
        Task::Readmit { device, .. } => {
            channel.devices().contains(device) || !policy.suspended().contains_key(device)
        }
        Task::Create { .. }
        | Task::AdmitAll { .. }
        | Task::Entry
        | Task::FollowBundle
        | Task::SelfUpdate
        | Task::Leave
        | Task::Erase { .. }
        | Task::Contest { .. } => false,
    }
}

fn succession_draft(
    poisoned: bool,
    suite: u16,
    wanted: &[Wanted],
) -> Result<SuccessionDraft, StoreError> {
    let reason = if poisoned { FoundingReason::Poisoned } else { FoundingReason::Renewal };
    let suite = Suite::from_code(suite).ok_or(StoreError::Corrupt("task"))?;
    let key_packages = wanted.iter().filter_map(|wanted| wanted.key_package.clone()).collect();
    Ok(SuccessionDraft { reason, suite, key_packages, expulsion: None })
}

fn command(task: &Task) -> Option<Command> {
    Some(match task {
        Task::AddDevice { device, key_package: Some(key_package) } => {
            Command::AddDevice { device: device.clone(), key_package: key_package.clone() }
        }
        Task::RemoveDevice { device } => Command::RemoveDevice(device.clone()),
        Task::Remove { officer } => Command::Remove(officer.clone()),
        Task::AdmitMany { role, invited, .. } => Command::Admit(admissions(*role, invited)),
        Task::RemoveMany { officers } => {
            Command::RemoveAll(officers.iter().map(|one| one.officer.clone()).collect())
        }
        Task::SetRole { officer, role } => Command::SetRole(officer.clone(), *role),
        Task::CarryOutLeave { device } => Command::CarryOutLeave(device.clone()),
        Task::PutBack { device } => Command::PutBack(device.clone()),
        Task::SetClosed { closed } => Command::SetClosed(*closed),
        Task::RaiseRules { .. } => Command::RaiseRules,
        Task::SetRetention { days } => Command::SetRetention(*days),
        Task::SetHold { placed } => Command::SetHold(*placed),
        Task::SelfUpdate => Command::SelfUpdate,
        _ => return None,
    })
}
