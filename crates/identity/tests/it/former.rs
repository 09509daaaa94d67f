//! An authority takes another domain, and whoever would like to take one over that way.

use enlace_identity::bundle::{
    Bundle, BundleContent, BundleError, FormerContent, LeafUsage, SignedBundle,
};
use enlace_identity::canonical::{DecodeError, Writer};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::ChainError;
use enlace_identity::names::{Domain, OfficerAddress};
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::Timestamp;

use crate::support::{DAY, NOW, TestAuthority, bundle_content, key, name};

/// When the former domain's certificates end.
fn until() -> Timestamp {
    NOW.plus(DAY * 30)
}

struct Network {
    /// Takes another domain.
    fge: TestAuthority,
    mp: TestAuthority,
    mpf: TestAuthority,
    /// What becomes of FGE.
    nova: TestAuthority,
    /// Somebody else.
    other: TestAuthority,
    first: Bundle,
}

const FGE: (&str, u8) = ("fge.example", 10);
const MP: (&str, u8) = ("mp.example", 20);
const MPF: (&str, u8) = ("mpf.example", 30);
const NOVA: (&str, u8) = ("nova.example", 40);
const OTHER: (&str, u8) = ("other.example", 50);

/// Three authorities, two of which must sign the next version.
fn network() -> Network {
    let [fge, mp, mpf, nova, other] =
        [FGE, MP, MPF, NOVA, OTHER].map(|(domain, seed)| TestAuthority::new(domain, seed));
    let content = BundleContent { threshold: 2, ..bundle_content(&[&fge, &mp, &mpf]) };
    let first = SignedBundle::create(content).unwrap();
    let first = first.open(&first.hash()).unwrap();
    Network { fge, mp, mpf, nova, other, first }
}

fn former(of: &TestAuthority, now: &TestAuthority) -> FormerContent {
    FormerContent {
        domain: of.domain.clone(),
        authority: now.domain.clone(),
        roots: vec![of.root.certificate().clone()],
        until: until(),
    }
}

fn after(
    previous: &Bundle,
    authorities: &[&TestAuthority],
    former: Vec<FormerContent>,
) -> BundleContent {
    let (version, previous) = (previous.version() + 1, Some(previous.hash()));
    let mut content =
        BundleContent { version, previous, threshold: 2, former, ..bundle_content(authorities) };
    content.authorities.sort_by(|a, b| a.domain.cmp(&b.domain));
    content.former.sort_by(|a, b| a.domain.cmp(&b.domain));
    content
}

/// Whatever content and signatures a forger likes, taken in after `previous`.
fn taken(
    previous: &Bundle,
    content: &BundleContent,
    signers: &[(&str, u8)],
) -> Result<Bundle, BundleError> {
    let bundle = content.encode();
    let mut shares: Vec<_> =
        signers.iter().map(|(domain, seed)| (*domain, key(*seed).sign(&bundle))).collect();
    shares.sort_by_key(|(domain, _)| *domain);
    let signed = Writer::new("enlace signed bundle v1")
        .bytes(&bundle)
        .list(&shares, |w, (domain, share)| w.bytes(domain.as_bytes()).fixed(share.as_bytes()))
        .finish();
    Ok(previous.with(&signed)?.expect("it is new"))
}

impl Network {
    fn changed(&self) -> BundleContent {
        let former = vec![former(&self.fge, &self.nova)];
        after(&self.first, &[&self.mp, &self.mpf, &self.nova], former)
    }

    /// FGE is Nova from the second version on.
    fn second(&self) -> Bundle {
        taken(&self.first, &self.changed(), &[FGE, MP, NOVA]).unwrap()
    }
}

fn unfounded(domain: &Domain) -> BundleError {
    BundleError::UnfoundedFormer(domain.clone())
}

#[test]
fn both_roots_sign_and_the_threshold_of_the_version_before() {
    let n = network();
    let content = n.changed();
    let refused = |signers: &[_]| taken(&n.first, &content, signers).unwrap_err();
    // The old root counts for the threshold, the new one doesn't.
    assert_eq!(refused(&[FGE, NOVA]), BundleError::TooFewSignatures { needed: 2, found: 1 });
    assert_eq!(refused(&[FGE, MP]), BundleError::Unasked(n.nova.domain.clone()));
    let second = n.second();
    assert_eq!((second.version(), second.former_domains().len()), (2, 1));

    let mut signed = SignedBundle::create(content.clone()).unwrap();
    for authority in [&n.nova, &n.fge, &n.mp] {
        signed.sign_after(&n.first, &authority.domain, &authority.root_key).unwrap();
    }
    assert_eq!(signed.open_after(&n.first).unwrap().hash(), second.hash());
    let read = SignedBundle::decode(&signed.encode()).unwrap();
    assert_eq!(read.unverified_content().unwrap(), content);
    assert_eq!(read.open(&read.hash()).unwrap().former_domains().len(), 1, "by its hash");
}

