//! What this process has handed to the system to be written.

use anyhow::{Context as _, Result};

const COUNTERS: &str = "/proc/self/io";

/// Bytes written so far, to files and anything else.
pub(crate) fn written() -> Result<u64> {
    let text = std::fs::read_to_string(COUNTERS);
    let text = text.with_context(|| format!("{COUNTERS} cannot be read"))?;
    bytes_written(&text).with_context(|| format!("{COUNTERS} has no wchar"))
}

fn bytes_written(counters: &str) -> Option<u64> {
    counters.lines().find_map(|line| line.strip_prefix("wchar:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_counter_is_read() {
        assert_eq!(bytes_written("rchar: 5\nwchar: 71\nsyscr: 1\n"), Some(71));
        assert_eq!(bytes_written("rchar: 5\n"), None);
    }
}
