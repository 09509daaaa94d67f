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
    /// At which fence the hub said that somebody else holds the lease, and until when.
    pub(super) lease_held: Option<(Option<Seq>, Timestamp)>,
    /// How often in a row nobody could take anything.
    pub(super) outages: u32,
}

impl Lanes {
    pub(super) fn of(&mut self, id: ChannelId) -> &mut LaneState {
        self.0.entry(id).or_default()
    }
}

/// How long to wait for the items that a hub says are there, before it is asked again.
const CATCH_UP: Duration = Duration::from_secs(10);

impl LaneState {
    pub(super) fn await_fence(&mut self, fence: Option<Seq>, now: Timestamp) {
        self.awaited = fence.map(|fence| (fence, now.plus(CATCH_UP)));
    }
}
