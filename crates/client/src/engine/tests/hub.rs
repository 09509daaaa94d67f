//! A hub in memory: it orders, chains, signs and hands out, as PROTOCOL.md says, and can be told to
//! misbehave.

use std::collections::BTreeMap;

use bytes::Bytes;
use enlace_identity::names::{DeviceName, LeafName, OfficerAddress};
use enlace_identity::time::Timestamp;
use enlace_log::{
    ChainHash, ChainStart, ChannelId, ClientId, Commitment, DeviceList, Envelope, Generation, Head,
    HeadSigner, HubStatement, Incarnation, Incarnations, Item, ItemKind, ListChange, ListHash,
    PayloadHash, Sealed, Seq, SignedHubVote, TakeOver, Tombstone, WelcomesHash,
};
use enlace_proto::relay::v1 as wire;
use enlace_proto::relay::v1::ErrorCode;
use enlace_transport::{CallError, Refusal};

use crate::testing::TestAuthority;

/// Items that a reader gets at once.
const BATCH: usize = 256;

/// A channel's log.
pub(crate) struct Log {
    pub(crate) items: Vec<Item>,
    chains: Vec<ChainHash>,
    fence: Option<Seq>,
    /// After each change, relative to the one that its author holds valid.
    lists: BTreeMap<Seq, DeviceList>,
    incarnations: Incarnations,
    nonce: Vec<u8>,
    /// Where another authority's relay took over, and by which votes.
    pub(crate) moves: Vec<(Seq, TestAuthorityKeys, Vec<SignedHubVote>)>,
    accepted: BTreeMap<(DeviceName, ClientId), Seq>,
}

impl Log {
    /// Who may write.
    fn list(&self) -> DeviceList {
        self.lists.values().next_back().cloned().unwrap_or_default()
    }

    /// Erases what the item at a place names, if that is a tombstone.
    fn carry_out(&mut self, seq: Seq) {
        let item = &self.items[usize::try_from(seq.0).unwrap()];
        if item.sealed.envelope().kind != ItemKind::Tombstone {
            return;
        }
        let tombstone = Tombstone::decode(item.sealed.payload().unwrap()).unwrap();
        for (named, _) in tombstone.erased {
            let item = &mut self.items[usize::try_from(named.0).unwrap()];
            let sealed = &item.sealed;
            let envelope = sealed.envelope_bytes().clone();
            let signature = sealed.outer_signature().as_bytes().to_vec();
            item.sealed = Sealed::read(envelope, &signature, Bytes::new(), None).unwrap();
        }
    }
}

/// The hub of all channels of a test.
pub(crate) struct Hub {
    authority: TestAuthorityKeys,
    pub(crate) logs: BTreeMap<ChannelId, Log>,
    pub(crate) pools: BTreeMap<OfficerAddress, Vec<(DeviceName, Vec<u8>)>>,
    pub(crate) welcomes: BTreeMap<DeviceName, Vec<wire::WelcomeDelivery>>,
    pub(crate) counters: BTreeMap<DeviceName, u64>,
}

impl TestAuthorityKeys {
    fn of(authority: &TestAuthority) -> Self {
        let chain = authority.head_certificates();
        Self {
            domain: authority.domain.clone(),
            key: authority.head_key.clone(),
            certificates: chain.ders(),
            signer: HeadSigner(*chain.leaf().fingerprint().as_bytes()),
        }
    }
}

pub(crate) struct TestAuthorityKeys {
    domain: enlace_identity::names::Domain,
    key: enlace_identity::keys::SigningKey,
    certificates: Vec<Vec<u8>>,
    signer: HeadSigner,
}

impl Hub {
    pub(crate) fn new(authority: &TestAuthority) -> Self {
        Self {
            authority: TestAuthorityKeys::of(authority),
            logs: BTreeMap::new(),
            pools: BTreeMap::new(),
            welcomes: BTreeMap::new(),
            counters: BTreeMap::new(),
        }
    }

    pub(crate) fn head_certificates(&self) -> &[Vec<u8>] {
        &self.authority.certificates
    }

