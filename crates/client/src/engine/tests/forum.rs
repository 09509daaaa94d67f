use std::collections::BTreeSet;

use enlace_channel::entry::{EntryKind, TimeZone};
use enlace_channel::mls::Suite;
use enlace_channel::policy::Role;
use enlace_log::{ChannelId, Seq};

use super::withdrawals::{commitment_at, send_about};
use super::world::World;
use crate::client::EntryView;
use crate::engine::{NewNote, PostError, Thread, Wish};
use crate::notice::Notice;

fn note(text: &str) -> NewNote {
    NewNote {
        text: text.to_owned(),
        handling: None,
        restriction: None,
        time_zone: TimeZone::utc(),
        client_id: None,
    }
}

impl World {
    /// A forum of Ana's in which Eva asks, and Bruno leads the other authority.
    fn forum(&mut self, suite: Suite) -> ChannelId {
        for name in ["ana", "bruno", "eva"] {
            self.publish_of(name, suite);
        }
        let forum = self.create_forum("ana", suite);
        for (officer, role) in [("bruno", Role::Lead), ("eva", Role::Member)] {
            let officer = self.address(officer);
            self.engine("ana").wish(forum, Wish::Add(officer, role)).unwrap();
            self.settle();
        }
        forum
    }

    fn entries(&mut self, name: &str, forum: ChannelId) -> Vec<EntryView> {
        self.engine(name).entries(forum, Seq(0), 1_000).unwrap()
    }

    fn last_place(&mut self, name: &str, forum: ChannelId) -> Seq {
        self.entries(name, forum).last().unwrap().state.seq().unwrap()
    }

    fn ask(&mut self, name: &str, forum: ChannelId, text: &str) -> Seq {
        self.engine(name).ask(forum, note(text)).unwrap();
        self.settle();
        self.last_place("ana", forum)
    }

    fn answer(&mut self, name: &str, forum: ChannelId, question: Seq, text: &str) {
        self.engine(name).answer_question(forum, question, note(text)).unwrap();
    }

    fn pin(&mut self, name: &str, forum: ChannelId, entry: Seq, pinned: bool) {
        self.engine(name).pin(forum, entry, pinned, TimeZone::utc()).unwrap();
        self.settle();
    }
}

fn shape(threads: &[Thread]) -> Vec<(&str, Option<&str>, usize)> {
    threads
        .iter()
        .map(|thread| {
            let answer = thread.answer.as_ref().map(|answer| answer.body.as_str());
            (thread.entry.body.as_str(), answer, thread.late.len())
        })
        .collect()
}

#[test]
fn questions_are_answered_once_and_pinned_on_top() {
    let mut world = World::new();
    let forum = world.forum(Suite::PostQuantum);
    let first = world.ask("eva", forum, "¿Qué plazo?");
    let second = world.ask("eva", forum, "¿Qué formulario?");
    world.engine("ana").post(forum, note("Guía del mes")).unwrap();
    world.settle();
    let guide = world.last_place("ana", forum);
    world.answer("bruno", forum, second, "El A-12");
    world.settle();
    let again = world.engine("ana").answer_question(forum, second, note("El B-3")).unwrap_err();
    assert!(matches!(again, PostError::AnsweredAlready(_)), "{again:?}");
    world.pin("ana", forum, first, true);
    world.pin("bruno", forum, guide, true);
    for name in ["ana", "bruno", "eva"] {
        let threads = world.engine(name).threads(forum).unwrap();
        let expected = [
            ("Guía del mes", None, 0),
            ("¿Qué plazo?", None, 0),
            ("¿Qué formulario?", Some("El A-12"), 0),
        ];
        assert_eq!(shape(&threads), expected, "{name}");
        assert!(threads[0].entry.is_pinned && threads[1].entry.is_pinned);
        assert_eq!(threads.iter().map(Thread::is_open).collect::<Vec<_>>(), [false, true, false]);
    }
    world.pin("ana", forum, guide, false);
    let threads = world.engine("eva").threads(forum).unwrap();
    let expected = [("¿Qué plazo?", None, 0), ("¿Qué formulario?", Some("El A-12"), 0)];
    assert_eq!(shape(&threads), expected);
    world.restart("eva");
    assert_eq!(shape(&world.engine("eva").threads(forum).unwrap()), expected);
}

