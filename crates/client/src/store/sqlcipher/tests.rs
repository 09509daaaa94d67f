//! The engine under crashes, several processes, other passphrases and other versions.

mod commitments;
mod questions;

use std::time::Duration;

use enlace_channel::state_store::StateError;
use enlace_identity::keys::Passphrase;
use enlace_identity::time::Timestamp;
use enlace_log::{
    ChainHash, ChannelId, ClientId, Commitment, Envelope, Generation, Item, ItemKind, ListHash,
    PayloadHash, Sealed, Seq, SubmitCounter, WelcomesHash,
};
use tempfile::TempDir;

use super::SqlCipher;
use crate::notice::Notice;
use crate::store::migrations::MIGRATIONS;
use crate::store::{
    ChannelRow, ChannelStanding, EntryRow, ErasedBecause, ErasureRow, ItemRow, NoticeRow,
    OutboxRow, OutboxState, RefusedWelcome, Store as _, StoreError, TombstoneRow, WelcomeDigest,
};
use crate::task::Task;

const SECRET: &str = "clave de prueba 'con' comillas";
const TITLE: &str = "Caso Jacaranda";

fn passphrase() -> Passphrase {
    Passphrase::new(SECRET)
}

fn open(dir: &TempDir) -> SqlCipher {
    SqlCipher::open(&dir.path().join("store.db"), &passphrase()).unwrap()
}

fn channel(id: u8) -> ChannelRow {
    ChannelRow {
        id: ChannelId([id; 32]),
        hub: "fge.example".parse().unwrap(),
        title: TITLE.to_owned(),
        standing: ChannelStanding::Member,
        stopped: None,
        head: None,
        joined_at: Timestamp::from_millis(u64::from(id)),
        updated_at: Timestamp::from_millis(5),
    }
}

fn row(id: u8) -> OutboxRow {
    OutboxRow {
        position: 0,
        client_id: ClientId([id; 16]),
        channel: ChannelId([1; 32]),
        task: Task::Admit {
            officer: "bruno@mp.example".parse().unwrap(),
            role: "lead".parse().unwrap(),
            key_package: Some(vec![1, 2, 3]),
        },
        signed: None,
        sealed: None,
        state: OutboxState::Queued,
        attempts: 3,
        not_before: Timestamp::from_millis(7),
        automatic: false,
        created_at: Timestamp::from_millis(6),
    }
}

#[test]
fn what_was_not_committed_is_gone_and_what_was_stays() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let tx = store.begin().unwrap();
    tx.put(b"kept", b"1").unwrap();
    tx.put_channel(&channel(1)).unwrap();
    tx.commit().unwrap();
    let tx = store.begin().unwrap();
    tx.put(b"kept", b"2").unwrap();
    tx.put(b"lost", b"2").unwrap();
    tx.put_channel(&channel(2)).unwrap();
    drop(tx);
    drop(store);

    let mut store = open(&dir);
    let tx = store.read().unwrap();
    assert_eq!(tx.get(b"kept").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(tx.get(b"lost").unwrap(), None);
    assert_eq!(tx.channels().unwrap(), [channel(1)]);
}

#[test]
fn a_process_that_dies_in_a_transaction_leaves_no_trace() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.begin().unwrap().commit().unwrap();
    let mut dying = open(&dir);
    let tx = dying.begin().unwrap();
    tx.put(b"state", b"half").unwrap();
    tx.put_channel(&channel(1)).unwrap();
    // The files as another process finds them after SIGKILL.
    let copy = TempDir::new().unwrap();
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let mut after = open(&copy);
    let tx = after.read().unwrap();
    assert_eq!(tx.get(b"state").unwrap(), None);
    assert!(tx.channels().unwrap().is_empty());
}

#[test]
fn savepoints_nest_and_undo_rows_too() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let tx = store.begin().unwrap();
    tx.put(b"a", b"outer").unwrap();
    tx.savepoint().unwrap();
    tx.put(b"a", b"inner").unwrap();
    tx.savepoint().unwrap();
    tx.delete(b"a").unwrap();
    tx.put_channel(&channel(1)).unwrap();
    tx.rollback().unwrap();
    assert_eq!(tx.get(b"a").unwrap().as_deref(), Some(&b"inner"[..]));
    assert!(tx.channels().unwrap().is_empty());
    tx.release().unwrap();
    assert!(matches!(tx.release(), Err(StateError::NoSavepoint)));
    tx.savepoint().unwrap();
    tx.put(b"b", b"gone").unwrap();
    tx.rollback().unwrap();
    tx.commit().unwrap();
    let tx = store.read().unwrap();
    assert_eq!(tx.get(b"a").unwrap().as_deref(), Some(&b"inner"[..]));
    assert_eq!(tx.get(b"b").unwrap(), None);
}

