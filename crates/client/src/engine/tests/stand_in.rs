//! A stand-in comes by its registrar's mandate, acts as a lead, and goes when that has ended.

use std::time::Duration;

use enlace_channel::consent::Answer;
use enlace_channel::entry::TimeZone;
use enlace_channel::policy::Role;
use enlace_identity::keys::SigningKey;
use enlace_identity::mandate::{Mandate, SignedMandate};
use enlace_log::ChannelId;

use super::world::World;
use crate::engine::{ActError, Wish};

const DAY: Duration = Duration::from_secs(86_400);

impl World {
    /// A mandate for an officer of Bruno's authority, for a week.
    fn mandate(&self, channel: ChannelId, officer: &str) -> Vec<u8> {
        let key = SigningKey::generate();
        let chain = self.network.mp.leaf("d1.duty", &key.public());
        let now = enlace_transport::Clock::now(&*self.clock);
        let mandate = Mandate {
            channel: channel.0,
            officer: self.address(officer),
            serial: now.as_secs(),
            not_after: now.plus(DAY * 7),
        };
        SignedMandate::sign(&mandate, &key, chain).encode()
    }

    fn role_of(&mut self, channel: ChannelId, who: &str) -> Option<Role> {
        let officer = self.address(who);
        self.policy("ana", channel).role_of(&officer)
    }
}

/// Bruno, the only one of his authority, is no lead any more.
fn leaderless() -> (World, ChannelId) {
    let mut world = World::new();
    world.enroll("dario", "mp");
    world.enroll("hugo", "mp");
    let channel = world.case();
    let bruno = world.address("bruno");
    world.engine("bruno").wish(channel, Wish::SetRole(bruno, Role::Member)).unwrap();
    world.settle();
    (world, channel)
}

#[test]
fn a_stand_in_comes_acts_and_goes_by_itself() {
    let (mut world, channel) = leaderless();
    let mandate = world.mandate(channel, "dario");
    world.engine("ana").wish(channel, Wish::StandIn(mandate)).unwrap();
    world.settle();
    assert_eq!(world.role_of(channel, "dario"), Some(Role::Lead));
    let hugo = world.address("hugo");
    world.engine("dario").wish(channel, Wish::Add(hugo, Role::Lead)).unwrap();
    world.settle();
    assert_eq!(world.role_of(channel, "hugo"), Some(Role::Lead));

    world.clock.advance(DAY * 7);
    world.pass(Duration::from_secs(300));
    assert_eq!(world.role_of(channel, "dario"), None);
    world.assert_agreement(channel, &["ana", "bruno", "eva", "hugo"]);
}

#[test]
fn a_mandate_that_does_not_fit_is_refused_at_once() {
    let (mut world, channel) = leaderless();
    let mandate = world.mandate(channel, "dario");
    let refused = world.engine("eva").wish(channel, Wish::StandIn(mandate.clone()));
    assert!(matches!(refused, Err(ActError::NotEntitled)));
    let elsewhere = world.mandate(ChannelId([9; 32]), "dario");
    let refused = world.engine("ana").wish(channel, Wish::StandIn(elsewhere));
    assert!(matches!(refused, Err(ActError::MandateElsewhere)));
    let refused = world.engine("ana").wish(channel, Wish::StandIn(vec![1, 2, 3]));
    assert!(matches!(refused, Err(ActError::Mandate(_))));
    let bruno = world.address("bruno");
    world.engine("ana").wish(channel, Wish::SetRole(bruno, Role::Lead)).unwrap();
    world.settle();
    let refused = world.engine("ana").wish(channel, Wish::StandIn(mandate));
    assert!(matches!(refused, Err(ActError::HasLead(_))));
}

/// The program says so at once, instead of queueing what everybody would void.
#[test]
fn a_stand_in_whose_mandate_has_ended_acts_for_nobody() {
    let (mut world, channel) = leaderless();
    let mandate = world.mandate(channel, "dario");
    world.engine("ana").wish(channel, Wish::StandIn(mandate)).unwrap();
    world.settle();
    let hugo = world.address("hugo");
    let tries = |world: &mut World| {
        let dario = world.engine("dario");
        let answered = dario.answer(channel, &hugo.to_string(), Answer::Yes, TimeZone::utc());
        (answered, dario.admit_many(channel, std::slice::from_ref(&hugo), Role::Member))
    };
    let (answered, admitted) = tries(&mut world);
    assert!(matches!(answered, Err(ActError::NotAsked(_))), "{answered:?}");
    assert!(admitted.is_ok());
    world.clock.advance(DAY * 7);
    let (answered, admitted) = tries(&mut world);
    assert!(matches!(answered, Err(ActError::NotEntitled)), "{answered:?}");
    assert!(matches!(admitted, Err(ActError::NotEntitled)));
}
