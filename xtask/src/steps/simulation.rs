//! Whole networks on virtual time, under every kind of trouble.

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let mut command = process::cargo(workspace);
    command.args(["run", "--quiet", "--locked", "--package", "enlace-simulation", "--"]);
    process::run(command.args(["--seeds", "200", "--keep-going"]))
}
