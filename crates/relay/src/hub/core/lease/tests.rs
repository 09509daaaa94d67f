use super::penalties::LAST_FOR;
use super::queue::{PLACES, PLACES_PER_AUTHORITY};
use super::*;

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + secs)
}

/// `ana` is `ana@a.example`; `ben@b` is of another authority.
fn device(name: &str) -> DeviceName {
    let (officer, authority) = name.split_once('@').unwrap_or((name, "a"));
    format!("pc.{officer}.officer.{authority}.example").parse().unwrap()
}

/// A lease, asked for by name: whether it was given.
#[derive(Default)]
struct Door(Lease);

impl Door {
    fn ask(&mut self, secs: u64, name: &str, class: Class) -> bool {
        self.0.ask(at(secs), &device(name), class).is_ok()
    }

    /// A commit that bears out what the lease was asked for.
    fn commit(&mut self, secs: u64, name: &str) {
        assert!(self.0.is_held_by(&device(name), at(secs)));
        self.0.handle_commit(at(secs), Class::Revocation);
    }

    fn refused(&mut self, secs: u64, name: &str, class: Class) -> (u64, usize) {
        let refused = self.0.ask(at(secs), &device(name), class).unwrap_err();
        (refused.wait.as_secs(), refused.ahead)
    }
}

const UPDATE: Class = Class::SelfUpdate;

#[test]
fn one_holder_at_a_time() {
    let (ana, ben) = (device("ana"), device("ben"));
    let mut lease = Lease::default();
    assert_eq!(lease.ask(at(0), &ana, UPDATE), Ok(LEASE));
    let held = NotYet { wait: Duration::from_secs(6), ahead: 0 };
    assert_eq!(lease.ask(at(4), &ben, UPDATE), Err(held));
    assert_eq!(lease.ask(at(4), &ana, UPDATE), Ok(Duration::from_secs(6)), "not prolonged");
    assert!(lease.is_held_by(&ana, at(9)) && !lease.is_held_by(&ana, at(10)));
    assert!(!lease.is_held_by(&ben, at(4)));
    lease.handle_commit(at(5), Class::Policy);
    assert_eq!(lease.ask(at(5), &ben, UPDATE), Ok(LEASE));
}

#[test]
fn a_clock_that_steps_back_keeps_nobody_waiting() {
    let (ana, ben) = (device("ana"), device("ben"));
    let mut lease = Lease::default();
    assert_eq!(lease.ask(at(300), &ana, UPDATE), Ok(LEASE));
    assert_eq!(lease.ask(at(0), &ana, UPDATE), Ok(LEASE), "no longer than that");
    let held = NotYet { wait: LEASE, ahead: 0 };
    assert_eq!(lease.ask(at(0), &ben, UPDATE), Err(held));
    lease.handle_commit(at(300), Class::Policy);
    assert_eq!(lease.ask(at(0), &ben, UPDATE), Ok(LEASE), "it is free");
}

#[test]
fn a_place_is_kept_for_whoever_was_told_to_come_back() {
    let mut door = Door::default();
    assert!(door.ask(0, "ana", UPDATE));
    assert_eq!(door.refused(1, "ben", UPDATE), (9, 0));
    assert_eq!(door.refused(1, "cid", UPDATE), (11, 1), "a turn later");
    door.commit(2, "ana");
    assert_eq!(door.refused(2, "cid", UPDATE), (2, 1), "Ben goes first, and has a moment for it");
    assert!(door.ask(3, "ben", UPDATE));
    door.commit(3, "ben");
    assert!(door.ask(3, "cid", UPDATE));
}

#[test]
fn whoever_does_not_come_is_passed_over_and_at_last_forgotten() {
    let mut door = Door::default();
    assert!(door.ask(0, "ana", UPDATE));
    door.refused(1, "ben", UPDATE);
    door.commit(2, "ana");
    assert!(!door.ask(3, "cid", UPDATE));
    assert!(door.ask(4, "cid", UPDATE), "Ben had his turn");
    door.commit(5, "cid");
    assert!(!door.ask(5, "dan", UPDATE), "but keeps his place");
    assert!(door.ask(20, "dan", UPDATE), "until ten seconds after the time that he was told");
}

#[test]
fn the_more_urgent_goes_next_and_takes_nothing_away() {
    let mut door = Door::default();
    assert!(door.ask(0, "ana", UPDATE));
    let classes = [UPDATE, Class::Policy, Class::Admission, Class::Removal, Class::Revocation];
    for (name, class) in ["u", "p", "a", "r", "x"].into_iter().zip(classes) {
        assert!(!door.ask(1, name, class));
    }
    assert!(door.0.is_held_by(&device("ana"), at(1)), "a lease that is held is not broken");
    door.commit(2, "ana");
    for (name, class) in ["x", "r", "a", "p", "u"].into_iter().zip(classes.into_iter().rev()) {
        assert!(door.ask(2, name, class), "{class:?}");
        door.commit(2, name);
    }
}

#[test]
fn two_who_take_turns_keep_nobody_waiting() {
    for class in [UPDATE, Class::Removal] {
        let mut door = Door::default();
        // Each lets its lease lapse, and the other is there at once; Cid asks when told to.
        let mut cid_due = 1;
        let served = (0..600).find(|secs| {
            door.ask(*secs, "ana", class);
            door.ask(*secs, "ben", class);
            if *secs < cid_due {
                return false;
            }
            let refused = door.0.ask(at(*secs), &device("cid"), UPDATE).err();
            cid_due = refused.map_or(0, |refused| secs + refused.wait.as_secs().max(1));
            refused.is_none()
        });
        let served = served.expect("Cid waits for ever");
        assert!(served <= 40, "{class:?}: {served} s");
    }
}

