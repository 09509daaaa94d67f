//! The certificate profile: which extensions each kind of certificate carries, byte for byte.
//!
//! A certificate is accepted when its set of extensions *equals* the one of its kind. That is
//! stricter than path validation in general (RFC 5280 §6), and closes what path validation leaves
//! open: names of other types, which a DNS name constraint lets through, absent key purposes, and
//! extensions that one implementation checks and another doesn't.

mod extensions;
mod subject;

use super::x509::{Malformed, X509};
use crate::names::{Domain, LeafName, NameError, ServiceKind};

use self::extensions::{
    AUTHORITY_KEY_ID, BASIC_CONSTRAINTS, CA_KEY_USAGE, CLIENT_AUTH, CRITICAL_EXTENDED_KEY_USAGE,
    EXTENDED_KEY_USAGE, ISSUING_CONSTRAINTS, KEY_USAGE, LEAF_CONSTRAINTS, LEAF_KEY_USAGE,
    NAME_CONSTRAINTS, ROOT_CONSTRAINTS, Rule, SERVER_AND_CLIENT_AUTH, SIGN_ENDPOINT_RECORDS,
    SIGN_HEADS, SIGN_SUSPENSIONS, SUBJECT_ALT_NAME, SUBJECT_KEY_ID, check_extensions,
    constrained_domain, name_constraints, subject_alt_name,
};

pub(crate) use self::extensions::{authority_key_id, key_identifier};
pub(crate) use self::subject::{common_name, is_showable, sole_dns_name};

/// What a leaf certificate is for; its name and its extended key usage both say so.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum LeafUsage {
    /// An officer's device: TLS client, MLS credential, signatures on entries.
    Device,
    /// A relay node: TLS on both sides.
    Relay,
    /// Signs heads.
    Head,
    /// Signs endpoint records.
    Endpoint,
    /// Signs suspensions.
    Duty,
}

/// How a certificate departs from the profile: the fault of the authority that issued it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProfileError {
    /// Not an X.509 v3 certificate of an Ed25519 key, signed with Ed25519.
    #[error(
        "it is not an X.509 certificate of this protocol: version 3, Ed25519 key and signature"
    )]
    Malformed,
    /// A required extension is absent.
    #[error("the extension {0} is missing")]
    Missing(&'static str),
    /// An extension says something else than the profile demands, or has the wrong criticality.
    #[error("the extension {0} is not as the profile demands")]
    Differs(&'static str),
    /// An extension that the profile does not know, or one that stands there twice.
    #[error("it carries the extension {0}, which the profile does not allow there")]
    Unexpected(String),
    /// There is not exactly one subject alternative name.
    #[error("it carries {0} subject alternative names instead of one")]
    NameCount(usize),
    /// Its only subject alternative name is of another type: a URI, an address, another name.
    #[error("its subject alternative name is not a DNS name")]
    NameType,
    /// The DNS name is not a device's or service's.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The subject has no common name, several, or one that can't be shown.
    #[error("its subject has no common name that can be shown")]
    CommonName,
}

impl From<Malformed> for ProfileError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl LeafUsage {
    /// What a leaf of that name is for.
    #[must_use]
    pub fn of(name: &LeafName) -> Self {
        match name {
            LeafName::Device(_) => Self::Device,
            LeafName::Service(service) => match service.kind() {
                ServiceKind::Relay => Self::Relay,
                ServiceKind::Head => Self::Head,
                ServiceKind::Endpoint => Self::Endpoint,
                ServiceKind::Duty => Self::Duty,
            },
        }
    }

    /// Whether its extended key usage is critical: the private purposes are, so that no other
    /// program takes the key for something else.
    pub(crate) fn is_private(self) -> bool {
        matches!(self, Self::Head | Self::Endpoint | Self::Duty)
    }

    /// The extended key usage, as the DER of `ExtKeyUsageSyntax`.
    pub(crate) fn purposes(self) -> &'static [u8] {
        match self {
            Self::Device => &CLIENT_AUTH,
            Self::Relay => &SERVER_AND_CLIENT_AUTH,
            Self::Head => &SIGN_HEADS,
            Self::Endpoint => &SIGN_ENDPOINT_RECORDS,
            Self::Duty => &SIGN_SUSPENSIONS,
        }
    }
}

