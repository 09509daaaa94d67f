//! Channels that the relay does not serve although, by its log, this device is a member. A void commit
//! took it off the relay's list: an objection, this device's own or another's, puts it back. Or a
//! welcome overtook the log on its way to the relay. Nothing but asking again shows that it is over.

use std::collections::HashMap;
use std::time::Duration;

use enlace_log::ChannelId;
use tokio::time::Instant;

/// How long to wait before the first time, and at most.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);

/// How long at most where this device takes itself for out: mostly it is.
const LONGEST_OUT: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
pub(super) struct CutOff {
    channels: HashMap<ChannelId, Knock>,
}

#[derive(Debug)]
struct Knock {
    /// When to ask again; `None` while an answer is awaited.
    at: Option<Instant>,
    pause: Duration,
}

impl CutOff {
    /// The relay says that this device may read no further.
    pub(super) fn refused(&mut self, channel: ChannelId) {
        self.knock(channel, LONGEST);
    }

    /// The same where this device takes itself for out.
    pub(super) fn is_out(&mut self, channel: ChannelId) {
        self.knock(channel, LONGEST_OUT);
    }

    fn knock(&mut self, channel: ChannelId, longest: Duration) {
        let first = Knock { at: None, pause: FIRST };
        let knock = self.channels.entry(channel).or_insert(first);
        knock.at = Some(Instant::now() + knock.pause);
        knock.pause = (knock.pause * 2).min(longest);
    }

    /// The hub took something of this device in: it may be the objection.
    pub(super) fn accepted(&mut self, channel: ChannelId) {
        if let Some(knock) = self.channels.get_mut(&channel) {
            *knock = Knock { at: Some(Instant::now()), pause: FIRST };
        }
    }

    /// Items come.
    pub(super) fn serves_again(&mut self, channel: ChannelId) {
        self.channels.remove(&channel);
    }

    /// Waits until a channel is to be asked for again; for ever if there is none.
    pub(super) async fn due(&mut self) -> ChannelId {
        let next = self.channels.iter().filter_map(|(id, knock)| Some((knock.at?, *id))).min();
        let Some((at, channel)) = next else { return std::future::pending().await };
        tokio::time::sleep_until(at).await;
        if let Some(knock) = self.channels.get_mut(&channel) {
            knock.at = None;
        }
        channel
    }
}
