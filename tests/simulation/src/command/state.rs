//! Which seeds are done: one line each, added as they end, so that a campaign that was cut off goes
//! on where it was.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// The file; nothing is noted without one.
pub(super) struct State {
    file: Option<File>,
    done: BTreeSet<u64>,
}

impl State {
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self { file: None, done: BTreeSet::new() }) };
        let text = if path.exists() {
            std::fs::read_to_string(path).with_context(|| path.display().to_string())?
        } else {
            String::new()
        };
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| path.display().to_string())?;
        Ok(Self { file: Some(file), done: parse(&text) })
    }

    /// Whether a seed held before.
    pub(super) fn is_done(&self, seed: u64) -> bool {
        self.done.contains(&seed)
    }

    pub(super) fn note(&mut self, seed: u64, held: bool, hash: &str) -> Result<()> {
        if let Some(file) = &mut self.file {
            writeln!(file, "{seed} {} {hash}", if held { "ok" } else { "FAILED" })?;
        }
        Ok(())
    }
}

/// The seeds that held; one that failed is run again.
fn parse(text: &str) -> BTreeSet<u64> {
    let held = |line: &str| {
        let mut words = line.split(' ');
        let seed = words.next()?.parse().ok()?;
        (words.next() == Some("ok")).then_some(seed)
    };
    text.lines().filter_map(held).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_held_is_passed_over() {
        assert_eq!(parse("1 ok ab\n2 FAILED cd\n3 ok\n4 o"), BTreeSet::from([1, 3]));
    }
}