#[test]
fn another_writer_shows_in_the_data_version_and_the_own_does_not() {
    let dir = TempDir::new().unwrap();
    let (mut one, mut two) = (open(&dir), open(&dir));
    let version = |store: &mut SqlCipher| store.read().unwrap().data_version().unwrap();
    let before = version(&mut one);
    let tx = one.begin().unwrap();
    tx.put(b"a", b"1").unwrap();
    tx.commit().unwrap();
    assert_eq!(version(&mut one), before);
    let tx = two.begin().unwrap();
    assert_eq!(tx.get(b"a").unwrap().as_deref(), Some(&b"1"[..]));
    tx.put(b"a", b"2").unwrap();
    tx.commit().unwrap();
    assert_ne!(version(&mut one), before);
}

#[test]
fn a_second_writer_waits_for_the_first() {
    let dir = TempDir::new().unwrap();
    let mut one = open(&dir);
    let mut two = open(&dir);
    let tx = one.begin().unwrap();
    tx.put(b"n", b"1").unwrap();
    let (started, starts) = std::sync::mpsc::sync_channel(1);
    let second = std::thread::spawn(move || {
        started.send(()).unwrap();
        let tx = two.begin().unwrap();
        let seen = tx.get(b"n").unwrap();
        tx.commit().unwrap();
        seen
    });
    starts.recv().unwrap();
    tx.commit().unwrap();
    assert_eq!(second.join().unwrap().as_deref(), Some(&b"1"[..]));
}

#[test]
fn another_passphrase_opens_nothing() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    let other = SqlCipher::open(&dir.path().join("store.db"), &Passphrase::new("otra"));
    assert!(matches!(other, Err(StoreError::WrongPassphrase)));
    drop(open(&dir));
}

#[test]
fn nothing_is_on_disk_in_clear() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let tx = store.begin().unwrap();
    tx.put_channel(&channel(1)).unwrap();
    tx.put(b"state", TITLE.as_bytes()).unwrap();
    tx.commit().unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!contains(&bytes, TITLE.as_bytes()));
        assert!(!contains(&bytes, b"SQLite format 3"));
    }
    let control = [b"..", TITLE.as_bytes()].concat();
    assert!(contains(&control, TITLE.as_bytes()));
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn an_older_store_opens_in_a_newer_program_and_not_the_other_way_round() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("store.db");
    let mut store = open(&dir);
    let tx = store.begin().unwrap();
    tx.put_channel(&channel(1)).unwrap();
    tx.commit().unwrap();
    drop(store);

    let newer = [MIGRATIONS, &["ALTER TABLE channels ADD COLUMN colour TEXT"]].concat();
    let mut store = SqlCipher::open_with(&path, &passphrase(), &newer).unwrap();
    assert_eq!(store.read().unwrap().channels().unwrap(), [channel(1)]);
    drop(store);

    let older = SqlCipher::open(&path, &passphrase());
    let known = MIGRATIONS.len();
    assert!(
        matches!(older, Err(StoreError::Newer { found, known: k }) if found == known + 1 && k == known)
    );
}

/// The file was made by version 1 of the schema, and is never made again.
#[test]
fn a_store_of_version_1_opens() {
    let dir = TempDir::new().unwrap();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/store-v1.db");
    if std::env::var_os("ENLACE_WRITE_FIXTURE").is_some() {
        make_fixture(fixture);
    }
    std::fs::copy(fixture, dir.path().join("store.db")).unwrap();
    let mut store = open(&dir);
    let tx = store.read().unwrap();
    assert_eq!(tx.channels().unwrap(), [channel(1)]);
    assert_eq!(tx.get(b"state").unwrap().as_deref(), Some(&b"value"[..]));
    let queued = tx.queued(None).unwrap();
    assert_eq!(queued, [OutboxRow { position: 1, ..row(9) }]);
}

/// Made the fixture of version 1, once: a store that a release wrote is never made again.
fn make_fixture(path: &str) {
    let mut store = SqlCipher::open_with(path.as_ref(), &passphrase(), &MIGRATIONS[..1]).unwrap();
    let tx = store.begin().unwrap();
    tx.put_channel(&channel(1)).unwrap();
    tx.put(b"state", b"value").unwrap();
    tx.put_outbox(&row(9)).unwrap();
    tx.commit().unwrap();
}

