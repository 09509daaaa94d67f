//! A hub on an older copy of its store: it finds out, takes back, states, and only then goes on.

use std::time::Duration;

use enlace_identity::keys::SigningKey;
use enlace_log::{
    ChannelNonce, ForkProof, HubStatement, Incarnation, Item, ItemKind, PayloadHash, Seq,
    SignedHead, VerifiedHead,
};
use zeroize::Zeroizing;

use super::world::{
    Draft, LIMIT, NONCE, TestClock, World, channel_id, device, new_clock, options, own,
};
use crate::hub::core::{Holder, LONG_PATIENCE, LeaseClaim, PATIENCE, REFILL_PATIENCE};
use crate::hub::subscription::NextEncoded;
use crate::hub::{Handle, Next, Reader, Refill, Sequencer, SubmitError, TakenBack};
use crate::storage::MemoryDisk;

const MEMBERS: [&str; 3] = ["ana", "ben", "cid@b"];

/// A hub that stops as a machine without power does: its store is as it was.
struct Hub {
    world: World,
    disk: MemoryDisk,
}

impl Hub {
    async fn new() -> Self {
        let disk = MemoryDisk::default();
        let world = start(&disk, new_clock());
        world.create(&MEMBERS).await.unwrap();
        Self { world, disk }
    }

    async fn says(&self, text: &str) -> Seq {
        self.world.submit(&Draft::entry("ana", 0, text)).await.unwrap().seq
    }

    /// What was here at some time, on a machine of its own.
    fn restored(copy: &MemoryDisk, clock: &TestClock) -> Self {
        let disk = copy.copy();
        Self { world: start(&disk, clock.clone()), disk }
    }

    async fn log(&self) -> (Vec<Item>, VerifiedHead) {
        read(&self.world.hub, Seq(0)).await
    }
}

fn start(disk: &MemoryDisk, clock: TestClock) -> World {
    let storage = Box::new(disk.open().unwrap());
    let sequencer = Sequencer::spawn(storage, options(own(), &clock)).unwrap();
    World { hub: sequencer.handle(), clock, sequencer }
}

/// All that a reader gets, and the head at its end.
async fn read(hub: &Handle, mut from: Seq) -> (Vec<Item>, VerifiedHead) {
    let log = hub.subscribe(channel_id(), Reader::Device(device("ana"))).await.unwrap();
    let (mut items, mut head) = (Vec::new(), None);
    while let Some(Next::Batch(batch)) = log.read(from, LIMIT).await.unwrap() {
        let read = batch.items.into_iter().map(|item| Item::from_wire(batch.channel, item));
        items.extend(read.map(Result::unwrap));
        from = batch.last.next();
        head = Some(verified(batch.head));
    }
    (items, head.unwrap())
}

fn verified(head: SignedHead) -> VerifiedHead {
    head.verify(&SigningKey::from_seed(Zeroizing::new([3; 32])).public()).unwrap()
}

fn refill(items: &[Item], to: usize, head: &VerifiedHead, nonce: bool) -> Refill {
    let incarnations = items.iter().filter(|item| item.sealed.envelope().device().is_none());
    let incarnations = incarnations.map(|item| (item.seq, statement_of(item).incarnation));
    let incarnations = incarnations.collect();
    let (items, rest) = items.split_at(to);
    Refill {
        signer: own(),
        items: items.to_vec(),
        rest: rest.iter().map(Item::link).collect(),
        head: head.clone(),
        nonce: nonce.then_some(NONCE),
        incarnations,
    }
}

fn entry(text: &str) -> Draft {
    Draft::entry("ben", 0, text)
}

fn statement_of(item: &Item) -> HubStatement {
    assert_eq!(item.sealed.envelope().kind, ItemKind::HubStatement);
    HubStatement::decode(item.sealed.payload().unwrap()).unwrap()
}

/// Whoever may hold more says that it does not.
async fn hear_all(hub: &Hub, next: u64) {
    for holder in [
        Holder::Device(device("ana")),
        Holder::Device(device("ben")),
        Holder::Relay("b.example".parse().unwrap()),
    ] {
        hub.world.hub.hear(holder, vec![(channel_id(), Seq(next))]).await.unwrap();
    }
}

async fn is_waiting(hub: &Hub) {
    assert_eq!(hub.world.submit(&entry("too early")).await, Err(SubmitError::Recovering));
    let lease = hub.world.hub.lease(channel_id(), device("ben"), LeaseClaim::default()).await;
    assert_eq!(lease, Err(SubmitError::Recovering));
}