#[test]
fn commits_without_end_keep_nobody_waiting() {
    let mut door = Door::default();
    for secs in 0..200 {
        // Two leads of one authority always have somebody to remove, each honestly.
        let lead = if secs % 2 == 0 { "ana" } else { "ben" };
        if door.ask(secs, lead, Class::Removal) {
            door.commit(secs, lead);
        }
        let other = if secs % 2 == 0 { "ben" } else { "ana" };
        assert!(!door.0.is_held_by(&device(other), at(secs)));
        if door.ask(secs, "cid@b", UPDATE) {
            return;
        }
    }
    panic!("Cid waits for ever");
}

#[test]
fn authorities_take_turns_and_officers_within_each() {
    let mut door = Door::default();
    assert!(door.ask(0, "a1", UPDATE));
    for name in ["a1", "a2", "a3", "b1@b"] {
        door.ask(0, name, UPDATE);
    }
    door.commit(0, "a1");
    for name in ["a1", "a2", "a3"] {
        assert!(!door.ask(0, name, UPDATE), "{name} is of the authority that was served");
    }
    assert!(door.ask(0, "b1@b", UPDATE));
    door.commit(0, "b1@b");
    for name in ["a2", "a3", "a1"] {
        assert!(door.ask(0, name, UPDATE), "{name}");
        door.commit(0, name);
    }
}

#[test]
fn whoever_let_it_lapse_goes_last_with_all_devices_for_a_while() {
    let mut door = Door::default();
    assert!(door.ask(0, "ana", Class::Removal));
    assert!(door.ask(11, "ana", Class::Removal), "nobody waits");
    let phone: DeviceName = "phone.ana.officer.a.example".parse().unwrap();
    assert!(!door.ask(12, "ben", UPDATE));
    assert!(!door.ask(21, "ana", Class::Removal), "Ben goes first, however urgent it is");
    door.0.ask(at(21), &phone, Class::Removal).unwrap_err();
    assert!(door.ask(21, "ben", UPDATE));
    door.commit(22, "ben");
    assert!(!door.ask(81, "cid", UPDATE) || door.0.is_held_by(&device("cid"), at(81)));
    let over = 21 + LAST_FOR.as_secs() + 30;
    let mut door = Door(door.0);
    assert!(door.ask(over, "dan", UPDATE));
    assert!(!door.ask(over, "eva", UPDATE));
    assert!(!door.ask(over, "ana", Class::Removal));
    door.commit(over, "dan");
    assert!(door.ask(over, "ana", Class::Removal), "it is forgiven");
}

#[test]
fn whoever_claims_more_than_it_commits_goes_last() {
    let mut door = Door::default();
    assert!(door.ask(0, "ana", Class::Removal));
    assert!(!door.ask(0, "ben", UPDATE));
    door.0.handle_commit(at(1), Class::Admission);
    assert!(!door.ask(1, "ana", Class::Removal));
    assert!(door.ask(1, "ben", UPDATE));
    door.0.handle_commit(at(1), Class::Policy);
    assert!(door.ask(1, "ana", Class::Removal), "nobody else waits");
    door.0.pardon(&device("ana"));
    door.commit(1, "ana");
    assert!(door.ask(1, "ben", UPDATE));
    door.ask(1, "cid", UPDATE);
    door.ask(1, "ana", Class::Removal);
    door.commit(1, "ben");
    assert!(door.ask(1, "ana", Class::Removal), "pardoned");
}

#[test]
fn a_crowd_costs_no_memory_and_keeps_no_other_authority_out() {
    let mut door = Door::default();
    assert!(door.ask(0, "ana@a", UPDATE));
    for number in 0..500 {
        door.ask(0, &format!("m{number}@crowd"), Class::Removal);
    }
    assert_eq!(door.0.queue.len(), PLACES_PER_AUTHORITY);
    for number in 0..500 {
        door.ask(0, &format!("m{number}@crowd{}", number % 10), Class::Removal);
    }
    assert_eq!(door.0.queue.len(), PLACES);
    let (_, ahead) = door.refused(0, "eva@e", Class::Removal);
    assert!(ahead <= PLACES);
    assert!(door.0.queue.find(&device("eva@e")).is_some(), "a place is made for her");
    assert_eq!(door.0.queue.len(), PLACES);
    for number in 0..1000 {
        door.0.put_last(at(number), &device(&format!("m{number}@crowd")));
        door.0.served.add(&device(&format!("m{number}@crowd")));
    }
    assert!(door.0.is_in_use(at(1)));
    assert!(!door.0.is_in_use(at(1000)), "nobody came back");
}

#[test]
fn a_revocation_is_believed_where_the_hub_knows_of_it() {
    let revoked = Some(device("rogue"));
    let claim = LeaseClaim { class: Class::Revocation, revoked };
    assert_eq!(claim.believed(|device| device.as_str().contains("rogue")), Class::Revocation);
    assert_eq!(claim.believed(|_| false), Class::Removal);
    let unnamed = LeaseClaim { class: Class::Revocation, revoked: None };
    assert_eq!(unnamed.believed(|_| true), Class::Removal);
    let humble = LeaseClaim { class: Class::Policy, revoked: None };
    assert_eq!(humble.believed(|_| false), Class::Policy);
}
