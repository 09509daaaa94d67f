//! Alarms before anything expires: at half of a lifetime, at four fifths, and at its end.

use std::fmt;

use crate::bundle::Bundle;
use crate::chain::VerifiedLeaf;
use crate::endpoint::EndpointRecord;
use crate::revocation::RevocationLists;
use crate::time::{Timestamp, Validity};

/// How far a lifetime has run down.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Alarm {
    /// Half of it is over: renew when convenient.
    Half,
    /// Four fifths of it are over: renew now.
    FourFifths,
    /// It is over.
    Expired,
}

/// Something that has to be renewed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// What it is.
    pub subject: Subject,
    /// How urgent.
    pub alarm: Alarm,
    /// When it expires or has expired.
    pub not_after: Timestamp,
}

/// What has a lifetime.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Subject {
    /// The certificate of a device or service, by name.
    Certificate(String),
    /// An authority's issuing CA, by domain.
    IssuingCa(String),
    /// An authority's root, by domain.
    Root(String),
    /// The issuing CA's revocation list, by domain.
    IssuingCrl(String),
    /// The root's revocation list, by domain.
    RootCrl(String),
    /// An authority's endpoint record, by domain.
    EndpointRecord(String),
    /// The network's bundle, by the network's name.
    Bundle(String),
}

/// The alarm that a lifetime raises at `now`, if any.
#[must_use]
pub fn alarm(validity: Validity, now: Timestamp) -> Option<Alarm> {
    let lifetime = validity.not_after.since(validity.not_before).as_millis();
    let age = now.since(validity.not_before).as_millis();
    if now >= validity.not_after {
        Some(Alarm::Expired)
    } else if age * 5 >= lifetime * 4 {
        Some(Alarm::FourFifths)
    } else if age * 2 >= lifetime {
        Some(Alarm::Half)
    } else {
        None
    }
}

/// The warning about one thing, if it is due.
#[must_use]
pub fn warning(subject: Subject, validity: Validity, now: Timestamp) -> Option<Warning> {
    let not_after = validity.not_after;
    alarm(validity, now).map(|alarm| Warning { subject, alarm, not_after })
}

/// About a certificate and the CA that issued it.
#[must_use]
pub fn of_leaf(leaf: &VerifiedLeaf, now: Timestamp) -> Vec<Warning> {
    let validity = Validity { not_before: leaf.not_before(), not_after: leaf.not_after() };
    let name = leaf.name();
    let own = warning(Subject::Certificate(name.to_string()), validity, now);
    let domain = name.domain().to_string();
    own.into_iter()
        .chain(warning(Subject::IssuingCa(domain), leaf.issuing_validity(), now))
        .collect()
}

/// About a bundle and the roots in it.
#[must_use]
pub fn of_bundle(bundle: &Bundle, now: Timestamp) -> Vec<Warning> {
    let own = warning(Subject::Bundle(bundle.network().to_owned()), bundle.validity(), now);
    let roots = bundle.authorities().iter().flat_map(|authority| {
        let about =
            |validity| warning(Subject::Root(authority.domain().to_string()), validity, now);
        authority.root_validities().filter_map(about).collect::<Vec<_>>()
    });
    own.into_iter().chain(roots).collect()
}

/// About revocation lists.
#[must_use]
pub fn of_lists(lists: &RevocationLists, now: Timestamp) -> Vec<Warning> {
    let about = |status: crate::revocation::ListStatus| {
        let domain = status.domain.to_string();
        let subject =
            if status.of_root { Subject::RootCrl(domain) } else { Subject::IssuingCrl(domain) };
        warning(subject, status.validity, now)
    };
    lists.statuses().into_iter().filter_map(about).collect()
}

/// About an endpoint record.
#[must_use]
pub fn of_endpoint_record(record: &EndpointRecord, now: Timestamp) -> Option<Warning> {
    warning(Subject::EndpointRecord(record.domain.to_string()), record.validity, now)
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(name) => write!(f, "the certificate of {name}"),
            Self::IssuingCa(domain) => write!(f, "the issuing CA of {domain}"),
            Self::Root(domain) => write!(f, "the root of {domain}"),
            Self::IssuingCrl(domain) => write!(f, "the issuing CA's revocation list of {domain}"),
            Self::RootCrl(domain) => write!(f, "the root's revocation list of {domain}"),
            Self::EndpointRecord(domain) => write!(f, "the endpoint record of {domain}"),
            Self::Bundle(network) => write!(f, "the bundle of the network {network}"),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.alarm {
            Alarm::Half => write!(f, "{} has run half of its life", self.subject),
            Alarm::FourFifths => write!(f, "{} expires soon", self.subject),
            Alarm::Expired => write!(f, "{} has expired", self.subject),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn alarms_rise_with_age() {
        let validity = Validity::starting(Timestamp::from_secs(1000), Duration::from_secs(100));
        let at = |secs| alarm(validity, Timestamp::from_secs(secs));
        assert_eq!((at(0), at(1000), at(1049)), (None, None, None));
        assert_eq!((at(1050), at(1079)), (Some(Alarm::Half), Some(Alarm::Half)));
        assert_eq!((at(1080), at(1099)), (Some(Alarm::FourFifths), Some(Alarm::FourFifths)));
        assert_eq!(at(1100), Some(Alarm::Expired));
    }
}
