//! The answer "no" to a call: the schema's `Error`, in types.

use std::time::Duration;

use enlace_proto::relay::v1::{Error, ErrorCode};

/// Why a call is refused, as told to its caller.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("refused: {code:?}: {message}")]
pub struct Refusal {
    /// What the caller can act on. A code that this version doesn't know reads as unspecified.
    pub code: ErrorCode,
    /// For a developer's log; never content.
    pub message: String,
    /// When asking again makes sense.
    pub retry_after: Option<Duration>,
    /// The hub's fence, with [`ErrorCode::StaleFence`].
    pub fence: u64,
    /// How many go first, with [`ErrorCode::LeaseHeld`].
    pub ahead: u32,
}

/// Longer messages are cut, so that a refusal always fits its frame.
const MAX_MESSAGE_BYTES: usize = 1024;

impl Refusal {
    /// A refusal with a code and an explanation.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        Self { code, message, retry_after: None, fence: 0, ahead: 0 }
    }

    /// Says when to ask again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Says how many go first.
    #[must_use]
    pub fn with_ahead(mut self, ahead: u32) -> Self {
        self.ahead = ahead;
        self
    }

    /// Says where the hub's fence stands.
    #[must_use]
    pub fn with_fence(mut self, fence: u64) -> Self {
        self.fence = fence;
        self
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let retry_after = Some(error.retry_after_ms).filter(|wait| *wait > 0);
        Self {
            code: error.code(),
            message: error.message,
            retry_after: retry_after.map(Duration::from_millis),
            fence: error.fence,
            ahead: error.ahead,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let wait = refusal.retry_after.map_or(0, |wait| wait.as_millis());
        Self {
            code: refusal.code.into(),
            message: refusal.message,
            retry_after_ms: u64::try_from(wait).unwrap_or(u64::MAX),
            fence: refusal.fence,
            ahead: refusal.ahead,
        }
    }
}
