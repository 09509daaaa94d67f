//! What a relay reads of each call, up to the decision of its hub.
//!
//! Input: the method's number, then the request. With [`SIGNED_AGAIN`] added to the number, whoever
//! signed what is in the request signs it again: devices and hubs that turned bad.

use std::collections::BTreeSet;

use enlace_channel::transfer::{SignedTransferReceipt, SignedTransferRequest};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::LeafUsage;
use enlace_identity::invitation::{Binding, Enrolment, verify_possession};
use enlace_identity::issue::CertificateRequest;
use enlace_identity::keys::{PublicKey, Signature};
use enlace_identity::names::{DeviceName, Domain, LeafName, OfficerAddress};
use enlace_identity::revocation::RevocationLists;
use enlace_identity::time::Timestamp;
use enlace_log::hub_vote::FormerDomains;
use enlace_log::{ChannelId, ChannelNonce, HeadSigner, SignedHead, SignedHubVote};
use enlace_proto::method::Method;
use enlace_proto::relay::v1 as wire;
use enlace_relay::hub::core::ChannelState;
use enlace_relay::hub::{Anchor, Caller, DeviceTrust, Refill, Submission, TrustError};
use enlace_relay::storage::Doubts;

use super::{heads, items, turned};
use crate::Outcome;
use crate::check::{message, outcome};
use crate::scene::{Log, NOW, network};

/// What proofs in requests hold for.
pub const BINDING: Binding = [5; 32];

/// Added to the number of `CreateChannel`, `Submit` or `DeliverWelcome`.
pub const SIGNED_AGAIN: u8 = 0x80;

/// Reads a request and does with it what the relay does before anything is stored.
pub fn run(data: &[u8]) -> Outcome {
    let [method, body @ ..] = data else { return Outcome::Refused };
    if let Some(method) = method.checked_sub(SIGNED_AGAIN) {
        let method = Method::from_number(method.into());
        return outcome(&method.and_then(|method| turned::run(method, body)));
    }
    let Some(method) = Method::from_number((*method).into()) else { return Outcome::Refused };
    let read = match method {
        Method::Hello => message::<wire::HelloRequest>(body).map(|hello| greet(&hello)),
        Method::PublishKeyPackages => message::<wire::PublishKeyPackagesRequest>(body).map(drop),
        Method::ClaimKeyPackages => message(body).and_then(|claim| claimed(&claim)),
        Method::CreateChannel => message(body).and_then(create),
        Method::Lease => message(body).and_then(|lease| leased(&lease)),
        Method::Submit => message(body).and_then(submit),
        Method::Subscribe => message(body).and_then(|request| subscribe(&request)),
        Method::FetchRange => message::<wire::FetchRangeRequest>(body)
            .and_then(|range| channel(range.channel.as_ref()).map(drop)),
        Method::FetchDirectory => message::<wire::FetchDirectoryRequest>(body).map(drop),
        Method::DeliverWelcome => message::<wire::DeliverWelcomeRequest>(body)
            .and_then(|request| deliver(request.welcome?)),
        Method::PublishCrls => {
            message::<wire::PublishCrlsRequest>(body).map(|request| take_crls(&request.crls))
        }
        Method::Refill => message(body).and_then(refill),
        Method::SubmitStream => message::<wire::SubmitStreamRequest>(body).map(drop),
        Method::FetchHeadCertificate => message::<wire::FetchHeadCertificateRequest>(body)
            .and_then(|request| HeadSigner::try_from(&request.signer[..]).ok().map(drop)),
        Method::ExchangeHeads => message::<wire::ExchangeHeadsRequest>(body)
            .and_then(|request| request.known_heads.iter().try_for_each(shown)),
        Method::RequestWelcome => message::<wire::RequestWelcomeRequest>(body)
            .and_then(|request| channel(request.channel.as_ref()).map(drop)),
        Method::PublishHubVotes => {
            message::<wire::PublishHubVotesRequest>(body).and_then(|request| votes(&request.votes?))
        }
        Method::ConfirmErasure => message::<wire::ConfirmErasureRequest>(body)
            .and_then(|request| channel(request.channel.as_ref()).map(drop)),
        Method::FetchErasureConfirmation => message::<wire::FetchErasureConfirmationRequest>(body)
            .and_then(|request| channel(request.channel.as_ref()).map(drop)),
        Method::FetchBundle => message::<wire::FetchBundleRequest>(body).map(drop),
        Method::PublishBundle => message::<wire::PublishBundleRequest>(body)
            .and_then(|request| successor(&request.bundle)),
        Method::FetchContacts => message::<wire::FetchContactsRequest>(body)
            .and_then(|request| request.after.parse::<OfficerAddress>().ok().map(drop)),
        Method::RenewCertificate => message::<wire::RenewCertificateRequest>(body)
            .and_then(|request| CertificateRequest::from_der(&request.request).ok().map(drop)),
        Method::ReceiveHistory => message::<wire::ReceiveHistoryRequest>(body)
            .and_then(|request| history_request(&request.request)),
        Method::SendHistory => message::<wire::SendHistoryRequest>(body)
            .and_then(|request| request.device.parse::<DeviceName>().ok().map(drop)),
        Method::Enroll => message(body).and_then(|request| enrol(&request)),
        Method::FetchEnrolment => message(body).and_then(|request| possess(&request)),
    };
    outcome(&read)
}

