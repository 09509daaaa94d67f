//! Cases about logs.

use bytes::Bytes;
use enlace_log::membership::{Event, ReadRange};
use enlace_log::{ClientId, Incarnation, Seq};

use super::samples::{
    accepted, append, channel, client_id, create, device, domain, head, item, record,
};
use super::{TestStore, log, side};
use crate::storage::{
    IdempotencyKey, LogWrite, PendingWelcome, ReadLimit, Role, SideWrite, StorageError, WriteBatch,
};

const ALL: ReadLimit = ReadLimit { items: 1000, bytes: usize::MAX };

pub(super) fn reads_back(store: &dyn TestStore) {
    let one = channel(1);
    let event = Event::Leave { device: device("ana") };
    let contest = Event::Contest { seq: Seq(2), device: device("ben"), commit: Seq(0) };
    let mut storage = store.open().unwrap();
    storage.commit(&log([create(one)])).unwrap();
    let events = [(2, contest.clone()), (1, event.clone())];
    let events = events.map(|(seq, event)| LogWrite::Event { channel: one, seq: Seq(seq), event });
    storage.commit(&log([append(one, 0, 3)].into_iter().chain(events))).unwrap();
    drop(storage);

    let mut read = store.open().unwrap().reader().unwrap();
    let mut expected = record(one, Role::Hub, 0);
    expected.tail = item(one, 3).tail();
    assert_eq!(read.channel(&one).unwrap(), Some(expected));
    let items: Vec<_> = (0..4).map(|seq| item(one, seq)).collect();
    assert_eq!(read.items(&one, Seq(0), ALL).unwrap(), items);
    assert_eq!(read.items(&one, Seq(3), ALL).unwrap(), items[3..]);
    assert_eq!(read.events(&one).unwrap(), [event, contest]);
    assert!(read.items(&one, Seq(4), ALL).unwrap().is_empty());
    let other = channel(2);
    assert!(read.items(&other, Seq(0), ALL).unwrap().is_empty());
    assert_eq!(read.channel(&other).unwrap(), None);
    assert!(read.events(&other).unwrap().is_empty());
}

pub(super) fn erases(store: &dyn TestStore) {
    let (one, two) = (channel(1), channel(2));
    let mut storage = store.open().unwrap();
    storage.commit(&log([create(one), create(two), append(one, 0, 3), append(two, 0, 3)])).unwrap();
    // In one batch with what it erases, too; what is not here is passed over.
    let erase = |channel, places: &[u64]| {
        let items = places.iter().map(|seq| Seq(*seq)).collect();
        LogWrite::Erase { channel, items }
    };
    storage.commit(&log([append(one, 3, 1), erase(one, &[1, 4, 77]), erase(one, &[1])])).unwrap();
    drop(storage);
    let mut read = store.open().unwrap().reader().unwrap();
    let mut expected: Vec<_> = (0..5).map(|seq| item(one, seq)).collect();
    for seq in [1, 4] {
        expected[seq].payload = Bytes::new();
    }
    assert_eq!(read.items(&one, Seq(0), ALL).unwrap(), expected);
    let untouched: Vec<_> = (0..4).map(|seq| item(two, seq)).collect();
    assert_eq!(read.items(&two, Seq(0), ALL).unwrap(), untouched);
}

pub(super) fn limits(store: &dyn TestStore) {
    let one = channel(1);
    let mut storage = store.open().unwrap();
    storage.commit(&log([create(one), append(one, 0, 20)])).unwrap();
    let mut read = storage.reader().unwrap();
    let mut count =
        |items, bytes| read.items(&one, Seq(1), ReadLimit { items, bytes }).unwrap().len();
    let weight = item(one, 1).weight();
    assert_eq!((count(5, usize::MAX), count(0, 0), count(1000, usize::MAX)), (5, 1, 20));
    assert_eq!((count(1000, weight), count(1000, weight + 1), count(1000, 3 * weight)), (1, 2, 3));
}

