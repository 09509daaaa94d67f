use bytes::Bytes;

use super::*;
use crate::control::Contest;
use crate::device_list::{ListChange, ListHash};
use crate::envelope::{Envelope, ItemKind, PayloadHash, WelcomesHash};
use crate::hub_vote::FormerDomains;
use crate::ids::{ChannelId, ClientId, Commitment, Generation, SubmitCounter};
use crate::item::Sealed;

const CHANNEL: ChannelId = ChannelId([7; 32]);

fn device(name: &str) -> DeviceName {
    let (kind, name) = name.split_once('/').unwrap_or(("laptop", name));
    let (officer, domain) = name.split_once('@').unwrap();
    format!("{kind}.{officer}.officer.{domain}").parse().unwrap()
}

/// A hub's view of a channel, driven by items as a hub would accept them.
#[derive(Default)]
struct Hub {
    membership: Membership,
    next: u64,
    /// Of the group in which the next items are made.
    generation: u64,
}

impl Hub {
    fn with_members(names: &[&str]) -> Self {
        let mut hub = Self::default();
        hub.commit(names[0], None, names).unwrap();
        hub
    }

    fn accept(&mut self, item: &Sealed) -> Result<Seq, MembershipError> {
        let seq = Seq(self.next);
        let event = self.membership.plan(seq, item, |_| false)?;
        if let Some(event) = event {
            assert_eq!(Event::decode(&event.encode()), Ok(event.clone()));
            self.membership.apply(&event);
        }
        self.next += 1;
        Ok(seq)
    }

    fn commit(
        &mut self,
        author: &str,
        valid: Option<u64>,
        after: &[&str],
    ) -> Result<Seq, MembershipError> {
        self.change(ItemKind::Commit, author, valid, after)
    }

    fn succeed(
        &mut self,
        author: &str,
        valid: Option<u64>,
        after: &[&str],
    ) -> Result<Seq, MembershipError> {
        self.change(ItemKind::Succession, author, valid, after)
    }

    fn change(
        &mut self,
        kind: ItemKind,
        author: &str,
        valid: Option<u64>,
        after: &[&str],
    ) -> Result<Seq, MembershipError> {
        let base = self.membership.list_after(valid.map(Seq)).unwrap();
        let list: DeviceList = after.iter().map(|name| device(name)).collect();
        let change = base.change_to(&list);
        self.accept(&item(
            author,
            kind,
            (self.generation, self.next),
            valid,
            list.hash(),
            Some(&change),
            b"c",
        ))
    }

    fn note(&mut self, author: &str, valid: u64) -> Result<Seq, MembershipError> {
        self.accept(&item(
            author,
            ItemKind::Entry,
            (self.generation, self.next),
            Some(valid),
            ListHash::NONE,
            None,
            b"e",
        ))
    }

    fn leave(&mut self, author: &str, valid: u64) -> Result<Seq, MembershipError> {
        self.accept(&item(
            author,
            ItemKind::Leave,
            (self.generation, self.next),
            Some(valid),
            ListHash::NONE,
            None,
            b"l",
        ))
    }

    fn contest(&mut self, author: &str, commit: u64) -> Result<Seq, MembershipError> {
        let contest = Contest {
            channel: CHANNEL,
            generation: Generation(self.generation),
            commit: Seq(commit),
        }
        .encode();
        self.accept(&item(
            author,
            ItemKind::Contest,
            (self.generation, self.next),
            None,
            ListHash::NONE,
            None,
            &contest,
        ))
    }

    fn reads(&self, name: &str, seq: u64) -> bool {
        self.membership.read_ranges(&device(name)).iter().any(|range| range.contains(Seq(seq)))
    }

    fn writes(&self, name: &str) -> bool {
        self.membership.current().contains(&device(name))
    }
}

fn item(
    author: &str,
    kind: ItemKind,
    (generation, next): (u64, u64),
    valid: Option<u64>,
    list_hash: ListHash,
    change: Option<&ListChange>,
    payload: &[u8],
) -> Sealed {
    let envelope = Envelope {
        channel: CHANNEL,
        generation: Generation(generation),
        kind,
        author: device(author).into(),
        client_id: ClientId([0; 16]),
        submit_counter: SubmitCounter(1),
        fence: next.checked_sub(1).map(Seq),
        last_valid_commit: valid.map(Seq),
        commitment: if kind == ItemKind::Entry { Commitment([1; 32]) } else { Commitment::NONE },
        list_hash,
        welcomes_hash: WelcomesHash::NONE,
        payload_hash: PayloadHash::of(payload),
    };
    let signature = if kind.is_outer_signed() { vec![0; 64] } else { Vec::new() };
    let change = change.map(ListChange::to_wire);
    let payload = Bytes::copy_from_slice(payload);
    Sealed::read(envelope.encode().into(), &signature, payload, change.as_ref()).unwrap()
}

