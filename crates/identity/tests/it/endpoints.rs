//! Endpoint records: who may sign one, and which one counts.

use enlace_identity::canonical::DecodeError;
use enlace_identity::chain::ChainError;
use enlace_identity::endpoint::{
    EndpointError, EndpointRecord, EndpointRecords, RelayAddress, RelayEndpoint,
    SignedEndpointRecord,
};
use enlace_identity::names::{ServiceKind, ServiceName};
use enlace_identity::revocation::RevocationStatusError;
use enlace_identity::time::ValidityError;

use crate::support::{DAY, NOW, TestAuthority, bundle, key, lists, pair, span};

fn record(authority: &TestAuthority, version: u64) -> EndpointRecord {
    let relay = |label: &str, port| RelayEndpoint {
        name: ServiceName::new(label, ServiceKind::Relay, &authority.domain).unwrap(),
        addresses: vec![
            RelayAddress { host: "relay.fge.example".parse().unwrap(), port },
            RelayAddress { host: "2001:db8::1".parse().unwrap(), port },
        ],
    };
    EndpointRecord {
        domain: authority.domain.clone(),
        version,
        validity: span(30),
        relays: vec![relay("r1", 4433), relay("r2", 4434)],
    }
}

fn signed(authority: &TestAuthority, record: &EndpointRecord) -> SignedEndpointRecord {
    let chain = authority.leaf("e1.endpoint", 50);
    SignedEndpointRecord::sign(record, &key(50), chain).unwrap()
}

#[test]
fn a_record_is_signed_and_verified() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let bytes = signed(&fge, &record(&fge, 1)).encode();
    let verified = SignedEndpointRecord::decode(&bytes).unwrap().verify(&bundle, NOW).unwrap();
    assert_eq!(*verified.record(), record(&fge, 1));
    assert_eq!(verified.signed().encode(), bytes);
    assert_eq!(verified.relays[0].addresses[0].to_string(), "relay.fge.example:4433");
}

#[test]
fn only_an_endpoint_key_of_the_same_authority_signs() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let record = record(&fge, 1);
    let refused = |seed, chain| {
        let signed = SignedEndpointRecord::sign(&record, &key(seed), chain).unwrap();
        signed.verify(&bundle, NOW).unwrap_err()
    };
    for other in ["laptop.ana.officer", "r1.relay", "h1.head"] {
        let error = refused(50, fge.leaf(other, 50));
        assert!(matches!(error, EndpointError::Signer(ChainError::Usage { .. })), "{other}");
    }
    assert_eq!(refused(51, fge.leaf("e1.endpoint", 50)), EndpointError::Signature);
    let error = refused(50, mp.leaf("e1.endpoint", 50));
    assert!(matches!(error, EndpointError::OtherAuthority { .. }));
    let stranger = TestAuthority::new("fge.example", 60);
    let error = refused(50, stranger.leaf("e1.endpoint", 50));
    assert!(matches!(error, EndpointError::Signer(ChainError::NotIssued { .. })));
}

#[test]
fn a_record_has_its_time() {
    let fge = TestAuthority::new("fge.example", 10);
    let bundle = bundle(&[&fge]);
    let signed = signed(&fge, &record(&fge, 1));
    let at = |time| signed.verify(&bundle, time).unwrap_err();
    let problem = ValidityError::Expired;
    let expired = EndpointError::Validity { domain: fge.domain.clone(), problem };
    assert_eq!(at(NOW.plus(DAY * 29)), expired);

    let mut later = record(&fge, 1);
    later.validity.not_before = NOW.plus(DAY);
    let signed = self::signed(&fge, &later);
    let problem = ValidityError::NotYetValid;
    let early = EndpointError::Validity { domain: fge.domain.clone(), problem };
    assert_eq!(signed.verify(&bundle, NOW).unwrap_err(), early);
}

#[test]
fn the_highest_version_counts() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let mut lists = lists(&[&fge, &mp], &bundle);
    let mut records = EndpointRecords::new();
    let bytes = |version| signed(&fge, &record(&fge, version)).encode();
    assert_eq!(records.insert(&bytes(2), &bundle, &lists, NOW), Ok(true));
    assert_eq!(records.insert(&bytes(2), &bundle, &lists, NOW), Ok(false));
    let older = EndpointError::Older { domain: fge.domain.clone(), kept: 2, offered: 1 };
    assert_eq!(records.insert(&bytes(1), &bundle, &lists, NOW), Err(older));

    let mut changed = record(&fge, 2);
    changed.relays.pop();
    let twin = signed(&fge, &changed).encode();
    let same = EndpointError::SameVersion { domain: fge.domain.clone(), version: 2 };
    assert_eq!(records.insert(&twin, &bundle, &lists, NOW), Err(same));
    assert_eq!(records.insert(&bytes(3), &bundle, &lists, NOW), Ok(true));
    assert_eq!(records.of_authority(&fge.domain).unwrap().version, 3);

    lists.insert(&fge.issuing_list(2, &[50]).to_bytes(), &bundle, NOW).unwrap();
    let revoked = records.insert(&bytes(4), &bundle, &lists, NOW).unwrap_err();
    assert!(matches!(revoked, EndpointError::Revocation(RevocationStatusError::Revoked(_))));
    assert_eq!(records.of_authority(&fge.domain).unwrap().version, 3);
}

#[test]
fn fields_hold_what_they_may() {
    let (fge, mp) = pair();
    let good = record(&fge, 1);
    let of_mp = record(&mp, 1).relays;
    let head = ServiceName::new("h1", ServiceKind::Head, &fge.domain).unwrap();
    type Spoil<'a> = Box<dyn Fn(&mut EndpointRecord) + 'a>;
    let spoil: Vec<(&str, Spoil<'_>)> = vec![
        ("version", Box::new(|r| r.version = 0)),
        ("not_after", Box::new(|r| r.validity.not_after = r.validity.not_before)),
        ("relays", Box::new(|r| r.relays.clear())),
        ("relays", Box::new(|r| r.relays.reverse())),
        ("relays", Box::new(|r| r.relays[1] = r.relays[0].clone())),
        ("relay name", Box::new(|r| r.relays.clone_from(&of_mp))),
        ("relay name", Box::new(|r| r.relays[0].name = head.clone())),
        ("addresses", Box::new(|r| r.relays[0].addresses.clear())),
        ("addresses", Box::new(|r| r.relays[0].addresses[0].port = 0)),
    ];
    for (field, change) in spoil {
        let mut record = good.clone();
        change(&mut record);
        let refused = DecodeError::Value(field);
        assert_eq!(EndpointRecord::decode(&record.encode()), Err(refused), "{field}");
        let chain = fge.leaf("e1.endpoint", 50);
        let signed = SignedEndpointRecord::sign(&record, &key(50), chain);
        assert_eq!(signed, Err(EndpointError::Decode(refused)), "{field}");
    }
}
