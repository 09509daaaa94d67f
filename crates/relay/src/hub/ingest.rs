//! What a follower receives from a hub: batches of a log, and welcomes.

use std::collections::BTreeSet;

use bytes::Bytes;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::names::{DeviceName, Domain};
use enlace_log::device_list::parse_sorted;
use enlace_log::hub_vote::authorities_of;
use enlace_log::{
    ChainHash, ChannelId, ChannelNonce, DeviceList, Item, ItemKind, SignedHead, SignedHubVote,
    TakeOver, VerifiedHead,
};
use enlace_proto::relay::v1 as wire;
use prost::Message as _;

use super::errors::IngestError;
use super::submission::{is_signed_by, read_welcomes};
use super::trust::{DeviceTrust, TrustError};

/// Consecutive items of another hub's log, and its verified signature over the last of them.
#[derive(Clone, Debug)]
pub struct Copy {
    /// The authority whose head key signed.
    pub hub: Domain,
    /// The items, at least one.
    pub items: Vec<Item>,
    /// The head at the last item, its signature verified with a head key of `hub`.
    pub head: VerifiedHead,
}

/// A welcome from another hub, checked: the place where this relay's copy of the log can begin.
#[derive(Clone, Debug)]
pub struct Anchor {
    pub(crate) hub: Domain,
    pub(crate) creating_hub: Domain,
    pub(crate) nonce: ChannelNonce,
    pub(crate) commit: Item,
    pub(crate) author: DeviceName,
    pub(crate) chain: ChainHash,
    pub(crate) head: SignedHead,
    pub(crate) list: DeviceList,
    /// This authority's devices among the welcomed.
    pub(crate) devices: Vec<DeviceName>,
    /// As received: what its devices get.
    pub(crate) delivery: wire::WelcomeDelivery,
}

impl Anchor {
    /// Checks a delivery. `head` is its head, verified with a head key of the delivering
    /// authority; `hub` that authority; `own` this relay's. The channel's id has to be one that
    /// this hub can give, and the head to be about this very commit and its time.
    ///
    /// # Errors
    /// The sender's fault.
    pub fn check(
        delivery: wire::WelcomeDelivery,
        head: &VerifiedHead,
        hub: &Domain,
        own: &Domain,
        trust: &dyn DeviceTrust,
    ) -> Result<Self, IngestError> {
        if delivery.hub != hub.as_str() || hub == own {
            return Err(IngestError::Welcome("hub"));
        }
        let wire_item = delivery.commit.clone().ok_or(IngestError::Welcome("commit"))?;
        let chain: ChainHash =
            wire_item.chain[..].try_into().map_err(|_| IngestError::Welcome("chain"))?;
        let signed = head.head();
        if delivery.channel.as_ref().is_none_or(|id| id.value != signed.channel.0) {
            return Err(IngestError::Welcome("channel"));
        }
        let commit = Item::from_wire(signed.channel, wire_item)?;
        let envelope = commit.sealed.envelope();
        let nonce: ChannelNonce =
            delivery.nonce[..].try_into().map_err(|_| IngestError::Welcome("nonce"))?;
        let creating_hub = creating_hub(&delivery, signed.channel, &commit, hub, trust)?;
        if envelope.channel != ChannelId::derive(&creating_hub, &nonce) {
            return Err(IngestError::Welcome("nonce"));
        }
        if signed.seq != commit.seq || signed.chain != chain {
            return Err(IngestError::Welcome("head"));
        }
        let previous_chain = delivery.previous_chain[..].try_into();
        let previous_chain = previous_chain.map_err(|_| IngestError::Welcome("previous_chain"))?;
        if commit.chain_after(&previous_chain) != chain {
            return Err(IngestError::Welcome("chain"));
        }
        if envelope.kind != ItemKind::Commit || commit.sealed.payload().is_none() {
            return Err(IngestError::Welcome("kind"));
        }
        let list = parse_sorted(&delivery.device_list)
            .map_err(|_| IngestError::Welcome("device_list"))?
            .into_iter()
            .collect::<DeviceList>();
        if list.hash() != envelope.list_hash {
            return Err(IngestError::Welcome("device_list"));
        }
        let welcomed = read_welcomes(&delivery.welcomes, envelope.welcomes_hash)
            .map_err(|_| IngestError::Welcome("welcomes"))?;
        let certificates = UnverifiedChain::from_ders(&delivery.certificates);
        let certificates = certificates.map_err(TrustError::from)?;
        let signer = trust.device_key_at(&certificates, commit.received_at)?;
        if !is_signed_by(&commit.sealed, &signer) {
            return Err(IngestError::Welcome("outer_signature"));
        }
        let devices: Vec<DeviceName> =
            welcomed.into_keys().filter(|d| d.domain() == own && list.contains(d)).collect();
        if devices.is_empty() {
            return Err(IngestError::NobodyHere);
        }
        let (hub, head) = (hub.clone(), head.signed().clone());
        let author = commit.sealed.envelope().device().cloned();
        let author = author.ok_or(IngestError::Welcome("author"))?;
        Ok(Self { hub, creating_hub, nonce, commit, author, chain, head, list, devices, delivery })
    }

    /// What is kept for its devices.
    pub(crate) fn delivery_bytes(&self) -> Bytes {
        self.delivery.encode_to_vec().into()
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        self.commit.sealed.envelope().channel
    }
}

/// Whose relay created the channel. That it has moved since is believed when members of two
/// authorities at least voted for the hub that delivers: this relay knows none of them yet. Their
/// certificates may have ended since.
fn creating_hub(
    delivery: &wire::WelcomeDelivery,
    channel: ChannelId,
    commit: &Item,
    hub: &Domain,
    trust: &dyn DeviceTrust,
) -> Result<Domain, IngestError> {
    if delivery.creating_hub.is_empty() {
        return Ok(hub.clone());
    }
    let creating = delivery.creating_hub.parse::<Domain>();
    let creating = creating.map_err(|_| IngestError::Welcome("creating_hub"))?;
    if creating == *hub || delivery.hub_votes.len() > TakeOver::MAX_VOTES {
        return Err(IngestError::Welcome("creating_hub"));
    }
    let mut voters = BTreeSet::new();
    for vote in &delivery.hub_votes {
        let vote = SignedHubVote::decode(vote).map_err(|_| IngestError::Welcome("hub_votes"))?;
        let began = vote.chain().unverified_validity().map(|validity| validity.not_before);
        let mut held = std::iter::once(commit.received_at)
            .chain(began)
            .filter_map(|at| trust.device_key_at(vote.chain(), at).ok());
        let Some((device, key)) = held.next() else { continue };
        let vote = vote.verify(device, &key).map_err(|_| IngestError::Welcome("hub_votes"))?;
        if vote.channel == channel && vote.to == *hub {
            voters.insert(vote.device().clone());
        }
    }
    if authorities_of(&voters, &trust.former_domains()).len() < 2 {
        return Err(IngestError::Welcome("hub_votes"));
    }
    Ok(creating)
}
