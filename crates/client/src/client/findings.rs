//! What a look at the device finds, with the culprit's name and what to do.

use std::fmt;

use enlace_identity::warnings::{Alarm, Warning};
use enlace_transport::ConnectError;

/// One thing that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// A stable name for programs, such as `udp-no-answer`.
    pub code: &'static str,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// As it should be.
    Good,
    /// Works, but not for long or not for all.
    Warning,
    /// Doesn't work.
    Problem,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        })
    }
}

impl Finding {
    pub(super) fn good(code: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Good, code, message: message.into(), hint: None }
    }

    pub(super) fn warning(
        code: &'static str,
        message: impl Into<String>,
        hint: &'static str,
    ) -> Self {
        Self { level: Level::Warning, code, message: message.into(), hint: Some(hint) }
    }

    pub(super) fn problem(
        code: &'static str,
        message: impl Into<String>,
        hint: &'static str,
    ) -> Self {
        Self { level: Level::Problem, code, message: message.into(), hint: Some(hint) }
    }

    pub(super) fn expiring(warning: &Warning) -> Self {
        let level = match warning.alarm {
            Alarm::Half | Alarm::FourFifths => Level::Warning,
            Alarm::Expired => Level::Problem,
        };
        let hint = "ask your authority's registrar for a new one";
        Self { level, code: "lifetime", message: warning.to_string(), hint: Some(hint) }
    }

    /// Why the relay could not be reached, by whose fault it is.
    pub(super) fn of_connect(error: &ConnectError) -> Self {
        let (code, hint) = match error {
            ConnectError::NoAddress { .. } => {
                ("no-address", "check the network's name service, or ask for a new endpoint record")
            }
            ConnectError::Unroutable { .. } => {
                ("no-route", "check that this machine is connected to a network")
            }
            ConnectError::NoAnswer { .. } => (
                "udp-no-answer",
                "the relay is down, or this network blocks UDP: try another network, or ask for \
                 the relay's port to be opened",
            ),
            ConnectError::Untrusted(_) => (
                "relay-untrusted",
                "do not go on: somebody may be in between, or the relay's certificate is not \
                 right; tell your authority's IT",
            ),
            ConnectError::Clock(_) => ("clock", "set this machine's clock, and let it keep time"),
            ConnectError::Refused(_) => {
                ("certificate-refused", "ask your registrar about this device's certificate")
            }
            ConnectError::Tls(_) => (
                "tls-intercepted",
                "something between here and the relay speaks TLS in its place, or the relay is \
                 of another version",
            ),
            ConnectError::Hello(_) => {
                ("hello", "this device and the relay use different networks or releases")
            }
            ConnectError::NoHello(_) | ConnectError::Lost(_) | ConnectError::Closed => {
                ("relay-went-away", "try again in a moment")
            }
        };
        Self::problem(code, error.to_string(), hint)
    }
}