const ALL: [&str; 4] = ["ana@a.example", "ben@a.example", "cid@b.example", "dora@b.example"];

#[test]
fn members_read_from_their_admission_to_their_removal() {
    let mut hub = Hub::with_members(&ALL[..3]);
    hub.commit("ana@a.example", Some(0), &ALL).unwrap();
    assert!(!hub.reads("dora@b.example", 0) && hub.reads("dora@b.example", 1));
    hub.commit("cid@b.example", Some(1), &ALL[..3]).unwrap();
    assert!(hub.reads("dora@b.example", 2), "the removal itself");
    assert!(!hub.reads("dora@b.example", 3) && !hub.writes("dora@b.example"));
    assert_eq!(hub.note("dora@b.example", 2), Err(MembershipError::NotAMember));
}

#[test]
fn whoever_never_was_a_member_neither_reads_nor_writes() {
    let mut hub = Hub::with_members(&ALL[..2]);
    assert_eq!(hub.note("cid@b.example", 0), Err(MembershipError::NotAMember));
    assert_eq!(hub.contest("cid@b.example", 0), Err(MembershipError::NothingToContest));
    assert!(!hub.reads("cid@b.example", 0));
}

#[test]
fn a_void_commit_that_keeps_only_its_author_captures_nothing() {
    let mut hub = Hub::with_members(&ALL);
    hub.commit("ben@a.example", Some(0), &["ben@a.example"]).unwrap();
    assert!(hub.reads("cid@b.example", 9), "another authority's device reads on");
    assert!(!hub.writes("cid@b.example"));
    let contest = hub.contest("cid@b.example", 1).unwrap();
    for name in ALL {
        assert!(hub.writes(name) && hub.reads(name, contest.0) && hub.reads(name, 1), "{name}");
    }
    assert_eq!(hub.contest("cid@b.example", 1), Err(MembershipError::NothingToContest), "once");
    hub.note("ana@a.example", 0).unwrap();
    assert!(hub.writes("dora@b.example"));
}

#[test]
fn a_contested_commit_counts_again_once_another_officer_names_it_valid() {
    let mut hub = Hub::with_members(&ALL);
    hub.commit("ana@a.example", Some(0), &ALL[..3]).unwrap();
    hub.contest("dora@b.example", 1).unwrap();
    assert!(hub.writes("dora@b.example"));
    hub.note("ana@a.example", 1).unwrap();
    assert!(hub.writes("dora@b.example"), "its author's own word does not settle it");
    let settled = hub.note("cid@b.example", 1).unwrap();
    assert!(!hub.writes("dora@b.example") && !hub.reads("dora@b.example", settled.0 + 1));
    assert_eq!(hub.contest("dora@b.example", 1), Err(MembershipError::NothingToContest));
}

#[test]
fn a_void_commits_additions_go_with_the_next_valid_commit() {
    let mut hub = Hub::with_members(&ALL[..3]);
    hub.commit("ben@a.example", Some(0), &ALL).unwrap();
    assert!(hub.writes("dora@b.example"));
    hub.commit("ana@a.example", Some(0), &ALL[..3]).unwrap();
    assert!(!hub.writes("dora@b.example"));
}

#[test]
fn a_member_dropped_by_a_void_commit_reads_without_a_gap_after_the_next_valid_one() {
    let mut hub = Hub::with_members(&ALL);
    hub.commit("ben@a.example", Some(0), &["ben@a.example", "cid@b.example"]).unwrap();
    assert!(!hub.reads("ana@a.example", 2), "its own authority's drop ends reading at once");
    hub.note("cid@b.example", 0).unwrap();
    hub.commit("cid@b.example", Some(0), &ALL).unwrap();
    for seq in 0..5 {
        assert!(hub.reads("ana@a.example", seq), "{seq}");
    }
}