    /// Those of the relay that a channel has moved to.
    pub(crate) fn present_certificates(&self, channel: ChannelId) -> &[Vec<u8>] {
        &self.keys_at(channel, Seq(u64::MAX)).certificates
    }

    pub(crate) fn sign(&self, channel: ChannelId, seq: Seq, chain: ChainHash) -> wire::SignedHead {
        let log = self.logs.get(&channel);
        let incarnation = log.map_or(Incarnation(0), |log| log.incarnations.at(seq));
        let head = Head { channel, incarnation, seq, chain };
        let keys = self.keys_at(channel, seq);
        head.sign(&keys.key, keys.signer).to_wire()
    }

    pub(crate) fn head(&self, channel: ChannelId) -> wire::SignedHead {
        let log = &self.logs[&channel];
        let last = log.items.last().unwrap().seq;
        self.sign(channel, last, *log.chains.last().unwrap())
    }

    /// What a place holds.
    pub(crate) fn payload(&self, channel: ChannelId, seq: Seq) -> Vec<u8> {
        let item = &self.logs[&channel].items[usize::try_from(seq.0).unwrap()];
        item.sealed.payload().map(|payload| payload.to_vec()).unwrap_or_default()
    }

    pub(crate) fn chain_at(&self, channel: ChannelId, seq: Seq) -> ChainHash {
        self.logs[&channel].chains[usize::try_from(seq.0).unwrap()]
    }

    /// Whose relay orders a place.
    fn keys_at(&self, channel: ChannelId, seq: Seq) -> &TestAuthorityKeys {
        let moves = self.logs.get(&channel).map(|log| &log.moves[..]).unwrap_or_default();
        let there = moves.iter().rev().find(|(from, ..)| *from <= seq);
        there.map_or(&self.authority, |(_, keys, _)| keys)
    }

    /// The items from a place on that a relay hands out at once, and its signature at the last: a statement
    /// begins its own frame.
    pub(crate) fn frame(
        &self,
        channel: ChannelId,
        from: Seq,
    ) -> (Vec<wire::Item>, wire::SignedHead) {
        let log = &self.logs[&channel];
        let is_later = |item: &&Item| item.seq > from;
        let is_statement = |item: &&Item| item.sealed.envelope().kind == ItemKind::HubStatement;
        let statement = log.items.iter().filter(is_later).find(is_statement);
        let end = statement.map_or(log.items.len() as u64, |item| item.seq.0);
        let end = Seq(end.min(from.0.saturating_add(BATCH as u64)));
        let items = log.items.iter().filter(|item| item.seq >= from && item.seq < end);
        let last = Seq(end.0 - 1);
        (items.map(Item::to_wire).collect(), self.sign(channel, last, self.chain_at(channel, last)))
    }

    pub(crate) fn items_from(&self, channel: ChannelId, from: Seq) -> Vec<wire::Item> {
        let items = &self.logs[&channel].items;
        let behind = items.partition_point(|item| item.seq < from);
        items[behind..].iter().map(Item::to_wire).collect()
    }

    /// Begins anew with a log that ends at `last`; what came after it is lost.
    pub(crate) fn begin_anew(&mut self, channel: ChannelId, last: Seq, now: Timestamp) {
        self.begin(channel, last, now, None);
    }

    /// The relay of another authority goes on after `last`.
    pub(crate) fn take_over(
        &mut self,
        channel: ChannelId,
        last: Seq,
        now: Timestamp,
        (authority, votes): (&TestAuthority, Vec<SignedHubVote>),
    ) {
        let log = self.logs.get_mut(&channel).unwrap();
        log.moves.push((last.next(), TestAuthorityKeys::of(authority), votes.clone()));
        let hub = authority.domain.clone();
        self.begin(channel, last, now, Some(TakeOver { hub, votes }));
    }

