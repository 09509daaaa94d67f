//! An authority's word that its relay no longer holds what a tombstone had erased (PROTOCOL.md
//! §3.18): signed by the authority's head key, so that it can be shown to others, and later.
//!
//! It proves who said it. That the relay has erased, nobody can see from outside.

use std::collections::BTreeMap;

use enlace_identity::bundle::Bundle;
use enlace_identity::canonical::{DecodeError, Reader, Writer, sha256};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::certified::Certified;
use enlace_identity::chain::{ChainError, LeafUsage};
use enlace_identity::keys::SigningKey;
use enlace_identity::names::Domain;
use enlace_identity::revocation::MAX_SKEW;
use enlace_identity::time::Timestamp;

use crate::chain::ChainHash;
use crate::envelope::PayloadHash;
use crate::head::HeadSigner;
use crate::ids::{ChannelId, MAX_SEQ, Seq};
use crate::tombstone::Tombstone;

const LABEL: &str = "enlace erasure confirmation v1";
const SIGNED_LABEL: &str = "enlace signed erasure confirmation v1";

/// What a relay states of its own store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ErasureConfirmation {
    /// The channel.
    pub channel: ChannelId,
    /// Where the tombstone stands.
    pub tombstone: Seq,
    /// The chain up to and with it, in the relay's own copy: which tombstone of which history.
    pub chain: ChainHash,
    /// Of the entries that it names, those of which the relay holds no payload, ascending, each with
    /// its payload's hash.
    pub erased: Vec<(Seq, PayloadHash)>,
    /// When that was so, by the relay's clock.
    pub at: Timestamp,
    /// The head key that signs.
    pub signer: HeadSigner,
}

/// A confirmation with signature and certificates, unverified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedConfirmation(Certified);

/// A confirmation that a head key of an authority has signed. Whether it fits a log,
/// [`Self::check`] says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedConfirmation {
    authority: Domain,
    confirmation: ErasureConfirmation,
    signed: SignedConfirmation,
}

/// A tombstone as it stands in the verifier's own copy of the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandingTombstone {
    /// The channel.
    pub channel: ChannelId,
    /// Its place.
    pub seq: Seq,
    /// The chain there.
    pub chain: ChainHash,
    /// The hub's clock when it got it.
    pub received_at: Timestamp,
    /// What it names and may erase.
    pub named: BTreeMap<Seq, PayloadHash>,
}

/// Why a confirmation counts for nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfirmationError {
    /// The bytes are no confirmation.
    #[error("this is not a confirmation of an erasure: {0}")]
    Decode(#[from] DecodeError),
    /// The certificate that comes with it is refused.
    #[error("the signer of the confirmation is refused: {0}")]
    Signer(#[from] ChainError),
    /// The signature is not that of the key that it names.
    #[error("the signature of the confirmation does not fit")]
    Signature,
    /// It is about another tombstone than the one that stands there.
    #[error("the confirmation is about another tombstone than the one that stands there")]
    OtherTombstone,
    /// It confirms what the tombstone doesn't erase.
    #[error("the confirmation names entry {0}, which the tombstone does not erase")]
    NotNamed(Seq),
    /// The relay says that it erased something before it was told to, or later than now.
    #[error("the confirmation's time does not fit the log")]
    Time,
    /// The authority's relay had no copy of what it says that it erased.
    #[error("the relay of {0} had no copy of entry {1}")]
    NoCopy(Domain, Seq),
}

impl ErasureConfirmation {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .fixed(&self.channel.0)
            .u64(self.tombstone.0)
            .fixed(&self.chain.0)
            .list(&self.erased, |w, (seq, hash)| w.u64(seq.0).fixed(&hash.0))
            .u64(self.at.as_millis())
            .fixed(&self.signer.0)
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest relay would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let confirmation = Self {
            channel: ChannelId(r.fixed()?),
            tombstone: position(r.u64()?)?,
            chain: ChainHash(r.fixed()?),
            erased: r.list("erased", Tombstone::MAX, |r| {
                Ok((position(r.u64()?)?, PayloadHash(r.fixed()?)))
            })?,
            at: Timestamp::from_millis(r.u64()?),
            signer: HeadSigner(r.fixed()?),
        };
        r.finish()?;
        let is_sorted = confirmation.erased.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if confirmation.erased.is_empty() || !is_sorted {
            return Err(DecodeError::Value("erased"));
        }
        Ok(confirmation)
    }

    /// Signs it with the head key whose certificates are `chain`.
    #[must_use]
    pub fn sign(&self, key: &SigningKey, chain: UnverifiedChain) -> SignedConfirmation {
        SignedConfirmation(Certified::sign(self.encode(), key, chain))
    }
}

