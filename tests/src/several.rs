//! Several authorities, their relays, and officers of each in one case channel.

use std::time::Duration;

use enlace_channel::consent::Answer;
use enlace_channel::entry::TimeZone;
use enlace_channel::policy::Role;
use enlace_client::Client;
use enlace_client::notice::{ChangeAct, Matter, Notice};
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, Seq};

use crate::case::open_channel;
use crate::{Network, Officer, Relay, RelayPlace, group};

/// Longer than a next hub waits for whoever may hold more.
const LONG: Duration = Duration::from_secs(6 * 60);

/// Of A, whose relay orders the channel first; the owner.
pub const ANA: usize = 0;
/// A lead of B.
pub const CID: usize = 1;
/// A member, of B.
pub const DORA: usize = 2;
/// The lead of C.
pub const ELI: usize = 3;

/// Authorities A, B and perhaps C, and a channel of officers of each.
pub struct Several {
    /// Who certifies whom.
    pub network: Network,
    /// Where the relays are, in the authorities' order.
    pub places: Vec<RelayPlace>,
    /// The relays that run.
    pub relays: Vec<Option<Relay>>,
    /// The officers: [`ANA`] and so on.
    pub officers: Vec<Officer>,
    /// Their channel.
    pub channel: ChannelId,
}

impl Several {
    /// Authorities of these domains, their relays running, and no channel yet.
    pub async fn of(domains: &[&str]) -> Self {
        crate::show_log();
        let network = Network::new(domains);
        let places = (0..domains.len()).map(|index| RelayPlace::new(&network, index)).collect();
        let relays = domains.iter().map(|_| None).collect();
        let (officers, channel) = (Vec::new(), ChannelId([0; 32]));
        let mut scene = Self { network, places, relays, officers, channel };
        for index in 0..domains.len() {
            scene.start_relay(index).await;
        }
        scene
    }

    /// Of A and B: Ana (owner), Cid (lead), Dora (member).
    pub async fn with_two() -> Self {
        let mut scene = Self::of(&["a.example", "b.example"]).await;
        scene.open().await;
        scene
    }

    /// The same with Eli, the lead of C.
    pub async fn with_three() -> Self {
        let mut scene = Self::of(&["a.example", "b.example", "c.example"]).await;
        scene.open().await;
        let eli = scene.enrol(2, "eli").await;
        let (ana, cid) = (&scene.officers[ANA], &scene.officers[CID]);
        let wish = ana.client().add_member(scene.channel, eli.address(), Role::Lead).unwrap();
        cid.is_told(scene.channel, "Ana asks", |row| {
            matches!(row.notice, Notice::ConsentAsked { .. }).then_some(())
        })
        .await;
        let whom = eli.address().to_string();
        let utc = TimeZone::utc();
        let answer = cid.client().answer(scene.channel, &whom, Answer::Yes, utc).unwrap();
        cid.accepted(answer).await;
        ana.accepted(wish).await;
        eli.joined(scene.channel).await;
        scene.officers.push(eli);
        scene.assert_healthy().await;
        scene
    }

    /// Ana's channel, with Cid and Dora of B.
    async fn open(&mut self) {
        let (ana, cid, dora) =
            (self.enrol(0, "ana").await, self.enrol(1, "cid").await, self.enrol(1, "dora").await);
        self.channel = open_channel(&ana, "Operation Lighthouse").await;
        self.officers.extend([ana, cid, dora]);
        self.admit(ANA, CID, Role::Lead).await;
        self.admit(CID, DORA, Role::Member).await;
        self.assert_healthy().await;
    }

    /// An officer of an authority, online, who can be admitted.
    pub async fn enrol(&self, authority: usize, name: &str) -> Officer {
        let port = self.places[authority].port;
        let mut officer = Officer::enrol(&self.network, authority, name, port).await;
        officer.introduce().await;
        officer.go_online();
        officer
    }

    /// One admits another, who joins.
    pub async fn admit(&self, by: usize, who: usize, role: Role) {
        let (by, who) = (&self.officers[by], &self.officers[who]);
        let wish = by.client().add_member(self.channel, who.address(), role).unwrap();
        by.accepted(wish).await;
        who.joined(self.channel).await;
    }

    /// Starts an authority's relay, on the store and port that it had, if it had any.
    pub async fn start_relay(&mut self, index: usize) {
        let others = self.places.iter().enumerate().filter(|(other, _)| *other != index);
        let peers: Vec<&RelayPlace> = others.map(|(_, place)| place).collect();
        self.relays[index] = Some(self.places[index].start(&self.network, &peers).await);
    }

    /// Stops an authority's relay.
    pub async fn stop_relay(&mut self, index: usize) {
        self.relays[index].take().unwrap().stop().await;
    }