pub(super) fn conflict_is_atomic(store: &dyn TestStore) {
    let one = channel(1);
    let mut storage = store.open().unwrap();
    storage.commit(&log([create(one)])).unwrap();
    let counter =
        SideWrite::SubmitCounter { device: device("ana"), counter: enlace_log::SubmitCounter(9) };
    for wrong in [append(one, 1, 1), append(one, 7, 1)] {
        let log = vec![create(channel(2)), append(one, 0, 1), LogWrite::Head(head(one, 1)), wrong];
        let log = match &log[3] {
            LogWrite::Append { after: Seq(1), .. } => {
                // Two appends after the same tail: the second comes too late.
                vec![log[0].clone(), log[1].clone(), append(one, 0, 1)]
            }
            _ => log,
        };
        let batch = WriteBatch { log, side: vec![counter.clone()] };
        let refused = storage.commit(&batch);
        assert!(matches!(refused, Err(StorageError::Conflict(id)) if id == one), "{refused:?}");
        let mut read = storage.reader().unwrap();
        assert_eq!(read.channel(&one).unwrap(), Some(record(one, Role::Hub, 0)));
        assert_eq!(read.channel(&channel(2)).unwrap(), None);
        assert_eq!(read.items(&one, Seq(0), ALL).unwrap().len(), 1);
        assert_eq!(read.next_head(&one, Seq(0)).unwrap(), None);
        assert_eq!(read.submit_counter(&device("ana")).unwrap().0, 0);
    }
    storage.commit(&log([append(one, 0, 1)])).unwrap();
    storage.commit(&log([create(channel(2))])).unwrap();
}

pub(super) fn created_once(store: &dyn TestStore) {
    let one = channel(1);
    let mut storage = store.open().unwrap();
    storage.commit(&log([create(one), append(one, 0, 1)])).unwrap();
    for again in [vec![create(one)], vec![create(channel(2)), create(channel(2))]] {
        assert!(matches!(storage.commit(&log(again)), Err(StorageError::Conflict(_))));
    }
    let mut read = storage.reader().unwrap();
    assert_eq!(read.items(&one, Seq(0), ALL).unwrap().len(), 2);
    assert_eq!(read.channel(&channel(2)).unwrap(), None);
}

pub(super) fn one_batch(store: &dyn TestStore) {
    let one = channel(1);
    let mut storage = store.open().unwrap();
    let (_, write) = accepted(one, 1);
    let first = [create(one), append(one, 0, 2), write, append(one, 2, 1)];
    let second = [create(channel(2)), append(channel(2), 0, 1)];
    storage.commit(&log(first.into_iter().chain(second))).unwrap();
    let mut read = storage.reader().unwrap();
    assert_eq!(read.items(&one, Seq(0), ALL).unwrap().len(), 4);
    assert_eq!(read.items(&channel(2), Seq(0), ALL).unwrap().len(), 2);
    assert_eq!(read.channel(&one).unwrap().unwrap().tail, item(one, 3).tail());
}

pub(super) fn unknown_channel(store: &dyn TestStore) {
    let one = channel(1);
    let mut storage = store.open().unwrap();
    for write in [append(one, 0, 1), LogWrite::Head(head(one, 1)), accepted(one, 1).1] {
        let refused = storage.commit(&log([write]));
        assert!(matches!(refused, Err(StorageError::UnknownChannel(id)) if id == one));
    }
}

pub(super) fn heads(store: &dyn TestStore) {
    let (one, two) = (channel(1), channel(2));
    let mut storage = store.open().unwrap();
    storage.commit(&log([create(one), append(one, 0, 9), create(two), append(two, 0, 9)])).unwrap();
    let heads = [(one, 3), (one, 6), (two, 4)].map(|(id, seq)| LogWrite::Head(head(id, seq)));
    storage.commit(&log(heads.clone())).unwrap();
    storage.commit(&log(heads)).unwrap();
    let mut read = storage.reader().unwrap();
    let mut newest = |from, to| read.newest_head(&one, Seq(from), Seq(to)).unwrap();
    assert_eq!((newest(0, 9), newest(0, 5)), (Some(head(one, 6)), Some(head(one, 3))));
    assert_eq!((newest(3, 3), newest(4, 5), newest(0, 2)), (Some(head(one, 3)), None, None));
    let mut next = |from| read.next_head(&one, Seq(from)).unwrap();
    assert_eq!((next(0), next(3)), (Some(head(one, 3)), Some(head(one, 3))));
    assert_eq!((next(4), next(7)), (Some(head(one, 6)), None));
}

