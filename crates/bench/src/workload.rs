//! The workloads. A new one is a module and a line in [`ALL`].

pub(crate) mod alone;
mod b1;
pub(crate) mod burst;
mod c1;
mod c2;
pub(crate) mod measure;
pub(crate) mod pace;
pub(crate) mod steady;
mod w1;
mod w2;
mod w3;
mod w4;
mod w5;
mod w6;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::report::Figure;

/// All of them, in the order in which they run.
pub(crate) const ALL: &[Workload] = &[
    w1::WORKLOAD,
    w2::WORKLOAD,
    w3::WORKLOAD,
    w4::WORKLOAD,
    w5::WORKLOAD,
    w6::WORKLOAD,
    c1::WORKLOAD,
    c2::WORKLOAD,
    b1::WORKLOAD,
];

/// One workload.
#[derive(Debug)]
pub(crate) struct Workload {
    /// Its short name.
    pub(crate) name: &'static str,
    /// What it is, in half a line.
    pub(crate) what: &'static str,
    /// Measures; called in a process of its own, outside any runtime.
    pub(crate) run: fn(&Plan) -> Result<Vec<Figure>>,
}

/// How and where a workload runs.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How much.
    pub(crate) scale: Scale,
    /// Where stores are made.
    pub(crate) dir: PathBuf,
}

/// How large the counts are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Scale {
    /// As the workload's definition says.
    Full,
    /// Large enough for figures to be compared.
    Quick,
    /// Only to see that it works.
    Tiny,
}

impl Plan {
    /// The count for the scale.
    pub(crate) fn pick<T>(&self, full: T, quick: T, tiny: T) -> T {
        match self.scale {
            Scale::Full => full,
            Scale::Quick => quick,
            Scale::Tiny => tiny,
        }
    }
}

/// The runtime of a driver: one thread, so that the servers under test have the other cores.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")
}
