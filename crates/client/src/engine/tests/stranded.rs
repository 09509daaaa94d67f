//! A member whose change leaves others behind: they come back by whoever is there, and lose nothing.

use std::time::Duration;

use enlace_channel::entry::SignedEntry;
use enlace_channel::history::{HistoryShare, SharedEntries};
use enlace_channel::mls::{Backend, Tamper};
use enlace_channel::policy::Role;
use enlace_channel::rules::Act;
use enlace_identity::names::DeviceName;
use enlace_log::{ChannelId, Generation, Seq};

use super::world::World;
use crate::engine::Wish;
use crate::notice::{ChangeAct, Notice};
use crate::store::ChannelStanding;
use crate::task::Task;

/// Longer than anybody waits for others.
const LONG: Duration = Duration::from_secs(12);

/// Garbles what is sealed to some keys.
struct Garble(Vec<Vec<u8>>);

impl Tamper for Garble {
    fn sealed(&self, receiver: &[u8], ciphertext: &mut Vec<u8>) {
        if self.0.iter().any(|key| key == receiver) {
            *ciphertext.last_mut().unwrap() ^= 1;
        }
    }
}

pub(super) fn encryption_key(
    world: &mut World,
    seen_by: &str,
    channel: ChannelId,
    of: &str,
) -> Vec<u8> {
    let leaf = world.chain_of(of);
    let found = world.engine(seen_by).write::<_, crate::engine::EngineError>(|work| {
        let channel = work.take(channel)?.unwrap();
        let members = channel.view()?.members.into_iter();
        let mut found = members.filter(|member| member.chain == leaf);
        let key = found.next().unwrap().encryption_key.to_vec();
        work.keep(channel);
        Ok(key)
    });
    found.unwrap()
}

fn standing(world: &mut World, name: &str, channel: ChannelId) -> ChannelStanding {
    world.engine(name).read(|tx| tx.channel(channel)).unwrap().unwrap().standing
}

/// Bruno renews his keys, and garbles what is for these. Where that stands.
fn strand(world: &mut World, channel: ChannelId, victims: &[&str]) -> Seq {
    let keys =
        victims.iter().map(|victim| encryption_key(world, "bruno", channel, victim)).collect();
    let garbling = Backend::dangerous_with_tamper(Box::new(Garble(keys))).unwrap();
    world.engine("bruno").backend = garbling;
    world.engine("bruno").wish(channel, Wish::RenewKeys).unwrap();
    let since = Seq(world.hub.logs[&channel].items.len() as u64);
    while world.hub.logs[&channel].items.len() as u64 == since.0 {
        world.pump("bruno");
    }
    world.engine("bruno").backend = Backend::new().unwrap();
    for victim in victims {
        world.deliver(victim);
        assert_eq!(standing(world, victim, channel), ChannelStanding::Stranded);
    }
    since
}

fn has(world: &mut World, name: &str, channel: ChannelId, notice: &Notice) -> bool {
    world.notices(name, channel).contains(notice)
}

#[test]
fn a_stranded_device_comes_back_and_what_it_wrote_goes_out() {
    let mut world = World::new();
    let channel = world.case();
    let since = strand(&mut world, channel, &["eva"]);
    world.post("eva", channel, "mientras tanto");
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert!(world.texts(name, channel).contains(&"mientras tanto".to_owned()), "{name}");
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
    assert_eq!(standing(&mut world, "eva", channel), ChannelStanding::Member);

    let (ana, bruno, eva) = (world.device("ana"), world.device("bruno"), world.device("eva"));
    let told = world.notices("eva", channel);
    assert!(told.iter().any(|n| matches!(n, Notice::Stranded { by, .. } if *by == bruno)));
    assert!(has(&mut world, "eva", channel, &Notice::PutBack { by: ana.clone() }));
    let guilty = Some(bruno);
    let asked = Notice::BackRequested { device: eva.clone(), since: since.0, guilty };
    let back =
        Notice::Changed { by: ana, acts: vec![ChangeAct::PutBack { device: eva, since: since.0 }] };
    for name in ["ana", "bruno"] {
        assert!(has(&mut world, name, channel, &asked), "{name}");
        assert!(has(&mut world, name, channel, &back), "{name}");
    }
}

