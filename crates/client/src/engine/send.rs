//! What is to be sent now, and what became of what was sent.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use enlace_channel::channel::{Admission, Channel, ChannelError, Command, SealError};
use enlace_identity::names::OfficerAddress;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Seq, SignedHead};
use enlace_proto::relay::v1::{
    ClaimedKeyPackage, LeasePurpose, LeaseResponse, SubmitRequest, SubmitResponse,
};
use enlace_transport::CallError;

use super::work::Work;
use super::{Engine, EngineError};
use crate::notice::Notice;
use crate::outbox::{self, Lane, Next, Step, Verdict};
use crate::store::{ChannelRow, ChannelStanding, OutboxRow, SealedItem, StoreError};
use crate::task::Task;

/// How often a claimed key package that can't be used is replaced.
const MAX_CLAIMS: u32 = 5;

/// When an item whose acceptance can't be verified yet is sent again, unless the log shows it.
const UNVERIFIED: Duration = Duration::from_secs(20);

/// What a session knows of sending in a channel, and the store does not.
#[derive(Clone, Debug, Default)]
pub struct Lanes(HashMap<ChannelId, LaneState>);

#[derive(Clone, Copy, Debug, Default)]
struct LaneState {
    is_busy: bool,
    /// The hub's fence, and until when to wait for it.
    awaited: Option<(Seq, Timestamp)>,
    lease_until: Option<Timestamp>,
}

/// What to call now.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One call for each channel that has something to do.
    pub actions: Vec<Action>,
    /// When to plan again, if nothing happens before.
    pub again_at: Option<Timestamp>,
}

/// A call that an outbox row needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `CreateChannel`.
    Create(ClientId, ChannelId, SubmitRequest),
    /// `Submit`.
    Submit(ClientId, ChannelId, SubmitRequest),
    /// `Lease`.
    Lease(ClientId, ChannelId, LeasePurpose),
    /// `ClaimKeyPackages`.
    Claim(ClientId, ChannelId, OfficerAddress, u16),
}

/// What a call brought.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To a submission.
    Accepted(SubmitResponse),
    /// To a lease.
    Leased(LeaseResponse),
    /// To a claim.
    Claimed(Vec<ClaimedKeyPackage>),
    /// None, or a no.
    Failed(CallError),
}

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

impl Action {
    /// The channel.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        match self {
            Self::Create(_, id, _)
            | Self::Submit(_, id, _)
            | Self::Lease(_, id, _)
            | Self::Claim(_, id, ..) => *id,
        }
    }

    /// The row.
    #[must_use]
    pub fn client_id(&self) -> ClientId {
        match self {
            Self::Create(id, ..)
            | Self::Submit(id, ..)
            | Self::Lease(id, ..)
            | Self::Claim(id, ..) => *id,
        }
    }
}

impl Engine {
    /// What is to be called now. Items are made on the way.
    ///
    /// # Errors
    /// When the store fails.
    pub fn plan(&mut self, lanes: &mut Lanes) -> Result<Plan, EngineError> {
        let mut rows: BTreeMap<ChannelId, Vec<OutboxRow>> = BTreeMap::new();
        for row in self.read(|tx| tx.queued(None))? {
            rows.entry(row.channel).or_default().push(row);
        }
        let mut plan = Plan::default();
        for id in rows.into_keys() {
            if self.may_seal && !lanes.of(id).is_busy {
                self.plan_channel(id, lanes, &mut plan)?;
            }
        }
        Ok(plan)
    }

    /// A row at a time, until something has to be called.
    fn plan_channel(
        &mut self,
        id: ChannelId,
        lanes: &mut Lanes,
        plan: &mut Plan,
    ) -> Result<(), EngineError> {
        loop {
            let now = self.trust.now();
            let lane = lanes.of(id);
            lane.awaited = lane.awaited.filter(|(_, until)| *until > now);
            let step = self.write(|work| work.step(id, *lane).map_err(Sealing::from));
            match step {
                Ok(Planned::Call(action)) => {
                    lane.is_busy = true;
                    plan.actions.push(*action);
                    return Ok(());
                }
                Ok(Planned::Seal(row)) => self.seal_or_fail(*row)?,
                Ok(Planned::Wait(until)) => {
                    let until = Some(until).into_iter();
                    let waiting = lane.awaited.map(|(_, until)| until);
                    plan.again_at = plan.again_at.into_iter().chain(until).chain(waiting).min();
                    return Ok(());
                }
                Ok(Planned::Nothing) => {
                    let waiting = lane.awaited.map(|(_, until)| until);
                    plan.again_at = plan.again_at.into_iter().chain(waiting).min();
                    return Ok(());
                }
                Err(Sealing::Engine(error)) => return Err(error),
                Err(Sealing::Impossible(error)) => {
                    tracing::error!(%error, "planning sealed an item");
                    return Ok(());
                }
            }
        }
    }

