//! The processes that take part: this program again, with another role.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{self, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// A process that was started, and ends with this value.
#[derive(Debug)]
pub(crate) struct Child {
    child: process::Child,
    stdout: BufReader<ChildStdout>,
}

/// A server in a process of its own.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Child {
    /// Starts this program again with those arguments.
    pub(crate) fn start(arguments: &[&OsStr]) -> Result<Self> {
        let program = std::env::current_exe().context("this program cannot be found")?;
        let mut child = Command::new(program)
            .args(arguments)
            // It stays open as long as this process lives.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("this program cannot be started again")?;
        let stdout = child.stdout.take().context("a child's output is piped")?;
        Ok(Self { child, stdout: BufReader::new(stdout) })
    }

    /// Waits for its end; returns what it printed.
    pub(crate) fn output(mut self) -> Result<String> {
        let mut printed = String::new();
        self.stdout.read_to_string(&mut printed)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "it ended with {status}");
        Ok(printed)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It fails only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a server and waits until it says where it listens.
    pub(crate) fn start(arguments: &[&OsStr]) -> Result<Self> {
        let mut child = Child::start(arguments)?;
        let mut line = String::new();
        child.stdout.read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.with_context(|| format!("it said “{}”", line.trim_end()))?;
        Ok(Self { address: address.parse()?, child })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.child.id()
    }
}

/// Ends this process as soon as the one that started it is gone.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        // Nothing is ever written there: it returns when the other end is closed.
        let _ = std::io::stdin().read(&mut [0]);
        process::exit(0);
    });
}
