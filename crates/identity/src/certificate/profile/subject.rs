//! Names in a certificate, as they may be relied on and shown.

use der::asn1::ObjectIdentifier;
use der::{Decode as _, Tag, Tagged as _};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use super::ProfileError;
use crate::names::LeafName;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

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
    let is_text = matches!(name.value.tag(), Tag::Utf8String | Tag::PrintableString);
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

#[cfg(test)]
mod tests {
    use super::*;

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
