//! Two authorities, their relays, and officers in one case channel.

use std::collections::BTreeSet;

use enlace_channel::entry::HandlingCode;
use enlace_channel::mls::Suite;
use enlace_channel::policy::Role;
use enlace_client::engine::NewChannel;
use enlace_client::notice::Notice;
use enlace_client::store::ChannelStanding;
use enlace_log::{ChannelId, Seq};
use enlace_transport::Target;

use crate::{Network, Officer, Relay, RelayPlace, group};

/// The owner; of authority A, whose relay orders the channel.
pub const ANA: usize = 0;
/// A member, of A.
pub const BEN: usize = 1;
/// The lead of authority B.
pub const CID: usize = 2;
/// A member, of B.
pub const DORA: usize = 3;

/// A case.
pub struct Case {
    /// Who certifies whom.
    pub network: Network,
    /// Where the relays are: A's, B's.
    pub places: [RelayPlace; 2],
    /// The relays that run.
    pub relays: [Option<Relay>; 2],
    /// The officers: [`ANA`] and so on.
    pub officers: Vec<Officer>,
    /// Their channel.
    pub channel: ChannelId,
}

impl Case {
    /// Ana (owner) and Ben (member) of A, Cid (lead) and Dora (member) of B, all online.
    pub async fn with_four() -> Self {
        let mut case = Self::opened_by_ana().await;
        let (ben, cid, dora) =
            tokio::join!(case.enrol(0, "ben"), case.enrol(1, "cid"), case.enrol(1, "dora"));
        case.officers.extend([ben, cid, dora]);
        case.admit(ANA, BEN, Role::Member).await;
        case.admit(ANA, CID, Role::Lead).await;
        case.admit(CID, DORA, Role::Member).await;
        case.assert_healthy().await;
        case
    }

    /// Ana of A owns the channel; nobody else is in.
    pub async fn opened_by_ana() -> Self {
        Self::opened_in(Network::new(&["a.example", "b.example"]), "Operation Lighthouse").await
    }

    /// Ana of the first of a network's two authorities owns the channel; nobody else is in.
    pub async fn opened_in(network: Network, title: &str) -> Self {
        crate::show_log();
        let places = [RelayPlace::new(&network, 0), RelayPlace::new(&network, 1)];
        let relays = [
            Some(places[0].start(&network, &[&places[1]]).await),
            Some(places[1].start(&network, &[&places[0]]).await),
        ];
        let channel = ChannelId([0; 32]);
        let mut case = Self { network, places, relays, officers: Vec::new(), channel };
        let ana = case.enrol(0, "ana").await;
        case.channel = open_channel(&ana, title).await;
        case.officers.push(ana);
        case
    }

    /// An officer of an authority, online, who can be admitted.
    pub async fn enrol(&self, authority: usize, name: &str) -> Officer {
        let port = self.places[authority].port;
        let mut officer = Officer::enrol(&self.network, authority, name, port).await;
        officer.introduce().await;
        officer.go_online();
        officer
    }

    /// Enrols an officer and counts it among the others.
    pub async fn join_in(&mut self, authority: usize, name: &str) -> usize {
        let officer = self.enrol(authority, name).await;
        self.officers.push(officer);
        self.officers.len() - 1
    }

    /// One admits another, who joins.
    pub async fn admit(&self, by: usize, who: usize, role: Role) {
        let (by, who) = (&self.officers[by], &self.officers[who]);
        let wish = by.client().add_member(self.channel, who.address(), role).unwrap();
        by.accepted(wish).await;
        who.joined(self.channel).await;
    }

    /// How to dial an authority's relay.
    #[must_use]
    pub fn target(&self, authority: usize) -> Target {
        self.places[authority].target(&self.network)
    }

    /// Stops an authority's relay.
    pub async fn stop_relay(&mut self, authority: usize) {
        if let Some(relay) = self.relays[authority].take() {
            relay.stop().await;
        }
    }

    /// Starts an authority's relay again, on the same store and port.
    pub async fn start_relay(&mut self, authority: usize) {
        let peers = [&self.places[1 - authority]];
        self.relays[authority] = Some(self.places[authority].start(&self.network, &peers).await);
    }

    /// Those who are members, as they see it themselves.
    #[must_use]
    pub fn inside(&self) -> Vec<usize> {
        group::inside(&self.officers, self.channel)
    }

    /// Every member writes something that all the others read, and all are in the same state.
    pub async fn assert_healthy(&self) {
        group::assert_healthy(&self.officers, self.channel).await;
    }

    /// These members come to the same state: epoch, policy, fence and position.
    pub async fn assert_same_state(&self, inside: &[usize]) {
        group::assert_same_state(&self.officers, self.channel, inside).await;
    }

    /// Every one of these members voids the commit at `seq`, the others for one and the same
    /// reason, and names its author. Returns the reason.
    ///
    /// # Panics
    /// When somebody says something else.
    pub async fn assert_void(&self, seq: Seq, author: usize, by: &[usize]) -> String {
        let mut reasons = BTreeSet::new();
        for index in by {
            let officer = &self.officers[*index];
            let verdict = officer.is_told(self.channel, "a void change", |row| match &row.notice {
                Notice::VoidChange { author, reason } if row.seq == Some(seq) => {
                    Some((author.clone(), reason.clone()))
                }
                _ => None,
            });
            let (culprit, reason) = verdict.await;
            assert_eq!(culprit.device, *self.officers[author].device(), "{}", officer.address());
            assert!(!culprit.by_relays_word, "{}: {reason}", officer.address());
            // Its author's program judged it before, in words of its own.
            if *index != author {
                reasons.insert(reason);
            }
        }
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        reasons.pop_first().unwrap()
    }
}

/// Opens a channel, and waits until the relay has it.
pub async fn open_channel(owner: &Officer, title: &str) -> ChannelId {
    let channel = owner
        .client()
        .create_channel(NewChannel {
            title: title.to_owned(),
            case_reference: Some("DP 123/2026".to_owned()),
            legal_basis: String::new(),
            default_handling: HandlingCode::H1,
        })
        .unwrap();
    is_taken(owner, channel).await;
    channel
}

/// Opens a forum of that suite; the relay has taken it.
pub async fn open_forum(owner: &Officer, suite: Suite) -> ChannelId {
    let new = NewChannel {
        title: "Forum".to_owned(),
        case_reference: None,
        legal_basis: String::new(),
        default_handling: HandlingCode::H1,
    };
    let forum = owner.client().create_forum(new, suite).unwrap();
    is_taken(owner, forum).await;
    forum
}

async fn is_taken(owner: &Officer, channel: ChannelId) {
    let is_open = |client: &enlace_client::Client| {
        let details = client.show(channel).unwrap()?;
        (details.row.standing == ChannelStanding::Member && details.fence.is_some()).then_some(())
    };
    owner.until("the relay takes the channel", is_open).await;
}
