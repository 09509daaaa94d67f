//! What an issued certificate says, and what issuing refuses.

use enlace_identity::bundle::LeafUsage;
use enlace_identity::certificate::{CertificateDer, ProfileError};
use enlace_identity::chain::ChainError;
use enlace_identity::issue::{IssueError, IssuingCa, Root};
use enlace_identity::time::ValidityError;
use enlace_identity::warnings::{self, Alarm};

use crate::support::{DAY, NOW, TestAuthority, bundle, key, name, pair, serial, span};

#[test]
fn each_kind_of_leaf_is_issued_and_verified() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let kinds = [
        ("laptop.ana-ruiz.officer", LeafUsage::Device),
        ("r1.relay", LeafUsage::Relay),
        ("h1.head", LeafUsage::Head),
        ("e1.endpoint", LeafUsage::Endpoint),
        ("d1.duty", LeafUsage::Duty),
    ];
    for (leaf, usage) in kinds {
        let chain = fge.leaf(leaf, 30);
        let verified = bundle.verify(&chain, NOW, usage).unwrap();
        assert_eq!(verified.name().to_string(), format!("{leaf}.fge.example"));
        assert_eq!(verified.usage(), usage);
        assert_eq!(verified.public_key(), key(30).public());
        assert_eq!(verified.common_name(), "Ana Ruiz Gómez");
        assert_eq!(verified.serial(), &serial(30));
        assert_eq!(
            (verified.not_before(), verified.not_after()),
            (span(90).not_before, span(90).not_after)
        );
        assert_eq!(verified.to_unverified(), chain);
        for (_, other) in kinds.into_iter().filter(|(_, other)| *other != usage) {
            let refused = bundle.verify(&chain, NOW, other);
            assert!(matches!(refused, Err(ChainError::Usage { .. })), "{leaf} as {other:?}");
        }
    }
}

#[test]
fn the_same_arguments_make_the_same_bytes() {
    let (one, two) = (TestAuthority::new("fge.example", 10), TestAuthority::new("fge.example", 10));
    assert_eq!(one.root.certificate(), two.root.certificate());
    assert_eq!(one.leaf("r1.relay", 30), two.leaf("r1.relay", 30));
    assert_eq!(one.issuing_list(1, &[1]), two.issuing_list(1, &[1]));
}

#[test]
fn a_certificate_of_another_authority_or_time_is_refused() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let device = LeafUsage::Device;
    let stranger = TestAuthority::new("other.example", 40).leaf("laptop.eve.officer", 50);
    let refused = bundle.verify(&stranger, NOW, device).unwrap_err();
    assert!(
        matches!(refused, ChainError::UnknownAuthority(domain) if domain.as_str() == "other.example")
    );

    let impostor = TestAuthority::new("fge.example", 40).leaf("laptop.ana.officer", 50);
    let refused = bundle.verify(&impostor, NOW, device).unwrap_err();
    assert!(matches!(refused, ChainError::NotIssued { .. }));

    let chain = fge.leaf("laptop.ana.officer", 30);
    let at = |time| match bundle.verify(&chain, time, device) {
        Err(ChainError::LeafValidity { problem, .. }) => Some(problem),
        Ok(_) => None,
        Err(other) => panic!("{other}"),
    };
    let start = span(90).not_before;
    assert_eq!(at(start), None);
    assert_eq!(at(start.plus(DAY * 90)), Some(ValidityError::Expired));
    let early = bundle.verify(&chain, start.minus(DAY), device).unwrap_err();
    assert!(matches!(early, ChainError::RootValidity { problem: ValidityError::NotYetValid, .. }));
    let late = bundle.verify(&chain, start.plus(DAY * 730), device).unwrap_err();
    assert!(matches!(late, ChainError::IssuingValidity { problem: ValidityError::Expired, .. }));
}

#[test]
fn a_ca_issues_for_its_own_domain_and_time_only() {
    let (fge, mp) = pair();
    let subject = key(30).public();
    let mut approval = fge.approval("laptop.ana.officer", 30);
    approval.name = name("laptop.ana.officer.mp.example");
    let refused = fge.issuing.issue_for_key(&subject, &approval).unwrap_err();
    assert!(matches!(refused, IssueError::OtherDomain { .. }));

    for validity in [span(731), span(0)] {
        let mut approval = fge.approval("laptop.ana.officer", 30);
        approval.validity = validity;
        assert_eq!(fge.issuing.issue_for_key(&subject, &approval), Err(IssueError::Validity));
    }

    for common_name in ["", "Ana\u{202e}", &"a".repeat(65)] {
        let mut approval = fge.approval("laptop.ana.officer", 30);
        approval.common_name = common_name.into();
        let refused = fge.issuing.issue_for_key(&subject, &approval);
        assert_eq!(refused, Err(IssueError::Profile(ProfileError::CommonName)));
    }

    let loaded = |root: &Root, key| {
        IssuingCa::load(&fge.domain, root.certificate(), fge.issuing.certificate(), key).map(|_| ())
    };
    assert_eq!(loaded(&fge.root, fge.issuing_key.clone()), Ok(()));
    assert_eq!(loaded(&fge.root, key(1)), Err(IssueError::WrongKey));
    assert!(loaded(&mp.root, fge.issuing_key.clone()).is_err());
    assert!(Root::load(&mp.domain, fge.root.certificate(), fge.root_key.clone()).is_err());
    assert!(Root::load(&fge.domain, fge.issuing.certificate(), fge.issuing_key.clone()).is_err());
    assert!(Root::load(&fge.domain, fge.root.certificate(), fge.root_key.clone()).is_ok());
}

#[test]
fn warnings_come_before_the_end() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let chain = fge.leaf("laptop.ana.officer", 30);
    let leaf = bundle.verify(&chain, NOW, LeafUsage::Device).unwrap();
    assert_eq!(warnings::of_leaf(&leaf, NOW), []);
    let late = warnings::of_leaf(&leaf, NOW.plus(DAY * 75));
    assert_eq!(late.iter().map(|w| w.alarm).collect::<Vec<_>>(), [Alarm::FourFifths]);
    assert_eq!(
        late[0].to_string(),
        "the certificate of laptop.ana.officer.fge.example expires soon"
    );
    assert_eq!(warnings::of_bundle(&bundle, NOW), []);
    assert_eq!(warnings::of_bundle(&bundle, NOW.plus(DAY * 200)).len(), 1);
}

#[test]
fn a_root_says_which_authority_it_belongs_to() {
    let (fge, mp) = pair();
    for authority in [&fge, &mp] {
        assert_eq!(authority.root.certificate().root_domain(), Ok(authority.domain.clone()));
    }
    let leaf = fge.leaf("laptop.ana.officer", 30);
    for other in [fge.issuing.certificate(), leaf.leaf()] {
        assert!(other.root_domain().is_err(), "{other:?}");
    }
    let mut bytes = fge.root.certificate().as_bytes().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let damaged = CertificateDer::from_bytes(&bytes).unwrap();
    assert!(damaged.root_domain().is_err(), "its own signature no longer fits");
}
