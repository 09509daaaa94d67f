//! No file of the repository may hold an absolute path of the machine it was written on: it would
//! tell who wrote it and where, and would work nowhere else.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::workspace::Workspace;

/// Where people's own files lie. Split, so that this file does not find itself.
const PRIVATE_ROOTS: &[&str] =
    &[concat!("/", "home/"), concat!("/", "root/"), concat!("/", "Users/"), concat!("/", "work/")];

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let patterns = patterns(workspace);
    let mut found = Vec::new();
    for file in files(workspace)? {
        let bytes = match fs::read(workspace.root().join(&file)) {
            // Listed, but deleted and not yet committed; or a link to a directory.
            Err(_) => continue,
            Ok(bytes) => bytes,
        };
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if let Some(pattern) = patterns.iter().find(|pattern| holds_path(line, pattern)) {
                found.push(format!("{}:{} ({pattern}...)", file.display(), number + 1));
            }
        }
    }
    ensure!(found.is_empty(), "paths of a machine in {}", found.join(", "));
    Ok(())
}

/// The usual places, and those of this very machine, if they are long enough to mean it.
fn patterns(workspace: &Workspace) -> Vec<String> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let here = [Some(workspace.root().to_owned()), home];
    let here = here.into_iter().flatten().filter(|path| path.components().count() > 2);
    let here = here.filter_map(|path| path.to_str().map(str::to_owned));
    PRIVATE_ROOTS.iter().map(|root| (*root).to_owned()).chain(here).collect()
}

/// Whether an absolute path with this beginning stands in the line: the same letters in the middle
/// of a relative path or an address are none.
fn holds_path(line: &[u8], beginning: &str) -> bool {
    let starts = |at: &usize| line[*at..].starts_with(beginning.as_bytes());
    let continues_a_path =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'}');
    (0..line.len())
        .filter(starts)
        .any(|at| at.checked_sub(1).is_none_or(|before| !continues_a_path(line[before])))
}

/// What git tracks or would track; in an unpacked archive, every file but the built ones.
fn files(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    if workspace.root().join(".git").exists() {
        let names = process::output(process::command(workspace, "git").args(list))?;
        return Ok(names.split_terminator('\0').map(PathBuf::from).collect());
    }
    let mut files = Vec::new();
    walk(workspace.root(), Path::new(""), &mut files)?;
    Ok(files)
}

fn walk(root: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let directory = root.join(below);
    let cannot_read = || format!("cannot read {}", directory.display());
    for entry in fs::read_dir(&directory).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        let path = below.join(entry.file_name());
        if !entry.file_type().with_context(cannot_read)?.is_dir() {
            files.push(path);
        } else if path != Path::new("target") {
            walk(root, &path, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_found_and_others_are_not() {
        let home = concat!("/", "home/");
        for (line, expected) in [
            (format!("dir = \"{home}ana/enlace\""), true),
            (format!("{home}ana"), true),
            (format!("see file://{home}ana"), true),
            (format!("https://site.example{home}page"), false),
            (format!("docs{home}index.md"), false),
            ("nothing".to_owned(), false),
        ] {
            assert_eq!(holds_path(line.as_bytes(), home), expected, "{line}");
        }
    }
}