/// Two guides who don't know of each other: the log's order decides, for everybody alike.
#[test]
fn of_two_answers_the_first_in_the_log_counts_and_the_other_is_shown_as_late() {
    let mut world = World::new();
    let forum = world.forum(Suite::PostQuantum);
    let question = world.ask("eva", forum, "¿Qué plazo?");
    world.answer("bruno", forum, question, "Diez días");
    world.answer("ana", forum, question, "Quince días");
    world.settle();
    let first = shape(&world.engine("ana").threads(forum).unwrap())[0].1.map(ToOwned::to_owned);
    for name in ["ana", "bruno", "eva"] {
        let threads = world.engine(name).threads(forum).unwrap();
        assert_eq!(shape(&threads), [("¿Qué plazo?", first.as_deref(), 1)], "{name}");
        let late: Vec<_> = world.entries(name, forum).into_iter().filter(|v| v.is_late).collect();
        assert_eq!(late.len(), 1);
        assert_eq!(late[0].about, Some(question));
        let asked = world.entries(name, forum).into_iter().find(|v| v.body == "¿Qué plazo?");
        assert!(asked.unwrap().answered_by.is_some_and(|seq| Some(seq) < late[0].state.seq()));
    }
}

#[test]
fn what_a_role_does_not_allow_is_refused_before_it_is_signed() {
    let mut world = World::new();
    let forum = world.forum(Suite::PostQuantum);
    let question = world.ask("eva", forum, "¿Qué plazo?");
    let eva = world.engine("eva");
    assert!(matches!(eva.post(forum, note("todos")), Err(PostError::OnlyGuides)));
    assert!(matches!(eva.answer_question(forum, question, note("yo")), Err(PostError::OnlyGuides)));
    let pin = eva.pin(forum, question, true, TimeZone::utc());
    assert!(matches!(pin, Err(PostError::OnlyGuides)));
    let bruno = world.engine("bruno");
    let none = bruno.answer_question(forum, Seq(9_999), note("nada"));
    assert!(matches!(none, Err(PostError::NoSuchEntry)));
    let case = world.case();
    let refused = world.engine("ana").ask(case, note("¿Qué plazo?"));
    assert!(matches!(refused, Err(PostError::NotAForum)));
}

#[test]
fn a_note_written_as_a_guide_is_not_sent_by_one_who_asks() {
    let mut world = World::new();
    let forum = world.forum(Suite::PostQuantum);
    let eva = world.address("eva");
    world.engine("ana").wish(forum, Wish::SetRole(eva.clone(), Role::Guide)).unwrap();
    world.settle();
    world.engine("ana").wish(forum, Wish::SetRole(eva, Role::Member)).unwrap();
    world.pump("ana");
    world.pump("ana");
    world.pump("ana");
    world.post("eva", forum, "todavía guía");
    world.settle();
    let told = world.notices("eva", forum);
    assert!(told.iter().any(|n| matches!(n, Notice::NotDone { .. })), "{told:?}");
    assert!(world.texts("ana", forum).is_empty());
}

#[test]
fn who_joins_a_classic_forum_is_told_what_that_means() {
    let mut world = World::new();
    let hybrid = world.forum(Suite::PostQuantum);
    let classic = world.forum(Suite::Classic);
    world.engine("ana").post(classic, note("bienvenida")).unwrap();
    world.settle();
    assert_eq!(world.texts("eva", classic), ["bienvenida"]);
    for (forum, told) in [(hybrid, 0), (classic, 1)] {
        let notices = world.notices("eva", forum);
        let later = notices.iter().filter(|notice| matches!(notice, Notice::ReadableLater));
        assert_eq!(later.count(), told);
    }
    let suite =
        |world: &mut World, forum| world.engine("eva").details(forum).unwrap().unwrap().suite;
    assert_eq!(suite(&mut world, hybrid), Suite::PostQuantum);
    assert_eq!(suite(&mut world, classic), Suite::Classic);
}

