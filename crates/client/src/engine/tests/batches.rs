use enlace_channel::policy::Role;
use enlace_identity::names::OfficerAddress;
use enlace_log::ChannelId;

use super::world::World;
use crate::engine::{ActError, BATCH, Wish};
use crate::notice::Notice;
use crate::store::OutboxState;

fn address(name: &str) -> OfficerAddress {
    format!("{name}@fge.example").parse().unwrap()
}

impl World {
    /// A channel of Ana's, and officers of her authority who are not in it.
    fn with_many(&mut self, names: &[&'static str]) -> (ChannelId, Vec<OfficerAddress>) {
        let channel = self.create("ana");
        names.iter().for_each(|name| self.enroll(name, "fge"));
        (channel, names.iter().map(|name| self.address(name)).collect())
    }

    fn officers_of(&mut self, channel: ChannelId) -> Vec<String> {
        self.policy("ana", channel).roles().keys().map(ToString::to_string).collect()
    }
}

#[test]
fn a_list_comes_in_with_one_change_and_goes_with_one() {
    let mut world = World::new();
    let (channel, mut list) = world.with_many(&["uno", "dos", "tres"]);
    list.push(list[0].clone());
    list.push(world.address("bruno"));
    list.push(world.address("ana"));
    let missing = OfficerAddress::clone(&list[0]).to_string().replace("uno", "nadie");
    list.push(missing.parse().unwrap());
    let batches = world.engine("ana").admit_many(channel, &list, Role::Member).unwrap();
    assert_eq!((batches.queued.len(), batches.asked.len()), (1, 4));
    assert_eq!(batches.settled, [world.address("ana")]);
    assert_eq!(batches.others, [world.address("bruno")]);
    let before = world.hub.logs[&channel].items.len();
    world.settle();
    assert_eq!(world.hub.logs[&channel].items.len(), before + 1, "one change");
    assert_eq!(world.officers_of(channel).len(), 4);
    let told = world.notices("ana", channel);
    let left_out = Notice::NotAdmitted { officers: vec![missing], reason: None };
    assert!(told.contains(&left_out), "{told:?}");
    world.post("ana", channel, "a todos");
    world.settle();
    for name in ["uno", "dos", "tres"] {
        assert_eq!(world.texts(name, channel), ["a todos"]);
    }
    world.assert_agreement(channel, &["ana", "uno", "dos", "tres"]);

    // The same list again: whoever is in is passed over.
    let again = world.engine("ana").admit_many(channel, &list, Role::Member).unwrap();
    assert_eq!((again.asked.len(), again.settled.len()), (1, 4));
    world.settle();

    let gone = world.engine("ana").remove_many(channel, &list[..2]).unwrap();
    assert_eq!(gone.asked.len(), 2);
    let before = world.hub.logs[&channel].items.len();
    world.settle();
    assert_eq!(world.hub.logs[&channel].items.len(), before + 1, "one change");
    assert_eq!(world.officers_of(channel).len(), 2);
    world.assert_agreement(channel, &["ana", "tres"]);
}

#[test]
fn a_batch_goes_on_after_a_restart_and_leaves_out_who_came_meanwhile() {
    let mut world = World::new();
    let (channel, list) = world.with_many(&["uno", "dos"]);
    let batches = world.engine("ana").admit_many(channel, &list, Role::Observer).unwrap();
    world.pump("ana");
    world.restart("ana");
    let wish = Wish::Add(list[0].clone(), Role::Lead);
    world.engine("ana").wish(channel, wish).unwrap();
    world.settle();
    let row = world.engine("ana").read(|tx| tx.outbox_of(batches.queued[0])).unwrap().unwrap();
    assert!(matches!(row.state, OutboxState::Accepted(_)), "{:?}", row.state);
    assert_eq!(world.officers_of(channel).len(), 3);
    assert!(world.engine("ana").batches(channel).unwrap().is_empty());
}

#[test]
fn who_is_no_lead_lets_nobody_in_and_the_owner_is_not_taken_out() {
    let mut world = World::new();
    let channel = world.case();
    let list = [address("uno")];
    let refused = world.engine("eva").admit_many(channel, &list, Role::Member);
    assert!(matches!(refused, Err(ActError::NotEntitled)), "{refused:?}");
    let ana = world.address("ana");
    let refused = world.engine("ana").remove_many(channel, &[ana]);
    assert!(matches!(refused, Err(ActError::OwnerStays(_))), "{refused:?}");
}

#[test]
fn a_long_list_is_cut_into_batches() {
    let mut world = World::new();
    let channel = world.create("ana");
    let domain = world.address("ana").domain().clone();
    let list: Vec<OfficerAddress> =
        (0..2 * BATCH + 1).map(|n| format!("o{n}@{domain}").parse().unwrap()).collect();
    let batches = world.engine("ana").admit_many(channel, &list, Role::Member).unwrap();
    assert_eq!((batches.queued.len(), batches.asked.len()), (3, list.len()));
    assert_eq!(world.engine("ana").batches(channel).unwrap(), batches.queued);
}

#[test]
fn all_whom_the_relay_knows_come_in() {
    let mut world = World::new();
    let (channel, _) = world.with_many(&["uno", "dos", "tres"]);
    world.engine("ana").admit_all(channel, Role::Member).unwrap();
    world.settle();
    // Eva is of the authority too, Bruno is not.
    assert_eq!(world.officers_of(channel).len(), 5);
    assert!(world.engine("ana").batches(channel).unwrap().is_empty());
    assert!(world.notices("ana", channel).iter().all(|n| !matches!(n, Notice::NotDone { .. })));
}
