//! Endpoint records.
//!
//! Input: a signed record; or, behind a byte 1, a record that the authority's endpoint key
//! signs here.

use enlace_identity::canonical::Writer;
use enlace_identity::endpoint::{EndpointRecord, EndpointRecords, SignedEndpointRecord};
use enlace_identity::revocation::RevocationLists;

use crate::Outcome;
use crate::check::canonical;
use crate::scene::{NOW, network, seeded_key};

/// Reads and verifies a record.
pub fn run(data: &[u8]) -> Outcome {
    match data {
        [1, record @ ..] => {
            let bare = canonical(record, EndpointRecord::decode, EndpointRecord::encode);
            let verified = verify(&signed(record));
            assert!(verified == Outcome::Refused || bare.is_ok());
            Outcome::of(&bare)
        }
        signed => {
            let verified = verify(signed);
            let genuine = [&network().a, &network().b].map(|a| a.signed_endpoint_record().encode());
            assert!(verified == Outcome::Refused || genuine.iter().any(|g| g == signed));
            verified
        }
    }
}

fn verify(bytes: &[u8]) -> Outcome {
    let network = network();
    let signed = canonical(bytes, SignedEndpointRecord::decode, SignedEndpointRecord::encode);
    let Ok(verified) = signed.as_ref().map(|signed| signed.verify(&network.bundle, NOW)) else {
        return Outcome::Refused;
    };
    if let Ok(record) = &verified {
        let domain = &record.record().domain;
        assert_eq!(record.signer().name().domain(), domain, "a record of another authority");
        assert!(record.relays.iter().all(|relay| relay.name.domain() == domain));
        let lists = RevocationLists::new();
        let taken = EndpointRecords::new().insert(bytes, &network.bundle, &lists, NOW);
        assert!(taken.is_err(), "without revocation lists nobody vouches for the signer");
    }
    Outcome::of(&verified)
}

fn signed(record: &[u8]) -> Vec<u8> {
    let chain = network().a.leaf("e1.endpoint");
    let signature = seeded_key("e1.endpoint.a.example").sign(record);
    Writer::new("enlace signed endpoint record v1")
        .bytes(record)
        .fixed(signature.as_bytes())
        .list(&[chain.leaf(), chain.issuing()], |w, der| w.bytes(der.as_bytes()))
        .finish()
}
