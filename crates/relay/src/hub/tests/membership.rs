//! Void commits, contests and leaves, by way of the hub.

use enlace_log::control::{Contest, LeafHash, Leave, Stranded};
use enlace_log::membership::MembershipError;
use enlace_log::{Generation, ItemKind, ListChange, Seq};

use super::world::{Draft, LIMIT, World, channel_id, device, list};
use crate::hub::{Next, ReadError, Reader, SubmitError};

const ALL: [&str; 4] = ["ana", "ben", "cid@b", "dora@b"];

fn contest(author: &str, fence: u64, commit: u64) -> Draft {
    let contest = Contest { channel: channel_id(), generation: Generation(0), commit: Seq(commit) };
    Draft::new(author, ItemKind::Contest, Some(fence), &contest.encode())
}

async fn reads(world: &World, name: &str, from: u64) -> Result<Option<Next>, ReadError> {
    let log = world.hub.subscribe(channel_id(), Reader::Device(device(name))).await?;
    log.read(Seq(from), LIMIT).await
}

#[tokio::test]
async fn a_void_commit_captures_nothing_of_another_authority() {
    let world = World::with_members(&ALL).await;
    world.commit(&Draft::commit("ben", Some(0), &ALL, &["ben"])).await.unwrap();
    let answer = world.submit(&Draft::entry("cid@b", 1, "still here")).await;
    assert_eq!(answer, Err(SubmitError::Membership(MembershipError::NotAMember)));
    assert!(matches!(reads(&world, "cid@b", 1).await, Ok(Some(Next::Batch(_)))));
    assert!(matches!(reads(&world, "ana", 2).await, Ok(Some(Next::Ended { last: Seq(1) }))));

    world.submit(&contest("cid@b", 1, 1)).await.unwrap();
    for name in ALL {
        let mut entry = Draft::entry(name, 1, name);
        entry.envelope.last_valid_commit = Some(Seq(0));
        world.submit(&entry).await.unwrap();
    }
    let again = world.submit(&contest("dora@b", 1, 1)).await;
    let back = MembershipError::NothingToContest;
    assert_eq!(again, Err(SubmitError::Membership(back)), "one objection brings all back");
    let twice = world.submit(&contest("cid@b", 1, 1)).await.unwrap();
    assert!(twice.is_duplicate);
    assert!(matches!(reads(&world, "ana", 2).await, Ok(Some(Next::Batch(_)))));
}

#[tokio::test]
async fn whoever_two_void_commits_cut_off_objects_without_knowing_the_second() {
    let world = World::with_members(&ALL).await;
    let others = ["ben", "cid@b", "dora@b"];
    world.commit(&Draft::commit("ben", Some(0), &ALL, &others)).await.unwrap();
    world.commit(&Draft::commit("ben", Some(1), &others, &others)).await.unwrap();
    assert!(matches!(reads(&world, "ana", 2).await, Ok(Some(Next::Ended { last: Seq(1) }))));
    world.submit(&contest("ana", 1, 1)).await.unwrap();
    assert!(matches!(reads(&world, "ana", 2).await, Ok(Some(Next::Batch(_)))));
}

#[tokio::test]
async fn a_confirmed_removal_ends_reading() {
    let world = World::with_members(&ALL).await;
    world.commit(&Draft::commit("ana", Some(0), &ALL, &ALL[..3])).await.unwrap();
    assert!(matches!(reads(&world, "dora@b", 2).await, Ok(None)), "reads on");
    world.submit(&Draft::entry("cid@b", 1, "agreed")).await.unwrap();
    assert!(matches!(reads(&world, "dora@b", 2).await, Ok(Some(Next::Batch(_)))));
    assert!(matches!(reads(&world, "dora@b", 3).await, Ok(Some(Next::Ended { last: Seq(2) }))));
    let late = world.submit(&contest("dora@b", 1, 1)).await;
    assert_eq!(late, Err(SubmitError::Membership(MembershipError::NothingToContest)));
}

#[tokio::test]
async fn a_revoked_member_writes_nothing_though_its_own_relay_forwards_it() {
    let world = World::with_members(&["ana", "cid@b", "revoked@b"]).await;
    let answer = world.submit(&Draft::entry("revoked@b", 0, "forwarded")).await;
    assert_eq!(answer, Err(SubmitError::Revoked(device("revoked@b"))));
    world.submit(&Draft::entry("cid@b", 0, "not revoked")).await.unwrap();
}