#[test]
fn no_majority_takes_a_domain_over() {
    let n = network();
    // Without the old root's signature, whoever signs else.
    let unasked = BundleError::Unasked(n.fge.domain.clone());
    let majority = [MP, MPF, NOVA];
    assert_eq!(taken(&n.first, &n.changed(), &majority).unwrap_err(), unasked);
    let forged = [("fge.example", 40), MP, MPF, NOVA];
    let wrong = BundleError::Signature(n.fge.domain.clone());
    assert_eq!(taken(&n.first, &n.changed(), &forged).unwrap_err(), wrong);
    // With another root in the place of the old one, by which officers could be minted.
    let impostor = TestAuthority::new("fge.example", 60);
    let mut content = n.changed();
    content.former = vec![former(&impostor, &n.nova)];
    let refused = taken(&n.first, &content, &[FGE, MP, MPF, NOVA]).unwrap_err();
    assert_eq!(refused, unfounded(&n.fge.domain));
    let mut beside = n.changed();
    beside.former[0].roots.push(impostor.root.certificate().clone());
    let refused = taken(&n.first, &beside, &[FGE, MP, MPF, NOVA]).unwrap_err();
    assert_eq!(refused, unfounded(&n.fge.domain));
}

#[test]
fn a_former_domain_was_the_authoritys_own_in_the_version_before() {
    let n = network();
    // A newcomer brings one that nobody knows of; so does one who is there.
    for now in [&n.nova, &n.mp] {
        let content =
            after(&n.first, &[&n.fge, &n.mp, &n.mpf, &n.nova], vec![former(&n.other, now)]);
        let refused = taken(&n.first, &content, &[FGE, MP, MPF, NOVA]).unwrap_err();
        assert_eq!(refused, unfounded(&n.other.domain));
    }
    // One that is there already takes over another one, or two become one.
    let content = after(&n.first, &[&n.mp, &n.mpf], vec![former(&n.fge, &n.mp)]);
    assert_eq!(taken(&n.first, &content, &[FGE, MP, MPF]).unwrap_err(), unfounded(&n.fge.domain));
    let two = vec![former(&n.fge, &n.nova), former(&n.mp, &n.nova)];
    let content = after(&n.first, &[&n.mpf, &n.nova], two);
    let refused = taken(&n.first, &content, &[FGE, MP, MPF, NOVA]).unwrap_err();
    assert_eq!(refused, unfounded(&n.mp.domain));
}

#[test]
fn domains_neither_nest_nor_repeat_past_or_present() {
    let n = network();
    let nested = |content: &BundleContent, a: &Domain, b: &Domain| {
        let refused = taken(&n.first, content, &[FGE, MP, MPF, NOVA]).unwrap_err();
        assert_eq!(refused, BundleError::NestedDomains(a.clone(), b.clone()));
    };
    // Two claim one, or it is still somebody's.
    let two = vec![former(&n.fge, &n.nova), former(&n.fge, &n.mp)];
    nested(&after(&n.first, &[&n.mp, &n.nova], two), &n.fge.domain, &n.fge.domain);
    let content = after(&n.first, &[&n.fge, &n.mp, &n.mpf, &n.nova], vec![former(&n.fge, &n.nova)]);
    nested(&content, &n.fge.domain, &n.fge.domain);
    // Nobody moves into what was its own.
    let inner = TestAuthority::new("nova.fge.example", 60);
    let content = after(&n.first, &[&n.mp, &inner], vec![former(&n.fge, &inner)]);
    let signed = [FGE, MP, ("nova.fge.example", 60)];
    let refused = taken(&n.first, &content, &signed).unwrap_err();
    assert_eq!(refused, BundleError::NestedDomains(inner.domain.clone(), n.fge.domain.clone()));
    // No key stands for two.
    let mut content = n.changed();
    content.former[0].roots = vec![n.nova.root.certificate().clone()];
    let refused = taken(&n.first, &content, &[FGE, MP, NOVA]).unwrap_err();
    assert!(matches!(refused, BundleError::Root { .. }), "{refused}");
}

