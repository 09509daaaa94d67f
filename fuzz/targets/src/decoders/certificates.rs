//! Certificates through path validation and profile.
//!
//! Input: how the chain is signed again, if at all, then the two certificates as a message holds
//! them, or as a PEM file. Signed again, a chain is what an authority makes that has turned bad:
//! whatever it certifies stays within its own domain.

use enlace_identity::certificate::{CertificateDer, UnverifiedChain};
use enlace_identity::chain::{LeafUsage, VerifiedLeaf};
use enlace_identity::revocation::RevocationLists;
use enlace_proto::relay::v1::HeadCertificate;

use crate::Outcome;
use crate::check::message;
use crate::scene::{Authority, NOW, network, sign_again};

const USAGES: [LeafUsage; 5] =
    [LeafUsage::Device, LeafUsage::Relay, LeafUsage::Head, LeafUsage::Endpoint, LeafUsage::Duty];

/// Verifies a chain for each use.
pub fn run(data: &[u8]) -> Outcome {
    let [mode, chain @ ..] = data else { return Outcome::Refused };
    let Some(chain) = read(chain) else { return Outcome::Refused };
    let network = network();
    match mode {
        1 => signed_by(&network.a, &chain, false),
        2 => signed_by(&network.a, &chain, true),
        _ => {
            let verified = verify(&chain);
            let genuine = network.chains.contains(&chain);
            assert!(verified.is_none() || genuine, "a chain that no authority issued");
            Outcome::when(verified.is_some())
        }
    }
}

fn read(bytes: &[u8]) -> Option<UnverifiedChain> {
    if let Ok(pem) = str::from_utf8(bytes)
        && let Ok(chain) = UnverifiedChain::from_pem(pem)
    {
        assert_eq!(UnverifiedChain::from_pem(&chain.to_pem()).as_ref(), Ok(&chain));
        return Some(chain);
    }
    let message = message::<HeadCertificate>(bytes)?;
    let chain = UnverifiedChain::from_ders(&message.certificates).ok()?;
    assert_eq!(chain.ders(), message.certificates);
    let _ = chain.leaf().root_domain();
    Some(chain)
}

/// The chain with the leaf signed again by the authority's issuing CA, and that by its root.
fn signed_by(authority: &Authority, chain: &UnverifiedChain, issuing_too: bool) -> Outcome {
    let again = || {
        let leaf = sign_again(chain.leaf().as_bytes(), &authority.issuing_key)?;
        let issuing = match issuing_too {
            true => sign_again(chain.issuing().as_bytes(), &authority.root_key)?,
            false => chain.issuing().as_bytes().to_vec(),
        };
        let der = |bytes: &[u8]| CertificateDer::from_bytes(bytes).ok();
        Some(UnverifiedChain::new(der(&leaf)?, der(&issuing)?))
    };
    let Some(chain) = again() else { return Outcome::Refused };
    match verify(&chain) {
        Some(leaf) => {
            let own = leaf.name().domain() == &authority.domain;
            assert!(own, "an authority certified a name of another one's domain");
            Outcome::Read
        }
        None => Outcome::Refused,
    }
}

fn verify(chain: &UnverifiedChain) -> Option<VerifiedLeaf> {
    let bundle = &network().bundle;
    let verified: Vec<VerifiedLeaf> =
        USAGES.into_iter().filter_map(|usage| bundle.verify(chain, NOW, usage).ok()).collect();
    assert!(verified.len() <= 1, "a certificate serves for one thing");
    let leaf = verified.into_iter().next()?;
    assert_eq!(LeafUsage::of(leaf.name()), leaf.usage());
    assert_eq!(leaf.to_unverified(), *chain);
    assert!(RevocationLists::new().check(&leaf, NOW).is_err(), "nobody vouches for it");
    Some(leaf)
}
