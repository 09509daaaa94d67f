//! Backups: what is in them, what is not, and that they replace a lost device's history.

use std::time::Duration;

use enlace_channel::entry::TimeZone;
use enlace_identity::keys::Passphrase;
use enlace_log::{ChannelId, Seq};
use rusqlite::Connection;

use super::files::{holds, pages, traces};
use super::withdrawals::place;
use super::world::{TITLE, World};
use crate::engine::{BackupError, NewNote, Restored, Wish};

const SECRET: &str = "la testigo vive en la calle Ocampo 14";
const PASSPHRASE: &str = "otra clave para la copia";

fn passphrase() -> Passphrase {
    Passphrase::new(PASSPHRASE)
}

fn nothing() -> NewNote {
    NewNote {
        text: String::new(),
        handling: None,
        restriction: None,
        time_zone: TimeZone::utc(),
        client_id: None,
    }
}

impl World {
    fn back_up(&mut self, name: &str, file: &str) -> std::path::PathBuf {
        let path = self.dir.path().join(file);
        self.engine(name).backup(&path, &passphrase()).unwrap();
        path
    }

    fn restore(&mut self, name: &str, path: &std::path::Path) -> Result<Restored, BackupError> {
        let scratch = self.dir.path().join("scratch.db");
        let restored = self.engine(name).restore(path, &passphrase(), &scratch);
        assert!(!scratch.exists());
        restored
    }

    fn bodies(&mut self, name: &str, channel: ChannelId) -> Vec<(String, bool)> {
        let views = self.engine(name).entries(channel, Seq(0), 1000).unwrap();
        views.into_iter().map(|view| (view.body, view.restored)).collect()
    }
}

#[test]
fn a_backup_holds_the_history_and_no_secret_of_the_device() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.settle();
    world.post("ana", channel, "aún sin enviar");
    let path = world.back_up("ana", "ana.backup");
    let refused = world.engine("ana").backup(&path, &passphrase());
    assert!(matches!(refused, Err(BackupError::Exists)));
    let raw = std::fs::read(&path).unwrap();
    assert!(!holds(&raw, SECRET.as_bytes()) && !holds(&raw, TITLE.as_bytes()), "encrypted");
    assert!(!path.with_extension("backup-wal").exists());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "key", PASSPHRASE).unwrap();
    let count = |table: &str| -> u64 {
        connection
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap()
    };
    for table in ["state", "key_packages", "outbox", "welcomes", "documents"] {
        assert_eq!(count(table), 0, "{table}");
    }
    assert_eq!((count("channels"), count("entries")), (1, 1));
    drop(connection);
    // What the store has of keys is nowhere in it, in no page.
    let store = world.officers["ana"].store.clone();
    let secrets = Connection::open(&store).unwrap();
    secrets.pragma_update(None, "key", super::files::PASSPHRASE).unwrap();
    let mut statement =
        secrets.prepare("SELECT value FROM state WHERE length(value) > 24").unwrap();
    let values: Vec<Vec<u8>> =
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(values.len() > 10);
    let pages = pages(&path, PASSPHRASE);
    assert!(holds(&pages, SECRET.as_bytes()));
    for value in &values {
        assert!(!holds(&pages, value), "a value of the MLS state");
    }
}

#[test]
fn a_new_device_reads_the_history_and_goes_on_when_it_is_let_in() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.post("eva", channel, "de Eva");
    world.settle();
    let path = world.back_up("eva", "eva.backup");
    world.post("ana", channel, "después de la copia");
    world.settle();
    // Eva's computer is lost; the new one is another device of hers.
    world.officers.remove("eva");
    world.hub.pools.clear();
    world.enroll_device("eva2", "pc2", "eva", "fge");
    let wrong = world.dir.path().join("scratch2.db");
    let refused = world.engine("eva2").restore(&path, &Passphrase::new("no es esta"), &wrong);
    assert!(matches!(refused, Err(BackupError::WrongPassphrase)));
    let refused = world.restore("bruno", &path);
    assert!(matches!(refused, Err(BackupError::OtherOfficer(_))));
    let restored = world.restore("eva2", &path).unwrap();
    assert_eq!((restored.channels, restored.entries, restored.refused), (1, 2, 0));
    let expected = [(SECRET.to_owned(), true), ("de Eva".to_owned(), true)];
    assert_eq!(world.bodies("eva2", channel), expected);
    // The same again brings nothing.
    assert_eq!(world.restore("eva2", &path).unwrap().entries, 0);
    // Ana, the lead, takes the lost device out and the officer in.
    let eva = world.address("eva2");
    world.engine("ana").wish(channel, Wish::Remove(eva.clone())).unwrap();
    world.settle();
    let role = enlace_channel::policy::Role::Member;
    world.engine("ana").wish(channel, Wish::Add(eva, role)).unwrap();
    world.settle();
    world.post("eva2", channel, "de nuevo aquí");
    world.settle();
    let bodies = world.bodies("eva2", channel);
    assert_eq!(bodies.len(), 3, "{bodies:?}");
    assert_eq!(bodies[2], ("de nuevo aquí".to_owned(), false));
    assert!(world.texts("bruno", channel).contains(&"de nuevo aquí".to_owned()));
    world.assert_agreement(channel, &["ana", "bruno", "eva2"]);
    // What is withdrawn from then on goes from what the backup brought, too.
    let seq = place(&mut world, "ana", channel, SECRET);
    let there = traces(&mut world, "eva2", channel, seq);
    world.engine("ana").withdraw(channel, seq, nothing()).unwrap();
    world.settle();
    world.assert_gone("eva2", &there);
}

