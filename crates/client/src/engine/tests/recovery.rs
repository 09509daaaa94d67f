//! The hub was restored from an older copy and began anew without what devices had received.

use std::time::Duration;

use enlace_channel::policy::Role;
use enlace_log::replica::ReplicaError;
use enlace_log::{ChainHash, ChainLink, ChannelId, Incarnation, Item, Replica, Seq, SignedHead};

use enlace_proto::relay::v1 as wire;

use super::world::World;
use crate::engine::{Departure, ReceiveError, SetBack, Wish};
use crate::notice::Notice;
use crate::store::{ChannelStanding, OutboxState};

fn tail(world: &World, channel: ChannelId) -> Seq {
    world.hub.logs[&channel].items.last().unwrap().seq
}

fn begin_anew(world: &mut World, channel: ChannelId, last: Seq) {
    let now = enlace_transport::Clock::now(&*world.clock);
    world.hub.begin_anew(channel, last, now);
}

/// What the sync does once the hub has said where it departs.
fn go_back(world: &mut World, name: &str, channel: ChannelId, last: Seq) -> SetBack {
    let departure = departure(world, channel, last);
    world.engine(name).go_back(channel, &departure).unwrap()
}

fn departure(world: &World, channel: ChannelId, last: Seq) -> Departure {
    let before = world.hub.sign(channel, last, world.hub.chain_at(channel, last));
    let (items, head) = (world.hub.items_from(channel, last.next()), world.hub.head(channel));
    Departure { before, items, head, newest: newest(world, channel) }
}

fn newest(world: &World, channel: ChannelId) -> wire::SignedHead {
    let last = tail(world, channel);
    world.hub.sign(channel, last, world.hub.chain_at(channel, last))
}

fn is_accusation(notice: &Notice) -> bool {
    matches!(notice, Notice::Fork(_) | Notice::Stopped { .. } | Notice::Unreadable { .. })
}

#[test]
fn own_notes_that_the_hub_lost_are_sent_again() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    let lost = [world.post("ana", channel, "de Ana"), world.post("eva", channel, "de Eva")];
    world.settle();
    begin_anew(&mut world, channel, kept);
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(go_back(&mut world, name, channel, kept), SetBack::GoesOn, "{name}");
        assert!(world.texts(name, channel).is_empty(), "{name}: it is not in the log now");
    }
    world.post("bruno", channel, "sigo");
    world.settle();
    let mut expected = world.texts("ana", channel);
    for name in ["bruno", "eva"] {
        assert_eq!(world.texts(name, channel), expected, "{name}");
        assert!(!world.notices(name, channel).iter().any(is_accusation), "{name}");
    }
    expected.sort();
    assert_eq!(expected, ["de Ana", "de Eva", "sigo"]);
    for (name, id) in ["ana", "eva"].into_iter().zip(lost) {
        let row = world.engine(name).read(|tx| tx.outbox_of(id)).unwrap().unwrap();
        assert!(matches!(row.state, OutboxState::Accepted(Some(seq)) if seq > kept.next()));
    }
    let told =
        Notice::SetBack { from: kept.0 + 1, until: kept.0 + 3, entries: 2, is_stranded: false };
    assert!(world.notices("bruno", channel).contains(&told));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// The author has heard nothing at all and sends the very same bytes again: the keys for them are
/// used up on a device that had read them.
#[test]
fn the_same_bytes_again_are_what_was_read() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    world.post("bruno", channel, "una vez");
    while world.pump_into_the_void("bruno") == 0 {}
    world.deliver("ana");
    assert_eq!(world.texts("ana", channel), ["una vez"]);
    begin_anew(&mut world, channel, kept);
    go_back(&mut world, "ana", channel, kept);
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(world.texts(name, channel), ["una vez"], "{name}");
        assert!(!world.notices(name, channel).iter().any(is_accusation), "{name}");
    }
}

