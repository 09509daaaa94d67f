//! Each test that a document names is there: a table of threats that names a test which nobody runs
//! promises what nobody checks.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let mut missing = Vec::new();
    let documents = workspace.root().join("docs");
    for entry in fs::read_dir(&documents).context("cannot read docs")? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        for (file, test) in references(&text) {
            let source = fs::read_to_string(workspace.root().join(file)).unwrap_or_default();
            if !source.contains(&format!("fn {test}(")) {
                missing.push(format!("{}: {file}::{test}", path.display()));
            }
        }
    }
    ensure!(missing.is_empty(), "tests that do not exist are named: {}", missing.join(", "));
    Ok(())
}

/// What stands between backticks as `file.rs::test`.
fn references(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once("::"))
        .filter(|(file, _)| file.contains('/') && file.ends_with(".rs"))
}

#[cfg(test)]
mod tests {
    use super::references;

    #[test]
    fn tests_are_found_and_other_code_is_not() {
        let text = "| `a/b.rs::c` `d::e` | `f/g.rs` and `h/i.rs::j` |";
        assert_eq!(references(text).collect::<Vec<_>>(), [("a/b.rs", "c"), ("h/i.rs", "j")]);
    }
}
