//! Going and coming back: whoever leaves is let go by others, and whoever comes back reads only
//! from there on.

use std::sync::{Arc, Mutex};

use enlace_channel::channel::Command;
use enlace_channel::mls::{Backend, Tamper};
use enlace_channel::policy::Role;
use enlace_client::Client;
use enlace_client::notice::{ChangeAct, Notice};
use enlace_client::store::ChannelStanding;
use enlace_log::Seq;
use enlace_tests::{ANA, BEN, CID, Case, DORA, Officer, Rogue};

async fn say(case: &Case, who: usize, text: &str) {
    let officer = &case.officers[who];
    officer.accepted(officer.post(case.channel, text)).await;
}

async fn is_out(case: &Case, who: usize) {
    let out = |client: &Client| {
        let details = client.show(case.channel).unwrap().unwrap();
        (details.row.standing == ChannelStanding::Removed).then_some(())
    };
    case.officers[who].until("removal", out).await;
}

async fn is_in_again(case: &Case, who: usize) {
    let back = |client: &Client| {
        let details = client.show(case.channel).unwrap().unwrap();
        let standing = details.row.standing;
        matches!(standing, ChannelStanding::Provisional | ChannelStanding::Member).then_some(())
    };
    case.officers[who].until("readmission", back).await;
}

async fn remove(case: &Case, by: usize, who: usize) {
    let (by, who) = (&case.officers[by], case.officers[who].address());
    let wish = by.client().remove_member(case.channel, who).unwrap();
    by.accepted(wish).await;
}

async fn readmit(case: &Case, by: usize, who: usize) {
    let (by, who) = (&case.officers[by], case.officers[who].address());
    let wish = by.client().add_member(case.channel, who, Role::Member).unwrap();
    by.accepted(wish).await;
}

