//! Enrolment by a one-time invitation (PROTOCOL.md §7.9): what the registrar hands to the officer, what
//! the relay gets to know of it, and what a device hands in.
//!
//! The invitation's secret is the seed of a key. [`Invitation`], which holds it, goes to the officer
//! alone; the registrar and the relay keep an [`InvitationVerifier`] with the public half. A device
//! signs its request together with what is unique to its connection; so nobody who carries the
//! request, the relay's operator included, can put another in its place. [`Enrolment`] is a request
//! whose proof fits.

mod enrolment;
mod verifier;

use std::fmt;

use zeroize::Zeroizing;

use crate::bundle::BundleHash;
use crate::canonical::{DecodeError, Reader, Writer};
use crate::certificate::profile::is_showable;
use crate::certificate::to_pem;
use crate::endpoint::RelayAddress;
use crate::entropy::Entropy;
use crate::issue::CertificateRequest;
use crate::keys::{PublicKey, Signature, SigningKey};
use crate::names::{DeviceName, Domain};
use crate::time::Timestamp;

pub use self::enrolment::{Enrolment, EnrolmentError, verify_possession};
pub use self::verifier::InvitationVerifier;

use self::enrolment::statement;

const LABEL: &str = "enlace invitation v1";
const PEM_LABEL: &str = "ENLACE INVITATION";

/// What is unique to one connection: TLS exports it to both of its ends.
pub type Binding = [u8; 32];

/// A one-time invitation with its secret, for one device. Never shown, and wiped when dropped.
#[derive(Clone)]
pub struct Invitation {
    /// Whom it is for.
    pub device: DeviceName,
    /// The officer's name, with its accents.
    pub common_name: String,
    /// The network's bundle, by its hash.
    pub bundle_hash: BundleHash,
    /// From then on it is not accepted.
    pub not_after: Timestamp,
    /// Where the authority's relays are, in the order in which they are tried; at least one.
    pub relays: Vec<RelayAddress>,
    secret: SigningKey,
}

/// The text is no invitation, or only a part of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvitationError {
    /// It lacks the first or last line, or characters between them.
    #[error("this is not a whole invitation")]
    Text,
    /// What it holds can't be read.
    #[error("this is not an invitation: {0}")]
    Decode(#[from] DecodeError),
}

impl Invitation {
    /// The most addresses of relays.
    pub const MAX_RELAYS: usize = 16;
    /// The longest text, in bytes.
    pub const MAX_BYTES: usize = 16 << 10;

    /// A new one, with a secret of its own.
    ///
    /// # Errors
    /// [`DecodeError::Value`] names the field that nobody could read back.
    ///
    /// # Panics
    /// As [`Entropy::fill`].
    pub fn new(
        entropy: &Entropy,
        device: DeviceName,
        common_name: String,
        bundle_hash: BundleHash,
        not_after: Timestamp,
        relays: Vec<RelayAddress>,
    ) -> Result<Self, DecodeError> {
        let secret = SigningKey::generate_from(entropy);
        Self { device, common_name, bundle_hash, not_after, relays, secret }.checked()
    }

