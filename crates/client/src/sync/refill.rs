//! Bringing back to a hub what it has lost, a page at a time.

use std::time::Duration;

use enlace_log::replica::ReplicaError;
use enlace_log::{ChainHash, ChannelId, Seq};
use enlace_proto::relay::v1::{Behind, ErrorCode, FetchRangeRequest, RefillResponse, SignedHead};
use enlace_transport::CallError;
use tokio::time::Instant;

use super::calls::Done;
use super::connect::wire_id;
use super::inbound::TWO_HISTORIES;
use super::session::Session;
use super::{PER_ADDRESS, SyncError};
use crate::engine::{Departure, Followed, ReceiveError, SetBack};

/// How long a call may take.
const LIMIT: Duration = Duration::from_secs(20);

/// How often a hub that finds out what it has lost is asked where its log goes on.
const AGAIN: Duration = Duration::from_secs(5);

impl Session {
    /// The relay's log departs from this copy, and it sends no more of it.
    pub(super) fn handle_behind(&mut self, behind: &Behind) -> Result<(), SyncError> {
        let id = behind.channel.as_ref().map(|id| ChannelId::try_from(&id.value[..]));
        let Some(Ok(channel)) = id else { return Ok(()) };
        let Some(followed) = self.followed_channel(channel)? else { return Ok(()) };
        self.waiting_for_cursor.insert(channel);
        let from = Some(Seq(behind.next_seq)).filter(|from| *from < followed.next);
        self.bring_back(channel, from)
    }

    /// A hub may have lost something: it is asked where its log goes on, now and then.
    pub(super) fn ask_where_it_ends(&mut self, channel: ChannelId) -> Result<(), SyncError> {
        let due = Instant::now();
        if self.asked_at.get(&channel).is_some_and(|at| due < *at + AGAIN) {
            return Ok(());
        }
        self.asked_at.insert(channel, due);
        self.bring_back(channel, None)
    }

    pub(super) fn bring_back(
        &mut self,
        channel: ChannelId,
        from: Option<Seq>,
    ) -> Result<(), SyncError> {
        if self.refilling.contains(&channel) {
            return Ok(());
        }
        let request = self.shared.engine().refill(channel, from)?;
        let Some(request) = request else {
            // Somebody else may have what is missing.
            self.cut_off.refused(channel);
            return Ok(());
        };
        self.refilling.insert(channel);
        self.spawn(request, LIMIT, move |answer| Done::Refilled(channel, from, answer));
        Ok(())
    }

