//! Entries are found by what names them, also those of an older store.

use enlace_channel::entry::{EntryKind, HandlingCode, NoteDraft, Salt, SignedEntry, TimeZone};
use enlace_identity::keys::SigningKey;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, ClientId, Commitment, Generation, Seq};
use tempfile::TempDir;

use super::{channel, open};
use crate::engine::body_of;
use crate::store::{EntryRow, Store as _};

fn entry(id: u8, kind: EntryKind, parent: Option<Commitment>) -> SignedEntry {
    let author = "pc.ana.officer.fge.example".parse().unwrap();
    let draft = NoteDraft {
        channel: ChannelId([1; 32]),
        generation: Generation(0),
        author: &author,
        client_id: ClientId([id; 16]),
        local_time: Timestamp::from_millis(1),
        time_zone: TimeZone::utc(),
        handling: HandlingCode::H1,
        restriction: None,
        parent,
        known_head: None,
        text: "dicho",
    };
    draft.sign_as(kind, &SigningKey::generate(), || Salt::from_bytes([id; 16])).unwrap()
}

fn row(seq: u64, entry: &SignedEntry) -> EntryRow {
    let header = entry.header();
    EntryRow {
        channel: header.channel,
        seq: Seq(seq),
        received_at: Timestamp::from_millis(1),
        author: header.author.clone(),
        client_id: header.client_id,
        kind: header.kind.code(),
        local_time: header.local_time,
        handling: header.handling,
        body: body_of(entry),
        signed: entry.encode(),
        certificate: [0; 32],
        commitment: entry.commitment(),
        parent: header.parent,
    }
}

/// A store with two notes, the first of them withdrawn.
fn store(dir: &TempDir) -> [EntryRow; 3] {
    let notes = [entry(1, EntryKind::Note, None), entry(2, EntryKind::Note, None)];
    let withdrawal = entry(3, EntryKind::Withdrawal, Some(notes[0].commitment()));
    let rows = [row(1, &notes[0]), row(2, &notes[1]), row(3, &withdrawal)];
    let mut store = open(dir);
    let tx = store.begin().unwrap();
    tx.put_channel(&channel(1)).unwrap();
    rows.iter().for_each(|row| assert!(tx.put_entry(row).unwrap()));
    tx.commit().unwrap();
    rows
}

fn assert_found(dir: &TempDir, rows: &[EntryRow; 3]) {
    let mut store = open(dir);
    let tx = store.read().unwrap();
    let (id, withdrawal) = (ChannelId([1; 32]), EntryKind::Withdrawal.code());
    for row in rows {
        assert_eq!(tx.entry_committed(id, row.commitment).unwrap().as_ref(), Some(row));
    }
    let about = tx.entries_about(id, rows[0].commitment, withdrawal).unwrap();
    assert_eq!(about, [rows[2].clone()]);
    assert_eq!(tx.entries_about(id, rows[1].commitment, withdrawal).unwrap(), []);
    assert_eq!(tx.entry_committed(ChannelId([2; 32]), rows[0].commitment).unwrap(), None);
}

#[test]
fn entries_are_found_by_what_names_them() {
    let dir = TempDir::new().unwrap();
    let rows = store(&dir);
    assert_found(&dir, &rows);
}

#[test]
fn those_of_an_older_store_too() {
    let dir = TempDir::new().unwrap();
    let rows = store(&dir);
    let older = "
        DROP INDEX entries_by_commitment;
        DROP INDEX entries_by_parent;
        ALTER TABLE entries DROP COLUMN commitment;
        ALTER TABLE entries DROP COLUMN parent;
        ALTER TABLE superseded_entries DROP COLUMN commitment;
        ALTER TABLE superseded_entries DROP COLUMN parent;
        DROP TABLE erasure_confirmations;
        DROP TABLE erasure_inquiries;
        PRAGMA user_version = 5;";
    open(&dir).connection.execute_batch(older).unwrap();
    assert_found(&dir, &rows);
}

/// Nobody makes a store read everything by correcting or withdrawing again and again.
#[test]
fn no_channel_is_read_from_end_to_end_for_it() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    for (sql, index) in [
        ("SELECT * FROM entries WHERE channel = ?1 AND commitment = ?2", "entries_by_commitment"),
        (
            "SELECT * FROM entries WHERE channel = ?1 AND parent = ?2 AND kind = ?3",
            "entries_by_parent",
        ),
        ("SELECT 1 FROM entries WHERE channel = ?1 AND kind = ?2 LIMIT 1", "entries_by_kind"),
    ] {
        let mut plan = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let count = plan.parameter_count();
        let no_values = rusqlite::params_from_iter(vec![0; count]);
        let steps: Vec<String> = plan
            .query_map(no_values, |row| row.get("detail"))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(steps.iter().all(|step| step.contains(index)), "{sql}: {steps:?}");
    }
}
