//! openmls's storage trait, entity by entity.

use openmls_traits::storage::{CURRENT_VERSION as V, StorageProvider, traits};

use super::rows::Slot;
use super::{Storage, StorageFailure};

/// One row per group: how it is written, read and deleted.
macro_rules! per_group {
    ($($write:ident $read:ident $delete:ident: $entity:ident in $slot:ident;)*) => {$(
        fn $write<G: traits::GroupId<V>, E: traits::$entity<V>>(
            &self,
            group: &G,
            value: &E,
        ) -> Result<(), StorageFailure> {
            self.write(Slot::$slot, group, value)
        }

        fn $read<G: traits::GroupId<V>, E: traits::$entity<V>>(
            &self,
            group: &G,
        ) -> Result<Option<E>, StorageFailure> {
            self.read(Slot::$slot, group)
        }

        fn $delete<G: traits::GroupId<V>>(&self, group: &G) -> Result<(), StorageFailure> {
            self.remove(Slot::$slot, group)
        }
    )*};
}

/// One row per key that openmls names. The order of a getter's type parameters is openmls's.
macro_rules! per_key {
    ($($write:ident $read:ident<$first:ident, $second:ident> $delete:ident:
        $key:ident -> $entity:ident in $slot:ident;)*) => {$(
        fn $write<$key: traits::$key<V>, $entity: traits::$entity<V>>(
            &self,
            id: &$key,
            value: &$entity,
        ) -> Result<(), StorageFailure> {
            self.write(Slot::$slot, id, value)
        }

        fn $read<$first: traits::$first<V>, $second: traits::$second<V>>(
            &self,
            id: &$key,
        ) -> Result<Option<$entity>, StorageFailure> {
            self.read(Slot::$slot, id)
        }

        fn $delete<$key: traits::$key<V>>(&self, id: &$key) -> Result<(), StorageFailure> {
            self.remove(Slot::$slot, id)
        }
    )*};
}

