//! Just enough DER to sign a certificate, list or request again that was altered, as an authority
//! could that has turned bad: what lies behind the signature's check is reached in no other way.

use der::{Decode as _, Encode as _, Reader as _, SliceReader};
use enlace_identity::keys::SigningKey;

/// Content, algorithm and signature of a signed structure, each as it stands in DER.
#[must_use]
pub fn parts_of(structure: &[u8]) -> Option<[Vec<u8>; 3]> {
    let outer = der::asn1::AnyRef::from_der(structure).ok()?;
    let mut reader = SliceReader::new(outer.value()).ok()?;
    let mut part = || reader.tlv_bytes().ok().map(<[u8]>::to_vec);
    let parts = [part()?, part()?, part()?];
    reader.is_finished().then_some(parts)
}

/// The same content with another signature.
#[must_use]
pub fn sign_again(structure: &[u8], key: &SigningKey) -> Option<Vec<u8>> {
    let [content, algorithm, _] = parts_of(structure)?;
    let signature = key.sign(&content);
    let signature = der::asn1::BitString::from_bytes(signature.as_bytes()).ok()?.to_der().ok()?;
    let body = [content, algorithm, signature].concat();
    der::asn1::Any::new(der::Tag::Sequence, body).ok()?.to_der().ok()
}
