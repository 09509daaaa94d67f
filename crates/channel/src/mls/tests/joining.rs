//! Welcomes and key packages: what is accepted, shown and refused.

use enlace_identity::entropy::Entropy;
use openmls::prelude::{KeyPackage, Lifetime, MlsMessageOut};
use tls_codec::Serialize;

use super::{Device, GROUP, POLICY, Pair, add};
use crate::known_rules::ProgramRules;
use crate::mls::credential::credential_with_key;
use crate::mls::{
    Backend, Changes, CommitError, Epoch, Group, GroupError, JoinError, KeyPackageError, LeafError,
    LeafIndex, Suite, delete_key_package, generate_key_package, profile, stage_welcome,
    validate_key_package,
};
use crate::state_store::StateStore;

/// A welcome for `whom` into a new group of `by`.
fn invite(by: &Device, group: &mut Group, whom: &Device) -> Vec<u8> {
    let adds = Changes { add: vec![whom.key_package(group.suite())], ..Changes::default() };
    let pending = group.commit(&by.provider(), &by.key, b"", adds).unwrap();
    group.merge_pending(&by.provider()).unwrap();
    pending.welcome.unwrap()
}

#[test]
fn a_welcome_shows_the_group_before_it_is_taken_in() {
    let (ana, rui) = (Device::new(1), Device::new(2));
    let mut group = ana.create(Suite::PostQuantum);
    let welcome = invite(&ana, &mut group, &rui);
    let provider = rui.provider();
    let staged = stage_welcome(&provider, &welcome).unwrap();
    assert_eq!(staged.view, group.view().unwrap());
    assert_eq!(staged.view.group_id, GROUP);
    assert_eq!(staged.view.suite, Suite::PostQuantum);
    assert_eq!(staged.view.epoch, Epoch(1));
    assert_eq!(staged.view.policy, POLICY);
    assert_eq!(staged.view.member(staged.sender).unwrap().chain, ana.chain);
    assert_eq!(staged.view.member(staged.own_leaf).unwrap().chain, rui.chain);
    assert!(Group::load(&rui.provider(), GROUP).unwrap().is_none());
    staged.into_group(&provider).unwrap();
    assert!(rui.load().is_member());
}

#[test]
fn a_key_package_serves_once_and_comes_back_with_a_rollback() {
    let (ana, rui) = (Device::new(1), Device::new(2));
    let mut group = ana.create(Suite::Classic);
    let welcome = invite(&ana, &mut group, &rui);
    rui.store.savepoint().unwrap();
    stage_welcome(&rui.provider(), &welcome).unwrap();
    rui.store.rollback().unwrap();
    rui.join(&welcome).delete(&rui.provider()).unwrap();
    let again = stage_welcome(&rui.provider(), &welcome);
    assert!(matches!(again, Err(JoinError::NoKeyPackage)));
}

#[test]
fn a_last_resort_key_package_serves_until_it_is_deleted() {
    let (ana, rui) = (Device::new(1), Device::new(2));
    let provider = rui.provider();
    let last_resort =
        generate_key_package(&provider, &rui.key, &rui.chain, Suite::Classic, true).unwrap();
    let mut group = ana.create(Suite::Classic);
    let adds = Changes { add: vec![last_resort.message.clone()], ..Changes::default() };
    let pending = group.commit(&ana.provider(), &ana.key, b"", adds).unwrap();
    let welcome = pending.welcome.unwrap();
    rui.join(&welcome).delete(&provider).unwrap();
    rui.join(&welcome).delete(&provider).unwrap();
    delete_key_package(&provider, &last_resort.reference).unwrap();
    assert!(matches!(stage_welcome(&provider, &welcome), Err(JoinError::NoKeyPackage)));
    assert!(rui.store.entries().is_empty());
    let unverified =
        validate_key_package(&rui.backend, &last_resort.message, Suite::Classic).unwrap();
    assert!(unverified.is_last_resort());
}

#[test]
fn a_welcome_into_a_group_that_is_here_already_is_refused() {
    let (ana, rui) = (Device::new(1), Device::new(2));
    rui.create(Suite::Classic);
    let welcome = invite(&ana, &mut ana.create(Suite::Classic), &rui);
    assert!(matches!(stage_welcome(&rui.provider(), &welcome), Err(JoinError::Exists)));
    let second =
        Group::create(&rui.provider(), GROUP, &rui.key, &rui.chain, Suite::Classic, POLICY);
    assert!(matches!(second, Err(GroupError::Exists)));
}

