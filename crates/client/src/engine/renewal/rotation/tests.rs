//! Channels of virtual members, followed for many periods.

use super::*;

const CHANNEL: ChannelId = ChannelId([3; 32]);
const START: Timestamp = Timestamp::from_secs(1_800_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn members(count: usize) -> Vec<Rotation> {
    let device = |index| format!("pc.fiscal-{index}.officer.fge.example").parse().unwrap();
    (0..count).map(|index| Rotation::new(&device(index), CHANNEL, count)).collect()
}

fn joined() -> Keys {
    Keys { joined_at: START, renewed_at: START, messages: 0, has_outdated_leaf: false }
}

fn renewed(at: Timestamp) -> Keys {
    Keys { renewed_at: at, ..joined() }
}

fn quiet() -> Traffic {
    Traffic { newest: Some((Seq(7), START)), has_queue: false, looking_since: None }
}

/// All renewals of a device until `end`, each as soon as it is due.
fn renewals(rotation: &Rotation, end: Timestamp) -> Vec<Timestamp> {
    let mut keys = joined();
    std::iter::from_fn(|| {
        let due = rotation.due_at(&keys);
        keys = renewed(due);
        (due < end).then_some(due)
    })
    .collect()
}

/// How many of `times` lie in each of so many equal parts of a span.
fn spread(times: &[Timestamp], from: Timestamp, span: Duration, parts: u32) -> Vec<usize> {
    let part = span / parts;
    let begins = (0..parts).map(|index| from.plus(part * index));
    let is_in = |begin: Timestamp, time: &&Timestamp| **time >= begin && **time < begin.plus(part);
    begins.map(|begin| times.iter().filter(|time| is_in(begin, time)).count()).collect()
}

#[test]
fn ten_who_joined_at_once_take_turns_each_week() {
    let members = members(10);
    assert_eq!(members[0].period(), 7 * DAY);
    let end = START.plus(70 * DAY);
    let all: Vec<_> = members.iter().map(|member| renewals(member, end)).collect();
    for turns in &all {
        assert!(turns[0] >= START.plus(DAY * 7 / 2) && turns[0] < START.plus(DAY * 21 / 2));
        assert!(turns.windows(2).all(|two| two[1].since(two[0]) == 7 * DAY), "{turns:?}");
    }
    let week = spread(&all.concat(), START.plus(14 * DAY), 7 * DAY, 7);
    assert_eq!(week.iter().sum::<usize>(), 10);
    assert!(week.iter().all(|day| *day <= 4), "{week:?}");
}

#[test]
fn a_thousand_who_joined_at_once_come_one_by_one() {
    let members = members(1000);
    let period = members[0].period();
    assert_eq!(period, 14 * DAY, "one in fifteen minutes at most");
    let end = START.plus(period * 6);
    let all: Vec<_> = members.iter().map(|member| renewals(member, end)).collect();
    for turns in &all {
        assert!(turns[0].since(START) < 1000 * MINUTE, "soon after joining");
        let gap = turns[1].since(turns[0]);
        assert!(gap >= period / 2 && gap < period * 3 / 2, "{gap:?}");
        assert!(turns[1..].windows(2).all(|two| two[1].since(two[0]) == period));
    }
    let all = all.concat();
    let joining = spread(&all, START, 1000 * MINUTE, 20);
    assert!(joining.iter().all(|part| (25..=80).contains(part)), "{joining:?}");
    // Each period is like the next; none has an hour in which they crowd.
    let days = spread(&all, START.plus(period * 2), period, 14);
    assert!(days.iter().all(|day| (45..=100).contains(day)), "{days:?}");
    let hours = spread(&all, START.plus(period * 2), period, 14 * 24);
    assert!(hours.iter().all(|hour| *hour <= 14), "{hours:?}");
}

#[test]
fn the_rate_has_a_bound_whatever_the_size() {
    for count in [2, 50, 672, 673, 5000, 20_000] {
        let rotation =
            Rotation::new(&"pc.ana.officer.fge.example".parse().unwrap(), CHANNEL, count);
        let a_day =
            f64::from(u32::try_from(count).unwrap()) * 86_400.0 / rotation.period().as_secs_f64();
        assert!(a_day <= 96.0, "{count}: {a_day}");
        assert!(rotation.period() == 7 * DAY || a_day > 48.0, "{count}: no slower than needed");
    }
}

#[test]
fn a_member_more_makes_nobody_due_at_once() {
    let (before, after) = (members(672), members(673));
    assert_eq!(after[0].period(), before[0].period() * 2);
    let now = START.plus(100 * DAY);
    let keys: Vec<_> =
        before.iter().map(|member| renewed(*renewals(member, now).last().unwrap())).collect();
    let due = |members: &[Rotation]| {
        let turns = members.iter().zip(&keys).filter(|(member, keys)| member.due_at(keys) <= now);
        turns.count()
    };
    assert_eq!((due(&before), due(&after)), (0, 0));
    // Their turns are the same, or one period later.
    for (index, keys) in keys.iter().enumerate() {
        let later = after[index].due_at(keys).since(before[index].due_at(keys));
        assert!(later == Duration::ZERO || later == 7 * DAY, "{later:?}");
    }
}

#[test]
fn a_few_members_do_not_renew_because_they_joined() {
    assert!(members(50).iter().all(|member| member.due_at(&joined()) >= START.plus(DAY * 7 / 2)));
}

#[test]
fn what_is_due_waits_for_a_quiet_moment() {
    let member = members(10)[0];
    let due = member.due_at(&joined());
    let just_before = Timestamp::from_millis(due.as_millis() - 1);
    assert_eq!(member.turn(just_before, &joined(), &quiet()), Turn::Later);
    assert_eq!(member.turn(due, &joined(), &quiet()), Turn::Now);
    let busy = Traffic { newest: Some((Seq(8), due.minus(MINUTE))), ..quiet() };
    assert_eq!(member.turn(due, &joined(), &busy), Turn::Look);
    assert_eq!(member.turn(due.plus(MINUTE * 3), &joined(), &busy), Turn::Now);
    let queue = Traffic { has_queue: true, ..quiet() };
    assert_eq!(member.turn(due, &joined(), &queue), Turn::Look);
}

#[test]
fn of_many_who_are_due_at_once_one_goes_first() {
    let members = members(1000);
    let mut waits: Vec<_> = members.iter().map(|member| member.quiet_after(Seq(9))).collect();
    waits.sort_unstable();
    assert!(waits[0] >= QUIET && waits[999] < QUIET * 2);
    assert!(waits[1] > waits[0], "the next hears of the first one's commit");
    let first = |seq| members.iter().enumerate().min_by_key(|(_, m)| m.quiet_after(seq)).unwrap().0;
    assert_ne!(first(Seq(9)), first(Seq(10)), "and it is another one each time");
}

#[test]
fn a_channel_that_is_never_quiet_starves_nobody() {
    for member in [members(10), members(1000)].concat() {
        let due = member.due_at(&joined());
        let turn = |now: Timestamp| {
            let newest = Some((Seq(now.as_secs()), now));
            let traffic = Traffic { newest, has_queue: true, looking_since: Some(due) };
            member.turn(now, &joined(), &traffic)
        };
        assert_eq!(turn(due.plus(HOUR - MINUTE)), Turn::Look);
        assert_eq!(turn(due.plus(member.patience())), Turn::Now);
        assert!(member.patience() < HOUR * 4);
    }
}

#[test]
fn whoever_writes_much_renews_at_any_age_and_in_any_traffic() {
    let member = members(10)[0];
    let busy = Traffic { newest: Some((Seq(8), START)), has_queue: true, looking_since: None };
    let turn = |messages| {
        let keys = Keys { messages, ..joined() };
        [quiet(), busy].map(|traffic| member.turn(START.plus(HOUR), &keys, &traffic))
    };
    assert_eq!(turn(MESSAGES - 1), [Turn::Later; 2]);
    assert_eq!(turn(MESSAGES), [Turn::Now, Turn::Look]);
    assert_eq!(turn(MOST_MESSAGES), [Turn::Now; 2]);
    const { assert!(MOST_MESSAGES * 4 <= 65_536, "what a reader skips at most") };
}

#[test]
fn a_clock_that_was_wrong_puts_nothing_off_for_long() {
    let member = members(10)[0];
    let keys = renewed(START.plus(1000 * DAY));
    assert_eq!(member.turn(START.plus(HOUR), &keys, &quiet()), Turn::Now);
}