#[test]
fn nobody_else_gets_a_former_domain_while_its_authority_is_there() {
    let n = network();
    let second = n.second();
    let third = |authorities: &[&TestAuthority], former, signers: &[_]| {
        taken(&second, &after(&second, authorities, former), signers)
    };
    let kept = || vec![former(&n.fge, &n.nova)];
    let all = [&n.mp, &n.mpf, &n.nova];
    third(&all, kept(), &[MP, MPF]).unwrap();
    let forgotten = BundleError::ForgottenFormer(n.fge.domain.clone());
    assert_eq!(third(&all, vec![], &[MP, MPF]).unwrap_err(), forgotten);
    // A newcomer, and the authority itself, with the domain that was.
    let newcomer = TestAuthority::new("fge.example", 60);
    let with_newcomer = [&n.mp, &n.mpf, &n.nova, &newcomer];
    let signers = [MP, MPF, ("fge.example", 60), NOVA];
    assert_eq!(third(&with_newcomer, vec![], &signers).unwrap_err(), forgotten);
    let nested = third(&with_newcomer, kept(), &signers).unwrap_err();
    assert!(matches!(nested, BundleError::NestedDomains(..)), "{nested}");
    let back = vec![former(&n.nova, &n.fge)];
    let refused = third(&[&n.mp, &n.fge], back, &[MP, NOVA, FGE]).unwrap_err();
    assert_eq!(refused, forgotten);
    // A majority passes it on to another one, or gives it other roots.
    let passed = vec![former(&n.fge, &n.mp)];
    assert_eq!(third(&all, passed, &[MP, MPF]).unwrap_err(), unfounded(&n.fge.domain));
    let forged = vec![former(&newcomer, &n.nova)];
    assert_eq!(third(&all, forged, &[MP, MPF]).unwrap_err(), unfounded(&n.fge.domain));
    // When the authority is dropped, its past goes with it.
    let dropped = third(&[&n.mp, &n.mpf], vec![], &[MP, MPF]).unwrap();
    assert!(dropped.former_domains().is_empty());
    let inherited = third(&[&n.mp, &n.mpf], vec![former(&n.fge, &n.mp)], &[MP, MPF]);
    assert_eq!(inherited.unwrap_err(), unfounded(&n.fge.domain));
}

#[test]
fn only_the_authority_moves_the_end_of_its_former_domain() {
    let n = network();
    let second = n.second();
    for end in [NOW, until().plus(DAY)] {
        let moved = FormerContent { until: end, ..former(&n.fge, &n.nova) };
        let content = after(&second, &[&n.mp, &n.mpf, &n.nova], vec![moved]);
        let unasked = BundleError::Unasked(n.nova.domain.clone());
        assert_eq!(taken(&second, &content, &[MP, MPF]).unwrap_err(), unasked);
        let third = taken(&second, &content, &[MP, NOVA]).unwrap();
        assert_eq!(third.former_domains()[0].until(), end);
    }
}

#[test]
fn a_domain_changes_more_than_once() {
    let n = network();
    let second = n.second();
    let once = vec![former(&n.fge, &n.other), former(&n.nova, &n.other)];
    let content = after(&second, &[&n.mp, &n.mpf, &n.other], once);
    let third = taken(&second, &content, &[MP, NOVA, OTHER]).unwrap();
    for domain in [&n.fge.domain, &n.nova.domain, &n.other.domain] {
        assert_eq!(third.present(domain), &n.other.domain);
        assert_eq!(third.authority_of(domain).unwrap().domain(), &n.other.domain);
    }
    // What was Nova's before is the other one's past as well, and nobody's else.
    let partly = vec![former(&n.fge, &n.mp), former(&n.nova, &n.other)];
    let content = after(&second, &[&n.mp, &n.mpf, &n.other], partly);
    let refused = taken(&second, &content, &[MP, NOVA, OTHER]).unwrap_err();
    assert_eq!(refused, unfounded(&n.fge.domain));
    let lost = vec![former(&n.nova, &n.other)];
    let content = after(&second, &[&n.mp, &n.mpf, &n.other], lost);
    let refused = taken(&second, &content, &[MP, NOVA, OTHER]).unwrap_err();
    assert_eq!(refused, BundleError::ForgottenFormer(n.fge.domain.clone()));
}