#[test]
fn rows_come_back_as_they_went_in() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let tx = store.begin().unwrap();
    tx.put_channel(&channel(1)).unwrap();
    let first = OutboxRow { position: tx.put_outbox(&row(1)).unwrap(), ..row(1) };
    let second = OutboxRow { position: tx.put_outbox(&row(2)).unwrap(), ..row(2) };
    assert!(tx.put_outbox(&row(1)).is_err(), "a client id is used once");
    assert_eq!(tx.queued(None).unwrap(), [first.clone(), second.clone()]);
    let done = OutboxRow { state: OutboxState::Accepted(Some(Seq(4))), ..first };
    tx.update_outbox(&done).unwrap();
    assert_eq!(tx.queued(Some(second.channel)).unwrap(), [second]);
    assert_eq!(tx.outbox_of(done.client_id).unwrap(), Some(done));

    let by = "pc.ana.officer.fge.example".parse().unwrap();
    let notice = NoticeRow {
        id: 0,
        channel: Some(ChannelId([1; 32])),
        seq: Some(Seq(3)),
        at: Timestamp::from_millis(9),
        notice: Notice::Joined { by },
    };
    let id = tx.put_notice(&notice).unwrap();
    tx.put_notice(&NoticeRow { channel: None, ..notice.clone() }).unwrap();
    let stored = NoticeRow { id, ..notice };
    assert_eq!(tx.notices(stored.channel, 0, 10).unwrap(), [stored]);
    assert_eq!(tx.notices(None, id, 10).unwrap().len(), 1);

    assert!(!tx.has_welcome(WelcomeDigest([1; 32])).unwrap());
    tx.put_welcome(WelcomeDigest([1; 32])).unwrap();
    assert!(tx.has_welcome(WelcomeDigest([1; 32])).unwrap());
    assert!(!tx.has_welcome(WelcomeDigest([2; 32])).unwrap());
    tx.put_setting("a", Some("b")).unwrap();
    assert_eq!(tx.setting("a").unwrap().as_deref(), Some("b"));
    tx.put_setting("a", None).unwrap();
    assert_eq!(tx.setting("a").unwrap(), None);
}

#[test]
fn refused_welcomes_are_remembered_within_limits() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let tx = store.begin().unwrap();
    let put = |hub: Option<&str>, seq, at| {
        let hub = hub.map(|hub| hub.parse().unwrap());
        let (channel, at) = (ChannelId([1; 32]), Timestamp::from_millis(at));
        let refused = RefusedWelcome { hub, channel, seq: Seq(seq), at };
        tx.put_refused_welcome(&refused, at.minus(Duration::from_millis(10)), 2).unwrap()
    };
    assert!(put(Some("a.example"), 1, 100));
    assert!(!put(Some("a.example"), 1, 101), "its place is remembered");
    assert!(put(Some("a.example"), 2, 102));
    assert!(!put(Some("a.example"), 3, 103), "two are");
    assert!(put(None, 3, 103) && put(Some("b.example"), 3, 103), "of others as well");
    assert!(put(Some("a.example"), 3, 111), "the first is forgotten");
    assert!(!put(Some("a.example"), 1, 111));
    assert!(put(Some("a.example"), 1, 50), "a clock that was ahead locks nobody out");
}

#[test]
fn a_device_that_is_let_back_in_takes_its_log_in_again() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let tx = store.begin().unwrap();
    let item = leave(Seq(3), Timestamp::from_millis(9));
    tx.put_channel(&channel(1)).unwrap();
    for chain in [ChainHash([1; 32]), ChainHash([2; 32])] {
        tx.put_item(&ItemRow { item: item.clone(), chain }).unwrap();
    }
    let stored = tx.item(ChannelId([1; 32]), Seq(3)).unwrap().unwrap();
    assert_eq!(stored.chain, ChainHash([2; 32]));
}

/// The chain is hashed over it: a fork is proved from what is stored.
#[test]
fn whatever_time_a_hub_signs_comes_back() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let tx = store.begin().unwrap();
    tx.put_channel(&channel(1)).unwrap();
    for millis in [0, 1 << 63, u64::MAX] {
        let item = leave(Seq(3), Timestamp::from_millis(millis));
        tx.put_item(&ItemRow { item: item.clone(), chain: ChainHash([1; 32]) }).unwrap();
        let stored = tx.item(ChannelId([1; 32]), Seq(3)).unwrap().unwrap();
        assert_eq!(stored.item, item);
    }
}

