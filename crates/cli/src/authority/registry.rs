//! `authority.json`: what an authority has issued and revoked.

use std::collections::BTreeSet;

use enlace_identity::certificate::{LeafUsage, Serial};
use enlace_identity::names::{Domain, LeafName};
use enlace_identity::time::{Timestamp, Validity};
use enlace_identity::warnings::{Alarm, alarm};
use serde::{Deserialize, Serialize};

use super::invitations::Invited;
use crate::as_text;
use crate::when::rfc3339;

/// The version of the file that this program writes.
const VERSION: u32 = 1;

/// What the registrar has to remember. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registry {
    version: u32,
    /// The authority's domain.
    #[serde(with = "as_text")]
    pub(crate) domain: Domain,
    /// Its name, to be shown.
    pub(crate) name: String,
    /// ISO 3166-1 alpha-2.
    pub(crate) country: String,
    /// The network that the root signs for, once it has signed for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) network: Option<String>,
    /// The root's newest revocation list.
    pub(crate) root_list: ListState,
    /// The issuing CA's newest revocation list.
    pub(crate) issuing_list: ListState,
    /// The newest endpoint record, once there is one.
    pub(crate) endpoint: Option<EndpointState>,
    /// All certificates, in the order in which they were issued.
    pub(crate) certificates: Vec<Issued>,
    /// All invitations, without their secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) invitations: Vec<Invited>,
}

/// A revocation list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListState {
    /// Its number; each list has a higher one than the list before it.
    pub(crate) number: u64,
    #[serde(with = "rfc3339")]
    pub(crate) not_before: Timestamp,
    #[serde(with = "rfc3339")]
    pub(crate) not_after: Timestamp,
}

/// An endpoint record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointState {
    pub(crate) version: u64,
    #[serde(with = "rfc3339")]
    pub(crate) not_before: Timestamp,
    #[serde(with = "rfc3339")]
    pub(crate) not_after: Timestamp,
    pub(crate) relays: Vec<RelayEntry>,
}

/// A relay in an endpoint record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RelayEntry {
    pub(crate) name: String,
    pub(crate) addresses: Vec<AddressEntry>,
}

/// Where a relay is to be found.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressEntry {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// One certificate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issued {
    #[serde(with = "as_text")]
    pub(crate) serial: Serial,
    pub(crate) kind: Kind,
    /// The leaf's name; of a CA its kind.
    pub(crate) name: String,
    pub(crate) common_name: String,
    /// The public key, in hexadecimal.
    pub(crate) public_key: String,
    #[serde(with = "rfc3339")]
    pub(crate) not_before: Timestamp,
    #[serde(with = "rfc3339")]
    pub(crate) not_after: Timestamp,
    pub(crate) revoked: Option<Revoked>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Root,
    IssuingCa,
    Device,
    Relay,
    Head,
    Endpoint,
    Duty,
}

/// When and why a certificate was withdrawn.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoked {
    #[serde(with = "rfc3339")]
    pub(crate) at: Timestamp,
    pub(crate) reason: Option<String>,
}

/// How a certificate stands at a given time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    Valid,
    /// Half of its life is over.
    HalfOver,
    /// Four fifths of it are over.
    ExpiresSoon,
    Expired,
    /// A later certificate has its name: it may run out.
    Replaced,
    Revoked,
}

impl Registry {
    pub(crate) fn new(
        domain: Domain,
        name: String,
        country: String,
        lists: [ListState; 2],
    ) -> Self {
        let [root_list, issuing_list] = lists;
        let (endpoint, certificates, invitations) = (None, Vec::new(), Vec::new());
        Self {
            version: VERSION,
            domain,
            name,
            country,
            network: None,
            root_list,
            issuing_list,
            endpoint,
            certificates,
            invitations,
        }
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.version <= VERSION
    }

    /// The certificates that `text` names: a serial number, a certificate's name, or an officer's
    /// address, which stands for all devices.
    pub(crate) fn named(&self, text: &str) -> Vec<usize> {
        let fits = |issued: &Issued| {
            issued.serial.to_string() == text.to_ascii_lowercase()
                || issued.name == text
                || issued.officer().is_some_and(|officer| officer == text)
        };
        let all = self.certificates.iter().enumerate();
        all.filter(|(_, issued)| fits(issued)).map(|(index, _)| index).collect()
    }

    /// The certificates of that name that are good at `now`.
    pub(crate) fn current<'a>(
        &'a self,
        name: &'a str,
        now: Timestamp,
    ) -> impl DoubleEndedIterator<Item = &'a Issued> {
        let good = move |i: &&Issued| i.name == name && i.revoked.is_none() && now < i.not_after;
        self.certificates.iter().filter(good)
    }

    /// What a revocation list of the root, or of the issuing CA, has to name.
    pub(crate) fn revoked(&self, of_root: bool) -> Vec<(Serial, Timestamp)> {
        let own = |issued: &&Issued| (issued.kind == Kind::IssuingCa) == of_root;
        let revoked = |issued: &Issued| Some((issued.serial.clone(), issued.revoked.as_ref()?.at));
        self.certificates.iter().filter(own).filter_map(revoked).collect()
    }

    /// Every certificate and how it stands.
    pub(crate) fn standings(&self, now: Timestamp) -> Vec<(&Issued, Standing)> {
        let mut later = BTreeSet::new();
        let mut standings: Vec<_> = self
            .certificates
            .iter()
            .rev()
            .map(|issued| {
                let replaced = later.contains(issued.name.as_str());
                let standing = issued.standing(now, replaced);
                if standing != Standing::Revoked {
                    later.insert(issued.name.as_str());
                }
                (issued, standing)
            })
            .collect();
        standings.reverse();
        standings
    }
}

