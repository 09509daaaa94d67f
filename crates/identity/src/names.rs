//! Names of authorities, officers, devices and relays (PROTOCOL.md §2).
//!
//! All of them are DNS names or built from DNS labels, and are compared byte for byte.

use std::fmt;
use std::str::FromStr;

/// Why a text is not a name of the kind asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("“{text}” is not {expected}")]
pub struct NameError {
    text: String,
    expected: &'static str,
}

/// The domain of an authority, such as `fge.example`: at least two labels, at most 180 bytes.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Domain(String);

impl Domain {
    /// The longest domain, in bytes; it leaves room for the labels of a device name.
    pub const MAX_BYTES: usize = 180;

    /// The domain as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether one of the two lies inside the other, or both are the same.
    #[must_use]
    pub fn nests_with(&self, other: &Self) -> bool {
        let inside = |inner: &str, outer: &str| {
            inner.strip_suffix(outer).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        inside(&self.0, &other.0) || inside(&other.0, &self.0)
    }
}

/// An officer's address, `name@domain`; the name is one DNS label.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OfficerAddress {
    name: Label,
    domain: Domain,
}

impl OfficerAddress {
    /// The part before the `@`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name.0
    }

    /// The authority.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The name of this officer's device with that label.
    ///
    /// # Errors
    /// When `device` is not a DNS label, or the name would be too long.
    pub fn device(&self, device: &str) -> Result<DeviceName, NameError> {
        format!("{device}.{}.officer.{}", self.name.0, self.domain).parse()
    }
}

/// The name of an officer's device, `<device>.<name>.officer.<domain>`.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DeviceName {
    text: String,
    officer: OfficerAddress,
}

impl DeviceName {
    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The device's own label.
    #[must_use]
    pub fn label(&self) -> &str {
        self.text.split('.').next().unwrap_or_default()
    }

    /// Whose device it is.
    #[must_use]
    pub fn officer(&self) -> &OfficerAddress {
        &self.officer
    }

    /// The authority.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.officer.domain
    }
}

/// What a name of an authority's own service stands for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ServiceKind {
    /// A relay node: mutual TLS.
    Relay,
    /// The key that signs heads.
    Head,
    /// The key that signs endpoint records.
    Endpoint,
    /// The duty officer's key: suspends officers at any hour, without the registrar.
    Duty,
}

impl ServiceKind {
    /// The label that stands between the service's own label and the domain.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Head => "head",
            Self::Endpoint => "endpoint",
            Self::Duty => "duty",
        }
    }

    const ALL: [Self; 4] = [Self::Relay, Self::Head, Self::Endpoint, Self::Duty];
}

/// The name of an authority's own service, `<label>.<kind>.<domain>`.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ServiceName {
    text: String,
    kind: ServiceKind,
    domain: Domain,
}

impl ServiceName {
    /// Composes a name.
    ///
    /// # Errors
    /// When `label` is not a DNS label.
    pub fn new(label: &str, kind: ServiceKind, domain: &Domain) -> Result<Self, NameError> {
        format!("{label}.{}.{domain}", kind.label()).parse()
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it stands for.
    #[must_use]
    pub fn kind(&self) -> ServiceKind {
        self.kind
    }

    /// The authority.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }
}

/// The one name that a leaf certificate carries.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum LeafName {
    /// An officer's device.
    Device(DeviceName),
    /// One of an authority's services.
    Service(ServiceName),
}

impl LeafName {
    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Device(name) => name.as_str(),
            Self::Service(name) => name.as_str(),
        }
    }

    /// The authority.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        match self {
            Self::Device(name) => name.domain(),
            Self::Service(name) => name.domain(),
        }
    }
}

impl From<DeviceName> for LeafName {
    fn from(name: DeviceName) -> Self {
        Self::Device(name)
    }
}

impl From<ServiceName> for LeafName {
    fn from(name: ServiceName) -> Self {
        Self::Service(name)
    }
}

impl PartialEq<DeviceName> for LeafName {
    fn eq(&self, other: &DeviceName) -> bool {
        matches!(self, Self::Device(name) if name == other)
    }
}

#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
struct Label(String);

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn error(text: &str, expected: &'static str) -> NameError {
    let shown = text.chars().take(80).collect();
    NameError { text: shown, expected }
}

impl FromStr for Label {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if is_label(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(error(text, "a name of 1 to 63 letters a–z, digits and hyphens"))
        }
    }
}

