//! Rustdoc for our own crates, warnings denied: a link in a comment that leads nowhere is one.

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let arguments = ["doc", "--workspace", "--no-deps", "--locked", "--keep-going"];
    process::run(process::cargo(workspace).args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
}
