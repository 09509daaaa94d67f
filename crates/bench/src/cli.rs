//! The command line.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};

use crate::machine::Machine;
use crate::process::Child;
use crate::report::{Figure, Report};
use crate::workload::{self, Plan, Scale, Workload};
use crate::{baseline, process};

/// Measures the relay and the client, each figure beside a baseline of the same run.
///
/// A missed target is no failure: the exit status is 0 unless a workload cannot be run, or a
/// target is missed and --check is given.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Smaller counts: everything within three minutes on two cores.
    #[arg(long)]
    quick: bool,
    /// Counts that show that it works, and measure nothing.
    #[arg(long, hide = true)]
    tiny: bool,
    /// Write the report to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only these workloads.
    #[arg(long, value_name = "W1,W2", value_delimiter = ',')]
    only: Vec<String>,
    /// Exit with status 1 if a target is missed.
    #[arg(long)]
    check: bool,
    /// Where the stores are: a directory on the disk that is to be measured.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    dir: PathBuf,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What this process is when another one started it.
#[derive(Debug, Subcommand)]
enum Role {
    /// Runs one workload and prints its figures.
    #[command(hide = true)]
    Driver {
        /// Which.
        workload: String,
        /// How much.
        scale: Scale,
        /// Where.
        dir: PathBuf,
    },
    /// The relay whose configuration that is.
    #[command(hide = true)]
    Relay {
        /// The configuration file.
        config: PathBuf,
    },
    /// Bare quinn, with the relay's certificate from its directory.
    #[command(hide = true)]
    Baseline(baseline::server::Arguments),
}

/// Does what the command line asks for.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.role {
        None => measure(&arguments),
        Some(Role::Driver { workload, scale, dir }) => {
            drive(workload, *scale, dir).map(|()| ExitCode::SUCCESS)
        }
        Some(Role::Relay { config }) => {
            process::end_with_parent();
            let arguments = ["enlace-relay".as_ref(), "run".as_ref(), "--config".as_ref()];
            return enlace_relay::cli::main_from(arguments.into_iter().chain([config.as_os_str()]));
        }
        Some(Role::Baseline(arguments)) => {
            process::end_with_parent();
            baseline::server::run(arguments).map(|()| ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn measure(arguments: &Arguments) -> Result<ExitCode> {
    let scale = match (arguments.tiny, arguments.quick) {
        (true, _) => Scale::Tiny,
        (_, true) => Scale::Quick,
        _ => Scale::Full,
    };
    let mut report = Report::new(Machine::here());
    for workload in chosen(&arguments.only)? {
        eprintln!("{}: {}", workload.name, workload.what);
        let figures = drive_in_a_process(workload, scale, &arguments.dir)
            .with_context(|| format!("{} could not be run", workload.name))?;
        report.extend(figures);
    }
    write!(io::stdout(), "{report}")?;
    if let Some(file) = &arguments.json {
        let json = serde_json::to_string_pretty(&report)? + "\n";
        fs::write(file, json).with_context(|| format!("{} is not written", file.display()))?;
    }
    let is_failure = arguments.check && report.misses();
    Ok(if is_failure { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn chosen(only: &[String]) -> Result<Vec<&'static Workload>> {
    if only.is_empty() {
        return Ok(workload::ALL.iter().collect());
    }
    only.iter().map(|name| named(name)).collect()
}

fn named(name: &str) -> Result<&'static Workload> {
    let found = workload::ALL.iter().find(|w| w.name.eq_ignore_ascii_case(name));
    let Some(found) = found else { bail!("no workload is called {name}") };
    Ok(found)
}

fn drive_in_a_process(workload: &Workload, scale: Scale, dir: &Path) -> Result<Vec<Figure>> {
    let scale = clap::ValueEnum::to_possible_value(&scale).context("each scale has a name")?;
    let arguments =
        ["driver".as_ref(), workload.name.as_ref(), scale.get_name().as_ref(), dir.as_os_str()];
    let printed = Child::start(&arguments)?.output()?;
    serde_json::from_str(&printed).context("the driver printed no figures")
}

fn drive(name: &str, scale: Scale, dir: &Path) -> Result<()> {
    let workload = named(name)?;
    let figures = (workload.run)(&Plan { scale, dir: dir.to_owned() })?;
    Ok(writeln!(io::stdout(), "{}", serde_json::to_string(&figures)?)?)
}