/// Says something in the incarnation in which the log is.
async fn say(hub: &Hub, text: &str) -> Seq {
    let (_, head) = hub.log().await;
    let mut draft = entry(text);
    draft.incarnation = head.head().incarnation;
    hub.world.submit(&draft).await.unwrap().seq
}

/// As an author does who has not heard of a new beginning: the first attempt is refused, and
/// makes the hub state it.
async fn say_after_statement(hub: &Hub, text: &str) -> Seq {
    let refused = hub.world.submit(&entry(text)).await;
    assert_eq!(refused, Err(SubmitError::StaleFence(Some(Seq(0)))));
    say(hub, text).await
}

#[tokio::test]
async fn a_copy_that_is_shown_its_own_signature_takes_everything_back_and_states_it() {
    let hub = Hub::new().await;
    hub.says("before").await;
    let copy = hub.disk.copy();
    for number in 0..5 {
        hub.says(&format!("after {number}")).await;
    }
    let (items, head) = hub.log().await;

    let again = Hub::restored(&copy, &hub.world.clock);
    again.world.hub.show(head.clone()).await.unwrap();
    is_waiting(&again).await;
    // In two pages, and not from where it ends: whoever brings it learns where to go on.
    let ask = Refill { items: Vec::new(), ..refill(&items, 0, &head, false) };
    let taken = again.world.hub.refill(ask).await.unwrap();
    assert_eq!(taken, TakenBack { next: Seq(2), superseded: false });
    let taken = again.world.hub.refill(refill(&items[2..], 2, &head, false)).await.unwrap();
    assert_eq!(taken, TakenBack { next: Seq(4), superseded: false });
    is_waiting(&again).await;
    let taken = again.world.hub.refill(refill(&items[4..], 3, &head, false)).await.unwrap();
    assert_eq!(taken.next, Seq(7));

    // What was acknowledged has its place, and sent again gets the same.
    let duplicate = again.world.submit(&Draft::entry("ana", 0, "after 3")).await.unwrap();
    assert_eq!((duplicate.seq, duplicate.is_duplicate), (Seq(5), true));
    // Others may hold more than the head that was shown.
    is_waiting(&again).await;
    hear_all(&again, 7).await;
    assert_eq!(say_after_statement(&again, "goes on").await, Seq(8));
    let (now, new_head) = again.log().await;
    assert_eq!(now[..7], items[..], "nothing is lost");
    let statement = statement_of(&now[7]);
    assert_eq!((statement.held, statement.lost), (Some(Seq(1)), None));
    assert!(statement.incarnation > Incarnation(0));
    assert_eq!(new_head.head().incarnation, statement.incarnation);
    assert!(ForkProof::at_one_position(head, new_head).is_none());
}

#[tokio::test]
async fn without_anybody_who_holds_it_the_statement_says_what_is_lost() {
    let hub = Hub::new().await;
    let copy = hub.disk.copy();
    hub.says("lost").await;
    let (items, head) = hub.log().await;

    let again = Hub::restored(&copy, &hub.world.clock);
    again.world.hub.show(head.clone()).await.unwrap();
    is_waiting(&again).await;
    again.world.clock.advance(REFILL_PATIENCE);
    assert_eq!(say_after_statement(&again, "goes on").await, Seq(2));
    let (now, new_head) = again.log().await;
    let statement = statement_of(&now[1]);
    assert_eq!(statement.lost.map(|lost| lost.into_signed()), Some(head.signed().clone()));
    let own_side = ["a.example".parse().unwrap(), "b.example".parse().unwrap()];
    assert_eq!(statement.unheard, own_side);

    // Whoever comes late with what is lost learns where the log goes on without it.
    let late = again.world.hub.refill(refill(&items[1..], 1, &head, false)).await.unwrap();
    assert_eq!(late, TakenBack { next: Seq(1), superseded: true });
    again.world.hub.show(head.clone()).await.unwrap();
    assert_eq!(say(&again, "still goes on").await, Seq(3));
    assert!(ForkProof::at_one_position(head, new_head).is_none());
}

/// The copy of yesterday ran for a while, and then the newer store again: that one, and a log of
/// the other.
async fn two_histories() -> (Hub, Vec<Item>, VerifiedHead) {
    let hub = Hub::new().await;
    let copy = hub.disk.copy();
    let again = Hub::restored(&copy, &hub.world.clock);
    again.world.clock.advance(PATIENCE);
    assert_eq!(say_after_statement(&again, "in the copy").await, Seq(2));
    let (others, other_head) = again.log().await;
    for text in ["one", "two", "three"] {
        hub.says(text).await;
    }
    (hub, others, other_head)
}

