//! A relay that is started on an older copy of its directory: nothing that anybody holds is lost,
//! and nobody accuses anybody.

use std::fs;
use std::path::Path;

use enlace_channel::policy::Role;
use enlace_client::notice::Notice;
use enlace_tests::{ANA, BEN, CID, Case, DORA};
use tempfile::TempDir;

const STORE: &str = "data";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A's relay, which orders the channel, is stopped and its store copied.
async fn back_up(case: &mut Case) -> TempDir {
    case.stop_relay(0).await;
    let backup = tempfile::tempdir().unwrap();
    copy(&case.places[0].path(STORE), backup.path());
    case.start_relay(0).await;
    case.assert_healthy().await;
    backup
}

/// A's relay loses its store and starts on the copy.
async fn restore(case: &mut Case, backup: &TempDir) {
    case.stop_relay(0).await;
    let store = case.places[0].path(STORE);
    fs::remove_dir_all(&store).unwrap();
    copy(backup.path(), &store);
    case.start_relay(0).await;
}

/// What was said meanwhile, and taken in.
async fn say(case: &Case, who: usize, text: &str) {
    let note = case.officers[who].post(case.channel, text);
    case.officers[who].accepted(note).await;
}

/// Everybody is told that the relay was restored and has everything again, and nobody that it lied.
async fn all_is_back(case: &Case, people: &[usize]) {
    for index in people {
        let officer = &case.officers[*index];
        let told =
            officer.is_told(case.channel, "the relay was restored", |row| match &row.notice {
                Notice::HubBeganAnew { brought_back, lost_until, .. } => {
                    Some((*brought_back, *lost_until))
                }
                _ => None,
            });
        assert_eq!(told.await, (true, None), "{}", officer.address());
        let is_accusation = |notice: &Notice| {
            matches!(notice, Notice::Fork(_) | Notice::Stopped { .. } | Notice::SetBack { .. })
        };
        assert!(!officer.notices(case.channel).iter().any(is_accusation));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_follower_holds_comes_back() {
    let mut case = Case::with_four().await;
    let backup = back_up(&mut case).await;
    // A's own officers hear nothing of what follows.
    case.officers[ANA].go_offline().await;
    case.officers[BEN].go_offline().await;
    say(&case, CID, "since yesterday").await;
    say(&case, DORA, "an answer").await;
    let eva = case.join_in(1, "eva").await;
    case.admit(CID, eva, Role::Member).await;
    restore(&mut case, &backup).await;
    case.officers[ANA].go_online();
    case.officers[BEN].go_online();
    say(&case, CID, "goes on").await;
    case.assert_healthy().await;
    all_is_back(&case, &[ANA, BEN, CID, DORA, eva]).await;
    for officer in &case.officers[..4] {
        for text in ["since yesterday", "an answer", "goes on"] {
            officer.reads(case.channel, text).await;
        }
    }
}

/// B has no part in it: the own officers' devices alone hold what the copy lacks.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_alone_holds_comes_back() {
    let mut case = Case::opened_by_ana().await;
    let ben = case.join_in(0, "ben").await;
    case.admit(ANA, ben, Role::Member).await;
    let backup = back_up(&mut case).await;
    for number in 0..20 {
        say(&case, ANA, &format!("since yesterday {number}")).await;
    }
    // Ben has heard nothing of it.
    case.officers[ben].go_offline().await;
    say(&case, ANA, "Ben is away").await;
    restore(&mut case, &backup).await;
    case.officers[ben].go_online();
    let note = case.officers[ben].post(case.channel, "Ben is back");
    case.officers[ben].accepted(note).await;
    case.assert_healthy().await;
    case.officers[ben].reads(case.channel, "Ben is away").await;
    all_is_back(&case, &[ANA, ben]).await;
}

/// A relay that keeps a copy is restored to a state from before it had the channel, so that nothing
/// in its store says that there is one. Its devices know, and the hub delivers the beginning again.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_lost_its_copy_gets_it_again() {
    let mut case = Case::with_four().await;
    case.assert_healthy().await;
    case.stop_relay(1).await;
    fs::remove_dir_all(case.places[1].path(STORE)).unwrap();
    case.start_relay(1).await;
    say(&case, ANA, "B's relay has forgotten").await;
    say(&case, CID, "and has it again").await;
    case.assert_healthy().await;
    for officer in &case.officers[..4] {
        for text in ["B's relay has forgotten", "and has it again"] {
            officer.reads(case.channel, text).await;
        }
    }
}