#[test]
fn one_authority_by_all_its_domains_and_no_other() {
    let n = network();
    let (first, second) = (&n.first, n.second());
    let (old, new, mp) = (&n.fge.domain, &n.nova.domain, &n.mp.domain);
    assert!(second.are_one(old, new) && second.are_one(new, old) && second.are_one(mp, mp));
    assert!(!second.are_one(old, mp) && !first.are_one(old, new));
    assert_eq!(second.domains_of(old).collect::<Vec<_>>(), [new, old]);
    assert_eq!(second.domains_of(mp).collect::<Vec<_>>(), [mp]);
    assert!(second.contains(new) && !second.contains(old));
    assert!(second.authority_of(&n.other.domain).is_none());

    let address = |text: &str| text.parse::<OfficerAddress>().unwrap();
    let ana = address("ana@nova.example");
    assert!(second.succeeds(&ana, &address("ana@fge.example")));
    for (one, other) in [
        ("ana@nova.example", "eva@fge.example"),
        ("ana@fge.example", "ana@nova.example"),
        ("ana@nova.example", "ana@nova.example"),
        ("ana@mp.example", "ana@fge.example"),
    ] {
        assert!(!second.succeeds(&address(one), &address(other)), "{one}, {other}");
    }
    assert!(!first.succeeds(&ana, &address("ana@fge.example")));
}

#[test]
fn certificates_of_a_former_domain_hold_until_its_end() {
    let n = network();
    let second = n.second();
    let old = n.fge.leaf("laptop.ana.officer", 70);
    let new = n.nova.leaf("laptop.ana.officer", 71);
    let verify = |chain: &UnverifiedChain, at| second.verify(chain, at, LeafUsage::Device);
    let held = verify(&old, NOW).unwrap();
    assert_eq!(*held.name(), name("laptop.ana.officer.fge.example"));
    assert_eq!(held.not_after(), until(), "no connection outlives it");
    verify(&old, Timestamp::from_millis(until().as_millis() - 1)).unwrap();
    let over = ChainError::FormerDomain { name: name("laptop.ana.officer.fge.example") };
    assert_eq!(verify(&old, until()).unwrap_err(), over);
    assert!(verify(&new, until()).unwrap().not_after() > until());
    // What was signed then is judged by then, however late.
    verify(&old, NOW.plus(DAY)).unwrap();

    // The new root doesn't sign for the old domain, nor the old one for the new.
    let own_roots = TestAuthority::new("nova.example", 10);
    let not_issued = verify(&own_roots.leaf("laptop.ana.officer", 72), NOW).unwrap_err();
    assert!(matches!(not_issued, ChainError::NotIssued { .. }), "{not_issued}");
    let crossed = TestAuthority::new("fge.example", 40);
    let not_issued = verify(&crossed.leaf("laptop.ana.officer", 73), NOW).unwrap_err();
    assert!(matches!(not_issued, ChainError::NotIssued { .. }), "{not_issued}");
}

#[test]
fn revocation_reaches_the_former_domain() {
    let n = network();
    let second = n.second();
    let old = second.verify(&n.fge.leaf("laptop.ana.officer", 70), NOW, LeafUsage::Device).unwrap();
    let mut lists = RevocationLists::new();
    lists.check(&old, NOW).unwrap_err();
    for list in [n.fge.root_list(1, &[]), n.fge.issuing_list(1, &[])] {
        lists.insert(&list.to_bytes(), &second, NOW).unwrap();
    }
    lists.check(&old, NOW).unwrap();
    lists.insert(&n.fge.issuing_list(2, &[70]).to_bytes(), &second, NOW).unwrap();
    lists.check(&old, NOW).unwrap_err();
    let withdrawing = lists.withdrawing(&old).unwrap();
    assert!(!withdrawing.is_empty());
}

#[test]
fn a_reader_of_the_first_form_takes_it_for_no_bundle() {
    let n = network();
    let label = |content: &BundleContent| {
        let bytes = content.encode();
        String::from_utf8(bytes[4..20].to_vec()).unwrap()
    };
    assert_eq!(label(n.first.content()), "enlace bundle v1", "as ever without former domains");
    assert_eq!(label(&n.changed()), "enlace bundle v2");
    // Nor is there a second encoding of what the first form can say.
    let mut content = n.first.content().clone();
    content.former = vec![former(&n.fge, &n.nova)];
    let long = content.encode();
    let one = Writer::new("x").list(&content.former, |w, f| {
        w.bytes(f.domain.as_str().as_bytes())
            .bytes(f.authority.as_str().as_bytes())
            .list(&f.roots, |w, root| w.bytes(root.as_bytes()))
            .u64(f.until.as_millis())
    });
    let former_bytes = one.finish().len() - Writer::new("x").finish().len();
    let empty = [&long[..long.len() - former_bytes], &0u64.to_be_bytes()].concat();
    assert_eq!(BundleContent::decode(&empty), Err(DecodeError::Value("former")));
}
