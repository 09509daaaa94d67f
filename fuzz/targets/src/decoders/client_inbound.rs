//! What a subscription brings, through the doors of an officer's program with its store.
//!
//! Input: an event of the subscription; or, behind a byte 0 or 1 and the number of a good one, steps
//! that alter that. Behind a byte 1 its items' authors and the hub sign what came of it.

use std::cell::RefCell;
use std::sync::Arc;

use enlace_channel::channel::Command;
use enlace_channel::mls::Suite;
use enlace_channel::policy::Role;
use enlace_client::engine::{Engine, ReceiveError};
use enlace_client::store::MemoryDisk;
use enlace_identity::names::DeviceName;
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::Timestamp;
use enlace_log::{ChainHash, ChannelId, Item, ListChange, Seq};
use enlace_proto::relay::v1::{self as wire, subscription_event::Event};
use enlace_proto::shape;
use enlace_transport::{Clock, Trust};
use prost::Message as _;

use crate::Outcome;
use crate::scene::{
    Group, Log, NOW, alter, backend, deliver_again, head_over, network, seal_again,
};

/// Hands the event to the engine.
pub fn run(data: &[u8]) -> Outcome {
    OFFICER.with_borrow_mut(|officer| {
        let event = match data {
            [signed_again @ 0..=1, which, script @ ..] => {
                let events = &officer.story.events;
                let genuine = &events[usize::from(*which) % events.len()];
                let event = read(&alter(genuine, script));
                match *signed_again {
                    0 => event,
                    _ => event.and_then(|event| officer.sign_again(event)),
                }
            }
            event => read(event),
        };
        event.map_or(Outcome::Refused, |event| officer.take(event))
    })
}

fn read(event: &[u8]) -> Option<Event> {
    let event = bytes::Bytes::copy_from_slice(event);
    shape::read::<wire::SubscriptionEvent>(event).ok()?.event
}

/// The good events, for the corpus.
pub(crate) fn genuine() -> Vec<Vec<u8>> {
    OFFICER.with_borrow(|officer| officer.story.events.clone())
}

thread_local! {
    static OFFICER: RefCell<Officer> = RefCell::new(Officer::new());
}

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Eva's program: it waits to be admitted and knows whom to trust, or it is in and reads what the
/// others write. Every event finds it as it was.
struct Officer {
    waiting: MemoryDisk,
    joined: MemoryDisk,
    story: Story,
    /// A copy of `joined` that nothing has changed.
    unchanged: Option<Engine>,
}

impl Officer {
    fn new() -> Self {
        let waiting = MemoryDisk::new().unwrap();
        let mut engine = open(&waiting);
        let publication = engine.fill_pool(Suite::PostQuantum, 0).unwrap();
        let story = story(&engine.device().name, publication.key_packages[0].clone());
        let expect = |engine: &mut Engine, event: &[u8]| {
            assert!(take(engine, read(event).expect("it is good")), "a good event is taken");
        };
        story.events[..WELCOME].iter().for_each(|event| expect(&mut engine, event));
        drop(engine);
        let joined = waiting.copy().unwrap();
        expect(&mut open(&joined), &story.events[WELCOME]);
        Self { waiting, joined, story, unchanged: None }
    }

    fn take(&mut self, event: Event) -> Outcome {
        let Event::Items(_) = event else {
            let mut engine = open(&self.waiting.copy().unwrap());
            return Outcome::when(take(&mut engine, event));
        };
        let mut engine = match self.unchanged.take() {
            Some(engine) => engine,
            None => open(&self.joined.copy().unwrap()),
        };
        let taken = take(&mut engine, event);
        self.unchanged = (!taken).then_some(engine);
        Outcome::when(taken)
    }

    fn sign_again(&self, event: Event) -> Option<Event> {
        Some(match event {
            Event::Items(mut items) => {
                items.items = items.items.into_iter().map(seal_again).collect::<Option<_>>()?;
                let read = items.items.iter().cloned();
                let read = read.map(|item| Item::from_wire(Log::channel(), item).ok());
                let read = read.collect::<Option<Vec<_>>>()?;
                items.head = Some(head_over(&read, self.story.admission)?.to_wire());
                Event::Items(items)
            }
            Event::Welcome(delivery) => Event::Welcome(deliver_again(delivery)?),
            other => other,
        })
    }
}

