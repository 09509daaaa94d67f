//! A policy is read strictly, and never rewritten with a loss.

use std::collections::BTreeSet;

use enlace_identity::bundle::BundleHash;
use enlace_identity::names::{Domain, OfficerAddress};
use enlace_log::ChannelId;
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::{NewCase, Policy, PolicyError, Role};
use crate::entry::HandlingCode;

/// The field that is altered, and how.
type Case = (&'static str, fn(&mut wire::Policy));

fn officer(text: &str) -> OfficerAddress {
    text.parse().unwrap()
}

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

fn new_case() -> NewCase {
    NewCase {
        channel: ChannelId([1; 32]),
        owner: officer("ana@fge.example"),
        title: "Operación Río".into(),
        case_reference: Some("FGE/2031/77".into()),
        legal_basis: "Palermo Convention, article 18".into(),
        default_handling: HandlingCode::H1,
        hub: domain("fge.example"),
        bundle_hash: BundleHash::from_bytes([2; 32]),
    }
}

fn policy() -> Policy {
    let policy = new_case().into_policy().unwrap();
    let policy = policy.admit(&officer("rui@pgr.example"), Role::Lead).unwrap();
    policy.admit(&officer("a-b@pgr.example"), Role::Member).unwrap()
}

fn wire_policy() -> wire::Policy {
    wire::Policy::decode(&policy().encode()[..]).unwrap()
}

fn decode_altered(alter: impl FnOnce(&mut wire::Policy)) -> Result<Policy, PolicyError> {
    let mut policy = wire_policy();
    alter(&mut policy);
    Policy::decode(&policy.encode_to_vec())
}

#[test]
fn comes_back_as_it_went() {
    let policy = policy();
    let decoded = Policy::decode(&policy.encode()).unwrap();
    assert_eq!(decoded, policy);
    assert!(!decoded.has_unknown_fields());
    assert_eq!(decoded.title(), "Operación Río");
    assert_eq!(decoded.role_of(&officer("rui@pgr.example")), Some(Role::Lead));
    assert_eq!(decoded.role_of(&officer("eva@pgr.example")), None);
    assert_eq!(decoded.case_references()[&domain("fge.example")], "FGE/2031/77");
}

#[test]
fn knows_its_leads_and_authorities() {
    let policy = policy();
    let (fge, pgr) = (domain("fge.example"), domain("pgr.example"));
    assert_eq!(policy.authorities(), BTreeSet::from([&fge, &pgr]));
    let leads = |domain| policy.leads_of(domain).map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(leads(&fge), ["ana@fge.example"]);
    assert_eq!(leads(&pgr), ["rui@pgr.example"]);
    assert_eq!(policy.owners().count(), 1);
}

#[test]
fn counts_authorities_that_enter_and_go() {
    let version = |policy: &Policy| policy.authorities_version();
    let first = new_case().into_policy().unwrap();
    let second = first.admit(&officer("rui@pgr.example"), Role::Lead).unwrap();
    let third = second.admit(&officer("eva@pgr.example"), Role::Member).unwrap();
    assert_eq!((version(&first), version(&second), version(&third)), (1, 2, 2));
    let fourth = third.remove(&officer("rui@pgr.example")).unwrap();
    let fifth = fourth.remove(&officer("eva@pgr.example")).unwrap();
    assert_eq!((version(&fourth), version(&fifth)), (2, 3));
    let eva = officer("eva@pgr.example");
    assert_eq!(fifth.remove(&eva), Err(PolicyError::NotAMember(eva.clone())));
    assert_eq!(fifth.set_role(&eva, Role::Lead), Err(PolicyError::NotAMember(eva)));
    let ana = officer("ana@fge.example");
    assert_eq!(fifth.admit(&ana, Role::Lead), Err(PolicyError::AlreadyMember(ana)));
}

#[test]
fn the_ownership_has_one_holder() {
    let policy = policy();
    let handed = policy.set_role(&officer("rui@pgr.example"), Role::Owner).unwrap();
    let owners: Vec<_> = handed.owners().map(ToString::to_string).collect();
    assert_eq!(owners, ["rui@pgr.example"]);
    assert_eq!(handed.role_of(&officer("ana@fge.example")), Some(Role::Lead));
}

#[test]
fn lists_are_sorted_by_bytes_each_once() {
    let names: Vec<_> = wire_policy().roles.into_iter().map(|r| r.officer).collect();
    assert_eq!(names, ["a-b@pgr.example", "ana@fge.example", "rui@pgr.example"]);
    let swapped = decode_altered(|p| p.roles.swap(0, 1));
    assert_eq!(swapped, Err(PolicyError::Order("roles")));
    let twice = decode_altered(|p| p.roles.insert(0, p.roles[0].clone()));
    assert_eq!(twice, Err(PolicyError::Order("roles")));
    let references = decode_altered(|p| p.case_references.push(p.case_references[0].clone()));
    assert_eq!(references, Err(PolicyError::Order("case_references")));
}

#[test]
fn values_out_of_range_are_refused() {
    let cases: [Case; 17] = [
        ("rules_version", |p| p.rules_version = 0),
        ("channel", |p| p.channel.truncate(31)),
        ("kind", |p| p.kind = 0),
        ("kind", |p| p.kind = 9),
        ("title", |p| p.title.clear()),
        ("title", |p| p.title = "ñ".repeat(201)),
        ("title", |p| p.title = "two\nlines".into()),
        ("title", |p| p.title = "\u{202e}abc".into()),
        ("case_references", |p| p.case_references[0].authority = "FGE".into()),
        ("case_references", |p| p.case_references = many_references()),
        ("legal_basis", |p| p.legal_basis = "x".repeat(2001)),
        ("default_handling", |p| p.default_handling = 0),
        ("retention", |p| p.retention = retention(0)),
        ("hub", |p| p.hub = "r1".into()),
        ("roles", |p| p.roles.clear()),
        ("roles", |p| p.roles[0].role = 6),
        ("bundle_hash", |p| p.bundle_hash.clear()),
    ];
    for (field, alter) in cases {
        assert_eq!(decode_altered(alter), Err(PolicyError::Value(field)), "{field}");
    }
    assert!(decode_altered(|p| p.retention = retention(3650)).is_ok());
    assert_eq!(Policy::decode(&[0xff]), Err(PolicyError::Malformed));
    let title = "x".repeat(201);
    let made = NewCase { title, ..new_case() }.into_policy();
    assert_eq!(made, Err(PolicyError::Value("title")));
}

fn retention(days: u32) -> Vec<wire::Retention> {
    vec![wire::Retention { authority: "fge.example".into(), days }]
}

fn many_references() -> Vec<wire::CaseReference> {
    let reference =
        |i| wire::CaseReference { authority: format!("a{i:03}.example"), reference: "x".into() };
    (0..65).map(reference).collect()
}

#[test]
fn a_field_of_a_newer_version_is_kept_and_never_lost() {
    let mut bytes = policy().encode();
    bytes.extend([0xa2, 0x06, 1, 7]); // field 100, one byte
    let policy = Policy::decode(&bytes).unwrap();
    assert!(policy.has_unknown_fields());
    assert_eq!(policy.encode(), bytes);
    assert_eq!(policy.title(), "Operación Río");
    let officer = officer("eva@fge.example");
    assert_eq!(policy.admit(&officer, Role::Member), Err(PolicyError::NeedsNewerVersion));
    let ana = "ana@fge.example".parse().unwrap();
    assert_eq!(policy.remove(&ana), Err(PolicyError::NeedsNewerVersion));
}

#[test]
fn a_policy_of_newer_rules_can_be_read() {
    let policy = decode_altered(|p| p.rules_version = 2).unwrap();
    assert_eq!(policy.rules_version(), 2);
    assert!(!policy.has_unknown_fields());
}

#[test]
fn another_spelling_counts_as_unknown() {
    let fields = wire_policy();
    let mut reordered = wire::Policy { rules_version: 0, ..fields }.encode_to_vec();
    reordered.extend([8, 1]);
    let policy = Policy::decode(&reordered).unwrap();
    assert!(policy.has_unknown_fields());
}

#[test]
fn damaged_bytes_never_panic() {
    let bytes = policy().encode();
    for cut in 0..bytes.len() {
        let _ = Policy::decode(&bytes[..cut]);
    }
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(policy) = Policy::decode(&damaged) {
            assert_eq!(policy.encode(), damaged);
        }
    }
}

#[test]
fn roles_have_names() {
    for name in ["owner", "lead", "member", "guide", "observer"] {
        assert_eq!(name.parse::<Role>().unwrap().to_string(), name);
    }
    assert!("Lead".parse::<Role>().is_err());
}
