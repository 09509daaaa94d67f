//! What is to be sent now.

use std::collections::BTreeMap;
use std::time::Duration;

use enlace_channel::channel::{Channel, ChannelError};
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, QuotedHead, Seq, SignedHead};
use enlace_proto::relay::v1::{
    ClaimKeyPackagesRequest, CreateChannelRequest, FetchContactsRequest, LeaseRequest,
    SubmitRequest,
};
use enlace_transport::Trust;

use super::lanes::{LaneState, Lanes};
use super::renewal::MOST_MESSAGES;
use super::seal::is_done;
use super::succession::is_at_a_loss;
use super::work::Work;
use super::{Engine, EngineError, leases, put_out, settle};
use crate::outbox::{self, Lane, Next, Step};
use crate::store::{ChannelRow, ChannelStanding, OutboxRow, OutboxState, StoreError};
use crate::task::{Claim, Task};

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
    Create(ClientId, ChannelId, CreateChannelRequest),
    /// `Submit`.
    Submit(ClientId, ChannelId, SubmitRequest),
    /// `Lease`.
    Lease(ClientId, ChannelId, LeaseRequest),
    /// `ClaimKeyPackages`.
    Claim(ClientId, ChannelId, ClaimKeyPackagesRequest),
    /// `FetchContacts`.
    Contacts(ClientId, ChannelId, FetchContactsRequest),
}

impl Action {
    /// The channel.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        match self {
            Self::Create(_, id, _)
            | Self::Submit(_, id, _)
            | Self::Lease(_, id, _)
            | Self::Claim(_, id, ..)
            | Self::Contacts(_, id, ..) => *id,
        }
    }

    /// The row.
    #[must_use]
    pub fn client_id(&self) -> ClientId {
        match self {
            Self::Create(id, ..)
            | Self::Submit(id, ..)
            | Self::Lease(id, ..)
            | Self::Claim(id, ..)
            | Self::Contacts(id, ..) => *id,
        }
    }
}

impl Engine {
    /// Where something that the officer asked for stands; nothing when it was never asked for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn state_of(&mut self, asked: ClientId) -> Result<Option<OutboxState>, StoreError> {
        self.read(|tx| settle::state_of(tx, asked))
    }

    /// What the officer asked for and what is still to be sent, in order; without what waits for others
    /// to consent, once they were asked, or until it is sure whether this device is out.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending(&mut self) -> Result<Vec<ClientId>, EngineError> {
        let (mut rows, out) = self.read(|tx| Ok((tx.queued(None)?, put_out::out(tx)?)))?;
        rows.retain(|row| !row.automatic && !out.contains(&row.channel));
        if rows.iter().any(|row| row.task.may_need_consent()) {
            let waiting = self.write(|work| work.waiting_for_consent())?;
            rows.retain(|row| !waiting.contains(&row.client_id));
        }
        Ok(rows.iter().map(|row| row.client_id).collect())
    }

    /// What is to be called now. Items are made on the way.
    ///
    /// # Errors
    /// When the store fails.
    pub fn plan(&mut self, lanes: &mut Lanes) -> Result<Plan, EngineError> {
        self.begin_to_send()?;
        self.notice_lists()?;
        self.remove_revoked()?;
        self.pass_lists_on()?;
        let mut rows: BTreeMap<ChannelId, Vec<OutboxRow>> = BTreeMap::new();
        for row in self.read(|tx| tx.queued(None))? {
            rows.entry(row.channel).or_default().push(row);
        }
        let mut plan = Plan::default();
        for id in rows.into_keys() {
            if self.may_seal
                && !lanes.of(id).is_busy
                && let Err(error) = self.plan_channel(id, lanes, &mut plan)
            {
                self.stop_if_alone(id, error)?;
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
            let trust = self.trust.clone();
            match self.write(|work| work.step(id, lane, &trust))? {
                Planned::Call(action, fence) => {
                    lane.is_busy = true;
                    lane.called_at = fence;
                    plan.actions.push(*action);
                    return Ok(());
                }
                Planned::Seal(row) => self.seal_or_fail(*row)?,
                Planned::Wait(until) => {
                    let waiting = lane.awaited.map(|(_, until)| until);
                    let due = plan.again_at.into_iter().chain(until).chain(waiting);
                    plan.again_at = due.min();
                    return Ok(());
                }
            }
        }
    }
}

/// The next thing to do in a channel.
enum Planned {
    /// A call, with the fence here.
    Call(Box<Action>, Option<Seq>),
    Seal(Box<OutboxRow>),
    Wait(Option<Timestamp>),
}

