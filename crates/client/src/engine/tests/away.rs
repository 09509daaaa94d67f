//! A client that was away for a month comes back by itself.

use std::time::Duration;

use super::world::World;
use crate::engine::Wish;
use crate::task::Task;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How much happens meanwhile: changes of keys, and notes between two of them.
fn come_back_after(changes: usize, notes: usize) {
    let mut world = World::new();
    let channel = world.case();
    let bruno = world.officers.remove("bruno").unwrap();
    let (name, key, chain) = (bruno.name.clone(), bruno.key_for_tests(), bruno.chain_for_tests());
    let store = bruno.store.clone();
    drop(bruno);
    let mut texts = Vec::new();
    for change in 0..changes {
        let author = ["ana", "eva"][change % 2];
        for note in 0..notes {
            let text = format!("nota {change}/{note}");
            world.post(author, channel, &text);
            texts.push(text);
        }
        world.engine(author).wish(channel, Wish::RenewKeys).unwrap();
        world.settle();
        world.clock.advance(DAY * 30 / u32::try_from(changes).unwrap());
    }
    world.reinsert("bruno", name, key, chain, store);
    assert!(world.go_online("bruno"));
    world.post("bruno", channel, "he vuelto");
    texts.push("he vuelto".to_owned());
    world.settle();
    for officer in ["ana", "bruno", "eva"] {
        let all = world.engine(officer).read(|tx| tx.entries(channel, enlace_log::Seq(0), 100_000));
        let all: Vec<String> = all.unwrap().into_iter().map(|entry| entry.body).collect();
        assert!(all == texts, "{officer} has {} of {}", all.len(), texts.len());
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
    let left = world.engine("bruno").read(|tx| tx.queued(Some(channel))).unwrap();
    assert!(left.iter().all(|row| row.task == Task::SelfUpdate), "{left:?}");
}

#[test]
fn after_thirty_days_it_reads_all_and_writes() {
    come_back_after(20, 10);
}

/// The size that is promised: `cargo test --release -p enlace-client --lib away -- --ignored`.
#[test]
#[ignore = "it takes minutes"]
fn after_two_hundred_changes_and_twenty_thousand_notes_too() {
    come_back_after(200, 100);
}
