//! A request that came with a proof of possession.

use super::{Binding, Invitation};
use crate::canonical::{DecodeError, Reader, Writer};
use crate::issue::{CertificateRequest, RequestError};
use crate::keys::{PublicKey, Signature};

const LABEL: &str = "enlace enrolment v1";
const PROOF_LABEL: &str = "enlace enrolment proof v1";

/// A request that a holder of the invitation made, and what proves it: whoever reads it back
/// verifies it again, with nothing else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Enrolment {
    invitation: PublicKey,
    binding: Binding,
    request: CertificateRequest,
    proof: Signature,
}

/// Why a request does not count: always the fault of whoever handed it in or kept it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EnrolmentError {
    /// The bytes are none.
    #[error("this is not a request by invitation: {0}")]
    Decode(#[from] DecodeError),
    /// Whoever handed it in doesn't hold the invitation, or it was altered.
    #[error("the proof does not fit the invitation, the connection and the request")]
    Proof,
    /// The proof fits, but what it is for is no request.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl Enrolment {
    /// The longest encoded form, in bytes.
    pub const MAX_BYTES: usize = CertificateRequest::MAX_BYTES + 512;

    /// Verifies the proof, then reads the request.
    ///
    /// # Errors
    /// [`EnrolmentError`].
    pub fn verify(
        invitation: PublicKey,
        binding: Binding,
        request: &[u8],
        proof: Signature,
    ) -> Result<Self, EnrolmentError> {
        verify(&invitation, &binding, request, &proof)?;
        let request = CertificateRequest::from_der(request)?;
        Ok(Self { invitation, binding, request, proof })
    }

    /// Proves a request on one connection, as a device does.
    #[must_use]
    pub fn prove(invitation: &Invitation, binding: Binding, request: CertificateRequest) -> Self {
        let proof = invitation.prove(&binding, Some(&request));
        Self { invitation: invitation.id(), binding, request, proof }
    }

    /// The invitation.
    #[must_use]
    pub fn invitation(&self) -> &PublicKey {
        &self.invitation
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &CertificateRequest {
        &self.request
    }

    /// The proof, as it travels.
    #[must_use]
    pub fn proof(&self) -> &Signature {
        &self.proof
    }

    /// The bytes in which the relay keeps it for the registrar.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .fixed(self.invitation.as_bytes())
            .fixed(&self.binding)
            .bytes(self.request.der())
            .fixed(self.proof.as_bytes())
            .finish()
    }

    /// Reads and verifies them.
    ///
    /// # Errors
    /// [`EnrolmentError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, EnrolmentError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let invitation =
            PublicKey::from_bytes(r.fixed()?).map_err(|_| DecodeError::Value("invitation"))?;
        let binding = r.fixed()?;
        let request = r.bytes()?;
        let proof = Signature::from_bytes(r.fixed()?);
        r.finish()?;
        Self::verify(invitation, binding, request, proof)
    }
}

/// Verifies that whoever is at the other end of a connection holds an invitation.
///
/// # Errors
/// [`EnrolmentError::Proof`].
pub fn verify_possession(
    invitation: &PublicKey,
    binding: &Binding,
    proof: &Signature,
) -> Result<(), EnrolmentError> {
    verify(invitation, binding, &[], proof)
}

fn verify(
    invitation: &PublicKey,
    binding: &Binding,
    request: &[u8],
    proof: &Signature,
) -> Result<(), EnrolmentError> {
    let signed = statement(binding, request);
    invitation.verify(&signed, proof).map_err(|_| EnrolmentError::Proof)
}

/// What is signed. An empty request is none: then possession alone is proven.
pub(super) fn statement(binding: &Binding, request: &[u8]) -> Vec<u8> {
    Writer::new(PROOF_LABEL).fixed(binding).bytes(request).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::BundleHash;
    use crate::endpoint::RelayAddress;
    use crate::entropy::Entropy;
    use crate::keys::SigningKey;
    use crate::time::Timestamp;

    fn invitation(seed: u8) -> Invitation {
        Invitation::new(
            &Entropy::dangerous_seeded([seed; 32]),
            "laptop.ana.officer.fge.example".parse().unwrap(),
            "Ana".to_owned(),
            BundleHash::from_bytes([3; 32]),
            Timestamp::from_secs(1),
            vec![RelayAddress { host: "127.0.0.1".parse().unwrap(), port: 1 }],
        )
        .unwrap()
    }

    fn request() -> CertificateRequest {
        let name = "laptop.ana.officer.fge.example".parse().unwrap();
        CertificateRequest::create(&SigningKey::generate(), &name, "Ana").unwrap()
    }

    #[test]
    fn a_proof_fits_its_invitation_connection_and_request_alone() {
        let (invitation, request) = (invitation(1), request());
        let good = Enrolment::prove(&invitation, [5; 32], request.clone());
        let id = *good.invitation();
        let verify = |id, binding, request: &CertificateRequest, proof| {
            Enrolment::verify(id, binding, request.der(), proof)
        };
        assert_eq!(verify(id, [5; 32], &request, good.proof), Ok(good.clone()));
        let refused = Err(EnrolmentError::Proof);
        assert_eq!(verify(id, [6; 32], &request, good.proof), refused, "another connection");
        assert_eq!(verify(id, [5; 32], &self::request(), good.proof), refused, "another request");
        let other = self::invitation(2);
        assert_eq!(verify(other.id(), [5; 32], &request, good.proof), refused);
        let forged = Enrolment::prove(&other, [5; 32], request.clone());
        assert_eq!(verify(id, [5; 32], &request, forged.proof), refused, "another secret");
        let possession = invitation.prove(&[5; 32], None);
        assert_eq!(verify(id, [5; 32], &request, possession), refused, "possession alone");
        assert_eq!(verify_possession(&id, &[5; 32], &possession), Ok(()));
        assert!(verify_possession(&id, &[5; 32], &good.proof).is_err());
    }

    #[test]
    fn what_a_relay_keeps_is_verified_again() {
        let kept = Enrolment::prove(&invitation(1), [5; 32], request());
        let bytes = kept.encode();
        assert!(bytes.len() <= Enrolment::MAX_BYTES);
        assert_eq!(Enrolment::decode(&bytes), Ok(kept));
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 1;
            assert!(Enrolment::decode(&altered).is_err(), "byte {index}");
        }
    }

    #[test]
    fn a_proof_over_garbage_is_no_request() {
        let invitation = invitation(1);
        let proof = invitation.secret.sign(&statement(&[5; 32], b"garbage"));
        let read = Enrolment::verify(invitation.id(), [5; 32], b"garbage", proof);
        assert!(matches!(read, Err(EnrolmentError::Request(_))));
    }
}
