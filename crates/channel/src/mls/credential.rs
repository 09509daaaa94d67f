//! X.509 credentials (RFC 9420 §5.3): `Certificate certificates<V>`, the leaf first.

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::PublicKey;
use openmls::prelude::{Credential, CredentialType, CredentialWithKey};
use tls_codec::{Deserialize, Serialize, VLByteSlice, VLBytes};

use super::error::LeafError;

/// The credential of a device, with the key that its leaf certificate must hold.
pub(super) fn credential_with_key(chain: &UnverifiedChain, key: &PublicKey) -> CredentialWithKey {
    CredentialWithKey { credential: encode(chain), signature_key: key.as_bytes().as_slice().into() }
}

/// Takes a credential apart: the two certificates, each once, and nothing else.
pub(super) fn decode(credential: &Credential) -> Result<UnverifiedChain, LeafError> {
    if credential.credential_type() != CredentialType::X509 {
        return Err(LeafError::Credential);
    }
    let mut rest = credential.serialized_content();
    let mut ders: Vec<Vec<u8>> = Vec::new();
    while !rest.is_empty() {
        let der = VLBytes::tls_deserialize(&mut rest).map_err(|_| LeafError::Credential)?;
        ders.push(der.into());
    }
    UnverifiedChain::from_ders(&ders).map_err(|_| LeafError::Credential)
}

/// openmls writes the outer length; the content is the certificates one after the other.
fn encode(chain: &UnverifiedChain) -> Credential {
    let mut content = Vec::new();
    for der in [chain.leaf().as_bytes(), chain.issuing().as_bytes()] {
        VLByteSlice(der)
            .tls_serialize(&mut content)
            .expect("a certificate is far shorter than the longest vector");
    }
    Credential::new(CredentialType::X509, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> UnverifiedChain {
        UnverifiedChain::from_ders(&[vec![1; 700], vec![2; 300]]).unwrap()
    }

    #[test]
    fn is_encoded_as_the_rfc_says() {
        let mut expected = vec![0, 2, 0x43, 0xec, 0x42, 0xbc];
        expected.extend([1; 700]);
        expected.extend([0x41, 0x2c]);
        expected.extend([2; 300]);
        assert_eq!(encode(&chain()).tls_serialize_detached().unwrap(), expected);
    }

    #[test]
    fn comes_back_as_it_went() {
        assert_eq!(decode(&encode(&chain())).unwrap(), chain());
    }

    #[test]
    fn anything_else_is_refused() {
        let good = encode(&chain());
        let content = good.serialized_content();
        let single = VLByteSlice(&[1; 700]).tls_serialize_detached().unwrap();
        let three = [content, single.as_slice()].concat();
        let trailing = [content, &[0x42]].concat();
        let empty = [content, &[0]].concat();
        for content in [vec![], single, three, trailing, empty, content[..900].to_vec()] {
            let credential = Credential::new(CredentialType::X509, content);
            assert_eq!(decode(&credential), Err(LeafError::Credential));
        }
        let basic = Credential::new(CredentialType::Basic, content.to_vec());
        assert_eq!(decode(&basic), Err(LeafError::Credential));
    }
}
