//! Commits: what they change, how they are shown before they count, and races.

use super::{Device, POLICY, Pair, Trio, add, assert_agreed, chain};
use crate::mls::{Changes, CommitError, LeafIndex, NewIdentity, Suite};

#[test]
fn a_commit_shows_everything_it_changes() {
    for suite in [Suite::PostQuantum, Suite::Classic] {
        let mut trio = Trio::new(suite);
        let new = Device::new(4);
        let changes = Changes {
            add: vec![new.key_package(suite)],
            remove: vec![trio.ana_group.leaf_with_key(&trio.rui.key.public()).unwrap()],
            policy: Some(b"the second policy".to_vec()),
            evidence: vec![b"one".to_vec(), b"two".to_vec()],
            identity: None,
        };
        let ana = &trio.ana;
        let pending = trio.ana_group.commit(&ana.provider(), &ana.key, b"aad", changes).unwrap();
        let staged = trio.eva.stage(&mut trio.eva_group, &pending.commit);
        assert_eq!(staged.aad, b"aad");
        let details = staged.details.clone();
        assert_eq!(details, pending.details);
        assert_eq!(details.sender, LeafIndex(0));
        assert_eq!(details.removed, [LeafIndex(1)]);
        assert_eq!(details.added, [LeafIndex(1)]);
        assert_eq!(details.evidence, [b"one", b"two"]);
        assert!(details.rewrites_policy && !details.removes_self);
        assert_eq!(details.before.policy, POLICY);
        assert_eq!(details.after.policy, b"the second policy");
        assert_eq!(details.after.members[1].chain, new.chain);
        let (old, fresh) = (details.sender_before().unwrap(), details.sender_after().unwrap());
        assert_eq!(old.chain, fresh.chain);
        assert_ne!(old.encryption_key, fresh.encryption_key);

        let removed = trio.rui.follow(&mut trio.rui_group, &pending.commit);
        assert!(removed.removes_self);
        assert_eq!(removed.after, details.after);
        assert!(!trio.rui_group.is_member());

        trio.ana_group.merge_pending(&ana.provider()).unwrap();
        trio.eva_group.merge_staged(&trio.eva.provider(), *staged).unwrap();
        let new_group = new.join(&pending.welcome.unwrap());
        assert_agreed(&[&trio.ana_group, &trio.eva_group, &new_group]);
        assert_eq!(new_group.view().unwrap(), details.after);
        assert_eq!(new_group.policy().unwrap(), b"the second policy");
    }
}

#[test]
fn views_before_merging_equal_the_group_after_it_over_many_changes() {
    let mut founder = (Device::new(100), None);
    founder.1 = Some(founder.0.create(Suite::Classic));
    let mut members = vec![(founder.0, founder.1.take().unwrap())];
    // Grow, shrink on both ends, refill the holes, several at once.
    let steps: [(usize, &[u32]); 7] =
        [(3, &[]), (2, &[1]), (0, &[3, 4]), (1, &[2]), (5, &[]), (2, &[1, 3, 6]), (0, &[7, 5])];
    let mut seed = 0;
    for (come, go) in steps {
        let new: Vec<_> = (0..come)
            .map(|_| {
                seed += 1;
                Device::new(seed)
            })
            .collect();
        let changes = Changes {
            add: new.iter().map(|device| device.key_package(Suite::Classic)).collect(),
            remove: go.iter().copied().map(LeafIndex).collect(),
            ..Changes::default()
        };
        let (device, group) = &mut members[0];
        let pending = group.commit(&device.provider(), &device.key, b"", changes).unwrap();
        group.merge_pending(&device.provider()).unwrap();
        for (device, group) in &mut members[1..] {
            assert_eq!(device.follow(group, &pending.commit).after, pending.details.after);
        }
        members.retain(|(_, group)| group.is_member());
        for device in new {
            let group = device.join(pending.welcome.as_ref().unwrap());
            members.push((device, group));
        }
        for (_, group) in &members {
            assert_eq!(group.view().unwrap(), pending.details.after);
        }
    }
}

#[test]
fn a_pending_commit_survives_a_restart() {
    let mut pair = Pair::new(Suite::PostQuantum);
    let ana = &pair.ana;
    let changes = Changes { policy: Some(b"new".to_vec()), ..Changes::default() };
    let pending = pair.ana_group.commit(&ana.provider(), &ana.key, b"", changes).unwrap();
    let mut restarted = ana.load();
    assert!(restarted.is_pending());
    assert_eq!(restarted.pending_details(&ana.provider()).unwrap(), Some(pending.details));
    restarted.merge_pending(&ana.provider()).unwrap();
    pair.rui.follow(&mut pair.rui_group, &pending.commit);
    assert_agreed(&[&restarted, &pair.rui_group]);
    assert_agreed(&[&ana.load(), &pair.rui.load()]);
}

#[test]
fn the_commit_that_wins_clears_the_pending_one() {
    let mut pair = Pair::new(Suite::Classic);
    let (ana, rui) = (&pair.ana, &pair.rui);
    pair.ana_group.commit(&ana.provider(), &ana.key, b"", Changes::default()).unwrap();
    let winner = pair.rui_group.commit(&rui.provider(), &rui.key, b"", Changes::default()).unwrap();
    pair.rui_group.merge_pending(&rui.provider()).unwrap();
    ana.follow(&mut pair.ana_group, &winner.commit);
    assert!(!pair.ana_group.is_pending() && !ana.load().is_pending());
    pair.assert_agreed();
}