/// A modified program lets somebody who may only ask publish: as a correction of another's entry, or of
/// one that nobody has.
#[test]
fn a_correction_that_does_not_count_says_nothing_in_a_forum() {
    let mut world = World::new();
    let forum = world.forum(Suite::PostQuantum);
    world.engine("ana").post(forum, note("Guía del mes")).unwrap();
    world.settle();
    let guide = world.last_place("ana", forum);
    let question = world.ask("eva", forum, "¿Qué plazo?");
    let of_anas = commitment_at(&mut world, "eva", forum, guide);
    let own = commitment_at(&mut world, "eva", forum, question);
    let of_nobodys = enlace_log::Commitment([9; 32]);
    for (of, kind) in [
        (of_anas, EntryKind::Correction),
        (of_nobodys, EntryKind::Correction),
        (of_anas, EntryKind::Withdrawal),
        (of_nobodys, EntryKind::Withdrawal),
    ] {
        send_about(world.engine("eva"), forum, of, kind, "lean esto todos");
    }
    send_about(world.engine("eva"), forum, own, EntryKind::Correction, "¿Qué plazo hay?");
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        let entries = world.entries(name, forum);
        let about: Vec<_> = entries.iter().filter(|view| matches!(view.kind, 2 | 3)).collect();
        assert_eq!(about.len(), 5, "{name}");
        assert!(entries.iter().all(|view| view.body != "lean esto todos"), "{name}");
        assert!(about[..4].iter().all(|view| !view.counts && view.body.is_empty()), "{name}");
        assert_eq!((about[4].counts, about[4].about), (true, Some(question)), "{name}");
        assert_eq!(about[4].body, "¿Qué plazo hay?", "{name}");
        let guide = entries.iter().find(|view| view.body == "Guía del mes").unwrap();
        assert_eq!((guide.corrected_by, guide.withdrawn_by), (None, None), "{name}");
    }
}

/// What it published stands; what it asked is its own.
#[test]
fn a_guide_that_was_made_a_member_corrects_no_more_what_it_published() {
    let mut world = World::new();
    let forum = world.forum(Suite::PostQuantum);
    let eva = world.address("eva");
    world.engine("ana").wish(forum, Wish::SetRole(eva.clone(), Role::Guide)).unwrap();
    world.settle();
    world.engine("eva").post(forum, note("plazo: diez días")).unwrap();
    world.settle();
    let published = world.last_place("ana", forum);
    world.engine("eva").correct(forum, published, note("plazo: doce días")).unwrap();
    world.settle();
    let corrected = world.last_place("ana", forum);
    world.engine("ana").wish(forum, Wish::SetRole(eva, Role::Member)).unwrap();
    world.settle();
    let refused = world.engine("eva").correct(forum, published, note("plazo: ninguno"));
    assert!(matches!(refused, Err(PostError::OnlyGuides)), "{refused:?}");
    // Her modified program does it all the same.
    let of = commitment_at(&mut world, "eva", forum, published);
    send_about(world.engine("eva"), forum, of, EntryKind::Correction, "plazo: ninguno");
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        let entries = world.entries(name, forum);
        let first = entries.iter().find(|view| view.state.seq() == Some(published)).unwrap();
        assert_eq!(first.corrected_by, Some(corrected), "{name}");
        let last = entries.last().unwrap();
        assert_eq!((last.kind, last.counts, last.body.as_str()), (2, false, ""), "{name}");
    }
    // She takes it back as before, with all that corrects it.
    world.engine("eva").withdraw(forum, published, note("")).unwrap();
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        let erased = world.entries(name, forum).iter().filter(|v| v.erased.is_some()).count();
        assert_eq!(erased, 3, "{name}");
    }
}

