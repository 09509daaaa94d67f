//! Which of our crates may know which, as ARCHITECTURE.md draws it.
//!
//! Two of these edges are security properties, not taste: a relay that does not link `channel`
//! cannot decrypt, and a client that does not link `relay` shares nothing with it but the protocol.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::process;
use crate::workspace::Workspace;

/// Each crate with all of ours that it may reach, directly or not, tests included.
const MAY_REACH: &[(&str, &[&str])] = &[
    ("enlace-proto", &[]),
    ("enlace-identity", &[]),
    ("enlace-log", &["enlace-identity", "enlace-proto"]),
    ("enlace-channel", &["enlace-identity", "enlace-log", "enlace-proto"]),
    ("enlace-transport", &["enlace-identity", "enlace-proto"]),
    ("enlace-relay", &["enlace-identity", "enlace-log", "enlace-proto", "enlace-transport"]),
    (
        "enlace-client",
        &["enlace-channel", "enlace-identity", "enlace-log", "enlace-proto", "enlace-transport"],
    ),
    // A model that judges the protocol, not the programs.
    ("enlace-model", &["enlace-identity", "enlace-log", "enlace-proto"]),
];

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let mut wrong = Vec::new();
    for (package, allowed) in MAY_REACH {
        for reached in reached_by(workspace, package)? {
            if !allowed.contains(&reached.as_str()) {
                wrong.push(format!("{package} reaches {reached}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join(", "));
    Ok(())
}

fn reached_by(workspace: &Workspace, package: &str) -> Result<BTreeSet<String>> {
    let arguments = ["tree", "--locked", "--edges", "normal,build,dev", "--prefix", "none"];
    let tree = process::output(process::cargo(workspace).args(arguments).args(["-p", package]))?;
    Ok(ours(&tree).filter(|name| *name != package).map(str::to_owned).collect())
}

/// The names of our own packages in what `cargo tree` prints, one package a line.
fn ours(tree: &str) -> impl Iterator<Item = &str> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| name.starts_with("enlace"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_packages_are_found_in_a_tree() {
        let tree = "enlace-relay v0.1.0 (/somewhere)\nbytes v1.12.1\n\nenlace-log v0.1.0 (*)\n";
        assert_eq!(ours(tree).collect::<Vec<_>>(), ["enlace-relay", "enlace-log"]);
    }
}
