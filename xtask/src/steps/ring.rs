//! The cryptography that we run is aws-lc and libcrux, chosen and documented; `ring` must not slip
//! in beside them through some dependency's default features.

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// Cargo resolves features for the whole workspace here, as it does when it builds it.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let all = ["tree", "--workspace", "--locked", "--edges", "normal", "--prefix", "none"];
    let tree = process::output(process::cargo(workspace).args(all))?;
    let Some(found) = tree.lines().find(|line| line.starts_with("ring v")) else { return Ok(()) };
    let found = found.trim_end_matches(" (*)");
    process::run(
        process::cargo(workspace).args(["tree", "--locked", "-e", "normal", "-i", "ring"]),
    )?;
    bail!("{found} is linked into our programs by the path shown above");
}
