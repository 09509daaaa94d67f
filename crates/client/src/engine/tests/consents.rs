//! What takes the consent of other authorities: asked, answered and carried out by the program.

use std::time::Duration;

use enlace_channel::consent::Answer;
use enlace_channel::entry::TimeZone;
use enlace_channel::policy::Role;
use enlace_log::{ChannelId, ClientId};

use super::world::World;
use crate::engine::{ActError, AgreementView, EngineError, Wish};
use crate::notice::{ChangeAct, Matter, Notice};
use crate::store::{ChannelStanding, OutboxState};

/// Ana and Eva of one authority, Bruno of another; Carla of a third one is outside.
fn world() -> (World, ChannelId) {
    let mut world = World::new();
    world.enroll("carla", "ucc");
    let channel = world.case();
    (world, channel)
}

impl World {
    fn agreements(&mut self, name: &str, channel: ChannelId) -> Vec<AgreementView> {
        let found = self.engine(name).write::<_, EngineError>(|work| {
            let channel = work.take(channel)?.unwrap();
            let found = work.agreements(&channel);
            work.keep(channel);
            found
        });
        found.unwrap()
    }

    pub(super) fn wants(&mut self, name: &str, channel: ChannelId, wish: Wish) -> ClientId {
        let id = self.engine(name).wish(channel, wish).unwrap();
        self.go_on(Duration::from_secs(2));
        id
    }

    pub(super) fn answers(&mut self, name: &str, channel: ChannelId, about: &str, answer: Answer) {
        let officer = self.address(about);
        let zone = TimeZone::utc();
        self.engine(name).answer(channel, &officer.to_string(), answer, zone).unwrap();
        self.go_on(Duration::from_secs(2));
    }

    /// Time goes by, though somebody waits for others.
    fn go_on(&mut self, time: Duration) {
        for _ in 0..time.as_millis() / 200 {
            let names: Vec<&'static str> = self.officers.keys().copied().collect();
            names.iter().for_each(|name| _ = self.deliver(name) + self.pump(name));
            self.clock.advance(Duration::from_millis(200));
        }
    }

    fn state(&mut self, name: &str, id: ClientId) -> OutboxState {
        self.engine(name).read(|tx| tx.outbox_of(id)).unwrap().unwrap().state
    }

    pub(super) fn role(&mut self, name: &str, channel: ChannelId, of: &str) -> Option<Role> {
        let officer = self.address(of);
        self.policy(name, channel).role_of(&officer)
    }

    fn proposals(&mut self, channel: ChannelId) -> usize {
        let said = self.engine("eva").read(|tx| tx.statements(channel)).unwrap();
        said.iter().filter(|row| row.kind == 12).count()
    }

    fn add(&self, name: &str) -> Wish {
        Wish::Add(self.address(name), Role::Member)
    }

    /// All three authorities: Carla is let in.
    pub(super) fn let_carla_in(&mut self, channel: ChannelId) {
        let wish = self.add("carla");
        self.wants("ana", channel, wish);
        self.answers("bruno", channel, "carla", Answer::Yes);
        self.settle();
        assert_eq!(self.role("ana", channel, "carla"), Some(Role::Lead));
    }
}

#[test]
fn a_new_authority_waits_for_the_others_and_comes_in_by_itself() {
    let (mut world, channel) = world();
    let wish = world.add("carla");
    let asked = world.wants("ana", channel, wish);
    assert_eq!(world.state("ana", asked), OutboxState::Queued);
    assert_eq!(world.proposals(channel), 1);
    let (ana, carla) = (world.device("ana"), world.address("carla"));
    let told = Notice::ConsentAsked { by: ana, matter: Matter::Authority, whom: carla.to_string() };
    assert!(world.notices("bruno", channel).contains(&told));
    assert!(!world.notices("eva", channel).contains(&told), "her lead is the one who asks");

    let mp = world.address("bruno").domain().clone();
    for name in ["ana", "bruno", "eva"] {
        let [open] = &world.agreements(name, channel)[..] else { panic!("{name}") };
        assert_eq!(open.whom, carla.to_string());
        assert!(open.waiting_for.contains(&mp) && !open.suffices, "{name}");
    }
    // Notes go on meanwhile, and the program may end.
    world.post("ana", channel, "sigue");
    world.restart("ana");
    world.answers("bruno", channel, "carla", Answer::Yes);
    world.settle();
    assert_eq!(world.role("eva", channel, "carla"), Some(Role::Lead));
    assert!(matches!(world.state("ana", asked), OutboxState::Accepted(Some(_))));
    assert!(world.agreements("ana", channel).is_empty());
    assert_eq!(world.proposals(channel), 1, "asked once");
    world.assert_agreement(channel, &["ana", "bruno", "carla", "eva"]);
}