pub(super) fn pages(store: &dyn TestStore) {
    let mut storage = store.open().unwrap();
    storage.commit(&log([3, 1, 2].map(|number| create(channel(number))))).unwrap();
    let mut read = storage.reader().unwrap();
    let mut page = |after: Option<u8>, limit| -> Vec<_> {
        let found = read.channels(after.map(channel).as_ref(), limit).unwrap();
        found.into_iter().map(|record| record.channel).collect()
    };
    assert_eq!(page(None, 2), [channel(1), channel(2)]);
    assert_eq!(page(Some(2), 2), [channel(3)]);
    assert!(page(Some(3), 2).is_empty());
}

pub(super) fn anchors(store: &dyn TestStore) {
    let one = channel(1);
    let anchor = |seq| LogWrite::Anchor(record(one, Role::Follower, seq), item(one, seq));
    let mut storage = store.open().unwrap();
    storage.commit(&log([anchor(5), append(one, 5, 2)])).unwrap();
    for late in [anchor(7), anchor(3)] {
        assert!(matches!(storage.commit(&log([late])), Err(StorageError::Conflict(_))));
    }
    storage.commit(&log([anchor(20), append(one, 20, 1)])).unwrap();
    let mut read = storage.reader().unwrap();
    let mut seqs = |from| -> Vec<_> {
        let items = read.items(&one, Seq(from), ALL).unwrap();
        items.iter().map(|item| item.seq.0).collect()
    };
    assert_eq!((seqs(5), seqs(20)), (vec![5, 6, 7], vec![20, 21]));
    assert!(seqs(0).is_empty() && seqs(8).is_empty(), "nothing where the copy has a gap");
    assert_eq!(read.channel(&one).unwrap().unwrap().fence, Some(Seq(0)));
    storage.commit(&log([create(channel(2))])).unwrap();
    let theirs = LogWrite::Anchor(record(channel(2), Role::Follower, 9), item(channel(2), 9));
    assert!(matches!(storage.commit(&log([theirs])), Err(StorageError::Conflict(_))));
}

pub(super) fn readers(store: &dyn TestStore) {
    let (one, two) = (channel(1), channel(2));
    let (ana, ben) = (device("ana"), device("ben"));
    let range = |from, to: Option<u64>| ReadRange { from: Seq(from), to: to.map(Seq) };
    let reader = |channel, device: &_, range| LogWrite::Reader {
        channel,
        device: Clone::clone(device),
        range,
    };
    let mut storage = store.open().unwrap();
    storage.commit(&log([create(two), create(one)])).unwrap();
    storage
        .commit(&log([
            reader(one, &ben, range(0, None)),
            reader(one, &ana, range(0, None)),
            reader(two, &ana, range(4, None)),
            reader(one, &ana, range(0, Some(7))),
            reader(one, &ana, range(12, None)),
        ]))
        .unwrap();
    let mut read = storage.reader().unwrap();
    let (former, present) = (range(0, Some(7)), range(12, None));
    let of_one = [(ana.clone(), former), (ana.clone(), present), (ben.clone(), range(0, None))];
    assert_eq!(read.readers(&one).unwrap(), of_one);
    let of_ana = [(one, former), (one, present), (two, range(4, None))];
    assert_eq!(read.readable_channels(&ana).unwrap(), of_ana);
    assert!(read.readable_channels(&device("cid")).unwrap().is_empty());
    assert!(read.readers(&channel(3)).unwrap().is_empty());
}

