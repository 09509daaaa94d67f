//! CPU time of processes, as Linux counts it for each of their threads, in nanoseconds.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::{Error, ErrorKind};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Linux: "no such process".
const ESRCH: i32 = 3;

/// Reads the CPU time of some processes. What a thread had used when it was last seen still counts
/// when it has ended: sample now and then while idle threads may end.
#[derive(Debug)]
pub(crate) struct Meter {
    processes: Vec<u32>,
    threads: HashMap<(u32, OsString), u64>,
}

impl Meter {
    /// A meter of those processes.
    pub(crate) fn new(processes: &[u32]) -> Self {
        Self { processes: processes.to_vec(), threads: HashMap::new() }
    }

    /// Looks at every thread; returns the CPU time of all of them so far.
    pub(crate) fn sample(&mut self) -> Result<Duration> {
        for process in &self.processes {
            let tasks = format!("/proc/{process}/task");
            for task in fs::read_dir(&tasks).with_context(|| format!("no {tasks}"))? {
                let task = task?;
                let read = fs::read_to_string(task.path().join("schedstat"));
                let text = match read {
                    Err(error) if thread_has_ended(&error) => continue,
                    read => read.context("the kernel does not count each thread's time")?,
                };
                let nanos = on_cpu(&text).context("schedstat begins with a number")?;
                self.threads.insert((*process, task.file_name()), nanos);
            }
        }
        Ok(Duration::from_nanos(self.threads.values().sum()))
    }
}

/// The CPU time of the calling thread so far.
pub(crate) fn this_thread() -> Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat");
    let text = text.context("the kernel does not count each thread's time")?;
    Ok(Duration::from_nanos(on_cpu(&text).context("schedstat begins with a number")?))
}

/// A thread can end before its file is opened, and also between that and reading it.
fn thread_has_ended(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH)
}

fn on_cpu(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_is_the_time_on_the_cpu() {
        assert_eq!(on_cpu("113195 2222358 2\n"), Some(113_195));
        assert_eq!(on_cpu(""), None);
    }

    #[test]
    fn a_thread_that_ends_while_it_is_looked_at_is_no_failure() {
        assert!(thread_has_ended(&Error::from_raw_os_error(ESRCH)));
        assert!(thread_has_ended(&ErrorKind::NotFound.into()));
        assert!(!thread_has_ended(&ErrorKind::PermissionDenied.into()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn work_shows_in_the_process_that_does_it_and_stays() {
        let mut meter = Meter::new(&[std::process::id()]);
        let before = meter.sample().unwrap();
        let (working, ended) = (Duration::from_millis(5), std::sync::mpsc::sync_channel::<()>(0));
        let thread = std::thread::spawn(move || {
            let mut sum = 0_u64;
            while ended.1.try_recv().is_err() {
                sum = std::hint::black_box(sum + 1);
            }
        });
        while meter.sample().unwrap() < before + working {}
        ended.0.send(()).unwrap();
        thread.join().unwrap();
        assert!(meter.sample().unwrap() >= before + working);
    }
}