#[test]
fn what_was_written_when_a_certificate_had_ended_is_restored() {
    let mut world = World::new();
    let channel = world.case();
    world.enroll_device("eva2", "pc2", "eva", "fge");
    // Ana's, with which she stands in the channel, holds for 90 days.
    world.clock.advance(Duration::from_secs(100 * 86_400));
    world.post("ana", channel, SECRET);
    world.settle();
    let path = world.back_up("eva", "eva.backup");
    let restored = world.restore("eva2", &path).unwrap();
    assert_eq!((restored.entries, restored.refused), (1, 0));
}

#[test]
fn later_backups_hold_nothing_of_what_was_erased() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.settle();
    let seq = place(&mut world, "eva", channel, SECRET);
    let there = traces(&mut world, "eva", channel, seq);
    let older = world.back_up("eva", "1.backup");
    world.engine("ana").withdraw(channel, seq, nothing()).unwrap();
    world.settle();
    let later = world.back_up("eva", "2.backup");
    let pages = pages(&later, PASSPHRASE);
    for trace in &there {
        assert!(!holds(&pages, trace));
    }
    // An older one brings nothing back where the log has said what became of it.
    let restored = world.restore("eva", &older).unwrap();
    assert_eq!(restored.entries, 0);
    world.assert_gone("eva", &there);
    // Nor on a new device, once the later one was there.
    world.enroll_device("eva2", "pc2", "eva", "fge");
    world.restore("eva2", &later).unwrap();
    world.restore("eva2", &older).unwrap();
    world.assert_gone("eva2", &there);
    // Nor the other way round.
    world.enroll_device("eva3", "pc3", "eva", "fge");
    world.restore("eva3", &older).unwrap();
    world.assert_there("eva3", &[SECRET.into()]);
    world.restore("eva3", &later).unwrap();
    world.assert_gone("eva3", &there);
}

/// Whoever has the passphrase can write what they like into the file: nobody is made to have said it.
#[test]
fn what_its_author_did_not_sign_is_not_restored() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, SECRET);
    world.post("ana", channel, "segunda");
    world.settle();
    for (file, forge) in [
        ("1", "UPDATE entries SET author = 'pc.bruno.officer.mp.example' WHERE body = 'segunda'"),
        ("2", "UPDATE entries SET seq = 900 WHERE body = 'segunda'"),
        ("3", "UPDATE entries SET certificates = zeroblob(32) WHERE body = 'segunda'"),
        ("4", "UPDATE entries SET received_at = received_at + 1 WHERE body = 'segunda'"),
        (
            "5",
            "UPDATE entries SET signed = (SELECT signed FROM entries WHERE body != 'segunda')
               WHERE body = 'segunda'",
        ),
    ] {
        let path = world.back_up("eva", file);
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "key", PASSPHRASE).unwrap();
        assert_eq!(connection.execute(forge, []).unwrap(), 1);
        drop(connection);
        let name: &'static str = ["", "e1", "e2", "e3", "e4", "e5"][file.parse::<usize>().unwrap()];
        world.enroll_device(name, name, "eva", "fge");
        let restored = world.restore(name, &path).unwrap();
        assert_eq!((restored.entries, restored.refused), (1, 1), "{forge}");
        assert_eq!(world.bodies(name, channel), [(SECRET.to_owned(), true)]);
    }
    // What is shown is what was signed, whatever stands beside it.
    let path = world.back_up("eva", "6");
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "key", PASSPHRASE).unwrap();
    connection.execute("UPDATE entries SET body = 'mentira'", []).unwrap();
    drop(connection);
    world.enroll_device("e6", "e6", "eva", "fge");
    world.restore("e6", &path).unwrap();
    assert_eq!(world.bodies("e6", channel)[0].0, SECRET);
}

