//! Suspensions: who may state them, which statement counts, and when it ends.

use enlace_identity::canonical::DecodeError;
use enlace_identity::chain::ChainError;
use enlace_identity::names::DeviceName;
use enlace_identity::revocation::RevocationStatusError;
use enlace_identity::suspension::{
    SignedSuspensions, SuspensionError, SuspensionStatement, Suspensions, Taken,
};
use enlace_identity::time::{Timestamp, ValidityError};

use crate::support::{DAY, NOW, TestAuthority, bundle, key, lists, pair};

fn statement(authority: &TestAuthority, serial: u64, names: &[&str]) -> SuspensionStatement {
    SuspensionStatement {
        domain: authority.domain.clone(),
        serial,
        issued_at: NOW,
        not_after: NOW.plus(DAY * 7),
        suspended: names.iter().map(|name| name.parse().unwrap()).collect(),
    }
}

fn signed(authority: &TestAuthority, statement: &SuspensionStatement) -> SignedSuspensions {
    SignedSuspensions::sign(statement, &key(60), authority.leaf("d1.duty", 60)).unwrap()
}

fn device(text: &str) -> DeviceName {
    text.parse().unwrap()
}

#[test]
fn a_statement_is_signed_and_names_devices_and_officers() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let names = ["eva@fge.example", "laptop.ana.officer.fge.example"];
    let bytes = signed(&fge, &statement(&fge, 1, &names)).encode();
    let verified = SignedSuspensions::decode(&bytes).unwrap().verify(&bundle, NOW).unwrap();
    assert_eq!(*verified.statement(), statement(&fge, 1, &names));
    assert_eq!(verified.signed().encode(), bytes);
    for (name, suspended) in [
        ("laptop.ana.officer.fge.example", true),
        ("phone.ana.officer.fge.example", false),
        ("laptop.eva.officer.fge.example", true),
        ("phone.eva.officer.fge.example", true),
        ("laptop.eva.officer.mp.example", false),
    ] {
        assert_eq!(verified.suspends(&device(name), NOW), suspended, "{name}");
    }
}

#[test]
fn only_a_duty_key_of_the_same_authority_states_it() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let statement = statement(&fge, 1, &["ana@fge.example"]);
    let refused = |seed, chain| {
        let signed = SignedSuspensions::sign(&statement, &key(seed), chain).unwrap();
        signed.verify(&bundle, NOW).unwrap_err()
    };
    for other in ["laptop.ana.officer", "r1.relay", "h1.head", "e1.endpoint"] {
        let error = refused(60, fge.leaf(other, 60));
        assert!(matches!(error, SuspensionError::Signer(ChainError::Usage { .. })), "{other}");
    }
    assert_eq!(refused(61, fge.leaf("d1.duty", 60)), SuspensionError::Signature);
    let error = refused(60, mp.leaf("d1.duty", 60));
    assert!(matches!(error, SuspensionError::OtherAuthority { .. }));
    let stranger = TestAuthority::new("fge.example", 70);
    let error = refused(60, stranger.leaf("d1.duty", 60));
    assert!(matches!(error, SuspensionError::Signer(ChainError::NotIssued { .. })));
}

#[test]
fn a_statement_ends_by_itself() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let lists = lists(&[&fge, &mp], &bundle);
    let ana = device("laptop.ana.officer.fge.example");
    let mut kept = Suspensions::new();
    let signed = signed(&fge, &statement(&fge, 1, &["ana@fge.example"]));
    kept.insert(&signed.encode(), &bundle, &lists, NOW).unwrap();
    let end = NOW.plus(DAY * 7);
    let at = |at: Timestamp| kept.suspending(&ana, &lists, at).is_some();
    assert!(at(NOW) && at(Timestamp::from_millis(end.as_millis() - 1)) && !at(end));
    let validity = |problem| SuspensionError::Validity { domain: fge.domain.clone(), problem };
    assert_eq!(signed.verify(&bundle, end).unwrap_err(), validity(ValidityError::Expired));
    let early = NOW.minus(DAY / 4);
    assert_eq!(signed.verify(&bundle, early).unwrap_err(), validity(ValidityError::NotYetValid));
}

