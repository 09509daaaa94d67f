//! The programs outside of Rust that building (SQLCipher with its OpenSSL) and testing (the stock
//! `openssl`) call. What is missing is installed where apt-get and the rights are there, else named.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::workspace::Workspace;

struct Program {
    name: &'static str,
    /// Debian's package that holds it.
    package: &'static str,
    /// What to run to see that it is there, and whole.
    probe: &'static [&'static str],
}

const PROGRAMS: &[Program] = &[
    Program { name: "gcc", package: "gcc", probe: &["gcc", "--version"] },
    Program { name: "make", package: "make", probe: &["make", "--version"] },
    // Debian's smallest images hold a perl without the modules that configure OpenSSL.
    Program {
        name: "perl with its standard modules",
        package: "perl",
        probe: &["perl", "-MFindBin", "-MIPC::Cmd", "-MFile::Compare", "-MFile::Copy", "-e1"],
    },
    Program { name: "openssl", package: "openssl", probe: &["openssl", "version"] },
];

/// Parts of the Rust toolchain that some distributions package apart.
const COMPONENTS: &[(&str, &str)] = &[("fmt", "rustfmt"), ("clippy", "clippy")];

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let missing = missing_programs(workspace);
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|program| program.name).collect();
        let packages: Vec<_> = missing.iter().map(|program| program.package).collect();
        eprintln!("missing: {}", names.join(", "));
        install(workspace, &packages).with_context(|| {
            format!("please install {} (Debian: {})", names.join(", "), packages.join(" "))
        })?;
        if let Some(program) = missing_programs(workspace).first() {
            bail!("{} is still missing after its package was installed", program.name);
        }
    }
    components(workspace)
}

fn missing_programs(workspace: &Workspace) -> Vec<&'static Program> {
    PROGRAMS.iter().filter(|program| !program.is_there(workspace)).collect()
}

impl Program {
    fn is_there(&self, workspace: &Workspace) -> bool {
        let [program, arguments @ ..] = self.probe else { return false };
        process::succeeds(process::command(workspace, program).args(arguments))
    }
}

fn install(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    let apt_get = || process::command(workspace, "apt-get");
    if !process::succeeds(apt_get().arg("--version")) {
        bail!("there is no apt-get here to install it with");
    }
    if !is_root() {
        bail!("only root may run apt-get");
    }
    process::run(apt_get().arg("update"))?;
    process::run(
        apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn components(workspace: &Workspace) -> Result<()> {
    for (command, component) in COMPONENTS {
        if process::succeeds(process::cargo(workspace).args([command, "--version"])) {
            continue;
        }
        process::run(
            process::command(workspace, "rustup").args(["component", "add"]).arg(component),
        )
        .with_context(|| format!("please install the Rust component {component}"))?;
    }
    Ok(())
}
