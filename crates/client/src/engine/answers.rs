//! What became of what was sent.

use std::time::Duration;

use enlace_channel::channel::ChannelError;
use enlace_identity::time::Timestamp;
use enlace_log::ids::seq_from_u64;
use enlace_log::{ChannelId, ClientId, Item, ItemKind, Seq, SignedHead, VerifiedHead};
use enlace_proto::relay::v1::{
    ClaimedKeyPackage, ErrorCode, FetchContactsResponse, LeaseResponse, SubmitResponse,
};
use enlace_transport::CallError;

use super::lanes::{HeldLease, Lanes};
use super::plan::Action;
use super::settle::reload;
use super::work::Work;
use super::{Engine, EngineError};
use crate::notice::Notice;
use crate::outbox::{self, Verdict};
use crate::store::{ChannelRow, ChannelStanding, OutboxRow, OutboxState};
use crate::task::Task;

/// When an item whose acceptance can't be verified yet is sent again, unless the log shows it.
const UNVERIFIED: Duration = Duration::from_secs(20);

/// What a call brought.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To a submission.
    Accepted(SubmitResponse),
    /// To a lease.
    Leased(LeaseResponse),
    /// To a claim.
    Claimed(Vec<ClaimedKeyPackage>),
    /// Whom the relay knows.
    Contacts(FetchContactsResponse),
    /// None, or a no.
    Failed(CallError),
}

impl Engine {
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
                lane.outages = 0;
                // What the hub has just signed it need not be shown.
                lane.shown = lane.shown.max(response.head.as_ref().map(|head| Seq(head.seq)));
                if let Action::Submit(_, _, sent) = action
                    && let Some(head) = &sent.known_head
                {
                    lane.shown = lane.shown.max(Some(Seq(head.seq)));
                }
                if matches!(action, Action::Submit(_, _, sent) if sent.list_change.is_some()) {
                    // The hub takes the lease back with the commit.
                    lane.lease_until = None;
                }
                let created = matches!(action, Action::Create(..));
                self.write(|work| work.accepted(id, &response, created))?;
                return Ok(created.then_some(action.channel()));
            }
            Answer::Leased(lease) => {
                let lasts = Duration::from_millis(lease.expires_in_ms).mul_f32(0.8);
                lane.lease_until = Some(now.plus(lasts));
                lane.lease_held = None;
                lane.await_fence(seq_from_u64("fence", lease.fence).ok().flatten(), now);
            }
            Answer::Contacts(contacts) => self.write(|work| work.named(id, &contacts))?,
            Answer::Claimed(packages) => self.write(|work| work.claimed(id, packages))?,
            Answer::Failed(error) => {
                let verdict = self.write(|work| work.failed(id, &error, lane.outages))?;
                match verdict {
                    Some(Verdict::Behind(fence)) => lane.await_fence(fence, now),
                    Some(Verdict::LeaseHeld { wait, ahead }) => {
                        lane.lease_until = None;
                        let (fence, until) = (lane.called_at, now.plus(wait));
                        lane.lease_held = Some(HeldLease { fence, until, ahead });
                    }
                    Some(Verdict::LeaseLapsed) => {
                        lane.lease_until = None;
                        lane.outages = lane.outages.saturating_add(1);
                    }
                    Some(Verdict::Again(_)) => {
                        lane.outages = lane.outages.saturating_add(1);
                        // It may have been restored meanwhile.
                        lane.shown = None;
                    }
                    Some(Verdict::MayPass(_) | Verdict::Refused(_)) | None => {}
                }
            }
        }
        Ok(None)
    }
}

