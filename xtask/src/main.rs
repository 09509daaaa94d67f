//! `cargo xtask`: the chores of this repository, in the language that its builders have anyway.
//!
//! `cargo xtask test` is everything that has to hold before a change is merged; CI runs that one
//! command. Each check is a file of its own under `steps`. `cargo xtask bench` measures,
//! `cargo xtask simulate` plays whole networks on virtual time, `cargo xtask mutants` shows that it
//! misses each protection that is taken out, and `cargo xtask certs-example` makes the example
//! certificates anew.

mod arguments;
mod bench;
mod certs_example;
mod mutants;
mod process;
mod record_kept;
mod run;
mod simulate;
mod steps;
mod workspace;

use std::process::ExitCode;

use crate::arguments::Arguments;
use crate::workspace::Workspace;

fn main() -> ExitCode {
    let workspace = Workspace::of_this_build();
    match Arguments::parse(std::env::args().skip(1)) {
        Ok(Arguments::Help) => {
            eprint!("{}", arguments::help());
            ExitCode::SUCCESS
        }
        Ok(Arguments::Bench(arguments)) => exit(bench::run(&workspace, &arguments)),
        Ok(Arguments::CertsExample) => exit(certs_example::run(&workspace)),
        Ok(Arguments::Mutants(options)) => exit(mutants::run(&workspace, &options)),
        Ok(Arguments::RecordKept) => exit(record_kept::run(&workspace)),
        Ok(Arguments::Simulate(arguments)) => simulate::run(&workspace, &arguments),
        Ok(Arguments::Test(selection)) => run::test(&workspace, &selection),
        Err(error) => {
            eprintln!("error: {error}\n\n{}", arguments::help());
            ExitCode::from(2)
        }
    }
}

fn exit(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