impl Work<'_> {
    fn step(
        &mut self,
        id: ChannelId,
        state: &mut LaneState,
        trust: &Trust,
    ) -> Result<Planned, EngineError> {
        let Some(channel_row) = self.tx.channel(id)? else { return Ok(Planned::Wait(None)) };
        let Some(mut channel) = self.take(id)? else { return Ok(Planned::Wait(None)) };
        let must_renew =
            is_open(&channel_row) && channel.own_messages_since_update() >= MOST_MESSAGES;
        if must_renew {
            self.enqueue_own(id, Task::SelfUpdate, Duration::ZERO)?;
        }
        self.want_key_packages(id, &channel)?;
        let waiting = self.ask_for_consents(&channel)?;
        let mut rows = self.tx.queued(Some(id))?;
        self.unseal_what_is_for_another_hub(&mut rows, &mut channel)?;
        rows.retain(|row| !waiting.contains(&row.client_id));
        state.note_fence(channel.fence());
        let is_out = channel_row.standing == ChannelStanding::Removed;
        let lane = Lane {
            now: self.now(),
            is_open: is_open(&channel_row) && !channel.awaits_another(),
            is_stranded: is_at_a_loss(&channel) && !is_out,
            fence: channel.fence(),
            awaited: state.awaited.map(|(fence, _)| fence),
            has_lease: state.lease_until.is_some_and(|until| until > self.now()),
            lease_held_until: state.lease_held.map(|held| held.until),
            must_renew,
        };
        let known = channel.known_head().map(QuotedHead::into_signed);
        let newest = self.newest_head(id, known)?;
        let newest = newest.filter(|head| state.shown < Some(head.unverified_head().seq));
        let planned = match outbox::next(&rows, &lane) {
            Next::Nothing => Planned::Wait(None),
            Next::Wait(until) => Planned::Wait(Some(until)),
            Next::Do(row, Step::Seal) => Planned::Seal(Box::new(row.clone())),
            // Nobody asks for a lease to do what others have done.
            Next::Do(row, Step::Lease(_)) if is_done(&row.task, &channel, self.me()) => {
                Planned::Seal(Box::new(row.clone()))
            }
            Next::Do(row, step) => call(row, step, &channel, trust, newest)?
                .map_or(Planned::Wait(None), |action| Planned::Call(Box::new(action), lane.fence)),
        };
        self.keep(channel);
        Ok(planned)
    }
}

/// The call that a step other than sealing takes.
fn call(
    row: &OutboxRow,
    step: Step<'_>,
    channel: &Channel,
    trust: &Trust,
    newest: Option<SignedHead>,
) -> Result<Option<Action>, ChannelError> {
    let (client_id, id) = (row.client_id, row.channel);
    let incarnation = channel.replica().incarnation().0;
    let request = row.sealed.as_ref().map(|sealed| SubmitRequest {
        known_head: newest.map(|head| head.to_wire()),
        incarnation,
        // The channel may have moved since it was sealed.
        hub: channel.hub().to_string(),
        ..sealed.request.clone()
    });
    Ok(match step {
        Step::Seal => None,
        Step::Lease(purpose) => {
            let request = leases::request(&row.task, purpose, channel, trust)?;
            Some(Action::Lease(client_id, id, request))
        }
        Step::Claim(claim) => {
            let (devices, officers) = match claim {
                Claim::Officer(officer) => (Vec::new(), vec![officer.to_string()]),
                Claim::Device(device) => (vec![device.to_string()], Vec::new()),
                Claim::Many(invited) => {
                    (Vec::new(), invited.iter().map(|one| one.officer.to_string()).collect())
                }
                Claim::Devices(wanted) => {
                    let missing = wanted.iter().filter(|wanted| wanted.is_missing());
                    (missing.map(|wanted| wanted.device.to_string()).collect(), Vec::new())
                }
            };
            let suite = match row.task {
                Task::Succeed { suite, .. } => suite,
                _ => channel.suite().code(),
            };
            let suite = suite.into();
            Some(Action::Claim(client_id, id, ClaimKeyPackagesRequest { suite, devices, officers }))
        }
        Step::Contacts => {
            let Task::AdmitAll { after, .. } = &row.task else { return Ok(None) };
            let request =
                FetchContactsRequest { suite: channel.suite().code().into(), after: after.clone() };
            Some(Action::Contacts(client_id, id, request))
        }
        Step::Send => request.map(|request| match row.task {
            Task::Create { nonce } => {
                let nonce = nonce.0.to_vec();
                let request = CreateChannelRequest { first: Some(request), nonce };
                Action::Create(client_id, id, request)
            }
            _ => Action::Submit(client_id, id, request),
        }),
    })
}

fn is_open(row: &ChannelRow) -> bool {
    match row.standing {
        ChannelStanding::Creating | ChannelStanding::Provisional | ChannelStanding::Member => true,
        ChannelStanding::Stranded | ChannelStanding::Removed => false,
    }
}
