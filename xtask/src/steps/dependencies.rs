//! cargo-deny, for the three of its checks that need no network: bans, licences, sources.
//!
//! Known vulnerabilities (`cargo deny check advisories`) are not among them: their list is fetched
//! anew each time, so the same commit could pass today and fail tomorrow.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::process;
use crate::workspace::Workspace;

/// The version that is installed where none is found.
const VERSION: &str = "0.20.2";

/// The oldest version that reads our `deny.toml`, as (major, minor).
const OLDEST: (u32, u32) = (0, 20);

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let path = search_path(workspace)?;
    if !is_installed(workspace, &path) {
        install(workspace).with_context(|| {
            format!(
                "cargo-deny could not be installed; where the package registry is within reach, run \
                 `cargo install --locked cargo-deny@{VERSION}` and start again"
            )
        })?;
    }
    // The check reads every dependency of every platform, also those that no build here unpacks.
    process::run(process::cargo(workspace).args(["fetch", "--locked"]))?;
    let check = ["deny", "--offline", "--locked", "--all-features", "check"];
    let parts = ["bans", "licenses", "sources"];
    process::run(process::cargo(workspace).args(check).args(parts).env("PATH", path))
}

/// What the caller has installed comes first, then what was installed here.
fn search_path(workspace: &Workspace) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let entries = env::split_paths(&path).chain([workspace.tools().join("bin")]);
    env::join_paths(entries).context("PATH cannot be extended")
}

fn is_installed(workspace: &Workspace, path: &OsString) -> bool {
    let mut command = process::cargo(workspace);
    command.args(["deny", "--version"]).env("PATH", path).stderr(std::process::Stdio::null());
    command.output().is_ok_and(|output| {
        output.status.success() && is_recent(&String::from_utf8_lossy(&output.stdout))
    })
}

fn is_recent(printed: &str) -> bool {
    let version = || {
        let mut numbers = printed.split_whitespace().nth(1)?.split('.');
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    };
    version().is_some_and(|version: (u32, u32)| version >= OLDEST)
}

/// Builds cargo-deny without optimisation: it runs for a second, but would build for many minutes.
fn install(workspace: &Workspace) -> Result<()> {
    let tools = workspace.tools();
    let build = tools.join("build");
    let result = process::run(
        process::cargo(workspace)
            .args(["install", "--locked", "--profile", "dev", "--no-default-features"])
            .args(["--root".as_ref(), tools.as_os_str()])
            .args(["--target-dir".as_ref(), build.as_os_str()])
            .arg(format!("cargo-deny@{VERSION}"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0"),
    );
    remove(&build)?;
    result
}

fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("cannot remove the build directory of cargo-deny")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_read_our_file_are_told_from_others() {
        for (printed, expected) in [
            ("cargo-deny 0.20.2", true),
            ("cargo-deny 1.0.0\n", true),
            ("cargo-deny 0.19.9", false),
            ("cargo-deny", false),
            ("", false),
        ] {
            assert_eq!(is_recent(printed), expected, "{printed:?}");
        }
    }
}