#[tokio::test]
async fn of_two_histories_the_one_that_began_later_goes_on() {
    let (hub, others, other_head) = two_histories().await;
    let (given_up, old_head) = hub.log().await;
    let ask = refill(&others, 0, &other_head, false);
    let taken = hub.world.hub.refill(Refill { items: Vec::new(), ..ask }).await.unwrap();
    assert_eq!(taken, TakenBack { next: Seq(1), superseded: false });
    is_waiting(&hub).await;
    let statement_alone = refill(&others[1..], 1, &other_head, false);
    let taken = hub.world.hub.refill(statement_alone).await.unwrap();
    assert_eq!(taken, TakenBack { next: Seq(2), superseded: false });

    // Whoever has followed the older one learns at once that it goes on no further.
    let late = hub.world.hub.refill(refill(&given_up[1..], 3, &old_head, false)).await.unwrap();
    assert_eq!(late, TakenBack { next: Seq(1), superseded: true });
    let rest = refill(&others[2..], 1, &other_head, false);
    let rest = Refill { incarnations: refill(&others, 0, &other_head, false).incarnations, ..rest };
    assert_eq!(hub.world.hub.refill(rest).await.unwrap().next, Seq(3));
    hear_all(&hub, 3).await;

    // What was given up has no place any more: sent again it gets a new one.
    assert_eq!(say_after_statement(&hub, "goes on").await, Seq(4));
    let (now, head) = hub.log().await;
    assert_eq!(now[..3], others[..]);
    let statement = statement_of(&now[3]);
    assert_eq!((statement.held, statement.lost), (Some(Seq(0)), None));
    let mut sent_again = Draft::entry("ana", 0, "two");
    sent_again.incarnation = head.head().incarnation;
    let accepted = hub.world.submit(&sent_again).await.unwrap();
    assert_eq!((accepted.seq, accepted.is_duplicate), (Seq(5), false));

    // So does whoever opens the store again.
    let again = Hub::restored(&hub.disk, &hub.world.clock);
    assert_eq!(again.log().await.0[..5], now[..]);
}

#[tokio::test]
async fn an_older_history_displaces_nothing() {
    let (hub, others, other_head) = two_histories().await;
    let (old, old_head) = hub.log().await;
    let again = Hub::restored(&hub.disk, &hub.world.clock);
    // What the copy had, up to before its statement, and a claim that it went on: the hub's own
    // signature doesn't say so.
    let claimed = [(Seq(2), Incarnation(u64::MAX))].into_iter().collect();
    let offer = Refill { incarnations: claimed, ..refill(&old[1..], 3, &old_head, false) };
    let taken = again.world.hub.refill(offer).await.unwrap();
    assert!(!taken.superseded);
    assert_eq!(again.log().await.0, old);
    // Nor does what the hub has already, though it leads to a head of a newer incarnation.
    let (newest, newest_head) = {
        let newer = Hub::restored(&again.disk, &hub.world.clock);
        newer.world.clock.advance(LONG_PATIENCE);
        say_after_statement(&newer, "newest").await;
        newer.log().await
    };
    let claimed = [(Seq(2), Incarnation(1))].into_iter().collect();
    let offer = refill(&newest[2..], 1, &newest_head, false);
    let offer = Refill { incarnations: claimed, ..offer };
    again.world.hub.refill(offer).await.unwrap();
    assert_eq!(again.log().await.0, old, "nothing was forgotten to be brought back");
    // Items that don't lead to the head neither.
    let offer = refill(&others[1..], 2, &other_head, false);
    let altered = Item { received_at: new_clock().now(), ..offer.items[1].clone() };
    let items = vec![offer.items[0].clone(), altered];
    let taken = again.world.hub.refill(Refill { items, ..offer }).await.unwrap();
    assert_eq!(taken, TakenBack { next: Seq(1), superseded: false });
    assert_eq!(again.log().await.0, old);
}

#[tokio::test]
async fn of_two_histories_the_one_at_hand_goes_on_when_nobody_brings_the_other() {
    let (hub, others, other_head) = two_histories().await;
    let offer = Refill { items: Vec::new(), ..refill(&others, 0, &other_head, false) };
    let taken = hub.world.hub.refill(offer.clone()).await.unwrap();
    assert_eq!(taken, TakenBack { next: Seq(1), superseded: false }, "nothing is stated yet");
    hear_all(&hub, 4).await;
    is_waiting(&hub).await;
    hub.world.clock.advance(REFILL_PATIENCE);
    let taken = hub.world.hub.refill(offer).await.unwrap();
    assert_eq!(taken, TakenBack { next: Seq(1), superseded: true });
    let (now, head) = hub.log().await;
    let statement = statement_of(&now[4]);
    assert!(statement.incarnation > other_head.head().incarnation);
    assert_eq!(statement.lost.map(|lost| lost.into_signed()), Some(other_head.signed().clone()));
    assert_eq!((head.head().seq, now.len()), (Seq(4), 5), "nothing of the other one is taken in");
    assert_eq!(say(&hub, "goes on").await, Seq(5));
}

