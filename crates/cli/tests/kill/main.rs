//! Three officers of two authorities write 300 notes, each through a process of `enlace`, while
//! their processes and both relays are killed at random. At the end all three stores hold the same
//! notes in the same order, none twice.
//!
//! `ENLACE_SEED` repeats a run: who writes when, who is killed when. What the machine does in
//! between is its own.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod enlace;
mod officer;
mod plan;
mod random;

use std::collections::BTreeSet;

use enlace_cli::training::{Program, RelayProcess, TrainingNetwork};

use self::enlace::Enlace;
use self::officer::Officer;
use self::plan::{KILLS, NOTES, Plan, Step, Target};
use self::random::Random;

#[test]
fn three_hundred_notes_survive_kills_at_random() {
    let seed = random::seed();
    eprintln!("ENLACE_SEED={seed}");
    let place = tempfile::tempdir().unwrap();
    let program = Program::new(env!("CARGO_BIN_EXE_enlace"));
    let network = TrainingNetwork::create(&place.path().join("network"), &program).unwrap();
    let mut play = Play::begin(network);
    let mut random = Random::new(seed);
    let plan = Plan::draw(&mut random);
    for step in plan.steps() {
        play.take(step);
    }
    assert!(play.kills >= KILLS, "{} kills", play.kills);
    play.finish();
}

struct Play {
    network: TrainingNetwork,
    relays: [Option<RelayProcess>; 2],
    officers: Vec<Officer>,
    kills: usize,
}

impl Play {
    /// Both relays run, and all three officers are in the channel.
    fn begin(network: TrainingNetwork) -> Self {
        let relays = [0, 1].map(|authority| Some(network.start_relay(authority).unwrap()));
        let enlace: Vec<Enlace> =
            network.officers().iter().map(|officer| Enlace::new(&network, officer)).collect();
        for other in &enlace[1..] {
            other.run(&["sync"]);
        }
        let opened = enlace[0].run(&["channel", "new", "Caso Ñandú", "--wait"]);
        let channel = opened["channel"].as_str().unwrap().to_owned();
        for (officer, role) in network.officers()[1..].iter().zip(["member", "lead"]) {
            let address = officer.address().to_string();
            let added =
                enlace[0].run(&["channel", "add", &channel, &address, "--role", role, "--wait"]);
            assert_eq!(added["state"], "accepted", "{added}");
        }
        for other in &enlace[1..] {
            other.run(&["sync"]);
        }
        let officers = enlace.into_iter().zip(0..);
        let officers = officers.map(|(enlace, number)| Officer::new(enlace, &channel, number));
        Self { relays, officers: officers.collect(), network, kills: 0 }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Write(officer) => self.officers[officer].write(),
            Step::Kill(Target::Officer(officer)) => {
                self.officers[officer].kill();
                self.kills += 1;
            }
            Step::KillWhileWriting(officer) => {
                self.officers[officer].write_and_kill();
                self.kills += 1;
            }
            Step::Kill(Target::Relay(relay)) => {
                if let Some(relay) = self.relays[relay].take() {
                    relay.kill().unwrap();
                    self.kills += 1;
                }
            }
            Step::Restart(relay) => {
                self.relays[relay].get_or_insert_with(|| self.network.start_relay(relay).unwrap());
            }
        }
    }

    /// Everybody is killed once more, comes back, and waits until all is there.
    fn finish(mut self) {
        for officer in &mut self.officers {
            officer.kill();
        }
        for officer in &self.officers {
            eprintln!(
                "{officer} has {} notes in place after {} kills",
                officer.logged(),
                self.kills
            );
        }
        let written: BTreeSet<String> =
            self.officers.iter().flat_map(|officer| officer.written()).collect();
        assert_eq!(written.len(), NOTES);
        let online: Vec<_> = self.officers.iter().map(Officer::follow).collect();
        for process in &online {
            Officer::wait_for(process, &written);
        }
        drop(online);
        drop(self.relays);

        let records: Vec<_> = self.officers.iter().map(Officer::record).collect();
        for (officer, record) in self.officers.iter().zip(&records) {
            let distinct: BTreeSet<String> =
                record.iter().map(|note| note.client_id.clone()).collect();
            assert_eq!(distinct, written, "{officer}: other notes than those written");
            assert_eq!(record.len(), NOTES, "{officer}: some note is there twice");
            assert!(record.is_sorted_by(|a, b| a.seq < b.seq), "{officer}: out of order");
            assert_eq!(*record, records[0], "{officer}: another record");
        }
    }
}
