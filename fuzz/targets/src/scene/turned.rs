//! Devices and hubs that turned bad: they sign whatever an input makes of their messages.

use enlace_identity::names::DeviceName;
use enlace_log::{
    ChainHash, ChannelId, DeviceList, Envelope, Head, Incarnation, Item, VerifiedHead, WelcomesHash,
};
use enlace_proto::relay::v1 as wire;

use super::{Log, network, seeded_key};

/// A request whose author has put hashes and signature right.
#[must_use]
pub fn submit_again(request: wire::SubmitRequest) -> Option<wire::SubmitRequest> {
    let channel = ChannelId::try_from(&request.channel.as_ref()?.value[..]).ok()?;
    let envelope = request.envelope.as_ref()?;
    let mut envelope = Envelope::from_wire(channel, envelope, Some(&request.payload)).ok()?;
    envelope.welcomes_hash = hash_of(&request.welcomes)?;
    let outer_signature = sign(&envelope);
    let envelope = Some(envelope.to_wire(true));
    Some(wire::SubmitRequest { envelope, outer_signature, ..request })
}

/// An item whose author has put its payload's hash and the signature right.
#[must_use]
pub fn seal_again(item: wire::Item) -> Option<wire::Item> {
    let envelope = envelope_of(&item)?;
    let outer_signature = sign(&envelope);
    let envelope = Some(Box::new(envelope.to_wire(!item.payload.is_empty())));
    Some(wire::Item { envelope, outer_signature, ..item })
}

fn envelope_of(item: &wire::Item) -> Option<Envelope> {
    let payload = (!item.payload.is_empty()).then_some(&item.payload[..]);
    Envelope::from_wire(Log::channel(), item.envelope.as_deref()?, payload).ok()
}

/// A delivery to which the commit's author and the hub have lent their hands.
#[must_use]
pub fn deliver_again(mut delivery: wire::WelcomeDelivery) -> Option<wire::WelcomeDelivery> {
    let mut commit = delivery.commit?;
    let mut envelope = envelope_of(&commit)?;
    let list: Option<DeviceList> =
        delivery.device_list.iter().map(|device| device.parse().ok()).collect();
    envelope.list_hash = list?.hash();
    envelope.welcomes_hash = hash_of(&delivery.welcomes)?;
    commit.envelope = Some(Box::new(envelope.to_wire(!commit.payload.is_empty())));
    let commit = seal_again(commit)?;
    let before = ChainHash::try_from(&delivery.previous_chain[..]).ok()?;
    let item = Item::from_wire(Log::channel(), commit.clone()).ok()?;
    let head = head_over(std::slice::from_ref(&item), before)?;
    let chain = head.head().chain.0.to_vec();
    delivery.head = Some(head.to_wire());
    delivery.commit = Some(wire::Item { chain, ..commit });
    Some(delivery)
}

/// The hub's signature over items that it has put after `before`; None where there are none.
#[must_use]
pub fn head_over(items: &[Item], before: ChainHash) -> Option<VerifiedHead> {
    let seq = items.last()?.seq;
    let chain = items.iter().fold(before, |chain, item| item.chain_after(&chain));
    let head = Head { channel: Log::channel(), incarnation: Incarnation(0), seq, chain };
    Some(head.sign(&network().a.head_key(), network().a.head_signer()))
}

fn sign(envelope: &Envelope) -> Vec<u8> {
    let signature = envelope.sign(&seeded_key(envelope.author.as_str()));
    if envelope.kind.is_outer_signed() { signature.as_bytes().to_vec() } else { Vec::new() }
}

fn hash_of(welcomes: &[wire::Welcome]) -> Option<WelcomesHash> {
    let named = welcomes.iter().flat_map(|welcome| {
        welcome.devices.iter().map(|device| (device.parse::<DeviceName>(), &welcome.message[..]))
    });
    let named: Option<Vec<_>> =
        named.map(|(device, message)| Some((device.ok()?, message))).collect();
    Some(WelcomesHash::of(&named?))
}
