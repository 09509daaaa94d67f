//! What joiners, creators and readers of entries ask.

use enlace_identity::bundle::BundleHash;
use enlace_identity::time::{Timestamp, Validity};
use enlace_log::control::LeafHash;

use super::super::welcome::judge_joined;
use super::super::{JudgeError, LeafInfo, Rule, State, judge_author};
use super::scene::{DAY, NOW, by, device, enters, key, network, officer, state};
use crate::known_rules::StatedRules;
use crate::policy::{ChannelKind, Content, Role};

fn join_at(state: &State, signer: &str, me: &str, at: Timestamp) -> Result<(), Rule> {
    let judged = judge_joined(&network().bundle, state, (&device(signer), false), &device(me), at);
    judged.map_err(|error| match error {
        JudgeError::Void(void) => void.rule(),
        JudgeError::BundleMissing(hash) => panic!("bundle {hash} is missing"),
    })
}

fn join(state: &State, signer: &str, me: &str) -> Result<(), Rule> {
    join_at(state, signer, me, NOW)
}

fn forged(change: impl FnOnce(&mut Content)) -> State {
    let mut state = state();
    state.policy = state.policy.edit().unwrap().forge(change).finish().unwrap();
    state
}

#[test]
fn a_joiner_was_admitted_by_who_is_entitled_to() {
    let entitled = Err(Rule::WelcomeEntitled);
    let state = state();
    assert_eq!(join(&state, "luis@fge.example", "eva@fge.example"), Ok(()));
    assert_eq!(join(&state, "ana@fge.example", "oto@fge.example"), Ok(()));
    assert_eq!(join(&state, "rui@pgr.example", "ze@pgr.example"), Ok(()));
    assert_eq!(join(&state, "luis@fge.example", "ze@pgr.example"), entitled);
    assert_eq!(join(&state, "ana@fge.example", "ze@pgr.example"), entitled);
    assert_eq!(join(&state, "oto@fge.example", "eva@fge.example"), entitled);
    assert_eq!(join(&state, "ze@pgr.example", "rui@pgr.example"), entitled);
    assert_eq!(join(&state, "rui@pgr.example", "rui@pgr.example"), entitled);
    assert_eq!(join(&state, "new@fge.example", "eva@fge.example"), entitled);
}

#[test]
fn the_first_of_an_authority_was_admitted_by_the_owner_as_its_lead() {
    let after = by("ana@fge.example").admit("bo@mj.example", Role::Lead);
    let after = after.agreed("rui@pgr.example", enters("bo@mj.example")).apply();
    assert_eq!(join(&after, "ana@fge.example", "bo@mj.example"), Ok(()));
    let entitled = Err(Rule::WelcomeEntitled);
    assert_eq!(join(&after, "luis@fge.example", "bo@mj.example"), entitled);
    let mut as_member = after.clone();
    as_member.policy = as_member.policy.set_role(&officer("bo@mj.example"), Role::Member).unwrap();
    assert_eq!(join(&as_member, "ana@fge.example", "bo@mj.example"), entitled);
}

#[test]
fn a_stand_in_lets_nobody_in_after_the_mandate() {
    let end = NOW.plus(DAY * 30);
    let state = forged(|c| _ = c.stand_ins.insert(officer("rui@pgr.example"), end));
    assert_eq!(join_at(&state, "rui@pgr.example", "ze@pgr.example", NOW), Ok(()));
    let late = join_at(&state, "rui@pgr.example", "ze@pgr.example", end);
    assert_eq!(late, Err(Rule::WelcomeEntitled));
}

