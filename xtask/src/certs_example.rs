//! `cargo xtask certs-example` makes `certs-example/` anew: the public files of a network of two
//! authorities, by the same commands that registrars use, each certificate beside its text.
//!
//! The private keys are made in the build directory and removed at the end.

mod authority;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use self::authority::{AUTHORITIES, Authority};
use crate::process;
use crate::workspace::Workspace;

const README: &str = include_str!("certs_example/README.md");

/// Where everything is: what is shown, what is thrown away, and the program that makes it.
#[derive(Debug)]
struct Workshop<'w> {
    workspace: &'w Workspace,
    enlace: PathBuf,
    shown: PathBuf,
    secret: PathBuf,
}

/// Replaces the directory with a new example.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    process::run(process::cargo(workspace).args(["build", "--locked", "--bin", "enlace"]))?;
    let workshop = Workshop {
        workspace,
        enlace: workspace.target().join("debug/enlace"),
        shown: workspace.root().join("certs-example"),
        secret: workspace.target().join("certs-example"),
    };
    empty(&workshop.shown)?;
    empty(&workshop.secret)?;
    let made = workshop.make();
    let removed = fs::remove_dir_all(&workshop.secret).context("the keys cannot be removed");
    made.and(removed)
}

fn empty(directory: &Path) -> Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)
            .with_context(|| format!("{} cannot be removed", directory.display()))?;
    }
    fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))
}

impl Workshop<'_> {
    fn make(&self) -> Result<()> {
        write_private(&self.passphrase(), "only for this example\n")?;
        let network = self.secret.join("network");
        process::run(self.enlace(["network", "init", "--name", "Red de ejemplo"]).arg(&network))?;
        for authority in AUTHORITIES {
            authority.make(self)?;
            authority.join(self, &network)?;
        }
        for authority in AUTHORITIES {
            authority.sign(self, &network)?;
        }
        let bundle = self.shown.join("network.bundle");
        copy(&network.join("network.bundle"), &bundle)?;
        let text = process::output(self.enlace(["network", "show"]).arg(&bundle))?;
        write(&self.shown.join("network.txt"), &text)?;
        write(&self.shown.join("README.md"), README)?;
        AUTHORITIES.iter().try_for_each(|authority| authority.verify(self))
    }

    fn enlace<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = process::command(self.workspace, &self.enlace);
        command.args(arguments);
        command
    }

    fn openssl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = process::command(self.workspace, "openssl");
        command.args(arguments);
        command
    }

    fn passphrase(&self) -> PathBuf {
        self.secret.join("passphrase")
    }

    fn shown_of(&self, authority: &Authority) -> PathBuf {
        self.shown.join(authority.domain)
    }

    /// The authority's directory, as its registrar has it.
    fn registry_of(&self, authority: &Authority) -> PathBuf {
        self.secret.join(authority.domain)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("{} cannot be copied", from.display()))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// Passphrases are taken from files only that nobody else can read.
fn write_private(path: &Path, text: &str) -> Result<()> {
    write(path, "")?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
            .with_context(|| format!("{} cannot be hidden", path.display()))?;
    }
    write(path, text)
}