#[test]
fn a_pending_commit_is_not_overwritten_but_can_be_cleared() {
    let mut pair = Pair::new(Suite::Classic);
    let ana = &pair.ana;
    pair.ana_group.commit(&ana.provider(), &ana.key, b"", Changes::default()).unwrap();
    let second = pair.ana_group.commit(&ana.provider(), &ana.key, b"", Changes::default());
    assert!(matches!(second, Err(CommitError::AlreadyPending)));
    pair.ana_group.clear_pending(&ana.provider()).unwrap();
    assert!(!pair.ana_group.is_pending() && !ana.load().is_pending());
    let third = pair.ana_group.commit(&ana.provider(), &ana.key, b"", Changes::default()).unwrap();
    pair.ana_group.merge_pending(&ana.provider()).unwrap();
    pair.rui.follow(&mut pair.rui_group, &third.commit);
    pair.assert_agreed();
}

#[test]
fn a_certificate_is_renewed_with_the_same_key_and_with_a_new_one() {
    let mut pair = Pair::new(Suite::PostQuantum);
    let (ana, rui) = (&pair.ana, &pair.rui);
    let new_key = Device::new(40).key;
    for (old, new, seed) in [(&ana.key, &ana.key, 41), (&ana.key, &new_key, 42)] {
        let identity = NewIdentity { signer: new, chain: chain(seed) };
        let changes = Changes { identity: Some(identity), ..Changes::default() };
        let pending = pair.ana_group.commit(&ana.provider(), old, b"", changes).unwrap();
        pair.ana_group.merge_pending(&ana.provider()).unwrap();
        let details = rui.follow(&mut pair.rui_group, &pending.commit);
        assert_eq!(details.sender_before().unwrap().signature_key, old.public());
        assert_eq!(details.sender_after().unwrap().signature_key, new.public());
        assert_eq!(details.sender_after().unwrap().chain, chain(seed));
    }
    let note = pair.ana_group.encrypt(&ana.provider(), &new_key, b"", b"signed anew").unwrap();
    assert_eq!(rui.read(&mut pair.rui_group, &note), b"signed anew");
    let note = pair.ana_group.encrypt(&ana.provider(), &ana.key, b"", b"signed as of old").unwrap();
    rui.refuse(&mut pair.rui_group, &note);
    pair.assert_agreed();
}

#[test]
fn a_removed_device_can_neither_read_nor_write_nor_leave_anything_behind() {
    let mut trio = Trio::new(Suite::PostQuantum);
    let (ana, rui) = (&trio.ana, &trio.rui);
    let leaf = trio.rui_group.own_leaf();
    let changes = Changes { remove: vec![leaf], ..Changes::default() };
    let pending = trio.ana_group.commit(&ana.provider(), &ana.key, b"", changes).unwrap();
    trio.ana_group.merge_pending(&ana.provider()).unwrap();
    rui.follow(&mut trio.rui_group, &pending.commit);
    let note = trio.ana_group.encrypt(&ana.provider(), &ana.key, b"", b"secret").unwrap();
    assert!(rui.process(&mut trio.rui_group, &note).is_err());
    assert!(trio.rui_group.encrypt(&rui.provider(), &rui.key, b"", b"n").is_err());
    trio.rui_group.delete(&rui.provider()).unwrap();
    assert_eq!(rui.store.entries().len(), 0);
}

#[test]
fn a_device_is_swapped_for_itself_in_one_commit() {
    let mut trio = Trio::new(Suite::Classic);
    let (ana, rui, eva) = (&trio.ana, &trio.rui, &trio.eva);
    let changes = Changes {
        add: vec![rui.key_package(Suite::Classic)],
        remove: vec![trio.rui_group.own_leaf()],
        ..Changes::default()
    };
    let pending = trio.ana_group.commit(&ana.provider(), &ana.key, b"", changes).unwrap();
    trio.ana_group.merge_pending(&ana.provider()).unwrap();
    eva.follow(&mut trio.eva_group, &pending.commit);
    trio.rui_group.delete(&rui.provider()).unwrap();
    trio.rui_group = rui.join(&pending.welcome.unwrap());
    trio.assert_agreed();
}

#[test]
fn members_derive_the_same_secret() {
    let pair = Pair::new(Suite::PostQuantum);
    let secrets: Vec<_> = [(&pair.ana, &pair.ana_group), (&pair.rui, &pair.rui_group)]
        .map(|(d, group)| group.export_secret(&d.provider(), "enlace test", b"c", 32).unwrap())
        .into();
    assert_eq!(secrets[0], secrets[1]);
    assert_eq!(secrets[0].len(), 32);
}

#[test]
fn nobody_is_added_twice() {
    let mut pair = Pair::new(Suite::Classic);
    let again = Changes { add: vec![pair.rui.key_package(Suite::Classic)], ..Changes::default() };
    let refused = pair.ana_group.commit(&pair.ana.provider(), &pair.ana.key, b"", again);
    assert!(matches!(refused, Err(CommitError::Mls(_))));
    assert!(!pair.ana_group.is_pending());
    let third = Device::new(3);
    add(&pair.ana, &mut pair.ana_group, &third);
}

#[test]
fn groups_and_backends_may_change_threads() {
    fn assert_send<T: Send>() {}
    fn assert_shared<T: Send + Sync>() {}

    assert_send::<crate::mls::Group>();
    assert_send::<crate::mls::StagedCommit>();
    assert_send::<crate::mls::StagedJoin>();
    assert_shared::<crate::mls::Backend>();
}