/// Votes by whom they say, or none.
pub(super) fn votes(votes: &wire::HubVotes) -> Option<()> {
    channel(votes.channel.as_ref())?;
    for vote in &votes.votes {
        let vote = SignedHubVote::decode(vote).ok()?;
        let leaf = network().bundle.verify_one_of(vote.chain(), NOW, &[LeafUsage::Device]).ok()?;
        let LeafName::Device(device) = leaf.name().clone() else { return None };
        let verified = vote.verify(device, &leaf.public_key()).ok()?;
        assert_eq!(verified.channel, Log::channel(), "a forged vote is taken for a device's");
    }
    Some(())
}

/// Nobody asks for a history in the name of a device without its key.
pub(super) fn history_request(request: &[u8]) -> Option<()> {
    let signed = SignedTransferRequest::decode(request).ok()?;
    let chain = signed.chain();
    let leaf = network().bundle.verify_one_of(chain, NOW, &[LeafUsage::Device]).ok()?;
    let request = signed.verify(&leaf).ok()?;
    assert_eq!(request, network().a.history_request(), "a forged request is taken");
    Some(())
}

/// Nobody confirms a history in the name of a device without its key.
pub(super) fn history_receipt(receipt: &[u8]) -> Option<()> {
    let signed = SignedTransferReceipt::decode(receipt).ok()?;
    let chain = signed.chain();
    let leaf = network().bundle.verify_one_of(chain, NOW, &[LeafUsage::Device]).ok()?;
    let receipt = signed.verify(&leaf).ok()?;
    assert_eq!(receipt, network().a.history_receipt(), "a forged receipt is taken");
    Some(())
}

/// Of the invitation that there is, no other request counts than the one that was made with it.
fn enrol(request: &wire::EnrollRequest) -> Option<()> {
    let invitation = PublicKey::try_from(&request.invitation[..]).ok()?;
    let proof = Signature::try_from(&request.proof[..]).ok()?;
    let read = Enrolment::verify(invitation, BINDING, &request.request, proof).ok()?;
    let is_ours = invitation == network().a.invitation().id();
    assert!(!is_ours || *read.request() == network().a.request(), "a forged request is taken");
    assert_eq!(Enrolment::decode(&read.encode()), Ok(read));
    Some(())
}

fn possess(request: &wire::FetchEnrolmentRequest) -> Option<()> {
    let invitation = PublicKey::try_from(&request.invitation[..]).ok()?;
    let proof = Signature::try_from(&request.proof[..]).ok()?;
    verify_possession(&invitation, &BINDING, &proof).ok()
}

/// A version of the bundle that nobody here has signed follows nothing.
pub(super) fn successor(signed: &[u8]) -> Option<()> {
    let known = network().bundle.with(signed).ok()?;
    assert!(known.is_none(), "a forged bundle is taken for the next one");
    Some(())
}

fn greet(hello: &wire::HelloRequest) {
    take_crls(&hello.crls);
    for known in &hello.known_heads {
        let _ = shown(known);
    }
}

/// A head with its channel, as hello and witnesses show it.
pub(super) fn shown(known: &wire::KnownHead) -> Option<()> {
    channel(known.channel.as_ref())?;
    heads::verify(heads::from_wire(known.head.as_ref()?)?);
    Some(())
}

pub(super) fn take_crls(crls: &[Vec<u8>]) {
    let mut lists = RevocationLists::new();
    for crl in crls {
        let _ = lists.insert(crl, &network().bundle, NOW);
    }
    assert!(lists.all().iter().all(|list| network().crls.contains(list)));
}

fn claimed(claim: &wire::ClaimKeyPackagesRequest) -> Option<()> {
    let _: Vec<DeviceName> = parse_all(&claim.devices)?;
    parse_all::<OfficerAddress>(&claim.officers).map(drop)
}

fn parse_all<T: std::str::FromStr>(texts: &[String]) -> Option<Vec<T>> {
    texts.iter().map(|text| text.parse().ok()).collect()
}

