//! The invariants of a run, judged by a model that knows channels only as people do: somebody
//! opens one, people come and go at places of a log, entries stand at places, and whoever is in
//! sees them.
//!
//! | number | what must hold |
//! | ---: | --- |
//! | 1 | what was acknowledged to its author reaches every member's store, exactly once |
//! | 2 | all members have one sequence, or an alarm; no alarm without two contradicting signatures |
//! | 3 | relays keep nothing in clear |
//! | 4 | whoever is not a member at a place has nothing of it |
//! | 5 | a void change changes nothing, and everybody says so alike |
//! | 6 | nothing panics |
//! | 7 | whoever is revoked gets nothing any more, nor the suspended until that is over |
//! | 9 | members at one place are in one state |
//! | 0 | in the end nothing waits: all that was asked for is accepted or was said to fail |

mod acknowledged;
mod bundle;
mod closed;
mod devices;
mod expelled;
mod forks;
mod forums;
mod membership;
mod moving;
mod put_back;
mod renewed;
mod restored;
mod retention;
mod rogues;
mod roles;
mod sameness;
mod secrecy;
mod stand_ins;
mod suspended;
mod taken_back;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::facts::Facts;

pub use self::membership::Membership;

/// An invariant that does not hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Its number.
    pub invariant: u8,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {} ({}): {}", self.invariant, name(self.invariant), self.what)
    }
}

/// Judges a run. Nothing comes back from a good one.
#[must_use]
pub fn check(facts: &Facts) -> Vec<Violation> {
    let mut found = Findings::default();
    for panic in &facts.panics {
        found.add(6, panic.clone());
    }
    let membership = Membership::of(facts, &mut found);
    acknowledged::check(facts, &membership, &mut found);
    sameness::check(facts, &membership, &mut found);
    roles::check(facts, &membership, &mut found);
    closed::check(facts, &membership, &mut found);
    bundle::check(facts, &membership, &mut found);
    forums::check(facts, &membership, &mut found);
    devices::check(facts, &membership, &mut found);
    expelled::check(facts, &membership, &mut found);
    suspended::check(facts, &membership, &mut found);
    stand_ins::check(facts, &mut found);
    retention::check(facts, &mut found);
    renewed::check(facts, &mut found);
    rogues::check(facts, &membership, &mut found);
    forks::check(facts, &mut found);
    moving::check(facts, &membership, &mut found);
    restored::check(facts, &mut found);
    put_back::check(facts, &mut found);
    taken_back::check(facts, &membership, &mut found);
    secrecy::check(facts, &membership, &mut found);
    found.0
}

/// What was found so far.
#[derive(Debug, Default)]
pub struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, invariant: u8, what: String) {
        self.0.push(Violation { invariant, what });
    }
}

fn name(invariant: u8) -> &'static str {
    match invariant {
        0 => "nothing waits in the end",
        1 => "acknowledged entries reach everybody once",
        2 => "one sequence",
        3 => "relays keep nothing in clear",
        4 => "non-members have nothing",
        5 => "void changes change nothing",
        6 => "nothing panics",
        7 => "the revoked and suspended get nothing",
        9 => "one state",
        _ => "unknown",
    }
}