#[test]
fn whoever_took_in_a_lost_change_is_locked_out() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    world.engine("eva").wish(channel, Wish::RenewKeys).unwrap();
    for _ in 0..4 {
        world.pump("eva");
        world.deliver("eva");
    }
    assert!(tail(&world, channel) > kept, "Eva's change has its place");
    begin_anew(&mut world, channel, kept);
    assert_eq!(go_back(&mut world, "eva", channel, kept), SetBack::GoesOn);
    let standing = world.engine("eva").read(|tx| tx.channel(channel)).unwrap().unwrap().standing;
    assert_eq!(standing, ChannelStanding::Stranded);
    world.post("bruno", channel, "sin Eva");
    world.settle();
    assert_eq!(world.texts("ana", channel), ["sin Eva"]);
    world.assert_agreement(channel, &["ana", "bruno"]);
    // Who lost a change of its own, too, is put back by the leaf that the others know of it.
    world.pass(Duration::from_secs(12));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn whoever_was_let_in_by_a_lost_change_is_out_until_it_is_let_in_again() {
    let mut world = World::new();
    world.enroll("dario", "fge");
    let channel = world.case();
    let (eva, dario) = (world.address("eva"), world.address("dario"));
    world.engine("ana").wish(channel, Wish::SetRole(eva, Role::Lead)).unwrap();
    world.settle();
    let kept = tail(&world, channel);
    let add = Wish::Add(dario, Role::Member);
    world.engine("ana").wish(channel, add.clone()).unwrap();
    let run = |world: &mut World, names: &[&str]| {
        for name in names.repeat(8) {
            world.deliver(name);
            world.pump(name);
            world.clock.advance(Duration::from_millis(200));
        }
    };
    run(&mut world, &["ana", "dario"]);
    world.post("dario", channel, "de Dario");
    run(&mut world, &["dario"]);
    assert_eq!(world.texts("dario", channel), ["de Dario"]);

    begin_anew(&mut world, channel, kept);
    let newest = newest(&world, channel);
    let left_behind = |world: &mut World, name: &str, from: Seq| {
        world.engine(name).is_left_behind(channel, from, &newest)
    };
    assert!(matches!(left_behind(&mut world, "ana", kept.next()), Ok(false)));
    let later = left_behind(&mut world, "dario", Seq(kept.0 + 2));
    assert!(matches!(later, Ok(false)), "it was in before that: {later:?}");
    assert!(matches!(left_behind(&mut world, "dario", kept.next()), Ok(true)));
    let standing = world.engine("dario").read(|tx| tx.channel(channel)).unwrap().unwrap().standing;
    assert_eq!(standing, ChannelStanding::Removed);
    assert!(world.texts("dario", channel).is_empty());
    let told =
        Notice::SetBack { from: kept.0 + 1, until: kept.0 + 3, entries: 1, is_stranded: true };
    assert!(world.notices("dario", channel).contains(&told));

    go_back(&mut world, "ana", channel, kept);
    world.publish("dario");
    world.engine("eva").wish(channel, add).unwrap();
    world.settle();
    assert_eq!(world.texts("eva", channel), ["de Dario"], "what Dario wrote is sent again");
    world.assert_agreement(channel, &["bruno", "eva", "dario"]);
}

/// The hub has answered for a note, and lost it before anybody received it: its author alone can say
/// so to a hub that is restored.
#[test]
fn what_was_acknowledged_and_never_came_is_shown() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    world.post("eva", channel, "aceptada");
    while world.pump("eva") == 0 {}
    assert_eq!(tail(&world, channel), kept.next());
    let shown = |world: &mut World| {
        let followed = world.engine("eva").followed_channel(channel).unwrap().unwrap();
        assert_eq!(followed.next, kept.next(), "it has not come");
        followed.head.unwrap().seq
    };
    assert_eq!(shown(&mut world), kept.0 + 1);
    world.restart("eva");
    assert_eq!(shown(&mut world), kept.0 + 1, "also after a restart");
}

#[test]
fn a_log_that_differs_before_is_no_restored_one() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    world.post("ana", channel, "uno");
    world.settle();
    let other = world.hub.chain_at(channel, Seq(0));
    let head = world.hub.sign(channel, kept, other);
    begin_anew(&mut world, channel, kept);
    let items = world.hub.items_from(channel, kept.next());
    let chain = Item::from_wire(channel, items[0].clone()).unwrap().chain_after(&other);
    let elsewhere = world.hub.sign(channel, kept.next(), chain);
    let newest = newest(&world, channel);
    let departure = Departure { before: head, items, head: elsewhere, newest };
    let refused = world.engine("ana").go_back(channel, &departure);
    assert!(matches!(refused, Err(ReceiveError::Replica(ReplicaError::Diverged(_)))));
    assert_eq!(world.texts("ana", channel), ["uno"], "nothing has changed");
}