#[test]
fn a_refusal_is_told_and_may_be_thought_over() {
    let (mut world, channel) = world();
    let wish = world.add("carla");
    let asked = world.wants("ana", channel, wish);
    world.answers("bruno", channel, "carla", Answer::No);
    let whom = world.address("carla").to_string();
    let by = world.device("bruno");
    let told = Notice::ConsentAnswered { by, matter: Matter::Authority, whom, yes: false };
    assert!(world.notices("ana", channel).contains(&told));
    let [open] = &world.agreements("ana", channel)[..] else { panic!() };
    assert_eq!(open.refused.len(), 1);
    assert_eq!(world.state("ana", asked), OutboxState::Queued);

    world.answers("bruno", channel, "carla", Answer::Yes);
    world.settle();
    assert_eq!(world.role("ana", channel, "carla"), Some(Role::Lead));
}

#[test]
fn what_nobody_consents_to_is_taken_back() {
    let (mut world, channel) = world();
    let wish = world.add("carla");
    let asked = world.wants("ana", channel, wish);
    let remove = Wish::Remove(world.address("carla"));
    world.engine("ana").wish(channel, remove).unwrap();
    assert!(matches!(world.state("ana", asked), OutboxState::Failed(_)));
    world.settle();
    world.answers("bruno", channel, "carla", Answer::Yes);
    world.settle();
    assert_eq!(world.role("ana", channel, "carla"), None);
}

#[test]
fn who_is_not_a_lead_or_was_not_asked_does_not_answer() {
    let (mut world, channel) = world();
    let carla = world.address("carla");
    let mut answer = |name: &str| {
        world
            .engine(name)
            .answer(channel, &carla.to_string(), Answer::Yes, TimeZone::utc())
            .unwrap_err()
    };
    assert!(matches!(answer("bruno"), ActError::NotAsked(_)));
    assert!(matches!(answer("eva"), ActError::NotEntitled));
}

#[test]
fn consents_that_no_longer_count_are_asked_for_again() {
    let (mut world, channel) = world();
    world.enroll("dario", "mp");
    let wish = world.add("carla");
    world.wants("ana", channel, wish);
    // All of Bruno's authority go, before anybody answers, and come back.
    world.engine("bruno").wish(channel, Wish::Leave).unwrap();
    world.go_on(Duration::from_secs(20));
    assert_eq!(world.role("ana", channel, "carla"), Some(Role::Lead), "nobody else is there");

    let dario = world.add("dario");
    world.wants("ana", channel, dario);
    assert_eq!(world.proposals(channel), 2);
    world.answers("carla", channel, "dario", Answer::Yes);
    world.settle();
    assert_eq!(world.role("ana", channel, "dario"), Some(Role::Lead));
    let bruno = world.address("bruno");
    world.engine("dario").wish(channel, Wish::Add(bruno, Role::Lead)).unwrap();
    world.settle();
    world.assert_agreement(channel, &["ana", "carla", "dario", "eva"]);
}

#[test]
fn asking_again_reaches_leads_who_came_later() {
    let (mut world, channel) = world();
    let wish = world.add("carla");
    world.wants("ana", channel, wish.clone());
    world.wants("ana", channel, wish);
    assert_eq!(world.proposals(channel), 2);
}

#[test]
fn leads_of_most_authorities_put_another_in_the_place_of_an_owner_who_is_gone() {
    let (mut world, channel) = world();
    world.let_carla_in(channel);
    let asked = world.wants("bruno", channel, Wish::AppointOwner(world.address("bruno")));
    assert_eq!(world.state("bruno", asked), OutboxState::Queued);
    assert!(
        world
            .notices("carla", channel)
            .iter()
            .any(|notice| { matches!(notice, Notice::ConsentAsked { matter: Matter::Owner, .. }) })
    );
    world.answers("carla", channel, "bruno", Answer::Yes);
    world.settle();
    assert_eq!(world.role("eva", channel, "bruno"), Some(Role::Owner));
    assert_eq!(world.role("eva", channel, "ana"), Some(Role::Lead));
    world.assert_agreement(channel, &["ana", "bruno", "carla", "eva"]);
}