    fn begin(
        &mut self,
        channel: ChannelId,
        last: Seq,
        now: Timestamp,
        taken_over: Option<TakeOver>,
    ) {
        let keys = self.keys_at(channel, last.next());
        let (signer, relay) = (keys.signer, format!("r1.relay.{}", keys.domain));
        let key = keys.key.clone();
        let log = self.logs.get_mut(&channel).unwrap();
        let count = usize::try_from(last.0).unwrap() + 1;
        log.items.truncate(count);
        log.chains.truncate(count);
        log.accepted.retain(|_, seq| *seq <= last);
        let is_commit = |item: &&Item| item.sealed.envelope().kind == ItemKind::Commit;
        log.fence = log.items.iter().rev().find(is_commit).map(|item| item.seq);
        log.lists.retain(|seq, _| *seq <= last);
        let incarnation = log.incarnations.newest().next();
        let statement = HubStatement {
            incarnation,
            held: None,
            lost: None,
            unheard: Vec::new(),
            signer,
            taken_over,
        };
        let payload = statement.encode();
        let envelope = Envelope {
            kind: ItemKind::HubStatement,
            author: LeafName::Service(relay.parse().unwrap()),
            fence: log.fence,
            last_valid_commit: None,
            commitment: Commitment::NONE,
            payload_hash: PayloadHash::of(&payload),
            ..log.items[count - 1].sealed.envelope().clone()
        };
        let envelope =
            Envelope { list_hash: ListHash::NONE, welcomes_hash: WelcomesHash::NONE, ..envelope };
        let signature = envelope.sign(&key);
        let sealed = Sealed::new(envelope, signature, payload.into());
        let item = Item { seq: last.next(), received_at: now, sealed };
        log.chains.push(item.chain_after(&log.chains[count - 1]));
        log.items.push(item);
        log.incarnations.begin(last.next(), incarnation);
    }

    /// Begins a channel; its id is the one that follows from hub and nonce.
    pub(crate) fn create(
        &mut self,
        request: wire::CreateChannelRequest,
        now: Timestamp,
    ) -> Result<wire::SubmitResponse, CallError> {
        let first = request.first.unwrap();
        let channel = enlace_log::Sealed::from_request(&first).unwrap().envelope().channel;
        let nonce = request.nonce[..].try_into().unwrap();
        assert_eq!(channel, ChannelId::derive(&self.authority.domain, &nonce));
        self.logs.entry(channel).or_insert_with(|| Log::new(request.nonce));
        self.submit(first, now)
    }

    pub(crate) fn submit(
        &mut self,
        request: wire::SubmitRequest,
        now: Timestamp,
    ) -> Result<wire::SubmitResponse, CallError> {
        let sealed = enlace_log::Sealed::from_request(&request).unwrap();
        let envelope = sealed.envelope().clone();
        let author = envelope.device().unwrap().clone();
        let counter = self.counters.entry(author.clone()).or_default();
        *counter = (*counter).max(envelope.submit_counter.0);
        let channel = envelope.channel;
        let start = self.chain_start(channel);
        let log = self.logs.get_mut(&channel).ok_or_else(|| no(ErrorCode::UnknownChannel))?;
        let key = (author.clone(), envelope.client_id);
        if let Some(seq) = log.accepted.get(&key).copied() {
            let head = Some(self.head(channel));
            return Ok(wire::SubmitResponse { seq: seq.0, received_at_ms: now.as_millis(), head });
        }
        if log.fence.is_some() && !log.list().contains(&author) {
            return Err(no(ErrorCode::NotAMember));
        }
        if envelope.fence != log.fence {
            let fence = log.fence.map_or(u64::MAX, |fence| fence.0);
            let stale = Refusal::new(ErrorCode::StaleFence, "").with_fence(fence);
            return Err(stale.into());
        }
        let seq = Seq(log.items.len() as u64);
        let item = Item { seq, received_at: now, sealed };
        let before = log.chains.last().copied().unwrap_or(start);
        log.chains.push(item.chain_after(&before));
        log.accepted.insert(key, seq);
        if envelope.kind.is_change() {
            log.fence = Some(seq);
            let change = ListChange::try_from(&request.list_change.clone().unwrap()).unwrap();
            let base = envelope.last_valid_commit.and_then(|seq| log.lists.get(&seq)).cloned();
            log.lists.insert(seq, base.unwrap_or_default().apply(&change).unwrap());
        }
        log.items.push(item);
        log.carry_out(seq);
        self.welcome(channel, seq, &request);
        let head = Some(self.head(channel));
        Ok(wire::SubmitResponse { seq: seq.0, received_at_ms: now.as_millis(), head })
    }

