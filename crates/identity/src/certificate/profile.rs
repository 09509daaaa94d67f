//! The certificate profile: which extensions each kind of certificate carries, byte for byte.
//!
//! A certificate is accepted when its set of extensions *equals* the one of its kind. That is
//! stricter than path validation in general (RFC 5280 §6), and closes what path validation leaves
//! open: names of other types, which a DNS name constraint lets through, absent key purposes, and
//! extensions that one implementation checks and another doesn't.

use der::Decode as _;
use der::asn1::{ObjectIdentifier, OctetStringRef};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use super::x509::{Malformed, X509};
use crate::names::{Domain, LeafName, NameError, ServiceKind};

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
            },
        }
    }

    /// Whether its extended key usage is critical: the private purposes are, so that no other
    /// program takes the key for something else.
    pub(crate) fn is_private(self) -> bool {
        matches!(self, Self::Head | Self::Endpoint)
    }

    /// The extended key usage, as the DER of `ExtKeyUsageSyntax`.
    pub(crate) fn purposes(self) -> &'static [u8] {
        match self {
            Self::Device => &CLIENT_AUTH,
            Self::Relay => &SERVER_AND_CLIENT_AUTH,
            Self::Head => &SIGN_HEADS,
            Self::Endpoint => &SIGN_ENDPOINT_RECORDS,
        }
    }
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

/// The one DNS name that a subject alternative name extension holds.
pub(crate) fn sole_dns_name(extension: &Extension) -> Result<LeafName, ProfileError> {
    let SubjectAltName(names) = SubjectAltName::from_der(extension.extn_value.as_bytes())
        .map_err(|_| ProfileError::NameType)?;
    match names.as_slice() {
        [GeneralName::DnsName(name)] => Ok(name.as_str().parse()?),
        [_] => Err(ProfileError::NameType),
        _ => Err(ProfileError::NameCount(names.len())),
    }
}

/// The common name: a person's or service's, as it is shown.
pub(crate) fn common_name(subject: &Name) -> Result<String, ProfileError> {
    let attributes = subject.0.iter().flat_map(|rdn| rdn.0.iter());
    let mut names = attributes.filter(|attribute| attribute.oid == COMMON_NAME);
    let (Some(name), None) = (names.next(), names.next()) else {
        return Err(ProfileError::CommonName);
    };
    let text = std::str::from_utf8(name.value.value()).map_err(|_| ProfileError::CommonName)?;
    let tag = der::Tagged::tag(&name.value);
    let is_text = matches!(tag, der::Tag::Utf8String | der::Tag::PrintableString);
    if is_text && is_showable(text) { Ok(text.to_owned()) } else { Err(ProfileError::CommonName) }
}

/// Whether a name can be put before a reader: 1 to 64 characters (RFC 5280 `ub-common-name`), none
/// of which is invisible or changes how its neighbours are read.
pub(crate) fn is_showable(text: &str) -> bool {
    let deceptive = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    (1..=64).contains(&text.chars().count()) && !text.chars().any(deceptive) && text.trim() == text
}

/// The subject key identifier, whose DER is short.
pub(crate) fn key_identifier(certificate: &X509) -> Result<&[u8], ProfileError> {
    let ExtensionId { id, name, .. } = SUBJECT_KEY_ID;
    let extension = certificate.extension(id).ok_or(ProfileError::Missing(name))?;
    let value = OctetStringRef::from_der(extension.extn_value.as_bytes())
        .map_err(|_| ProfileError::Differs(name))?
        .as_bytes();
    if (8..=32).contains(&value.len()) { Ok(value) } else { Err(ProfileError::Differs(name)) }
}

/// `AuthorityKeyIdentifier` with the key identifier alone.
pub(crate) fn authority_key_id(key_id: &[u8]) -> Vec<u8> {
    tlv(0x30, &tlv(0x80, key_id))
}

/// `NameConstraints` that permit the DNS names of one domain.
pub(crate) fn name_constraints(domain: &Domain) -> Vec<u8> {
    let subtree = tlv(0x30, &tlv(0x82, domain.as_str().as_bytes()));
    tlv(0x30, &tlv(0xa0, &subtree))
}

fn subject_alt_name(name: &LeafName) -> Vec<u8> {
    tlv(0x30, &tlv(0x82, name.as_str().as_bytes()))
}

/// A DER element; what comes here is far below 64 KiB.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16).to_be_bytes();
    let mut der = match length {
        [0, low @ ..0x80] => vec![tag, low],
        [0, low] => vec![tag, 0x81, low],
        [high, low] => vec![tag, 0x82, high, low],
    };
    der.extend_from_slice(content);
    der
}

