//! One connection's life: a loop over what comes, what is answered and what is to be sent.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Seq};
use enlace_proto::relay::v1::{
    Cursor, SubscribeRequest, SubscriptionControl, SubscriptionEvent, WelcomeDelivery,
    subscription_control,
};
use enlace_transport::{Connection, FrameReceiver, FrameSender, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::calls::Done;
use super::connect::{Greeted, wire_id};
use super::cut_off::CutOff;
use super::settled::Settled;
use super::{PER_ADDRESS, Shared, SyncError, SyncReport};
use crate::engine::{Followed, Lanes, NextInquiry};
use crate::event::ClientEvent;

/// How often another process's writing is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// How often the client looks after itself: keys to renew.
const UPKEEP: Duration = Duration::from_secs(60);

/// How often it asks for a new certificate, when that is due.
const HOUR: Duration = Duration::from_secs(3600);

/// When a session is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Goal {
    /// When the connection is gone.
    Stay,
    /// When everything is in and out, or at that time.
    Settle(Instant),
}

/// A session.
pub(crate) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Connection,
    pub(super) controls: FrameSender<SubscriptionControl>,
    events: FrameReceiver<SubscriptionEvent>,
    pub(super) calls: JoinSet<Done>,
    pub(super) lanes: Lanes,
    pub(super) followed: HashSet<ChannelId>,
    pub(super) settled: Settled,
    pub(super) cut_off: CutOff,
    /// Welcomes that are not good yet; the relay has them until they are acknowledged.
    pub(super) kept_welcomes: Vec<WelcomeDelivery>,
    /// Channels that were joined anew at a position before where their log had got to, and that one:
    /// until the relay hears of it, it sends on from there.
    pub(super) overtaken: HashMap<ChannelId, Seq>,
    /// Channels whose hub is being refilled.
    pub(super) refilling: HashSet<ChannelId>,
    /// Channels of which the relay sends nothing before it is told anew where this copy ends.
    pub(super) waiting_for_cursor: HashSet<ChannelId>,
    /// Channels that the relay serves no further though, by their log, this device is a member; their
    /// hub was not heard yet on whether it has lost something.
    pub(super) unserved: HashSet<ChannelId>,
    /// When each hub that may have lost something was last asked where its log goes on.
    pub(super) asked_at: HashMap<ChannelId, Instant>,
    /// The newest version of the network's bundle that the relay is known to have.
    pub(super) relay_bundle: u64,
    /// The lists that the relay is known to have.
    pub(super) lists_there: HashSet<[u8; 32]>,
    /// This device's votes for other hubs that the relay has.
    pub(super) votes_there: HashMap<ChannelId, [u8; 32]>,
    /// Whether its directory has come, so that those are all.
    pub(super) knows_lists: bool,
    /// Sees lists that are new here.
    lists_here: watch::Receiver<u64>,
    /// Whether relays are being asked about what they have erased.
    pub(super) is_inquiring: bool,
    again_at: Option<Timestamp>,
    goal: Goal,
}

impl Session {
    /// Subscribes on a connection that hello has gone through.
    pub(crate) async fn open(
        shared: Arc<Shared>,
        greeted: Greeted,
        goal: Goal,
    ) -> Result<Self, SyncError> {
        let followed = shared.engine().followed()?;
        let request = SubscribeRequest {
            cursors: followed.iter().map(cursor).collect(),
            devices: Vec::new(),
        };
        let lists_here = shared.engine().trust().changes();
        let mut lanes = Lanes::default();
        let lagging = lagging(&followed, &greeted);
        for (channel, seq) in greeted.shown {
            lanes.head_was_shown(channel, seq);
        }
        let relay_bundle = greeted.dialled.hello.bundle_version;
        let connection = greeted.dialled.connection;
        let subscription = connection
            .subscribe(&request, PER_ADDRESS)
            .await
            .map_err(|error| SyncError::Stream(error.to_string()))?;
        let mut session = Self {
            shared,
            connection,
            controls: subscription.controls,
            events: subscription.events,
            calls: JoinSet::new(),
            lanes,
            followed: followed.iter().map(|followed| followed.channel).collect(),
            settled: Settled::default(),
            cut_off: CutOff::default(),
            kept_welcomes: Vec::new(),
            overtaken: HashMap::new(),
            refilling: HashSet::new(),
            waiting_for_cursor: HashSet::new(),
            unserved: HashSet::new(),
            asked_at: HashMap::new(),
            relay_bundle,
            lists_there: HashSet::new(),
            votes_there: HashMap::new(),
            knows_lists: false,
            lists_here,
            is_inquiring: false,
            again_at: None,
            goal,
        };
        session.shared.engine().hand_votes_over_again();
        session.level_bundles();
        session.fetch_directory();
        session.ask_certificate();
        for suite in crate::engine::SUITES {
            session.ask_pool(suite);
        }
        for channel in &followed {
            session.probe(channel.channel);
        }
        for channel in lagging {
            session.ask_where_it_ends(channel)?;
        }
        session.tell(ClientEvent::Connected(true));
        Ok(session)
    }

    /// Runs until the goal is reached or the connection ends.
    pub(crate) async fn run(mut self) -> Result<SyncReport, SyncError> {
        let ended = self.turn().await;
        self.shared.update_status(|status| {
            status.connected = false;
            status.last_error = ended.as_ref().err().map(ToString::to_string);
        });
        self.tell(ClientEvent::Connected(false));
        ended
    }

