//! What a statement about suspensions says, as it is signed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::canonical::{DecodeError, Reader, Writer};
use crate::names::{DeviceName, Domain, NameError, OfficerAddress};
use crate::time::Timestamp;

const LABEL: &str = "enlace suspensions v1";

/// All whom an authority has suspended at present.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SuspensionStatement {
    /// The authority.
    pub domain: Domain,
    /// From 1, and no more than the seconds of `issued_at`: it only grows, and whoever stole a duty
    /// key cannot use the numbers up. A higher one replaces a lower one.
    pub serial: u64,
    /// When it was made.
    pub issued_at: Timestamp,
    /// From when on it suspends nobody; no more than [`MAX_LENGTH`](Self::MAX_LENGTH) later.
    pub not_after: Timestamp,
    /// Whom it suspends, sorted by their text, each once.
    pub suspended: Vec<Suspended>,
}

/// One device, or an officer with all devices.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Suspended {
    /// A device.
    Device(DeviceName),
    /// All of an officer's devices, later ones too.
    Officer(OfficerAddress),
}

impl SuspensionStatement {
    /// The most names in a statement.
    pub const MAX_SUSPENDED: usize = 1024;
    /// The longest that a statement holds: who is to stay out longer is suspended again, or revoked.
    pub const MAX_LENGTH: Duration = Duration::from_secs(90 * 24 * 60 * 60);

    /// The bytes that are signed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .bytes(self.domain.as_str().as_bytes())
            .u64(self.serial)
            .u64(self.issued_at.as_millis())
            .u64(self.not_after.as_millis())
            .list(&self.suspended, |w, suspended| w.bytes(suspended.to_string().as_bytes()))
            .finish()
    }

    /// Reads the bytes back.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let statement = Self {
            domain: r.text()?.parse().map_err(|_| DecodeError::Value("domain"))?,
            serial: r.u64()?,
            issued_at: Timestamp::from_millis(r.u64()?),
            not_after: Timestamp::from_millis(r.u64()?),
            suspended: r.list("suspended", Self::MAX_SUSPENDED, |r| {
                r.text()?.parse().map_err(|_| DecodeError::Value("suspended"))
            })?,
        };
        r.finish()?;
        statement.check()?;
        Ok(statement)
    }

    /// Whether it names a device, or the device's officer. Its time is not looked at.
    #[must_use]
    pub fn names(&self, device: &DeviceName) -> bool {
        self.suspended.iter().any(|suspended| suspended.covers(device))
    }

    pub(super) fn check(&self) -> Result<(), DecodeError> {
        let length = self.not_after.since(self.issued_at);
        let sorted = self.suspended.is_sorted_by(|a, b| a.to_string() < b.to_string());
        let rules = [
            ("serial", (1..=self.issued_at.as_secs()).contains(&self.serial)),
            ("not_after", self.issued_at < self.not_after && length <= Self::MAX_LENGTH),
            ("suspended", self.suspended.len() <= Self::MAX_SUSPENDED && sorted),
            ("suspended", self.suspended.iter().all(|s| *s.domain() == self.domain)),
        ];
        match rules.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(DecodeError::Value(field)),
            None => Ok(()),
        }
    }
}

impl Suspended {
    /// The authority.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        match self {
            Self::Device(device) => device.domain(),
            Self::Officer(officer) => officer.domain(),
        }
    }

    /// Whether a device is meant.
    #[must_use]
    pub fn covers(&self, device: &DeviceName) -> bool {
        match self {
            Self::Device(named) => named == device,
            Self::Officer(officer) => officer == device.officer(),
        }
    }
}

impl FromStr for Suspended {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.contains('@') {
            text.parse().map(Self::Officer)
        } else {
            text.parse().map(Self::Device)
        }
    }
}

impl fmt::Display for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(device) => f.write_str(device.as_str()),
            Self::Officer(officer) => officer.fmt(f),
        }
    }
}
