//! `cargo xtask bench`: builds the measuring program with optimisation and hands everything to it.
//! Its stores lie in the build directory, which is on a disk, as the system's directory for
//! temporary files may not be.

use std::env;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let build = ["build", "--locked", "--release", "--package", "enlace-bench"];
    process::run(process::cargo(workspace).args(build))?;
    let name = format!("enlace-bench{}", env::consts::EXE_SUFFIX);
    let program = workspace.target().join("release").join(name);
    let mut bench = process::command(workspace, program);
    if !arguments.iter().any(|argument| argument == "--dir" || argument.starts_with("--dir=")) {
        bench.arg("--dir").arg(workspace.target().join("bench"));
    }
    // A report's file is where the caller stands, not where the repository is.
    bench.args(arguments).current_dir(env::current_dir()?);
    process::run(&mut bench)
}
