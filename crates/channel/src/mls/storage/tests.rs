//! Conformance: what openmls writes is what it reads back, and deleted is deleted.

use ciborium::Value;
use openmls::ciphersuite::hash_ref::ProposalRef;
use openmls::group::{GroupEpoch, GroupId, MlsGroup, MlsGroupJoinConfig, QueuedProposal};
use openmls::prelude::{
    LeafNode, LeafNodeIndex, LeafNodeParameters, MlsMessageIn, ProcessedMessageContent,
};
use openmls_traits::storage::StorageProvider;

use super::super::tests::{Device, GROUP, Pair};
use super::super::{Changes, Group, Suite, profile};
use super::Storage;
use super::cbor::{decode, encode};
use crate::state_store::{MemoryStore, StateError, StateStore};

/// Two different proposals as openmls queues them.
fn proposals(pair: &mut Pair) -> Vec<QueuedProposal> {
    let Pair { ana, ana_group, rui, rui_group } = pair;
    let provider = ana.provider();
    let signer = provider.signer(&ana.key);
    let update = LeafNodeParameters::default();
    let messages = [
        ana_group.inner.propose_self_update(provider.mls(), &signer, update).unwrap().0,
        ana_group
            .inner
            .propose_remove_member(provider.mls(), &signer, LeafNodeIndex::new(1))
            .unwrap()
            .0,
    ];
    messages.map(|message| receive(rui, rui_group, MlsMessageIn::from(message))).into()
}

fn receive(device: &Device, group: &mut Group, message: MlsMessageIn) -> QueuedProposal {
    let message = message.try_into_protocol_message().unwrap();
    let processed = group.inner.process_message(device.provider().mls(), message).unwrap();
    match processed.into_content() {
        ProcessedMessageContent::ProposalMessage(proposal) => *proposal,
        _ => panic!("not a proposal"),
    }
}

fn queued(storage: &Storage<'_>, group: &GroupId) -> Vec<(ProposalRef, QueuedProposal)> {
    storage.queued_proposals(group).unwrap()
}

#[test]
fn the_proposal_queue_keeps_order_and_forgets_one_or_all() {
    let proposals = proposals(&mut Pair::new(Suite::Classic));
    let store = MemoryStore::new();
    let storage = Storage::new(&store);
    let (group, other) = (GROUP.to_mls(), GroupId::from_slice(b"other"));
    let queue = |group: &GroupId, proposal: &QueuedProposal| {
        storage.queue_proposal(group, proposal.proposal_reference_ref(), proposal).unwrap();
    };
    queue(&other, &proposals[1]);
    proposals.iter().for_each(|proposal| queue(&group, proposal));
    // Queued twice, there once.
    queue(&group, &proposals[0]);

    let expected: Vec<_> =
        proposals.iter().map(|p| (p.proposal_reference_ref().clone(), p.clone())).collect();
    assert_eq!(queued(&storage, &group), expected);
    let references: Vec<ProposalRef> = storage.queued_proposal_refs(&group).unwrap();
    assert_eq!(references, expected.iter().map(|(r, _)| r.clone()).collect::<Vec<_>>());

    storage.remove_proposal(&group, &expected[0].0).unwrap();
    assert_eq!(queued(&storage, &group), expected[1..]);
    storage.clear_proposal_queue::<_, ProposalRef>(&group).unwrap();
    assert_eq!(queued(&storage, &group), []);
    assert_eq!(queued(&storage, &other), expected[1..]);
    storage.clear_proposal_queue::<_, ProposalRef>(&other).unwrap();
    assert!(store.entries().is_empty());
}

#[test]
fn own_leaf_nodes_grow_and_go_together() {
    let pair = Pair::new(Suite::PostQuantum);
    let leaves: Vec<LeafNode> = [&pair.ana_group, &pair.rui_group]
        .map(|group| group.inner.own_leaf_node().unwrap().clone())
        .into();
    let store = MemoryStore::new();
    let storage = Storage::new(&store);
    let group = GROUP.to_mls();
    assert_eq!(storage.own_leaf_nodes::<_, LeafNode>(&group).unwrap(), []);
    leaves.iter().for_each(|leaf| storage.append_own_leaf_node(&group, leaf).unwrap());
    assert_eq!(storage.own_leaf_nodes::<_, LeafNode>(&group).unwrap(), leaves);
    storage.delete_own_leaf_nodes(&group).unwrap();
    assert!(store.entries().is_empty());
}

#[test]
fn single_values_come_back_per_group_and_go_alone() {
    let store = MemoryStore::new();
    let storage = Storage::new(&store);
    let (group, other) = (GROUP.to_mls(), GroupId::from_slice(b"other"));
    let config = profile::join_config();
    storage.write_mls_join_config(&group, &config).unwrap();
    storage.write_own_leaf_index(&group, &LeafNodeIndex::new(5)).unwrap();
    storage.write_own_leaf_index(&other, &LeafNodeIndex::new(6)).unwrap();
    assert_eq!(storage.mls_group_join_config(&group), Ok(Some(config)));
    assert_eq!(storage.mls_group_join_config::<_, MlsGroupJoinConfig>(&other), Ok(None));
    assert_eq!(storage.own_leaf_index(&group), Ok(Some(LeafNodeIndex::new(5))));
    storage.delete_own_leaf_index(&group).unwrap();
    assert_eq!(storage.own_leaf_index::<_, LeafNodeIndex>(&group), Ok(None));
    assert_eq!(storage.own_leaf_index(&other), Ok(Some(LeafNodeIndex::new(6))));
}