    /// The authority.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        self.device.domain()
    }

    /// What tells it from other invitations; no secret.
    #[must_use]
    pub fn id(&self) -> PublicKey {
        self.secret.public()
    }

    /// What the relay gets to know of it.
    #[must_use]
    pub fn verifier(&self) -> InvitationVerifier {
        InvitationVerifier { invitation: self.id(), not_after: self.not_after }
    }

    /// Proves on one connection that this side has the invitation, and hands in a request with it
    /// if there is one.
    #[must_use]
    pub fn prove(&self, binding: &Binding, request: Option<&CertificateRequest>) -> Signature {
        self.secret.sign(&statement(binding, request.map_or(&[], CertificateRequest::der)))
    }

    /// The text that is handed to the officer.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        // The secret comes last: a buffer that was outgrown before holds nothing of it.
        let writer = Writer::new(LABEL)
            .bytes(self.device.as_str().as_bytes())
            .bytes(self.common_name.as_bytes())
            .fixed(self.bundle_hash.as_bytes())
            .u64(self.not_after.as_millis())
            .list(&self.relays, |w, relay| {
                w.bytes(relay.host.as_str().as_bytes()).u64(relay.port.into())
            });
        let bytes = Zeroizing::new(writer.fixed(&self.secret.to_seed()).finish());
        Zeroizing::new(to_pem(PEM_LABEL, &bytes))
    }

    /// Reads that text.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub fn from_text(text: &str) -> Result<Self, InvitationError> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvitationError::Text);
        }
        let bytes = match der::pem::decode_vec(text.trim().as_bytes()) {
            Ok((PEM_LABEL, bytes)) => Zeroizing::new(bytes),
            _ => return Err(InvitationError::Text),
        };
        let mut r = Reader::new(LABEL, &bytes)?;
        let device = r.text()?.parse().map_err(|_| DecodeError::Value("device"))?;
        let common_name = r.text()?.to_owned();
        let bundle_hash = BundleHash::from_bytes(r.fixed()?);
        let not_after = Timestamp::from_millis(r.u64()?);
        let relays = r.list("relays", Self::MAX_RELAYS, |r| {
            let host = r.text()?.parse().map_err(|_| DecodeError::Value("host"))?;
            let port = u16::try_from(r.u64()?).map_err(|_| DecodeError::Value("port"))?;
            Ok(RelayAddress { host, port })
        })?;
        let secret = SigningKey::from_seed(Zeroizing::new(r.fixed()?));
        r.finish()?;
        Ok(Self { device, common_name, bundle_hash, not_after, relays, secret }.checked()?)
    }

    fn checked(self) -> Result<Self, DecodeError> {
        let rules = [
            ("common_name", is_showable(&self.common_name)),
            ("relays", (1..=Self::MAX_RELAYS).contains(&self.relays.len())),
            ("port", self.relays.iter().all(|relay| relay.port != 0)),
        ];
        match rules.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(DecodeError::Value(field)),
            None => Ok(self),
        }
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invitation({:?} for {})", self.id(), self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> Invitation {
        Invitation::new(
            &Entropy::dangerous_seeded([7; 32]),
            "laptop.ana-ruiz.officer.fge.example".parse().unwrap(),
            "Ana Ruiz Gómez".to_owned(),
            BundleHash::from_bytes([3; 32]),
            Timestamp::from_secs(1_800_000_000),
            vec![RelayAddress { host: "relay.fge.example".parse().unwrap(), port: 4433 }],
        )
        .unwrap()
    }

    #[test]
    fn the_text_is_read_back_whole_or_not_at_all() {
        let text = invitation().to_text();
        let read = Invitation::from_text(&format!("\n {}\r\n\n", text.as_str())).unwrap();
        assert_eq!(read.to_text(), text);
        assert_eq!(read.verifier(), invitation().verifier());
        for cut in 0..text.trim().len() {
            assert!(Invitation::from_text(&text[..cut]).is_err(), "cut to {cut} bytes");
        }
    }

    #[test]
    fn its_secret_is_never_shown_and_the_relay_does_not_get_it() {
        let invitation = invitation();
        let seed = invitation.secret.to_seed();
        let shown = format!("{invitation:?}");
        assert!(!shown.contains(&hex::encode(seed.as_ref())));
        let verifier = invitation.verifier().encode();
        assert!(!verifier.windows(32).any(|window| window == seed.as_ref()));
    }

    #[test]
    fn names_that_deceive_and_places_that_are_none_are_refused() {
        let with = |change: fn(&mut Invitation)| {
            let mut changed = invitation();
            change(&mut changed);
            Invitation::from_text(&changed.to_text()).unwrap_err()
        };
        let value = |field| InvitationError::Decode(DecodeError::Value(field));
        let deceives = |i: &mut Invitation| i.common_name = "Ana\u{202e}zuR".to_owned();
        assert_eq!(with(deceives), value("common_name"));
        assert_eq!(with(|i| i.common_name = "a".repeat(65)), value("common_name"));
        assert_eq!(with(|i| i.relays.clear()), value("relays"));
        assert_eq!(with(|i| i.relays[0].port = 0), value("port"));
    }
}
