//! Time and CPU from one moment on.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cpu::Meter;

/// What servers use from its start on.
#[derive(Debug)]
pub(crate) struct Measure {
    meter: Meter,
    before: Duration,
    started: Instant,
}

impl Measure {
    /// From now on.
    pub(crate) fn start(servers: &[u32]) -> Result<Self> {
        let mut meter = Meter::new(servers);
        Ok(Self { before: meter.sample()?, meter, started: Instant::now() })
    }

    /// When it began.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// The CPU that the servers have used since.
    pub(crate) fn cpu(&mut self) -> Result<Duration> {
        Ok(self.meter.sample()?.saturating_sub(self.before))
    }
}
