//! One history of a channel: what its hub says happened.

use std::collections::BTreeMap;

use enlace_identity::names::{DeviceName, Domain};
use enlace_log::{
    ChainHash, ChainStart, ChannelId, ChannelNonce, ClientId, DeviceList, Envelope, Generation,
    Item, ItemKind, ListChange, Sealed, Seq,
};
use enlace_proto::relay::v1::{self as wire, ErrorCode, SubmitRequest};
use enlace_transport::{Clock as _, Refusal, SystemClock};

/// A history.
#[derive(Clone)]
pub(super) struct History {
    start: ChainHash,
    pub(super) nonce: ChannelNonce,
    items: Vec<Item>,
    chains: Vec<ChainHash>,
    pub(super) list: DeviceList,
    accepted: BTreeMap<(DeviceName, ClientId), Seq>,
}

impl History {
    pub(super) fn new(channel: ChannelId, hub: &Domain, nonce: ChannelNonce) -> Self {
        let start = ChainStart {
            channel,
            hub: hub.clone(),
            generation: Generation(0),
            predecessor: [0; 32],
        };
        Self {
            start: start.hash(),
            nonce,
            items: Vec::new(),
            chains: Vec::new(),
            list: DeviceList::default(),
            accepted: BTreeMap::new(),
        }
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    pub(super) fn fence(&self) -> Option<Seq> {
        let is_commit = |item: &&Item| item.sealed.envelope().kind == ItemKind::Commit;
        self.items.iter().rev().find(is_commit).map(|item| item.seq)
    }

    /// As an honest hub takes an item in.
    pub(super) fn submit(&mut self, request: &SubmitRequest) -> Result<Seq, Refusal> {
        let sealed = read(request);
        let envelope = sealed.envelope();
        let key = (author(envelope), envelope.client_id);
        if let Some(seq) = self.accepted.get(&key) {
            return Ok(*seq);
        }
        if envelope.fence != self.fence() {
            let fence = self.fence().map_or(u64::MAX, |fence| fence.0);
            return Err(Refusal::new(ErrorCode::StaleFence, "").with_fence(fence));
        }
        Ok(self.append(request))
    }

    /// As no honest hub does.
    pub(super) fn append(&mut self, request: &SubmitRequest) -> Seq {
        let sealed = read(request);
        let envelope = sealed.envelope();
        let seq = Seq(self.items.len() as u64);
        self.accepted.insert((author(envelope), envelope.client_id), seq);
        if let Some(change) = &request.list_change {
            self.list = self.list.apply(&ListChange::try_from(change).unwrap()).unwrap();
        }
        let item = Item { seq, received_at: SystemClock.now(), sealed };
        self.chains.push(item.chain_after(&self.before(seq)));
        self.items.push(item);
        seq
    }

    /// The chain before a position.
    pub(super) fn before(&self, seq: Seq) -> ChainHash {
        seq.0.checked_sub(1).map_or(self.start, |last| self.at(Seq(last)))
    }

    pub(super) fn at(&self, seq: Seq) -> ChainHash {
        self.chains[usize::try_from(seq.0).unwrap()]
    }

    /// What comes from a position on, up to the next commit; each with the chain there.
    pub(super) fn batch(&self, from: Seq) -> Vec<wire::Item> {
        let mut batch = Vec::new();
        for item in self.items.iter().filter(|item| item.seq >= from) {
            batch.push(wire::Item { chain: self.at(item.seq).0.to_vec(), ..item.to_wire() });
            if item.sealed.envelope().kind == ItemKind::Commit {
                break;
            }
        }
        batch
    }
}

fn read(request: &SubmitRequest) -> Sealed {
    Sealed::from_request(request).unwrap()
}

fn author(envelope: &Envelope) -> DeviceName {
    envelope.device().expect("no hub's statement is submitted").clone()
}
