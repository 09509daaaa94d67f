//! The next version of a bundle, and whoever would like another one.

use enlace_identity::bundle::{Bundle, BundleContent, BundleError, BundleHash, SignedBundle};
use enlace_identity::canonical::Writer;
use enlace_identity::certificate::CertificateDer;

use crate::support::{TestAuthority, bundle_content, key};

struct Network {
    fge: TestAuthority,
    mp: TestAuthority,
    mpf: TestAuthority,
    new: TestAuthority,
    first: SignedBundle,
}

/// Three authorities, two of which must sign the next version; a fourth waits.
fn network() -> Network {
    let [fge, mp, mpf, new] = [
        TestAuthority::new("fge.example", 10),
        TestAuthority::new("mp.example", 20),
        TestAuthority::new("mpf.example", 30),
        TestAuthority::new("new.example", 40),
    ];
    let content = BundleContent { threshold: 2, ..bundle_content(&[&fge, &mp, &mpf]) };
    let first = SignedBundle::create(content).unwrap();
    Network { fge, mp, mpf, new, first }
}

impl Network {
    fn first(&self) -> Bundle {
        self.first.open(&self.first.hash()).unwrap()
    }

    fn with(&self, signed: &[u8]) -> Result<u64, BundleError> {
        Ok(self.first().with(signed)?.unwrap().version())
    }

    fn next(&self, authorities: &[&TestAuthority]) -> BundleContent {
        after(self.first.hash(), 2, authorities)
    }
}

fn after(previous: BundleHash, version: u64, authorities: &[&TestAuthority]) -> BundleContent {
    let previous = Some(previous);
    BundleContent { version, previous, threshold: 2, ..bundle_content(authorities) }
}

/// Whatever content and signatures a forger likes.
fn forged(content: &BundleContent, signers: &[(&str, u8)]) -> Vec<u8> {
    let bundle = content.encode();
    let mut shares: Vec<_> =
        signers.iter().map(|(domain, seed)| (*domain, key(*seed).sign(&bundle))).collect();
    shares.sort_by_key(|(domain, _)| *domain);
    Writer::new("enlace signed bundle v1")
        .bytes(&bundle)
        .list(&shares, |w, (domain, share)| w.bytes(domain.as_bytes()).fixed(share.as_bytes()))
        .finish()
}

#[test]
fn the_threshold_of_the_version_before_makes_the_next() {
    let n = network();
    let previous = n.first();
    let mut next = SignedBundle::create(n.next(&[&n.fge, &n.mp, &n.new])).unwrap();
    let few = |found| BundleError::TooFewSignatures { needed: 2, found };
    assert_eq!(next.open_after(&previous).unwrap_err(), few(0));
    next.sign_after(&previous, &n.new.domain, &n.new.root_key).unwrap();
    next.sign_after(&previous, &n.mp.domain, &n.mp.root_key).unwrap();
    assert_eq!(next.open_after(&previous).unwrap_err(), few(1));
    // Whoever leaves is of the version before, and signs too.
    next.sign_after(&previous, &n.mpf.domain, &n.mpf.root_key).unwrap();
    let newest = previous.with(&next.encode()).unwrap().unwrap();
    assert_eq!(newest.version(), 2);
    assert!(newest.contains(&n.new.domain) && !newest.contains(&n.mpf.domain));
    assert!(newest.with(&next.encode()).unwrap().is_none());
    assert!(newest.with(&n.first.encode()).unwrap().is_none());
    // Who is told its hash alone opens it as well, and passes over what it can't check.
    let opened = next.open(&next.hash()).unwrap();
    assert_eq!(opened.signers(), [n.mp.domain.clone(), n.new.domain.clone()]);
}

#[test]
fn no_root_is_opened_before_the_threshold_has_signed() {
    let n = network();
    let (fge, mp) = (("fge.example", 10), ("mp.example", 20));
    let mut content = n.next(&[&n.fge, &n.mp, &n.mpf, &n.new]);
    let new = content.authorities.iter_mut().find(|a| a.domain == n.new.domain).unwrap();
    new.roots = vec![CertificateDer::from_bytes(&[0x30, 0]).unwrap()];
    let refused = |signers: &[(&str, u8)]| n.with(&forged(&content, signers)).unwrap_err();
    let few = |found| BundleError::TooFewSignatures { needed: 2, found };
    assert_eq!(refused(&[]), few(0));
    assert_eq!(refused(&[fge]), few(1));
    let wrong = BundleError::Signature(n.mp.domain.clone());
    assert_eq!(refused(&[fge, ("mp.example", 99)]), wrong);
    assert!(matches!(refused(&[fge, mp]), BundleError::Root { .. }));
}

