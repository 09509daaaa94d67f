//! A statement by which a hub takes over, as a follower judges it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::{DeviceName, Domain, LeafName};
use enlace_identity::time::Timestamp;
use enlace_log::hub_vote::FormerDomains;
use enlace_log::{
    Commitment, HubStatement, HubVote, Incarnation, Item, ItemKind, OuterSignature, PayloadHash,
    Sealed, Seq, SignedHubVote, TakeOver,
};
use enlace_proto::relay::v1::WelcomeDelivery;

use super::following::{anchor_at, anchor_of, b, delivery};
use super::world::{Draft, NameTrust, World, channel_id, device, head_key, key_of, own};
use crate::hub::{
    Copy, DeviceTrust, Holder, IngestError, NextEncoded, Reader, TakenOver, TrustError,
};
use crate::storage::{MemoryDisk, Role};

const ALL: [&str; 3] = ["ana", "cid@b", "fay@c"];

fn c() -> Domain {
    "c.example".parse().unwrap()
}

fn vote(name: &str, vote: HubVote) -> SignedHubVote {
    let certificates = [device(name).as_str().as_bytes().to_vec(), b"ca".to_vec()];
    let chain = UnverifiedChain::from_ders(&certificates).unwrap();
    SignedHubVote::sign(vote, &key_of(&device(name)), chain)
}

fn for_c() -> HubVote {
    HubVote { channel: channel_id(), from: own(), to: c(), fence: Seq(1) }
}

/// A frame with the statement of a relay of `author` that `hub` takes over after that copy.
fn frame(after: &Copy, author: &str, hub: Domain, votes: Vec<SignedHubVote>) -> Copy {
    let last = after.head.head();
    let incarnation = Incarnation(last.incarnation.0 + 1);
    let statement = HubStatement {
        incarnation,
        held: Some(last.seq),
        lost: None,
        unheard: Vec::new(),
        signer: head_key().signer(),
        taken_over: Some(TakeOver { hub: hub.clone(), votes }),
    };
    let payload = Bytes::from(statement.encode());
    let mut envelope = Draft::new("ana", ItemKind::HubStatement, Some(1), b"").envelope;
    let relay: LeafName = format!("r1.relay.{author}").parse().unwrap();
    (envelope.author, envelope.last_valid_commit) = (relay, None);
    (envelope.commitment, envelope.payload_hash) = (Commitment::NONE, PayloadHash::of(&payload));
    let signature: OuterSignature = head_key().sign_envelope(&envelope);
    let sealed = Sealed::new(envelope, signature, payload);
    let item = Item { seq: last.seq.next(), received_at: after.items[0].received_at, sealed };
    let chain = item.chain_after(&last.chain);
    let head = head_key().sign(channel_id(), incarnation, item.seq, chain);
    Copy { hub, items: vec![item], head }
}

/// b's follower of a channel that Ana of a.example opened, which ends at position 2; and its hub's copy.
async fn followed() -> (World, World, Copy) {
    followed_by(Arc::new(NameTrust)).await
}

/// The same, of a follower that trusts whom it is told to.
async fn followed_by(trust: Arc<dyn DeviceTrust>) -> (World, World, Copy) {
    let hub = World::with_members(&ALL[..1]).await;
    hub.commit(&Draft::commit("ana", Some(0), &ALL[..1], &ALL)).await.unwrap();
    let disk = Box::new(MemoryDisk::default().open().unwrap());
    let follower = World::trusting(trust, disk, b());
    follower.hub.anchor(anchor_of(delivery(&hub, 1).await).unwrap()).await.unwrap();
    hub.submit(&Draft::entry("ana", 1, "one")).await.unwrap();
    let copy = super::following::whole_copy(&hub, 2).await;
    follower.hub.ingest(copy.clone()).await.unwrap();
    (hub, follower, copy)
}

