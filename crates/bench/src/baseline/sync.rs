//! One sync: what a single entry's durability costs on this disk.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::statistics::Samples;

/// Appends payloads of that size to a plain file one by one, each with its fdatasync.
pub(crate) fn one_by_one(dir: &Path, count: usize, bytes: usize) -> Result<Samples> {
    let mut file = tempfile::tempfile_in(dir).context("a plain file cannot be made")?;
    let payload = vec![7; bytes];
    let times = (0..count).map(|_| append(&mut file, &payload));
    Ok(Samples::new(times.collect::<Result<_>>()?))
}

fn append(file: &mut File, payload: &[u8]) -> Result<std::time::Duration> {
    let started = Instant::now();
    file.write_all(payload)?;
    file.sync_data()?;
    Ok(started.elapsed())
}
