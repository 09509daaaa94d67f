//! What `check` and a failed start report.

use serde::Serialize;
use tracing::{error, warn};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The relay would not start, or nobody would talk to it.
    Error,
    /// It works now; something ends soon or is missing that will be wanted.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where: a key of the configuration, or a file.
    pub place: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A problem that keeps the relay from starting.
    pub fn error(place: impl Into<String>, message: impl ToString) -> Self {
        Self {
            severity: Severity::Error,
            place: place.into(),
            message: message.to_string(),
            hint: None,
        }
    }

    /// A problem that can wait.
    pub fn warning(place: impl Into<String>, message: impl ToString) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the relay can't start with it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Writes it to the log.
    pub(crate) fn log(&self) {
        let Self { place, message, hint, .. } = self;
        let hint = hint.as_deref().unwrap_or_default();
        if self.is_error() {
            error!(place, hint, "{message}");
        } else {
            warn!(place, hint, "{message}");
        }
    }
}