#[test]
fn a_leave_makes_the_removal_final() {
    let mut hub = Hub::with_members(&ALL);
    hub.leave("dora@b.example", 0).unwrap();
    hub.commit("ana@a.example", Some(0), &ALL[..3]).unwrap();
    assert!(!hub.reads("dora@b.example", 3));
    assert_eq!(hub.contest("dora@b.example", 2), Err(MembershipError::NothingToContest));
}

/// Nobody is left whose word would settle it.
#[test]
fn a_leave_makes_the_removal_of_its_officers_other_devices_final() {
    let all = ["ana@a.example", "dora@b.example", "phone/dora@b.example"];
    let mut hub = Hub::with_members(&all);
    hub.leave("phone/dora@b.example", 0).unwrap();
    hub.commit("ana@a.example", Some(0), &all[..1]).unwrap();
    assert!(!hub.reads("dora@b.example", 3));
    assert_eq!(hub.contest("dora@b.example", 2), Err(MembershipError::NothingToContest));
    hub.commit("ana@a.example", Some(2), &all[..2]).unwrap();
    hub.commit("ana@a.example", Some(3), &all[..1]).unwrap();
    assert!(hub.reads("dora@b.example", 5), "that leave is over");
}

#[test]
fn a_readmitted_device_reads_from_its_new_admission() {
    let mut hub = Hub::with_members(&ALL);
    hub.commit("cid@b.example", Some(0), &ALL[..3]).unwrap();
    hub.note("ana@a.example", 1).unwrap();
    hub.commit("cid@b.example", Some(1), &ALL).unwrap();
    assert!(!hub.reads("dora@b.example", 2) && hub.reads("dora@b.example", 3));
    assert!(hub.reads("dora@b.example", 0), "what she could read before");
    assert!(hub.reads("dora@b.example", 1), "her removal, of which she may not have heard");
}

#[test]
fn a_copy_that_begins_anew_does_not_reach_into_the_gap() {
    let mut hub = Hub::with_members(&ALL);
    hub.commit("cid@b.example", Some(0), &ALL[..3]).unwrap();
    let list = ALL.iter().map(|name| device(name)).collect();
    hub.membership.apply(&Event::Anchor {
        seq: Seq(9),
        author: device("cid@b.example"),
        generation: Generation(0),
        list,
    });
    assert!(hub.reads("dora@b.example", 1) && hub.reads("dora@b.example", 9));
    assert!((2..9).all(|seq| !hub.reads("dora@b.example", seq)));
}

#[test]
fn a_list_that_does_not_hash_to_the_envelopes_is_refused() {
    let mut hub = Hub::with_members(&ALL[..2]);
    let list: DeviceList = ALL.iter().map(|name| device(name)).collect();
    let other: DeviceList = ALL[..3].iter().map(|name| device(name)).collect();
    let change = hub.membership.current().change_to(&other);
    let lying =
        item("ana@a.example", ItemKind::Commit, (0, 1), Some(0), list.hash(), Some(&change), b"c");
    assert_eq!(hub.accept(&lying), Err(MembershipError::List(other.hash())));
    assert_eq!(
        hub.commit("ana@a.example", Some(0), &["ben@a.example"]),
        Err(MembershipError::DropsItself)
    );
}

#[test]
fn an_item_cannot_name_a_commit_that_is_not_there() {
    let mut hub = Hub::with_members(&ALL);
    assert_eq!(hub.note("ana@a.example", 5), Err(MembershipError::UnknownCommit(Some(Seq(5)))));
}

#[test]
fn a_contest_kept_for_later_brings_no_old_list_back() {
    let mut hub = Hub::with_members(&ALL[..3]);
    // Ben drops Cid, his accomplice; the others go on without that commit.
    hub.commit("ben@a.example", Some(0), &ALL[..2]).unwrap();
    hub.commit("ana@a.example", Some(0), &ALL).unwrap();
    hub.commit("dora@b.example", Some(2), &["ana@a.example", "cid@b.example", "dora@b.example"])
        .unwrap();
    assert_eq!(hub.contest("cid@b.example", 1), Err(MembershipError::NothingToContest));
    assert!(hub.writes("dora@b.example"));
}

#[test]
fn two_commits_in_a_row_capture_no_more_than_one() {
    let mut hub = Hub::with_members(&ALL);
    hub.commit("ben@a.example", Some(0), &["ben@a.example"]).unwrap();
    hub.commit("ben@a.example", Some(0), &["ben@a.example"]).unwrap();
    hub.commit("ben@a.example", Some(2), &["ben@a.example"]).unwrap();
    assert!(hub.reads("cid@b.example", 9), "another authority's device reads on");
    hub.contest("cid@b.example", 3).unwrap();
    for name in ALL {
        assert!(hub.writes(name), "{name}");
    }
}

