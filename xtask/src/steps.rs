//! The steps of `cargo xtask test`, in the order in which they run: the quick ones first, the tests
//! and the simulation last, so that their result is the last thing one reads.
//!
//! Clippy comes before the documentation and the tests because the three share what they build:
//! build scripts and procedural macros once for all, checked dependencies once for the first two.

mod clippy;
mod dependencies;
mod documentation;
mod format;
mod layers;
mod machine_paths;
mod order;
mod prerequisites;
mod references;
mod ring;
mod simulation;
mod tests;

use anyhow::Result;

use crate::workspace::Workspace;

/// One check.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// What holds when the step succeeds, for headings and help.
    pub(crate) what: &'static str,
    /// Nothing after this step can succeed if it fails.
    pub(crate) needed_by_all: bool,
    pub(crate) run: fn(&Workspace) -> Result<()>,
}

pub(crate) const ALL: &[Step] = &[
    Step {
        name: "prerequisites",
        what: "the programs that building and testing call are there",
        needed_by_all: true,
        run: prerequisites::run,
    },
    step("fmt", "the code is formatted by rustfmt", format::run),
    step("layers", "crates depend on each other in one direction only", layers::run),
    step("ring", "no program of ours links a second cryptographic library", ring::run),
    step("order", "what a simulation runs leaves no order to chance", order::run),
    step("paths", "no file holds a path of somebody's machine", machine_paths::run),
    step("references", "each test that the documents name is there", references::run),
    step("deny", "dependencies: licences, sources, banned crates", dependencies::run),
    step("clippy", "clippy and rustc have nothing to say", clippy::run),
    step("doc", "the documentation builds and its links lead somewhere", documentation::run),
    step("test", "unit, conformance, end-to-end and documentation tests", tests::run),
    step(
        "simulation",
        "200 seeds of whole networks under faults keep what must hold",
        simulation::run,
    ),
];

const fn step(name: &'static str, what: &'static str, run: fn(&Workspace) -> Result<()>) -> Step {
    Step { name, what, needed_by_all: false, run }
}
