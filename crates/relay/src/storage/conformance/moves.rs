//! Cases about channels that move to another hub.

use bytes::Bytes;
use enlace_log::Seq;

use super::samples::{append, channel, create, device, domain, record};
use super::{TestStore, log};
use crate::storage::{LogWrite, Role};

pub(super) fn moves(store: &dyn TestStore) {
    let (one, two) = (channel(1), channel(2));
    let mut storage = store.open().unwrap();
    storage.commit(&log([create(one), append(one, 0, 5), create(two)])).unwrap();
    let votes = |names: &[&str]| LogWrite::Votes {
        channel: one,
        votes: names.iter().map(|name| (device(name), Bytes::from(name.to_string()))).collect(),
    };
    let moved = |seq, hub: &str| LogWrite::Moved { channel: one, seq: Seq(seq), hub: domain(hub) };
    let turned = |role, hub| LogWrite::Turned { channel: one, role, hub: domain(hub) };
    let mut read = storage.reader().unwrap();
    assert_eq!(read.moving_channels().unwrap(), []);
    storage.commit(&log([votes(&["ben", "ana"])])).unwrap();
    assert_eq!(read.moving_channels().unwrap(), [one]);
    storage.commit(&log([votes(&["eva", "ben"]), turned(Role::Follower, "b")])).unwrap();
    drop(read);
    drop(storage);

    let mut storage = store.open().unwrap();
    let mut read = storage.reader().unwrap();
    let found: Vec<_> = read.hub_votes(&one).unwrap();
    let expected = ["ben", "eva"].map(|name| (device(name), Bytes::from(name)));
    assert_eq!(found, expected);
    assert!(read.hub_votes(&two).unwrap().is_empty());
    let found = read.channel(&one).unwrap().unwrap();
    assert_eq!((found.role, found.hub), (Role::Follower, domain("b")));
    assert_eq!(found.creating_hub, domain("creating"));
    assert_eq!(read.channel(&two).unwrap().unwrap().role, Role::Hub, "another one stays");

    storage.commit(&log([moved(2, "b"), moved(4, "c"), votes(&[])])).unwrap();
    assert!(read.hub_votes(&one).unwrap().is_empty());
    let expected = [(Seq(2), domain("b")), (Seq(4), domain("c"))];
    assert_eq!(read.hub_moves(&one).unwrap(), expected);
    assert_eq!(read.moving_channels().unwrap(), [one], "it has moved");
    // A role that turned holds for what follows in the same batch.
    let back = LogWrite::Rewind(record(one, Role::Hub, 3));
    storage.commit(&log([turned(Role::Hub, "b"), back])).unwrap();
    assert_eq!(read.hub_moves(&one).unwrap(), expected[..1]);
}