/// A backup says of its own entries what became of them; of others, and of channels of which it
/// brings nothing, its word counts for nothing.
#[test]
fn what_a_backup_says_of_others_entries_is_left_out() {
    let mut world = World::new();
    let (channel, other) = (world.case(), world.case());
    world.post("ana", channel, SECRET);
    world.post("ana", other, "en otro caso");
    world.settle();
    let seq = place(&mut world, "eva", channel, SECRET);
    let mut forge = |file: &str, statements: &[&str]| {
        let path = world.back_up("eva", file);
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "key", PASSPHRASE).unwrap();
        for sql in statements {
            let sql = sql.replace("CHANNEL", &format!("x'{channel}'"));
            let sql = sql.replace("OTHER", &format!("x'{other}'"));
            assert_eq!(connection.execute(&sql, []).unwrap(), 1, "{sql}");
        }
        path
    };
    let erased = "INSERT INTO erasures (channel, author, client_id, why, by_seq, at)
         SELECT channel, author, client_id, 'withdrawn', 3, 4 FROM entries WHERE channel = CHANNEL";
    let unknown = "INSERT INTO erasures (channel, author, client_id, why, by_seq, at)
         SELECT channel, author, zeroblob(16), 'withdrawn', 3, 4 FROM entries WHERE channel = CHANNEL";
    let by_ana = "INSERT INTO tombstones (channel, seq, by, at, by_seq)
         SELECT channel, seq, author, 4, 900 FROM entries WHERE channel = CHANNEL";
    let nowhere = "INSERT INTO tombstones (channel, seq, by, at, by_seq)
         SELECT channel, 800, author, 4, 900 FROM entries WHERE channel = CHANNEL";
    let strange = "INSERT INTO items (channel, seq, received_at, envelope, outer_signature,
             list_change, chain, statement)
         SELECT CHANNEL, 700, received_at, envelope, outer_signature, list_change, chain, statement
         FROM items WHERE channel = OTHER ORDER BY seq LIMIT 1";
    let about_own = forge("own", &[erased, by_ana]);
    let about_others = forge("others", &[unknown, nowhere, strange]);
    let of_nothing = forge("nothing", &["DELETE FROM entries WHERE channel = OTHER"]);
    let of = |world: &mut World, name: &str| {
        let engine = world.engine(name);
        engine.read(|tx| Ok((tx.erasures(channel)?.len(), tx.tombstones(channel)?.len()))).unwrap()
    };

    // Where the entry is already, the log has said what became of it.
    world.restore("eva", &about_own).unwrap();
    assert_eq!(of(&mut world, "eva"), (0, 0));
    assert!(world.texts("eva", channel).contains(&SECRET.to_owned()));
    // What is there to be read was not erased.
    world.enroll_device("e1", "e1", "eva", "fge");
    assert_eq!(world.restore("e1", &about_own).unwrap().left_out, 1);
    assert_eq!(of(&mut world, "e1"), (0, 1));
    world.enroll_device("e2", "e2", "eva", "fge");
    let restored = world.restore("e2", &about_others).unwrap();
    assert_eq!((restored.entries, restored.refused, restored.left_out), (2, 0, 2));
    assert_eq!(of(&mut world, "e2"), (0, 0));
    let item = |world: &mut World, id| world.engine("e2").read(|tx| tx.item(id, Seq(700))).unwrap();
    assert!(item(&mut world, other).is_none() && item(&mut world, channel).is_none());
    assert!(world.engine("e2").read(|tx| tx.item(channel, seq)).unwrap().is_some());
    world.enroll_device("e3", "e3", "eva", "fge");
    assert_eq!(world.restore("e3", &of_nothing).unwrap().channels, 1);
    let row = |world: &mut World, id| world.engine("e3").read(|tx| tx.channel(id)).unwrap();
    assert!(row(&mut world, other).is_none());
    assert!(row(&mut world, channel).unwrap().head.is_none(), "nobody has verified that");
}
