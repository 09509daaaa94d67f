//! A modified client among honest ones: what it commits is void everywhere, its author is named,
//! and nobody is the worse for it.

use enlace_channel::channel::Command;
use enlace_tests::{ANA, BEN, CID, Case, DORA, Rogue};

const ALL: [usize; 4] = [ANA, BEN, CID, DORA];

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_removes_another_without_the_right_to() {
    let case = Case::with_four().await;
    let mut rogue = Rogue::of(&case.network, &case.officers[BEN]).await;
    let connection = rogue.connect(&case.target(0)).await;
    let dora = Command::Remove(case.officers[DORA].address());
    let seq = rogue.commit(&connection, case.channel, &dora, None).await;
    case.assert_void(seq, BEN, &ALL).await;
    assert_eq!(case.inside(), ALL);
    case.assert_healthy().await;
}
