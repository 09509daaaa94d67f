//! Issuing a certificate.

use std::path::PathBuf;

use enlace_identity::certificate::{Serial, UnverifiedChain};
use enlace_identity::issue::{Approval, CertificateRequest, IssueError, IssuingCa};
use enlace_identity::keys::PublicKey;
use enlace_identity::names::LeafName;
use enlace_identity::time::{Timestamp, Validity};

use super::directory::Directory;
use super::registry::{Issued, Kind};
use crate::failure::Failure;
use crate::files::{self, Mode};
use crate::when::DAY;

/// What the registrar approved.
#[derive(Debug)]
pub(crate) struct Issuance<'a> {
    pub(crate) name: &'a LeafName,
    pub(crate) common_name: &'a str,
    /// How long the certificate is to hold; it never outlives the issuing CA's.
    pub(crate) days: u32,
    /// A device's or relay's request, or a key that the registrar made.
    pub(crate) subject: Subject<'a>,
}

/// Whose key is certified.
#[derive(Debug)]
pub(crate) enum Subject<'a> {
    Request(&'a CertificateRequest),
    Key(PublicKey),
}

/// Issues a certificate, and returns it with its entry in the registry and where it is kept.
pub(crate) fn issue(
    directory: &mut Directory,
    issuing: &IssuingCa,
    issuance: &Issuance<'_>,
    now: Timestamp,
) -> Result<(UnverifiedChain, Issued, PathBuf), Failure> {
    let (name, common_name) = (issuance.name.clone(), issuance.common_name.to_owned());
    let validity = validity(issuing, now, issuance.days)?;
    let approval = Approval { name, common_name, validity, serial: Serial::generate() };
    let (chain, key) = match &issuance.subject {
        Subject::Request(request) => (issuing.issue(request, &approval)?, request.public_key()),
        Subject::Key(key) => (issuing.issue_for_key(key, &approval)?, *key),
    };
    let issued = Issued {
        serial: approval.serial,
        kind: Kind::from(issuance.name),
        name: issuance.name.to_string(),
        common_name: approval.common_name,
        public_key: hex::encode(key.as_bytes()),
        not_before: validity.not_before,
        not_after: validity.not_after,
        revoked: None,
    };
    directory.registry.certificates.push(issued.clone());
    directory.save()?;
    let path = directory.issued(&issued.name, &issued.serial.to_string());
    files::create(&path, chain.to_pem().as_bytes(), Mode::Public)?;
    Ok((chain, issued, path))
}

/// From an hour ago on, as clocks of others may be slow, and inside the issuing CA's own.
fn validity(issuing: &IssuingCa, now: Timestamp, days: u32) -> Result<Validity, IssueError> {
    let own = issuing.validity();
    own.check(now).map_err(|_| IssueError::Validity)?;
    Ok(Validity {
        not_before: now.minus(DAY / 24).max(own.not_before),
        not_after: now.plus(DAY * days).min(own.not_after),
    })
}
