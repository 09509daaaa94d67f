//! What a revocation and a suspension ask of a hub when every member hears of it at once: many
//! programs with their stores, and a hub that gives the lease to one at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use enlace_channel::policy::Role;
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_log::{ChannelId, ItemKind};

use super::sweep::lists_against;
use super::world::{Leases, World};
use crate::engine::Wish;
use crate::engine::sweep::turn;

/// Members besides Ana and Bruno, the leads of the two authorities, and who is taken out.
const MEMBERS: usize = 15;

/// At most so many ask in vain: who had its turn before it could hear of the first one's commit.
const HANDFUL: usize = 5;

/// Longer than the last one waits for the others.
const ALL_TURNS: Duration = Duration::from_secs(15);

struct Crowd {
    world: World,
    names: Vec<&'static str>,
    channel: ChannelId,
}

impl Crowd {
    /// A channel of many, all online.
    fn new() -> Self {
        let mut world = World::new();
        let channel = world.case();
        world.enroll("gone", "mp");
        let mut members = vec![("bruno", "gone")];
        for index in 0..MEMBERS - 1 {
            let name: &'static str = format!("m{index}").leak();
            let (lead, domain) = if index % 2 == 0 { ("ana", "fge") } else { ("bruno", "mp") };
            world.enroll(name, domain);
            members.push((lead, name));
        }
        for (lead, name) in &members {
            let officer = world.address(name);
            world.engine(lead).wish(channel, Wish::Add(officer, Role::Member)).unwrap();
        }
        world.settle();
        let names: Vec<&'static str> = world.officers.keys().copied().collect();
        assert_eq!(world.policy("ana", channel).roles().len(), names.len());
        world.leases = Some(Leases::default());
        Self { world, names, channel }
    }

    /// All but the one concerned hear of lists at once; how many commits follow, and how often the
    /// lease was asked for in vain.
    fn hear(&mut self, lists: &[Vec<u8>]) -> (usize, usize) {
        let before = self.commits();
        for name in self.names.iter().filter(|name| **name != "gone") {
            self.world.engine(name).take_crls(lists).unwrap();
        }
        self.world.pass(ALL_TURNS);
        let refused = std::mem::take(&mut self.world.leases.as_mut().unwrap().refused);
        (self.commits() - before, refused)
    }

    fn commits(&self) -> usize {
        let items = self.world.hub.logs[&self.channel].items.iter();
        items.filter(|item| item.sealed.envelope().kind == ItemKind::Commit).count()
    }

    fn has(&mut self, name: &str) -> bool {
        let officer = self.world.address(name);
        self.world.policy("ana", self.channel).role_of(&officer).is_some()
    }
}

#[test]
fn one_commit_follows_each_list_and_a_handful_ask_in_vain() {
    let mut crowd = Crowd::new();
    let now = enlace_transport::Clock::now(&*crowd.world.clock);
    let suspended = crowd.world.network.mp.suspensions(5, now, &["gone@mp.example"]);
    let lifted = crowd.world.network.mp.suspensions(6, now, &[]);
    let revoked = lists_against(&mut crowd.world, "gone");
    for (lists, is_in) in [(vec![suspended], false), (vec![lifted], true), (revoked, false)] {
        let (commits, refused) = crowd.hear(&lists);
        assert_eq!(commits, 1);
        assert!(refused <= HANDFUL, "{refused}");
        assert_eq!(crowd.has("gone"), is_in);
    }
}

/// With a thousand members online, those whose turn comes between the first one's and the moment at
/// which its commit can have come to everybody.
#[test]
fn of_a_thousand_a_handful_ask_before_they_can_have_heard() {
    let heard_after = Duration::from_secs(2);
    let leads = |index: usize| match index {
        0..5 => (Role::Lead, "mp"),
        5..25 => (Role::Lead, "fge"),
        _ => (Role::Member, "fge"),
    };
    let devices: Vec<DeviceName> = (0..1_000)
        .map(|index| format!("pc.o{index}.officer.{}.example", leads(index).1).parse().unwrap())
        .collect();
    let roles: BTreeMap<_, _> = devices
        .iter()
        .enumerate()
        .map(|(index, device)| (device.officer().clone(), leads(index).0))
        .collect();
    for gone in ["bruno", "carla"] {
        let gone: DeviceName = format!("pc.{gone}.officer.mp.example").parse().unwrap();
        let role_of = |officer: &OfficerAddress| roles.get(officer).copied();
        let turns = devices.iter().map(|me| turn(me, Some(&gone), &devices, role_of));
        let turns: Vec<Duration> = turns.collect();
        // Leads of its authority may be away, or all leads.
        for absent in [0, 5, 25] {
            let present = &turns[absent..];
            let first = present.iter().min().copied().unwrap();
            let early = present.iter().filter(|turn| **turn < first + heard_after).count() - 1;
            assert!(early < HANDFUL, "{gone}, without {absent}: {early}");
        }
    }
}
