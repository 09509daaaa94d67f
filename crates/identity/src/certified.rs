//! Statements that travel with a signature and the signer's certificates: the one form that votes,
//! mandates, suspensions, endpoint records and their like have in common (PROTOCOL.md §3).
//!
//! ```text
//! label, statement: bytes, signature: fixed(64), certificates: list of bytes (DER; leaf, issuing CA)
//! ```

use crate::canonical::{DecodeError, Reader, Writer};
use crate::certificate::UnverifiedChain;
use crate::keys::{PublicKey, Signature, SignatureError, SigningKey};

/// A statement with a signature and certificates, of which nothing is verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certified {
    statement: Vec<u8>,
    signature: Signature,
    chain: UnverifiedChain,
}

impl Certified {
    /// Signs the bytes of a statement with the key whose certificates are `chain`. The bytes begin
    /// with a label of their own: that is what keeps one kind of statement from being taken for another.
    #[must_use]
    pub fn sign(statement: Vec<u8>, key: &SigningKey, chain: UnverifiedChain) -> Self {
        Self { signature: key.sign(&statement), statement, chain }
    }

    /// Its bytes under the label of its kind.
    #[must_use]
    pub fn encode(&self, label: &'static str) -> Vec<u8> {
        Writer::new(label)
            .bytes(&self.statement)
            .fixed(self.signature.as_bytes())
            .list(&[self.chain.leaf(), self.chain.issuing()], |w, der| w.bytes(der.as_bytes()))
            .finish()
    }

    /// Reads those bytes; nothing is verified.
    ///
    /// # Errors
    /// [`DecodeError`], also of more than `longest` bytes.
    pub fn decode(label: &'static str, bytes: &[u8], longest: usize) -> Result<Self, DecodeError> {
        if bytes.len() > longest {
            return Err(DecodeError::Value("length"));
        }
        let mut r = Reader::new(label, bytes)?;
        let statement = r.bytes()?.to_vec();
        let signature = Signature::from_bytes(r.fixed()?);
        let ders = r.list("certificates", 2, Reader::bytes)?;
        r.finish()?;
        let chain =
            UnverifiedChain::from_ders(&ders).map_err(|_| DecodeError::Value("certificates"))?;
        Ok(Self { statement, signature, chain })
    }

    /// The bytes of the statement, whoever signed them.
    #[must_use]
    pub fn unverified_statement(&self) -> &[u8] {
        &self.statement
    }

    /// The certificates of the key that it claims to be signed with.
    #[must_use]
    pub fn chain(&self) -> &UnverifiedChain {
        &self.chain
    }

    /// Checks that this key signed the statement. The caller has verified [`Self::chain`], or knows the
    /// key otherwise.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        key.verify(&self.statement, &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const LABEL: &str = "enlace signed test v1";

    #[test]
    fn it_comes_back_as_it_went_and_nothing_else_does() {
        let key = SigningKey::from_seed(Zeroizing::new([1; 32]));
        let chain = UnverifiedChain::from_ders(&[vec![1; 30], vec![2; 30]]).unwrap();
        let signed = Certified::sign(b"said".to_vec(), &key, chain);
        let bytes = signed.encode(LABEL);
        let decode = |bytes: &[u8]| Certified::decode(LABEL, bytes, 200);
        assert_eq!(decode(&bytes), Ok(signed.clone()));
        assert!(signed.verify(&key.public()).is_ok());
        let other = SigningKey::from_seed(Zeroizing::new([2; 32]));
        assert!(signed.verify(&other.public()).is_err());
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err());
        }
        assert!(decode(&[&bytes[..], &[0]].concat()).is_err());
        assert!(Certified::decode("enlace signed other v1", &bytes, 200).is_err());
        assert_eq!(
            Certified::decode(LABEL, &bytes, bytes.len() - 1),
            Err(DecodeError::Value("length"))
        );
    }
}