impl FromStr for Domain {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let labels = text.split('.').count();
        if text.len() <= Self::MAX_BYTES && labels >= 2 && text.split('.').all(is_label) {
            Ok(Self(text.to_owned()))
        } else {
            Err(error(text, "a domain such as fge.example, in lower case"))
        }
    }
}

impl FromStr for OfficerAddress {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let parse = || -> Option<Self> {
            let (name, domain) = text.split_once('@')?;
            Some(Self { name: name.parse().ok()?, domain: domain.parse().ok()? })
        };
        parse().ok_or_else(|| error(text, "an officer's address such as ana-ruiz@fge.example"))
    }
}

impl FromStr for DeviceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let parse = || -> Option<Self> {
            let mut labels = text.splitn(4, '.');
            let device = labels.next()?;
            let name = labels.next()?;
            if labels.next()? != "officer" || !is_label(device) || text.len() > 253 {
                return None;
            }
            let domain = labels.next()?.parse().ok()?;
            let officer = OfficerAddress { name: name.parse().ok()?, domain };
            Some(Self { text: text.to_owned(), officer })
        };
        parse()
            .ok_or_else(|| error(text, "a device name such as laptop.ana-ruiz.officer.fge.example"))
    }
}

impl FromStr for ServiceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let parse = || -> Option<Self> {
            let mut labels = text.splitn(3, '.');
            let label = labels.next()?;
            let kind = labels.next()?;
            let kind = ServiceKind::ALL.into_iter().find(|k| k.label() == kind)?;
            if !is_label(label) || text.len() > 253 {
                return None;
            }
            let domain = labels.next()?.parse().ok()?;
            Some(Self { text: text.to_owned(), kind, domain })
        };
        parse().ok_or_else(|| error(text, "a service name such as r1.relay.fge.example"))
    }
}

impl FromStr for LeafName {
    type Err = NameError;

    /// A text that could be read both ways is a device name: `officer` stands third there, and a
    /// domain that begins with `officer` could otherwise be taken for one.
    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Ok(device) = text.parse() {
            return Ok(Self::Device(device));
        }
        text.parse().map(Self::Service).map_err(|_| error(text, "a device's or a relay's name"))
    }
}

impl fmt::Display for OfficerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name.0, self.domain)
    }
}

macro_rules! shown_as_text {
    ($($name:ty),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    )*};
}
shown_as_text!(Domain, DeviceName, ServiceName, LeafName);

macro_rules! debug_is_display {
    ($($name:ty),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}
debug_is_display!(Domain, OfficerAddress, DeviceName, ServiceName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let device: DeviceName = "laptop.ana-ruiz.officer.fge.example".parse().expect("valid");
        assert_eq!(device.label(), "laptop");
        assert_eq!(device.officer().to_string(), "ana-ruiz@fge.example");
        assert_eq!(device.officer().device("laptop"), Ok(device.clone()));
        let relay: ServiceName = "r1.relay.fge.example".parse().expect("valid");
        assert_eq!((relay.kind(), relay.domain().as_str()), (ServiceKind::Relay, "fge.example"));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "Ana@fge.example",
            "ana@fge",
            "a.b@fge.example",
            "@fge.example",
            "ana",
            "ána@fge.example",
            "-a@fge.example",
            "a@fge.example.",
        ] {
            assert!(text.parse::<OfficerAddress>().is_err(), "{text}");
        }
        for text in [
            "laptop.ana.fge.example",
            "laptop.ana.relay.fge.example",
            ".ana.officer.fge.example",
            "*.ana.officer.fge.example",
        ] {
            assert!(text.parse::<DeviceName>().is_err(), "{text}");
        }
        for text in ["relay.fge.example", "r1.officer.fge.example", "r1.relay.fge"] {
            assert!(text.parse::<ServiceName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_domain_that_looks_like_a_role_cannot_be_read_two_ways() {
        let name: LeafName = "a.relay.officer.fge.example".parse().expect("valid");
        assert!(matches!(name, LeafName::Device(_)));
    }

    #[test]
    fn nesting_is_by_label() {
        let d = |text: &str| text.parse::<Domain>().expect("valid");
        assert!(d("a.b.example").nests_with(&d("b.example")));
        assert!(d("b.example").nests_with(&d("b.example")));
        assert!(!d("ab.example").nests_with(&d("b.example")));
    }
}