#[test]
fn whom_one_void_commit_dropped_and_the_next_added_reads_without_a_gap() {
    let all_but = |name| ALL.into_iter().filter(|n| *n != name).collect::<Vec<_>>();
    let dropped_and_added = || {
        let mut hub = Hub::with_members(&ALL);
        hub.commit("ben@a.example", Some(0), &all_but("ana@a.example")).unwrap();
        hub.note("cid@b.example", 0).unwrap();
        hub.commit("ben@a.example", Some(1), &all_but("cid@b.example")).unwrap();
        hub
    };
    let mut contested = dropped_and_added();
    contested.contest("cid@b.example", 3).unwrap();
    assert!((0..6).all(|seq| contested.reads("ana@a.example", seq)), "also at 2");
    let mut passed_over = dropped_and_added();
    passed_over.commit("dora@b.example", Some(0), &ALL).unwrap();
    assert!((0..6).all(|seq| passed_over.reads("ana@a.example", seq)), "also at 2");
}

#[test]
fn whoever_a_commit_admits_cannot_confirm_what_its_author_does_next() {
    let mut hub = Hub::with_members(&ALL);
    let puppet = "eva@c.example";
    let all = [&ALL[..], &[puppet]].concat();
    hub.commit("ben@a.example", Some(0), &all).unwrap();
    hub.note(puppet, 1).unwrap();
    hub.commit("ben@a.example", Some(1), &["ben@a.example", puppet]).unwrap();
    hub.note(puppet, 3).unwrap();
    hub.contest("cid@b.example", 3).unwrap();
    assert!(ALL.iter().all(|name| hub.writes(name)));
}

#[test]
fn a_colleague_of_the_author_confirms_nothing_where_others_could() {
    let mut hub = Hub::with_members(&ALL);
    hub.commit("ben@a.example", Some(0), &ALL[..2]).unwrap();
    hub.note("ana@a.example", 1).unwrap();
    hub.contest("cid@b.example", 1).unwrap();
    assert!(ALL.iter().all(|name| hub.writes(name)));

    let mut alone = Hub::with_members(&ALL[..2]);
    alone.commit("ana@a.example", Some(0), &["ana@a.example", "ben@a.example", ALL[2]]).unwrap();
    alone.commit("ana@a.example", Some(1), &ALL[..2]).unwrap();
    alone.note("ben@a.example", 2).unwrap();
    assert_eq!(alone.contest(ALL[2], 2), Err(MembershipError::NothingToContest));
}

#[test]
fn adding_a_member_anew_from_an_old_list_takes_nothing_from_what_it_may_read() {
    let mut hub = Hub::with_members(&ALL[..2]);
    hub.commit("ana@a.example", Some(0), &ALL[..3]).unwrap();
    hub.note("ana@a.example", 1).unwrap();
    hub.commit("ben@a.example", Some(0), &ALL[..3]).unwrap();
    assert!((1..5).all(|seq| hub.reads("cid@b.example", seq)));
}

#[test]
fn a_contest_of_a_valid_removal_takes_nobody_else_off() {
    let mut hub = Hub::with_members(&ALL[..3]);
    hub.commit("ana@a.example", Some(0), &["ana@a.example", "cid@b.example"]).unwrap();
    hub.commit("ana@a.example", Some(1), &["ana@a.example", "cid@b.example", ALL[3]]).unwrap();
    hub.contest("ben@a.example", 2).unwrap();
    assert!(hub.writes(ALL[3]) && hub.writes("ben@a.example"));
    hub.note("cid@b.example", 2).unwrap();
    assert!(hub.writes(ALL[3]) && !hub.writes("ben@a.example"));
}

#[test]
fn a_member_who_left_does_not_come_back_by_anothers_contest() {
    let mut hub = Hub::with_members(&ALL);
    hub.leave("dora@b.example", 0).unwrap();
    hub.commit("ana@a.example", Some(0), &ALL[..3]).unwrap();
    hub.commit("ben@a.example", Some(2), &["ben@a.example"]).unwrap();
    hub.contest("cid@b.example", 3).unwrap();
    assert!(ALL[..3].iter().all(|name| hub.writes(name)) && !hub.writes("dora@b.example"));
}

