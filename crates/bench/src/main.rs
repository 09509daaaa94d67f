//! `enlace-bench`: measures the relay and the client against bare baselines on the same machine.
//!
//! ```text
//! enlace-bench            chooses workloads, gathers figures, writes the report
//!   └─ driver W1          one process per workload: founds a network, puts the load on
//!        ├─ relay         the relay as `enlace-relay run` is
//!        └─ baseline      bare quinn with a plain file
//! ```
//!
//! C1 measures the client alone, in its driver: there is no network in it.
//!
//! The programs below the first are this one again, started with a hidden subcommand. What they
//! need to know lies in a directory of the driver's; their arguments hold no secrets. docs/
//! PERFORMANCE.md says what each figure means.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod baseline;
mod case;
mod channel;
mod cli;
mod cpu;
mod machine;
mod member;
mod memory;
mod place;
mod process;
mod proxy;
mod report;
mod seat;
mod statistics;
mod workload;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
