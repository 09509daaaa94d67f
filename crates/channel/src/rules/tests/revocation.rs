//! A device whose certificate is withdrawn: anybody may remove it, with the list as evidence.

use enlace_identity::revocation::RevocationList;
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::super::{Act, LeafInfo, Removal, Rule, State};
use super::scene::{Draft, by, check, device, hash, key, network, officer, state};
use crate::known_rules::StatedRules;
use crate::policy::Role;

fn evidence_of(address: &str, list: &RevocationList) -> Vec<u8> {
    encode(device(address).as_str(), list.to_bytes())
}

fn encode(device: &str, list: Vec<u8>) -> Vec<u8> {
    let revocation = wire::RevocationEvidence { device: device.to_owned(), list };
    let evidence = Some(wire::evidence::Evidence::Revocation(revocation));
    wire::Evidence { evidence }.encode_to_vec()
}

/// The list that withdraws a member, as its own authority signs it.
fn list_against(state: &State, address: &str) -> RevocationList {
    let device = device(address);
    network().withdraw(device.domain().as_str(), &state.members[&device])
}

fn carry_out(author: &str, revoked: &str) -> Draft {
    by(author).remove(revoked).evidence(evidence_of(revoked, &list_against(&state(), revoked)))
}

#[test]
fn anybody_removes_the_revoked() {
    check(
        vec![
            ("owner", carry_out("ana@fge.example", "ze@pgr.example")),
            ("a lead of another authority", carry_out("luis@fge.example", "ze@pgr.example")),
            ("a member", carry_out("eva@fge.example", "ze@pgr.example")),
            ("an observer", carry_out("oto@fge.example", "ze@pgr.example")),
            ("its own lead", carry_out("rui@pgr.example", "ze@pgr.example")),
            ("a lead by an observer", carry_out("oto@fge.example", "rui@pgr.example")),
        ],
        vec![
            ("and more", Rule::RemoveSovereign, {
                carry_out("oto@fge.example", "ze@pgr.example").remove("rui@pgr.example")
            }),
            ("and admits", Rule::AdmitSovereign, {
                carry_out("oto@fge.example", "ze@pgr.example").admit("new@fge.example", Role::Lead)
            }),
        ],
    );
    let acts = carry_out("oto@fge.example", "ze@pgr.example").judge().unwrap();
    let (officer, device) = (officer("ze@pgr.example"), device("ze@pgr.example"));
    assert_eq!(acts, [Act::Removed { officer, device, because: Removal::Revoked }]);
}

#[test]
fn a_root_withdraws_all_that_a_ca_has_issued() {
    let by_root = |root: &str| {
        let list = network().withdraw_ca(root, "pgr.example");
        by("eva@fge.example")
            .remove("ze@pgr.example")
            .evidence(evidence_of("ze@pgr.example", &list))
    };
    check(
        vec![("its root", by_root("pgr.example"))],
        vec![("another root", Rule::Evidence, by_root("fge.example"))],
    );
}

#[test]
fn a_list_that_does_not_name_the_present_certificate_voids() {
    let state = state();
    let ze = device("ze@pgr.example");
    let with =
        |evidence: Vec<u8>| by("eva@fge.example").remove("ze@pgr.example").evidence(evidence);
    let renewed_key = key("another key");
    let chain = network().certify(&ze, &renewed_key);
    let renewed = LeafInfo {
        leaf_hash: hash(&chain, &renewed_key, 2),
        chain,
        signature_key: renewed_key.public(),
        rules: StatedRules::default(),
    };
    let former = network().withdraw("pgr.example", &renewed);
    let good = list_against(&state, "ze@pgr.example");
    let mut altered = good.to_bytes();
    let middle = good.crl_der().len() / 2;
    altered[middle] ^= 1;
    let others = network().withdraw("fge.example", &state.members[&ze]);
    let trailing = [&encode(ze.as_str(), good.to_bytes())[..], &[0xa2, 0x06, 1, 7]].concat();
    let void = vec![
        ("of another certificate of the device", with(evidence_of("ze@pgr.example", &former))),
        (
            "of somebody else",
            with(evidence_of("ze@pgr.example", &list_against(&state, "rui@pgr.example"))),
        ),
        ("by another authority", with(evidence_of("ze@pgr.example", &others))),
        ("altered", with(encode(ze.as_str(), altered))),
        ("no list", with(encode(ze.as_str(), vec![1, 2, 3]))),
        ("no device", with(encode("nobody", good.to_bytes()))),
        ("a stranger", with(evidence_of("new@pgr.example", &good))),
        ("in another encoding", with(trailing)),
        (
            "for nobody who goes",
            by("eva@fge.example").evidence(evidence_of("ze@pgr.example", &good)),
        ),
        (
            "twice",
            with(evidence_of("ze@pgr.example", &good))
                .evidence(evidence_of("ze@pgr.example", &good)),
        ),
    ];
    check(vec![], void.into_iter().map(|(name, draft)| (name, Rule::Evidence, draft)).collect());
}

