//! Every test, by plain `cargo test`.

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    process::run(process::cargo(workspace).args([
        "test",
        "--workspace",
        "--locked",
        "--no-fail-fast",
    ]))
}
