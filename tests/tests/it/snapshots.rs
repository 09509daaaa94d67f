//! A device whose disk was restored from a copy: it says so, writes nothing, and takes part again
//! when its officer says that this is how it was.

use std::fs;
use std::path::Path;

use enlace_client::engine::ResumeError;
use enlace_client::notice::Notice;
use enlace_client::store::ChannelStanding;
use enlace_tests::{ANA, BEN, Case};

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let to = to.join(file.file_name());
        if file.path().is_dir() {
            copy(&file.path(), &to);
        } else {
            fs::copy(file.path(), &to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_disk_is_noticed_and_its_device_takes_part_again() {
    let mut case = Case::with_four().await;
    let channel = case.channel;
    let ben = &mut case.officers[BEN];
    assert!(matches!(ben.client().resume_device(), Err(ResumeError::NotACopy)));
    ben.go_offline().await;
    ben.close();
    let aside = tempfile::tempdir().unwrap();
    copy(&ben.profile_dir(), &aside.path().join("copy"));
    ben.restart().await;
    ben.go_online();
    let note = ben.post(channel, "after the copy");
    ben.accepted(note).await;

    ben.go_offline().await;
    ben.close();
    copy(&aside.path().join("copy"), &ben.profile_dir());
    ben.restart().await;
    ben.go_online();
    let is_told = |client: &enlace_client::Client| {
        let told = client.notices(None, 0, 100).unwrap();
        told.iter().any(|row| matches!(row.notice, Notice::SnapshotRestored { .. })).then_some(())
    };
    ben.until("that the disk was restored", is_told).await;
    let held = ben.post(channel, "with new keys");
    let asked = case.officers[ANA].post(channel, "read in the old state");
    case.officers[ANA].accepted(asked).await;
    let ben = &case.officers[BEN];
    ben.reads(channel, "read in the old state").await;

    assert_eq!(ben.client().resume_device().unwrap(), [channel]);
    ben.accepted(held).await;
    ben.reads(channel, "after the copy").await;
    ben.until("membership", |client| {
        let row = client.show(channel).unwrap().unwrap().row;
        (row.standing == ChannelStanding::Member).then_some(())
    })
    .await;
    case.assert_healthy().await;
}