impl Work<'_> {
    /// The hub has given an item its place. It counts when the hub's signature says so; else the
    /// item itself will.
    fn accepted(
        &mut self,
        client_id: ClientId,
        response: &SubmitResponse,
        created: bool,
    ) -> Result<(), EngineError> {
        let Some(mut row) = self.row_of(client_id)? else { return Ok(()) };
        if created
            && let Some(channel) = self.tx.channel(row.channel)?
            && channel.standing == ChannelStanding::Creating
        {
            let standing = ChannelStanding::Member;
            self.tx.put_channel(&ChannelRow { standing, ..channel })?;
        }
        if row.state != OutboxState::Queued {
            return Ok(());
        }
        // A commit is done when its item is merged: until then it stays, to be recognised.
        let is_entry = row.task == Task::Entry;
        if is_entry && self.is_place_to_come(row.channel, response)? {
            return Ok(self.accept(row, Some(Seq(response.seq)))?);
        }
        // A device that was set back has read its own entry, and not known it.
        if is_entry && let Some(item) = self.own_item_here(&row, Seq(response.seq))? {
            return self.settle_in_log(client_id, &item);
        }
        row.not_before = self.now().plus(UNVERIFIED);
        Ok(self.tx.update_outbox(&row)?)
    }

    /// The item at a position of the log that is here, if it is what a row says.
    fn own_item_here(&self, row: &OutboxRow, seq: Seq) -> Result<Option<Item>, EngineError> {
        let Some(here) = self.tx.item(row.channel, seq)? else { return Ok(None) };
        Ok(if self.says(row, &here.item)? { Some(here.item) } else { None })
    }

    /// An item of this device's that it does not know may be what waits in its queue, where its store was set
    /// back to before that was sent. Whether it is.
    pub(super) fn settle_sent_before(&mut self, item: &Item) -> Result<bool, EngineError> {
        let row = self.tx.outbox_of(item.sealed.envelope().client_id)?;
        let Some(row) = row.filter(|row| row.state == OutboxState::Queued) else {
            return Ok(false);
        };
        let is_it = self.says(&row, item)?;
        if is_it {
            self.settle_in_log(row.client_id, item)?;
        }
        Ok(is_it)
    }

    /// Whether an item is what a row says, sent before the store was set back, where all others could read it.
    fn says(&self, row: &OutboxRow, item: &Item) -> Result<bool, EngineError> {
        let Some(signed) = &row.signed else { return Ok(false) };
        let envelope = item.sealed.envelope();
        let before = item.seq.0.checked_sub(1).map(Seq);
        let fence = before.map(|before| self.tx.newest_commit(row.channel, before)).transpose()?;
        Ok(envelope.kind == ItemKind::Entry
            && envelope.channel == row.channel
            && envelope.device() == Some(self.me())
            && envelope.client_id == row.client_id
            && envelope.fence == fence.flatten()
            && self.is_of_the_lost_time(envelope.submit_counter)?
            && envelope.commitment == reload(signed)?.commitment())
    }

    /// Whether the hub's signature covers the place, and the log has not come there without it.
    fn is_place_to_come(
        &mut self,
        id: ChannelId,
        response: &SubmitResponse,
    ) -> Result<bool, EngineError> {
        let Some(row) = self.tx.channel(id)? else { return Ok(false) };
        let Some(followed) = self.followed(id)? else { return Ok(false) };
        let head = response.head.as_ref().and_then(|head| SignedHead::from_wire(id, head).ok());
        let head = head.and_then(|head| self.verify_head(&row.hub, head).ok());
        let Some(head) = head else { return Ok(false) };
        self.compare_head(id, &head)?;
        let covers = head.head().seq >= Seq(response.seq);
        let is_to_come = Seq(response.seq) >= followed.next && covers;
        if is_to_come {
            self.keep_promise(id, &head)?;
        }
        Ok(is_to_come)
    }

    /// A hub that gives an item a place in another history than the one here has signed both.
    fn compare_head(&mut self, id: ChannelId, head: &VerifiedHead) -> Result<(), EngineError> {
        let here = self.tx.item(id, head.head().seq)?;
        if here.is_some_and(|row| row.chain != head.head().chain)
            && let Some(channel) = self.take(id)?
        {
            self.raise_contradiction(&channel, head)?;
            self.keep(channel);
        }
        Ok(())
    }

    fn claimed(
        &mut self,
        client_id: ClientId,
        packages: Vec<ClaimedKeyPackage>,
    ) -> Result<(), EngineError> {
        let Some(mut row) = self.row_of(client_id)? else { return Ok(()) };
        if matches!(row.task, Task::AdmitMany { .. }) {
            return self.claimed_many(row, packages);
        }
        let claimed = packages.into_iter().map(|package| (package.device, package.key_package));
        if !row.task.keep_claimed(claimed.collect()) {
            return self.no_key_package(row);
        }
        row.not_before = Timestamp::default();
        Ok(self.tx.update_outbox(&row)?)
    }

    fn no_key_package(&mut self, mut row: OutboxRow) -> Result<(), EngineError> {
        if matches!(row.task, Task::AdmitMany { .. }) {
            return self.claimed_many(row, Vec::new());
        }
        let missing = match &row.task {
            Task::Admit { officer, .. } | Task::AdmitStandIn { officer, .. } => {
                Some(officer.clone())
            }
            Task::Succeed { wanted, .. } => {
                let missing = wanted.iter().find(|wanted| wanted.is_missing());
                missing.map(|wanted| wanted.device.officer().clone())
            }
            _ => None,
        };
        if let Some(officer) = missing.filter(|_| row.attempts == 0) {
            self.note(Some(row.channel), None, Notice::NoKeyPackage { officer })?;
        }
        row.attempts = row.attempts.max(1);
        row.not_before = self.now().plus(Duration::from_secs(30));
        Ok(self.tx.update_outbox(&row)?)
    }

    fn failed(
        &mut self,
        client_id: ClientId,
        error: &CallError,
        outages: u32,
    ) -> Result<Option<Verdict>, EngineError> {
        let Some(mut row) = self.row_of(client_id)? else { return Ok(None) };
        if row.state != OutboxState::Queued {
            return Ok(None);
        }
        let verdict = match outbox::judge(error, row.attempts, outages) {
            // A hub that calls its own newest commit stale has lost some, or lies: no haste.
            Verdict::Behind(fence) if row.sealed.as_ref().is_some_and(|s| fence <= s.fence) => {
                Verdict::Again(outbox::pause(outages))
            }
            verdict => verdict,
        };
        tracing::debug!(%error, ?verdict, task = ?row.task.name(), "not accepted yet");
        match &verdict {
            Verdict::Again(pause) if is_no_key_package(error) && row.sealed.is_none() => {
                tracing::debug!(?pause, "no key package");
                self.no_key_package(row)?;
            }
            // The next connection tries at once.
            Verdict::Again(_) if matches!(error, CallError::Lost(_)) => {}
            Verdict::Again(pause) => {
                row.not_before = self.now().plus(*pause);
                self.tx.update_outbox(&row)?;
            }
            Verdict::MayPass(pause) => {
                row.attempts += 1;
                row.not_before = self.now().plus(*pause);
                self.tx.update_outbox(&row)?;
            }
            Verdict::Behind(_) | Verdict::LeaseHeld { .. } => {}
            Verdict::LeaseLapsed => {
                row.not_before = self.now().plus(outbox::pause(outages));
                self.tx.update_outbox(&row)?;
            }
            // Not of what the row holds now.
            Verdict::Refused(_) if row.client_id != client_id => {}
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

fn is_no_key_package(error: &CallError) -> bool {
    matches!(error, CallError::Refused(refusal) if refusal.code == ErrorCode::NoKeyPackage)
}