#[tokio::test]
async fn whoever_comes_to_the_next_hub_with_more_is_asked_for_it() {
    let (_hub, follower, _) = followed().await;
    let for_b = HubVote { to: b(), ..for_c() };
    let votes = ["ana", "fay@c"].map(|name| {
        let key = key_of(&device(name)).public();
        vote(name, for_b.clone()).verify(device(name), &key).unwrap()
    });
    let moving = follower.hub.vote(channel_id(), votes.to_vec()).await.unwrap();
    assert_eq!(moving.unwrap().next, Some(b()));
    // Nobody read the channel when the votes came.
    let mut log = follower.hub.subscribe(channel_id(), Reader::Relay(c())).await.unwrap();
    let next = log.read_encoded(Seq(4), Incarnation::default(), 1 << 20).await.unwrap();
    assert!(matches!(next, Some(NextEncoded::Departs(Seq(3)))), "{next:?}");
}

/// Revokes everybody at once, when it is told to.
#[derive(Debug, Default)]
struct LateRevocation(AtomicBool);

impl DeviceTrust for LateRevocation {
    fn device_key(&self, chain: &UnverifiedChain) -> Result<(DeviceName, PublicKey), TrustError> {
        let (device, key) = NameTrust.device_key(chain)?;
        if self.is_revoked(&device) {
            return Err(TrustError::Suspended(device));
        }
        Ok((device, key))
    }

    fn device_key_at(
        &self,
        chain: &UnverifiedChain,
        at: Timestamp,
    ) -> Result<(DeviceName, PublicKey), TrustError> {
        NameTrust.device_key_at(chain, at)
    }

    fn is_revoked(&self, _: &DeviceName) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn former_domains(&self) -> FormerDomains {
        NameTrust.former_domains()
    }
}

/// It is the hub no longer, whoever is revoked since: if the votes did not count on, nobody would be.
#[tokio::test]
async fn votes_by_which_the_former_hub_stepped_down_count_on_though_their_devices_are_revoked() {
    for has_stepped_down in [true, false] {
        let trust = Arc::new(LateRevocation::default());
        let (_hub, follower, _) = followed_by(trust.clone()).await;
        let for_b = HubVote { to: b(), ..for_c() };
        let votes = ["ana", "fay@c"].map(|name| {
            let key = key_of(&device(name)).public();
            vote(name, for_b.clone()).verify(device(name), &key).unwrap()
        });
        follower.hub.vote(channel_id(), votes.to_vec()).await.unwrap();
        if has_stepped_down {
            let ends = vec![(channel_id(), Seq(3))];
            follower.hub.hear(Holder::Relay(own()), ends).await.unwrap();
        }
        trust.0.store(true, Ordering::SeqCst);
        let taken = follower.hub.take_over(channel_id()).await.unwrap();
        assert_eq!((taken.is_done, taken.is_due), (has_stepped_down, false));
    }
}

#[tokio::test]
async fn an_authority_with_an_old_and_a_new_domain_has_one_vote() {
    let former = "leo@a-former";
    let all = ["ana", former, "fay@c"];
    let hub = World::with_members(&all[..1]).await;
    hub.commit(&Draft::commit("ana", Some(0), &all[..1], &all)).await.unwrap();
    let cast = async |name: &str| {
        let key = key_of(&device(name)).public();
        let vote = vote(name, for_c()).verify(device(name), &key).unwrap();
        hub.hub.vote(channel_id(), vec![vote]).await.unwrap().unwrap().next
    };
    assert_eq!(cast("ana").await, None);
    assert_eq!(cast(former).await, None, "one of two authorities, and not two of three");
    assert_eq!(cast("fay@c").await, Some(c()));
}

#[tokio::test]
async fn two_domains_of_one_authority_vouch_for_no_welcome() {
    let hub = World::with_members(&ALL[..1]).await;
    hub.commit(&Draft::commit("ana", Some(0), &ALL[..1], &ALL)).await.unwrap();
    let moved = async |voters: [&str; 2]| {
        let hub_votes = voters.map(|name| vote(name, for_c()).encode()).to_vec();
        let (to, creating_hub) = (c().to_string(), own().to_string());
        let delivery = delivery(&hub, 1).await;
        let delivery = WelcomeDelivery { hub: to, creating_hub, hub_votes, ..delivery };
        anchor_at(&c(), delivery)
    };
    moved(["ana", "fay@c"]).await.unwrap();
    let former = "leo@a-former";
    assert_eq!(moved(["ana", former]).await.err(), Some(IngestError::Welcome("hub_votes")));
}

