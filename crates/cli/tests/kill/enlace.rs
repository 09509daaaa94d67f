//! The program as one officer runs it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use enlace_cli::training::{TrainingNetwork, TrainingOfficer};
use serde_json::Value;

/// Whatever has not happened by then never will.
const PATIENCE: Duration = Duration::from_secs(120);

/// Lines that nobody has looked at yet; whoever prints more waits.
const LINES: usize = 1024;

/// How an officer's commands are called.
#[derive(Clone)]
pub(crate) struct Enlace {
    network: TrainingNetwork,
    profile: PathBuf,
    pub(crate) name: String,
}

/// A command that runs. It is killed with this value.
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    name: String,
}

impl Enlace {
    pub(crate) fn new(network: &TrainingNetwork, officer: &TrainingOfficer) -> Self {
        Self {
            network: network.clone(),
            profile: officer.profile_dir().to_owned(),
            name: officer.address().name().to_owned(),
        }
    }

    /// Runs a command to its end, and returns what it printed last.
    pub(crate) fn run(&self, arguments: &[&str]) -> Value {
        self.run_for_all(arguments).pop().expect("a command prints its result")
    }

    /// Runs a command to its end, and returns every line that it printed.
    pub(crate) fn run_for_all(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.command(arguments).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {arguments:?}: {said}", self.name);
        let printed = String::from_utf8(output.stdout).unwrap();
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, lines) = sync_channel(LINES);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // A process that is killed may leave half a line.
                let Ok(line) = serde_json::from_str(&line) else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Running { child, input, lines, name: self.name.clone() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.network.program().command();
        command
            .args(arguments)
            .arg("--json")
            .arg("--profile")
            .arg(&self.profile)
            .arg("--passphrase-file")
            .arg(self.network.passphrase_file());
        command
    }
}

impl Running {
    /// Writes a line to its standard input. One that has died reads nothing, which shows later.
    pub(crate) fn tell(&mut self, line: &str) {
        use std::io::Write as _;

        let input = self.input.as_mut().unwrap();
        let _ = writeln!(input, "{line}");
    }

    /// The next line that it prints.
    pub(crate) fn next(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE);
        line.unwrap_or_else(|error| panic!("{}: nothing more is printed: {error}", self.name))
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
