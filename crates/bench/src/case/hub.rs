//! Orders, chains and signs items as a hub does, and checks nothing: all come from this process.

use std::ops::Range;

use anyhow::{Context as _, Result};
use enlace_channel::channel::JoinOffer;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_identity::names::{DeviceName, Domain, ServiceKind};
use enlace_log::{
    ChainHash, ChainStart, ChannelId, ChannelNonce, DeviceList, Generation, Head, HeadSigner,
    Incarnation, Item, ListChange, Sealed, Seq, VerifiedHead,
};
use enlace_proto::relay::v1 as wire;
use enlace_test_authorities::{Authority, START};

/// The hub of one channel.
pub(crate) struct Hub {
    domain: Domain,
    nonce: ChannelNonce,
    key: SigningKey,
    certificates: Vec<Vec<u8>>,
    signer: HeadSigner,
    items: Vec<Item>,
    chains: Vec<ChainHash>,
    devices: DeviceList,
}

impl Hub {
    /// The hub of an authority.
    pub(crate) fn new(authority: &Authority) -> Self {
        let head = authority.service("h1", ServiceKind::Head);
        Self {
            domain: authority.domain.clone(),
            nonce: ChannelNonce([7; 32]),
            signer: HeadSigner(*head.chain.leaf().fingerprint().as_bytes()),
            certificates: head.chain.ders(),
            key: head.key,
            items: Vec::new(),
            chains: Vec::new(),
            devices: DeviceList::default(),
        }
    }

    /// The channel's id.
    pub(crate) fn channel(&self) -> ChannelId {
        ChannelId::derive(&self.domain, &self.nonce)
    }

    /// Of which authority.
    pub(crate) fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The key that its heads are signed with.
    pub(crate) fn head_key(&self) -> PublicKey {
        self.key.public()
    }

    /// What comes next.
    pub(crate) fn next(&self) -> Seq {
        Seq(self.items.len() as u64)
    }

    /// Gives an item its place.
    pub(crate) fn accept(&mut self, request: &wire::SubmitRequest) -> Result<Seq> {
        let sealed = Sealed::from_request(request)?;
        if let Some(change) = &request.list_change {
            self.devices = self.devices.apply(&ListChange::try_from(change)?)?;
        }
        let item = Item { seq: self.next(), received_at: *START, sealed };
        let before = self.chains.last().copied().unwrap_or_else(|| self.start());
        self.chains.push(item.chain_after(&before));
        self.items.push(item);
        Ok(Seq(self.next().0 - 1))
    }

    /// Items, and its signature at the last of them.
    pub(crate) fn batch(&self, seqs: Range<u64>) -> Result<(&[Item], VerifiedHead)> {
        let last = Seq(seqs.end.checked_sub(1).context("a batch holds something")?);
        let items = self.items.get(seqs.start as usize..seqs.end as usize);
        Ok((items.context("there are so many items")?, self.head_at(last)))
    }

    /// The same as it travels.
    pub(crate) fn batch_on_the_wire(&self, seqs: Range<u64>) -> Result<wire::Items> {
        let (items, head) = self.batch(seqs)?;
        Ok(wire::Items {
            channel: Some(self.wire_id()),
            items: items.iter().map(Item::to_wire).collect(),
            head: Some(head.to_wire()),
        })
    }

    /// Its signature at a position.
    pub(crate) fn head_at(&self, seq: Seq) -> VerifiedHead {
        let chain = self.chains[seq.0 as usize];
        let head = Head { channel: self.channel(), incarnation: Incarnation(0), seq, chain };
        head.sign(&self.key, self.signer)
    }

    /// What the devices that a commit admits are sent.
    pub(crate) fn welcome(&self, seq: Seq, request: &wire::SubmitRequest) -> wire::WelcomeDelivery {
        let place = seq.0 as usize;
        let chain = self.chains[place].0.to_vec();
        let previous_chain = self.chain_before(seq);
        wire::WelcomeDelivery {
            channel: Some(self.wire_id()),
            hub: self.domain.to_string(),
            commit: Some(wire::Item { chain, ..self.items[place].to_wire() }),
            head: Some(self.head_at(seq).to_wire()),
            head_certificates: self.certificates.clone(),
            device_list: self.devices.iter().map(DeviceName::to_string).collect(),
            welcomes: request.welcomes.clone(),
            certificates: request.certificates.clone(),
            nonce: self.nonce.0.to_vec(),
            previous_chain: previous_chain.0.to_vec(),
            creating_hub: String::new(),
            hub_votes: Vec::new(),
        }
    }

    /// The same for members in memory.
    pub(crate) fn offer(&self, seq: Seq, request: &wire::SubmitRequest) -> Result<JoinOffer> {
        let place = seq.0 as usize;
        let mut welcomes = Vec::new();
        for welcome in &request.welcomes {
            for device in &welcome.devices {
                welcomes.push((device.parse()?, welcome.message.clone()));
            }
        }
        Ok(JoinOffer {
            channel: self.channel(),
            commit: self.items[place].clone(),
            previous_chain: self.chain_before(seq),
            chain: self.chains[place],
            head: self.head_at(seq),
            devices: self.devices.clone(),
            welcomes,
            signer: UnverifiedChain::from_ders(&request.certificates)?,
            hub: self.domain.clone(),
            creating_hub: self.domain.clone(),
            hub_votes: Vec::new(),
            nonce: self.nonce,
            log_has_ended: false,
        })
    }

    fn wire_id(&self) -> wire::ChannelId {
        self.channel().to_wire()
    }

    /// The chain before an item.
    pub(crate) fn chain_before(&self, seq: Seq) -> ChainHash {
        seq.0.checked_sub(1).map_or_else(|| self.start(), |before| self.chains[before as usize])
    }

    fn start(&self) -> ChainHash {
        let (channel, hub) = (self.channel(), self.domain.clone());
        ChainStart { channel, hub, generation: Generation(0), predecessor: [0; 32] }.hash()
    }
}