#[tokio::test]
async fn a_relay_that_claims_to_be_the_hub_is_believed_by_votes_alone() {
    let (hub, follower, copy) = followed().await;
    let both = || vec![vote("ana", for_c()), vote("fay@c", for_c())];
    let each = |wanted: HubVote| ["ana", "fay@c"].map(|name| vote(name, wanted.clone())).to_vec();
    let forged = {
        let certificates = [device("ana").as_str().as_bytes().to_vec(), b"ca".to_vec()];
        let chain = UnverifiedChain::from_ders(&certificates).unwrap();
        SignedHubVote::sign(for_c(), &key_of(&device("fay@c")), chain)
    };
    let few = [
        Vec::new(),
        vec![vote("fay@c", for_c())],
        vec![vote("fay@c", for_c()); 3],
        vec![vote("fay@c", for_c()), forged],
        vec![vote("fay@c", for_c()), vote("eve@b", for_c())],
        each(HubVote { fence: Seq(0), ..for_c() }),
        each(HubVote { channel: enlace_log::ChannelId([0; 32]), ..for_c() }),
        each(HubVote { to: b(), ..for_c() }),
        each(HubVote { from: b(), ..for_c() }),
    ];
    let refused = Err(IngestError::TakeOver("too few votes count"));
    for votes in few {
        let claim = frame(&copy, "c.example", c(), votes);
        assert_eq!(follower.hub.ingest(claim).await, refused);
    }
    let by_another = frame(&copy, "b.example", c(), both());
    assert!(matches!(follower.hub.ingest(by_another).await, Err(IngestError::TakeOver(_))));
    let signed_by_another = Copy { hub: own(), ..frame(&copy, "c.example", c(), both()) };
    let elsewhere = Err(IngestError::OtherHub(own()));
    assert_eq!(follower.hub.ingest(signed_by_another).await, elsewhere);
    let record = async || follower.hub.channel(channel_id()).await.unwrap().unwrap();
    assert_eq!((record().await.hub, record().await.tail.seq), (own(), Seq(2)), "nothing is stored");

    let good = frame(&copy, "c.example", c(), both());
    follower.hub.ingest(good.clone()).await.unwrap();
    let moved = record().await;
    assert_eq!((moved.hub, moved.creating_hub, moved.role), (c(), own(), Role::Follower));
    // What the former hub signs from there on is nobody's word any more.
    hub.submit(&Draft::entry("ana", 1, "two")).await.unwrap();
    let alone = super::following::whole_copy(&hub, 3).await;
    assert_eq!(follower.hub.ingest(alone).await, Err(IngestError::OtherHub(c())));
}

/// A relay that was away shows an older take-over than the newest one here, and both logs have it.
#[tokio::test]
async fn a_take_over_that_a_copy_has_already_turns_it_to_nobody() {
    let (_hub, follower, copy) = followed().await;
    let both = |wanted: &HubVote| ["ana", "fay@c"].map(|name| vote(name, wanted.clone())).to_vec();
    let to_c = frame(&copy, "c.example", c(), both(&for_c()));
    follower.hub.ingest(to_c.clone()).await.unwrap();
    let back = HubVote { from: c(), to: own(), ..for_c() };
    let to_a = frame(&to_c, "a.example", own(), both(&back));
    follower.hub.ingest(to_a).await.unwrap();
    let (statement, before) = (to_c.items[0].clone(), copy.head.head().chain);
    let shown = TakenOver { statement, before, signer: c() };
    assert_eq!(follower.hub.displace(shown).await.unwrap(), own());
    let record = follower.hub.channel(channel_id()).await.unwrap().unwrap();
    assert_eq!((record.hub, record.tail.seq), (own(), Seq(4)));
}