    fn seal_or_fail(&mut self, row: OutboxRow) -> Result<(), EngineError> {
        match self.write(|work| work.seal(row.clone())) {
            Ok(()) => Ok(()),
            Err(Sealing::Engine(error)) => Err(error),
            Err(Sealing::Impossible(error)) => self.write(|work| work.sealing_failed(row, &error)),
        }
    }

    /// Takes what a call brought. Returns the channel if it begins to exist with this.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_answer(
        &mut self,
        action: &Action,
        answer: Answer,
        lanes: &mut Lanes,
    ) -> Result<Option<ChannelId>, EngineError> {
        let lane = lanes.of(action.channel());
        lane.is_busy = false;
        let now = self.trust.now();
        let id = action.client_id();
        match answer {
            Answer::Accepted(response) => {
                let created = matches!(action, Action::Create(..));
                self.write(|work| work.accepted(id, &response, created))?;
                return Ok(created.then_some(action.channel()));
            }
            Answer::Leased(lease) => {
                let lasts = Duration::from_millis(lease.expires_in_ms).mul_f32(0.8);
                lane.lease_until = Some(now.plus(lasts));
                lane.await_fence(
                    enlace_log::ids::seq_from_u64("fence", lease.fence).ok().flatten(),
                    now,
                );
            }
            Answer::Claimed(packages) => self.write(|work| work.claimed(id, packages))?,
            Answer::Failed(error) => {
                let verdict = self.write(|work| work.failed(id, &error))?;
                match verdict {
                    Some(Verdict::Behind(fence)) => lane.await_fence(fence, now),
                    Some(Verdict::LeaseLapsed | Verdict::LeaseHeld(_)) => lane.lease_until = None,
                    _ => {}
                }
            }
        }
        Ok(None)
    }
}

impl Lanes {
    fn of(&mut self, id: ChannelId) -> &mut LaneState {
        self.0.entry(id).or_default()
    }
}

/// How long to wait for the items that a hub says are there, before it is asked again.
const CATCH_UP: Duration = Duration::from_secs(10);

impl LaneState {
    fn await_fence(&mut self, fence: Option<Seq>, now: Timestamp) {
        self.awaited = fence.map(|fence| (fence, now.plus(CATCH_UP)));
    }
}

/// The next thing to do in a channel.
enum Planned {
    Call(Box<Action>),
    Seal(Box<OutboxRow>),
    Wait(Timestamp),
    Nothing,
}

