//! Several devices of one officer.

use std::time::Duration;

use enlace_log::ChannelId;

use super::world::World;
use crate::engine::{DeviceError, Wish};
use crate::notice::{ChangeAct, Notice};
use crate::store::ChannelStanding;

/// A case in which Eva has a phone, too, which is in no channel yet.
fn with_phone() -> (World, ChannelId) {
    let mut world = World::new();
    world.enroll_device("phone", "phone", "eva", "fge");
    let channel = world.case();
    (world, channel)
}

fn acts(world: &mut World, name: &str, channel: ChannelId) -> Vec<ChangeAct> {
    let changes = world.notices(name, channel).into_iter().filter_map(|notice| match notice {
        Notice::Changed { acts, .. } => Some(acts),
        _ => None,
    });
    changes.flatten().collect()
}

#[test]
fn a_second_device_reads_and_writes_from_then_on() {
    let (mut world, channel) = with_phone();
    let phone = world.device("phone");
    world.post("ana", channel, "antes");
    world.settle();
    world.engine("eva").add_device(&phone).unwrap();
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        let added = ChangeAct::DeviceAdded { device: phone.clone() };
        assert!(acts(&mut world, name, channel).contains(&added), "{name}");
    }
    world.post("phone", channel, "desde el teléfono");
    world.post("eva", channel, "desde el portátil");
    world.settle();
    let mut expected = world.texts("ana", channel);
    assert_eq!(expected.remove(0), "antes");
    assert_eq!(world.texts("phone", channel), expected, "nothing earlier");
    expected.sort();
    assert_eq!(expected, ["desde el portátil", "desde el teléfono"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva", "phone"]);
}

#[test]
fn it_comes_into_later_channels_by_itself() {
    let (mut world, _) = with_phone();
    let phone = world.device("phone");
    world.engine("eva").add_device(&phone).unwrap();
    world.settle();
    let own = world.create("eva");
    world.settle();
    let of_others = world.case();
    world.settle();
    for channel in [own, of_others] {
        let row = world.engine("phone").read(|tx| tx.channel(channel)).unwrap();
        let standing = row.unwrap().standing;
        // Where nobody else has said anything yet it is provisional.
        let is_in = [ChannelStanding::Member, ChannelStanding::Provisional].contains(&standing);
        assert!(is_in, "{channel}");
    }
    let devices = world.engine("eva").devices().unwrap();
    assert!(devices[0].is_this);
    assert_eq!((&devices[1].name, devices[1].channels.len()), (&phone, 3));
    assert!(devices[1].waiting.is_empty());
}

#[test]
fn a_lost_one_is_removed_by_the_other() {
    let (mut world, channel) = with_phone();
    let (phone, laptop) = (world.device("phone"), world.device("eva"));
    world.engine("eva").add_device(&phone).unwrap();
    world.settle();
    world.engine("phone").remove_device(&laptop).unwrap();
    world.settle();
    let removed = ChangeAct::DeviceRemoved { device: laptop, revoked: false, suspended: false };
    assert!(acts(&mut world, "ana", channel).contains(&removed));
    world.post("phone", channel, "sigo aquí");
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["sigo aquí"]);
    assert!(world.texts("eva", channel).is_empty());
    world.assert_agreement(channel, &["ana", "bruno", "phone"]);
}

