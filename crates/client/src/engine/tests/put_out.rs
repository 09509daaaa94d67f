//! Devices whose whole authority is put out, or that shall believe so: they are shown to be out, and
//! wait until it is sure.

use std::time::Duration;

use enlace_channel::channel::SuccessionDraft;
use enlace_channel::consent::Answer;
use enlace_channel::entry::TimeZone;
use enlace_channel::mls::Suite;
use enlace_channel::policy::{FoundingReason, Role};
use enlace_log::{ChannelId, ClientId, Seq};
use enlace_proto::relay::v1 as wire;

use super::world::World;
use crate::engine::{EngineError, PostError, Wish};
use crate::notice::Notice;
use crate::store::{ChannelRow, ChannelStanding, OutboxState};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Ana and Eva of one authority, Bruno and Carla each of another.
fn world() -> (World, ChannelId) {
    let mut world = World::new();
    world.enroll("carla", "ucc");
    let channel = world.case();
    world.let_carla_in(channel);
    (world, channel)
}

impl World {
    /// Ana's modified program goes on without an authority, and asks nobody. Where that stands.
    fn puts_out_alone(&mut self, channel: ChannelId, of: &str) -> Seq {
        let authority = self.address(of).domain().clone();
        let stays = |officer: &super::world::Officer| officer.name.domain() != &authority;
        let stay = self.officers.iter().filter(|(name, o)| **name != "ana" && stays(o));
        let devices = stay.map(|(_, officer)| officer.name.to_string()).collect();
        let suite = Suite::default();
        let claim = wire::ClaimKeyPackagesRequest {
            suite: suite.code().into(),
            devices,
            officers: Vec::new(),
        };
        let claimed = self.hub.claim(&claim).unwrap();
        let draft = SuccessionDraft {
            reason: FoundingReason::Expulsion,
            suite,
            key_packages: claimed.into_iter().map(|claimed| claimed.key_package).collect(),
            expulsion: Some((authority, Vec::new())),
        };
        let founded = self.engine("ana").write::<_, EngineError>(|work| {
            let mut taken = work.take(channel)?.unwrap();
            let id = work.new_client_id(channel);
            let founded = taken.dangerous_seal_succession(&work.ctx, draft, |_| {}, id);
            work.keep(taken);
            Ok(founded.unwrap())
        });
        let now = enlace_transport::Clock::now(&*self.clock);
        let response = self.hub.submit(founded.unwrap().request, now).unwrap();
        Seq(response.seq)
    }

    fn gives_up_keys(&mut self, name: &str, channel: ChannelId) {
        let given_up = self.engine(name).write::<_, EngineError>(|work| {
            let mut taken = work.take(channel)?.unwrap();
            let since = taken.fence().unwrap();
            assert!(taken.give_up_keys(&work.ctx, since, false)?);
            let standing = ChannelStanding::Stranded;
            if let Some(row) = work.tx.channel(channel)? {
                work.tx.put_channel(&ChannelRow { standing, ..row })?;
            }
            work.keep(taken);
            Ok(())
        });
        given_up.unwrap();
    }

    fn standing_of(&mut self, name: &str, channel: ChannelId) -> ChannelStanding {
        self.engine(name).read(|tx| tx.channel(channel)).unwrap().unwrap().standing
    }

    fn is_followed(&mut self, name: &str, channel: ChannelId) -> bool {
        self.engine(name).followed().unwrap().iter().any(|followed| followed.channel == channel)
    }

    fn is_said_not_to_be_done(&mut self, name: &str, channel: ChannelId) -> bool {
        let notices = self.notices(name, channel);
        notices.iter().any(|notice| matches!(notice, Notice::NotDone { .. }))
    }

    /// Only these are online.
    fn run(&mut self, names: &[&str]) {
        for _ in 0..50 {
            for name in names {
                self.deliver(name);
                self.pump(name);
            }
            self.clock.advance(Duration::from_millis(200));
        }
    }