#[tokio::test]
async fn whoever_was_removed_in_the_other_history_is_told_of_that_first() {
    let hub = Hub::new().await;
    let copy = hub.disk.copy();
    for text in ["one", "two", "three"] {
        hub.says(text).await;
    }
    let again = Hub::restored(&copy, &hub.world.clock);
    again.world.clock.advance(PATIENCE);
    assert_eq!(say_after_statement(&again, "goes on").await, Seq(2));
    let incarnation = again.log().await.1.head().incarnation;
    let mut removal = Draft::commit("ana", Some(0), &MEMBERS, &["ana", "cid@b"]);
    removal.incarnation = incarnation;
    again.world.commit(&removal).await.unwrap();
    let ben = Reader::Device(device("ben"));
    let mut ben = again.world.hub.subscribe(channel_id(), ben).await.unwrap();
    let read = ben.read_encoded(Seq(4), Incarnation(0), 1 << 20).await.unwrap();
    assert!(matches!(read, Some(NextEncoded::Departs(Seq(1)))), "{read:?}");
    let read = ben.read_encoded(Seq(4), incarnation, 1 << 20).await.unwrap();
    assert!(matches!(read, Some(NextEncoded::Ended { last: Seq(3) })), "{read:?}");
}

#[tokio::test]
async fn after_an_interruption_everybody_is_heard_before_anything_is_taken_in() {
    let hub = Hub::new().await;
    hub.says("before").await;
    let again = Hub::restored(&hub.disk, &hub.world.clock);
    is_waiting(&again).await;
    for (holder, next) in [
        (Holder::Device(device("ana")), 2),
        (Holder::Device(device("ben")), 0),
        (Holder::Relay("b.example".parse().unwrap()), 2),
    ] {
        is_waiting(&again).await;
        again.world.hub.hear(holder, vec![(channel_id(), Seq(next))]).await.unwrap();
    }
    // Whom a lost commit let in it does not know, and so cannot ask: it never signs twice.
    assert_eq!(say_after_statement(&again, "goes on").await, Seq(3));
    let (now, _) = again.log().await;
    let statement = statement_of(&now[2]);
    assert!(statement.unheard.is_empty() && statement.lost.is_none());
}

#[tokio::test]
async fn whoever_is_ahead_is_not_heard_before_it_has_brought_what_it_has() {
    let hub = Hub::new().await;
    let copy = hub.disk.copy();
    hub.says("missing").await;
    let (items, head) = hub.log().await;
    let again = Hub::restored(&copy, &hub.world.clock);
    for holder in ["ana", "ben"] {
        let next = vec![(channel_id(), Seq(1))];
        again.world.hub.hear(Holder::Device(device(holder)), next).await.unwrap();
    }
    let relay = || Holder::Relay("b.example".parse().unwrap());
    again.world.hub.hear(relay(), vec![(channel_id(), Seq(2))]).await.unwrap();
    is_waiting(&again).await;
    again.world.hub.refill(refill(&items[1..], 1, &head, false)).await.unwrap();
    assert_eq!(say_after_statement(&again, "goes on").await, Seq(3));
    let (now, _) = again.log().await;
    assert!(statement_of(&now[2]).unheard.is_empty());
}

#[tokio::test]
async fn whoever_is_not_heard_in_time_is_named() {
    let hub = Hub::new().await;
    let again = Hub::restored(&hub.disk, &hub.world.clock);
    let heard = vec![(channel_id(), Seq(1))];
    for device_name in ["ana", "ben"] {
        let holder = Holder::Device(device(device_name));
        again.world.hub.hear(holder, heard.clone()).await.unwrap();
    }
    is_waiting(&again).await;
    again.world.clock.advance(PATIENCE);
    assert_eq!(say_after_statement(&again, "goes on").await, Seq(2));
    let (now, _) = again.log().await;
    assert_eq!(statement_of(&now[1]).unheard, ["b.example".parse().unwrap()]);
    assert_eq!(say(&again, "and on").await, Seq(3), "it is stated once");
}