    /// As [`Self::is_at`], while time goes by: the next hub waits for the one that is dead.
    pub async fn comes_to(&self, who: usize, domain: &str) {
        let mut look = tokio::time::interval(Duration::from_secs(1));
        let time_passes = async {
            loop {
                look.tick().await;
                self.places.iter().for_each(|place| place.put_clock_forward(LONG));
            }
        };
        tokio::select! {
            biased;
            () = self.is_at(who, domain) => {}
            () = time_passes => unreachable!("time goes on"),
        }
    }

    /// A lead's officer types `enlace channel move`.
    pub fn votes(&self, who: usize, domain: &str) {
        let to = domain.parse().unwrap();
        self.officers[who].client().move_channel(self.channel, &to).unwrap();
    }

    /// The first has heard that the second voted.
    pub async fn knows_wish_of(&self, who: usize, of: usize) {
        let voter = self.officers[of].address().to_string();
        self.officers[who]
            .is_told(self.channel, "a colleague's vote", |row| match &row.notice {
                Notice::MoveWanted { by, .. } => (*by == voter).then_some(()),
                _ => None,
            })
            .await;
    }

    /// Waits until an officer's device sees the channel at that authority's relay.
    pub async fn is_at(&self, who: usize, domain: &str) {
        let is_there = |client: &Client| {
            let details = client.show(self.channel).unwrap()?;
            (details.row.hub.as_str() == domain).then_some(())
        };
        self.officers[who].until(&format!("the channel is at {domain}"), is_there).await;
    }

    /// An officer writes, and the hub takes it.
    pub async fn writes(&self, who: usize, text: &str) {
        let note = self.officers[who].post(self.channel, text);
        self.officers[who].accepted(note).await;
    }

    /// These read that.
    pub async fn read_by(&self, text: &str, people: &[usize]) {
        for who in people {
            self.officers[*who].reads(self.channel, text).await;
        }
    }

    /// Every member writes something that all the others read, and all are in the same state.
    pub async fn assert_healthy(&self) {
        group::assert_healthy(&self.officers, self.channel).await;
    }

    /// These come to the same state: epoch, policy, fence and position.
    pub async fn assert_same_state(&self, people: &[usize]) {
        group::assert_same_state(&self.officers, self.channel, people).await;
    }

    /// The owner puts an authority out, with the consents of these leads; where that stands.
    ///
    /// # Panics
    /// When it does not come about.
    pub async fn expel(&self, by: usize, authority: &str, consenting: &[usize]) -> Seq {
        let owner = &self.officers[by];
        let wish = owner.client().expel(self.channel, authority.parse().unwrap()).unwrap();
        for lead in consenting {
            self.consents(*lead, authority).await;
        }
        owner.accepted(wish).await.unwrap()
    }

    /// A lead who is asked consents to putting an authority out; the hub has taken that.
    pub async fn consents(&self, lead: usize, authority: &str) {
        let lead = &self.officers[lead];
        lead.is_told(self.channel, "the owner asks", |row| match &row.notice {
            Notice::ConsentAsked { matter: Matter::Expulsion, whom, .. } => {
                (whom == authority).then_some(())
            }
            _ => None,
        })
        .await;
        let utc = TimeZone::utc();
        let answer = lead.client().answer(self.channel, &authority, Answer::Yes, utc).unwrap();
        lead.accepted(answer).await;
    }

    /// These are told that the owner has put an authority out.
    pub async fn hear_of_expulsion(&self, by: usize, authority: &str, people: &[usize]) {
        let (owner, out) = (self.officers[by].device(), authority.parse().unwrap());
        let out = ChangeAct::Expelled { authority: out };
        for who in people {
            self.officers[*who]
                .is_told(self.channel, "an authority is out", |row| match &row.notice {
                    Notice::Changed { by, acts } => {
                        (by == owner && acts.contains(&out)).then_some(())
                    }
                    _ => None,
                })
                .await;
        }
    }

    /// These are told that the owner goes on without them, and that they are out.
    pub async fn know_that_they_are_out(&self, by: usize, people: &[usize]) {
        let owner = self.officers[by].device();
        for who in people {
            let told = |what: fn(&Notice) -> Option<&DeviceName>| {
                self.officers[*who].is_told(self.channel, "being out", move |row| {
                    what(&row.notice).filter(|by| *by == owner).map(drop)
                })
            };
            told(|notice| match notice {
                Notice::LeftOut { by } => Some(by),
                _ => None,
            })
            .await;
            told(|notice| match notice {
                Notice::Removed { by } => Some(by),
                _ => None,
            })
            .await;
        }
    }

    /// Nobody is accused of anything, and nothing was lost.
    ///
    /// # Panics
    /// When that is not so.
    pub fn assert_peace(&self) {
        for officer in &self.officers {
            let is_accusation = |notice: &Notice| {
                matches!(notice, Notice::Fork(_) | Notice::Stopped { .. } | Notice::SetBack { .. })
            };
            let notices = officer.notices(self.channel);
            assert!(!notices.iter().any(is_accusation), "{}: {notices:?}", officer.address());
        }
    }
}
