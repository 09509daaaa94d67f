//! Memory of processes, as Linux counts it.

use anyhow::{Context as _, Result};

/// Bytes of memory that belong to a process: shared pages count in part.
pub(crate) fn of(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
    proportional_bytes(&text).with_context(|| format!("{path} has no Pss"))
}

fn proportional_bytes(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_kernels_table() {
        let text =
            "55-7f ---p 0 00:00 0 [rollup]\nRss:   1724 kB\nPss:     276 kB\nPss_Anon: 1 kB\n";
        assert_eq!(proportional_bytes(text), Some(276 * 1024));
        assert_eq!(proportional_bytes("Rss: 1 kB\n"), None);
    }
}
