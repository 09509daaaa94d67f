//! A client that was away for a month comes back by itself; so does an officer whose device is a new
//! one, with an older backup.

use std::time::Duration;

use enlace_identity::keys::Passphrase;
use enlace_log::{ChannelId, Generation, Seq};

use super::world::World;
use crate::engine::Wish;
use crate::store::OutboxState;
use crate::task::Task;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How often the channel goes on in another group meanwhile.
const SUCCESSIONS: usize = 2;

/// More than there are.
const ALL: usize = 100_000;

/// How much happens meanwhile.
#[derive(Clone, Copy)]
struct Month {
    /// Changes of keys.
    changes: usize,
    /// Notes with each of them.
    notes: usize,
}

/// What a test of this size sees in seconds.
const SMALL: Month = Month { changes: 20, notes: 10 };

/// What is promised: `cargo test --release -p enlace-client --lib away -- --ignored`.
const PROMISED: Month = Month { changes: 200, notes: 100 };

impl Month {
    /// Ana and another write and renew their keys in turn, and Ana has the channel go on in another
    /// group, twice. Returns what was written.
    fn go_by(self, world: &mut World, channel: ChannelId, other: &'static str) -> Vec<String> {
        let mut texts = Vec::new();
        for change in 0..self.changes {
            let author = ["ana", other][change % 2];
            for note in 0..self.notes {
                let text = format!("nota {change}/{note}");
                world.post(author, channel, &text);
                texts.push(text);
            }
            world.engine(author).wish(channel, Wish::RenewKeys).unwrap();
            world.settle();
            if (change + 1) % (self.changes / (SUCCESSIONS + 1)) == 0
                && (change + 1) / (self.changes / (SUCCESSIONS + 1)) <= SUCCESSIONS
            {
                world.engine("ana").wish(channel, Wish::RenewChannel(None)).unwrap();
                world.settle();
            }
            world.clock.advance(DAY * 30 / u32::try_from(self.changes).unwrap());
        }
        assert_eq!(world.policy("ana", channel).generation(), Generation(SUCCESSIONS as u64));
        texts
    }
}

impl World {
    fn bodies_of(&mut self, name: &str, channel: ChannelId) -> Vec<String> {
        let views = self.engine(name).entries(channel, Seq(0), ALL).unwrap();
        views.into_iter().map(|view| view.body).collect()
    }
}

fn comes_back_after(month: Month) {
    let mut world = World::new();
    let channel = world.case();
    let queued = world.post("bruno", channel, "antes de irme");
    let bruno = world.officers.remove("bruno").unwrap();
    let (name, key, chain) = (bruno.name.clone(), bruno.key_for_tests(), bruno.chain_for_tests());
    let store = bruno.store.clone();
    drop(bruno);
    let mut texts = month.go_by(&mut world, channel, "eva");
    world.reinsert("bruno", name, key, chain, store);
    assert!(world.go_online("bruno"));
    world.settle();
    let row = world.engine("bruno").read(|tx| tx.outbox_of(queued)).unwrap().unwrap();
    assert!(matches!(row.state, OutboxState::Accepted(Some(_))), "{row:?}");
    world.post("bruno", channel, "he vuelto");
    world.settle();
    texts.extend(["antes de irme".to_owned(), "he vuelto".to_owned()]);
    for officer in ["ana", "bruno", "eva"] {
        let all = world.bodies_of(officer, channel);
        assert!(all == texts, "{officer} has {} of {}", all.len(), texts.len());
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
    let left = world.engine("bruno").read(|tx| tx.queued(Some(channel))).unwrap();
    assert!(left.iter().all(|row| row.task == Task::SelfUpdate), "{left:?}");
}

/// Eva's laptop breaks when a month has gone by since its last backup. Her phone takes it out of the
/// channel and names the new one, which has what the backup held, and reads and writes from then on.
fn a_new_device_with_an_older_backup_comes_back_after(month: Month) {
    let passphrase = Passphrase::new("otra clave para la copia");
    let mut world = World::new();
    world.enroll_device("phone", "phone", "eva", "fge");
    let channel = world.case();
    let phone = world.device("phone");
    world.engine("eva").add_device(&phone).unwrap();
    let mut early = Vec::new();
    for note in 0..month.notes {
        let text = format!("temprana {note}");
        world.post(["ana", "bruno"][note % 2], channel, &text);
        world.settle();
        early.push(text);
    }
    let copy = world.dir.path().join("eva.backup");
    world.engine("eva").backup(&copy, &passphrase).unwrap();
    month.go_by(&mut world, channel, "bruno");

    let laptop = world.officers.remove("eva").unwrap().name;
    world.engine("phone").remove_device(&laptop).unwrap();
    world.enroll_device("new", "pc2", "eva", "fge");
    let scratch = world.dir.path().join("scratch.db");
    let restored = world.engine("new").restore(&copy, &passphrase, &scratch).unwrap();
    assert_eq!((restored.entries, restored.refused), (early.len(), 0));
    let new = world.device("new");
    world.engine("phone").add_device(&new).unwrap();
    world.settle();
    world.post("ana", channel, "¿otra vez aquí?");
    world.settle();
    world.post("new", channel, "aquí estoy");
    world.settle();
    let all = world.bodies_of("new", channel);
    assert_eq!(all[..early.len()], early);
    assert_eq!(all[all.len() - 2..], ["¿otra vez aquí?", "aquí estoy"]);
    let last = |world: &mut World, name: &str| world.bodies_of(name, channel).pop();
    for name in ["ana", "bruno", "phone"] {
        assert_eq!(last(&mut world, name).as_deref(), Some("aquí estoy"), "{name}");
    }
    world.assert_agreement(channel, &["ana", "bruno", "new", "phone"]);
}

#[test]
fn after_thirty_days_and_two_successions_it_reads_all_and_writes() {
    comes_back_after(SMALL);
}

#[test]
fn a_new_device_with_a_backup_of_a_month_ago_reads_and_writes() {
    a_new_device_with_an_older_backup_comes_back_after(SMALL);
}

#[test]
#[ignore = "it takes minutes"]
fn after_two_hundred_changes_and_twenty_thousand_notes_too() {
    comes_back_after(PROMISED);
}

#[test]
#[ignore = "it takes minutes"]
fn a_new_device_with_a_backup_from_before_twenty_thousand_notes_too() {
    a_new_device_with_an_older_backup_comes_back_after(PROMISED);
}
