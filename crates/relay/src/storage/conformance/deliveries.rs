//! Cases about welcomes that wait.

use bytes::Bytes;
use enlace_identity::names::Domain;
use enlace_log::Seq;

use super::samples::{channel, create, device, domain};
use super::{TestStore, log, side};
use crate::storage::{LogWrite, PendingWelcome, SideWrite};

pub(super) fn welcomes(store: &dyn TestStore) {
    let (one, two) = (channel(1), channel(2));
    let (ana, ben) = (device("ana"), device("ben"));
    let body = Bytes::from_static(b"delivery");
    let welcome = |channel, seq, devices: &[_], domains: &[&str]| LogWrite::Welcome {
        channel,
        seq: Seq(seq),
        delivery: body.clone(),
        devices: devices.to_vec(),
        domains: domains.iter().map(|name| domain(name)).collect(),
    };
    let place = |channel, seq| PendingWelcome { channel, seq: Seq(seq) };
    let taken = |device: &_, channel, seq| SideWrite::WelcomeTaken {
        device: Clone::clone(device),
        channel,
        seq: Seq(seq),
    };
    let sent = |name, channel, seq| SideWrite::WelcomeSent {
        domain: domain(name),
        channel,
        seq: Seq(seq),
    };
    let mut storage = store.open().unwrap();
    let both = [ana.clone(), ben.clone()];
    storage.commit(&log([create(one), create(two), welcome(two, 3, &both, &["b", "c"])])).unwrap();
    storage.commit(&log([welcome(one, 1, &both[..1], &["b"])])).unwrap();
    storage.commit(&log([welcome(one, 1, &both[..1], &["b"])])).unwrap();
    drop(storage);

    let mut storage = store.open().unwrap();
    let mut read = storage.reader().unwrap();
    assert_eq!(read.pending_welcomes(&ana, 9).unwrap(), [place(two, 3), place(one, 1)]);
    assert_eq!(read.pending_welcomes(&ana, 1).unwrap(), [place(two, 3)]);
    assert_eq!(read.pending_welcomes(&ben, 9).unwrap(), [place(two, 3)]);
    assert_eq!(read.outbound_welcomes(&domain("b"), 9).unwrap(), [place(two, 3), place(one, 1)]);
    assert_eq!(read.outbound_welcomes(&domain("c"), 9).unwrap(), [place(two, 3)]);
    assert!(read.outbound_welcomes(&domain("d"), 9).unwrap().is_empty());

    let nobodys = [
        taken(&device("cid"), two, 3),
        taken(&ben, one, 1),
        taken(&ana, channel(9), 1),
        sent("c", one, 1),
        sent("c", channel(9), 1),
    ];
    storage.commit(&side(nobodys)).unwrap();
    assert_eq!(read.pending_welcomes(&ana, 9).unwrap().len(), 2);

    let some = [taken(&ana, two, 3), taken(&ben, two, 3), sent("b", two, 3)];
    storage.commit(&side(some)).unwrap();
    assert_eq!(read.welcome(&two, Seq(3)).unwrap(), Some(body.clone()), "c still waits");
    storage.commit(&side([sent("c", two, 3), taken(&ana, one, 1)])).unwrap();
    assert_eq!(
        read.welcome(&two, Seq(3)).unwrap(),
        Some(body.clone()),
        "b and c may want it again"
    );
    assert_eq!(read.welcome(&one, Seq(1)).unwrap(), Some(body.clone()), "b still waits");
    assert!(read.pending_welcomes(&ana, 9).unwrap().is_empty());
    storage.commit(&log([welcome(one, 2, &both[..1], &[])])).unwrap();
    storage.commit(&side([taken(&ana, one, 2)])).unwrap();
    assert_eq!(read.welcome(&one, Seq(2)).unwrap(), None);
}

pub(super) fn lost_welcomes(store: &dyn TestStore) {
    let one = channel(1);
    let (b, c) = (domain("b"), domain("c"));
    let body = Bytes::from_static(b"delivery");
    let welcome = |seq| LogWrite::Welcome {
        channel: one,
        seq: Seq(seq),
        delivery: body.clone(),
        devices: Vec::new(),
        domains: vec![b.clone(), c.clone()],
    };
    let place = |seq| PendingWelcome { channel: one, seq: Seq(seq) };
    let sent = |domain: &Domain, seq| SideWrite::WelcomeSent {
        domain: domain.clone(),
        channel: one,
        seq: Seq(seq),
    };
    let wanted =
        |domain: &Domain| SideWrite::WelcomeWanted { domain: domain.clone(), channel: one };
    let mut storage = store.open().unwrap();
    storage.commit(&log([create(one), welcome(1), welcome(2)])).unwrap();
    let nothing = [wanted(&b), SideWrite::WelcomeWanted { domain: b.clone(), channel: channel(9) }];
    storage.commit(&side(nothing)).unwrap();
    storage.commit(&side([sent(&b, 2), sent(&b, 1), sent(&c, 1)])).unwrap();
    drop(storage);

    let mut storage = store.open().unwrap();
    let mut read = storage.reader().unwrap();
    assert!(read.outbound_welcomes(&b, 9).unwrap().is_empty());
    storage.commit(&side([wanted(&b), wanted(&b), wanted(&c)])).unwrap();
    assert_eq!(read.outbound_welcomes(&b, 9).unwrap(), [place(2)], "the newest, once");
    assert_eq!(read.outbound_welcomes(&c, 9).unwrap(), [place(2), place(1)]);
    storage.commit(&side([sent(&b, 2), sent(&c, 2), sent(&c, 1)])).unwrap();
    assert_eq!(read.welcome(&one, Seq(1)).unwrap(), None, "nobody would get it any more");
    assert_eq!(read.welcome(&one, Seq(2)).unwrap(), Some(body));
}