#[test]
fn a_welcome_without_a_path_secret_is_refused() {
    let (ana, rui) = (Device::new(1), Device::new(2));
    let mut group = ana.create(Suite::Classic);
    let (package, _) = super::super::key_package::validate(
        ana.backend.crypto(),
        &rui.key_package(Suite::Classic),
        Suite::Classic,
    )
    .unwrap();
    let provider = ana.provider();
    let (_, welcome, _) = group
        .inner
        .add_members_without_update(provider.mls(), &ana.provider().signer(&ana.key), &[package])
        .unwrap();
    let staged = stage_welcome(&rui.provider(), &welcome.tls_serialize_detached().unwrap());
    let joined = staged.unwrap().into_group(&rui.provider());
    assert!(matches!(joined, Err(JoinError::NoPathSecret)));
}

#[test]
fn corrupted_welcomes_are_refused_and_never_panic() {
    let (ana, rui) = (Device::new(1), Device::new(2));
    let welcome = invite(&ana, &mut ana.create(Suite::Classic), &rui);
    let before = rui.store.entries();
    for position in (0..welcome.len()).step_by(7) {
        let mut garbled = welcome.clone();
        garbled[position] ^= 0x10;
        for bytes in [&garbled[..], &welcome[..position]] {
            rui.store.savepoint().unwrap();
            assert!(stage_welcome(&rui.provider(), bytes).is_err());
            rui.store.rollback().unwrap();
        }
    }
    assert_eq!(rui.store.entries(), before);
    rui.join(&welcome);
}

#[test]
fn a_key_package_shows_chain_and_key() {
    let rui = Device::new(2);
    for suite in [Suite::PostQuantum, Suite::Classic] {
        let message = rui.key_package(suite);
        let package = validate_key_package(&rui.backend, &message, suite).unwrap();
        assert_eq!(package.chain(), &rui.chain);
        assert_eq!(*package.signature_key(), rui.key.public());
        assert_eq!(package.message(), message);
        assert!(!package.is_last_resort());
    }
    let other =
        validate_key_package(&rui.backend, &rui.key_package(Suite::Classic), Suite::PostQuantum);
    assert!(matches!(other, Err(KeyPackageError::Suite)));
}

#[test]
fn corrupted_key_packages_are_refused_and_never_panic() {
    let rui = Device::new(2);
    let message = rui.key_package(Suite::Classic);
    for position in 0..message.len() {
        let mut garbled = message.clone();
        garbled[position] ^= 1;
        for bytes in [&garbled[..], &message[..position]] {
            assert!(validate_key_package(&rui.backend, bytes, Suite::Classic).is_err());
        }
    }
}

#[test]
fn another_lifetime_is_refused_whoever_brings_it() {
    let now_valid = Lifetime::default();
    for lifetime in [now_valid, Lifetime::init(0, u64::MAX - 1), Lifetime::init(1, u64::MAX)] {
        let mut pair = Pair::new(Suite::Classic);
        let eva = Device::new(3);
        let message = package_with(&eva, lifetime);
        let checked = validate_key_package(&eva.backend, &message, Suite::Classic);
        assert!(matches!(checked, Err(KeyPackageError::Leaf(LeafError::Lifetime))));
        let adds = Changes { add: vec![message], ..Changes::default() };
        let refused = pair.ana_group.commit(&pair.ana.provider(), &pair.ana.key, b"", adds);
        assert!(matches!(refused, Err(CommitError::KeyPackage { index: 0, .. })));
    }
}

#[test]
fn leaves_are_told_apart_by_key() {
    let (ana, rui) = (Device::new(1), Device::new(2));
    let mut group = ana.create(Suite::Classic);
    add(&ana, &mut group, &rui);
    assert_eq!(group.leaf_with_key(&rui.key.public()), Some(LeafIndex(1)));
    assert_eq!(group.leaf_with_key(&Device::new(3).key.public()), None);
    let view = group.view().unwrap();
    assert_eq!(view.member_with_key(&rui.key.public()).unwrap().leaf, LeafIndex(1));
}

#[test]
fn the_same_entropy_makes_the_same_key_package() {
    let [first, second] = [(); 2].map(|()| {
        let mut rui = Device::new(2);
        let entropy = Entropy::dangerous_seeded([1; 32]);
        rui.backend = Backend::with_entropy(entropy).unwrap();
        (rui.key_package(Suite::PostQuantum), rui.store.entries())
    });
    assert_eq!(first, second);
}

/// A key package with a lifetime of somebody's choice.
pub(super) fn package_with(device: &Device, lifetime: Lifetime) -> Vec<u8> {
    let built = KeyPackage::builder()
        .key_package_lifetime(lifetime)
        .leaf_node_capabilities(profile::capabilities(ProgramRules::CURRENT))
        .build(
            Suite::Classic.to_mls(),
            device.provider().mls(),
            &device.provider().signer(&device.key),
            credential_with_key(&device.chain, &device.key.public()),
        )
        .unwrap();
    MlsMessageOut::from(built.into_key_package()).tls_serialize_detached().unwrap()
}
