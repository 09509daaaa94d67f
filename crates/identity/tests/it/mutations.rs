//! No decoder panics, and nothing signed survives a change: each byte changed, each length cut.

use enlace_identity::bundle::{LeafUsage, SignedBundle};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::endpoint::{
    EndpointRecord, RelayAddress, RelayEndpoint, SignedEndpointRecord,
};
use enlace_identity::issue::CertificateRequest;
use enlace_identity::keys::SigningKey;
use enlace_identity::names::{ServiceKind, ServiceName};
use enlace_identity::revocation::RevocationLists;

use crate::support::{NOW, TestAuthority, bundle, bundle_content, key, name, span};

/// Calls `accepts` with every mutant, and expects it to refuse each.
fn refuses_mutants(original: &[u8], accepts: impl Fn(&[u8]) -> bool) {
    assert!(accepts(original));
    for length in 0..original.len() {
        assert!(!accepts(&original[..length]), "cut to {length} bytes");
    }
    assert!(!accepts(&[original, &[0]].concat()), "one byte more");
    let mut mutant = original.to_vec();
    for index in 0..original.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            mutant[index] ^= flip;
            assert!(!accepts(&mutant), "byte {index} xor {flip:#x}");
            mutant[index] ^= flip;
        }
    }
}

#[test]
fn certificates() {
    let fge = TestAuthority::new("fge.example", 10);
    let bundle = bundle(&[&fge]);
    let chain = fge.leaf("laptop.ana-ruiz.officer", 30).ders();
    let verifies = |leaf: &[u8], issuing: &[u8]| {
        UnverifiedChain::from_ders(&[leaf, issuing])
            .is_ok_and(|chain| bundle.verify(&chain, NOW, LeafUsage::Device).is_ok())
    };
    refuses_mutants(&chain[0], |leaf| verifies(leaf, &chain[1]));
    refuses_mutants(&chain[1], |issuing| verifies(&chain[0], issuing));
}

#[test]
fn requests() {
    let name = name("laptop.ana-ruiz.officer.fge.example");
    let request = CertificateRequest::create(&key(30), &name, "Ana Ruiz Gómez").unwrap();
    refuses_mutants(request.der(), |der| CertificateRequest::from_der(der).is_ok());
}

#[test]
fn revocation_lists() {
    let fge = TestAuthority::new("fge.example", 10);
    let bundle = bundle(&[&fge]);
    let inserts = |bytes: &[u8]| RevocationLists::new().insert(bytes, &bundle, NOW).is_ok();
    refuses_mutants(&fge.issuing_list(3, &[30, 31]).to_bytes(), inserts);
    refuses_mutants(&fge.root_list(3, &[11]).to_bytes(), inserts);
}

#[test]
fn key_files() {
    let pem = key(30).to_pem(None);
    for index in 0..pem.len() {
        let _ = SigningKey::from_pem(&pem[..index], None);
        for other in ["A", "/", "=", "-", "\n"] {
            let mutant = [&pem[..index], other, &pem[index + 1..]].concat();
            let _ = SigningKey::from_pem(&mutant, None);
        }
    }
}

#[test]
fn bundles() {
    let fge = TestAuthority::new("fge.example", 10);
    let mut signed = SignedBundle::create(bundle_content(&[&fge])).unwrap();
    signed.sign(&fge.domain, &fge.root_key).unwrap();
    let own_hash = |bytes: &[u8]| {
        SignedBundle::decode(bytes).is_ok_and(|mutant| mutant.open(&mutant.hash()).is_ok())
    };
    refuses_mutants(&signed.encode(), own_hash);
}

#[test]
fn endpoint_records() {
    let fge = TestAuthority::new("fge.example", 10);
    let bundle = bundle(&[&fge]);
    let record = EndpointRecord {
        domain: fge.domain.clone(),
        version: 1,
        validity: span(30),
        relays: vec![RelayEndpoint {
            name: ServiceName::new("r1", ServiceKind::Relay, &fge.domain).unwrap(),
            addresses: vec![RelayAddress { host: "127.0.0.1".parse().unwrap(), port: 4433 }],
        }],
    };
    let signed = SignedEndpointRecord::sign(&record, &key(50), fge.leaf("e1.endpoint", 50));
    refuses_mutants(&signed.unwrap().encode(), |bytes| {
        SignedEndpointRecord::decode(bytes).is_ok_and(|mutant| mutant.verify(&bundle, NOW).is_ok())
    });
}
