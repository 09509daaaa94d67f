//! In the crates that a simulation runs, no `select!` may draw by chance which branch it looks at
//! first: tokio's generator can't be seeded, and the same seed would give another run each time.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;

const SIMULATED: &[&str] = &["crates/transport/src", "crates/relay/src", "crates/client/src"];

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let mut found = Vec::new();
    for directory in SIMULATED {
        for file in sources(&workspace.root().join(directory))? {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            found.extend(unbiased(&text).map(|line| format!("{}:{line}", file.display())));
        }
    }
    ensure!(found.is_empty(), "select! without `biased;` at {}", found.join(", "));
    Ok(())
}

/// The lines on which a `select!` begins that isn't biased.
fn unbiased(text: &str) -> impl Iterator<Item = usize> {
    let following = text.lines().skip(1).chain([""]);
    text.lines()
        .zip(following)
        .enumerate()
        .filter(|(_, (line, next))| line.ends_with("select! {") && next.trim() != "biased;")
        .map(|(index, _)| index + 1)
}

fn sources(directory: &Path) -> Result<Vec<PathBuf>> {
    let cannot_read = || format!("cannot read {}", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).with_context(cannot_read)? {
        let path = entry.with_context(cannot_read)?.path();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::unbiased;

    #[test]
    fn an_unbiased_select_is_found() {
        let text =
            "a\n    tokio::select! {\n        biased;\n    }\n    select! {\n        x\n    }\n";
        assert_eq!(unbiased(text).collect::<Vec<_>>(), [5]);
    }
}