#[test]
fn the_owner_comes_back_too() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    let dario = world.address("dario");
    world.engine("bruno").wish(channel, Wish::Add(dario, Role::Observer)).unwrap();
    world.settle();
    strand(&mut world, channel, &["ana"]);
    world.post("ana", channel, "la titular");
    world.pass(LONG);
    world.assert_agreement(channel, &["ana", "bruno", "eva", "dario"]);
    for name in ["bruno", "eva", "dario"] {
        assert_eq!(world.texts(name, channel), ["la titular"], "{name}");
    }
    assert!(!world.notices("ana", channel).iter().any(|n| matches!(n, Notice::Removed { .. })));
}

/// Nobody else is there but the one whose change it was.
#[test]
fn whoever_is_at_fault_goes_last_and_does_it_where_nobody_else_does() {
    let mut world = World::new();
    let channel = world.case();
    strand(&mut world, channel, &["eva"]);
    let alone = ["bruno", "eva"];
    let run = |world: &mut World, seconds: u64| {
        for _ in 0..seconds * 5 {
            for name in alone {
                world.deliver(name);
                world.pump(name);
            }
            world.clock.advance(Duration::from_millis(200));
        }
    };
    run(&mut world, 20);
    assert_eq!(standing(&mut world, "eva", channel), ChannelStanding::Stranded);
    run(&mut world, 40);
    assert_eq!(standing(&mut world, "eva", channel), ChannelStanding::Provisional);
    let unsent = world.post("eva", channel, "a la espera");
    run(&mut world, 5);
    assert!(world.engine("eva").pending().unwrap().contains(&unsent), "Ana could tell");
    world.post("ana", channel, "estoy aquí");
    world.settle();
    assert_eq!(world.texts("ana", channel), ["estoy aquí", "a la espera"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn a_program_that_ends_in_between_comes_back_all_the_same() {
    let mut world = World::new();
    let channel = world.case();
    strand(&mut world, channel, &["eva"]);
    world.restart("eva");
    world.restart("ana");
    world.post("ana", channel, "sigo");
    world.pass(LONG);
    world.restart("eva");
    world.post("eva", channel, "de vuelta");
    world.settle();
    assert_eq!(world.texts("bruno", channel), ["sigo", "de vuelta"]);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

fn shared(world: &mut World, name: &str, channel: ChannelId) -> Vec<(DeviceName, u64)> {
    let notices = world.notices(name, channel).into_iter();
    let shares = notices.filter_map(|notice| match notice {
        Notice::HistoryShared { by, entries } => Some((by, entries)),
        _ => None,
    });
    shares.collect()
}

#[test]
fn a_stranded_device_gets_what_it_missed() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "antes");
    world.settle();
    strand(&mut world, channel, &["eva"]);
    for (name, text) in [("ana", "uno"), ("bruno", "dos"), ("ana", "tres")] {
        world.post(name, channel, text);
        while !world.engine(name).pending().unwrap().is_empty() {
            world.pump(name);
            world.deliver(name);
        }
    }
    world.pass(LONG);
    world.restart("eva");
    world.post("ana", channel, "después");
    world.settle();
    let all = ["antes", "uno", "dos", "tres", "después"];
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(world.texts(name, channel), all, "{name}");
    }
    // Ana put her back; Bruno is of another authority, and has done the same.
    let by: u64 = shared(&mut world, "eva", channel).iter().map(|(_, entries)| entries).sum();
    assert_eq!(by, 3, "each once");
    assert!(shared(&mut world, "ana", channel).is_empty());
    assert_eq!(standing(&mut world, "eva", channel), ChannelStanding::Member);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// Whoever shares it has erased it by then; it is shown as that, and not as a note that says nothing.
#[test]
fn what_was_withdrawn_meanwhile_never_came() {
    let mut world = World::new();
    let channel = world.case();
    strand(&mut world, channel, &["eva"]);
    write_meanwhile(&mut world, channel, &[("ana", "uno"), ("ana", "dos")]);
    let place = super::withdrawals::place(&mut world, "ana", channel, "uno");
    world.engine("ana").withdraw(channel, place, super::withdrawals::note("error")).unwrap();
    while world.pump("ana") + world.deliver("ana") + world.deliver("bruno") > 0 {}
    world.pass(LONG);
    world.settle();
    assert_eq!(world.texts("eva", channel), ["dos", "error"]);
    let erased = crate::client::erased_of(world.engine("eva"), channel).unwrap();
    let never_came = |view: &crate::client::ErasedView| {
        view.seq == place && view.here == crate::client::ErasedHere::NeverCame
    };
    assert!(erased.iter().any(never_came), "{erased:?}");
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// A new group gives the keys back before the device has asked for them.
#[test]
fn who_comes_along_into_a_next_group_gets_what_it_missed_before() {
    let mut world = World::new();
    let channel = world.case();
    strand(&mut world, channel, &["eva"]);
    write_meanwhile(&mut world, channel, &[("ana", "uno"), ("bruno", "dos")]);
    world.engine("ana").wish(channel, Wish::RenewChannel(None)).unwrap();
    while world.pump("ana") + world.deliver("ana") > 0 {}
    assert_eq!(world.policy("ana", channel).generation(), Generation(1));
    world.deliver("eva");
    assert_eq!(world.policy("eva", channel).generation(), Generation(1));
    world.pass(LONG);
    world.post("eva", channel, "tres");
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(world.texts(name, channel), ["uno", "dos", "tres"], "{name}");
    }
    assert_eq!(standing(&mut world, "eva", channel), ChannelStanding::Member);
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// And asks for nothing where there is nothing.
#[test]
fn who_comes_along_and_missed_nothing_is_not_put_back() {
    let mut world = World::new();
    let channel = world.case();
    strand(&mut world, channel, &["eva"]);
    world.engine("ana").wish(channel, Wish::RenewChannel(None)).unwrap();
    while world.pump("ana") + world.deliver("ana") > 0 {}
    world.deliver("eva");
    world.pass(LONG);
    let asked = |notice: &Notice| matches!(notice, Notice::BackRequested { .. });
    assert!(!world.notices("ana", channel).iter().any(asked));
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

/// The keys under which a device can open what is shared with it.
fn share_keys(world: &mut World, name: &str, channel: ChannelId) -> Vec<Vec<u8>> {
    let found = world.engine(name).write::<_, crate::engine::EngineError>(|work| {
        let channel = work.take(channel)?.unwrap();
        let mut keys = Vec::new();
        for (_, _, leaf) in channel.share_keys(&work.ctx)? {
            keys.extend(work.tx.get(&[b"share-key/", &leaf.0[..]].concat())?);
        }
        work.keep(channel);
        Ok(keys)
    });
    found.unwrap()
}

/// What others have written between, which reaches all but one.
fn write_meanwhile(world: &mut World, channel: ChannelId, said: &[(&str, &str)]) {
    for (name, text) in said {
        world.post(name, channel, text);
        while !world.engine(name).pending().unwrap().is_empty() {
            world.pump(name);
            world.deliver(name);
        }
    }
}

/// What is withdrawn later cannot be read again with it.
#[test]
fn a_key_is_forgotten_as_soon_as_everything_has_come() {
    let mut world = World::new();
    let channel = world.case();
    strand(&mut world, channel, &["eva"]);
    write_meanwhile(&mut world, channel, &[("ana", "uno"), ("bruno", "dos")]);
    world.pass(LONG);
    assert_eq!(world.texts("eva", channel), ["uno", "dos"]);
    assert_eq!(share_keys(&mut world, "eva", channel), [] as [Vec<u8>; 0]);
}

/// Somebody who could have shared never comes back: the key is not kept for ever.
#[test]
fn a_key_for_what_nobody_shares_is_forgotten_after_a_week() {
    let mut world = World::new();
    let channel = world.case();
    let since = strand(&mut world, channel, &["eva"]);
    write_meanwhile(&mut world, channel, &[("ana", "uno")]);
    // Others share nothing.
    for _ in 0..200 {
        for name in ["ana", "bruno", "eva"] {
            world.deliver(name);
            for row in world.engine(name).read(|tx| tx.queued(Some(channel))).unwrap() {
                if matches!(row.task, Task::ShareHistory { .. }) {
                    let done = |work: &mut crate::engine::work::Work<'_>| work.accept(row, None);
                    world.engine(name).write(done).unwrap();
                }
            }
            world.pump(name);
        }
        world.clock.advance(Duration::from_millis(100));
    }
    let keys = share_keys(&mut world, "eva", channel);
    assert_eq!(keys.len(), 1, "since {since}");
    world.clock.advance(Duration::from_secs(6 * 24 * 3600));
    world.engine("eva").expire_daily().unwrap();
    assert_eq!(share_keys(&mut world, "eva", channel), keys);
    world.clock.advance(Duration::from_secs(24 * 3600));
    world.engine("eva").expire_daily().unwrap();
    assert_eq!(share_keys(&mut world, "eva", channel), [] as [Vec<u8>; 0]);
    world.assert_gone("eva", &keys);
}

/// A colleague is offline while what it was about to share is withdrawn.
#[test]
fn what_is_withdrawn_before_a_share_is_sent_is_not_in_it() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "uno");
    world.post("ana", channel, "dos");
    world.settle();
    let place = super::withdrawals::place(&mut world, "ana", channel, "uno");
    let (device, end) = (world.device("eva"), world.hub.logs[&channel].items.len() as u64);
    let share_key = enlace_channel::mls::ShareKey::generate(
        &Backend::new().unwrap(),
        enlace_channel::mls::Suite::PostQuantum,
    );
    let share_key = hex::encode(share_key.unwrap().public);
    let made = world.engine("bruno").write::<_, crate::engine::EngineError>(|work| {
        let task = Task::ShareHistory { device, since: 0, from: 1, to: end - 1, share_key };
        work.put_own(channel, task.clone(), Duration::ZERO)?;
        let taken = work.take(channel)?.unwrap();
        let rows = work.tx.queued(Some(channel))?;
        let row = rows.into_iter().find(|row| row.task == task).unwrap();
        work.share_history(&taken, row)?;
        work.keep(taken);
        Ok(task)
    });
    let task = made.unwrap();
    let share = |world: &mut World| {
        let rows = world.engine("bruno").read(|tx| tx.unlogged_entries(channel)).unwrap();
        let signed = rows.into_iter().filter_map(|row| row.signed);
        let entries = signed.map(|signed| SignedEntry::decode(&signed).unwrap());
        entries.filter_map(|entry| HistoryShare::of(&entry)).collect::<Vec<_>>()
    };
    let before = share(&mut world);
    assert_eq!(before.len(), 1);
    let why = crate::engine::NewNote {
        text: String::new(),
        handling: None,
        restriction: None,
        time_zone: enlace_channel::entry::TimeZone::utc(),
        client_id: None,
    };
    world.engine("ana").withdraw(channel, place, why).unwrap();
    while !world.engine("ana").pending().unwrap().is_empty() {
        world.pump("ana");
        world.deliver("ana");
    }
    world.deliver("bruno");
    assert_eq!(share(&mut world), []);
    world.assert_gone("bruno", &[before[0].sealed[16..64].to_vec()]);
    let queued = world.engine("bruno").read(|tx| tx.queued(Some(channel))).unwrap();
    assert!(queued.iter().any(|row| row.task == task), "the rest is shared anew");
}

#[test]
fn much_comes_in_portions() {
    let mut world = World::new();
    let channel = world.case();
    strand(&mut world, channel, &["eva"]);
    let long = "abcdefgh".repeat(9 << 10);
    let texts: Vec<String> = (0..5).map(|number| format!("{number}{long}")).collect();
    for text in &texts {
        world.post("ana", channel, text);
        while !world.engine("ana").pending().unwrap().is_empty() {
            world.pump("ana");
            world.deliver("ana");
        }
    }
    world.pass(LONG);
    world.pass(LONG);
    assert_eq!(world.texts("eva", channel), texts);
}

/// What Ana would share with a device that was put back at the end of the log: from where on.
fn would_share(world: &mut World, channel: ChannelId, device: &DeviceName, since: u64) -> u64 {
    let at = Seq(world.hub.logs[&channel].items.len() as u64);
    let (by, since, share_key) = (world.device("bruno"), Seq(since), vec![1; 32]);
    let act = Act::PutBack { device: device.clone(), since, share_key };
    let from = world.engine("ana").write::<_, crate::engine::EngineError>(|work| {
        let taken = work.take(channel)?.unwrap();
        work.plan_share(&taken, at, &by, &act)?;
        work.keep(taken);
        let mut from = Vec::new();
        for row in work.tx.queued(Some(channel))? {
            if let Task::ShareHistory { from: first, .. } = row.task.clone() {
                from.push(first);
                work.accept(row, None)?;
            }
        }
        let [from] = from[..] else { panic!("{from:?}") };
        Ok(from)
    });
    from.unwrap()
}

/// Dario's modified program says that it lost step before he was there.
#[test]
fn nobody_is_sent_what_was_written_before_it_was_let_in() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    world.post("ana", channel, "antes de Dario");
    world.settle();
    let (address, dario, eva) =
        (world.address("dario"), world.device("dario"), world.device("eva"));
    world.engine("bruno").wish(channel, Wish::Add(address.clone(), Role::Member)).unwrap();
    world.settle();
    let let_in = |world: &World| {
        let items = world.hub.logs[&channel].items.iter();
        let mut commits = items.filter(|item| {
            item.sealed.list_change().is_some_and(|change| change.added.contains(&dario))
        });
        commits.next_back().unwrap().seq.0
    };
    let first = let_in(&world);
    world.post("ana", channel, "con Dario");
    world.settle();
    for since in 0..=first {
        assert_eq!(would_share(&mut world, channel, &dario, since), first + 1, "{since}");
    }
    assert_eq!(would_share(&mut world, channel, &eva, first - 1), first, "who was there before");

    world.engine("bruno").wish(channel, Wish::Remove(address.clone())).unwrap();
    world.settle();
    world.post("ana", channel, "sin Dario");
    world.settle();
    world.engine("bruno").wish(channel, Wish::Add(address, Role::Member)).unwrap();
    world.settle();
    let again = let_in(&world);
    assert!(first < again);
    world.post("ana", channel, "con Dario otra vez");
    world.settle();
    for since in [0, first, again - 1] {
        assert_eq!(would_share(&mut world, channel, &dario, since), again + 1, "{since}");
    }
}

/// Bruno's change was at fault, and his modified program answers first, with nothing. Dario is of his
/// authority, and shares what he has all the same.
#[test]
fn whoever_answers_first_with_nothing_keeps_nothing_back() {
    let mut world = World::new();
    world.enroll("dario", "mp");
    let channel = world.case();
    let dario = world.address("dario");
    world.engine("bruno").wish(channel, Wish::Add(dario, Role::Member)).unwrap();
    world.settle();
    strand(&mut world, channel, &["ana"]);
    world.deliver("eva");
    world.post("eva", channel, "para Ana");
    while world.pump("eva") > 0 {}
    let run = |world: &mut World, names: &[&str]| {
        for _ in 0..100 {
            for name in names {
                world.deliver(name);
                world.pump(name);
            }
            world.clock.advance(Duration::from_millis(200));
            if standing(world, "ana", channel) != ChannelStanding::Stranded {
                break;
            }
        }
    };
    run(&mut world, &["dario", "ana"]);
    world.deliver("bruno");
    let bruno = world.engine("bruno").write::<_, crate::engine::EngineError>(|work| {
        let taken = work.take(channel)?.unwrap();
        for row in work.tx.queued(Some(channel))? {
            let Task::ShareHistory { device, from, to, share_key, .. } = row.task.clone() else {
                continue;
            };
            let key = hex::decode(share_key).unwrap();
            let (range, nothing) = ((Seq(from), Seq(to)), SharedEntries::default());
            let share = taken.share(&work.ctx, (&device, &key), range, &nothing).unwrap();
            let entry = work.sign_share(&taken, &share);
            work.put_own_entry(&entry)?;
            work.accept(row, None)?;
        }
        work.keep(taken);
        Ok(())
    });
    bruno.unwrap();
    while world.pump("bruno") > 0 {}
    for _ in 0..80 {
        for name in ["dario", "ana"] {
            world.deliver(name);
            world.pump(name);
        }
        world.clock.advance(Duration::from_millis(200));
    }
    assert_eq!(world.texts("ana", channel), ["para Ana"]);
    assert_eq!(shared(&mut world, "ana", channel), [(world.device("dario"), 1)]);
}