impl SignedConfirmation {
    /// The longest encoded form, in bytes.
    pub const MAX_BYTES: usize = 60 << 10;

    /// Its bytes, as they travel and are kept.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode(SIGNED_LABEL)
    }

    /// Reads those bytes; nothing is verified.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Certified::decode(SIGNED_LABEL, bytes, Self::MAX_BYTES).map(Self)
    }

    /// What it claims.
    ///
    /// # Errors
    /// [`DecodeError`] when there is no reading it.
    pub fn unverified_confirmation(&self) -> Result<ErasureConfirmation, DecodeError> {
        ErasureConfirmation::decode(self.0.unverified_statement())
    }

    /// Checks that it is signed by a head key whose certificates held when it says that it was made.
    ///
    /// # Errors
    /// [`ConfirmationError`] says what doesn't hold.
    pub fn verify(&self, bundle: &Bundle) -> Result<VerifiedConfirmation, ConfirmationError> {
        let confirmation = self.unverified_confirmation()?;
        let signer = bundle.verify(self.0.chain(), confirmation.at, LeafUsage::Head)?;
        if confirmation.signer.0 != sha256(self.0.chain().leaf().as_bytes()) {
            return Err(ConfirmationError::Signature);
        }
        self.0.verify(&signer.public_key()).map_err(|_| ConfirmationError::Signature)?;
        let authority = signer.name().domain().clone();
        Ok(VerifiedConfirmation { authority, confirmation, signed: self.clone() })
    }
}

impl VerifiedConfirmation {
    /// Whose relay says so.
    #[must_use]
    pub fn authority(&self) -> &Domain {
        &self.authority
    }

    /// What it says.
    #[must_use]
    pub fn confirmation(&self) -> &ErasureConfirmation {
        &self.confirmation
    }

    /// The signed form, to be kept and passed on.
    #[must_use]
    pub fn signed(&self) -> &SignedConfirmation {
        &self.signed
    }

    /// Whether it fits the log: the tombstone that stands at its place, and who held what.
    /// `now` is when it was received; `held` says whether an authority's relay had a copy of what
    /// stands at a position.
    ///
    /// # Errors
    /// [`ConfirmationError`]: it counts for nothing then.
    pub fn check(
        &self,
        tombstone: &StandingTombstone,
        now: Timestamp,
        held: impl Fn(&Domain, Seq) -> bool,
    ) -> Result<(), ConfirmationError> {
        let said = &self.confirmation;
        let place = (tombstone.channel, tombstone.seq, tombstone.chain);
        if place != (said.channel, said.tombstone, said.chain) {
            return Err(ConfirmationError::OtherTombstone);
        }
        if said.at.plus(MAX_SKEW) < tombstone.received_at || said.at > now.plus(MAX_SKEW) {
            return Err(ConfirmationError::Time);
        }
        for (seq, hash) in &said.erased {
            if tombstone.named.get(seq) != Some(hash) {
                return Err(ConfirmationError::NotNamed(*seq));
            }
            if !held(&self.authority, *seq) {
                return Err(ConfirmationError::NoCopy(self.authority.clone(), *seq));
            }
        }
        Ok(())
    }
}

