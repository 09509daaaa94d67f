//! How a hub runs.

use std::fmt;
use std::sync::Arc;

use enlace_identity::names::{Domain, ServiceName};
use enlace_identity::time::Timestamp;

use crate::hub::head_key::HeadKey;
use crate::hub::trust::DeviceTrust;

/// Tells the time: the system's, or a simulation's.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a hub is told at its start.
#[derive(Clone)]
pub struct HubOptions {
    /// The relay.
    pub name: ServiceName,
    /// Signs heads.
    pub head_key: HeadKey,
    /// Whom it trusts.
    pub trust: Arc<dyn DeviceTrust>,
    /// The time.
    pub now: Now,
    /// The boot of the machine, where that is known: what was written in it is not lost by the end
    /// of a process.
    pub boot: Option<String>,
    /// How many requests may wait; whoever comes then waits to be let in.
    pub queue_requests: usize,
    /// How many requests one transaction takes at most.
    pub round_requests: usize,
    /// After how many bytes a transaction takes no further request.
    pub round_bytes: usize,
    /// How many bytes of channels' states stay in memory, roughly.
    pub cache_bytes: usize,
    /// How many reads run at once.
    pub readers: usize,
}

impl HubOptions {
    /// The options that fit one small machine.
    #[must_use]
    pub fn new(
        name: ServiceName,
        head_key: HeadKey,
        trust: Arc<dyn DeviceTrust>,
        now: Now,
    ) -> Self {
        Self {
            name,
            head_key,
            trust,
            now,
            boot: None,
            queue_requests: 1024,
            round_requests: 512,
            round_bytes: 8 << 20,
            cache_bytes: 64 << 20,
            readers: 4,
        }
    }
}

impl HubOptions {
    /// The authority whose relay it is.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        self.name.domain()
    }
}

impl fmt::Debug for HubOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubOptions")
            .field("name", &self.name)
            .field("head_key", &self.head_key)
            .field("queue_requests", &self.queue_requests)
            .field("round_requests", &self.round_requests)
            .field("round_bytes", &self.round_bytes)
            .field("cache_bytes", &self.cache_bytes)
            .field("readers", &self.readers)
            .finish_non_exhaustive()
    }
}
