//! Bundles: opened by their hash, refused for anything that does not hold.

use enlace_identity::bundle::{
    AuthorityContent, Bundle, BundleContent, BundleError, BundleHash, LeafUsage, SignedBundle,
};
use enlace_identity::canonical::{DecodeError, Writer};
use enlace_identity::certificate::{CertificateDer, ProfileError};
use enlace_identity::names::Domain;
use rcgen::{BasicConstraints, CertificateParams, GeneralSubtree, IsCa, NameConstraints};

use crate::support::{
    NOW, TestAuthority, bundle, bundle_content, key, pair, rcgen_key, rcgen_time, span,
};

/// As if somebody had written and signed that content without any check.
fn open_unchecked(content: &BundleContent, signers: &[(&str, u8)]) -> Result<Bundle, BundleError> {
    let bundle = content.encode();
    let shares: Vec<_> =
        signers.iter().map(|(domain, seed)| (*domain, key(*seed).sign(&bundle))).collect();
    let bytes = Writer::new("enlace signed bundle v1")
        .bytes(&bundle)
        .list(&shares, |w, (domain, share)| w.bytes(domain.as_bytes()).fixed(share.as_bytes()))
        .finish();
    SignedBundle::decode(&bytes)?.open(&content.hash())
}

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

#[test]
fn a_bundle_is_made_signed_and_opened_by_its_hash() {
    let (fge, mp) = pair();
    let mut signed = SignedBundle::create(bundle_content(&[&mp, &fge])).unwrap();
    let hash = signed.hash();
    signed.sign(&mp.domain, &mp.root_key).unwrap();
    signed.sign(&fge.domain, &fge.root_key).unwrap();
    assert_eq!(signed.hash(), hash);

    let read = SignedBundle::decode(&signed.encode()).unwrap();
    assert_eq!(read, signed);
    let told: BundleHash = hash.to_string().parse().unwrap();
    let bundle = read.open(&told).unwrap();
    assert_eq!(bundle.hash(), hash);
    assert_eq!((bundle.network(), bundle.version()), ("Red de prueba", 1));
    assert_eq!(bundle.signers(), [fge.domain.clone(), mp.domain.clone()]);
    let domains = bundle.authorities().iter().map(|a| a.domain().clone());
    assert_eq!(domains.collect::<Vec<_>>(), [fge.domain.clone(), mp.domain.clone()]);
    assert!(bundle.contains(&mp.domain) && !bundle.contains(&domain("other.example")));
}

#[test]
fn a_hash_is_shown_in_groups_and_read_back() {
    let hash = BundleHash::from_bytes([0xab; 32]);
    assert!(hash.to_string().starts_with("abab abab "));
    assert_eq!(hash.to_string().to_uppercase().parse(), Ok(hash));
    assert!("abab".parse::<BundleHash>().is_err());
}

#[test]
fn a_bundle_with_another_hash_is_refused() {
    let (fge, mp) = pair();
    let signed = SignedBundle::create(bundle_content(&[&fge, &mp])).unwrap();
    let expected = BundleHash::from_bytes([0; 32]);
    let refused = signed.open(&expected).unwrap_err();
    assert_eq!(refused, BundleError::WrongHash { expected, found: signed.hash() });

    let alone = SignedBundle::create(bundle_content(&[&fge])).unwrap();
    assert!(matches!(alone.open(&signed.hash()), Err(BundleError::WrongHash { .. })));
}

#[test]
fn domains_neither_nest_nor_repeat() {
    let fge = TestAuthority::new("fge.example", 10);
    let inner = TestAuthority::new("norte.fge.example", 20);
    let twin = TestAuthority::new("fge.example", 20);
    for other in [&inner, &twin] {
        let content = bundle_content(&[&fge, other]);
        let nested = BundleError::NestedDomains(fge.domain.clone(), other.domain.clone());
        assert_eq!(SignedBundle::create(content.clone()), Err(nested.clone()));
        assert_eq!(open_unchecked(&content, &[]).unwrap_err(), nested);
    }
    let beside = TestAuthority::new("xfge.example", 20);
    assert!(SignedBundle::create(bundle_content(&[&fge, &beside])).is_ok());
}

#[test]
fn only_the_roots_of_an_authority_sign_for_it() {
    let (fge, mp) = pair();
    let content = bundle_content(&[&fge, &mp]);
    assert!(open_unchecked(&content, &[("fge.example", 10), ("mp.example", 20)]).is_ok());
    let wrong = BundleError::Signature(fge.domain.clone());
    for seed in [20, 11, 99] {
        assert_eq!(open_unchecked(&content, &[("fge.example", seed)]).unwrap_err(), wrong);
    }
    let unknown = BundleError::UnknownSigner(domain("other.example"));
    assert_eq!(open_unchecked(&content, &[("other.example", 10)]).unwrap_err(), unknown);
    let unsorted = [("mp.example", 20), ("fge.example", 10)];
    let twice = [("fge.example", 10), ("fge.example", 10)];
    for signers in [unsorted, twice] {
        let refused = open_unchecked(&content, &signers).unwrap_err();
        assert_eq!(refused, BundleError::Decode(DecodeError::Value("shares")));
    }

    let mut signed = SignedBundle::create(content).unwrap();
    assert_eq!(signed.sign(&fge.domain, &mp.root_key), Err(wrong));
    assert_eq!(signed.sign(&domain("other.example"), &fge.root_key), Err(unknown));
}