#[test]
fn of_two_who_are_to_be_appointed_the_second_is_reported() {
    let (mut world, channel) = world();
    world.let_carla_in(channel);
    let one = world.wants("bruno", channel, Wish::AppointOwner(world.address("bruno")));
    let other = world.wants("carla", channel, Wish::AppointOwner(world.address("carla")));
    world.answers("carla", channel, "bruno", Answer::Yes);
    world.settle();
    assert!(matches!(world.state("bruno", one), OutboxState::Accepted(Some(_))));
    assert!(matches!(world.state("carla", other), OutboxState::Failed(_)));
    assert!(world.notices("carla", channel).iter().any(|n| matches!(n, Notice::NotDone { .. })));
    assert_eq!(world.role("ana", channel, "bruno"), Some(Role::Owner));
}

#[test]
fn a_lead_is_appointed_where_none_remains() {
    let (mut world, channel) = world();
    let bruno = world.address("bruno");
    world.engine("bruno").wish(channel, Wish::SetRole(bruno.clone(), Role::Member)).unwrap();
    world.settle();
    assert_eq!(world.role("ana", channel, "bruno"), Some(Role::Member));
    world.engine("ana").wish(channel, Wish::SetRole(bruno, Role::Lead)).unwrap();
    world.settle();
    assert_eq!(world.role("eva", channel, "bruno"), Some(Role::Lead));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn an_authority_is_put_out_when_the_others_have_consented() {
    let (mut world, channel) = world();
    world.let_carla_in(channel);
    let ucc = world.address("carla").domain().clone();
    for name in ["bruno", "eva"] {
        let refused = world.engine(name).wish(channel, Wish::Expel(ucc.clone()));
        assert!(matches!(refused, Err(ActError::OwnerExpels)), "{name}");
    }
    let own = world.address("ana").domain().clone();
    let refused = world.engine("ana").wish(channel, Wish::Expel(own));
    assert!(matches!(refused, Err(ActError::OwnerExpels)));
    // Without a lead of the third authority nobody could consent.
    let bruno = world.address("bruno");
    world.engine("bruno").wish(channel, Wish::SetRole(bruno.clone(), Role::Member)).unwrap();
    world.settle();
    let refused = world.engine("ana").wish(channel, Wish::Expel(ucc.clone()));
    assert!(matches!(refused, Err(ActError::NobodyAgrees)));
    world.engine("ana").wish(channel, Wish::SetRole(bruno, Role::Lead)).unwrap();
    world.settle();

    world.post("eva", channel, "antes");
    world.settle();
    let asked = world.wants("ana", channel, Wish::Expel(ucc.clone()));
    let (ana, whom) = (world.device("ana"), ucc.to_string());
    let told =
        Notice::ConsentAsked { by: ana.clone(), matter: Matter::Expulsion, whom: whom.clone() };
    assert!(world.notices("bruno", channel).contains(&told));
    assert!(!world.notices("carla", channel).contains(&told), "it reads that, and is not asked");
    assert_eq!(world.state("ana", asked), OutboxState::Queued);
    world.engine("bruno").answer(channel, &whom, Answer::Yes, TimeZone::utc()).unwrap();
    world.go_on(Duration::from_secs(3));
    world.settle();
    assert!(matches!(world.state("ana", asked), OutboxState::Accepted(Some(_))));
    for name in ["ana", "bruno", "eva"] {
        assert!(!world.policy(name, channel).authorities().contains(&ucc), "{name}");
        let out = ChangeAct::Expelled { authority: ucc.clone() };
        let is_told = |n: &Notice| matches!(n, Notice::Changed { acts, .. } if acts.contains(&out));
        assert!(world.notices(name, channel).iter().any(is_told), "{name}");
    }
    assert!(world.notices("carla", channel).contains(&Notice::LeftOut { by: ana.clone() }));
    world.post("eva", channel, "entre nosotros");
    world.settle();
    let said = "entre nosotros".to_owned();
    assert!(world.texts("bruno", channel).contains(&said));
    assert!(!world.texts("carla", channel).contains(&said));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);

    let is_unreadable = |n: &Notice| matches!(n, Notice::Unreadable { .. });
    for name in ["ana", "bruno", "eva"] {
        let notices = world.notices(name, channel);
        assert!(!notices.iter().any(is_unreadable), "Carla's objection is no entry: {notices:?}");
    }
    // Its relay serves it no more: the others went on without it.
    assert!(world.engine("carla").is_served_no_more(channel).unwrap());
    let rows = world.engine("carla").read(|tx| tx.channels()).unwrap();
    let row = rows.iter().find(|row| row.id == channel).unwrap();
    assert_eq!((row.standing, &row.stopped), (ChannelStanding::Removed, &None));
    assert!(world.notices("carla", channel).contains(&Notice::Removed { by: ana }));
    assert!(world.texts("carla", channel).contains(&"antes".to_owned()), "what it has stays");
}
