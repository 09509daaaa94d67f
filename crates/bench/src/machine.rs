//! The machine on which a report was made: its figures mean nothing without it.

use std::fmt;
use std::fs;

use serde::Serialize;

/// What one has to know of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    memory_mib: u64,
    system: String,
    architecture: &'static str,
    /// Processes that ran or waited to run in the last minute, when the run began.
    load: f64,
    /// Whether this program was built with optimisation.
    optimised: bool,
}

impl Machine {
    /// This machine, now.
    pub(crate) fn here() -> Self {
        let cpus = read("/proc/cpuinfo");
        let memory = read("/proc/meminfo");
        let kibibytes = field(&memory, "MemTotal").and_then(|text| text.strip_suffix("kB"));
        Self {
            cpu: field(&cpus, "model name").unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: kibibytes.and_then(|text| text.trim().parse().ok()).unwrap_or(0_u64) / 1024,
            system: format!(
                "{} {}",
                std::env::consts::OS,
                read("/proc/sys/kernel/osrelease").trim()
            ),
            architecture: std::env::consts::ARCH,
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|l| l.parse().ok())
                .unwrap_or(0.0),
            optimised: !cfg!(debug_assertions),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, memory_mib, system, architecture, load, optimised } = self;
        write!(
            f,
            "{cores} cores of {cpu}, {memory_mib} MiB, {system} ({architecture}), load {load}"
        )?;
        if *optimised { Ok(()) } else { f.write_str(", NOT OPTIMISED") }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "model\t: 207\nmodel name\t: Some CPU\n";
        assert_eq!(field(text, "model name"), Some("Some CPU"));
        assert_eq!(field(text, "name"), None);
    }
}