#[test]
fn one_that_is_over_has_still_replaced_those_before_it() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let lists = lists(&[&fge, &mp], &bundle);
    let ana = device("laptop.ana.officer.fge.example");
    let long = signed(&fge, &statement(&fge, 1, &["ana@fge.example"])).encode();
    let mut short = statement(&fge, 2, &["ana@fge.example"]);
    short.not_after = NOW.plus(DAY);
    let short = signed(&fge, &short);
    let later = NOW.plus(DAY);
    // Whoever starts then, or hears of it as late as that.
    let mut kept = Suspensions::new();
    kept.insert(&long, &bundle, &lists, later).unwrap();
    assert!(kept.suspending(&ana, &lists, later).is_some());
    let taken = kept.insert(&short.encode(), &bundle, &lists, later);
    assert_eq!(taken, Ok(Taken::New(fge.domain.clone())));
    assert!(kept.suspending(&ana, &lists, later).is_none());
    let older = SuspensionError::Older { domain: fge.domain.clone(), kept: 2, offered: 1 };
    assert_eq!(kept.insert(&long, &bundle, &lists, later), Err(older));

    let verified = short.verify_though_over(&bundle, later).unwrap();
    assert!(verified.is_over(later) && !verified.suspends(&ana, later));
    let unvouched = verified.signed_until().plus(DAY);
    let refused = short.verify_though_over(&bundle, unvouched).unwrap_err();
    assert!(matches!(refused, SuspensionError::Signer(_)), "{refused}");
}

#[test]
fn the_highest_serial_counts_and_lifts_what_it_does_not_name() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let lists = lists(&[&fge, &mp], &bundle);
    let ana = device("laptop.ana.officer.fge.example");
    let mut kept = Suspensions::new();
    let bytes = |serial, names: &[&str]| signed(&fge, &statement(&fge, serial, names)).encode();
    let mut insert = |serial, names: &[&str]| {
        let taken = kept.insert(&bytes(serial, names), &bundle, &lists, NOW);
        (taken, kept.suspending(&ana, &lists, NOW).is_some())
    };
    let new = Ok(Taken::New(fge.domain.clone()));
    assert_eq!(insert(2, &["ana@fge.example"]), (new.clone(), true));
    assert_eq!(insert(2, &["ana@fge.example"]), (Ok(Taken::Known), true));
    let domain = fge.domain.clone();
    let older = SuspensionError::Older { domain: domain.clone(), kept: 2, offered: 1 };
    assert_eq!(insert(1, &[]), (Err(older), true));
    let same = SuspensionError::SameSerial { domain, serial: 2 };
    assert_eq!(insert(2, &[]), (Err(same), true));
    assert_eq!(insert(3, &[]), (new, false));
}

#[test]
fn a_revoked_duty_key_suspends_nobody_and_makes_room() {
    let (fge, mp) = pair();
    let bundle = bundle(&[&fge, &mp]);
    let mut lists = lists(&[&fge, &mp], &bundle);
    let ana = device("laptop.ana.officer.fge.example");
    let mut kept = Suspensions::new();
    let thief = signed(&fge, &statement(&fge, NOW.as_secs(), &["ana@fge.example"])).encode();
    kept.insert(&thief, &bundle, &lists, NOW).unwrap();
    assert!(kept.suspending(&ana, &lists, NOW).is_some());

    lists.insert(&fge.issuing_list(2, &[60]).to_bytes(), &bundle, NOW).unwrap();
    assert!(kept.suspending(&ana, &lists, NOW).is_none());
    let again = kept.insert(&thief, &bundle, &lists, NOW).unwrap_err();
    assert!(matches!(again, SuspensionError::Revocation(RevocationStatusError::Revoked(_))));
    let next = statement(&fge, 5, &["eva@fge.example"]);
    let next = SignedSuspensions::sign(&next, &key(61), fge.leaf("d2.duty", 61)).unwrap();
    let taken = kept.insert(&next.encode(), &bundle, &lists, NOW);
    assert_eq!(taken, Ok(Taken::New(fge.domain.clone())));
}

#[test]
fn fields_hold_what_they_may() {
    let (fge, _) = pair();
    let good = statement(&fge, 1, &["ana@fge.example", "eva@fge.example"]);
    type Spoil<'a> = Box<dyn Fn(&mut SuspensionStatement) + 'a>;
    let spoil: Vec<(&str, Spoil<'_>)> = vec![
        ("serial", Box::new(|s| s.serial = 0)),
        ("serial", Box::new(|s| s.serial = NOW.as_secs() + 1)),
        ("not_after", Box::new(|s| s.not_after = s.issued_at)),
        ("not_after", Box::new(|s| s.not_after = NOW.plus(DAY * 91))),
        ("suspended", Box::new(|s| s.suspended.reverse())),
        ("suspended", Box::new(|s| s.suspended[1] = s.suspended[0].clone())),
        ("suspended", Box::new(|s| s.suspended[1] = "eva@mp.example".parse().unwrap())),
    ];
    for (field, change) in spoil {
        let mut statement = good.clone();
        change(&mut statement);
        let refused = DecodeError::Value(field);
        assert_eq!(SuspensionStatement::decode(&statement.encode()), Err(refused), "{field}");
        let chain = fge.leaf("d1.duty", 60);
        let signed = SignedSuspensions::sign(&statement, &key(60), chain);
        assert_eq!(signed, Err(SuspensionError::Decode(refused)), "{field}");
    }
}