/// Everything that an officer was ever told or read, as text.
fn everything(officer: &Officer, case: &Case) -> String {
    format!("{:?}{:?}", officer.texts(case.channel), officer.notices(case.channel))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_leave_is_carried_out_by_others() {
    let case = Case::with_four().await;
    let dora = &case.officers[DORA];
    let wish = dora.client().leave(case.channel).unwrap();
    dora.accepted(wish).await;
    is_out(&case, DORA).await;
    for who in [ANA, BEN, CID] {
        let gone = dora.address();
        case.officers[who]
            .is_told(case.channel, "the departure", |row| match &row.notice {
                Notice::Changed { by, acts } => acts.iter().find_map(|act| match act {
                    ChangeAct::Removed { officer, left: true, .. } if *officer == gone => {
                        assert!(by != dora.device());
                        Some(())
                    }
                    _ => None,
                }),
                _ => None,
            })
            .await;
    }
    say(&case, ANA, "after Dora").await;
    case.assert_healthy().await;
    assert!(!everything(dora, &case).contains("after Dora"));
    assert!(dora.client().post(case.channel, enlace_tests::officer::note("no more")).is_err());
}

/// Only the owner stays, with somebody who may do nothing but this.
#[tokio::test(flavor = "multi_thread")]
async fn an_observer_may_carry_out_a_wish_to_leave() {
    let mut case = Case::with_four().await;
    let ana = &case.officers[ANA];
    let ben = case.officers[BEN].address();
    let demoted = ana.client().set_role(case.channel, ben, Role::Observer).unwrap();
    ana.accepted(demoted).await;
    for who in [ANA, CID] {
        case.officers[who].go_offline().await;
    }
    let dora = &case.officers[DORA];
    let wish = dora.client().leave(case.channel).unwrap();
    dora.accepted(wish).await;
    is_out(&case, DORA).await;
    for who in [ANA, CID] {
        case.officers[who].go_online();
    }
    say(&case, ANA, "Ben carried it out").await;
    for who in [BEN, CID] {
        case.officers[who].reads(case.channel, "Ben carried it out").await;
    }
    case.assert_same_state(&[ANA, BEN, CID]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_officer_is_readmitted_and_reads_only_from_there() {
    let case = Case::with_four().await;
    remove(&case, CID, DORA).await;
    is_out(&case, DORA).await;
    say(&case, ANA, "while she was out").await;
    readmit(&case, CID, DORA).await;
    is_in_again(&case, DORA).await;
    say(&case, ANA, "since she is back").await;
    case.officers[DORA].reads(case.channel, "since she is back").await;
    case.assert_healthy().await;
    assert!(!everything(&case.officers[DORA], &case).contains("while she was out"));
    let before = case.officers[DORA].texts(case.channel);
    assert!(before.iter().any(|text| text.contains("still writes")), "what she had stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_removed_and_readmitted_while_away_reads_only_from_there() {
    let mut case = Case::with_four().await;
    case.officers[DORA].go_offline().await;
    let unsent = case.officers[DORA].post(case.channel, "written before she knew");
    say(&case, BEN, "before her removal").await;
    remove(&case, CID, DORA).await;
    say(&case, ANA, "while she was out").await;
    readmit(&case, CID, DORA).await;
    say(&case, ANA, "since she is back").await;
    case.officers[DORA].restart().await;
    case.officers[DORA].go_online();
    let dora = &case.officers[DORA];
    dora.reads(case.channel, "since she is back").await;
    dora.reads(case.channel, "before her removal").await;
    // What she had written is sent, or she is told that it isn't.
    dora.settled(unsent).await;
    case.assert_healthy().await;
    assert!(!everything(&case.officers[DORA], &case).contains("while she was out"));
}

/// Several times, also with nobody else online in between.
#[tokio::test(flavor = "multi_thread")]
async fn an_officer_goes_and_comes_back_again_and_again() {
    let mut case = Case::with_four().await;
    for round in 0..3 {
        if round == 1 {
            case.officers[DORA].go_offline().await;
        }
        remove(&case, CID, DORA).await;
        readmit(&case, CID, DORA).await;
    }
    case.officers[DORA].go_online();
    say(&case, ANA, "back for good").await;
    case.officers[DORA].reads(case.channel, "back for good").await;
    case.assert_healthy().await;
}

/// The only officer of B goes, and B's relay with her; both come back at once, to another place of
/// the log. She was away and has heard of nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_only_officer_of_an_authority_leaves_and_is_readmitted_while_away() {
    let mut case = Case::opened_by_ana().await;
    let (ben, cid) = (case.join_in(0, "ben").await, case.join_in(1, "cid").await);
    case.admit(ANA, ben, Role::Member).await;
    case.admit(ANA, cid, Role::Lead).await;
    case.assert_healthy().await;
    // Nobody else is there to carry it out while she is.
    for who in [ANA, ben] {
        case.officers[who].go_offline().await;
    }
    let wish = case.officers[cid].client().leave(case.channel).unwrap();
    case.officers[cid].accepted(wish).await;
    case.officers[cid].go_offline().await;
    for who in [ANA, ben] {
        case.officers[who].go_online();
    }
    let gone = case.officers[cid].address();
    let is_out = |client: &Client| {
        let details = client.show(case.channel).unwrap().unwrap();
        details.policy.role_of(&gone).is_none().then_some(())
    };
    case.officers[ANA].until("she is let go", is_out).await;
    say(&case, ANA, "while she was out").await;
    let ana = &case.officers[ANA];
    let wish = ana.client().add_member(case.channel, gone.clone(), Role::Lead).unwrap();
    ana.accepted(wish).await;
    case.officers[cid].restart().await;
    case.officers[cid].go_online();
    say(&case, ANA, "since she is back").await;
    case.officers[cid].reads(case.channel, "since she is back").await;
    case.assert_healthy().await;
    assert!(!everything(&case.officers[cid], &case).contains("while she was out"));
}

/// Garbles what is sealed to some keys.
#[derive(Clone, Default)]
struct GarbleFor(Arc<Mutex<Vec<Vec<u8>>>>);

impl Tamper for GarbleFor {
    fn sealed(&self, receiver: &[u8], ciphertext: &mut Vec<u8>) {
        if self.0.lock().unwrap().iter().any(|key| key == receiver) {
            *ciphertext.last_mut().unwrap() ^= 1;
        }
    }
}

/// Ben's modified client renews its keys and leaves these out, who are told so.
async fn strand(case: &Case, victims: &[usize]) -> Seq {
    let garble = GarbleFor::default();
    let backend = Backend::dangerous_with_tamper(Box::new(garble.clone())).unwrap();
    let mut rogue = Rogue::with_backend(&case.network, &case.officers[BEN], backend).await;
    for victim in victims {
        let device = case.officers[*victim].device().clone();
        let target = rogue.encryption_key(case.channel, &device);
        garble.0.lock().unwrap().push(target);
    }
    let hub = rogue.connect(&case.target(0)).await;
    let seq = rogue.commit(&hub, case.channel, &Command::SelfUpdate, None).await;
    let ben = case.officers[BEN].device().clone();
    for victim in victims {
        case.officers[*victim]
            .is_told(case.channel, "that she is stranded", |row| match &row.notice {
                Notice::Stranded { by, .. } if row.seq == Some(seq) => (*by == ben).then_some(()),
                _ => None,
            })
            .await;
    }
    seq
}

/// Whoever follows is told whom a device blames, and that it is back.
async fn are_told(case: &Case, followers: &[usize], victim: usize, seq: Seq) {
    let (device, ben) = (case.officers[victim].device(), case.officers[BEN].device());
    for who in followers {
        case.officers[*who]
            .is_told(case.channel, "whom she blames", |row| match &row.notice {
                Notice::BackRequested { device: asking, since, guilty: Some(guilty) } => {
                    (asking == device && *since == seq.0 && guilty == ben).then_some(())
                }
                _ => None,
            })
            .await;
        case.officers[*who]
            .is_told(case.channel, "that she is back", |row| match &row.notice {
                Notice::Changed { acts, .. } => acts.iter().find_map(|act| match act {
                    ChangeAct::PutBack { device: back, .. } if back == device => Some(()),
                    _ => None,
                }),
                _ => None,
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_stranded_by_another_is_put_back_and_what_she_wrote_goes_out() {
    let mut case = Case::with_four().await;
    // The fifth leaf: nobody shares the secrets that are sealed to it.
    let eva = case.join_in(1, "eva").await;
    case.admit(CID, eva, Role::Member).await;
    case.assert_healthy().await;
    let seq = strand(&case, &[eva]).await;
    let unsent = case.officers[eva].post(case.channel, "written while she was out of step");
    for who in [ANA, CID, DORA] {
        say(&case, who, "the others go on").await;
    }
    are_told(&case, &[ANA, CID, DORA], eva, seq).await;
    case.officers[eva].accepted(unsent).await;
    case.officers[eva].reads(case.channel, "the others go on").await;
    for who in [ANA, CID, DORA] {
        case.officers[who].reads(case.channel, "written while she was out of step").await;
    }
    case.assert_healthy().await;
}

/// The owner is among them, whom nobody may remove; and the leads of both authorities are away.
#[tokio::test(flavor = "multi_thread")]
async fn several_stranded_by_one_change_are_put_back_the_owner_too() {
    let mut case = Case::with_four().await;
    let eva = case.join_in(1, "eva").await;
    case.admit(CID, eva, Role::Member).await;
    case.assert_healthy().await;
    case.officers[CID].go_offline().await;
    let seq = strand(&case, &[ANA, eva]).await;
    let notes = [ANA, eva].map(|who| (who, case.officers[who].post(case.channel, "later")));
    for victim in [ANA, eva] {
        are_told(&case, &[DORA], victim, seq).await;
    }
    for (who, note) in notes {
        case.officers[who].accepted(note).await;
    }
    case.officers[CID].go_online();
    case.assert_healthy().await;
}