    fn chain_start(&self, channel: ChannelId) -> ChainHash {
        let (hub, generation) = (self.authority.domain.clone(), Generation(0));
        ChainStart { channel, hub, generation, predecessor: [0; 32] }.hash()
    }

    fn welcome(&mut self, channel: ChannelId, seq: Seq, request: &wire::SubmitRequest) {
        let log = &self.logs[&channel];
        let mut commit = log.items[usize::try_from(seq.0).unwrap()].to_wire();
        let chain = *log.chains.last().unwrap();
        let previous_chain = log.chains.iter().rev().nth(1);
        let previous_chain = previous_chain.map_or_else(|| self.chain_start(channel), |c| *c);
        commit.chain = chain.0.to_vec();
        let (keys, moved) = (self.keys_at(channel, seq), log.moves.last());
        let delivery = wire::WelcomeDelivery {
            channel: Some(channel.to_wire()),
            hub: keys.domain.to_string(),
            commit: Some(commit),
            head: Some(self.sign(channel, seq, chain)),
            head_certificates: keys.certificates.clone(),
            device_list: log.list().iter().map(ToString::to_string).collect(),
            welcomes: request.welcomes.clone(),
            certificates: request.certificates.clone(),
            nonce: log.nonce.clone(),
            previous_chain: previous_chain.0.to_vec(),
            creating_hub: moved.map(|_| self.authority.domain.to_string()).unwrap_or_default(),
            hub_votes: moved
                .map(|(.., votes)| votes.iter().map(SignedHubVote::encode).collect())
                .unwrap_or_default(),
        };
        for device in request.welcomes.iter().flat_map(|welcome| &welcome.devices) {
            let device = device.parse().unwrap();
            self.welcomes.entry(device).or_default().push(delivery.clone());
        }
    }

    /// Two at a time, so that it takes several calls.
    pub(crate) fn contacts(
        &self,
        request: &wire::FetchContactsRequest,
    ) -> wire::FetchContactsResponse {
        let known = self.pools.iter().filter(|(_, pool)| !pool.is_empty());
        let own = known.filter(|(officer, _)| *officer.domain() == self.authority.domain);
        let mut behind: Vec<String> = own
            .map(|(officer, _)| officer.to_string())
            .filter(|officer| *officer > request.after)
            .collect();
        behind.sort();
        let more = behind.len() > 2;
        behind.truncate(2);
        wire::FetchContactsResponse { officers: behind, more }
    }

    pub(crate) fn claim(
        &mut self,
        request: &wire::ClaimKeyPackagesRequest,
    ) -> Result<Vec<wire::ClaimedKeyPackage>, CallError> {
        let named = request.devices.iter().map(|name| name.parse::<DeviceName>().unwrap());
        let of_devices = named.map(|device| (device.officer().clone(), Some(device)));
        let of_officers = request.officers.iter().map(|name| (name.parse().unwrap(), None));
        let mut claimed = Vec::new();
        for (officer, device) in of_devices.chain(of_officers) {
            let Some(pool) = self.pools.get_mut(&officer) else { continue };
            let is_wanted = |of: &DeviceName| device.as_ref().is_none_or(|wanted| wanted == of);
            let Some(first) = pool.iter().position(|(of, _)| is_wanted(of)) else { continue };
            let (device, key_package) = pool.remove(first);
            let device = device.to_string();
            claimed.push(wire::ClaimedKeyPackage { device, key_package, last_resort: false });
        }
        if claimed.is_empty() { Err(no(ErrorCode::NoKeyPackage)) } else { Ok(claimed) }
    }
}

impl Log {
    fn new(nonce: Vec<u8>) -> Self {
        Self {
            items: Vec::new(),
            chains: Vec::new(),
            fence: None,
            lists: BTreeMap::new(),
            incarnations: Incarnations::default(),
            nonce,
            moves: Vec::new(),
            accepted: BTreeMap::new(),
        }
    }
}

fn no(code: ErrorCode) -> CallError {
    Refusal::new(code, "").into()
}
