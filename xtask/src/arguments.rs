//! The command line, small enough to be read by hand: xtask is built before anything else, so it
//! carries no argument parser.

use std::fmt::Write as _;

use anyhow::{Result, bail, ensure};

use crate::mutants;
use crate::steps::{self, Step};

/// What the caller asked for.
#[derive(Debug)]
pub(crate) enum Arguments {
    Help,
    /// With what its program takes.
    Bench(Vec<String>),
    CertsExample,
    Mutants(mutants::Options),
    RecordKept,
    /// What follows is the simulator's own to read.
    Simulate(Vec<String>),
    Test(Selection),
}

/// The steps of `test` that are to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    only: Vec<String>,
    skip: Vec<String>,
}

impl Arguments {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        match arguments.next().as_deref() {
            None | Some("help" | "-h" | "--help") => Ok(Self::Help),
            Some("bench") => Ok(Self::Bench(arguments.collect())),
            Some("certs-example") => match arguments.next() {
                None => Ok(Self::CertsExample),
                Some(more) => bail!("certs-example takes no `{more}`"),
            },
            Some("mutants") => Ok(Self::Mutants(mutants::Options::parse(arguments)?)),
            Some("record-kept") => match arguments.next() {
                None => Ok(Self::RecordKept),
                Some(more) => bail!("record-kept takes no `{more}`"),
            },
            Some("simulate") => Ok(Self::Simulate(arguments.collect())),
            Some("test") => Selection::parse(arguments),
            Some(other) => bail!("no task is called `{other}`"),
        }
    }
}

impl Selection {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments> {
        let mut selection = Self::default();
        let mut list = None;
        for argument in arguments {
            match argument.as_str() {
                "-h" | "--help" => return Ok(Arguments::Help),
                "--only" => list = Some(&mut selection.only),
                "--skip" => list = Some(&mut selection.skip),
                names => match &mut list {
                    Some(list) => list.extend(names.split(',').map(str::to_owned)),
                    None => bail!("`{names}` is neither --only nor --skip"),
                },
            }
        }
        for name in selection.only.iter().chain(&selection.skip) {
            ensure!(steps::ALL.iter().any(|step| step.name == *name), "no step is called `{name}`");
        }
        Ok(Arguments::Test(selection))
    }

    pub(crate) fn holds(&self, step: &Step) -> bool {
        let named = |list: &[String]| list.iter().any(|name| name == step.name);
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }
}

/// The help text, with every step in the order in which it runs.
pub(crate) fn help() -> String {
    let mut text = String::from(
        "Usage: cargo xtask test [--only STEP...] [--skip STEP...]\n\
        \x20      cargo xtask bench [--quick] [--only W1,...] [--json FILE] [--check]\n\
        \x20      cargo xtask simulate [--seeds N] [--seed S] [--help]\n\
        \x20      cargo xtask mutants [MECHANISM...] [--seeds N] [--from S]\n\
        \x20      cargo xtask certs-example\n\
        \x20      cargo xtask record-kept\n\n\
         `bench` measures (docs/PERFORMANCE.md; `bench --help`).\n\
         `simulate` plays whole networks on virtual time, one for each seed, and checks what must hold\n\
         of them (docs/RELIABILITY.md; `simulate --help`).\n\
         `mutants` takes one protection after the other out of a copy of the source and shows the seed at\n\
         which the simulator misses it. MECHANISM is one of: {mutants}.\n\
         `certs-example` makes the directory of that name anew, `record-kept` what later builds have to open\n\
         (tests/kept). `test` runs every check of this repository and names those that failed.\n\
         Nothing has to be installed first but Rust, a C compiler, make, perl and openssl;\n\
         what is missing is installed by apt-get where that is possible, or named.\n\n\
         Steps:\n",
    )
    .replace("{mutants}", &mutants::names());
    for step in steps::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<14} {}", step.name, step.what);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    fn chosen(line: &str) -> Vec<&'static str> {
        let Ok(Arguments::Test(selection)) = parse(line) else { panic!("`{line}` was refused") };
        steps::ALL.iter().filter(|step| selection.holds(step)).map(|step| step.name).collect()
    }

    #[test]
    fn without_a_choice_every_step_runs() {
        assert_eq!(chosen("test").len(), steps::ALL.len());
    }

    #[test]
    fn steps_are_chosen_and_skipped_by_name() {
        assert_eq!(chosen("test --only fmt,clippy doc --skip doc"), ["fmt", "clippy"]);
        assert!(!chosen("test --skip test").contains(&"test"));
    }

    #[test]
    fn what_follows_bench_is_its_own() {
        let Ok(Arguments::Bench(words)) = parse("bench --quick --help") else { panic!("refused") };
        assert_eq!(words, ["--quick", "--help"]);
    }

    #[test]
    fn unknown_words_are_refused() {
        for line in ["tset", "test --only nothing", "test fmt", "test --fast"] {
            assert!(parse(line).is_err(), "`{line}` was accepted");
        }
    }
}