impl Work<'_> {
    fn step(&mut self, id: ChannelId, state: LaneState) -> Result<Planned, EngineError> {
        let Some(channel_row) = self.tx.channel(id)? else { return Ok(Planned::Nothing) };
        let Some(channel) = self.take(id)? else { return Ok(Planned::Nothing) };
        let rows = self.tx.queued(Some(id))?;
        let lane = Lane {
            now: self.now(),
            is_open: is_open(&channel_row),
            fence: channel.fence(),
            awaited: state.awaited.map(|(fence, _)| fence),
            has_lease: state.lease_until.is_some_and(|until| until > self.now()),
        };
        let planned = match outbox::next(&rows, &lane) {
            Next::Nothing => Planned::Nothing,
            Next::Wait(until) => Planned::Wait(until),
            Next::Do(row, Step::Seal) => Planned::Seal(Box::new(row.clone())),
            Next::Do(row, step) => call(row, step, &channel)?
                .map_or(Planned::Nothing, |action| Planned::Call(Box::new(action))),
        };
        self.keep(channel);
        Ok(planned)
    }

    /// Makes the item of a row for the present state of its channel; an act that is no longer
    /// needed is done.
    pub(super) fn seal(&mut self, row: OutboxRow) -> Result<(), Sealing> {
        let id = row.channel;
        let mut channel = self.take(id)?.ok_or(StoreError::Corrupt("channel"))?;
        if is_done(&row.task, &channel) {
            self.keep(channel);
            return Ok(self.accept(row, None)?);
        }
        let outgoing = match &row.task {
            Task::Entry => {
                let plaintext = row.signed.as_deref().ok_or(StoreError::Corrupt("entry"))?;
                let entry = super::settle::reload(plaintext)?;
                channel.seal_entry(&self.ctx, &entry, row.client_id)
            }
            Task::Leave => channel.seal_leave(&self.ctx, row.client_id),
            Task::Contest { commit } => {
                channel.seal_contest(&self.ctx, Seq(*commit), row.client_id)
            }
            task => match command(task) {
                Some(command) => channel.seal_commit(&self.ctx, &command, row.client_id),
                None => return Err(StoreError::Corrupt("task").into()),
            },
        };
        let outgoing = outgoing.map_err(|error| match error {
            SealError::Channel(error) => Sealing::Engine(error.into()),
            error => Sealing::Impossible(error),
        })?;
        self.keep(channel);
        let sealed = SealedItem { fence: outgoing.envelope.fence, request: outgoing.request };
        Ok(self.tx.update_outbox(&OutboxRow { sealed: Some(sealed), ..row })?)
    }

    fn sealing_failed(&mut self, mut row: OutboxRow, error: &SealError) -> Result<(), EngineError> {
        let now = self.now();
        match error {
            SealError::CommitPending | SealError::Stranded => {
                row.not_before = now.plus(Duration::from_secs(1));
                Ok(self.tx.update_outbox(&row)?)
            }
            SealError::OtherOfficer(_) | SealError::KeyPackage(_) | SealError::Certificate(_)
                if row.attempts < MAX_CLAIMS =>
            {
                row.attempts += 1;
                if let Task::Admit { key_package, .. } = &mut row.task {
                    *key_package = None;
                }
                Ok(self.tx.update_outbox(&row)?)
            }
            error => Ok(self.fail(row, error.to_string())?),
        }
    }

    /// The hub has given an item its place. It counts when the hub's signature says so; else the
    /// item itself will.
    fn accepted(
        &mut self,
        client_id: ClientId,
        response: &SubmitResponse,
        created: bool,
    ) -> Result<(), EngineError> {
        let Some(mut row) = self.tx.outbox_of(client_id)? else { return Ok(()) };
        if created
            && let Some(channel) = self.tx.channel(row.channel)?
            && channel.standing == ChannelStanding::Creating
        {
            let standing = ChannelStanding::Member;
            self.tx.put_channel(&ChannelRow { standing, ..channel })?;
        }
        if row.state != crate::store::OutboxState::Queued {
            return Ok(());
        }
        // A commit is done when its item is merged: until then it stays, to be recognised.
        let is_entry = row.task == Task::Entry;
        if is_entry && self.is_signed_place(row.channel, response)? {
            return Ok(self.accept(row, Some(Seq(response.seq)))?);
        }
        row.not_before = self.now().plus(UNVERIFIED);
        Ok(self.tx.update_outbox(&row)?)
    }

    fn is_signed_place(
        &self,
        id: ChannelId,
        response: &SubmitResponse,
    ) -> Result<bool, EngineError> {
        let Some(row) = self.tx.channel(id)? else { return Ok(false) };
        let head = response.head.as_ref().and_then(|head| SignedHead::try_from(head).ok());
        let head = head.and_then(|head| self.verify_head(&row.hub, head).ok());
        Ok(head
            .is_some_and(|head| head.head().channel == id && head.head().seq >= Seq(response.seq)))
    }

    fn claimed(
        &mut self,
        client_id: ClientId,
        packages: Vec<ClaimedKeyPackage>,
    ) -> Result<(), EngineError> {
        let Some(mut row) = self.tx.outbox_of(client_id)? else { return Ok(()) };
        let claimed = packages.into_iter().next().map(|package| package.key_package);
        if claimed.is_none() {
            return self.no_key_package(row);
        }
        if let Task::Admit { key_package, .. } = &mut row.task {
            *key_package = claimed;
        }
        row.not_before = Timestamp::default();
        Ok(self.tx.update_outbox(&row)?)
    }

    fn no_key_package(&mut self, mut row: OutboxRow) -> Result<(), EngineError> {
        if let Task::Admit { officer, .. } = &row.task
            && row.attempts == 0
        {
            let notice = Notice::NoKeyPackage { officer: officer.clone() };
            self.note(Some(row.channel), None, notice)?;
        }
        row.attempts += 1;
        row.not_before = self.now().plus(Duration::from_secs(30));
        Ok(self.tx.update_outbox(&row)?)
    }

    fn failed(
        &mut self,
        client_id: ClientId,
        error: &CallError,
    ) -> Result<Option<Verdict>, EngineError> {
        let Some(mut row) = self.tx.outbox_of(client_id)? else { return Ok(None) };
        if row.state != crate::store::OutboxState::Queued {
            return Ok(None);
        }
        let verdict = outbox::judge(error, row.attempts);
        tracing::debug!(%error, ?verdict, task = ?row.task.name(), "not accepted yet");
        match &verdict {
            Verdict::Again(pause) if is_no_key_package(error) && row.sealed.is_none() => {
                tracing::debug!(?pause, "no key package");
                self.no_key_package(row)?;
            }
            // The next connection tries at once.
            Verdict::Again(_) if matches!(error, CallError::Lost(_)) => {}
            Verdict::Again(pause) => {
                row.attempts += 1;
                row.not_before = self.now().plus(*pause);
                self.tx.update_outbox(&row)?;
            }
            Verdict::Behind(_) | Verdict::LeaseLapsed => {}
            Verdict::LeaseHeld(pause) => {
                row.not_before = self.now().plus(*pause);
                self.tx.update_outbox(&row)?;
            }
            Verdict::Refused(reason) => {
                if row.task.lease().is_some() && row.sealed.is_some() {
                    self.commit_refused(row.channel)?;
                }
                self.fail(row, reason.clone())?;
            }
        }
        Ok(Some(verdict))
    }

    fn commit_refused(&mut self, id: ChannelId) -> Result<(), ChannelError> {
        if let Some(mut channel) = self.take(id)? {
            channel.commit_refused(&self.ctx)?;
            self.keep(channel);
        }
        Ok(())
    }
}