    async fn turn(&mut self) -> Result<SyncReport, SyncError> {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut upkeep = tokio::time::interval(UPKEEP);
        let mut hourly = tokio::time::interval_at(Instant::now() + HOUR, HOUR);
        loop {
            self.pump()?;
            if let Some(report) = self.reached()? {
                return Ok(report);
            }
            let shared = self.shared.clone();
            tokio::select! {
                biased;
                lost = self.connection.closed() => return Err(lost.into()),
                Some(done) = self.calls.join_next(), if !self.calls.is_empty() => match done {
                    Ok(done) => self.handle_done(done).await?,
                    Err(error) => tracing::error!(%error, "a call's task failed"),
                },
                () = shared.wake.notified() => {}
                () = sleep_until_due(self.again_at, &shared) => {}
                _ = look.tick() => {
                    if self.shared.engine().notice_other_writers()? {
                        self.follow_new().await?;
                    }
                }
                channel = self.cut_off.due() => self.ask_again(channel).await?,
                _ = upkeep.tick() => {
                    let mut engine = self.shared.engine();
                    engine.renew_keys()?;
                    engine.hand_votes_over_again();
                    engine.expire_daily()?;
                }
                _ = hourly.tick() => self.ask_certificate(),
                // Last, so that many items coming hold up nothing else.
                event = self.events.next() => {
                    match event? {
                        Some(event) => self.handle_event(event).await?,
                        None => return Err(self.connection.closed().await.into()),
                    }
                    self.settled.something_came();
                }
            }
        }
    }

    /// Starts whatever calls the outbox needs now.
    fn pump(&mut self) -> Result<(), SyncError> {
        self.publish_votes()?;
        let plan = self.shared.engine().plan(&mut self.lanes)?;
        self.again_at = plan.again_at;
        for action in plan.actions {
            self.start(action);
        }
        let cleaned_at = self.shared.engine().clean();
        self.again_at = self.again_at.into_iter().chain(cleaned_at).min();
        if !self.is_inquiring {
            let next = self.shared.engine().next_inquiry()?;
            match next {
                NextInquiry::Now(inquiry) => self.inquire(inquiry),
                NextInquiry::At(at) => {
                    self.again_at = self.again_at.into_iter().chain([at]).min();
                }
                NextInquiry::Nothing => {}
            }
        }
        if self.lists_here.has_changed().unwrap_or(false) && self.knows_lists {
            self.lists_here.mark_unchanged();
            self.publish_lists();
        }
        Ok(())
    }

    /// Whether this session ends by itself.
    pub(super) fn is_bounded(&self) -> bool {
        self.goal != Goal::Stay
    }

    fn reached(&mut self) -> Result<Option<SyncReport>, SyncError> {
        let Goal::Settle(deadline) = self.goal else { return Ok(None) };
        let pending = self.shared.engine().pending()?;
        let caught_up = self.settled.is_caught_up(&self.followed);
        let is_over = caught_up && pending.is_empty() && self.settled.is_quiet();
        Ok((is_over || Instant::now() >= deadline).then_some(SyncReport { pending, caught_up }))
    }

    /// Follows channels that another process has made or joined.
    async fn follow_new(&mut self) -> Result<(), SyncError> {
        let all = self.shared.engine().followed()?;
        for followed in all {
            if !self.followed.contains(&followed.channel) {
                self.follow(&followed).await?;
            }
        }
        Ok(())
    }

    /// Follows a channel that the relay did not serve any more.
    async fn ask_again(&mut self, channel: ChannelId) -> Result<(), SyncError> {
        let followed = self.shared.engine().followed_channel(channel)?;
        match followed.filter(|followed| followed.is_member) {
            Some(followed) => self.follow(&followed).await,
            None => Ok(()),
        }
    }

    pub(super) async fn follow(&mut self, followed: &Followed) -> Result<(), SyncError> {
        self.followed.insert(followed.channel);
        self.waiting_for_cursor.remove(&followed.channel);
        self.control(subscription_control::Control::Follow(cursor(followed))).await?;
        self.probe(followed.channel);
        Ok(())
    }

    pub(super) async fn unfollow(&mut self, channel: ChannelId) -> Result<(), SyncError> {
        self.followed.remove(&channel);
        self.control(subscription_control::Control::Unfollow(wire_id(channel))).await
    }

    pub(super) async fn control(
        &mut self,
        control: subscription_control::Control,
    ) -> Result<(), SyncError> {
        let control = SubscriptionControl { control: Some(control) };
        self.controls.send(&control).await.map_err(|error| SyncError::Stream(error.to_string()))
    }

    pub(super) fn tell(&self, event: ClientEvent) {
        // Nobody needs to listen.
        let _ = self.shared.engine().events().send(event);
    }
}

fn cursor(followed: &Followed) -> Cursor {
    Cursor {
        channel: Some(wire_id(followed.channel)),
        next_seq: followed.next.0,
        hub: followed.hub.to_string(),
        incarnation: followed.incarnation.0,
    }
}

/// Channels of which this device has shown more than the relay holds.
fn lagging(followed: &[Followed], greeted: &Greeted) -> Vec<ChannelId> {
    let known = &greeted.dialled.hello.known_heads;
    let theirs = |channel: ChannelId| {
        let is_it = |id: &enlace_proto::relay::v1::ChannelId| id.value == channel.0;
        let known = known.iter().find(|known| known.channel.as_ref().is_some_and(is_it));
        known.and_then(|known| Some(known.head.as_ref()?.seq))
    };
    let members = followed.iter().filter(|followed| followed.is_member);
    let lagging = members.filter(|followed| {
        let shown = greeted.shown.iter().find(|(channel, _)| *channel == followed.channel);
        shown.is_some_and(|(channel, seq)| theirs(*channel) < Some(seq.0))
    });
    lagging.map(|followed| followed.channel).collect()
}

async fn sleep_until_due(due: Option<Timestamp>, shared: &Shared) {
    let Some(due) = due else { return std::future::pending().await };
    let wait = due.since(shared.engine().trust().now());
    tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
}
