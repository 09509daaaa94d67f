//! Two leads who act at the same moment: every pair of acts ends in the same state everywhere, and
//! whose act does not come about is told why, never left to think that it was done.

use enlace_channel::consent::Answer;
use enlace_channel::entry::TimeZone;
use enlace_channel::policy::{Policy, Role};
use enlace_log::{ChannelId, ClientId};

use super::world::World;
use crate::engine::Wish;
use crate::notice::Notice;
use crate::store::OutboxState;

/// What somebody does at once with somebody else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Act {
    Admit(&'static str),
    Remove(&'static str),
    ChangeRole(&'static str),
    Close,
    Reopen,
    HandOver(&'static str),
    Consent(&'static str),
}

/// Who acts, and how.
type Deed = (&'static str, Act);

const MEMBERS: [&str; 5] = ["ana", "bruno", "dario", "eva", "felix"];

struct Race {
    world: World,
    channel: ChannelId,
}

impl Race {
    /// Ana, who owns the channel, Felix, a lead, and Eva, a member, of one authority; Bruno, a lead,
    /// and Dario, a member, of another. Gil and Hugo are of these two, Carla of a third one.
    fn new() -> Self {
        let mut world = World::new();
        for (name, domain) in
            [("dario", "mp"), ("felix", "fge"), ("gil", "fge"), ("hugo", "mp"), ("carla", "ucc")]
        {
            world.enroll(name, domain);
        }
        let channel = world.case();
        let mut race = Self { world, channel };
        race.does("bruno", |race| Wish::Add(race.world.address("dario"), Role::Member));
        race.does("ana", |race| Wish::Add(race.world.address("felix"), Role::Lead));
        race
    }

    fn does(&mut self, name: &str, wish: impl Fn(&Self) -> Wish) {
        let wish = wish(self);
        self.world.engine(name).wish(self.channel, wish).unwrap();
        self.world.settle();
    }

    fn policy(&mut self) -> Policy {
        self.world.policy("felix", self.channel)
    }

    fn role(&mut self, who: &str) -> Option<Role> {
        let officer = self.world.address(who);
        self.policy().role_of(&officer)
    }

    /// Puts everything back as it was.
    fn restore(&mut self, deeds: [Deed; 2]) {
        if self.role("bruno") == Some(Role::Owner) {
            self.does("bruno", |race| Wish::SetRole(race.world.address("ana"), Role::Owner));
        }
        if self.policy().is_closed() {
            self.does("ana", |_| Wish::SetClosed(false));
        }
        for (who, by) in [("gil", "ana"), ("hugo", "bruno")] {
            if self.role(who).is_some() {
                self.does(by, |race| Wish::Remove(race.world.address(who)));
            }
        }
        for (who, by) in [("eva", "ana"), ("dario", "bruno")] {
            match self.role(who) {
                Some(Role::Member) => {}
                Some(_) => {
                    self.does(by, |race| Wish::SetRole(race.world.address(who), Role::Member));
                }
                None => self.does(by, |race| Wish::Add(race.world.address(who), Role::Member)),
            }
        }
        if self.role("carla").is_some() {
            self.world.engine("carla").wish(self.channel, Wish::Leave).unwrap();
            for _ in 0..5 {
                self.world.pass(std::time::Duration::from_secs(1));
            }
            assert_eq!(self.role("carla"), None, "{deeds:?}");
        }
        if deeds.iter().any(|(_, act)| matches!(act, Act::Consent(_))) {
            self.does("ana", |race| Wish::Add(race.world.address("carla"), Role::Lead));
        }
        if deeds.iter().any(|(_, act)| *act == Act::Reopen) {
            self.does("ana", |_| Wish::SetClosed(true));
        }
    }

    /// Wishes for it; what nobody is entitled to is refused at once, which is an answer, too.
    fn begin(&mut self, (name, act): Deed) -> Option<ClientId> {
        let of = |who| self.world.address(who);
        let wish = match act {
            Act::Admit(who) => Wish::Add(of(who), Role::Member),
            Act::Remove(who) => Wish::Remove(of(who)),
            Act::ChangeRole(who) => Wish::SetRole(of(who), Role::Observer),
            Act::Close => Wish::SetClosed(true),
            Act::Reopen => Wish::SetClosed(false),
            Act::HandOver(to) => Wish::SetRole(of(to), Role::Owner),
            Act::Consent(to) => {
                let (whom, zone) = (of(to).to_string(), TimeZone::utc());
                return self.world.engine(name).answer(self.channel, &whom, Answer::Yes, zone).ok();
            }
        };
        self.world.engine(name).wish(self.channel, wish).ok()
    }

    fn is_done(&mut self, act: Act) -> bool {
        match act {
            Act::Admit(who) => self.role(who) == Some(Role::Member),
            Act::Remove(who) => self.role(who).is_none(),
            Act::ChangeRole(who) => self.role(who) == Some(Role::Observer),
            Act::Close => self.policy().is_closed(),
            Act::Reopen => !self.policy().is_closed(),
            Act::HandOver(to) => self.role(to) == Some(Role::Owner),
            Act::Consent(_) => true,
        }
    }

    fn told(&mut self, name: &str) -> usize {
        let notices = self.world.notices(name, self.channel);
        notices.iter().filter(|notice| matches!(notice, Notice::NotDone { .. })).count()
    }

    /// Both act before either hears of the other.
    fn run(&mut self, deeds: [Deed; 2]) {
        self.restore(deeds);
        let before = deeds.map(|(name, _)| self.told(name));
        let begun = deeds.map(|deed| self.begin(deed));
        self.world.settle();
        for ((deed, begun), before) in deeds.into_iter().zip(begun).zip(before) {
            let (name, act) = deed;
            let Some(id) = begun else { continue };
            let row = self.world.engine(name).read(|tx| tx.outbox_of(id)).unwrap().unwrap();
            match row.state {
                OutboxState::Queued => panic!("{deeds:?}: {deed:?} is neither done nor refused"),
                OutboxState::Failed(_) => {
                    assert!(self.told(name) > before, "{deeds:?}: {deed:?} was lost silently");
                }
                OutboxState::Accepted(_) => {
                    let undone = deeds.iter().any(|other| *other != deed && undoes(other.1, act));
                    assert!(undone || self.is_done(act), "{deeds:?}: {deed:?} was not done");
                }
            }
        }
        let removed: Vec<_> = MEMBERS.iter().filter(|who| self.role(who).is_none()).collect();
        let stay: Vec<&str> = MEMBERS.into_iter().filter(|who| !removed.contains(&who)).collect();
        self.world.assert_agreement(self.channel, &stay);
    }
}

/// Whether one act, coming later, takes back what the other did.
fn undoes(later: Act, earlier: Act) -> bool {
    match (later, earlier) {
        (Act::Remove(one), Act::ChangeRole(other)) => one == other,
        (Act::Reopen, Act::Close) | (Act::Close, Act::Reopen) => true,
        _ => false,
    }
}

#[test]
fn what_two_leads_of_two_authorities_do_at_once_ends_alike_everywhere() {
    let mut race = Race::new();
    let owners = [
        Act::Admit("gil"),
        Act::Remove("eva"),
        Act::ChangeRole("eva"),
        Act::Close,
        Act::Reopen,
        Act::HandOver("bruno"),
    ];
    let others =
        [Act::Admit("hugo"), Act::Remove("dario"), Act::ChangeRole("dario"), Act::Consent("carla")];
    for one in owners {
        for other in others {
            race.run([("ana", one), ("bruno", other)]);
        }
    }
}

#[test]
fn what_two_leads_of_one_authority_do_with_one_officer_ends_alike_everywhere() {
    let mut race = Race::new();
    let acts = [
        Act::Admit("gil"),
        Act::Remove("eva"),
        Act::ChangeRole("eva"),
        Act::Close,
        Act::HandOver("bruno"),
    ];
    for one in acts {
        for other in [Act::Admit("gil"), Act::Remove("eva"), Act::ChangeRole("eva")] {
            race.run([("ana", one), ("felix", other)]);
        }
    }
}
