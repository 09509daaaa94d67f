//! What the caller asked for.

use std::path::PathBuf;
use std::thread::available_parallelism;

use anyhow::{Context as _, Result, bail, ensure};

use crate::plan::Edition;

/// How it is used.
pub(super) const HELP: &str = "\
Usage: cargo xtask simulate [--seeds N] [--from S] [--jobs J] [--state FILE] [--with F] [--edition E] [--json] [--keep-going]
       cargo xtask simulate --seed S [--edition E] [--trace] [--json]

Runs whole networks on virtual time, one for each seed, and checks what must hold of each.

  --seeds N      how many seeds (200)
  --from S       the first of them (1)
  --jobs J       how many at once (as many as there are cores)
  --state FILE   note finished seeds there, and pass over those that are noted
  --keep-going   go on after a seed failed
  --seed S       this one alone
  --with F       those seeds of the range alone that have the feature F
  --edition E    plans with what the first E features bring, as they were drawn then (all)
  --trace        print everything that happened, datagrams too
  --json         print a summary as JSON on stdout
";

/// A request.
pub(super) enum Request {
    Help,
    Run(Arguments),
}

/// Which seeds to run, and how.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Arguments {
    pub(super) from: u64,
    pub(super) seeds: u64,
    pub(super) jobs: usize,
    pub(super) edition: Edition,
    /// The feature that a seed must have.
    pub(super) with: Option<String>,
    pub(super) state: Option<PathBuf>,
    pub(super) keeps_going: bool,
    pub(super) traces: bool,
    pub(super) json: bool,
}

impl Arguments {
    pub(super) fn parse(mut words: impl Iterator<Item = String>) -> Result<Request> {
        let jobs = available_parallelism().map_or(1, std::num::NonZero::get);
        let mut arguments = Self {
            from: 1,
            seeds: 200,
            jobs,
            edition: Edition::NEWEST,
            with: None,
            state: None,
            keeps_going: false,
            traces: false,
            json: false,
        };
        let mut one = None;
        while let Some(word) = words.next() {
            let mut number = || -> Result<u64> {
                let value = words.next().with_context(|| format!("{word} needs a number"))?;
                value.parse().with_context(|| format!("{word}: `{value}` is no number"))
            };
            match word.as_str() {
                "-h" | "--help" => return Ok(Request::Help),
                "--seeds" => arguments.seeds = number()?,
                "--from" => arguments.from = number()?,
                "--jobs" => arguments.jobs = usize::try_from(number()?)?,
                "--edition" => arguments.edition = Edition(usize::try_from(number()?)?),
                "--with" => arguments.with = Some(words.next().context("--with needs a feature")?),
                "--seed" => one = Some(number()?),
                "--state" => {
                    arguments.state = Some(words.next().context("--state needs a file")?.into())
                }
                "--keep-going" => arguments.keeps_going = true,
                "--trace" => arguments.traces = true,
                "--json" => arguments.json = true,
                _ => bail!("`{word}` is unknown"),
            }
        }
        if let Some(seed) = one {
            (arguments.from, arguments.seeds) = (seed, 1);
        }
        if let Some(feature) = &arguments.with {
            ensure!(Edition::NEWEST.knows(feature), "no feature is called `{feature}`");
        }
        ensure!(!arguments.traces || one.is_some(), "--trace is for one --seed");
        ensure!(arguments.jobs > 0, "--jobs must not be 0");
        Ok(Request::Run(arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn one_seed_is_a_range_of_one() {
        let Ok(Request::Run(arguments)) = parse("--seed 7 --trace") else { panic!("refused") };
        assert_eq!((arguments.from, arguments.seeds, arguments.traces), (7, 1, true));
    }

    #[test]
    fn wrong_words_are_refused() {
        for line in ["--seed", "--seeds many", "--trace", "--jobs 0", "--with nothing", "seeds"] {
            assert!(parse(line).is_err(), "`{line}` was accepted");
        }
    }
}
