//! Officers whose home relay lies.

use enlace_channel::policy::Role;
use enlace_client::Client;
use enlace_log::ChannelId;

use crate::case::open_channel;
pub use crate::case::{ANA, BEN};
use crate::group;
use crate::{LyingRelay, Network, Officer, Relay, RelayPlace};

/// Ana and Ben of authority A, whose relay lies when it is told to; B's relay is of the real kind.
pub struct LyingScene {
    /// Who certifies whom.
    pub network: Network,
    /// Where the relays are: A's, B's.
    pub places: [RelayPlace; 2],
    /// A's relay.
    pub relay: LyingRelay,
    /// B's relay.
    pub honest: Relay,
    /// The officers: [`ANA`] and so on.
    pub officers: Vec<Officer>,
    /// Their channel.
    pub channel: ChannelId,
}

impl LyingScene {
    /// Ana (owner) and Ben (member), both online.
    pub async fn with_two() -> Self {
        crate::show_log();
        let network = Network::new(&["a.example", "b.example"]);
        let places = [RelayPlace::new(&network, 0), RelayPlace::new(&network, 1)];
        let relay = LyingRelay::start(&network, &places[0], &[&places[1]]);
        let honest = places[1].start(&network, &[&places[0]]).await;
        let channel = ChannelId([0; 32]);
        let mut scene = Self { network, places, relay, honest, officers: Vec::new(), channel };
        let (ana, ben) = tokio::join!(scene.enrol("ana"), scene.enrol("ben"));
        scene.channel = open_channel(&ana, "Operation Lighthouse").await;
        scene.officers.extend([ana, ben]);
        scene.admit(scene.channel, BEN, Role::Member).await;
        scene.assert_healthy().await;
        scene
    }

    /// An officer of A, online, who can be admitted.
    pub async fn enrol(&self, name: &str) -> Officer {
        self.enrol_at(0, name).await
    }

    /// An officer of an authority, online, who can be admitted.
    pub async fn enrol_at(&self, authority: usize, name: &str) -> Officer {
        let port = self.places[authority].port;
        let mut officer = Officer::enrol(&self.network, authority, name, port).await;
        officer.introduce().await;
        officer.go_online();
        officer
    }

    /// Ana admits somebody, who joins.
    pub async fn admit(&self, channel: ChannelId, who: usize, role: Role) {
        let (ana, who) = (&self.officers[ANA], &self.officers[who]);
        let wish = ana.client().add_member(channel, who.address(), role).unwrap();
        ana.accepted(wish).await;
        who.joined(channel).await;
    }

    /// Another channel of Ana and Ben.
    pub async fn open_another(&self, title: &str) -> ChannelId {
        let channel = open_channel(&self.officers[ANA], title).await;
        self.admit(channel, BEN, Role::Member).await;
        channel
    }

    /// An officer's SDK.
    #[must_use]
    pub fn client(&self, who: usize) -> &Client {
        self.officers[who].client()
    }

    /// The connection is lost, and comes back.
    pub async fn reconnect(&mut self, who: usize) {
        self.officers[who].go_offline().await;
        self.officers[who].go_online();
    }

    /// Waits until a device takes in no more of the channel's log, and says so.
    pub async fn rests(&self, who: usize, why: &str) {
        let has_stopped =
            |client: &Client| client.show(self.channel).unwrap().unwrap().row.stopped.map(drop);
        let what = format!("the channel rests after {why}");
        self.officers[who].until(&what, has_stopped).await;
    }

    /// Every officer writes something that all the others read, and all are in the same state.
    pub async fn assert_healthy(&self) {
        group::assert_healthy(&self.officers, self.channel).await;
    }
}