#[tokio::test]
async fn who_left_or_is_revoked_is_dropped_for_good() {
    let members = ["ana", "cid@b", "dora@b", "revoked@b"];
    let world = World::with_members(&members).await;
    let leaf = LeafHash::of(b"e", b"s", b"c");
    let leave =
        Leave { channel: channel_id(), generation: Generation(0), device: device("dora@b"), leaf };
    let leave = Draft::new("dora@b", ItemKind::Leave, Some(0), &leave.encode());
    world.submit(&leave).await.unwrap();
    world.commit(&Draft::commit("ana", Some(0), &members, &["ana", "cid@b"])).await.unwrap();
    for name in ["dora@b", "revoked@b"] {
        assert!(matches!(reads(&world, name, 3).await, Ok(Some(Next::Ended { last: Seq(2) }))));
    }
}

fn stranded(author: &str, payload: impl FnOnce(&mut Stranded)) -> Draft {
    let mut stranded = Stranded {
        channel: channel_id(),
        generation: Generation(0),
        device: device(author),
        leaf: Some(LeafHash::of(b"e", b"s", b"c")),
        since: Seq(0),
        key_package: b"key package".to_vec(),
        share_key: b"share key".to_vec(),
    };
    payload(&mut stranded);
    Draft::new(author, ItemKind::Stranded, Some(0), &stranded.encode())
}

/// A commit that changes no list and brings a device a welcome.
fn put_back(author: &str, fence: u64, whom: &str) -> Draft {
    let mut draft = Draft::commit(author, Some(fence), &ALL, &ALL);
    draft.welcomes.push(enlace_proto::relay::v1::Welcome {
        devices: vec![device(whom).to_string()],
        message: bytes::Bytes::from_static(b"welcome back"),
        bundle: Vec::new(),
    });
    draft.envelope.welcomes_hash = draft.welcomes_hash();
    draft
}

