//! What gets past signatures because somebody who may sign has turned bad: up to what a hub or a
//! follower writes.

use std::sync::OnceLock;
use std::time::Duration;

use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::membership::Event;
use enlace_log::{DeviceList, Item, Membership, Seq, SignedHead};
use enlace_proto::method::Method;
use enlace_proto::relay::v1 as wire;
use enlace_relay::hub::core::{ChannelState, Class, Decision, LeaseClaim};
use enlace_relay::hub::{Anchor, Caller, Submission};
use enlace_relay::storage::{Doubts, LogWrite};

use super::items;
use super::requests::Trust;
use crate::check::message;
use crate::scene::{Draft, Log, NOW, deliver_again, head_over, network, submit_again};

/// A request whose signatures are put right, decided.
pub(super) fn run(method: Method, body: &[u8]) -> Option<()> {
    match method {
        Method::CreateChannel => {
            let request: wire::CreateChannelRequest = message(body)?;
            let submission = submission(request.first?)?;
            let nonce = request.nonce[..].try_into().ok()?;
            let own = &network().a.domain;
            let (state, accepted) =
                ChannelState::create(NOW, &submission, nonce, own, Doubts(0)).ok()?;
            expect_loads(&state, &[], &accepted.writes);
        }
        Method::Submit => {
            let submission = submission(message(body)?)?;
            let Hub { mut state, events } = Hub::shared().clone();
            let device = submission.device().clone();
            // The lease of an item that was refused is over too.
            let now = Hub::at(state.next_seq().next());
            let next = state.next_seq();
            lease(&mut state, &device, now);
            match state.handle_submit(now, &submission, None, |_| false).ok()? {
                Decision::Accept(accepted) => {
                    assert_eq!(accepted.accepted.seq, next);
                    expect_loads(&state, &events, &accepted.writes);
                }
                Decision::Duplicate(_) => unreachable!("nothing was remembered"),
            }
        }
        Method::DeliverWelcome => {
            let request: wire::DeliverWelcomeRequest = message(body)?;
            let anchor = anchor(deliver_again(request.welcome?)?)?;
            let (state, writes) = ChannelState::anchor(None, &anchor);
            expect_loads(&state, &[], &writes);
        }
        _ => return None,
    }
    Some(())
}

/// A follower's copy grows by whatever its hub has put together and signed.
pub(super) fn copy(range: &wire::FetchRangeResponse) -> Option<()> {
    let items = range.items.iter().cloned().map(items::read_item);
    let items: Vec<Item> = items.collect::<Option<_>>()?;
    let anchor = anchor(Log::shared().delivery()).expect("a good welcome");
    let (mut state, mut writes) = ChannelState::anchor(None, &anchor);
    let head = head_over(&items, state.chain())?;
    let copied = state.handle_copy(items, &head, |_| false).ok()?;
    writes.extend(copied.writes);
    expect_loads(&state, &[], &writes);
    Some(())
}

fn submission(request: wire::SubmitRequest) -> Option<Submission> {
    let request = submit_again(request)?;
    let author = request.envelope.as_ref()?.author.parse().ok()?;
    Submission::check(&Caller::Device(author), request, &Trust).ok()
}

fn anchor(delivery: wire::WelcomeDelivery) -> Option<Anchor> {
    let (hub, own) = (&network().a, &network().b.domain);
    let head = SignedHead::from_wire(Log::channel(), delivery.head.as_ref()?).ok()?;
    let head = head.verify(&hub.head_key().public()).ok()?;
    Anchor::check(delivery, &head, &hub.domain, own, &Trust).ok()
}

/// A hub that has been given the log that all targets share.
#[derive(Clone)]
struct Hub {
    state: ChannelState,
    events: Vec<Event>,
}

impl Hub {
    fn shared() -> &'static Self {
        static HUB: OnceLock<Hub> = OnceLock::new();
        HUB.get_or_init(Self::new)
    }

    /// When each item comes: no lease of the one before is left.
    fn at(seq: Seq) -> Timestamp {
        NOW.plus(Duration::from_secs(3600 * seq.0))
    }

    fn new() -> Self {
        let mut submissions = Log::shared().requests.iter().cloned().map(|request| {
            let device = request.envelope.as_ref().unwrap().author.parse().unwrap();
            Submission::check(&Caller::Device(device), request, &Trust).unwrap()
        });
        let first = submissions.next().expect("the log is not empty");
        let own = &network().a.domain;
        let (mut state, accepted) =
            ChannelState::create(NOW, &first, Log::NONCE, own, Doubts(0)).unwrap();
        let mut events = events_of(&accepted.writes);
        for submission in submissions {
            let now = Self::at(state.next_seq());
            lease(&mut state, submission.device(), now);
            // Not all of it would be let in: the contest has no reason.
            let decided = state.handle_submit(now, &submission, None, |_| false);
            if let Ok(Decision::Accept(accepted)) = decided {
                events.extend(events_of(&accepted.writes));
            }
        }
        Self { state, events }
    }
}

/// Asks for the lease as an honest device does.
fn lease(state: &mut ChannelState, device: &DeviceName, now: Timestamp) {
    let claim = LeaseClaim { class: Class::Admission, revoked: None };
    let _ = state.handle_lease(now, device, &claim, |_| false);
}

/// What the hub takes next, for the corpus.
pub(crate) fn drafts() -> Vec<Draft> {
    let membership = Hub::shared().state.membership();
    let fence = membership.fence().map(|fence| fence.0);
    let (list, network) = (membership.current(), network());
    let (ana, ben) = (network.a.device("ana"), network.a.device("ben"));
    let dora = network.b.device("dora").name;
    let with_dora: DeviceList = list.iter().cloned().chain([dora]).collect();
    let without_ben: DeviceList = list.iter().filter(|d| **d != ben.name).cloned().collect();
    vec![
        Draft::entry(&ana, fence.unwrap_or_default(), "third"),
        Draft::commit(&ana, fence, list, &with_dora),
        Draft::commit(&ana, fence, list, &without_ben),
    ]
}

fn events_of(writes: &[LogWrite]) -> Vec<Event> {
    let events = writes.iter().filter_map(|write| match write {
        LogWrite::Event { event, .. } => Some(event.clone()),
        _ => None,
    });
    events.collect()
}

/// What is written says the same when it is loaded again.
fn expect_loads(state: &ChannelState, before: &[Event], writes: &[LogWrite]) {
    let mut loaded = Membership::default();
    for event in before.iter().chain(&events_of(writes)) {
        let stored = Event::decode(&event.encode()).expect("what is written can be read");
        assert_eq!(stored, *event, "an event is read as another");
        loaded.apply(&stored);
    }
    assert_eq!(loaded, *state.membership(), "loaded again, others may read and write");
}