#[test]
fn a_successor_without_what_it_takes_is_refused() {
    let n = network();
    let (fge, mp, mpf, new) = (("fge.example", 10), ("mp.example", 20), ("mpf.example", 30), 40);
    let all = [&n.fge, &n.mp, &n.mpf];
    let refused = |content: &BundleContent, signers: &[(&str, u8)]| {
        n.with(&forged(content, signers)).unwrap_err()
    };
    let same = n.next(&all);
    assert_eq!(n.with(&forged(&same, &[fge, mp])), Ok(2));
    let few = |found| BundleError::TooFewSignatures { needed: 2, found };
    assert_eq!(refused(&same, &[fge]), few(1));
    // What the new version says of thresholds doesn't count for itself.
    assert_eq!(refused(&BundleContent { threshold: 1, ..same.clone() }, &[fge]), few(1));
    // An authority that enters doesn't vote for its own entry.
    let entering = n.next(&[&n.fge, &n.mp, &n.mpf, &n.new]);
    assert_eq!(refused(&entering, &[fge, ("new.example", new)]), few(1));
    let unasked = BundleError::Unasked(n.new.domain.clone());
    assert_eq!(refused(&entering, &[fge, mp]), unasked);
    // Nor does it sign with another's root, or another for it.
    let wrong = BundleError::Signature(n.new.domain.clone());
    assert_eq!(refused(&entering, &[fge, mp, ("new.example", 20)]), wrong);
    let wrong = BundleError::Signature(n.mpf.domain.clone());
    assert_eq!(refused(&same, &[fge, mp, ("mpf.example", 10)]), wrong);
    let stranger = BundleError::UnknownSigner("otro.example".parse().unwrap());
    assert_eq!(refused(&same, &[fge, mpf, ("otro.example", 10)]), stranger);

    let jump = BundleContent { version: 3, ..same.clone() };
    let not_next = BundleError::NotNext { expected: 2, found: 3 };
    assert_eq!(refused(&jump, &[fge, mp]), not_next);
    let elsewhere = after(BundleHash::from_bytes([7; 32]), 2, &all);
    let fork = |c: &BundleContent| BundleError::Fork { version: c.version, found: c.hash() };
    assert_eq!(refused(&elsewhere, &[fge, mp, mpf]), fork(&elsewhere));
}

#[test]
fn no_majority_gives_another_one_other_roots() {
    let n = network();
    let impostor = TestAuthority::new("mpf.example", 60);
    let content = n.next(&[&n.fge, &n.mp, &impostor]);
    let majority = [("fge.example", 10), ("mp.example", 20)];
    let unasked = BundleError::Unasked(impostor.domain.clone());
    assert_eq!(n.with(&forged(&content, &majority)).unwrap_err(), unasked);
    let with_new_key = [majority[0], majority[1], ("mpf.example", 60)];
    let wrong = BundleError::Signature(impostor.domain.clone());
    assert_eq!(n.with(&forged(&content, &with_new_key)).unwrap_err(), wrong);
    let with_former_key = [majority[0], majority[1], ("mpf.example", 30)];
    assert_eq!(n.with(&forged(&content, &with_former_key)), Ok(2));
}

#[test]
fn two_versions_of_one_number_contradict_each_other() {
    let n = network();
    let signers = [("fge.example", 10), ("mp.example", 20)];
    let second = n.next(&[&n.fge, &n.mp]);
    let newest = n.first().with(&forged(&second, &signers)).unwrap().unwrap();
    let other = n.next(&[&n.fge, &n.mp, &n.mpf]);
    let fork = BundleError::Fork { version: 2, found: other.hash() };
    assert_eq!(newest.with(&forged(&other, &signers)).unwrap_err(), fork);
    // The same version with further signatures is the same version.
    let more = [signers[0], signers[1], ("mpf.example", 30)];
    assert!(newest.with(&forged(&second, &more)).unwrap().is_none());
}

#[test]
fn who_begins_with_a_later_version_finds_the_way_back() {
    let n = network();
    let signers = [("fge.example", 10), ("mp.example", 20)];
    let second = n.next(&[&n.fge, &n.mp]);
    let third = after(second.hash(), 3, &[&n.fge, &n.mp]);
    let third = SignedBundle::decode(&forged(&third, &signers)).unwrap();
    let third = third.open(&third.hash()).unwrap();
    let first = n.first.encode();
    let too_early = BundleError::NotNext { expected: 2, found: 1 };
    assert_eq!(third.with(&first).unwrap_err(), too_early);
    let other = n.next(&[&n.fge, &n.mp, &n.mpf]);
    let fork = BundleError::Fork { version: 2, found: other.hash() };
    assert_eq!(third.with(&forged(&other, &signers)).unwrap_err(), fork);
    let two = third.with(&forged(&second, &signers)).unwrap().unwrap();
    let all = two.with(&first).unwrap().unwrap();
    assert_eq!(all.all_known().map(Bundle::version).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(all.known(&n.first.hash()).unwrap().signed(), first);
    assert_eq!(all.version_known(2).unwrap().signed(), forged(&second, &signers));
    assert!(all.version_known(0).is_none() && all.version_known(4).is_none());
}