    /// Carla has written, is left out by Ana, and served no more.
    fn carla_is_out(&mut self, channel: ChannelId) -> ClientId {
        let waiting = self.post("carla", channel, "mi nota");
        self.puts_out_alone(channel, "carla");
        self.deliver("carla");
        let ana = self.device("ana");
        assert!(self.notices("carla", channel).contains(&Notice::LeftOut { by: ana.clone() }));
        assert!(self.engine("carla").is_served_no_more(channel).unwrap());
        assert!(self.engine("carla").is_served_no_more(channel).unwrap());
        assert_eq!(self.standing_of("carla", channel), ChannelStanding::Removed);
        let notices = self.notices("carla", channel);
        let out = Notice::Removed { by: ana };
        assert_eq!(notices.iter().filter(|notice| **notice == out).count(), 1, "told once");
        let note = crate::engine::NewNote {
            text: "otra".to_owned(),
            handling: None,
            restriction: None,
            time_zone: TimeZone::utc(),
            client_id: None,
        };
        assert!(matches!(self.engine("carla").post(channel, note), Err(PostError::Removed)));
        waiting
    }
}

/// The others went on without the founding, and the hub serves Carla again.
#[test]
fn who_was_put_out_by_a_void_founding_is_back_with_the_others_next_change() {
    let (mut world, channel) = world();
    let waiting = world.carla_is_out(channel);
    assert_eq!(world.state_of("carla", waiting), OutboxState::Queued, "it is not sure");
    assert!(world.engine("carla").pending().unwrap().is_empty(), "nobody waits for that");
    world.restart("carla");
    assert!(world.is_followed("carla", channel));

    world.run(&["ana", "bruno", "eva"]);
    world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
    world.run(&["ana", "bruno", "eva"]);
    world.run(&["carla"]);
    assert_eq!(world.standing_of("carla", channel), ChannelStanding::Member);
    assert!(world.notices("carla", channel).contains(&Notice::Resumed));
    world.settle();
    assert!(matches!(world.state_of("carla", waiting), OutboxState::Accepted(Some(_))));
    for name in ["ana", "bruno", "eva", "carla"] {
        assert_eq!(world.texts(name, channel).last().unwrap(), "mi nota", "{name}");
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva", "carla"]);
}

/// Carla's store was set back, so that she reads nothing when Ana puts her out alone.
#[test]
fn who_had_lost_step_before_asks_to_be_put_back_once_it_is_served_again() {
    let (mut world, channel) = world();
    world.gives_up_keys("carla", channel);
    world.carla_is_out(channel);
    world.run(&["ana", "bruno", "eva"]);
    world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
    world.run(&["ana", "bruno", "eva"]);
    world.deliver("carla");
    assert_eq!(world.standing_of("carla", channel), ChannelStanding::Stranded);
    world.pass(Duration::from_secs(12));
    assert_eq!(world.standing_of("carla", channel), ChannelStanding::Member);
    world.assert_agreement(channel, &["ana", "bruno", "eva", "carla"]);
    assert_eq!(world.texts("bruno", channel).last().unwrap(), "mi nota");
}

/// In a channel that lives, a member would have changed something by then.
#[test]
fn whom_nobody_serves_for_two_periods_is_out_for_good() {
    let (mut world, channel) = world();
    let waiting = world.carla_is_out(channel);
    for (days, is_over) in [(13, false), (1, true)] {
        world.clock.advance(days * DAY);
        world.engine("carla").expire_daily().unwrap();
        assert_eq!(world.is_followed("carla", channel), !is_over);
        let state = world.state_of("carla", waiting);
        assert_eq!(matches!(state, OutboxState::Failed(_)), is_over, "{state:?}");
        assert_eq!(world.is_said_not_to_be_done("carla", channel), is_over);
    }
    assert_eq!(world.standing_of("carla", channel), ChannelStanding::Removed);
}

#[test]
fn an_officer_does_not_have_to_wait() {
    let (mut world, channel) = world();
    let waiting = world.carla_is_out(channel);
    let left = world.engine("carla").wish(channel, Wish::Leave).unwrap();
    assert_eq!(world.state_of("carla", left), OutboxState::Accepted(None));
    assert!(matches!(world.state_of("carla", waiting), OutboxState::Failed(_)));
    assert!(!world.is_followed("carla", channel));
    assert_eq!(world.standing_of("carla", channel), ChannelStanding::Removed);
}

/// What was written before does not speak for whoever is let in anew.
#[test]
fn who_is_let_in_anew_was_out_for_good() {
    let (mut world, channel) = world();
    let ucc = world.address("carla").domain().clone();
    world.wants("ana", channel, Wish::Expel(ucc.clone()));
    let waiting = world.post("carla", channel, "mi nota");
    world.engine("bruno").answer(channel, ucc.as_str(), Answer::Yes, TimeZone::utc()).unwrap();
    let carla = world.officers.remove("carla").unwrap();
    world.settle();
    assert!(!world.policy("eva", channel).authorities().contains(&ucc));
    let last = world.hub.logs[&channel].items.len() as u64;
    world.officers.insert("carla", carla);
    while world.standing_of("carla", channel) != ChannelStanding::Stranded {
        world.deliver("carla");
    }
    assert!(world.engine("carla").is_served_no_more(channel).unwrap());

    let wish = Wish::Add(world.address("carla"), Role::Lead);
    let carla = world.officers.remove("carla").unwrap();
    world.wants("ana", channel, wish);
    let whom = carla.name.officer().to_string();
    world.engine("bruno").answer(channel, &whom, Answer::Yes, TimeZone::utc()).unwrap();
    world.settle();
    world.officers.insert("carla", carla);
    let name = world.device("carla");
    let welcomes = world.hub.welcomes.remove(&name).unwrap();
    assert!(welcomes.iter().all(|welcome| welcome.commit.as_ref().unwrap().seq >= last));
    for welcome in welcomes {
        assert!(world.engine("carla").take_welcome(welcome).unwrap());
    }
    world.settle();
    assert!(matches!(world.state_of("carla", waiting), OutboxState::Failed(_)));
    assert!(world.is_said_not_to_be_done("carla", channel));
    world.post("carla", channel, "de vuelta");
    world.settle();
    assert_eq!(world.texts("bruno", channel).last().unwrap(), "de vuelta");
    assert!(!world.texts("bruno", channel).contains(&"mi nota".to_owned()));
}

/// Eva's store was set back. What she may read no further she cannot judge.
#[test]
fn who_had_lost_step_and_is_removed_takes_itself_for_out() {
    let (mut world, channel) = world();
    world.gives_up_keys("eva", channel);
    let wish = Wish::Remove(world.address("eva"));
    world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
    world.run(&["ana", "bruno"]);
    world.deliver("eva");
    world.engine("ana").wish(channel, wish).unwrap();
    world.run(&["ana", "bruno"]);
    world.deliver("eva");
    assert_eq!(world.standing_of("eva", channel), ChannelStanding::Stranded);

    assert!(world.engine("eva").is_served_no_more(channel).unwrap());
    assert_eq!(world.standing_of("eva", channel), ChannelStanding::Removed);
    let (notices, by) = (world.notices("eva", channel), world.device("ana"));
    assert!(notices.contains(&Notice::Removed { by }), "{notices:?}");
    assert!(!notices.iter().any(|notice| matches!(notice, Notice::Stopped { .. })), "{notices:?}");
}

/// Nobody has signed a list without Eva: the relay alone says that she is out.
#[test]
fn who_had_lost_step_and_is_on_the_list_is_not_out_because_the_relay_says_so() {
    let (mut world, channel) = world();
    world.gives_up_keys("eva", channel);
    world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
    world.run(&["ana", "bruno"]);
    world.deliver("eva");
    assert!(!world.engine("eva").is_served_no_more(channel).unwrap());
    assert_eq!(world.standing_of("eva", channel), ChannelStanding::Stranded);
    let notices = world.notices("eva", channel);
    assert!(notices.iter().any(|notice| matches!(notice, Notice::Stopped { .. })), "{notices:?}");
}
