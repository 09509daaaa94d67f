//! `cargo fmt`, as `rustfmt.toml` says.

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    process::run(process::cargo(workspace).args(["fmt", "--all", "--check"]))
}
