//! One run: builds the network of a plan, plays the plan, heals everything, waits until nothing
//! moves any more, and has the model judge what was seen.

mod bundles;
mod copies;
mod forums;
mod journal;
mod misdeeds;
mod nodes;
mod perform;
mod published;
mod renewals;
mod settle;
mod taking_back;
mod wishes;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::Instant;

pub use self::journal::Journal;

use self::nodes::Nodes;
use crate::check::{self, Violation};
use crate::dice::Dice;
use crate::facts::Facts;
use crate::log::Log;
use crate::plan::{Edition, Plan};
use crate::trace::{Line, Trace};

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What did not hold.
    pub violations: Vec<Violation>,
    /// Over everything that happened.
    pub hash: String,
    /// What happened.
    pub lines: Vec<Line>,
    /// How many operations were possible.
    pub operations: u64,
    /// How many notes were written.
    pub notes: u64,
    /// How many datagrams were sent.
    pub datagrams: u64,
    /// Virtual time from start to end.
    pub lasted: Duration,
}

/// Plays a seed's plan on the calling thread. With `keeps_datagrams`, the outcome lists them.
#[must_use]
pub fn run(seed: u64, edition: Edition, keeps_datagrams: bool) -> Outcome {
    play(seed, &Plan::of(seed, edition), keeps_datagrams)
}

/// Plays a plan; whatever it leaves open comes from the seed.
#[must_use]
pub fn play(seed: u64, plan: &Plan, keeps_datagrams: bool) -> Outcome {
    note_panics();
    PANICS.take();
    let trace = Trace::new(keeps_datagrams);
    let mut outcome = Outcome {
        seed,
        violations: Vec::new(),
        hash: String::new(),
        lines: Vec::new(),
        operations: 0,
        notes: 0,
        datagrams: 0,
        lasted: Duration::ZERO,
    };
    let played = catch_unwind(AssertUnwindSafe(|| {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without sockets can be made");
        runtime.block_on(whole(seed, plan, &trace, &mut outcome))
    }));
    // What panicked has been noted.
    let mut facts = played.unwrap_or_default();
    facts.panics = PANICS.take();
    outcome.violations.extend(check::check(&facts));
    outcome.hash = trace.hash();
    outcome.lines = trace.lines();
    outcome
}

async fn whole(seed: u64, plan: &Plan, trace: &Trace, outcome: &mut Outcome) -> Facts {
    let began = Instant::now();
    let log = Log::collect(trace);
    let mut nodes = Nodes::build(seed, plan, &Dice::new(seed), trace).await;
    nodes.perform(plan).await;
    nodes.heal().await;
    nodes.settle().await;
    nodes.renew_all().await;
    nodes.probe().await;
    outcome.operations = nodes.performed();
    outcome.datagrams = nodes.network().sent();
    outcome.lasted = began.elapsed();
    let (mut facts, troubles) = nodes.finish().await;
    facts.kept_by_relays.push(("the log of the programs".to_owned(), log.text().into_bytes()));
    outcome.notes = facts.notes();
    outcome.violations.extend(troubles);
    facts
}

thread_local! {
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Every panic of a thread is noted, also one that a task's handle swallows.
fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with_borrow_mut(|panics| panics.push(info.to_string()));
            former(info);
        }));
    });
}
