//! A channel goes on at another authority's relay: handed over, or taken from one that is dead.

use std::time::Duration;

use enlace_channel::consent::Answer;
use enlace_channel::entry::TimeZone;
use enlace_channel::policy::Role;
use enlace_client::Client;
use enlace_client::notice::Notice;
use enlace_identity::bundle::{BundleContent, SignedBundle};
use enlace_log::ChannelId;
use enlace_proto::relay::v1::PublishBundleRequest;
use enlace_tests::case::open_channel;
use enlace_tests::{Network, Officer, Relay, RelayPlace, Rogue, call, group};

/// Longer than a next hub waits for whoever may hold more.
const LONG: Duration = Duration::from_secs(6 * 60);

/// Of A, whose relay orders the channel first; the owner.
pub(crate) const ANA: usize = 0;
/// A lead of B.
pub(crate) const CID: usize = 1;
/// A member, of B.
pub(crate) const DORA: usize = 2;
/// The lead of C.
pub(crate) const ELI: usize = 3;

/// Authorities A, B and perhaps C, and a channel of officers of each.
pub(crate) struct Scene {
    pub(crate) network: Network,
    pub(crate) places: Vec<RelayPlace>,
    relays: Vec<Option<Relay>>,
    pub(crate) officers: Vec<Officer>,
    pub(crate) channel: ChannelId,
}

