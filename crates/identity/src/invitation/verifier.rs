//! What a relay knows of an invitation.

use crate::canonical::{DecodeError, Reader, Writer};
use crate::keys::PublicKey;
use crate::time::Timestamp;

const LABEL: &str = "enlace invitation verifier v1";

/// Which proofs of possession count, and until when. Nothing of whom the invitation is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvitationVerifier {
    /// The invitation, by the public half of its secret.
    pub invitation: PublicKey,
    /// From then on no request is taken that was not there before.
    pub not_after: Timestamp,
}

impl InvitationVerifier {
    /// The bytes of the file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .fixed(self.invitation.as_bytes())
            .u64(self.not_after.as_millis())
            .finish()
    }

    /// Reads them back.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let invitation =
            PublicKey::from_bytes(r.fixed()?).map_err(|_| DecodeError::Value("invitation"))?;
        let not_after = Timestamp::from_millis(r.u64()?);
        r.finish()?;
        Ok(Self { invitation, not_after })
    }
}