/// Whoever names the same places again and again has nobody's store written anew each time.
#[test]
fn only_a_tombstone_that_drops_something_has_the_files_written_anew() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let item = leave(Seq(3), Timestamp::from_millis(9));
    let tombstone = TombstoneRow {
        channel: ChannelId([1; 32]),
        seq: item.seq,
        by: "pc.ana.officer.fge.example".parse().unwrap(),
        at: Timestamp::from_millis(10),
        by_seq: Seq(4),
    };
    let tx = store.begin().unwrap();
    tx.put_channel(&channel(1)).unwrap();
    assert!(!tx.put_tombstone(&TombstoneRow { seq: Seq(2), ..tombstone.clone() }).unwrap());
    assert_eq!(tx.setting("scrub-due").unwrap(), None);
    tx.put_item(&ItemRow { item, chain: ChainHash([1; 32]) }).unwrap();
    assert!(tx.put_tombstone(&tombstone).unwrap());
    assert!(tx.setting("scrub-due").unwrap().is_some());
    tx.commit().unwrap();
    assert!(store.scrub().unwrap());
    let tx = store.begin().unwrap();
    assert!(!tx.put_tombstone(&TombstoneRow { by_seq: Seq(5), ..tombstone }).unwrap());
    assert_eq!(tx.setting("scrub-due").unwrap(), None);
}

fn leave(seq: Seq, received_at: Timestamp) -> Item {
    let payload = b"left";
    let envelope = Envelope {
        channel: ChannelId([1; 32]),
        generation: Generation(0),
        kind: ItemKind::Leave,
        author: "pc.ana.officer.fge.example".parse().unwrap(),
        client_id: ClientId([1; 16]),
        submit_counter: SubmitCounter(1),
        fence: Some(Seq(0)),
        last_valid_commit: Some(Seq(0)),
        commitment: Commitment::NONE,
        list_hash: ListHash::NONE,
        welcomes_hash: WelcomesHash::NONE,
        payload_hash: PayloadHash::of(payload),
    };
    let sealed =
        Sealed::read(envelope.encode().into(), &[0; 64], payload.to_vec().into(), None).unwrap();
    Item { seq, received_at, sealed }
}

/// Whoever has the disk and the passphrase finds nothing of what was erased: in no page, used or
/// free, and in no frame of the log beside it, which is gone.
#[test]
fn what_was_erased_is_in_no_page_and_no_log() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let tx = store.begin().unwrap();
    tx.put_channel(&channel(1)).unwrap();
    let entry = |id: u8| EntryRow {
        channel: ChannelId([1; 32]),
        seq: Seq(u64::from(id)),
        received_at: Timestamp::from_millis(1),
        author: "pc.ana.officer.fge.example".parse().unwrap(),
        client_id: ClientId([id; 16]),
        kind: 1,
        local_time: Timestamp::from_millis(1),
        handling: enlace_channel::entry::HandlingCode::H1,
        body: format!("secreto {id:03} {}", "x".repeat(usize::from(id) * 29)),
        signed: format!("firmado {id:03} {}", "y".repeat(usize::from(id) * 31)).into_bytes(),
        certificate: [0; 32],
        commitment: Commitment([id; 32]),
        parent: None,
    };
    for id in 0..200 {
        tx.put_entry(&entry(id)).unwrap();
    }
    tx.commit().unwrap();
    let erasure = |id: u8| ErasureRow {
        channel: ChannelId([1; 32]),
        author: entry(id).author,
        client_id: ClientId([id; 16]),
        why: ErasedBecause::Withdrawn,
        by: None,
        at: Timestamp::from_millis(2),
    };
    for id in (0..200).filter(|id| id % 3 == 0) {
        let tx = store.begin().unwrap();
        assert!(tx.erase_entry(&erasure(id), b"sin contenido").unwrap());
        assert!(!tx.erase_entry(&erasure(id), b"sin contenido").unwrap());
        tx.commit().unwrap();
    }
    assert!(store.scrub().unwrap());
    let log = std::fs::metadata(dir.path().join("store.db-wal")).map_or(0, |meta| meta.len());
    assert_eq!(log, 0);
    let pages = store.connection.serialize("main").unwrap().to_vec();
    let mut found = 0;
    for id in 0..200 {
        for what in ["secreto", "firmado"] {
            let needle = format!("{what} {id:03}").into_bytes();
            let is_there = pages.windows(needle.len()).any(|window| window == needle);
            assert!(!is_there || id % 3 != 0, "{what} {id}");
            found += u32::from(is_there);
        }
    }
    // What stays is found by the same search, but where it lies across two pages.
    assert!((250..=266).contains(&found), "{found}");
    // Once more, and the files need nothing.
    let tx = store.begin().unwrap();
    assert!(!tx.erase_entry(&erasure(0), b"sin contenido").unwrap());
    assert_eq!(tx.setting("scrub-due").unwrap(), None);
}
