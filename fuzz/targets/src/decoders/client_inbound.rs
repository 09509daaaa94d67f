//! What a subscription brings, through the doors of an officer's program with a real store.
//!
//! Input: an event of the subscription; or, behind a zero byte and the number of a good one, steps
//! that alter that.

use std::cell::RefCell;
use std::sync::Arc;

use enlace_channel::channel::Command;
use enlace_channel::mls::Suite;
use enlace_channel::policy::Role;
use enlace_client::engine::Engine;
use enlace_client::store::SqlCipher;
use enlace_identity::keys::Passphrase;
use enlace_identity::names::DeviceName;
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Item, ListChange, Seq};
use enlace_proto::relay::v1::{self as wire, subscription_event::Event};
use enlace_proto::shape;
use enlace_transport::{Clock, Trust};
use prost::Message as _;
use tempfile::TempDir;

use crate::Outcome;
use crate::scene::{Group, Log, NOW, alter, backend, network};

/// Hands the event to the engine.
pub fn run(data: &[u8]) -> Outcome {
    OFFICER.with_borrow_mut(|officer| match data {
        [0, which, script @ ..] => {
            let events = &officer.events;
            let genuine = &events[usize::from(*which) % events.len()];
            officer.take(alter(genuine, script))
        }
        event => officer.take(event.to_vec()),
    })
}

/// The good events, for the corpus.
pub(crate) fn genuine() -> Vec<Vec<u8>> {
    OFFICER.with_borrow(|officer| officer.events.clone())
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

/// Eva's program: she is admitted while the target runs, and reads what Ana writes.
struct Officer {
    engine: Engine,
    events: Vec<Vec<u8>>,
    _directory: TempDir,
}

impl Officer {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("store.db");
        let store = SqlCipher::open(&path, &Passphrase::new("clave")).unwrap();
        let device = network().a.device("eva");
        let backend = backend("Eva's program");
        let trust = Trust::new(network().bundle.clone(), RevocationLists::new(), Arc::new(Still));
        let name = device.name.clone();
        let mut engine = Engine::new(Box::new(store), device, backend, trust);
        let publication = engine.fill_pool(Suite::PostQuantum, 0).unwrap();
        let events = story(&name, publication.key_packages[0].clone());
        let events = events
            .into_iter()
            .map(|event| wire::SubscriptionEvent { event: Some(event) }.encode_to_vec());
        Self { engine, events: events.collect(), _directory: directory }
    }

    fn take(&mut self, event: Vec<u8>) -> Outcome {
        let Ok(event) = shape::read::<wire::SubscriptionEvent>(event.into()) else {
            return Outcome::Refused;
        };
        let engine = &mut self.engine;
        let taken = match event.event {
            Some(Event::Items(items)) => take_items(engine, items),
            Some(Event::Welcome(delivery)) => engine.take_welcome(delivery).is_ok(),
            Some(Event::HeadCertificate(certificate)) => {
                engine.take_head_certificate(None, &certificate.certificates).is_ok()
            }
            Some(Event::Crls(crls)) => engine.take_crls(&crls.crls).is_ok(),
            Some(Event::Behind(_) | Event::Ended(_)) | None => false,
        };
        Outcome::when(taken)
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
        Err(enlace_client::engine::ReceiveError::Engine(error)) => {
            panic!("what a relay sends must not break the store: {error}")
        }
        Err(_) => false,
    }
}

/// What the relay delivers: certificates and lists, the welcome, then entries and a commit.
fn story(eva: &DeviceName, key_package: Vec<u8>) -> Vec<Event> {
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
    };
    for text in ["one", "two"] {
        let note = group.members[ADMITS].note(text).unwrap();
        group.accept(&note);
    }
    let update = group.members[2].commit(&Command::SelfUpdate).unwrap();
    assert_eq!(update.request.list_change, Some(ListChange::default().to_wire()));
    let last = group.accept(&update);
    let certificates = network().a.head_chain().ders();
    vec![
        Event::HeadCertificate(wire::HeadCertificate { certificates }),
        Event::Crls(wire::Crls { crls: network().crls.clone() }),
        Event::Welcome(delivery),
        Event::Items(batch(&group, admitted_at.next(), last)),
    ]
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
    wire::ChannelId { value: Log::channel().0.to_vec() }
}
