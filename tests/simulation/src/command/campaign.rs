//! Runs many seeds, each on a thread and a runtime of its own.

use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Serialize;

use super::arguments::Arguments;
use super::report;
use super::state::State;
use crate::run::{self, Outcome};

/// A run that takes longer than this on the real clock goes round in circles.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(10);

#[derive(Debug, Default, Serialize)]
struct Summary {
    from: u64,
    seeds: u64,
    held: u64,
    failed: Vec<Failed>,
    /// Noted as held by an earlier call.
    passed_over: u64,
    operations: u64,
    notes: u64,
    datagrams: u64,
    virtual_seconds: u64,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Failed {
    seed: u64,
    hash: String,
    violations: Vec<String>,
}

/// Runs them; whether all held.
pub(super) fn run(arguments: &Arguments) -> Result<bool> {
    let mut state = State::open(arguments.state.as_deref())?;
    let range = arguments.from..arguments.from.saturating_add(arguments.seeds);
    let has = |seed: &u64| {
        let with = arguments.with.as_ref();
        with.is_none_or(|feature| arguments.edition.gives(*seed, feature))
    };
    let asked: Vec<u64> = range.filter(has).collect();
    let seeds = asked.len() as u64;
    let todo: Vec<u64> = asked.into_iter().filter(|seed| !state.is_done(*seed)).collect();
    let began = Instant::now();
    let mut summary = Summary {
        from: arguments.from,
        seeds,
        passed_over: seeds - todo.len() as u64,
        ..Summary::default()
    };
    let mut told = Instant::now();
    let count = todo.len();
    let jobs = Jobs::start(todo, arguments);
    while let Some(outcome) = jobs.next()? {
        summary.take(&outcome);
        state.note(outcome.seed, outcome.violations.is_empty(), &outcome.hash)?;
        if arguments.traces {
            std::io::stdout().write_all(report::everything(&outcome).as_bytes())?;
        }
        if !outcome.violations.is_empty() {
            eprint!("{}", report::failure(&outcome, arguments.edition));
            if !arguments.keeps_going {
                break;
            }
        }
        if told.elapsed() > PROGRESS {
            told = Instant::now();
            let done = summary.held + summary.failed.len() as u64;
            eprintln!(
                "{done} of {count} seeds, {} failed, {:.0?}",
                summary.failed.len(),
                began.elapsed()
            );
        }
    }
    summary.seconds = began.elapsed().as_secs_f64();
    eprintln!(
        "{} seeds held, {} failed: {} operations, {} notes, {} datagrams, {} virtual seconds in {:.1} s",
        summary.held,
        summary.failed.len(),
        summary.operations,
        summary.notes,
        summary.datagrams,
        summary.virtual_seconds,
        summary.seconds
    );
    if arguments.json {
        let mut out = std::io::stdout();
        serde_json::to_writer_pretty(&mut out, &summary)?;
        writeln!(out)?;
    }
    Ok(summary.failed.is_empty())
}

impl Summary {
    fn take(&mut self, outcome: &Outcome) {
        self.operations += outcome.operations;
        self.notes += outcome.notes;
        self.datagrams += outcome.datagrams;
        self.virtual_seconds += outcome.lasted.as_secs();
        if outcome.violations.is_empty() {
            self.held += 1;
        } else {
            self.failed.push(Failed {
                seed: outcome.seed,
                hash: outcome.hash.clone(),
                violations: outcome.violations.iter().map(ToString::to_string).collect(),
            });
        }
    }
}

/// What the workers do now: the seed and since when.
type Running = Arc<Mutex<Vec<Option<(u64, Instant)>>>>;

struct Jobs {
    outcomes: std::sync::mpsc::Receiver<Outcome>,
    running: Running,
}

impl Jobs {
    fn start(todo: Vec<u64>, arguments: &Arguments) -> Self {
        let (sender, outcomes) = sync_channel(16);
        let todo = Arc::new(Mutex::new(todo.into_iter()));
        let running = Running::new(Mutex::new(vec![None; arguments.jobs]));
        for worker in 0..arguments.jobs {
            let (todo, sender, running) = (todo.clone(), sender.clone(), running.clone());
            let (edition, traces) = (arguments.edition, arguments.traces);
            thread::spawn(move || {
                loop {
                    let next = todo.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let note = next.map(|seed| (seed, Instant::now()));
                    running.lock().unwrap_or_else(PoisonError::into_inner)[worker] = note;
                    let Some(seed) = next else { return };
                    if sender.send(run::run(seed, edition, traces)).is_err() {
                        return;
                    }
                }
            });
        }
        Self { outcomes, running }
    }

    /// The next outcome; nothing when all are done.
    fn next(&self) -> Result<Option<Outcome>> {
        loop {
            match self.outcomes.recv_timeout(Duration::from_secs(1)) {
                Ok(outcome) => return Ok(Some(outcome)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => self.look()?,
            }
        }
    }

    fn look(&self) -> Result<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for (seed, since) in running.iter().flatten() {
            if since.elapsed() > PATIENCE {
                bail!("seed {seed} does not end: it has run for {:.0?}", since.elapsed());
            }
        }
        Ok(())
    }
}