impl Scene {
    async fn of(domains: &[&str]) -> Self {
        enlace_tests::show_log();
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

    async fn with_two() -> Self {
        let mut scene = Self::of(&["a.example", "b.example"]).await;
        scene.open().await;
        scene
    }

    pub(crate) async fn with_three() -> Self {
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

    async fn enrol(&self, authority: usize, name: &str) -> Officer {
        let port = self.places[authority].port;
        let mut officer = Officer::enrol(&self.network, authority, name, port).await;
        officer.introduce().await;
        officer.go_online();
        officer
    }

    async fn admit(&self, by: usize, who: usize, role: Role) {
        let (by, who) = (&self.officers[by], &self.officers[who]);
        let wish = by.client().add_member(self.channel, who.address(), role).unwrap();
        by.accepted(wish).await;
        who.joined(self.channel).await;
    }

    async fn start_relay(&mut self, index: usize) {
        let others = self.places.iter().enumerate().filter(|(other, _)| *other != index);
        let peers: Vec<&RelayPlace> = others.map(|(_, place)| place).collect();
        self.relays[index] = Some(self.places[index].start(&self.network, &peers).await);
    }

    async fn stop_relay(&mut self, index: usize) {
        self.relays[index].take().unwrap().stop().await;
    }

    /// As [`Self::is_at`], while time goes by: the next hub waits for the one that is dead.
    async fn comes_to(&self, who: usize, domain: &str) {
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
    fn votes(&self, who: usize, domain: &str) {
        let to = domain.parse().unwrap();
        self.officers[who].client().move_channel(self.channel, &to).unwrap();
    }

    /// The first has heard that the second voted.
    async fn knows_wish_of(&self, who: usize, of: usize) {
        let voter = self.officers[of].address().to_string();
        self.officers[who]
            .is_told(self.channel, "a colleague's vote", |row| match &row.notice {
                Notice::MoveWanted { by, .. } => (*by == voter).then_some(()),
                _ => None,
            })
            .await;
    }

    async fn is_at(&self, who: usize, domain: &str) {
        let is_there = |client: &Client| {
            let details = client.show(self.channel).unwrap()?;
            (details.row.hub.as_str() == domain).then_some(())
        };
        self.officers[who].until(&format!("the channel is at {domain}"), is_there).await;
    }

    async fn writes(&self, who: usize, text: &str) {
        let note = self.officers[who].post(self.channel, text);
        self.officers[who].accepted(note).await;
    }

    async fn read_by(&self, text: &str, people: &[usize]) {
        for who in people {
            self.officers[*who].reads(self.channel, text).await;
        }
    }

    pub(crate) async fn assert_healthy(&self) {
        group::assert_healthy(&self.officers, self.channel).await;
    }

    /// Nobody is accused of anything, and nothing was lost.
    fn assert_peace(&self) {
        for officer in &self.officers {
            let is_accusation = |notice: &Notice| {
                matches!(notice, Notice::Fork(_) | Notice::Stopped { .. } | Notice::SetBack { .. })
            };
            let notices = officer.notices(self.channel);
            assert!(!notices.iter().any(is_accusation), "{}: {notices:?}", officer.address());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_hub_hands_a_channel_over_while_people_write() {
    let scene = Scene::with_three().await;
    let notes: Vec<_> = (0..10)
        .flat_map(|number| [ANA, CID, ELI].map(|who| (who, number)))
        .map(|(who, number)| {
            if number == 3 && who == CID {
                scene.votes(CID, "b.example");
            }
            if number == 5 && who == ELI {
                scene.votes(ELI, "b.example");
            }
            (who, scene.officers[who].post(scene.channel, &format!("{number} of {who}")))
        })
        .collect();
    for (who, note) in notes {
        scene.officers[who].accepted(note).await;
    }
    for who in [ANA, CID, DORA, ELI] {
        scene.is_at(who, "b.example").await;
    }
    scene.assert_healthy().await;
    for number in 0..10 {
        for who in [ANA, CID, ELI] {
            scene.read_by(&format!("{number} of {who}"), &[ANA, CID, DORA, ELI]).await;
        }
    }
    scene.assert_peace();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_authorities_both_agree_and_it_moves_back_again() {
    let mut scene = Scene::with_two().await;
    scene.votes(CID, "b.example");
    scene.officers[ANA]
        .is_told(scene.channel, "Cid wants it", |row| {
            matches!(row.notice, Notice::MoveWanted { .. }).then_some(())
        })
        .await;
    scene.writes(ANA, "not yet").await;
    scene.is_at(CID, "a.example").await;
    scene.votes(ANA, "b.example");
    scene.is_at(ANA, "b.example").await;
    scene.assert_healthy().await;
    let fay = scene.enrol(0, "fay").await;
    scene.officers.push(fay);
    scene.admit(ANA, 3, Role::Member).await;
    scene.is_at(3, "b.example").await;
    scene.assert_healthy().await;
    scene.votes(ANA, "a.example");
    scene.votes(CID, "a.example");
    for who in 0..4 {
        scene.is_at(who, "a.example").await;
    }
    scene.assert_healthy().await;
    scene.assert_peace();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_hubs_channel_is_taken_over_by_the_others() {
    let mut scene = Scene::with_three().await;
    scene.officers[DORA].go_offline().await;
    scene.writes(ELI, "before the fire").await;
    scene.read_by("before the fire", &[ANA, CID]).await;
    scene.stop_relay(0).await;
    let waiting = scene.officers[CID].post(scene.channel, "while nobody takes it");
    scene.votes(CID, "b.example");
    scene.votes(ELI, "b.example");
    scene.knows_wish_of(CID, ELI).await;
    scene.knows_wish_of(ELI, CID).await;
    scene.comes_to(ELI, "b.example").await;
    scene.officers[CID].accepted(waiting).await;
    scene.writes(ELI, "after it").await;
    scene.officers[DORA].go_online();
    let all = ["before the fire", "while nobody takes it", "after it"];
    for text in all {
        scene.read_by(text, &[CID, DORA, ELI]).await;
    }

    // The former hub comes back, with its officers.
    let ana_waits = scene.officers[ANA].post(scene.channel, "from the ashes");
    scene.start_relay(0).await;
    scene.officers[ANA].accepted(ana_waits).await;
    scene.is_at(ANA, "b.example").await;
    for text in all.into_iter().chain(["from the ashes"]) {
        scene.read_by(text, &[ANA, CID, DORA, ELI]).await;
    }
    scene.assert_healthy().await;
    scene.assert_peace();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_for_a_move_comes_back_after_it() {
    let mut scene = Scene::with_three().await;
    scene.officers[DORA].go_offline().await;
    scene.votes(CID, "c.example");
    scene.votes(ELI, "c.example");
    scene.is_at(ANA, "c.example").await;
    let renewed = scene.officers[ANA].client().renew_keys(scene.channel).unwrap();
    scene.officers[ANA].accepted(renewed).await;
    scene.votes(ANA, "b.example");
    scene.votes(ELI, "b.example");
    scene.is_at(ANA, "b.example").await;
    scene.writes(ELI, "twice moved").await;
    scene.officers[DORA].go_online();
    scene.is_at(DORA, "b.example").await;
    scene.read_by("twice moved", &[DORA]).await;
    scene.assert_healthy().await;
    scene.assert_peace();
}

/// The next version of the bundle, without A.
fn without_a(network: &Network) -> Vec<u8> {
    let present = network.bundle();
    let mut content = present.content().clone();
    content.authorities.retain(|authority| authority.domain.as_str() != "a.example");
    let content = BundleContent { version: 2, previous: Some(present.hash()), ..content };
    let mut signed = SignedBundle::create(content).unwrap();
    for authority in &network.authorities[1..] {
        signed.sign_after(&present, &authority.domain, &authority.root_key).unwrap();
    }
    signed.encode()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_a_bundle_drops_is_left_and_its_authority_goes() {
    let scene = Scene::with_three().await;
    let dora = Rogue::of(&scene.network, &scene.officers[DORA]).await;
    let connection = dora.connect(&scene.places[1].target(&scene.network)).await;
    let bundle = without_a(&scene.network);
    call(&connection, &PublishBundleRequest { bundle }).await.unwrap();
    for who in [CID, ELI] {
        scene.officers[who]
            .is_told(scene.channel, "the hub is dropped", |row| {
                matches!(row.notice, Notice::HubDropped { .. }).then_some(())
            })
            .await;
        scene.votes(who, "b.example");
    }
    scene.knows_wish_of(CID, ELI).await;
    scene.knows_wish_of(ELI, CID).await;
    scene.comes_to(ELI, "b.example").await;
    let gone = scene.officers[ANA].address();
    let is_out = |client: &Client| {
        let details = client.show(scene.channel).unwrap()?;
        details.policy.role_of(&gone).is_none().then_some(())
    };
    scene.officers[ELI].until("A is out of the channel", is_out).await;
    scene.writes(CID, "without A").await;
    scene.read_by("without A", &[DORA, ELI]).await;
}