/// The call that a step other than sealing takes.
fn call(
    row: &OutboxRow,
    step: Step<'_>,
    channel: &Channel,
) -> Result<Option<Action>, ChannelError> {
    let (client_id, id) = (row.client_id, row.channel);
    let request = || row.sealed.as_ref().map(|sealed| sealed.request.clone());
    Ok(match step {
        Step::Seal => None,
        Step::Lease(purpose) => Some(Action::Lease(client_id, id, purpose)),
        Step::Claim(officer) => {
            Some(Action::Claim(client_id, id, officer.clone(), channel.view()?.suite.code()))
        }
        Step::Send if row.task == Task::Create => {
            request().map(|request| Action::Create(client_id, id, request))
        }
        Step::Send => request().map(|request| Action::Submit(client_id, id, request)),
    })
}

fn is_no_key_package(error: &CallError) -> bool {
    use enlace_proto::relay::v1::ErrorCode;
    matches!(error, CallError::Refused(refusal) if refusal.code == ErrorCode::NoKeyPackage)
}

fn is_open(row: &ChannelRow) -> bool {
    match row.standing {
        ChannelStanding::Creating | ChannelStanding::Provisional | ChannelStanding::Member => true,
        ChannelStanding::Stranded | ChannelStanding::Removed => false,
    }
}

/// Whether what a row wants has come about, by whomever.
fn is_done(task: &Task, channel: &Channel) -> bool {
    let policy = channel.policy();
    match task {
        Task::Admit { officer, .. } => policy.role_of(officer).is_some(),
        Task::Remove { officer } => policy.role_of(officer).is_none(),
        Task::SetRole { officer, role } => policy.role_of(officer) == Some(*role),
        Task::CarryOutLeave { device } => !channel.leaving().any(|leaving| leaving == *device),
        Task::Create | Task::Entry | Task::SelfUpdate | Task::Leave | Task::Contest { .. } => false,
    }
}

fn command(task: &Task) -> Option<Command> {
    Some(match task {
        Task::Admit { officer, role, key_package: Some(key_package) } => {
            Command::Admit(vec![Admission {
                officer: officer.clone(),
                role: *role,
                key_package: key_package.clone(),
            }])
        }
        Task::Remove { officer } => Command::Remove(officer.clone()),
        Task::SetRole { officer, role } => Command::SetRole(officer.clone(), *role),
        Task::CarryOutLeave { device } => Command::CarryOutLeave(device.clone()),
        Task::SelfUpdate => Command::SelfUpdate,
        _ => return None,
    })
}