#[test]
fn a_group_written_again_as_it_was_loaded_is_the_same_bytes() {
    let mut pair = Pair::new(Suite::PostQuantum);
    let note = pair.ana_group.encrypt(&pair.ana.provider(), &pair.ana.key, b"", b"n").unwrap();
    pair.rui.read(&mut pair.rui_group, &note);
    let before = pair.rui.store.entries();
    // Changing the settings to and fro writes settings and message secrets anew.
    let provider = pair.rui.provider();
    let mut loaded = MlsGroup::load(provider.storage(), &GROUP.to_mls()).unwrap().unwrap();
    let keep_one = MlsGroupJoinConfig::builder().max_past_epochs(1).build();
    loaded.set_configuration(provider.storage(), &keep_one).unwrap();
    assert_ne!(pair.rui.store.entries(), before);
    loaded.set_configuration(provider.storage(), &profile::join_config()).unwrap();
    assert_eq!(pair.rui.store.entries(), before);
}

/// The rows that hold no keys, as builds wrote them that knew no byte strings.
fn as_it_was(store: &MemoryStore) -> usize {
    let rows = store.entries().into_iter().filter(|(key, _)| b"tc".contains(&key[1]));
    rows.map(|(key, value)| {
        let lists = without_byte_strings(decode(value.clone()).unwrap());
        let former = encode(&lists).unwrap();
        assert!(former.len() > value.len());
        store.put(&key, &former).unwrap();
    })
    .count()
}

fn without_byte_strings(value: Value) -> Value {
    let pair = |(key, value)| (key, without_byte_strings(value));
    match value {
        Value::Bytes(bytes) => Value::Array(bytes.into_iter().map(Value::from).collect()),
        Value::Array(list) => Value::Array(list.into_iter().map(without_byte_strings).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(pair).collect()),
        other => other,
    }
}

/// Whether a certificate's bytes stand in a row one after the other.
fn holds_a_certificate_as_it_is(store: &MemoryStore) -> bool {
    let certificate = [0x80 ^ 1; 600];
    let holds_it = |row: &Vec<u8>| row.windows(certificate.len()).any(|part| part == certificate);
    store.entries().values().any(holds_it)
}

#[test]
fn a_group_of_a_former_build_goes_on_and_is_written_anew() {
    for suite in [Suite::Classic, Suite::PostQuantum] {
        let mut pair = Pair::new(suite);
        assert!(holds_a_certificate_as_it_is(&pair.rui.store));
        assert_eq!(as_it_was(&pair.rui.store), 2);
        assert!(!holds_a_certificate_as_it_is(&pair.rui.store));
        pair.rui_group = pair.rui.load();
        pair.assert_agreed();

        let Pair { ana, ana_group, rui, rui_group } = &mut pair;
        let changes = Changes::default();
        let pending = ana_group.commit(&ana.provider(), &ana.key, b"", changes).unwrap();
        ana_group.merge_pending(&ana.provider()).unwrap();
        rui.follow(rui_group, &pending.commit);
        pair.assert_agreed();
        assert!(holds_a_certificate_as_it_is(&pair.rui.store));
    }
}

#[test]
fn keys_of_an_epoch_are_apart_by_epoch_and_leaf() {
    let pair = Pair::new(Suite::Classic);
    let (provider, group) = (pair.ana.provider(), GROUP.to_mls());
    let stored = |epoch: u64, leaf| -> usize {
        let epoch = GroupEpoch::from(epoch);
        let key = super::rows::row_key(super::rows::Slot::EpochKeyPairs, &(&group, &epoch, leaf));
        usize::from(provider.storage().store().get(&key.unwrap()).unwrap().is_some())
    };
    assert_eq!([stored(0, 0), stored(1, 0), stored(1, 1), stored(2, 0)], [0, 1, 0, 0]);
}

#[test]
fn a_damaged_value_is_the_stores_fault() {
    let pair = Pair::new(Suite::Classic);
    for (key, value) in pair.rui.store.entries() {
        let store = MemoryStore::new();
        pair.rui.store.entries().iter().for_each(|(k, v)| store.put(k, v).unwrap());
        store.put(&key, &value[..value.len() - 1]).unwrap();
        let loaded = Group::load(&pair.rui.backend.on(&store), GROUP);
        match loaded {
            Err(super::super::GroupError::State(StateError::Corrupt(_))) => {}
            // Private keys are read when they are needed.
            Ok(Some(_)) => assert_eq!(key[1], b'h'),
            _ => panic!("another error"),
        }
    }
}
