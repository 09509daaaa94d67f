//! The extensions of this profile: their identifiers, their exact bytes, and comparing a
//! certificate's with them.

use der::Decode as _;
use der::asn1::{ObjectIdentifier, OctetStringRef};
use x509_cert::ext::pkix::NameConstraints;
use x509_cert::ext::pkix::name::GeneralName;

use super::ProfileError;
use crate::certificate::x509::X509;
use crate::names::{Domain, LeafName};

/// Compares a certificate's set of extensions with the rules: each required one is there, once,
/// and no other.
pub(super) fn check_extensions(certificate: &X509, rules: &[Rule]) -> Result<(), ProfileError> {
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
pub(super) struct Rule {
    extension: &'static ExtensionId,
    value: Option<Vec<u8>>,
    required: bool,
}

impl Rule {
    pub(super) fn exactly(extension: &'static ExtensionId, value: Vec<u8>) -> Self {
        Self { extension, value: Some(value), required: true }
    }

    pub(super) fn any(extension: &'static ExtensionId) -> Self {
        Self { extension, value: None, required: true }
    }

    pub(super) fn optional(self) -> Self {
        Self { required: false, ..self }
    }
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
pub(super) fn name_constraints(domain: &Domain) -> Vec<u8> {
    let subtree = tlv(0x30, &tlv(0x82, domain.as_str().as_bytes()));
    tlv(0x30, &tlv(0xa0, &subtree))
}

/// The domain inside such `NameConstraints`; what else they say is not looked at.
pub(super) fn constrained_domain(certificate: &X509) -> Result<Domain, ProfileError> {
    let ExtensionId { id, name, .. } = NAME_CONSTRAINTS;
    let extension = certificate.extension(id).ok_or(ProfileError::Missing(name))?;
    let constraints = NameConstraints::from_der(extension.extn_value.as_bytes())
        .map_err(|_| ProfileError::Differs(name))?;
    let permitted = constraints.permitted_subtrees.unwrap_or_default();
    match permitted.first().map(|subtree| &subtree.base) {
        Some(GeneralName::DnsName(domain)) => Ok(domain.as_str().parse()?),
        _ => Err(ProfileError::Differs(name)),
    }
}

/// `SubjectAltName` with one DNS name.
pub(super) fn subject_alt_name(name: &LeafName) -> Vec<u8> {
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

/// An extension, and whether this profile has it critical.
pub(super) struct ExtensionId {
    pub(super) id: ObjectIdentifier,
    name: &'static str,
    critical: bool,
}

impl ExtensionId {
    const fn new(id: &str, name: &'static str, critical: bool) -> Self {
        Self { id: ObjectIdentifier::new_unwrap(id), name, critical }
    }
}

pub(super) static SUBJECT_KEY_ID: ExtensionId =
    ExtensionId::new("2.5.29.14", "subject key identifier", false);
pub(super) static KEY_USAGE: ExtensionId = ExtensionId::new("2.5.29.15", "key usage", true);
pub(super) static SUBJECT_ALT_NAME: ExtensionId =
    ExtensionId::new("2.5.29.17", "subject alternative name", false);
pub(super) static BASIC_CONSTRAINTS: ExtensionId =
    ExtensionId::new("2.5.29.19", "basic constraints", true);
pub(super) static NAME_CONSTRAINTS: ExtensionId =
    ExtensionId::new("2.5.29.30", "name constraints", true);
pub(super) static AUTHORITY_KEY_ID: ExtensionId =
    ExtensionId::new("2.5.29.35", "authority key identifier", false);
pub(super) static EXTENDED_KEY_USAGE: ExtensionId =
    ExtensionId::new("2.5.29.37", "extended key usage", false);
pub(super) static CRITICAL_EXTENDED_KEY_USAGE: ExtensionId =
    ExtensionId::new("2.5.29.37", "extended key usage", true);

/// keyCertSign and cRLSign.
pub(super) const CA_KEY_USAGE: [u8; 4] = [3, 2, 1, 0b0000_0110];
/// digitalSignature.
pub(super) const LEAF_KEY_USAGE: [u8; 4] = [3, 2, 7, 0b1000_0000];
/// A CA with one CA below it.
pub(super) const ROOT_CONSTRAINTS: [u8; 8] = [0x30, 6, 1, 1, 0xff, 2, 1, 1];
/// A CA with none below it.
pub(super) const ISSUING_CONSTRAINTS: [u8; 8] = [0x30, 6, 1, 1, 0xff, 2, 1, 0];
/// No CA.
pub(super) const LEAF_CONSTRAINTS: [u8; 2] = [0x30, 0];

/// id-kp-clientAuth.
pub(super) const CLIENT_AUTH: [u8; 12] = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
/// id-kp-serverAuth, id-kp-clientAuth.
pub(super) const SERVER_AND_CLIENT_AUTH: [u8; 22] =
    [0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
/// 2.25.298516782093127964256900985902148906332, from a random UUID (ITU-T X.667).
pub(super) const SIGN_HEADS: [u8; 24] = [
    0x30, 0x16, 0x06, 0x14, 0x69, 0x83, 0xc1, 0x94, 0x9e, 0xeb, 0xe4, 0x96, 0x82, 0x96, 0xf5, 0xa7,
    0xf8, 0xeb, 0xa0, 0xbe, 0x95, 0xe1, 0xda, 0x5c,
];
/// 2.25.248785011687673966514656627034218226876, from a random UUID (ITU-T X.667).
pub(super) const SIGN_ENDPOINT_RECORDS: [u8; 24] = [
    0x30, 0x16, 0x06, 0x14, 0x69, 0x82, 0xf6, 0xaa, 0xa0, 0x86, 0x8c, 0xfd, 0xf2, 0xb4, 0xa1, 0x99,
    0xd9, 0xad, 0xd1, 0xcc, 0xa0, 0x9b, 0xc9, 0x3c,
];
/// 2.25.115551249886958485651222467168174807035, from a random UUID (ITU-T X.667).
pub(super) const SIGN_SUSPENSIONS: [u8; 24] = [
    0x30, 0x16, 0x06, 0x14, 0x69, 0x81, 0xad, 0xee, 0xae, 0x9e, 0xab, 0xd2, 0xd2, 0xa8, 0xff, 0x9a,
    0xfd, 0xac, 0xe1, 0x91, 0x9d, 0xac, 0xaf, 0x7b,
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
}
