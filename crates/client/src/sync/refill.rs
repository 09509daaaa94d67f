//! Bringing back to a hub what it has lost, a page at a time.

use std::time::Duration;

use enlace_log::replica::ReplicaError;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{Behind, FetchRangeRequest, FetchRangeResponse, RefillResponse};
use enlace_transport::CallError;
use tokio::time::Instant;

use super::SyncError;
use super::calls::Done;
use super::connect::wire_id;
use super::session::Session;
use crate::engine::{ReceiveError, SetBack};

/// How long a call may take.
const LIMIT: Duration = Duration::from_secs(20);

/// How often a hub that finds out what it has lost is asked where its log goes on.
const AGAIN: Duration = Duration::from_secs(5);

impl Session {
    /// The relay's log departs from this copy, and it sends no more of it.
    pub(super) fn handle_behind(&mut self, behind: &Behind) -> Result<(), SyncError> {
        let id = behind.channel.as_ref().map(|id| ChannelId::try_from(&id.value[..]));
        let Some(Ok(channel)) = id else { return Ok(()) };
        self.bring_back(channel, Some(Seq(behind.next_seq)))
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

    fn bring_back(&mut self, channel: ChannelId, from: Option<Seq>) -> Result<(), SyncError> {
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
                if from.is_some() {
                    self.cut_off.refused(channel);
                }
                return Ok(());
            }
        };
        let next = Seq(answer.next_seq);
        if answer.superseded {
            return self.ask_for_the_way_back(channel, next);
        }
        let Some(followed) = self.followed_channel(channel)? else { return Ok(()) };
        match from {
            _ if next >= followed.next => match from {
                Some(_) => self.follow(&followed).await,
                None => Ok(()),
            },
            Some(from) if next <= from => {
                self.cut_off.refused(channel);
                Ok(())
            }
            _ => self.bring_back(channel, Some(next)),
        }
    }

    /// Where this copy and the hub's log still agree, the hub's signature has to say so.
    fn ask_for_the_way_back(&mut self, channel: ChannelId, next: Seq) -> Result<(), SyncError> {
        let Some(followed) = self.followed_channel(channel)? else { return Ok(()) };
        let request = FetchRangeRequest {
            channel: Some(wire_id(channel)),
            from_seq: next.0.saturating_sub(1),
            max_items: 1,
            hub: followed.hub.to_string(),
        };
        self.refilling.insert(channel);
        self.spawn(request, LIMIT, move |answer| Done::WayBack(channel, next, answer));
        Ok(())
    }

    pub(super) async fn take_way_back(
        &mut self,
        channel: ChannelId,
        next: Seq,
        answer: Result<FetchRangeResponse, CallError>,
    ) -> Result<(), SyncError> {
        self.refilling.remove(&channel);
        let head = answer.ok().and_then(|range| range.head);
        let Some(head) = head.filter(|head| head.seq.checked_add(1) == Some(next.0)) else {
            self.cut_off.refused(channel);
            return Ok(());
        };
        let outcome = self.shared.engine().go_back(channel, &head);
        match outcome {
            Ok(SetBack::GoesOn) => match self.followed_channel(channel)? {
                Some(followed) => self.follow(&followed).await,
                None => Ok(()),
            },
            Ok(SetBack::Ended) => self.unfollow(channel).await,
            Err(ReceiveError::Engine(error)) => Err(error.into()),
            Err(ReceiveError::Replica(ReplicaError::Diverged(head))) => {
                self.handle_divergence(channel, &head).await
            }
            Err(error) => self.stop(channel, &error.to_string()).await,
        }
    }
}