/// Else nobody could put a wrong answer right but its author, and whoever never got it would show the
/// question as open.
#[test]
fn a_withdrawn_answer_leaves_its_question_open() {
    let mut world = World::new();
    let forum = world.forum(Suite::PostQuantum);
    let question = world.ask("eva", forum, "¿Qué plazo?");
    world.answer("bruno", forum, question, "Diez días");
    world.settle();
    let wrong = world.last_place("ana", forum);
    world.engine("bruno").withdraw(forum, wrong, note("no era así")).unwrap();
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        let threads = world.engine(name).threads(forum).unwrap();
        assert_eq!(shape(&threads), [("¿Qué plazo?", None, 0)], "{name}");
        assert!(threads[0].is_open(), "{name}");
        let withdrawn: Vec<_> = threads[0].withdrawn.iter().map(|v| v.state.seq()).collect();
        assert_eq!(withdrawn, [Some(wrong)], "{name}");
        let asked = world.entries(name, forum).into_iter().find(|v| v.body == "¿Qué plazo?");
        assert_eq!(asked.unwrap().answered_by, None, "{name}");
    }
    world.answer("ana", forum, question, "Quince días");
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        let threads = world.engine(name).threads(forum).unwrap();
        assert_eq!(shape(&threads), [("¿Qué plazo?", Some("Quince días"), 0)], "{name}");
        assert!(world.entries(name, forum).iter().all(|view| !view.is_late), "{name}");
    }
}

/// A modified program says that it takes back a colleague's answer.
#[test]
fn an_answer_that_somebody_else_withdraws_stands() {
    let mut world = World::new();
    let forum = world.forum(Suite::PostQuantum);
    let question = world.ask("eva", forum, "¿Qué plazo?");
    world.answer("bruno", forum, question, "Diez días");
    world.settle();
    let place = world.last_place("ana", forum);
    let of = commitment_at(&mut world, "ana", forum, place);
    send_about(world.engine("ana"), forum, of, EntryKind::Withdrawal, "");
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        let threads = world.engine(name).threads(forum).unwrap();
        assert_eq!(shape(&threads), [("¿Qué plazo?", Some("Diez días"), 0)], "{name}");
    }
}

/// Nobody publishes by it who may not anyway; and whoever came in later would never know what holds now.
#[test]
fn who_came_in_later_reads_how_a_guide_corrects_what_was_published_before() {
    let mut world = World::new();
    let forum = world.forum(Suite::PostQuantum);
    let first = world.ask("eva", forum, "¿Qué plazo?");
    world.engine("ana").post(forum, note("plazo: diez días")).unwrap();
    world.settle();
    let guide = world.last_place("ana", forum);
    world.engine("ana").post(forum, note("plazo: ninguno")).unwrap();
    world.settle();
    let wrong = world.last_place("ana", forum);
    world.enroll("cora", "fge");
    world.publish_of("cora", Suite::PostQuantum);
    let cora = world.address("cora");
    world.engine("ana").wish(forum, Wish::Add(cora, Role::Member)).unwrap();
    world.settle();
    world.engine("ana").correct(forum, guide, note("plazo: doce días")).unwrap();
    world.engine("ana").withdraw(forum, wrong, note("había plazo")).unwrap();
    world.engine("eva").correct(forum, first, note("lean esto todos")).unwrap();
    world.settle();
    let entries = world.entries("cora", forum);
    let texts: Vec<_> = entries.iter().map(|view| (view.kind, view.body.as_str())).collect();
    let expected = [(2, "plazo: doce días"), (3, "había plazo"), (2, "")];
    assert_eq!(BTreeSet::from_iter(texts), BTreeSet::from(expected));
    let counts = entries.iter().filter(|view| view.counts).count();
    assert_eq!(counts, 2);
}
