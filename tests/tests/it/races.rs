//! Changes that meet each other: each ends done, or reported to whoever asked for it.

use enlace_channel::channel::Command;
use enlace_channel::policy::Role;
use enlace_client::notice::{ChangeAct, Notice};
use enlace_client::store::OutboxState;
use enlace_client::task::Task;
use enlace_log::ClientId;
use enlace_tests::{ANA, BEN, CID, Case, DORA, Officer, Rogue};

/// What became of something that an officer asked for: what wasn't done was said.
async fn ended(officer: &Officer, case: &Case, asked: ClientId, is_it: fn(&Task) -> bool) -> bool {
    match officer.settled(asked).await {
        OutboxState::Accepted(_) => true,
        OutboxState::Failed(reason) => {
            let said = |notice: &Notice| matches!(notice, Notice::NotDone { task, reason: why } if is_it(task) && *why == reason);
            assert!(officer.notices(case.channel).iter().any(said), "{reason}");
            false
        }
        OutboxState::Queued => unreachable!("it is settled"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_of_two_authorities_at_once_are_both_done() {
    let mut case = Case::with_four().await;
    let (eva, finn) = (case.join_in(0, "eva").await, case.join_in(1, "finn").await);
    let (ana, cid) = (&case.officers[ANA], &case.officers[CID]);
    let eva_in = ana.client().add_member(case.channel, case.officers[eva].address(), Role::Member);
    let finn_in =
        cid.client().add_member(case.channel, case.officers[finn].address(), Role::Member);
    let renewals = [BEN, DORA].map(|who| {
        let officer = &case.officers[who];
        (officer, officer.client().renew_keys(case.channel).unwrap())
    });
    ana.accepted(eva_in.unwrap()).await;
    cid.accepted(finn_in.unwrap()).await;
    for (officer, renewal) in renewals {
        officer.accepted(renewal).await;
    }
    for who in [eva, finn] {
        case.officers[who].joined(case.channel).await;
    }
    assert_eq!(case.inside().len(), 6);
    case.assert_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_acts_that_exclude_each_other_one_is_done_and_the_other_done_or_reported() {
    let mut case = Case::with_four().await;
    let eva = case.join_in(0, "eva").await;
    case.admit(ANA, eva, Role::Lead).await;
    let (ana, eva) = (&case.officers[ANA], &case.officers[eva]);
    let ben = case.officers[BEN].address();
    let is_in = |client: &enlace_client::Client| {
        let details = client.show(case.channel).unwrap()?;
        details.policy.role_of(&eva.address()).map(drop)
    };
    ana.until("Eva is a lead", is_in).await;

    let removal = ana.client().remove_member(case.channel, ben.clone()).unwrap();
    let promotion = eva.client().set_role(case.channel, ben.clone(), Role::Lead).unwrap();
    assert!(ended(ana, &case, removal, |task| matches!(task, Task::Remove { .. })).await);
    ended(eva, &case, promotion, |task| matches!(task, Task::SetRole { .. })).await;

    let gone = |client: &enlace_client::Client| {
        let details = client.show(case.channel).unwrap().unwrap();
        details.policy.role_of(&ben).is_none().then_some(())
    };
    for who in [ANA, CID, DORA] {
        case.officers[who].until("Ben is out", gone).await;
    }
    case.officers[BEN]
        .is_told(case.channel, "the removal", |row| {
            matches!(row.notice, Notice::Removed { .. }).then_some(())
        })
        .await;
    assert_eq!(case.inside().len(), 4);
    case.assert_healthy().await;
}

/// Two want to admit the same officer: one commit does, and both are content.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_want_the_same_both_get_it_once() {
    let mut case = Case::with_four().await;
    let eva = case.join_in(0, "eva").await;
    let finn = case.join_in(0, "finn").await;
    case.admit(ANA, eva, Role::Lead).await;
    let wanted = case.officers[finn].address();
    let asked = [ANA, eva].map(|who| {
        let officer = &case.officers[who];
        let wish = officer.client().add_member(case.channel, wanted.clone(), Role::Member);
        (officer, wish.unwrap())
    });
    for (officer, asked) in asked {
        officer.accepted(asked).await;
    }
    case.officers[finn].joined(case.channel).await;
    case.assert_healthy().await;
    let is_admission =
        |act: &ChangeAct| matches!(act, ChangeAct::Admitted { officer, .. } if *officer == wanted);
    let admitted = |notice: &Notice| matches!(notice, Notice::Changed { acts, .. } if acts.iter().any(is_admission));
    let times = case.officers[CID].notices(case.channel).iter().filter(|n| admitted(n)).count();
    assert_eq!(times, 1);
}

/// A void commit takes the place of an honest one that was built for the same position.
#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_a_void_commit_overtakes_is_done_after_it() {
    let mut case = Case::with_four().await;
    let eva = case.join_in(0, "eva").await;
    let mut rogue = Rogue::of(&case.network, &case.officers[BEN]).await;
    let hub = rogue.connect(&case.target(0)).await;
    rogue.lease(&hub, case.channel).await.unwrap();
    let dora = Command::Remove(case.officers[DORA].address());
    let void = rogue.build_commit(case.channel, &dora, None).unwrap();
    let ana = &case.officers[ANA];
    let wish = ana.client().add_member(case.channel, case.officers[eva].address(), Role::Member);
    let seq = Rogue::submit(&hub, &void.request).await.unwrap();
    let done = ana.accepted(wish.unwrap()).await.unwrap();
    assert!(done > seq);
    case.assert_void(seq, BEN, &[ANA, BEN, CID, DORA]).await;
    case.officers[eva].joined(case.channel).await;
    case.assert_healthy().await;
}
