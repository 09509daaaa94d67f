//! What a session knows of sending in each channel, and the store does not: it is lost with the
//! connection, and found out again.

use std::collections::HashMap;
use std::time::Duration;

use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Seq};

/// What a session knows of sending in a channel, and the store does not.
#[derive(Clone, Debug, Default)]
pub struct Lanes(HashMap<ChannelId, LaneState>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LaneState {
    pub(super) is_busy: bool,
    /// The hub's fence, and until when to wait for it.
    pub(super) awaited: Option<(Seq, Timestamp)>,
    pub(super) lease_until: Option<Timestamp>,
    /// The fence here when something was last called.
    pub(super) called_at: Option<Seq>,
    /// The hub said that somebody else holds the lease, or goes first.
    pub(super) lease_held: Option<HeldLease>,
    /// How often in a row nobody could take anything.
    pub(super) outages: u32,
    /// Where the newest signed head stands that this connection has carried, either way.
    pub(super) shown: Option<Seq>,
}

/// A refused lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldLease {
    /// The fence when it was asked for, or the newest since.
    pub(super) fence: Option<Seq>,
    /// When to ask again at the latest.
    pub(super) until: Timestamp,
    /// How many commits of others come first, the holder's aside.
    pub(super) ahead: u32,
}

impl Lanes {
    pub(super) fn of(&mut self, id: ChannelId) -> &mut LaneState {
        self.0.entry(id).or_default()
    }

    /// The relay has had a signed head at this position on this connection, or sent it: what is
    /// submitted need not carry it.
    pub fn head_was_shown(&mut self, id: ChannelId, seq: Seq) {
        let lane = self.of(id);
        lane.shown = lane.shown.max(Some(seq));
    }
}

/// How long to wait for the items that a hub says are there, before it is asked again.
const CATCH_UP: Duration = Duration::from_secs(10);

impl LaneState {
    /// Whoever commits gives the lease back: one fewer goes first, or it is this device's turn.
    pub(super) fn note_fence(&mut self, fence: Option<Seq>) {
        if let Some(held) = self.lease_held.filter(|held| held.fence != fence) {
            let ahead = held.ahead.checked_sub(1);
            self.lease_held = ahead.map(|ahead| HeldLease { fence, ahead, ..held });
        }
    }

    pub(super) fn await_fence(&mut self, fence: Option<Seq>, now: Timestamp) {
        self.awaited = fence.map(|fence| (fence, now.plus(CATCH_UP)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_commit_lets_one_go_first() {
        let until = Timestamp::from_secs(100);
        let held = HeldLease { fence: Some(Seq(3)), until, ahead: 1 };
        let mut lane = LaneState { lease_held: Some(held), ..LaneState::default() };
        lane.note_fence(Some(Seq(3)));
        assert!(lane.lease_held.is_some_and(|held| held.ahead == 1), "nothing was committed");
        lane.note_fence(Some(Seq(5)));
        lane.note_fence(Some(Seq(5)));
        assert!(lane.lease_held.is_some_and(|held| held.ahead == 0 && held.until == until));
        lane.note_fence(Some(Seq(9)));
        assert!(lane.lease_held.is_none(), "it is this device's turn");
    }
}