fn position(value: u64) -> Result<Seq, DecodeError> {
    if value > MAX_SEQ { Err(DecodeError::Value("seq")) } else { Ok(Seq(value)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use enlace_identity::bundle::{AuthorityContent, BundleContent, SignedBundle};
    use enlace_identity::certificate::Serial;
    use enlace_identity::issue::{Approval, IssuingCa, Root};
    use enlace_identity::names::{LeafName, ServiceKind, ServiceName};
    use enlace_identity::time::Validity;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const CHANNEL: ChannelId = ChannelId([1; 32]);

    fn start() -> Timestamp {
        Timestamp::from_secs(1_800_000_000)
    }

    struct Authority {
        domain: Domain,
        root: Root,
        root_key: SigningKey,
        issuing: IssuingCa,
    }

    impl Authority {
        fn new(domain: &str) -> Self {
            let domain: Domain = domain.parse().unwrap();
            let validity = Validity::starting(start(), 300 * DAY);
            let (root_key, issuing_key) = (SigningKey::generate(), SigningKey::generate());
            let serial = Serial::generate();
            let root = Root::create(&domain, root_key.clone(), validity, &serial).unwrap();
            let certificate =
                root.issue_ca(&issuing_key.public(), validity, &Serial::generate()).unwrap();
            let issuing =
                IssuingCa::load(&domain, root.certificate(), &certificate, issuing_key).unwrap();
            Self { domain, root, root_key, issuing }
        }

        /// A service's key and certificates.
        fn service(&self, kind: ServiceKind) -> (SigningKey, UnverifiedChain) {
            let key = SigningKey::generate();
            let approval = Approval {
                name: LeafName::Service(ServiceName::new("h1", kind, &self.domain).unwrap()),
                common_name: "Firma".to_owned(),
                validity: Validity::starting(start(), 90 * DAY),
                serial: Serial::generate(),
            };
            let chain = self.issuing.issue_for_key(&key.public(), &approval).unwrap();
            (key, chain)
        }
    }

    fn bundle(authorities: &[&Authority]) -> Bundle {
        let content = BundleContent {
            network: "Red".to_owned(),
            version: 1,
            previous: None,
            threshold: 1,
            validity: Validity::starting(start(), 300 * DAY),
            authorities: authorities
                .iter()
                .map(|authority| AuthorityContent {
                    domain: authority.domain.clone(),
                    country: "XX".to_owned(),
                    name: authority.domain.to_string(),
                    roots: vec![authority.root.certificate().clone()],
                })
                .collect(),
            former: Vec::new(),
        };
        let mut signed = SignedBundle::create(content).unwrap();
        for authority in authorities {
            signed.sign(&authority.domain, &authority.root_key).unwrap();
        }
        signed.open(&signed.hash()).unwrap()
    }

    fn said(chain: &UnverifiedChain) -> ErasureConfirmation {
        ErasureConfirmation {
            channel: CHANNEL,
            tombstone: Seq(9),
            chain: ChainHash([9; 32]),
            erased: vec![(Seq(3), PayloadHash([3; 32])), (Seq(5), PayloadHash([5; 32]))],
            at: start().plus(DAY),
            signer: HeadSigner(sha256(chain.leaf().as_bytes())),
        }
    }

    fn standing() -> StandingTombstone {
        StandingTombstone {
            channel: CHANNEL,
            seq: Seq(9),
            chain: ChainHash([9; 32]),
            received_at: start().plus(DAY),
            named: [(Seq(3), PayloadHash([3; 32])), (Seq(5), PayloadHash([5; 32]))].into(),
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_nothing_else_is() {
        let (key, chain) = Authority::new("a.example").service(ServiceKind::Head);
        let signed = said(&chain).sign(&key, chain.clone());
        assert_eq!(SignedConfirmation::decode(&signed.encode()), Ok(signed.clone()));
        assert_eq!(signed.unverified_confirmation(), Ok(said(&chain)));
        for erased in [
            vec![],
            vec![(Seq(5), PayloadHash([5; 32])), (Seq(3), PayloadHash([3; 32]))],
            vec![(Seq(3), PayloadHash([3; 32])); 2],
            vec![(Seq(u64::MAX), PayloadHash([3; 32]))],
        ] {
            let odd = ErasureConfirmation { erased, ..said(&chain) };
            assert!(ErasureConfirmation::decode(&odd.encode()).is_err());
        }
        let mut longer = signed.encode();
        longer.push(0);
        assert!(SignedConfirmation::decode(&longer).is_err());
    }

    #[test]
    fn a_head_key_of_the_network_has_signed_it() {
        let (ours, stranger) = (Authority::new("a.example"), Authority::new("c.example"));
        let bundle = bundle(&[&ours, &Authority::new("b.example")]);
        let (key, chain) = ours.service(ServiceKind::Head);
        let good = said(&chain).sign(&key, chain.clone()).verify(&bundle).unwrap();
        assert_eq!(good.authority(), &ours.domain);

        // Another key than the certificate's; a certificate of another use, or of a stranger; one
        // that did not hold then; another certificate than the one that is named; altered words.
        let (other_key, other) = ours.service(ServiceKind::Head);
        let forged = said(&chain).sign(&other_key, chain.clone());
        assert_eq!(forged.verify(&bundle), Err(ConfirmationError::Signature));
        for (key, chain) in [ours.service(ServiceKind::Relay), stranger.service(ServiceKind::Head)]
        {
            let refused = said(&chain).sign(&key, chain.clone()).verify(&bundle);
            assert!(matches!(refused, Err(ConfirmationError::Signer(_))), "{refused:?}");
        }
        let late = ErasureConfirmation { at: start().plus(91 * DAY), ..said(&chain) };
        let refused = late.sign(&key, chain.clone()).verify(&bundle);
        assert!(matches!(refused, Err(ConfirmationError::Signer(_))));
        let exchanged = said(&chain).sign(&other_key, other);
        assert_eq!(exchanged.verify(&bundle), Err(ConfirmationError::Signature));
        let (signed, mut altered) = (said(&chain).sign(&key, chain.clone()).encode(), Vec::new());
        let other_words = ErasureConfirmation { tombstone: Seq(8), ..said(&chain) };
        let place =
            signed.windows(said(&chain).encode().len()).position(|at| at == said(&chain).encode());
        let place = place.unwrap();
        altered.extend(&signed[..place]);
        altered.extend(other_words.encode());
        altered.extend(&signed[altered.len()..]);
        let altered = SignedConfirmation::decode(&altered).unwrap();
        assert_eq!(altered.verify(&bundle), Err(ConfirmationError::Signature));
    }

    #[test]
    fn it_is_about_the_tombstone_that_stands_there() {
        let ours = Authority::new("a.example");
        let bundle = bundle(&[&ours]);
        let (key, chain) = ours.service(ServiceKind::Head);
        let now = start().plus(2 * DAY);
        let check = |said: ErasureConfirmation, tombstone: &StandingTombstone, held: u64| {
            let verified = said.sign(&key, chain.clone()).verify(&bundle).unwrap();
            verified.check(tombstone, now, |_, seq| seq.0 >= held)
        };
        let good = said(&chain);
        assert_eq!(check(good.clone(), &standing(), 0), Ok(()));

        let elsewhere = ConfirmationError::OtherTombstone;
        for other in [
            StandingTombstone { channel: ChannelId([2; 32]), ..standing() },
            StandingTombstone { seq: Seq(10), ..standing() },
            // The same place in another history.
            StandingTombstone { chain: ChainHash([8; 32]), ..standing() },
        ] {
            assert_eq!(check(good.clone(), &other, 0), Err(elsewhere.clone()));
        }
        for named in [
            [(Seq(3), PayloadHash([3; 32]))].into(),
            [(Seq(3), PayloadHash([3; 32])), (Seq(5), PayloadHash([6; 32]))].into(),
        ] {
            let other = StandingTombstone { named, ..standing() };
            assert_eq!(check(good.clone(), &other, 0), Err(ConfirmationError::NotNamed(Seq(5))));
        }
        let nothing = ConfirmationError::NoCopy(ours.domain.clone(), Seq(3));
        assert_eq!(check(good.clone(), &standing(), 4), Err(nothing));
        let before = ErasureConfirmation { at: start().plus(DAY / 2), ..good.clone() };
        assert_eq!(check(before, &standing(), 0), Err(ConfirmationError::Time));
        let ahead = ErasureConfirmation { at: start().plus(3 * DAY), ..good };
        assert_eq!(check(ahead, &standing(), 0), Err(ConfirmationError::Time));
    }
}
