use enlace_log::replica::ReplicaError;
use enlace_log::{ChannelId, QuotedHead, Seq};
use enlace_proto::relay::v1 as wire;

use super::world::World;
use crate::engine::ReceiveError;
use crate::notice::Notice;

/// Everything that a device holds of a channel.
fn snapshot(
    world: &mut World,
    name: &str,
    channel: ChannelId,
) -> impl PartialEq + std::fmt::Debug + use<> {
    let next = world.engine(name).followed_channel(channel).unwrap().unwrap().next;
    let (items, entries, notices) = world
        .engine(name)
        .read(|tx| {
            Ok((
                tx.items(channel, Seq(0), Seq(10_000))?,
                tx.entries(channel, Seq(0), 10_000)?,
                tx.notices(Some(channel), 0, 10_000)?,
            ))
        })
        .unwrap();
    (next, items, entries, notices)
}

/// What a relay does to a batch on its way.
type Fault = fn(&mut Vec<wire::Item>);

#[test]
fn an_altered_log_changes_nothing() {
    let faults: [(&str, Fault); 7] = [
        ("dropped", |items| drop(items.remove(0))),
        ("repeated", |items| items.insert(1, items[0].clone())),
        ("reordered", |items| items.swap(0, 1)),
        ("later", |items| items[0].received_at_ms += 1),
        ("payload", |items| {
            let mut payload = items[0].payload.to_vec();
            payload[20] ^= 1;
            items[0].payload = payload.into();
        }),
        ("envelope", |items| {
            items[0].envelope.as_mut().unwrap().submit_counter += 1;
        }),
        ("erased", |items| {
            items[0].envelope.as_mut().unwrap().payload_hash = vec![1; 32].into();
            items[0].payload = Vec::new().into();
        }),
    ];
    let mut world = World::new();
    let channel = world.case();
    let from = world.engine("bruno").followed_channel(channel).unwrap().unwrap().next;
    for text in ["uno", "dos", "tres"] {
        world.post("ana", channel, text);
        while world.pump("ana") > 0 {}
        world.deliver("ana");
    }
    for (name, fault) in faults {
        let before = snapshot(&mut world, "bruno", channel);
        let mut items = world.hub.items_from(channel, from);
        fault(&mut items);
        let head = world.hub.head(channel);
        let refused = world.engine("bruno").receive(channel, items, &head);
        assert!(refused.is_err(), "{name}");
        assert_eq!(snapshot(&mut world, "bruno", channel), before, "{name}");
    }
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["uno", "dos", "tres"]);
}

#[test]
fn a_head_that_the_hub_did_not_sign_is_refused() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "uno");
    while world.pump("ana") > 0 {}
    let from = world.engine("bruno").followed_channel(channel).unwrap().unwrap().next;
    let items = world.hub.items_from(channel, from);
    let mut head = world.hub.head(channel);
    head.signature[5] ^= 1;
    let refused = world.engine("bruno").receive(channel, items.clone(), &head);
    assert!(matches!(refused, Err(ReceiveError::Head(_))));
    head.signer[5] ^= 1;
    let refused = world.engine("bruno").receive(channel, items, &head);
    assert!(matches!(refused, Err(ReceiveError::HeadKey(_))));
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["uno"]);
}

#[test]
fn a_batch_that_came_before_is_skipped() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "uno");
    world.settle();
    let before = snapshot(&mut world, "bruno", channel);
    let anchor = Seq(2);
    world.receive("bruno", channel, anchor).unwrap();
    assert_eq!(snapshot(&mut world, "bruno", channel), before);
}

#[test]
fn a_relay_alone_cannot_make_a_fork_alarm_and_a_hub_that_signs_twice_is_caught() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "lo que ve Bruno");
    world.settle();
    let end = world.engine("bruno").followed_channel(channel).unwrap().unwrap().next;
    let last = Seq(end.0 - 1);

    // The other history: the last item at another time, and one more on top.
    world.post("eva", channel, "lo que ven otros");
    while world.pump("eva") > 0 {}
    let mut other = world.hub.items_from(channel, last);
    other[0].received_at_ms += 1;
    let item = |wire: &wire::Item| enlace_log::Item::from_wire(channel, wire.clone()).unwrap();
    let before = world.hub.chain_at(channel, Seq(last.0 - 1));
    let chain_at_last = item(&other[0]).chain_after(&before);
    let chain_at_end = item(&other[1]).chain_after(&chain_at_last);
    let signed = world.hub.sign(channel, end, chain_at_end);

    let batch = other[1..].to_vec();
    let refused = world.engine("bruno").receive(channel, batch.clone(), &signed);
    let Err(ReceiveError::Replica(ReplicaError::Diverged(head))) = refused else {
        panic!("{refused:?}")
    };
    let head = || head.signed().clone();
    // Without the chain of the other history there is no proof, whatever the relay says.
    let unproven = [[9; 32], world.hub.chain_at(channel, last).0];
    for chain in unproven {
        let chain = enlace_log::ChainHash(chain);
        let proven = world.engine("bruno").prove_fork(channel, head(), batch.clone(), chain);
        assert!(!proven.unwrap());
    }
    assert!(alarms(&mut world, channel).is_empty());
    let proven = world.engine("bruno").prove_fork(channel, head(), batch.clone(), chain_at_last);
    assert!(proven.unwrap());
    world.engine("bruno").prove_fork(channel, head(), batch, chain_at_last).unwrap();
    let alarms = alarms(&mut world, channel);
    let [alarm] = &alarms[..] else { panic!("{alarms:?}") };
    let heads = [&alarm.first, &alarm.second].map(|text| {
        let bytes = hex::decode(text).unwrap();
        QuotedHead::decode(&bytes).unwrap().into_signed()
    });
    assert_ne!(heads[0].unverified_head(), heads[1].unverified_head());
}

fn alarms(world: &mut World, channel: ChannelId) -> Vec<crate::notice::ForkAlarm> {
    let notices = world.notices("bruno", channel).into_iter();
    notices
        .filter_map(|notice| match notice {
            Notice::Fork(alarm) => Some(alarm),
            _ => None,
        })
        .collect()
}
