//! Revocation lists: who may issue them, which one counts, and what they do to a certificate.

use enlace_identity::bundle::LeafUsage;
use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::issue::RevocationContent;
use enlace_identity::revocation::{
    CrlError, Inserted, MAX_ISSUERS, MAX_SKEW, RevocationList, RevocationLists,
    RevocationStatusError,
};
use enlace_identity::time::Validity;
use enlace_identity::warnings;

use crate::support::{
    DAY, NOW, TestAuthority, bundle, issuing_below, key, list, lists, name, pair, span,
};

fn device(authority: &TestAuthority, number: u8) -> VerifiedLeaf {
    let chain = authority.leaf("laptop.ana.officer", number);
    bundle(&[authority]).verify(&chain, NOW, LeafUsage::Device).unwrap()
}

#[test]
fn a_leaf_is_good_until_its_list_names_it() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let mut lists = lists(&[&fge, &mp], &bundle);
    let (leaf, other) = (device(&fge, 30), device(&fge, 31));
    assert_eq!(lists.check(&leaf, NOW), Ok(()));

    let news = fge.issuing_list(2, &[30]).to_bytes();
    assert_eq!(lists.insert(&news, &bundle, NOW), Ok(Inserted::New));
    assert_eq!(lists.insert(&news, &bundle, NOW), Ok(Inserted::Known));
    let revoked = RevocationStatusError::Revoked(leaf.name().clone());
    assert_eq!(lists.check(&leaf, NOW), Err(revoked.clone()));
    assert_eq!(lists.check(&other, NOW), Ok(()));
    assert_eq!(lists.check(&device(&mp, 30), NOW), Ok(()));
    assert_eq!(lists.check(&leaf, NOW.plus(DAY * 30)), Err(revoked), "stale lists revoke");
}

#[test]
fn a_revoked_issuing_ca_takes_its_leaves_along() {
    let fge = TestAuthority::new("fge.example", 10);
    let bundle = bundle(&[&fge]);
    let mut lists = lists(&[&fge], &bundle);
    let leaf = device(&fge, 30);
    lists.insert(&fge.root_list(2, &[11]).to_bytes(), &bundle, NOW).unwrap();
    let revoked = RevocationStatusError::IssuingRevoked(fge.domain.clone());
    assert_eq!(lists.check(&leaf, NOW), Err(revoked));

    let second = issuing_below(&fge.root, &fge.domain, &key(40), span(90), 40);
    let chain = second.issue_for_key(&key(30).public(), &fge.approval("laptop.ana.officer", 30));
    let leaf = bundle.verify(&chain.unwrap(), NOW, LeafUsage::Device).unwrap();
    let stale = RevocationStatusError::Stale(fge.domain.clone());
    assert_eq!(lists.check(&leaf, NOW), Err(stale), "no list of the second CA yet");
    let own = second.revocation_list(&list(1, &[])).unwrap();
    lists.insert(&own.to_bytes(), &bundle, NOW).unwrap();
    assert_eq!(lists.check(&leaf, NOW), Ok(()));
}

#[test]
fn both_lists_must_be_there_and_current() {
    let fge = TestAuthority::new("fge.example", 10);
    let bundle = bundle(&[&fge]);
    let leaf = device(&fge, 30);
    let stale = Err(RevocationStatusError::Stale(fge.domain.clone()));
    assert_eq!(RevocationLists::new().check(&leaf, NOW), stale);
    for only in [fge.root_list(1, &[]), fge.issuing_list(1, &[])] {
        let mut lists = RevocationLists::new();
        lists.insert(&only.to_bytes(), &bundle, NOW).unwrap();
        assert_eq!(lists.check(&leaf, NOW), stale);
    }
    let mut lists = lists(&[&fge], &bundle);
    let end = span(8).not_after;
    assert_eq!(lists.check(&leaf, end), stale);
    assert_eq!(warnings::of_lists(&lists, end).len(), 2);

    let content = RevocationContent { validity: span(30), ..list(2, &[]) };
    let newer = fge.issuing.revocation_list(&content).unwrap();
    lists.insert(&newer.to_bytes(), &bundle, NOW).unwrap();
    assert_eq!(lists.check(&leaf, end), stale, "the root's is still too old");
}

#[test]
fn an_older_list_does_not_come_back() {
    let fge = TestAuthority::new("fge.example", 10);
    let bundle = bundle(&[&fge]);
    let mut lists = lists(&[&fge], &bundle);
    let leaf = device(&fge, 30);
    lists.insert(&fge.issuing_list(7, &[30]).to_bytes(), &bundle, NOW).unwrap();

    let domain = fge.domain.clone();
    let older = Err(CrlError::Older { domain: domain.clone(), kept: 7, offered: 6 });
    assert_eq!(lists.insert(&fge.issuing_list(6, &[]).to_bytes(), &bundle, NOW), older);
    let twin = Err(CrlError::SameNumber { domain, number: 7 });
    assert_eq!(lists.insert(&fge.issuing_list(7, &[]).to_bytes(), &bundle, NOW), twin);
    assert!(matches!(lists.check(&leaf, NOW), Err(RevocationStatusError::Revoked(_))));
    let numbers: Vec<_> = lists.statuses().iter().map(|s| (s.of_root, s.number)).collect();
    assert!(numbers.contains(&(false, 7)) && numbers.contains(&(true, 1)));
}

