//! The clock that certificates and revocation lists are judged by.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use enlace_identity::time::Timestamp;
use quinn::TimeSource;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;

use crate::trust::Trust;

/// Tells the time; a simulation brings its own.
pub trait Clock: Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is where it comes from")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::default().plus(since_epoch)
    }
}

impl Clock for Trust {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

/// Lets QUIC judge the age of address tokens by the same clock.
pub(crate) struct QuicTime(pub(crate) Trust);

impl TimeSource for QuicTime {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.0.now().since(Timestamp::default())
    }
}

/// Lets rustls judge the age of session tickets by the same clock.
#[derive(Debug)]
pub(crate) struct TlsTime(pub(crate) Arc<dyn Clock>);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.0.now().since(Timestamp::default())))
    }
}
