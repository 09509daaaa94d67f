//! Statements about suspensions.
//!
//! Input: a signed statement; or, behind a byte 1, a statement that the authority's duty key signs
//! here.

use enlace_identity::canonical::Writer;
use enlace_identity::revocation::RevocationLists;
use enlace_identity::suspension::{SignedSuspensions, SuspensionStatement, Suspensions};

use crate::Outcome;
use crate::check::canonical;
use crate::scene::{NOW, network, seeded_key};

/// Reads and verifies a statement.
pub fn run(data: &[u8]) -> Outcome {
    match data {
        [1, statement @ ..] => {
            let bare =
                canonical(statement, SuspensionStatement::decode, SuspensionStatement::encode);
            let verified = verify(&signed(statement));
            assert!(verified == Outcome::Refused || bare.is_ok());
            Outcome::of(&bare)
        }
        signed => {
            let verified = verify(signed);
            let genuine = network().a.signed_suspensions().encode();
            assert!(verified == Outcome::Refused || genuine == signed);
            verified
        }
    }
}

fn verify(bytes: &[u8]) -> Outcome {
    let network = network();
    let signed = canonical(bytes, SignedSuspensions::decode, SignedSuspensions::encode);
    let Ok(verified) = signed.as_ref().map(|signed| signed.verify(&network.bundle, NOW)) else {
        return Outcome::Refused;
    };
    if let Ok(statement) = &verified {
        let domain = &statement.domain;
        assert_eq!(statement.signer().name().domain(), domain, "a statement of another authority");
        assert!(statement.suspended.iter().all(|suspended| suspended.domain() == domain));
        assert!(NOW < statement.end(), "it is over");
    }
    let (mut kept, lists) = (Suspensions::new(), RevocationLists::new());
    let taken = kept.insert(bytes, &network.bundle, &lists, NOW);
    assert_eq!(taken.is_ok(), verified.is_ok());
    Outcome::of(&verified)
}

fn signed(statement: &[u8]) -> Vec<u8> {
    let chain = network().a.leaf("d1.duty");
    let signature = seeded_key("d1.duty.a.example").sign(statement);
    Writer::new("enlace signed suspensions v1")
        .bytes(statement)
        .fixed(signature.as_bytes())
        .list(&[chain.leaf(), chain.issuing()], |w, der| w.bytes(der.as_bytes()))
        .finish()
}
