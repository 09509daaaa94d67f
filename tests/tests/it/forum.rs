//! A forum of two authorities: asked, answered and pinned across both relays, with a member among
//! them whose program publishes.

use enlace_channel::entry::{EntryKind, TimeZone};
use enlace_channel::mls::Suite;
use enlace_channel::policy::Role;
use enlace_client::engine::Thread;
use enlace_client::notice::Notice;
use enlace_log::{Commitment, Seq};
use enlace_tests::case::open_forum;
use enlace_tests::officer::note;
use enlace_tests::{ANA, BEN, CID, Case, DORA, Officer, Rogue};

const OTO: usize = 4;

/// Ana owns the forum, Ben asks, Oto observes; Cid leads the other authority, Dora guides there.
async fn forum(suite: Suite) -> Case {
    let mut case = Case::opened_by_ana().await;
    case.channel = open_forum(&case.officers[ANA], suite).await;
    let (ben, cid, dora, oto) = tokio::join!(
        case.enrol(0, "ben"),
        case.enrol(1, "cid"),
        case.enrol(1, "dora"),
        case.enrol(0, "oto")
    );
    case.officers.extend([ben, cid, dora, oto]);
    case.admit(ANA, BEN, Role::Member).await;
    case.admit(ANA, CID, Role::Lead).await;
    case.admit(CID, DORA, Role::Guide).await;
    case.admit(ANA, OTO, Role::Observer).await;
    case
}

async fn sees(officer: &Officer, case: &Case, what: &str, seen: impl Fn(&[Thread]) -> bool) {
    officer.until(what, |client| seen(&client.threads(case.channel).unwrap()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_crosses_the_border_and_is_answered_once_for_all() {
    let case = forum(Suite::Classic).await;
    let (ben, dora) = (&case.officers[BEN], &case.officers[DORA]);
    let asked = ben.client().ask(case.channel, note("Which time limit?")).unwrap();
    let place = ben.accepted(asked).await.unwrap();
    dora.reads(case.channel, "Which time limit?").await;
    let answered = dora.client().answer_question(case.channel, place, note("Ten days")).unwrap();
    dora.accepted(answered).await;
    let pinned = dora.client().pin(case.channel, place, true, TimeZone::utc()).unwrap();
    dora.accepted(pinned).await;
    for officer in &case.officers {
        let what = "the pinned question with its answer";
        sees(officer, &case, what, |threads| {
            let [thread] = threads else { return false };
            thread.entry.body == "Which time limit?"
                && thread.entry.is_pinned
                && thread.answer.as_ref().is_some_and(|answer| answer.body == "Ten days")
                && thread.late.is_empty()
        })
        .await;
        let told = officer.notices(case.channel);
        let later = told.iter().any(|notice| matches!(notice, Notice::ReadableLater));
        assert_eq!(later, officer.address() != case.officers[ANA].address());
    }
}

/// Everybody refuses what a modified program of a member and of an observer writes, and names it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_members_program_publishes_is_refused_by_all() {
    let case = forum(Suite::PostQuantum).await;
    let channel = case.channel;
    let asked = case.officers[BEN].client().ask(channel, note("Which time limit?")).unwrap();
    case.officers[BEN].accepted(asked).await;
    let mut ben = Rogue::of(&case.network, &case.officers[BEN]).await;
    let mut oto = Rogue::of(&case.network, &case.officers[OTO]).await;
    let parent = Some(Commitment([7; 32]));
    let hub = ben.connect(&case.target(0)).await;
    for kind in [EntryKind::Note, EntryKind::Answer, EntryKind::Pin] {
        let seq = publish(&case, &mut ben, &hub, kind, parent).await;
        assert_refused(&case, BEN, seq, "E-KIND").await;
    }
    let hub = oto.connect(&case.target(0)).await;
    let seq = publish(&case, &mut oto, &hub, EntryKind::Question, None).await;
    assert_refused(&case, OTO, seq, "E-ROLE").await;
    let posted = case.officers[DORA].post(channel, "and on it goes");
    case.officers[DORA].accepted(posted).await;
    for who in [ANA, CID] {
        case.officers[who].reads(channel, "and on it goes").await;
    }
}

async fn publish(
    case: &Case,
    rogue: &mut Rogue,
    hub: &enlace_transport::Connection,
    kind: EntryKind,
    parent: Option<Commitment>,
) -> Seq {
    let parent = parent.filter(|_| kind != EntryKind::Note);
    let entry = rogue.read(case.channel, |hand, c| hand.sign_as(c, kind, "nobody's", parent));
    let id = entry.header().client_id;
    let sealed = rogue.act(case.channel, |c, ctx| c.dangerous_seal_entry(ctx, &entry, id));
    Rogue::submit(hub, &sealed.unwrap().request).await.unwrap()
}

async fn assert_refused(case: &Case, author: usize, seq: Seq, rule: &str) {
    for who in [ANA, CID, DORA] {
        let officer = &case.officers[who];
        let told = officer.is_told(case.channel, rule, |row| match &row.notice {
            Notice::Unreadable { author, reason } if row.seq == Some(seq) => {
                Some((author.clone(), reason.clone()))
            }
            _ => None,
        });
        let (culprit, reason) = told.await;
        assert_eq!(culprit.device, *case.officers[author].device());
        assert!(!culprit.by_relays_word && reason.contains(rule), "{reason}");
    }
}