#[tokio::test]
async fn whoever_said_that_it_is_stranded_gets_a_welcome_and_reads_on() {
    let world = World::with_members(&ALL).await;
    for nobody in ["dora@b", "ben"] {
        let refused = world.commit(&put_back("ana", 0, nobody)).await;
        assert_eq!(refused, Err(SubmitError::Welcomes), "{nobody} asked for nothing");
    }
    world.submit(&stranded("dora@b", |_| ())).await.unwrap();
    world.submit(&stranded("ben", |_| ())).await.unwrap();
    world.commit(&put_back("ana", 0, "dora@b")).await.unwrap();
    world.commit(&put_back("cid@b", 3, "ben")).await.unwrap();
    let waits = world.hub.pending_welcomes(device("ben"), 9).await.unwrap();
    let last = waits.last().and_then(|welcome| welcome.commit.as_ref()).map(|commit| commit.seq);
    assert_eq!(last, Some(4));
    for name in ["dora@b", "ben"] {
        for from in [1, 4] {
            assert!(matches!(reads(&world, name, from).await, Ok(Some(Next::Batch(_)))), "{name}");
        }
        world.submit(&Draft::entry(name, 4, name)).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_to_be_put_back_says_who_and_where() {
    let world = World::with_members(&ALL).await;
    let wrong: [fn(&mut Stranded); 5] = [
        |s| s.device = device("ben"),
        |s| s.channel = enlace_log::ChannelId([9; 32]),
        |s| s.generation = Generation(1),
        |s| s.key_package = vec![1; Stranded::MAX_KEY_PACKAGE + 1],
        |s| s.share_key.clear(),
    ];
    for alter in wrong {
        let refused = world.submit(&stranded("dora@b", alter)).await;
        assert_eq!(refused, Err(SubmitError::Membership(MembershipError::Control)));
    }
    let stranger = world.submit(&stranded("eva@b", |_| ())).await;
    assert_eq!(stranger, Err(SubmitError::Membership(MembershipError::NotAMember)));
}

#[tokio::test]
async fn whoever_went_is_not_put_back() {
    let world = World::with_members(&ALL).await;
    world.submit(&stranded("dora@b", |_| ())).await.unwrap();
    world.commit(&Draft::commit("cid@b", Some(0), &ALL, &ALL[..3])).await.unwrap();
    let mut late = Draft::commit("ana", Some(2), &ALL[..3], &ALL[..3]);
    late.welcomes = put_back("ana", 2, "dora@b").welcomes;
    late.envelope.welcomes_hash = late.welcomes_hash();
    assert_eq!(world.commit(&late).await, Err(SubmitError::Welcomes));
}

#[tokio::test]
async fn membership_is_the_same_after_a_restart() {
    let disk = crate::storage::MemoryDisk::default();
    let world = World::on(Box::new(disk.open().unwrap()));
    world.create(&ALL).await.unwrap();
    world.commit(&Draft::commit("ben", Some(0), &ALL, &["ben"])).await.unwrap();
    world.sequencer.stop();
    let world = World::on(Box::new(disk.open().unwrap()));
    let answer = world.submit(&Draft::entry("cid@b", 1, "still here")).await;
    assert_eq!(answer, Err(SubmitError::Membership(MembershipError::NotAMember)));
    world.submit(&contest("cid@b", 1, 1)).await.unwrap();
    let mut entry = Draft::entry("cid@b", 1, "still here");
    entry.envelope.last_valid_commit = Some(Seq(0));
    world.submit(&entry).await.unwrap();
}

fn succession(author: &str, fence: u64, generation: u64, to: &[&str]) -> Draft {
    let payload = format!("succession {generation} by {author} after {fence}");
    let mut draft = Draft::new(author, ItemKind::Succession, Some(fence), payload.as_bytes());
    draft.envelope.generation = Generation(generation);
    draft.envelope.list_hash = list(to).hash();
    draft.change = Some(list(&ALL).change_to(&list(to)));
    draft
}

fn entry_of(generation: u64, author: &str, fence: u64, text: &str) -> Draft {
    let mut entry = Draft::entry(author, fence, text);
    entry.envelope.generation = Generation(generation);
    entry
}

#[tokio::test]
async fn one_log_goes_on_across_a_succession_and_a_restart() {
    let disk = crate::storage::MemoryDisk::default();
    let world = World::on(Box::new(disk.open().unwrap()));
    world.create(&ALL).await.unwrap();
    let unasked = world.submit(&succession("ana", 0, 0, &ALL)).await;
    assert_eq!(unasked, Err(SubmitError::LeaseMissing));
    world.commit(&succession("ana", 0, 0, &ALL)).await.unwrap();
    let stale = world.submit(&Draft::entry("cid@b", 0, "of the former group")).await;
    assert_eq!(stale, Err(SubmitError::StaleFence(Some(Seq(1)))), "sealed anew, then taken");
    let former = world.submit(&Draft::entry("cid@b", 1, "of the former group")).await;
    let wrong = SubmitError::Membership(MembershipError::Generation(Generation(1)));
    assert_eq!(former, Err(wrong));
    world.submit(&entry_of(1, "cid@b", 1, "of the next group")).await.unwrap();
    world.sequencer.stop();
    let world = World::on(Box::new(disk.open().unwrap()));
    let accepted = world.submit(&entry_of(1, "dora@b", 1, "after a restart")).await.unwrap();
    assert_eq!(accepted.seq, Seq(3));
}

#[tokio::test]
async fn a_void_succession_captures_no_hub() {
    let world = World::with_members(&ALL).await;
    world.commit(&succession("ben", 0, 0, &["ben"])).await.unwrap();
    world.submit(&contest("cid@b", 1, 1)).await.unwrap();
    for name in ALL {
        let mut entry = entry_of(0, name, 1, name);
        entry.envelope.last_valid_commit = Some(Seq(0));
        world.submit(&entry).await.unwrap();
    }
}

#[tokio::test]
async fn a_succession_changes_nobodys_admission() {
    let world = World::with_members(&ALL[..3]).await;
    let mut draft = succession("ana", 0, 0, &ALL);
    draft.change = Some(list(&ALL[..3]).change_to(&list(&ALL)));
    let refused = SubmitError::Membership(MembershipError::Founding);
    assert_eq!(world.commit(&draft).await, Err(refused));
    let mut draft = succession("ana", 0, 0, &ALL[..3]);
    draft.change = Some(ListChange::default());
    draft.welcomes = Draft::commit("ana", Some(0), &ALL[..3], &ALL).welcomes;
    assert_eq!(world.commit(&draft).await, Err(SubmitError::Welcomes));
}