fn open(disk: &MemoryDisk) -> Engine {
    let trust = Trust::new(network().bundle.clone(), RevocationLists::new(), Arc::new(Still));
    let store = Box::new(disk.open().unwrap());
    Engine::new(store, network().a.device("eva"), backend("Eva's program"), trust)
}

fn take(engine: &mut Engine, event: Event) -> bool {
    match event {
        Event::Items(items) => take_items(engine, items),
        Event::Welcome(delivery) => engine.take_welcome(delivery).is_ok(),
        Event::HeadCertificate(certificate) => {
            engine.take_head_certificate(None, &certificate.certificates).is_ok()
        }
        Event::Crls(crls) => engine.take_crls(&crls.crls).is_ok(),
        Event::Bundle(signed) => engine.take_bundle(&signed).is_ok(),
        Event::Behind(_) | Event::Ended(_) | Event::HubVotes(_) => false,
    }
}

fn take_items(engine: &mut Engine, items: wire::Items) -> bool {
    let id = items.channel.and_then(|id| ChannelId::try_from(&id.value[..]).ok());
    let Some((id, head)) = id.zip(items.head) else { return false };
    match engine.receive(id, items.items, &head) {
        Ok(received) => {
            assert!(received.next.0 <= Log::MOST, "the copy is longer than the hub's log");
            true
        }
        Err(ReceiveError::Engine(error)) => {
            panic!("what a relay sends must not break the store: {error}")
        }
        Err(_) => false,
    }
}

/// What the relay delivers.
struct Story {
    events: Vec<Vec<u8>>,
    /// The chain at the commit that admits Eva.
    admission: ChainHash,
}

/// The last event before the items.
const WELCOME: usize = 2;

/// Certificates and lists, the welcome, then entries and a commit.
fn story(eva: &DeviceName, key_package: Vec<u8>) -> Story {
    const ADMITS: usize = 0;
    let mut group = Group::of_four();
    let mut admission = group.admission(4, Role::Member);
    admission.key_package = key_package;
    let commit = group.members[ADMITS].commit(&Command::Admit(vec![admission])).unwrap();
    let admitted_at = group.accept(&commit);
    group.deliver();
    let offer = group.offer(admitted_at, &commit, ADMITS);
    assert!(offer.devices.contains(eva));
    let mut wire_commit = offer.commit.to_wire();
    wire_commit.chain = offer.chain.0.to_vec();
    let delivery = wire::WelcomeDelivery {
        channel: Some(channel()),
        hub: offer.hub.to_string(),
        commit: Some(wire_commit),
        head: Some(offer.head.to_wire()),
        head_certificates: network().a.head_chain().ders(),
        device_list: offer.devices.iter().map(ToString::to_string).collect(),
        welcomes: commit.request.welcomes.clone(),
        certificates: offer.signer.ders(),
        nonce: Log::NONCE.0.to_vec(),
        previous_chain: offer.previous_chain.0.to_vec(),
        creating_hub: String::new(),
        hub_votes: Vec::new(),
    };
    for text in ["one", "two"] {
        let note = group.members[ADMITS].note(text).unwrap();
        group.accept(&note);
    }
    let update = group.members[2].commit(&Command::SelfUpdate).unwrap();
    assert_eq!(update.request.list_change, Some(ListChange::default().to_wire()));
    let last = group.accept(&update);
    let certificates = network().a.head_chain().ders();
    let events = [
        Event::HeadCertificate(wire::HeadCertificate { certificates }),
        Event::Crls(wire::Crls { crls: network().crls.clone() }),
        Event::Welcome(delivery),
        Event::Items(batch(&group, admitted_at.next(), last)),
    ];
    let events = events.map(|event| wire::SubscriptionEvent { event: Some(event) }.encode_to_vec());
    Story { events: events.into(), admission: offer.chain }
}

fn batch(group: &Group, from: Seq, to: Seq) -> wire::Items {
    let items = group.items.iter().filter(|item| (from..=to).contains(&item.seq));
    wire::Items {
        channel: Some(channel()),
        items: items.map(Item::to_wire).collect(),
        head: Some(group.head_at(to).to_wire()),
    }
}

fn channel() -> wire::ChannelId {
    Log::channel().to_wire()
}
