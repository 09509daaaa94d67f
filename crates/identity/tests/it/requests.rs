//! Certificate requests: what a device may ask for, and what of it ends up in a certificate.

use enlace_identity::certificate::LeafUsage;
use enlace_identity::issue::{CertificateRequest, IssueError, RequestError};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
};

use crate::support::{NOW, bundle, dns, key, name, pair, rcgen_key};

const DEVICE: &str = "laptop.ana-ruiz.officer.fge.example";

fn request(
    change: impl FnOnce(&mut CertificateParams),
) -> Result<CertificateRequest, RequestError> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![dns(DEVICE)];
    change(&mut params);
    let request = params.serialize_request(&rcgen_key(&key(30))).unwrap();
    CertificateRequest::from_der(request.der())
}

#[test]
fn a_request_becomes_a_certificate() {
    let (fge, mp) = pair();
    let request = CertificateRequest::create(&key(30), &name(DEVICE), "Ana Ruiz Gómez").unwrap();
    let read = CertificateRequest::from_pem(&request.to_pem()).unwrap();
    assert_eq!(read, request);
    assert_eq!((read.name(), read.common_name()), (Some(&name(DEVICE)), Some("Ana Ruiz Gómez")));

    let approval = fge.approval("laptop.ana-ruiz.officer", 30);
    let chain = fge.issuing.issue(&read, &approval).unwrap();
    let leaf = bundle(&[&fge, &mp]).verify(&chain, NOW, LeafUsage::Device).unwrap();
    assert_eq!(leaf.public_key(), key(30).public());
}

#[test]
fn what_was_not_approved_does_not_get_in() {
    let (fge, mp) = pair();
    let approval = fge.approval("laptop.ana-ruiz.officer", 30);
    let greedy = request(|params| {
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::Any, ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::KeyAgreement];
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Ministerio");
    });
    let chain = fge.issuing.issue(&greedy.unwrap(), &approval).unwrap();
    assert_eq!(chain, fge.leaf("laptop.ana-ruiz.officer", 30));
    bundle(&[&fge, &mp]).verify(&chain, NOW, LeafUsage::Device).unwrap();

    let other = request(|params| params.subject_alt_names = vec![dns("r1.relay.fge.example")]);
    let refused = fge.issuing.issue(&other.unwrap(), &approval).unwrap_err();
    assert!(matches!(refused, IssueError::NotApproved { .. }));
    assert!(refused.to_string().contains("r1.relay.fge.example"));

    let nameless = request(|params| params.subject_alt_names.clear()).unwrap();
    assert_eq!(nameless.name(), None);
    assert_eq!(fge.issuing.issue(&nameless, &approval), Ok(chain));
}

#[test]
fn a_request_that_asks_for_a_ca_is_refused() {
    let flags = [BasicConstraints::Unconstrained, BasicConstraints::Constrained(0)];
    for flag in flags {
        let refused = request(|params| params.is_ca = IsCa::Ca(flag));
        assert_eq!(refused, Err(RequestError::CertificateAuthority));
    }
    for usage in [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign] {
        let refused = request(|params| params.key_usages = vec![usage]);
        assert_eq!(refused, Err(RequestError::CertificateAuthority));
    }
    assert!(request(|params| params.is_ca = IsCa::ExplicitNoCa).is_ok());
}

#[test]
fn a_request_names_one_device_or_service() {
    let uri = || SanType::URI("https://fge.example/ana".try_into().unwrap());
    let mail = || SanType::Rfc822Name("ana@fge.example".try_into().unwrap());
    let bad = [
        vec![dns(DEVICE), dns("r1.relay.fge.example")],
        vec![dns(DEVICE), uri()],
        vec![uri()],
        vec![mail()],
        vec![dns("fge.example")],
        vec![dns("*.ana.officer.fge.example")],
        vec![dns("LAPTOP.ana.officer.fge.example")],
    ];
    for names in bad {
        let refused = request(|params| params.subject_alt_names.clone_from(&names));
        assert_eq!(refused, Err(RequestError::Name), "{names:?}");
    }
}

#[test]
fn a_request_proves_possession() {
    let request = CertificateRequest::create(&key(30), &name(DEVICE), "Ana").unwrap();
    let position = |der: &[u8], key: &[u8]| der.windows(32).position(|window| window == key);
    let mut stolen = request.der().to_vec();
    let at = position(&stolen, key(30).public().as_bytes()).unwrap();
    stolen[at..at + 32].copy_from_slice(key(31).public().as_bytes());
    assert_eq!(CertificateRequest::from_der(&stolen), Err(RequestError::NotProven));

    let p256 = rcgen::KeyPair::generate().unwrap();
    let other = CertificateParams::default().serialize_request(&p256).unwrap();
    assert_eq!(CertificateRequest::from_der(other.der()), Err(RequestError::Malformed));
}