/// The change that lets it in is at the hub already, and can't be called back.
#[test]
fn one_that_is_lost_while_it_comes_in_goes_again() {
    let (mut world, channel) = with_phone();
    let phone = world.device("phone");
    let before = world.hub.logs[&channel].items.len();
    world.engine("eva").add_device(&phone).unwrap();
    while world.hub.logs[&channel].items.len() == before {
        world.pump("eva");
    }
    world.engine("eva").remove_device(&phone).unwrap();
    world.settle();
    let removed = ChangeAct::DeviceRemoved { device: phone, revoked: false, suspended: false };
    assert!(acts(&mut world, "ana", channel).contains(&removed));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn what_was_asked_for_last_counts() {
    let (mut world, channel) = with_phone();
    let phone = world.device("phone");
    world.engine("eva").add_device(&phone).unwrap();
    world.settle();
    world.engine("eva").remove_device(&phone).unwrap();
    world.engine("eva").add_device(&phone).unwrap();
    world.settle();
    let removed = ChangeAct::DeviceRemoved { device: phone, revoked: false, suspended: false };
    assert!(!acts(&mut world, "ana", channel).contains(&removed));
    world.assert_agreement(channel, &["ana", "bruno", "eva", "phone"]);
}

#[test]
fn a_revoked_one_goes_and_the_officer_stays() {
    let (mut world, channel) = with_phone();
    let phone = world.device("phone");
    world.engine("eva").add_device(&phone).unwrap();
    world.settle();
    let lists = super::sweep::lists_against(&mut world, "eva");
    world.engine("bruno").take_crls(&lists).unwrap();
    world.pass(Duration::from_secs(10));
    let removed =
        ChangeAct::DeviceRemoved { device: world.device("eva"), revoked: true, suspended: false };
    assert!(acts(&mut world, "ana", channel).contains(&removed));
    let eva = world.address("phone");
    assert!(world.policy("ana", channel).role_of(&eva).is_some());
    world.post("phone", channel, "con el otro");
    world.settle();
    assert_eq!(world.texts("ana", channel), ["con el otro"]);
    world.assert_agreement(channel, &["ana", "bruno", "phone"]);
}

#[test]
fn an_officer_goes_with_all_devices() {
    for leaves in [true, false] {
        let (mut world, channel) = with_phone();
        let phone = world.device("phone");
        world.engine("eva").add_device(&phone).unwrap();
        world.settle();
        let eva = world.address("eva");
        if leaves {
            world.engine("phone").wish(channel, Wish::Leave).unwrap();
        } else {
            world.engine("ana").wish(channel, Wish::Remove(eva.clone())).unwrap();
        }
        world.pass(Duration::from_secs(5));
        for name in ["eva", "phone"] {
            let row = world.engine(name).read(|tx| tx.channel(channel)).unwrap().unwrap();
            assert_eq!(row.standing, ChannelStanding::Removed, "{name}");
        }
        assert!(world.policy("ana", channel).role_of(&eva).is_none());
        world.assert_agreement(channel, &["ana", "bruno"]);
    }
}

/// Nobody comes into a closed case: it comes in as soon as the case is open again.
#[test]
fn one_that_is_named_while_a_case_is_closed_comes_in_when_it_is_opened_again() {
    let (mut world, channel) = with_phone();
    let phone = world.device("phone");
    world.engine("ana").wish(channel, Wish::SetClosed(true)).unwrap();
    world.settle();
    world.engine("eva").add_device(&phone).unwrap();
    world.settle();
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
    world.engine("ana").wish(channel, Wish::SetClosed(false)).unwrap();
    world.settle();
    world.post("ana", channel, "otra vez");
    world.settle();
    assert_eq!(world.texts("phone", channel), ["otra vez"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva", "phone"]);
}

#[test]
fn only_ones_own_other_devices_are_added_and_what_waits_is_taken_back() {
    let (mut world, channel) = with_phone();
    let (anas, laptop) = (world.device("ana"), world.device("eva"));
    let others = world.engine("eva").add_device(&anas);
    assert!(matches!(others, Err(DeviceError::Others(_))));
    assert!(matches!(world.engine("eva").add_device(&laptop), Err(DeviceError::ThisOne)));
    let never_seen = "tablet.eva.officer.fge.example".parse().unwrap();
    world.engine("eva").add_device(&never_seen).unwrap();
    world.engine("eva").add_device(&never_seen).unwrap();
    let devices = world.engine("eva").devices().unwrap();
    assert_eq!(devices[1].waiting, [channel], "it has never been connected");
    world.engine("eva").remove_device(&never_seen).unwrap();
    world.settle();
    assert_eq!(world.engine("eva").devices().unwrap().len(), 1);
}

#[test]
fn a_device_that_was_named_while_a_case_was_closed_comes_in_when_it_is_opened_again() {
    let (mut world, channel) = with_phone();
    let phone = world.device("phone");
    world.engine("ana").wish(channel, Wish::SetClosed(true)).unwrap();
    world.settle();
    world.engine("eva").add_device(&phone).unwrap();
    world.settle();
    assert!(world.engine("phone").read(|tx| tx.channel(channel)).unwrap().is_none());
    world.engine("ana").wish(channel, Wish::SetClosed(false)).unwrap();
    world.settle();
    world.assert_agreement(channel, &["ana", "bruno", "eva", "phone"]);
}