fn create(request: wire::CreateChannelRequest) -> Option<()> {
    let nonce = ChannelNonce::try_from(&request.nonce[..]).ok()?;
    let submission = submission(request.first?)?;
    let own = &network().a.domain;
    let (state, acceptance) = ChannelState::create(NOW, &submission, nonce, own, Doubts(0)).ok()?;
    assert_eq!(state.channel(), ChannelId::derive(own, &nonce));
    assert_eq!(state.tail_seq().map(|seq| seq.0), Some(0));
    assert_eq!(acceptance.accepted.seq.0, 0);
    Some(())
}

fn leased(lease: &wire::LeaseRequest) -> Option<()> {
    channel(lease.channel.as_ref())?;
    let _ = lease.revoked.parse::<DeviceName>();
    let _ = UnverifiedChain::from_ders(&lease.certificates).map(|chain| Trust.device_key(&chain));
    lease
        .device
        .is_empty()
        .then_some(())
        .or_else(|| lease.device.parse::<DeviceName>().ok().map(drop))
}

fn submit(request: wire::SubmitRequest) -> Option<()> {
    if let Some(head) = request.known_head.as_ref().and_then(heads::from_wire) {
        heads::verify(head);
    }
    let _ = request.hub.parse::<Domain>();
    submission(request).map(drop)
}

/// Whoever brings something back brings only what this hub has signed.
fn refill(request: wire::RefillRequest) -> Option<()> {
    let channel = channel(request.channel.as_ref())?;
    let head = SignedHead::from_wire(channel, request.head.as_ref()?).ok()?;
    let head = head.verify(&network().a.head_key().public()).ok()?;
    let (own, never) = (&network().a.domain, |_: &DeviceName| false);
    let refill = Refill::read(request, head, own.clone()).ok()?;
    let Refill { items, rest, head, nonce, .. } = refill;
    let begun = ChannelState::recreate(items, &rest, &head, nonce?, own, never);
    let (state, refilled) = begun.ok()?;
    let log = Log::shared();
    for item in &refilled.items {
        let at = usize::try_from(item.seq.0).expect("a short log");
        assert_eq!(log.chains.get(at), Some(&item.chain), "an item that the hub never ordered");
    }
    assert!(state.next_seq() <= head.head().seq.next());
    Some(())
}

/// The request as the hub takes it, if whoever it names may have sent it.
fn submission(request: wire::SubmitRequest) -> Option<Submission> {
    let author = request.envelope.as_ref()?.author.parse().ok()?;
    let submission = Submission::check(&Caller::Device(author), request, &Trust).ok()?;
    let sealed = submission.sealed();
    items::check_sealed(sealed);
    let is_signed = sealed.envelope().kind.is_outer_signed();
    let is_genuine = Log::shared().holds(sealed.envelope_bytes());
    assert!(!is_signed || is_genuine, "an item that its author never signed");
    Some(submission)
}

fn subscribe(request: &wire::SubscribeRequest) -> Option<()> {
    let _ = parse_all::<DeviceName>(&request.devices);
    for cursor in &request.cursors {
        channel(cursor.channel.as_ref())?;
        let _ = cursor.hub.parse::<Domain>();
    }
    Some(())
}

fn deliver(delivery: wire::WelcomeDelivery) -> Option<()> {
    let network = network();
    let channel = channel(delivery.channel.as_ref())?;
    let head = SignedHead::from_wire(channel, delivery.head.as_ref()?).ok()?;
    let head = head.verify(&network.a.head_key().public()).ok()?;
    let (hub, own) = (&network.a.domain, &network.b.domain);
    let anchor = Anchor::check(delivery, &head, hub, own, &Trust).ok()?;
    assert_eq!(anchor.channel(), Log::channel(), "a welcome into a channel that is not there");
    Some(())
}

fn channel(id: Option<&wire::ChannelId>) -> Option<ChannelId> {
    ChannelId::try_from(&id?.value[..]).ok()
}

/// Accepts whom the network certifies.
#[derive(Debug)]
pub(crate) struct Trust;

impl DeviceTrust for Trust {
    fn device_key(&self, chain: &UnverifiedChain) -> Result<(DeviceName, PublicKey), TrustError> {
        self.device_key_at(chain, NOW)
    }

    fn device_key_at(
        &self,
        chain: &UnverifiedChain,
        at: Timestamp,
    ) -> Result<(DeviceName, PublicKey), TrustError> {
        let usage = enlace_identity::chain::LeafUsage::Device;
        let leaf = network().bundle.verify(chain, at, usage)?;
        match leaf.name() {
            LeafName::Device(device) => Ok((device.clone(), leaf.public_key())),
            LeafName::Service(_) => Err(TrustError::NotADevice),
        }
    }

    fn former_domains(&self) -> FormerDomains {
        network().bundle.present_of_former()
    }

    fn is_revoked(&self, device: &DeviceName) -> bool {
        BTreeSet::from(["phone", "tablet"]).contains(device.label())
    }
}