#[test]
fn after_a_succession_items_are_of_the_next_group() {
    let mut hub = Hub::with_members(&ALL);
    hub.succeed("ana@a.example", Some(0), &ALL).unwrap();
    assert_eq!(hub.membership.generation(), Generation(1));
    let late = hub.note("ben@a.example", 1);
    assert_eq!(late, Err(MembershipError::Generation(Generation(1))));
    hub.generation = 1;
    hub.note("cid@b.example", 1).unwrap();
    hub.commit("cid@b.example", Some(1), &ALL[..3]).unwrap();
    hub.note("ana@a.example", 3).unwrap();
    assert!(hub.membership.generation() == Generation(1) && !hub.writes("dora@b.example"));
    hub.succeed("ana@a.example", Some(3), &ALL[..3]).unwrap();
    assert_eq!(hub.membership.generation(), Generation(2));
}

#[test]
fn a_void_succession_captures_nothing() {
    let mut hub = Hub::with_members(&ALL);
    hub.succeed("ben@a.example", Some(0), &["ben@a.example"]).unwrap();
    assert_eq!(hub.membership.generation(), Generation(1));
    hub.contest("cid@b.example", 1).unwrap();
    for name in ALL {
        hub.note(name, 0).unwrap();
    }
    let wrong = hub.commit("cid@b.example", Some(1), &ALL);
    assert_eq!(wrong, Err(MembershipError::Generation(Generation(1))));
    hub.commit("cid@b.example", Some(0), &ALL).unwrap();
    assert_eq!(hub.membership.generation(), Generation(0), "nobody builds on it");
    hub.note("ana@a.example", 7).unwrap();
}

#[test]
fn a_succession_lets_nobody_in_and_begins_no_channel() {
    let mut hub = Hub::default();
    let alone = ["ana@a.example"];
    assert_eq!(hub.succeed(alone[0], None, &alone), Err(MembershipError::NotAMember));
    hub.commit(alone[0], None, &alone).unwrap();
    let more = ["ana@a.example", "cid@b.example"];
    assert_eq!(hub.succeed(alone[0], Some(0), &more), Err(MembershipError::Founding));
    let outside = hub.succeed("cid@b.example", Some(0), &alone);
    assert_eq!(outside, Err(MembershipError::NotAMember));
}

#[test]
fn a_copy_that_begins_in_a_later_group_goes_on_in_it() {
    let list: DeviceList = ALL.iter().map(|name| device(name)).collect();
    let (author, generation) = (device(ALL[0]), Generation(4));
    let anchor = Event::Anchor { seq: Seq(9), author, generation, list };
    assert_eq!(Event::decode(&anchor.encode()), Ok(anchor.clone()));
    let mut hub = Hub { next: 10, generation: 4, ..Hub::default() };
    hub.membership.apply(&anchor);
    hub.note("cid@b.example", 9).unwrap();
    hub.generation = 0;
    assert_eq!(hub.note("cid@b.example", 9), Err(MembershipError::Generation(Generation(4))));
}

#[test]
fn commits_that_nobody_confirmed_make_no_majority() {
    let three = ["ana@a.example", "cid@b.example", "eva@c.example"];
    let moves = |hub: &Hub, to: &str, voters: &[&str]| {
        let voters: Vec<_> = voters.iter().map(|name| device(name)).collect();
        hub.membership.may_move(&to.parse().unwrap(), &voters, &FormerDomains::new())
    };
    let mut hub = Hub::with_members(&three);
    assert!(moves(&hub, "b.example", &three[..2]) && !moves(&hub, "b.example", &three[..1]));
    assert!(!moves(&hub, "d.example", &three), "nobody of the next hub's is there");
    hub.commit(three[0], Some(0), &three[..1]).unwrap();
    assert!(!moves(&hub, "a.example", &three[..1]), "an unsettled commit shrinks nothing");
    assert!(!moves(&hub, "b.example", &three[..2]), "whom it drops votes when it is contested");
    hub.contest(three[1], 1).unwrap();
    assert!(moves(&hub, "b.example", &three[..2]));

    let mut hub = Hub::with_members(&three[..2]);
    let more = [&three[..], &["leo@d.example"]].concat();
    hub.commit(three[0], Some(0), &more).unwrap();
    let friends = [three[0], three[2], "leo@d.example"];
    assert!(!moves(&hub, "a.example", &friends), "nor does one that adds friends grow one");
    hub.note(three[1], 1).unwrap();
    assert!(moves(&hub, "a.example", &friends));
}