#[tokio::test]
async fn a_doubt_outlives_the_next_start() {
    let hub = Hub::new().await;
    let again = Hub::restored(&hub.disk, &hub.world.clock);
    let (disk, clock) = (again.disk.clone(), again.world.clock.clone());
    again.world.sequencer.stop();
    let third = Hub { world: start(&disk, clock), disk };
    is_waiting(&third).await;
}

#[tokio::test]
async fn a_relay_that_was_stopped_in_good_order_goes_on_at_once() {
    let hub = Hub::new().await;
    let (disk, clock) = (hub.disk.clone(), hub.world.clock.clone());
    hub.world.sequencer.stop();
    let again = Hub { world: start(&disk, clock), disk };
    assert_eq!(again.world.submit(&entry("goes on")).await.unwrap().seq, Seq(1));
    let (disk, clock) = (again.disk.clone(), again.world.clock.clone());
    again.world.sequencer.stop();
    // The next day it may be another state of the store.
    clock.advance(Duration::from_secs(86_400));
    let again = Hub { world: start(&disk, clock), disk };
    is_waiting(&again).await;
}

#[tokio::test]
async fn a_channel_younger_than_the_copy_comes_back() {
    let disk = MemoryDisk::default();
    let world = start(&disk, new_clock());
    let copy = disk.copy();
    world.create(&MEMBERS).await.unwrap();
    let hub = Hub { world, disk };
    hub.says("hello").await;
    let (items, head) = hub.log().await;

    let again = Hub::restored(&copy, &hub.world.clock);
    let unknown = again.world.hub.refill(refill(&items, 2, &head, false)).await;
    assert!(unknown.is_err(), "nobody says what its id is derived from");
    let ask = Refill { items: Vec::new(), ..refill(&items, 0, &head, true) };
    let other = Refill { nonce: Some(ChannelNonce([0; 32])), ..ask.clone() };
    assert!(again.world.hub.refill(other).await.is_err(), "it is not derived from this");
    let taken = again.world.hub.refill(ask).await.unwrap();
    assert_eq!(taken, TakenBack { next: Seq(0), superseded: false }, "from its beginning on");
    let taken = again.world.hub.refill(refill(&items, 1, &head, true)).await.unwrap();
    assert_eq!(taken.next, Seq(1));
    let taken = again.world.hub.refill(refill(&items[1..], 1, &head, true)).await.unwrap();
    assert_eq!(taken.next, Seq(2));
    is_waiting(&again).await;
    hear_all(&again, 2).await;
    assert_eq!(say_after_statement(&again, "goes on").await, Seq(3));
    assert_eq!(again.log().await.0[..2], items[..]);
}

/// The chain does not need what an item holds; whoever was offline does.
#[tokio::test]
async fn what_comes_without_its_content_is_left_to_somebody_who_has_it() {
    let hub = Hub::new().await;
    let copy = hub.disk.copy();
    hub.says("worth keeping").await;
    let (items, head) = hub.log().await;
    let again = Hub::restored(&copy, &hub.world.clock);
    let mut hollow = items[1].to_wire();
    hollow.payload.clear();
    let envelope = hollow.envelope.as_mut().unwrap();
    envelope.payload_hash = PayloadHash::of(items[1].sealed.payload().unwrap()).0.to_vec().into();
    let hollow = Item::from_wire(channel_id(), hollow).unwrap();
    assert!(hollow.sealed.payload().is_none());
    assert!(again.world.hub.refill(refill(&[hollow], 1, &head, false)).await.is_err());
    again.world.hub.refill(refill(&items[1..], 1, &head, false)).await.unwrap();
    assert_eq!(again.log().await.0, items);
}

#[tokio::test]
async fn what_the_hub_never_signed_is_not_taken_back() {
    let hub = Hub::new().await;
    let copy = hub.disk.copy();
    hub.says("true").await;
    let (items, head) = hub.log().await;
    let forged = new_clock();
    let again = Hub::restored(&copy, &hub.world.clock);
    forged.advance(Duration::from_secs(1));
    let other = Item { received_at: forged.now(), ..items[1].clone() };
    let refused = again.world.hub.refill(refill(&[other], 1, &head, false)).await;
    assert!(refused.is_err(), "it does not lead to the head");
    let (now, _) = again.log().await;
    assert_eq!(now.len(), 1);
    let short = refill(&items[1..], 1, &head, false);
    let refused = again.world.hub.refill(Refill { rest: vec![items[0].link()], ..short }).await;
    assert!(refused.is_err(), "the head stands elsewhere");
}
