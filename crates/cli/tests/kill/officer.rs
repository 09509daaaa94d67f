//! An officer who writes, is killed, and goes on.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::enlace::{Enlace, Running};

pub(crate) struct Officer {
    enlace: Enlace,
    channel: String,
    number: usize,
    /// How many notes were begun.
    begun: usize,
    /// The last of them may not be safe yet.
    in_doubt: bool,
    at_work: Option<Running>,
}

/// A note in an officer's record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Note {
    pub(crate) seq: u64,
    pub(crate) client_id: String,
    device: String,
    text: String,
}

impl Officer {
    pub(crate) fn new(enlace: Enlace, channel: &str, number: usize) -> Self {
        let channel = channel.to_owned();
        Self { enlace, channel, number, begun: 0, in_doubt: false, at_work: None }
    }

    /// Writes a note; it is in the outbox when this returns.
    pub(crate) fn write(&mut self) {
        self.settle_doubt();
        self.begun += 1;
        self.hand_in();
    }

    /// Writes a note, and is killed.
    pub(crate) fn write_and_kill(&mut self) {
        self.settle_doubt();
        self.begun += 1;
        let line = self.line();
        let mut process = self.working();
        process.tell(&line);
        process.kill();
        self.in_doubt = true;
    }

    pub(crate) fn kill(&mut self) {
        self.settle_doubt();
        self.working().kill();
    }

    /// The ids of all notes that it wrote.
    pub(crate) fn written(&self) -> impl Iterator<Item = String> {
        (1..=self.begun).map(|note| id(self.number, note))
    }

    /// Connects, and prints whatever has its place.
    pub(crate) fn follow(&self) -> Running {
        self.enlace.start(&["read", &self.channel, "--follow"])
    }

    /// Waits until all those notes have their place.
    pub(crate) fn wait_for(process: &Running, notes: &BTreeSet<String>) {
        let mut missing = notes.clone();
        while !missing.is_empty() {
            let entry = process.next();
            assert_eq!(entry["state"], "logged", "{entry}");
            missing.remove(entry["client_id"].as_str().unwrap());
        }
    }

    /// How many notes in the store have their place.
    pub(crate) fn logged(&self) -> usize {
        let printed = self.enlace.run_for_all(&["read", &self.channel]);
        printed.iter().filter(|entry| entry["state"] == "logged").count()
    }

    /// All notes in the store, in their order.
    pub(crate) fn record(&self) -> Vec<Note> {
        let printed = self.enlace.run_for_all(&["read", &self.channel]);
        printed.iter().map(Note::of).collect()
    }

    /// A note that nobody confirmed is handed in again, as programs do: it must not come twice.
    fn settle_doubt(&mut self) {
        if self.in_doubt {
            self.hand_in();
            self.in_doubt = false;
        }
    }

    fn hand_in(&mut self) {
        let (line, id) = (self.line(), id(self.number, self.begun));
        let mut process = self.working();
        process.tell(&line);
        loop {
            let taken = process.next();
            if taken["client_id"] == id.as_str() {
                break;
            }
        }
        self.at_work = Some(process);
    }

    /// The process that writes and sends.
    fn working(&mut self) -> Running {
        let start = || {
            let arguments = ["post", &self.channel, "--lines", "--with-ids", "--wait"];
            self.enlace.start(&arguments)
        };
        self.at_work.take().unwrap_or_else(start)
    }

    fn line(&self) -> String {
        let (number, note) = (self.number, self.begun);
        format!("{}\tNota {note} de {}: sin novedad", id(number, note), self.enlace.name)
    }
}

impl Note {
    fn of(entry: &Value) -> Self {
        let text = |field: &str| entry[field].as_str().unwrap().to_owned();
        assert_eq!(entry["state"], "logged", "{entry}");
        Self {
            seq: entry["seq"].as_u64().unwrap(),
            client_id: text("client_id"),
            device: text("device"),
            text: text("text"),
        }
    }
}

fn id(officer: usize, note: usize) -> String {
    format!("{officer:016x}{note:016x}")
}

impl fmt::Display for Officer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.enlace.name)
    }
}