    pub(super) async fn take_refilled(
        &mut self,
        channel: ChannelId,
        from: Option<Seq>,
        answer: Result<RefillResponse, CallError>,
    ) -> Result<(), SyncError> {
        self.refilling.remove(&channel);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(%channel, %error, "a hub was not refilled");
                if from.is_none() && !may_pass(&error) {
                    self.say_if_unserved(channel)?;
                }
                match (from, error) {
                    (Some(from), CallError::Refused(_)) => self.compare(channel, from).await?,
                    (Some(_), _) => self.cut_off.refused(channel),
                    // While it was asked, the relay said that its log departs: it sends no more.
                    (None, _) if self.waiting_for_cursor.contains(&channel) => {
                        self.cut_off.refused(channel);
                    }
                    (None, _) => {}
                }
                return Ok(());
            }
        };
        let next = Seq(answer.next_seq);
        if answer.superseded {
            self.unserved.remove(&channel);
            return match answer.head {
                Some(newest) => self.handle_superseded(channel, next, newest).await,
                None => {
                    self.cut_off.refused(channel);
                    Ok(())
                }
            };
        }
        let Some(followed) = self.followed_channel(channel)? else { return Ok(()) };
        match next >= followed.next {
            true => self.say_if_unserved(channel)?,
            false => _ = self.unserved.remove(&channel),
        }
        match from {
            _ if next >= followed.next => match self.waiting_for_cursor.contains(&channel) {
                true => self.follow(&followed).await,
                false => Ok(()),
            },
            Some(from) if next <= from => {
                self.cut_off.refused(channel);
                Ok(())
            }
            _ => self.bring_back(channel, Some(next)),
        }
    }

    /// The hub has lost nothing, and serves this device no further.
    fn say_if_unserved(&mut self, channel: ChannelId) -> Result<(), SyncError> {
        if self.unserved.remove(&channel) {
            self.shared.engine().is_served_no_more(channel)?;
        }
        Ok(())
    }

    /// The hub does not take back what it signed: before `next` it may have signed something else.
    async fn compare(&mut self, channel: ChannelId, next: Seq) -> Result<(), SyncError> {
        let Some(followed) = self.followed_channel(channel)? else { return Ok(()) };
        let request = last_before(&followed, next);
        let range = self.connection.call(&request, PER_ADDRESS).await.ok();
        let head = range.and_then(|range| range.head);
        let head = head.and_then(|head| enlace_log::SignedHead::from_wire(channel, &head).ok());
        let proven = head.is_some_and(|head| {
            let mut engine = self.shared.engine();
            matches!(engine.prove_fork(channel, head, Vec::new(), ChainHash([0; 32])), Ok(true))
        });
        if proven {
            return self.stop(channel, TWO_HISTORIES).await;
        }
        self.cut_off.refused(channel);
        Ok(())
    }

    /// The hub began anew without what stood from `next` on.
    async fn handle_superseded(
        &mut self,
        channel: ChannelId,
        next: Seq,
        newest: SignedHead,
    ) -> Result<(), SyncError> {
        let mut outcome = self.shared.engine().is_left_behind(channel, next, &newest);
        if let Err(ReceiveError::HeadKey(signer)) = outcome {
            self.fetch_head_key_now(channel, signer).await?;
            outcome = self.shared.engine().is_left_behind(channel, next, &newest);
        }
        match outcome {
            Ok(true) => self.unfollow(channel).await,
            Ok(false) => self.ask_for_the_way_back(channel, next, newest),
            Err(ReceiveError::Engine(error)) => Err(error.into()),
            Err(error) => self.stop(channel, &error.to_string()).await,
        }
    }

    /// Where this copy and the hub's log still agree, and that they depart there, the hub's
    /// signatures have to say.
    fn ask_for_the_way_back(
        &mut self,
        channel: ChannelId,
        next: Seq,
        newest: SignedHead,
    ) -> Result<(), SyncError> {
        let Some(followed) = self.followed_channel(channel)? else { return Ok(()) };
        let (before, from) = (last_before(&followed, next), one_at(&followed, next));
        let connection = self.connection.clone();
        self.refilling.insert(channel);
        self.calls.spawn(async move {
            let before = connection.call(&before, LIMIT).await.ok().and_then(|range| range.head);
            let from = connection.call(&from, LIMIT).await.ok();
            let departure = before.zip(from).and_then(|(before, from)| {
                Some(Departure { before, items: from.items, head: from.head?, newest })
            });
            Done::WayBack(channel, next, departure)
        });
        Ok(())
    }

    pub(super) async fn take_way_back(
        &mut self,
        channel: ChannelId,
        next: Seq,
        departure: Option<Departure>,
    ) -> Result<(), SyncError> {
        self.refilling.remove(&channel);
        let fits = |shown: &Departure| shown.before.seq.checked_add(1) == Some(next.0);
        let Some(departure) = departure.filter(fits) else {
            self.cut_off.refused(channel);
            return Ok(());
        };
        let mut outcome = self.shared.engine().go_back(channel, &departure);
        for _ in [&departure.before, &departure.newest, &departure.head] {
            let Err(ReceiveError::HeadKey(signer)) = outcome else { break };
            self.fetch_head_key_now(channel, signer).await?;
            outcome = self.shared.engine().go_back(channel, &departure);
        }
        match outcome {
            Ok(SetBack::GoesOn) => match self.followed_channel(channel)? {
                Some(followed) => self.follow(&followed).await,
                None => Ok(()),
            },
            Ok(SetBack::Ended) => self.unfollow(channel).await,
            // The relay has not gone back itself yet.
            Err(ReceiveError::NotSuperseded) => {
                self.cut_off.refused(channel);
                Ok(())
            }
            Err(ReceiveError::Engine(error)) => Err(error.into()),
            Err(ReceiveError::Replica(ReplicaError::Diverged(head))) => {
                self.handle_divergence(channel, &head).await
            }
            Err(error) => self.stop(channel, &error.to_string()).await,
        }
    }
}

/// Whether the hub, or the way to it, may answer otherwise soon.
fn may_pass(error: &CallError) -> bool {
    match error {
        CallError::Refused(refusal) => {
            use ErrorCode as E;
            let passing = [E::Recovering, E::Stopping, E::Internal, E::HubUnreachable, E::Limit];
            passing.contains(&refusal.code)
        }
        _ => true,
    }
}

/// Asks for the item before a position.
fn last_before(followed: &Followed, next: Seq) -> FetchRangeRequest {
    one_at(followed, Seq(next.0.saturating_sub(1)))
}

fn one_at(followed: &Followed, seq: Seq) -> FetchRangeRequest {
    FetchRangeRequest {
        channel: Some(wire_id(followed.channel)),
        from_seq: seq.0,
        max_items: 1,
        hub: followed.hub.to_string(),
    }
}
