//! Clippy over every target, warnings denied. Each pure crate has a `clippy.toml` of its own, which
//! bans clocks, files, sockets and whatever else makes a result depend on more than its arguments.

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let targets = ["clippy", "--workspace", "--all-targets", "--locked", "--keep-going"];
    process::run(process::cargo(workspace).args(targets).args(["--", "-D", "warnings"]))
}
