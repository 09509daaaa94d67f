//! A relay as a process of its own.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::authority::TrainingAuthority;
use super::program::Program;
use crate::failure::{Explain as _, Failure};

/// A relay that has not said that it listens by then never will.
const READY: Duration = Duration::from_secs(60);

const LOG: &str = "relay.log";

/// A running relay. It dies with this value, and with the process that started it.
#[derive(Debug)]
pub struct RelayProcess {
    child: Child,
    /// Open as long as the relay may run: it ends when this closes.
    _lifeline: ChildStdin,
}

impl RelayProcess {
    /// Starts an authority's relay, and returns when it listens.
    ///
    /// # Errors
    /// When it doesn't come up; what it wrote to its log says why.
    pub fn start(program: &Program, authority: &TrainingAuthority) -> Result<Self, Failure> {
        let log = authority.relay_dir().join(LOG);
        let mut child = program
            .command()
            .args(["relay", "--with-parent", "run", "--config"])
            .arg(authority.relay_config())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(open_log(&log)?)
            .spawn()
            .context(|| format!("the relay of {} cannot be started", authority.domain()))?;
        let (Some(lifeline), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::new("the relay's standard input and output are not there"));
        };
        let relay = Self { child, _lifeline: lifeline };
        if listens(stdout) {
            return Ok(relay);
        }
        Err(Failure::new(format!("the relay of {} did not start", authority.domain()))
            .hint(format!("Its log is {}.", log.display())))
    }

    /// Ends it as a power cut would: SIGKILL.
    ///
    /// # Errors
    /// When the system doesn't let it be killed.
    pub fn kill(mut self) -> Result<(), Failure> {
        self.child.kill().context(|| "the relay cannot be killed".to_owned())?;
        self.child.wait().context(|| "the relay's end is not known".to_owned())?;
        Ok(())
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open_log(path: &Path) -> Result<File, Failure> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.context(|| format!("{} cannot be opened", path.display()))
}

/// Waits until the relay says that it listens, or closes its output without a word.
fn listens(stdout: ChildStdout) -> bool {
    let (said, listens) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        // Nobody waits any more: fine too.
        let _ = said.send(read.is_ok_and(|length| length > 0));
    });
    listens.recv_timeout(READY).unwrap_or(false)
}
