//! What is written beside an item: who may read, and the welcomes of a commit.

use std::collections::BTreeSet;

use enlace_identity::names::DeviceName;
use enlace_log::membership::{Event, ReadRange};
use enlace_log::{ChainHash, Item, Seq};
use enlace_proto::relay::v1 as wire;
use prost::Message as _;

use super::ChannelState;
use crate::hub::submission::Submission;
use crate::storage::LogWrite;

impl ChannelState {
    /// Applies an event; true when who may read has changed.
    pub(super) fn apply(&mut self, seq: Seq, event: Event, writes: &mut Vec<LogWrite>) -> bool {
        let before = self.rights();
        self.membership.apply(&event);
        let channel = self.channel();
        writes.push(LogWrite::Event { channel, seq, event });
        let changed = self
            .membership
            .readers()
            .filter(|(device, range)| !before.contains(&((*device).clone(), *range)))
            .map(|(device, range)| LogWrite::Reader { channel, device: device.clone(), range });
        let count = writes.len();
        writes.extend(changed);
        writes.len() > count
    }

    fn rights(&self) -> BTreeSet<(DeviceName, ReadRange)> {
        self.membership.readers().map(|(device, range)| (device.clone(), range)).collect()
    }

    /// What is delivered to those whom a commit admits; `None` when it admits nobody. The head is
    /// signed when it is delivered: only then is the commit durable. The commit is applied to the
    /// membership, and not yet part of the chain.
    pub(super) fn welcome_write(
        &self,
        submission: &Submission,
        commit: &Item,
        chain: &ChainHash,
    ) -> Option<LogWrite> {
        if submission.welcomes().is_empty() {
            return None;
        }
        let seq = commit.seq;
        let mut commit = commit.to_wire();
        commit.chain = chain.0.to_vec();
        let channel = self.channel();
        let delivery = wire::WelcomeDelivery {
            channel: Some(channel.to_wire()),
            hub: self.hub.to_string(),
            commit: Some(commit),
            head: None,
            head_certificates: Vec::new(),
            device_list: self.membership.current().iter().map(ToString::to_string).collect(),
            welcomes: submission.welcomes().to_vec(),
            certificates: submission.certificates().to_vec(),
            nonce: self.nonce.0.to_vec(),
            previous_chain: self.chain().0.to_vec(),
            creating_hub: self.foreign_creator().map(ToString::to_string).unwrap_or_default(),
            hub_votes: Vec::new(),
        };
        let is_own = |device: &&DeviceName| *device.domain() == self.hub;
        let domains: BTreeSet<_> =
            submission.welcomed().filter(|d| !is_own(d)).map(|d| d.domain().clone()).collect();
        Some(LogWrite::Welcome {
            channel,
            seq,
            delivery: delivery.encode_to_vec().into(),
            devices: submission.welcomed().filter(is_own).cloned().collect(),
            domains: domains.into_iter().collect(),
        })
    }
}