#[test]
fn a_list_from_the_future_waits() {
    let fge = TestAuthority::new("fge.example", 10);
    let bundle = bundle(&[&fge]);
    let begins_in = |skew| {
        let validity = Validity::starting(NOW.plus(skew), DAY);
        let content = RevocationContent { validity, ..list(1, &[]) };
        let list = fge.issuing.revocation_list(&content).unwrap();
        RevocationLists::new().insert(&list.to_bytes(), &bundle, NOW)
    };
    assert_eq!(begins_in(MAX_SKEW), Ok(Inserted::New));
    let early = CrlError::FromTheFuture(fge.domain.clone());
    assert_eq!(begins_in(MAX_SKEW + std::time::Duration::from_secs(1)), Err(early));
}

#[test]
fn only_its_issuer_signs_a_list() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let mut lists = lists(&[&fge, &mp], &bundle);
    let leaf = device(&fge, 30);
    let mut refused =
        |list: RevocationList| lists.insert(&list.to_bytes(), &bundle, NOW).unwrap_err();

    let stranger = TestAuthority::new("fge.example", 60);
    assert_eq!(refused(stranger.issuing_list(9, &[30])), CrlError::UnknownIssuer);
    assert_eq!(refused(stranger.root_list(9, &[11])), CrlError::UnknownIssuer);

    let with = |list: RevocationList, issuing: &[u8]| {
        RevocationList::from_bytes(&[list.crl_der(), issuing].concat()).unwrap()
    };
    let of_fge = fge.issuing.certificate().as_bytes();
    assert_eq!(refused(with(mp.issuing_list(9, &[30]), of_fge)), CrlError::UnknownIssuer);
    assert_eq!(refused(with(fge.issuing_list(9, &[30]), &[])), CrlError::UnknownIssuer);
    assert_eq!(refused(with(fge.root_list(9, &[30]), of_fge)), CrlError::UnknownIssuer);
    let leaf_der = leaf.leaf_der().as_bytes();
    assert_eq!(refused(with(fge.issuing_list(9, &[]), leaf_der)), CrlError::UnknownIssuer);

    let mut forged = fge.issuing_list(9, &[30]).crl_der().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let forged = RevocationList::from_bytes(&[&forged, of_fge].concat()).unwrap();
    assert_eq!(refused(forged), CrlError::Signature);
    assert_eq!(lists.check(&leaf, NOW), Ok(()), "nothing has changed");
}

#[test]
fn an_expired_issuing_ca_signs_no_more() {
    let fge = TestAuthority::new("fge.example", 10);
    let bundle = bundle(&[&fge]);
    let content = RevocationContent { validity: span(2000), ..list(1, &[]) };
    let list = fge.issuing.revocation_list(&content).unwrap().to_bytes();
    let late = RevocationLists::new().insert(&list, &bundle, NOW.plus(DAY * 800));
    assert!(matches!(late, Err(CrlError::IssuerValidity(_))));
}

#[test]
fn lists_travel_and_are_kept_by_authority() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let lists = lists(&[&fge, &mp], &bundle);
    assert_eq!((lists.all().len(), lists.of_authority(&fge.domain).len()), (4, 2));
    let mut copy = RevocationLists::new();
    for bytes in lists.all() {
        copy.insert(&bytes, &bundle, NOW).unwrap();
        let list = RevocationList::from_bytes(&bytes).unwrap();
        assert_eq!(RevocationList::from_pem(&list.to_pem()), Ok(list));
    }
    assert_eq!(copy.statuses(), lists.statuses());
    assert_eq!(copy.check(&device(&mp, 30), NOW), Ok(()));
    assert_eq!(name("laptop.ana.officer.mp.example"), *device(&mp, 30).name());
}

#[test]
fn an_authority_with_ever_more_issuing_cas_fills_nobodys_memory() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let mut lists = lists(&[&fge, &mp], &bundle);
    let mut offer = |number: u8, now| {
        let ca = issuing_below(&fge.root, &fge.domain, &key(number), span(730), number);
        lists.insert(&ca.revocation_list(&list(1, &[])).unwrap().to_bytes(), &bundle, now)
    };
    for number in 0..MAX_ISSUERS - 2 {
        offer(100 + number as u8, NOW).unwrap();
    }
    let refused = Err(CrlError::TooManyIssuers(fge.domain.clone()));
    assert_eq!(offer(200, NOW), refused);
    assert_eq!(offer(200, span(8).not_after), Ok(Inserted::New), "one that has ended makes room");
    assert_eq!(lists.of_authority(&fge.domain).len(), MAX_ISSUERS);
    assert_eq!(lists.check(&device(&mp, 30), NOW), Ok(()));
}
