//! Whose leaves may change, and which certificates are good.

use std::time::Duration;

use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::time::Validity;
use enlace_log::control::LeafHash;

use super::super::{Act, LeafInfo, Rule};
use super::scene::{DAY, Draft, NOW, Network, by, device, hash, key, leaf_of, network, state};
use crate::known_rules::StatedRules;
use crate::policy::Role;

#[test]
fn anybody_renews_its_own_keys_and_certificate() {
    for author in ["ana@fge.example", "eva@fge.example", "oto@fge.example", "rui@pgr.example"] {
        assert_eq!(by(author).judge(), Ok(vec![]), "{author}");
        let device = device(author);
        let new_key = key("another key");
        let chain = network().certify(&device, &new_key);
        let leaf = LeafInfo {
            leaf_hash: hash(&chain, &new_key, 2),
            chain,
            signature_key: new_key.public(),
            rules: StatedRules::default(),
        };
        assert_eq!(by(author).own_leaf(leaf).judge(), Ok(vec![Act::Renewed { device }]));
    }
}

#[test]
fn nobody_changes_another_members_leaf() {
    for author in ["ana@fge.example", "luis@fge.example", "oto@fge.example"] {
        let victim = device("eva@fge.example");
        let mut draft = by(author);
        draft.0.after.members.insert(victim.clone(), leaf_of(&victim, 9));
        assert_eq!(draft.judge(), Err(Rule::OwnLeaf), "{author}");

        let mut swapped = by(author);
        swapped.0.after.members.insert(victim.clone(), leaf_of(&victim, 9));
        swapped.0.added.insert(victim.clone());
        swapped.0.removed.insert(victim);
        assert_eq!(swapped.judge(), Err(Rule::OwnLeaf), "{author}");
    }
}

#[test]
fn nobody_is_removed_and_added_with_the_very_same_leaf() {
    let victim = device("rui@pgr.example");
    let mut draft = by("oto@fge.example");
    draft.0.added.insert(victim.clone());
    draft.0.removed.insert(victim);
    assert_eq!(draft.judge(), Err(Rule::OwnLeaf));
}

#[test]
fn a_device_comes_and_goes_by_proposal_only() {
    let newcomer = device("new@fge.example");
    let mut unproposed = by("luis@fge.example").admit("new@fge.example", Role::Member);
    unproposed.0.added.remove(&newcomer);
    assert_eq!(unproposed.judge(), Err(Rule::OwnLeaf));
    let mut unproposed = by("luis@fge.example").remove("eva@fge.example");
    unproposed.0.removed.clear();
    assert_eq!(unproposed.judge(), Err(Rule::OwnLeaf));
}

/// A commit that admits somebody with these certificates and this key.
fn admitting(leaf: LeafInfo) -> Draft {
    let mut draft = by("luis@fge.example").admit("new@fge.example", Role::Member);
    draft.0.after.members.insert(device("new@fge.example"), leaf);
    draft
}

#[test]
fn a_new_certificate_must_be_good() {
    let newcomer = device("new@fge.example");
    let own = key("new");
    let leaf = |chain: UnverifiedChain| LeafInfo {
        leaf_hash: LeafHash([1; 32]),
        chain,
        signature_key: own.public(),
        rules: StatedRules::default(),
    };
    assert!(admitting(leaf(network().certify(&newcomer, &own))).judge().is_ok());

    let expired = Validity::starting(NOW.minus(DAY * 3), DAY);
    let early = Validity::starting(NOW.plus(DAY), DAY);
    let cases = [
        ("expired", network().certify_for(&newcomer, &own, expired)),
        ("not yet valid", network().certify_for(&newcomer, &own, early)),
        ("for another key", network().certify(&newcomer, &key("other"))),
        ("for another device", network().certify(&device("eva@fge.example"), &own)),
    ];
    for (name, chain) in cases {
        assert_eq!(admitting(leaf(chain)).judge(), Err(Rule::Certificate), "{name}");
    }
    let swapped = UnverifiedChain::new(
        network().certify(&newcomer, &own).leaf().clone(),
        network().certify(&device("ze@pgr.example"), &own).issuing().clone(),
    );
    assert_eq!(admitting(leaf(swapped)).judge(), Err(Rule::Certificate));
}

#[test]
fn an_authority_outside_the_bundle_does_not_enter() {
    let outside = Network::new(&["evil.example"]);
    let newcomer = device("bo@evil.example");
    let own = key("bo");
    let chain = outside.certify(&newcomer, &own);
    let mut draft = by("ana@fge.example").role("bo@evil.example", Role::Lead);
    let leaf = LeafInfo {
        leaf_hash: LeafHash([1; 32]),
        chain,
        signature_key: own.public(),
        rules: StatedRules::default(),
    };
    draft.0.after.members.insert(newcomer.clone(), leaf);
    draft.0.added.insert(newcomer);
    assert_eq!(draft.judge(), Err(Rule::Certificate));
}

#[test]
fn time_is_the_hubs() {
    let newcomer = device("new@fge.example");
    let own = key("new");
    let validity = Validity::starting(NOW.plus(DAY * 10), DAY);
    let chain = network().certify_for(&newcomer, &own, validity);
    let leaf = LeafInfo {
        leaf_hash: LeafHash([1; 32]),
        chain,
        signature_key: own.public(),
        rules: StatedRules::default(),
    };
    let at = |time| admitting(leaf.clone()).received_at(time).judge().is_ok();
    assert!(!at(NOW));
    assert!(at(NOW.plus(DAY * 10)));
    assert!(!at(NOW.plus(DAY * 11)));
}

#[test]
fn the_expiry_of_a_present_certificate_voids_nothing() {
    let late = NOW.plus(Duration::from_secs(86_400 * 900));
    assert!(by("eva@fge.example").received_at(late).judge().is_ok());
    assert!(by("luis@fge.example").remove("eva@fge.example").received_at(late).judge().is_ok());
}

#[test]
fn a_renewal_keeps_the_name_and_its_certificate_is_good() {
    let author = device("eva@fge.example");
    let new_key = key("another key");
    let own = |chain| LeafInfo {
        leaf_hash: LeafHash([1; 32]),
        chain,
        signature_key: new_key.public(),
        rules: StatedRules::default(),
    };
    let other_name = network().certify(&device("luis@fge.example"), &new_key);
    let other_key = network().certify(&author, &key("third"));
    let expired = Validity::starting(NOW.minus(DAY * 3), DAY);
    let expired = network().certify_for(&author, &new_key, expired);
    for chain in [other_name, other_key, expired] {
        let verdict = by("eva@fge.example").own_leaf(own(chain)).judge();
        assert_eq!(verdict, Err(Rule::Certificate));
    }
    let mut key_alone = state().members[&author].clone();
    key_alone.signature_key = new_key.public();
    assert_eq!(by("eva@fge.example").own_leaf(key_alone).judge(), Err(Rule::Certificate));
}