#[test]
fn the_group_is_one_that_the_rules_allow() {
    let judge = |state: &State| join(state, "luis@fge.example", "eva@fge.example");
    assert_eq!(judge(&forged(|c| c.kind = ChannelKind::Forum)), Ok(()));
    let hub = forged(|c| c.hub = "evil.example".parse().unwrap());
    assert_eq!(judge(&hub), Err(Rule::WelcomeHub));
    let two_owners = forged(|c| _ = c.roles.insert(officer("luis@fge.example"), Role::Owner));
    assert_eq!(judge(&two_owners), Err(Rule::OneOwner));
    let no_owner = forged(|c| _ = c.roles.insert(officer("ana@fge.example"), Role::Lead));
    assert_eq!(judge(&no_owner), Ok(()), "it may have lost its owner");
    let closed = forged(|c| c.closed = true);
    assert_eq!(judge(&closed), Err(Rule::Closed));
    let guide = forged(|c| _ = c.roles.insert(officer("oto@fge.example"), Role::Guide));
    assert_eq!(judge(&guide), Err(Rule::RoleKind));
    let ghost = forged(|c| _ = c.roles.insert(officer("new@fge.example"), Role::Member));
    assert_eq!(judge(&ghost), Err(Rule::RolesMatch));
    let spy = forged(|c| _ = c.roles.remove(&officer("oto@fge.example")));
    assert_eq!(judge(&spy), Err(Rule::RolesMatch));
}

#[test]
fn another_bundle_means_later() {
    let other = BundleHash::from_bytes([9; 32]);
    let state = forged(|c| c.bundle_hash = other);
    let (signer, me) = (device("luis@fge.example"), device("eva@fge.example"));
    let judged = judge_joined(&network().bundle, &state, (&signer, false), &me, NOW);
    assert_eq!(judged, Err(JudgeError::BundleMissing(other)));
}

#[test]
fn every_member_was_certified_by_its_authority() {
    let mut state = state();
    let spy = device("oto@fge.example");
    let own = key("spy");
    let chain = network().certify(&device("ze@pgr.example"), &own);
    let leaf = LeafInfo {
        leaf_hash: LeafHash([1; 32]),
        chain,
        signature_key: own.public(),
        rules: StatedRules::default(),
    };
    state.members.insert(spy.clone(), leaf);
    let judge = |state: &State| join(state, "luis@fge.example", "eva@fge.example");
    assert_eq!(judge(&state), Err(Rule::WelcomeCertificate));
    let chain = network().certify(&spy, &key("another"));
    let leaf = LeafInfo {
        leaf_hash: LeafHash([1; 32]),
        chain,
        signature_key: own.public(),
        rules: StatedRules::default(),
    };
    state.members.insert(spy, leaf);
    assert_eq!(judge(&state), Err(Rule::WelcomeCertificate));
}

#[test]
fn a_members_expired_certificate_keeps_nobody_out_but_the_joiners_own_does() {
    let mut state = state();
    let mut expire = |address: &str| {
        let name = device(address);
        let own = key(name.as_str());
        let span = Validity::starting(NOW.minus(DAY * 5), DAY);
        let chain = network().certify_for(&name, &own, span);
        let leaf = LeafInfo {
            leaf_hash: LeafHash([1; 32]),
            chain,
            signature_key: own.public(),
            rules: StatedRules::default(),
        };
        state.members.insert(name, leaf);
    };
    expire("oto@fge.example");
    expire("ze@pgr.example");
    assert_eq!(join(&state, "luis@fge.example", "eva@fge.example"), Ok(()));
    assert_eq!(join(&state, "rui@pgr.example", "ze@pgr.example"), Err(Rule::WelcomeCertificate));
    let long_ago = NOW.minus(DAY * 5);
    assert_eq!(join_at(&state, "rui@pgr.example", "ze@pgr.example", long_ago), Ok(()));
}

#[test]
fn observers_read_only() {
    let policy = state().policy;
    for author in ["ana@fge.example", "luis@fge.example", "eva@fge.example"] {
        assert!(judge_author(&policy, &device(author)).is_ok(), "{author}");
    }
    for author in ["oto@fge.example", "new@fge.example"] {
        let void = judge_author(&policy, &device(author)).unwrap_err();
        assert_eq!(void.rule(), Rule::EntryRole, "{author}");
    }
}
