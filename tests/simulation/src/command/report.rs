//! What people read of a run that broke something.

use std::fmt::Write as _;

use crate::plan::Edition;
use crate::run::Outcome;
use crate::trace::{Line, Topic};

/// Lines of each part of a history.
const LINES: usize = 60;

/// Tells what broke, what led to it, and how to see it again.
pub(super) fn failure(outcome: &Outcome, edition: Edition) -> String {
    let mut text = String::new();
    let seed = outcome.seed;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\nseed {seed} broke something:");
    for violation in outcome.violations.iter().take(12) {
        let _ = writeln!(text, "  {violation}");
    }
    let more = outcome.violations.len().saturating_sub(12);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
    let told: Vec<&Line> = outcome
        .lines
        .iter()
        .filter(|l| matches!(l.topic, Topic::Operation | Topic::Observed))
        .collect();
    let concerned = |line: &&&Line| {
        outcome.violations.iter().any(|v| v.what.contains(&line.node))
            || line.topic == Topic::Operation
    };
    let relevant: Vec<&&Line> = told.iter().filter(concerned).collect();
    let _ = writeln!(text, "\nOperations, and what those concerned saw (the last {LINES}):");
    for line in relevant.iter().rev().take(LINES).rev() {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(
        text,
        "\nTo see all of it: cargo xtask simulate --seed {seed} --edition {} --trace",
        edition.0
    );
    text
}

/// Everything that happened.
pub(super) fn everything(outcome: &Outcome) -> String {
    let mut text = String::new();
    for line in &outcome.lines {
        let _ = writeln!(text, "{line}");
    }
    text
}