fn check_extensions(certificate: &X509, rules: &[Rule]) -> Result<(), ProfileError> {
    let mut seen = Vec::with_capacity(rules.len());
    for extension in &certificate.extensions {
        let id = extension.extn_id;
        let rule = rules.iter().find(|rule| rule.extension.id == id && !seen.contains(&id));
        let rule = rule.ok_or_else(|| ProfileError::Unexpected(id.to_string()))?;
        let fits = match &rule.value {
            Some(value) => value == extension.extn_value.as_bytes(),
            None => true,
        };
        if !fits || extension.critical != rule.extension.critical {
            return Err(ProfileError::Differs(rule.extension.name));
        }
        seen.push(id);
    }
    match rules.iter().find(|rule| rule.required && !seen.contains(&rule.extension.id)) {
        Some(rule) => Err(ProfileError::Missing(rule.extension.name)),
        None => Ok(()),
    }
}

/// What the profile says about one extension.
struct Rule {
    extension: &'static ExtensionId,
    value: Option<Vec<u8>>,
    required: bool,
}

impl Rule {
    fn exactly(extension: &'static ExtensionId, value: Vec<u8>) -> Self {
        Self { extension, value: Some(value), required: true }
    }

    fn any(extension: &'static ExtensionId) -> Self {
        Self { extension, value: None, required: true }
    }

    fn optional(self) -> Self {
        Self { required: false, ..self }
    }
}

struct ExtensionId {
    id: ObjectIdentifier,
    name: &'static str,
    critical: bool,
}

impl ExtensionId {
    const fn new(id: &str, name: &'static str, critical: bool) -> Self {
        Self { id: ObjectIdentifier::new_unwrap(id), name, critical }
    }
}

static SUBJECT_KEY_ID: ExtensionId = ExtensionId::new("2.5.29.14", "subject key identifier", false);
static KEY_USAGE: ExtensionId = ExtensionId::new("2.5.29.15", "key usage", true);
static SUBJECT_ALT_NAME: ExtensionId =
    ExtensionId::new("2.5.29.17", "subject alternative name", false);
static BASIC_CONSTRAINTS: ExtensionId = ExtensionId::new("2.5.29.19", "basic constraints", true);
static NAME_CONSTRAINTS: ExtensionId = ExtensionId::new("2.5.29.30", "name constraints", true);
static AUTHORITY_KEY_ID: ExtensionId =
    ExtensionId::new("2.5.29.35", "authority key identifier", false);
static EXTENDED_KEY_USAGE: ExtensionId = ExtensionId::new("2.5.29.37", "extended key usage", false);
static CRITICAL_EXTENDED_KEY_USAGE: ExtensionId =
    ExtensionId::new("2.5.29.37", "extended key usage", true);
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// keyCertSign and cRLSign.
const CA_KEY_USAGE: [u8; 4] = [3, 2, 1, 0b0000_0110];
/// digitalSignature.
const LEAF_KEY_USAGE: [u8; 4] = [3, 2, 7, 0b1000_0000];
/// A CA with one CA below it.
const ROOT_CONSTRAINTS: [u8; 8] = [0x30, 6, 1, 1, 0xff, 2, 1, 1];
/// A CA with none below it.
const ISSUING_CONSTRAINTS: [u8; 8] = [0x30, 6, 1, 1, 0xff, 2, 1, 0];
/// No CA.
const LEAF_CONSTRAINTS: [u8; 2] = [0x30, 0];

/// id-kp-clientAuth.
const CLIENT_AUTH: [u8; 12] = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
/// id-kp-serverAuth, id-kp-clientAuth.
const SERVER_AND_CLIENT_AUTH: [u8; 22] =
    [0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
/// 2.25.298516782093127964256900985902148906332, from a random UUID (ITU-T X.667).
const SIGN_HEADS: [u8; 24] = [
    0x30, 0x16, 0x06, 0x14, 0x69, 0x83, 0xc1, 0x94, 0x9e, 0xeb, 0xe4, 0x96, 0x82, 0x96, 0xf5, 0xa7,
    0xf8, 0xeb, 0xa0, 0xbe, 0x95, 0xe1, 0xda, 0x5c,
];
/// 2.25.248785011687673966514656627034218226876, from a random UUID (ITU-T X.667).
const SIGN_ENDPOINT_RECORDS: [u8; 24] = [
    0x30, 0x16, 0x06, 0x14, 0x69, 0x82, 0xf6, 0xaa, 0xa0, 0x86, 0x8c, 0xfd, 0xf2, 0xb4, 0xa1, 0x99,
    0xd9, 0xad, 0xd1, 0xcc, 0xa0, 0x9b, 0xc9, 0x3c,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_encoded_with_a_long_length() {
        assert_eq!(tlv(4, &[1; 127])[..2], [4, 127]);
        assert_eq!(tlv(4, &[1; 128])[..4], [4, 0x81, 128, 1]);
        assert_eq!(tlv(4, &[1; 300])[..5], [4, 0x82, 1, 44, 1]);
    }

    #[test]
    fn names_that_deceive_are_not_shown() {
        for good in ["Ana Ruiz Gómez", "João Antônio", "r1.relay.fge.example", "李明"] {
            assert!(is_showable(good), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", " Ana", "Ana\n", "A\u{202e}na", "Ana\u{200b}", "\u{feff}Ana", &long] {
            assert!(!is_showable(bad), "{bad:?}");
        }
    }
}