#[test]
fn a_revoked_owner_is_succeeded_by_a_lead_of_the_same_authority() {
    let removal = |author| carry_out(author, "ana@fge.example");
    check(
        vec![("the first lead", removal("oto@fge.example").role("luis@fge.example", Role::Owner))],
        vec![
            ("nobody", Rule::OneOwner, removal("oto@fge.example")),
            ("its author", Rule::Handover, {
                removal("rui@pgr.example").role("rui@pgr.example", Role::Owner)
            }),
            ("a member", Rule::Handover, {
                removal("oto@fge.example").role("eva@fge.example", Role::Owner)
            }),
            ("two", Rule::OneOwner, {
                removal("oto@fge.example")
                    .role("luis@fge.example", Role::Owner)
                    .role("rui@pgr.example", Role::Owner)
            }),
            ("without evidence", Rule::RemoveOwner, {
                by("luis@fge.example")
                    .remove("ana@fge.example")
                    .role("luis@fge.example", Role::Owner)
            }),
            ("though the owner stays", Rule::OneOwner, {
                by("luis@fge.example").role("luis@fge.example", Role::Owner)
            }),
        ],
    );
}

#[test]
fn where_no_lead_of_its_authority_is_left_a_channel_has_no_owner() {
    let alone = by("ana@fge.example").role("luis@fge.example", Role::Member).apply();
    let list = list_against(&alone, "ana@fge.example");
    let removal = || {
        Draft::on(alone.clone(), "rui@pgr.example")
            .remove("ana@fge.example")
            .evidence(evidence_of("ana@fge.example", &list))
    };
    let orphaned = removal().apply();
    let usurped = removal().role("rui@pgr.example", Role::Owner);
    assert_eq!(usurped.judge(), Err(Rule::Handover));
    // Leads go on as before; who is the owner then, they have to agree on.
    let on = |address| Draft::on(orphaned.clone(), address);
    check(
        vec![
            ("a lead admits", on("rui@pgr.example").admit("new@pgr.example", Role::Member)),
            ("keys are renewed", on("oto@fge.example")),
        ],
        vec![
            ("a member takes it", Rule::Handover, {
                on("luis@fge.example").role("luis@fge.example", Role::Owner)
            }),
            ("a new authority", Rule::AdmitAuthority, {
                on("rui@pgr.example").admit("mia@mj.example", Role::Lead)
            }),
        ],
    );
}

/// An address is a string of bytes, in which `-` stands before `@`.
#[test]
fn who_succeeds_is_the_first_by_bytes() {
    let two = state().policy.set_role(&officer("luis@fge.example"), Role::Member).unwrap();
    let two = two.admit(&officer("eva-b@fge.example"), Role::Lead).unwrap();
    let two = two.set_role(&officer("eva@fge.example"), Role::Lead).unwrap();
    let owner = officer("ana@fge.example");
    let heirs: Vec<_> = two.successors(&owner).map(ToString::to_string).collect();
    assert_eq!(heirs, ["eva-b@fge.example", "eva@fge.example"]);
}
