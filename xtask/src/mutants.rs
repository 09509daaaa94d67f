//! `cargo xtask mutants`: takes out one mechanism after the other, in a copy of the tree, and shows
//! the seed at which the simulator notices.
//!
//! A check that nothing misses is worth nothing. Each mutant is a change of one place in the source
//! ([`list`]), applied to a copy under the build directory: the programs that people run hold no
//! switch that turns a protection off.

mod copy;
mod list;

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use self::copy::Copy;
use self::list::{MUTANTS, Mutant};
use crate::process;
use crate::workspace::Workspace;

/// What is run, and how far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    names: Vec<String>,
    seeds: u64,
    from: u64,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self { names: Vec::new(), seeds: 1_000, from: 1 };
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let value =
                    arguments.next().with_context(|| format!("{argument} needs a number"))?;
                value.parse().with_context(|| format!("`{value}` is no number"))
            };
            match argument.as_str() {
                "--seeds" => options.seeds = number()?,
                "--from" => options.from = number()?,
                name if MUTANTS.iter().any(|mutant| mutant.name == name) => {
                    options.names.push(name.to_owned());
                }
                other => bail!("no mechanism is called `{other}`; there are: {}", names()),
            }
        }
        Ok(options)
    }

    fn holds(&self, mutant: &Mutant) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == mutant.name)
    }
}

/// The names of all mechanisms, for help and errors.
pub(crate) fn names() -> String {
    MUTANTS.iter().map(|mutant| mutant.name).collect::<Vec<_>>().join(", ")
}

/// Runs the chosen mutants; an error names those that the simulator did not notice.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let copy = Copy::of(workspace)?;
    let mut survivors = Vec::new();
    for mutant in MUTANTS.iter().filter(|mutant| options.holds(mutant)) {
        eprintln!("\n=== {}: without {}", mutant.name, mutant.mechanism);
        copy.refresh()?;
        copy.apply(mutant)?;
        build(&copy)?;
        let started = Instant::now();
        let failed = simulate(&copy, options)?;
        let seconds = started.elapsed().as_secs();
        match failed {
            Some(verdict) => eprintln!("=== {}: noticed after {seconds} s: {verdict}", mutant.name),
            None => {
                eprintln!("=== {}: NOT NOTICED in {} seeds", mutant.name, options.seeds);
                survivors.push(mutant.name);
            }
        }
    }
    copy.refresh()?;
    ensure!(survivors.is_empty(), "the simulator does not miss: {}", survivors.join(", "));
    Ok(())
}

fn build(copy: &Copy) -> Result<()> {
    process::run(&mut cargo(copy, "build"))
}

/// What the simulator says of the first seed that fails.
fn simulate(copy: &Copy, options: &Options) -> Result<Option<String>> {
    let (seeds, from) = (options.seeds.to_string(), options.from.to_string());
    let mut command = cargo(copy, "run");
    command.args(["--", "--seeds", &seeds, "--from", &from]);
    let output = command.output().context("cannot run the simulator")?;
    let told = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Ok(None),
        Some(1) => Ok(Some(verdict(&told).context("the simulator failed without naming a seed")?)),
        _ => bail!("the simulator ended with {}: {told}", output.status),
    }
}

/// The seed, and the first thing that it broke.
fn verdict(told: &str) -> Option<String> {
    let mut lines = told.lines().skip_while(|line| !line.starts_with("seed "));
    let (seed, broken) = (lines.next()?, lines.next()?);
    Some(format!("{seed} {}", broken.trim()))
}

fn cargo(copy: &Copy, task: &str) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(copy.tree()).env("CARGO_TARGET_DIR", copy.target());
    command.args([task, "--quiet", "--locked", "--package", "enlace-simulation"]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_a_seed_and_what_it_broke() {
        let told = "3 of 9 seeds\nseed 7 broke something:\n  invariant 1: lost\n  more\n";
        assert_eq!(verdict(told).as_deref(), Some("seed 7 broke something: invariant 1: lost"));
        assert_eq!(verdict("error: no such file"), None);
    }

    #[test]
    fn unknown_mechanisms_are_refused() {
        let parse = |line: &str| Options::parse(line.split_whitespace().map(str::to_owned));
        assert!(parse("fence --seeds 10").is_ok());
        assert!(parse("fences").is_err());
        assert!(parse("--seeds many").is_err());
    }
}
