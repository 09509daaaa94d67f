//! The command line.

use std::fs::File;
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
    let chosen = chosen(&arguments.only)?;
    // Before minutes of work are lost for want of a place to write to.
    let mut json = arguments.json.as_deref().map(Destination::open).transpose()?;
    let mut report = Report::new(Machine::here());
    for workload in chosen {
        eprintln!("{}: {}", workload.name, workload.what);
        match drive_in_a_process(workload, scale, &arguments.dir) {
            Ok(figures) => report.extend(figures),
            Err(error) => {
                // What took minutes to measure is shown all the same.
                write!(io::stdout(), "{report}")?;
                return Err(error.context(format!("{} could not be run", workload.name)));
            }
        }
    }
    write!(io::stdout(), "{report}")?;
    if let Some(file) = &mut json {
        file.write(&(serde_json::to_string_pretty(&report)? + "\n"))?;
    }
    let is_failure = arguments.check && report.misses();
    Ok(if is_failure { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The file of a report. What stands there stays until the report is complete.
#[derive(Debug)]
struct Destination<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> Destination<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let file = File::options().create(true).write(true).truncate(false).open(path);
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self { path, file })
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.replace(text).with_context(|| format!("{} is not written", self.path.display()))
    }

    fn replace(&mut self, text: &str) -> io::Result<()> {
        // A pipe has no length.
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        self.file.write_all(text.as_bytes())
    }
}

fn chosen(only: &[String]) -> Result<Vec<&'static Workload>> {
    if only.is_empty() {
        return Ok(workload::ALL.iter().collect());
    }
    only.iter().map(|name| named(name)).collect()
}

fn named(name: &str) -> Result<&'static Workload> {
    let found = workload::ALL.iter().find(|w| w.name.eq_ignore_ascii_case(name));
    let Some(found) = found else {
        let all: Vec<&str> = workload::ALL.iter().map(|workload| workload.name).collect();
        bail!("no workload is called {name}; there are {}", all.join(", "))
    };
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
