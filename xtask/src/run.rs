//! Runs the chosen steps one after the other and sums them up.
//!
//! A failed step does not keep the others from running: one run names all that is wrong. Only
//! missing prerequisites end it, because nothing can be built without them.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::arguments::Selection;
use crate::steps::{self, Step};
use crate::workspace::Workspace;

struct Outcome {
    step: &'static Step,
    took: Duration,
    result: Result<()>,
}

/// Runs the selected steps; succeeds if each of them did.
pub(crate) fn test(workspace: &Workspace, selection: &Selection) -> ExitCode {
    let mut outcomes = Vec::new();
    for step in steps::ALL.iter().filter(|step| selection.holds(step)) {
        let outcome = perform(workspace, step);
        let stop = outcome.result.is_err() && step.needed_by_all;
        outcomes.push(outcome);
        if stop {
            break;
        }
    }
    summarise(&outcomes)
}

fn perform(workspace: &Workspace, step: &'static Step) -> Outcome {
    eprintln!("\n=== {}: {}", step.name, step.what);
    let started = Instant::now();
    let result = (step.run)(workspace);
    let took = started.elapsed();
    match &result {
        Ok(()) => eprintln!("=== {}: ok in {}", step.name, readable(took)),
        Err(error) => eprintln!("error: {error:#}\n=== {}: FAILED", step.name),
    }
    Outcome { step, took, result }
}

fn summarise(outcomes: &[Outcome]) -> ExitCode {
    eprintln!("\n=== summary");
    for Outcome { step, took, result } in outcomes {
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        eprintln!("{:<14} {verdict:<6} {:>9}", step.name, readable(*took));
    }
    let total: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    let failed: Vec<&str> =
        outcomes.iter().filter(|o| o.result.is_err()).map(|o| o.step.name).collect();
    if failed.is_empty() {
        eprintln!("all {} steps passed in {}", outcomes.len(), readable(total));
        ExitCode::SUCCESS
    } else {
        eprintln!("failed: {} (after {})", failed.join(", "), readable(total));
        ExitCode::FAILURE
    }
}

fn readable(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:02} s", duration.as_secs() / 60, duration.as_secs() % 60)
    }
}