/// The domain that a root's name constraints permit, if it is a root of that domain.
pub(crate) fn root_domain(root: &X509) -> Result<Domain, ProfileError> {
    let domain = constrained_domain(root)?;
    check_root(root, &domain)?;
    Ok(domain)
}

/// Checks a root: self-signed, for `domain` alone, one CA below it.
pub(crate) fn check_root(root: &X509, domain: &Domain) -> Result<(), ProfileError> {
    let key_id = key_identifier(root)?;
    check_extensions(
        root,
        &[
            Rule::exactly(&KEY_USAGE, CA_KEY_USAGE.to_vec()),
            Rule::exactly(&NAME_CONSTRAINTS, name_constraints(domain)),
            Rule::exactly(&BASIC_CONSTRAINTS, ROOT_CONSTRAINTS.to_vec()),
            Rule::any(&SUBJECT_KEY_ID),
            Rule::exactly(&AUTHORITY_KEY_ID, authority_key_id(key_id)).optional(),
        ],
    )?;
    let self_issued = root.subject == root.issuer && !root.subject.is_empty();
    let self_signed = root.verify_signature(&root.public_key).is_ok();
    if self_issued && self_signed { Ok(()) } else { Err(ProfileError::Malformed) }
}

/// Checks the profile of an issuing CA's certificate below `root`, not its signature or time.
pub(crate) fn check_issuing(
    issuing: &X509,
    root: &X509,
    domain: &Domain,
) -> Result<(), ProfileError> {
    key_identifier(issuing)?;
    check_extensions(
        issuing,
        &[
            Rule::exactly(&AUTHORITY_KEY_ID, authority_key_id(key_identifier(root)?)),
            Rule::exactly(&KEY_USAGE, CA_KEY_USAGE.to_vec()),
            Rule::exactly(&NAME_CONSTRAINTS, name_constraints(domain)),
            Rule::exactly(&BASIC_CONSTRAINTS, ISSUING_CONSTRAINTS.to_vec()),
            Rule::any(&SUBJECT_KEY_ID),
        ],
    )?;
    if issuing.subject == root.subject || issuing.subject.is_empty() {
        return Err(ProfileError::CommonName);
    }
    Ok(())
}

/// Checks the profile of a leaf below `issuing`, not its signature or time.
pub(crate) fn check_leaf(
    leaf: &X509,
    issuing: &X509,
    name: &LeafName,
    usage: LeafUsage,
) -> Result<(), ProfileError> {
    key_identifier(leaf)?;
    let purposes =
        if usage.is_private() { &CRITICAL_EXTENDED_KEY_USAGE } else { &EXTENDED_KEY_USAGE };
    check_extensions(
        leaf,
        &[
            Rule::exactly(&AUTHORITY_KEY_ID, authority_key_id(key_identifier(issuing)?)),
            Rule::exactly(&SUBJECT_ALT_NAME, subject_alt_name(name)),
            Rule::exactly(&KEY_USAGE, LEAF_KEY_USAGE.to_vec()),
            Rule::exactly(purposes, usage.purposes().to_vec()),
            Rule::exactly(&BASIC_CONSTRAINTS, LEAF_CONSTRAINTS.to_vec()),
            Rule::any(&SUBJECT_KEY_ID),
        ],
    )?;
    if leaf.subject == issuing.subject {
        return Err(ProfileError::CommonName);
    }
    common_name(&leaf.subject).map(|_| ())
}

/// Whether `issued` names `issuer` as its issuer, by name and key identifier; no signature is
/// checked.
pub(crate) fn names_issuer(issued: &X509, issuer: &X509) -> bool {
    let named = issued.extension(AUTHORITY_KEY_ID.id).map(|e| e.extn_value.as_bytes());
    let key_id = key_identifier(issuer).map(authority_key_id).ok();
    issued.issuer == issuer.subject && named.is_some() && named == key_id.as_deref()
}

/// The one DNS name that a leaf carries; nothing else about it is checked.
pub(crate) fn leaf_name(leaf: &X509) -> Result<LeafName, ProfileError> {
    sole_dns_name(leaf.extension(SUBJECT_ALT_NAME.id).ok_or(ProfileError::NameCount(0))?)
}
