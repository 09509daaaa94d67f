//! `cargo xtask record-kept`: a network as the present build leaves it on disk, for later builds to
//! open. To be done with each release, never to make a failing test pass.

use anyhow::{Result, ensure};

use crate::process;
use crate::workspace::Workspace;

/// Makes `tests/kept` anew.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut command = process::cargo(workspace);
    command.args(["test", "--quiet", "--locked", "--package", "enlace-tests", "--test", "it"]);
    command.args(["--", "--ignored", "--exact", "kept::recording"]);
    ensure!(command.status()?.success(), "nothing was recorded");
    Ok(())
}