#[test]
fn fields_hold_what_they_may() {
    let (fge, mp) = pair();
    let good = bundle_content(&[&fge, &mp]);
    assert!(open_unchecked(&good, &[]).is_ok());
    type Spoil = fn(&mut BundleContent);
    let spoil: [(&str, Spoil); 14] = [
        ("network", |c| c.network.clear()),
        ("version", |c| c.version = 0),
        ("previous", |c| c.previous = Some(BundleHash::from_bytes([1; 32]))),
        ("previous", |c| c.version = 2),
        ("threshold", |c| c.threshold = 0),
        ("threshold", |c| c.threshold = 3),
        ("not_after", |c| c.validity.not_after = c.validity.not_before),
        ("authorities", |c| c.authorities.reverse()),
        ("country", |c| c.authorities[0].country = "es".into()),
        ("country", |c| c.authorities[0].country = "ESP".into()),
        ("name", |c| c.authorities[1].name = "Fiscalía\u{202e}".into()),
        ("roots", |c| c.authorities[1].roots.clear()),
        ("roots", |c| c.authorities[1].roots = vec![c.authorities[1].roots[0].clone(); 5]),
        ("threshold", |c| c.authorities.clear()),
    ];
    for (field, change) in spoil {
        let mut content = good.clone();
        change(&mut content);
        let refused = open_unchecked(&content, &[]).unwrap_err();
        assert_eq!(refused, BundleError::Decode(DecodeError::Value(field)), "{field}");
    }
    let later = BundleContent { version: 2, previous: Some(good.hash()), ..good };
    assert_eq!(open_unchecked(&later, &[]).unwrap().version(), 2);
}

#[test]
fn a_root_is_one_of_its_own_domain() {
    let (fge, mp) = pair();
    let with_roots = |roots: Vec<CertificateDer>| {
        let content = BundleContent {
            authorities: vec![AuthorityContent { roots, ..fge.content() }],
            ..bundle_content(&[])
        };
        open_unchecked(&content, &[]).map(|_| ())
    };
    let root = fge.root.certificate().clone();
    assert_eq!(with_roots(vec![root.clone()]), Ok(()));
    let repeated = BundleError::RepeatedRoot(fge.domain.clone());
    assert_eq!(with_roots(vec![root.clone(), root]), Err(repeated));

    let refused = |reason| Err(BundleError::Root { domain: fge.domain.clone(), reason });
    let mine = mp.root.certificate().clone();
    assert_eq!(with_roots(vec![mine]), refused(ProfileError::Differs("name constraints")));
    let issuing = fge.issuing.certificate().clone();
    assert_eq!(
        with_roots(vec![issuing]),
        refused(ProfileError::Differs("authority key identifier"))
    );
    let nonsense = CertificateDer::from_bytes(b"nonsense").unwrap();
    assert_eq!(with_roots(vec![nonsense]), refused(ProfileError::Malformed));

    let own = || self_signed(|_| {});
    assert_eq!(with_roots(vec![own()]), Ok(()));
    let free = self_signed(|params| params.name_constraints = None);
    assert_eq!(with_roots(vec![free]), refused(ProfileError::Missing("name constraints")));
    let wide = self_signed(|params| {
        let constraints = params.name_constraints.as_mut().unwrap();
        constraints.permitted_subtrees.push(GeneralSubtree::DnsName("mp.example".into()));
    });
    assert_eq!(with_roots(vec![wide]), refused(ProfileError::Differs("name constraints")));
    let deep = self_signed(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(with_roots(vec![deep]), refused(ProfileError::Differs("basic constraints")));
}

fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> CertificateDer {
    let mut params = CertificateParams::default();
    params.not_before = rcgen_time(span(90).not_before);
    params.not_after = rcgen_time(span(90).not_after);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("fge.example".into())],
        excluded_subtrees: Vec::new(),
    });
    change(&mut params);
    let certificate = params.self_signed(&rcgen_key(&key(77))).unwrap();
    CertificateDer::from_bytes(certificate.der()).unwrap()
}

#[test]
fn a_second_root_carries_on() {
    let old = TestAuthority::new("fge.example", 10);
    let new = TestAuthority::new("fge.example", 60);
    let mut content = bundle_content(&[&old]);
    content.authorities[0].roots.push(new.root.certificate().clone());
    let both = open_unchecked(&content, &[("fge.example", 60)]).unwrap();
    for authority in [&old, &new] {
        let chain = authority.leaf("r1.relay", 30);
        both.verify(&chain, NOW, LeafUsage::Relay).unwrap();
    }
    assert!(bundle(&[&old]).verify(&new.leaf("r1.relay", 30), NOW, LeafUsage::Relay).is_err());
}