#[test]
fn a_shorter_log_that_differs_is_proof_against_the_hub() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    world.post("ana", channel, "uno");
    world.settle();
    for (chain, is_proof) in
        [(world.hub.chain_at(channel, kept), false), (ChainHash([9; 32]), true)]
    {
        let head = world.hub.sign(channel, kept, chain);
        let head = SignedHead::from_wire(channel, &head).unwrap();
        let proven =
            world.engine("ana").prove_fork(channel, head, Vec::new(), ChainHash([0; 32])).unwrap();
        let told = world.notices("ana", channel);
        assert_eq!(proven, is_proof);
        assert_eq!(told.iter().any(|notice| matches!(notice, Notice::Fork(_))), is_proof);
    }
}

#[test]
fn no_relay_turns_a_copy_back_without_the_hubs_word() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    let head = newest(&world, channel);
    world.post("ana", channel, "uno");
    world.settle();
    for newest in [head, newest(&world, channel)] {
        let departure = Departure { newest, ..departure(&world, channel, kept) };
        let refused = world.engine("ana").go_back(channel, &departure);
        assert!(matches!(refused, Err(ReceiveError::NotSuperseded)), "{kept:?}");
    }
    assert_eq!(world.texts("ana", channel), ["uno"], "nothing has changed");
}

#[test]
fn no_relay_turns_a_copy_back_further_than_the_hub_lost() {
    let mut world = World::new();
    let channel = world.case();
    let early = tail(&world, channel);
    world.post("bruno", channel, "uno");
    world.settle();
    let kept = tail(&world, channel);
    world.post("bruno", channel, "dos");
    world.settle();
    begin_anew(&mut world, channel, kept);
    let earlier = departure(&world, channel, early);
    let elsewhere =
        Departure { before: earlier.before.clone(), ..departure(&world, channel, kept) };
    let less = Departure { items: earlier.items[..1].to_vec(), ..earlier.clone() };
    let nothing = Departure { items: Vec::new(), ..earlier.clone() };
    for shown in [earlier, elsewhere, less, nothing] {
        let refused = world.engine("ana").go_back(channel, &shown);
        assert!(matches!(refused, Err(ReceiveError::NotSuperseded)), "{refused:?}");
    }
    assert_eq!(world.texts("ana", channel), ["uno", "dos"], "nothing has changed");
    assert_eq!(go_back(&mut world, "ana", channel, kept), SetBack::GoesOn);
    assert_eq!(world.texts("ana", channel), ["uno"]);
}

#[test]
fn what_is_brought_back_leads_to_the_hubs_own_signature() {
    let mut world = World::new();
    let channel = world.case();
    let kept = tail(&world, channel);
    for number in 0..300 {
        world.post("ana", channel, &format!("nota {number}"));
        world.settle();
    }
    let mut replica =
        Replica::after(channel, kept, world.hub.chain_at(channel, kept), Incarnation(0));
    let key = world.network.fge.head_key.public();
    let mut pages = 0;
    while replica.next_seq() <= tail(&world, channel) {
        let from = replica.next_seq();
        let request = world.engine("bruno").refill(channel, Some(from)).unwrap().unwrap();
        let head = SignedHead::from_wire(channel, request.head.as_ref().unwrap()).unwrap();
        let items = request.items.into_iter().map(|item| Item::from_wire(channel, item).unwrap());
        let items: Vec<Item> = items.collect();
        assert!(items.iter().all(|item| item.sealed.payload().is_some()), "with its content");
        let rest = ChainLink::decode_all(&request.rest).unwrap();
        replica.refill(&items, &rest, &head.verify(&key).unwrap()).unwrap();
        pages += 1;
    }
    assert!(pages > 1);
    let next = replica.next_seq();
    assert!(world.engine("bruno").refill(channel, Some(next)).unwrap().is_none());
}