impl StorageProvider<V> for Storage<'_> {
    type Error = StorageFailure;

    per_group! {
        write_mls_join_config mls_group_join_config delete_group_config: MlsGroupJoinConfig in JoinConfig;
        write_tree tree delete_tree: TreeSync in Tree;
        write_interim_transcript_hash interim_transcript_hash delete_interim_transcript_hash:
            InterimTranscriptHash in InterimTranscriptHash;
        write_context group_context delete_context: GroupContext in Context;
        write_confirmation_tag confirmation_tag delete_confirmation_tag:
            ConfirmationTag in ConfirmationTag;
        write_message_secrets message_secrets delete_message_secrets: MessageSecrets in MessageSecrets;
        write_resumption_psk_store resumption_psk_store delete_all_resumption_psk_secrets:
            ResumptionPskStore in ResumptionPsks;
        write_own_leaf_index own_leaf_index delete_own_leaf_index: LeafNodeIndex in OwnLeafIndex;
        write_group_epoch_secrets group_epoch_secrets delete_group_epoch_secrets:
            GroupEpochSecrets in EpochSecrets;
    }

    per_key! {
        write_signature_key_pair signature_key_pair<SignaturePublicKey, SignatureKeyPair>
            delete_signature_key_pair: SignaturePublicKey -> SignatureKeyPair in SignatureKeyPair;
        write_encryption_key_pair encryption_key_pair<HpkeKeyPair, EncryptionKey>
            delete_encryption_key_pair: EncryptionKey -> HpkeKeyPair in EncryptionKeyPair;
        write_key_package key_package<HashReference, KeyPackage> delete_key_package:
            HashReference -> KeyPackage in KeyPackage;
        write_psk psk<PskBundle, PskId> delete_psk: PskId -> PskBundle in Psk;
    }

    fn write_group_state<E: traits::GroupState<V>, G: traits::GroupId<V>>(
        &self,
        group: &G,
        value: &E,
    ) -> Result<(), StorageFailure> {
        self.write(Slot::GroupState, group, value)
    }

    fn group_state<E: traits::GroupState<V>, G: traits::GroupId<V>>(
        &self,
        group: &G,
    ) -> Result<Option<E>, StorageFailure> {
        self.read(Slot::GroupState, group)
    }

    fn delete_group_state<G: traits::GroupId<V>>(&self, group: &G) -> Result<(), StorageFailure> {
        self.remove(Slot::GroupState, group)
    }

    fn append_own_leaf_node<G: traits::GroupId<V>, E: traits::LeafNode<V>>(
        &self,
        group: &G,
        leaf: &E,
    ) -> Result<(), StorageFailure> {
        self.append(Slot::OwnLeafNodes, group, leaf)
    }

    fn own_leaf_nodes<G: traits::GroupId<V>, E: traits::LeafNode<V>>(
        &self,
        group: &G,
    ) -> Result<Vec<E>, StorageFailure> {
        self.read_list(Slot::OwnLeafNodes, group)
    }

    fn delete_own_leaf_nodes<G: traits::GroupId<V>>(
        &self,
        group: &G,
    ) -> Result<(), StorageFailure> {
        self.remove(Slot::OwnLeafNodes, group)
    }

    fn queue_proposal<
        G: traits::GroupId<V>,
        R: traits::ProposalRef<V>,
        E: traits::QueuedProposal<V>,
    >(
        &self,
        group: &G,
        reference: &R,
        proposal: &E,
    ) -> Result<(), StorageFailure> {
        let known: Option<E> = self.read(Slot::Proposal, &(group, reference))?;
        self.write(Slot::Proposal, &(group, reference), proposal)?;
        match known {
            Some(_) => Ok(()),
            None => self.append(Slot::ProposalOrder, group, reference),
        }
    }

    fn queued_proposal_refs<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
    ) -> Result<Vec<R>, StorageFailure> {
        self.read_list(Slot::ProposalOrder, group)
    }

    fn queued_proposals<
        G: traits::GroupId<V>,
        R: traits::ProposalRef<V>,
        E: traits::QueuedProposal<V>,
    >(
        &self,
        group: &G,
    ) -> Result<Vec<(R, E)>, StorageFailure> {
        let mut proposals = Vec::new();
        for reference in self.queued_proposal_refs::<G, R>(group)? {
            if let Some(proposal) = self.read(Slot::Proposal, &(group, &reference))? {
                proposals.push((reference, proposal));
            }
        }
        Ok(proposals)
    }

    fn remove_proposal<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
        reference: &R,
    ) -> Result<(), StorageFailure> {
        self.remove(Slot::Proposal, &(group, reference))?;
        self.remove_element(Slot::ProposalOrder, group, reference)
    }

    fn clear_proposal_queue<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
    ) -> Result<(), StorageFailure> {
        for reference in self.queued_proposal_refs::<G, R>(group)? {
            self.remove(Slot::Proposal, &(group, &reference))?;
        }
        self.remove(Slot::ProposalOrder, group)
    }

    fn write_encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        K: traits::EpochKey<V>,
        E: traits::HpkeKeyPair<V>,
    >(
        &self,
        group: &G,
        epoch: &K,
        leaf: u32,
        pairs: &[E],
    ) -> Result<(), StorageFailure> {
        self.epoch_keys_written.set(pairs.len());
        self.write(Slot::EpochKeyPairs, &(group, epoch, leaf), &pairs)
    }

    fn encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        K: traits::EpochKey<V>,
        E: traits::HpkeKeyPair<V>,
    >(
        &self,
        group: &G,
        epoch: &K,
        leaf: u32,
    ) -> Result<Vec<E>, StorageFailure> {
        self.read_list(Slot::EpochKeyPairs, &(group, epoch, leaf))
    }

    fn delete_encryption_epoch_key_pairs<G: traits::GroupId<V>, K: traits::EpochKey<V>>(
        &self,
        group: &G,
        epoch: &K,
        leaf: u32,
    ) -> Result<(), StorageFailure> {
        self.remove(Slot::EpochKeyPairs, &(group, epoch, leaf))
    }
}