impl ListState {
    pub(crate) fn validity(&self) -> Validity {
        Validity { not_before: self.not_before, not_after: self.not_after }
    }
}

impl EndpointState {
    pub(crate) fn validity(&self) -> Validity {
        Validity { not_before: self.not_before, not_after: self.not_after }
    }
}

impl Issued {
    fn officer(&self) -> Option<String> {
        match self.name.parse() {
            Ok(LeafName::Device(device)) => Some(device.officer().to_string()),
            _ => None,
        }
    }

    fn standing(&self, now: Timestamp, replaced: bool) -> Standing {
        let validity = Validity { not_before: self.not_before, not_after: self.not_after };
        match alarm(validity, now) {
            _ if self.revoked.is_some() => Standing::Revoked,
            Some(Alarm::Expired) => Standing::Expired,
            _ if replaced => Standing::Replaced,
            alarm => Standing::from(alarm),
        }
    }
}

impl From<Option<Alarm>> for Standing {
    fn from(alarm: Option<Alarm>) -> Self {
        match alarm {
            None => Self::Valid,
            Some(Alarm::Half) => Self::HalfOver,
            Some(Alarm::FourFifths) => Self::ExpiresSoon,
            Some(Alarm::Expired) => Self::Expired,
        }
    }
}

impl From<&LeafName> for Kind {
    fn from(name: &LeafName) -> Self {
        match LeafUsage::of(name) {
            LeafUsage::Device => Self::Device,
            LeafUsage::Relay => Self::Relay,
            LeafUsage::Head => Self::Head,
            LeafUsage::Endpoint => Self::Endpoint,
            LeafUsage::Duty => Self::Duty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: &str = "laptop.ana-ruiz.officer.fge.example";

    fn issued(number: u8, kind: Kind, name: &str) -> Issued {
        Issued {
            serial: Serial::from_random([number; 16]),
            kind,
            name: name.into(),
            common_name: "Ana Ruiz".into(),
            public_key: String::new(),
            not_before: Timestamp::from_secs(1000),
            not_after: Timestamp::from_secs(2000),
            revoked: None,
        }
    }

    fn registry(certificates: Vec<Issued>) -> Registry {
        let span = (Timestamp::from_secs(1000), Timestamp::from_secs(2000));
        let list = ListState { number: 1, not_before: span.0, not_after: span.1 };
        let domain = "fge.example".parse().unwrap();
        let name = "Fiscalía General".to_owned();
        let mut registry = Registry::new(domain, name, "ES".into(), [list.clone(), list]);
        registry.certificates = certificates;
        registry
    }

    fn standings(registry: &Registry, secs: u64) -> Vec<Standing> {
        let at = Timestamp::from_secs(secs);
        registry.standings(at).into_iter().map(|(_, standing)| standing).collect()
    }

    #[test]
    fn a_certificate_ages_and_is_replaced() {
        let one = registry(vec![issued(1, Kind::Device, DEVICE)]);
        for (secs, standing) in [
            (1499, Standing::Valid),
            (1500, Standing::HalfOver),
            (1800, Standing::ExpiresSoon),
            (2000, Standing::Expired),
        ] {
            assert_eq!(standings(&one, secs), [standing], "{secs}");
        }
        let mut two =
            registry(vec![issued(1, Kind::Device, DEVICE), issued(2, Kind::Device, DEVICE)]);
        assert_eq!(standings(&two, 1500), [Standing::Replaced, Standing::HalfOver]);
        two.certificates[1].revoked =
            Some(Revoked { at: Timestamp::from_secs(1100), reason: None });
        assert_eq!(standings(&two, 1500), [Standing::HalfOver, Standing::Revoked]);
    }

    #[test]
    fn a_certificate_is_found_by_serial_name_or_officer() {
        let registry = registry(vec![
            issued(1, Kind::IssuingCa, "issuing_ca"),
            issued(2, Kind::Device, DEVICE),
            issued(3, Kind::Device, "phone.ana-ruiz.officer.fge.example"),
            issued(4, Kind::Relay, "r1.relay.fge.example"),
        ]);
        let serial = Serial::from_random([3; 16]).to_string();
        assert_eq!(registry.named(&serial), [2]);
        assert_eq!(registry.named(&serial.to_uppercase()), [2]);
        assert_eq!(registry.named(DEVICE), [1]);
        assert_eq!(registry.named("ana-ruiz@fge.example"), [1, 2]);
        assert_eq!(registry.named("issuing_ca"), [0]);
        assert!(registry.named("ana").is_empty());
    }

    #[test]
    fn each_list_names_its_own_issuers_certificates() {
        let mut registry = registry(vec![
            issued(1, Kind::IssuingCa, "issuing_ca"),
            issued(2, Kind::Device, DEVICE),
            issued(3, Kind::Relay, "r1.relay.fge.example"),
        ]);
        let at = Timestamp::from_secs(1500);
        for issued in &mut registry.certificates[..2] {
            issued.revoked = Some(Revoked { at, reason: None });
        }
        assert_eq!(registry.revoked(true), [(Serial::from_random([1; 16]), at)]);
        assert_eq!(registry.revoked(false), [(Serial::from_random([2; 16]), at)]);
    }

    #[test]
    fn the_file_is_read_back() {
        let mut registry = registry(vec![issued(1, Kind::Device, DEVICE)]);
        registry.certificates[0].revoked =
            Some(Revoked { at: Timestamp::from_secs(1500), reason: Some("perdido".into()) });
        let text = serde_json::to_string(&registry).unwrap();
        assert_eq!(serde_json::from_str::<Registry>(&text).unwrap(), registry);
    }
}