pub(super) fn goes_back(store: &dyn TestStore) {
    let (one, two) = (channel(1), channel(2));
    let mut storage = store.open().unwrap();
    storage.commit(&log([create(one), append(one, 0, 6), create(two), append(two, 0, 6)])).unwrap();
    let welcome = |seq, name| LogWrite::Welcome {
        channel: one,
        seq: Seq(seq),
        delivery: Bytes::from_static(b"welcome"),
        devices: vec![device("ben")],
        domains: vec![domain(name)],
    };
    let sent =
        |seq, name| SideWrite::WelcomeSent { domain: domain(name), channel: one, seq: Seq(seq) };
    let wanted = |name| SideWrite::WelcomeWanted { domain: domain(name), channel: one };
    let reader = |to: Option<u64>| LogWrite::Reader {
        channel: one,
        device: device("ana"),
        range: ReadRange { from: Seq(0), to: to.map(Seq) },
    };
    let began = |seq, number| LogWrite::Incarnation {
        channel: one,
        seq: Seq(seq),
        incarnation: Incarnation(number),
    };
    let (early, kept) = accepted(one, 2);
    let (_, lost) = accepted(one, 5);
    let (elsewhere, other) = accepted(two, 5);
    storage.commit(&log([kept, lost, other, began(2, 7), began(4, 9), reader(Some(4))])).unwrap();
    storage.commit(&log([LogWrite::Head(head(one, 5))])).unwrap();
    storage.commit(&log([welcome(3, "b"), welcome(4, "b"), welcome(5, "c")])).unwrap();
    storage.commit(&side([sent(3, "b"), sent(5, "c")])).unwrap();
    let back = LogWrite::Rewind(record(one, Role::Hub, 3));
    storage.commit(&log([back, reader(None), append(one, 3, 1)])).unwrap();

    let key =
        |channel, seq| IdempotencyKey { channel, device: device("ana"), client_id: client_id(seq) };
    let keys = [key(one, 2), key(one, 5), key(two, 5)];
    let expected = [Some(early), None, Some(elsewhere)];
    assert_eq!(storage.accepted(&keys).unwrap(), expected);
    let mut read = storage.reader().unwrap();
    let seqs: Vec<_> = read.items(&one, Seq(0), ALL).unwrap().iter().map(|i| i.seq.0).collect();
    assert_eq!(seqs, [0, 1, 2, 3, 4]);
    assert_eq!(read.channel(&one).unwrap().unwrap().tail.seq, Seq(4));
    assert_eq!(read.items(&two, Seq(0), ALL).unwrap().len(), 7, "another channel's stays");
    assert_eq!(read.newest_head(&one, Seq(0), Seq(9)).unwrap(), None);
    let incarnations: Vec<_> = read.incarnations(&one).unwrap().iter().collect();
    assert_eq!(incarnations, [(Seq(2), Incarnation(7))]);
    let range = ReadRange { from: Seq(0), to: None };
    assert_eq!(read.readers(&one).unwrap(), [(device("ana"), range)]);
    storage.commit(&side([wanted("b"), wanted("c")])).unwrap();
    let place = PendingWelcome { channel: one, seq: Seq(3) };
    assert_eq!(read.pending_welcomes(&device("ben"), 9).unwrap(), [place]);
    assert_eq!(read.outbound_welcomes(&domain("b"), 9).unwrap(), [place]);
    assert!(read.outbound_welcomes(&domain("c"), 9).unwrap().is_empty());
    assert_eq!(read.welcome(&one, Seq(5)).unwrap(), None);
    let later = LogWrite::Rewind(record(one, Role::Hub, 6));
    assert!(matches!(storage.commit(&log([later])), Err(StorageError::Conflict(_))));
}

pub(super) fn accepted_lookup(store: &dyn TestStore) {
    let (one, two) = (channel(1), channel(2));
    let mut storage = store.open().unwrap();
    let (kept, write) = accepted(one, 2);
    storage.commit(&log([create(one), append(one, 0, 3), create(two), write])).unwrap();
    let key = |channel, name, client_id| {
        let device = device(name);
        IdempotencyKey { channel, device, client_id }
    };
    let keys = [
        key(one, "ana", client_id(2)),
        key(one, "ana", ClientId([9; 16])),
        key(two, "ana", client_id(2)),
        key(one, "ben", client_id(2)),
        key(channel(3), "ana", client_id(2)),
    ];
    let expected = [Some(kept), None, None, None, None];
    assert_eq!(storage.accepted(&keys).unwrap(), expected);
    drop(storage);
    assert_eq!(store.open().unwrap().accepted(&keys).unwrap(), expected);
}

pub(super) fn one_writer(store: &dyn TestStore) {
    let mut storage = store.open().unwrap();
    assert!(matches!(store.open(), Err(StorageError::InUse(_))));
    let mut read = storage.reader().unwrap();
    assert_eq!(read.channel(&channel(1)).unwrap(), None);
    storage.commit(&log([create(channel(1))])).unwrap();
    assert!(read.channel(&channel(1)).unwrap().is_some());
    drop(read);
    drop(storage);
    drop(store.open().unwrap());
}
