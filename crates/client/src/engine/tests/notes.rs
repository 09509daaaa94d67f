use std::time::Duration;

use enlace_channel::entry::TimeZone;
use enlace_channel::policy::Role;
use enlace_log::{ClientId, Seq};
use enlace_proto::relay::v1::{ErrorCode, SubmitRequest, SubmitResponse};
use enlace_transport::{CallError, Refusal};

use super::world::World;
use crate::engine::{Action, Answer, NewNote, Plan, PostError, Wish};
use crate::notice::Notice;
use crate::store::OutboxState;

#[test]
fn notes_of_two_authorities_arrive_in_one_order() {
    let mut world = World::new();
    let channel = world.case();
    for round in 0..5 {
        for name in ["ana", "bruno", "eva"] {
            world.post(name, channel, &format!("{name} {round}"));
        }
        world.settle();
    }
    let expected = world.texts("ana", channel);
    assert_eq!(expected.len(), 15);
    for name in ["bruno", "eva"] {
        assert_eq!(world.texts(name, channel), expected);
    }
    world.assert_agreement(channel, &["ana", "bruno", "eva"]);
}

#[test]
fn a_note_is_durable_before_anybody_is_reached() {
    let mut world = World::new();
    let channel = world.case();
    let client_id = world.post("bruno", channel, "desde el archivo");
    world.restart("bruno");
    let row = world.engine("bruno").read(|tx| tx.outbox_of(client_id)).unwrap().unwrap();
    assert_eq!(row.state, OutboxState::Queued);
    world.settle();
    assert_eq!(world.texts("ana", channel), ["desde el archivo"]);
    assert_eq!(world.texts("bruno", channel), ["desde el archivo"]);
}

#[test]
fn the_same_client_id_is_the_same_note() {
    let mut world = World::new();
    let channel = world.case();
    let note = NewNote {
        text: "una vez".to_owned(),
        handling: None,
        restriction: None,
        time_zone: TimeZone::utc(),
        client_id: Some(ClientId([7; 16])),
    };
    for _ in 0..2 {
        assert_eq!(world.engine("ana").post(channel, note.clone()).unwrap(), ClientId([7; 16]));
        world.settle();
    }
    assert_eq!(world.texts("eva", channel), ["una vez"]);
    let other = world.create("ana");
    assert!(matches!(world.engine("ana").post(other, note), Err(PostError::ClientIdUsed)));
}

#[test]
fn a_stale_fence_is_overcome_unseen() {
    let mut world = World::new();
    let channel = world.case();
    world.post("bruno", channel, "a tiempo");
    // Bruno's note is sealed for a fence that Eva's commit overtakes before it gets to the hub.
    let officer = world.officers.get_mut("bruno").unwrap();
    let plan = officer.engine.plan(&mut officer.lanes).unwrap();
    let [action @ Action::Submit(client_id, ..)] = &plan.actions[..] else { panic!("{plan:?}") };
    world.engine("eva").wish(channel, Wish::RenewKeys).unwrap();
    while world.pump("eva") > 0 {}
    let answer = world.call(action);
    assert!(matches!(answer, Answer::Failed(_)));
    let officer = world.officers.get_mut("bruno").unwrap();
    officer.engine.take_answer(action, answer, &mut officer.lanes).unwrap();
    assert_eq!(world.pump("bruno"), 0, "it waits for what the hub has");
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(world.texts(name, channel), ["a tiempo"]);
    }
    let row = world.engine("bruno").read(|tx| tx.outbox_of(*client_id)).unwrap().unwrap();
    assert!(matches!(row.state, OutboxState::Accepted(Some(_))));
    assert_eq!(row.client_id, *client_id);
}

#[test]
fn a_note_of_somebody_who_may_only_read_by_now_is_not_sent() {
    let mut world = World::new();
    let channel = world.case();
    let eva = world.address("eva");
    let client_id = world.post("eva", channel, "demasiado tarde");
    world.engine("ana").wish(channel, Wish::SetRole(eva, Role::Observer)).unwrap();
    while world.pump("ana") > 0 {}
    world.settle();
    for name in ["ana", "bruno", "eva"] {
        assert_eq!(world.texts(name, channel), [""; 0], "{name}");
    }
    let row = world.engine("eva").read(|tx| tx.outbox_of(client_id)).unwrap().unwrap();
    let OutboxState::Failed(reason) = row.state else { panic!("{:?}", row.state) };
    assert!(reason.contains("may read only"), "{reason}");
    let unreadable = |notice: &Notice| matches!(notice, Notice::Unreadable { .. });
    assert!(!world.notices("ana", channel).iter().any(unreadable));
}

#[test]
fn a_lost_answer_sends_the_same_bytes_again_and_sequences_once() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "sin respuesta");
    let first = world.officers.get_mut("ana").unwrap();
    let plan = first.engine.plan(&mut first.lanes).unwrap();
    let _ = world.call(&plan.actions[0]);
    world.restart("ana");
    let again = world.officers.get_mut("ana").unwrap();
    let repeated = again.engine.plan(&mut again.lanes).unwrap();
    // Beside it, the new connection is shown the newest head.
    let item = |plan: &Plan| match &plan.actions[..] {
        [Action::Submit(_, _, request)] => SubmitRequest { known_head: None, ..request.clone() },
        other => panic!("{other:?}"),
    };
    assert_eq!(item(&repeated), item(&plan));
    let answer = world.call(&repeated.actions[0]);
    let again = world.officers.get_mut("ana").unwrap();
    again.engine.take_answer(&repeated.actions[0], answer, &mut again.lanes).unwrap();
    world.settle();
    assert_eq!(world.texts("ana", channel), ["sin respuesta"]);
    assert_eq!(world.texts("bruno", channel), ["sin respuesta"]);
}

#[test]
fn the_item_may_come_before_the_answer() {
    let mut world = World::new();
    let channel = world.case();
    world.post("ana", channel, "por los dos caminos");
    let ana = world.officers.get_mut("ana").unwrap();
    let plan = ana.engine.plan(&mut ana.lanes).unwrap();
    let answer = world.call(&plan.actions[0]);
    world.deliver("ana");
    assert_eq!(world.texts("ana", channel), ["por los dos caminos"]);
    let ana = world.officers.get_mut("ana").unwrap();
    ana.engine.take_answer(&plan.actions[0], answer, &mut ana.lanes).unwrap();
    world.settle();
    assert_eq!(world.texts("ana", channel), ["por los dos caminos"]);
}

#[test]
fn two_processes_share_a_profile() {
    let mut world = World::new();
    let channel = world.case();
    let mut follower = world.second_process("bruno");
    for round in 0..3 {
        world.post("bruno", channel, &format!("b{round}"));
        world.post("ana", channel, &format!("a{round}"));
        while world.pump("bruno") + world.pump("ana") > 0 {}
        // Whichever process is first takes a batch in; the other finds it there.
        let next = follower.followed_channel(channel).unwrap().unwrap().next;
        let items = world.hub.items_from(channel, next);
        follower.receive(channel, items.clone(), &world.hub.head(channel)).unwrap();
        let head = world.hub.head(channel);
        let received = world.engine("bruno").receive(channel, items, &head);
        assert!(received.is_ok());
        assert!(world.engine("bruno").notice_other_writers().is_ok());
    }
    world.settle();
    let texts = world.texts("bruno", channel);
    assert_eq!(texts.len(), 6);
    assert_eq!(texts, world.texts("ana", channel));
    let seen = follower.read(|tx| tx.entries(channel, Seq(0), 100)).unwrap();
    assert_eq!(seen.len(), 6);
}

/// What the hub answers to every submission.
fn refuse_once(world: &mut World, name: &str, code: ErrorCode) {
    let officer = world.officers.get_mut(name).unwrap();
    let plan = officer.engine.plan(&mut officer.lanes).unwrap();
    let [action] = &plan.actions[..] else { panic!("{plan:?}") };
    let refused = Answer::Failed(CallError::Refused(Refusal::new(code, "")));
    officer.engine.take_answer(action, refused, &mut officer.lanes).unwrap();
    world.clock.advance(Duration::from_secs(60));
}

#[test]
fn an_outage_does_not_wear_out_the_patience_with_what_may_pass() {
    let mut world = World::new();
    let channel = world.case();
    let client_id = world.post("bruno", channel, "a pesar de todo");
    for _ in 0..100 {
        refuse_once(&mut world, "bruno", ErrorCode::HubUnreachable);
    }
    refuse_once(&mut world, "bruno", ErrorCode::NotAMember);
    let row = world.engine("bruno").read(|tx| tx.outbox_of(client_id)).unwrap().unwrap();
    assert_eq!(row.state, OutboxState::Queued);
    world.settle();
    assert_eq!(world.texts("ana", channel), ["a pesar de todo"]);
}

#[test]
fn a_hub_that_calls_its_newest_commit_stale_is_not_asked_in_haste() {
    let mut world = World::new();
    let channel = world.case();
    world.post("bruno", channel, "sin prisa");
    let officer = world.officers.get_mut("bruno").unwrap();
    let plan = officer.engine.plan(&mut officer.lanes).unwrap();
    let stale = Refusal::new(ErrorCode::StaleFence, "").with_fence(0);
    let refused = Answer::Failed(CallError::Refused(stale));
    officer.engine.take_answer(&plan.actions[0], refused, &mut officer.lanes).unwrap();
    let plan = officer.engine.plan(&mut officer.lanes).unwrap();
    assert!(plan.actions.is_empty() && plan.again_at.is_some());
    world.settle();
    assert_eq!(world.texts("ana", channel), ["sin prisa"]);
}

#[test]
fn a_key_package_is_published_once_whatever_became_of_the_answer() {
    let mut world = World::new();
    let suite = enlace_channel::mls::Suite::default();
    world.clock.advance(Duration::from_secs(1));
    let lost = world.engine("ana").fill_pool(suite, 0).unwrap();
    world.restart("ana");
    let other = world.second_process("ana").fill_pool(suite, 0).unwrap();
    let again = world.engine("ana").fill_pool(suite, 5).unwrap();
    assert_eq!([&lost, &other, &again].map(|p| p.key_packages.len()), [20, 20, 15]);
    let all = [lost.key_packages, other.key_packages, again.key_packages].concat();
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    // A last resort replaces itself.
    assert!(lost.last_resort.is_some());
    assert!(again.last_resort == lost.last_resort);
}

/// A home relay says that the hub took a note, and shows a signature of the hub's, and has told
/// the hub nothing.
#[test]
fn an_acceptance_that_the_log_belies_loses_nothing() {
    let mut world = World::new();
    let channel = world.case();
    for place in ["passed", "to come"] {
        let client_id = world.post("bruno", channel, place);
        if place == "to come" {
            // The place is another's, of which Bruno has not heard.
            world.post("ana", channel, "en su lugar");
            while world.pump("ana") > 0 {}
        }
        let head = world.hub.head(channel);
        let response = SubmitResponse { seq: head.seq, received_at_ms: 0, head: Some(head) };
        let bruno = world.officers.get_mut("bruno").unwrap();
        let plan = bruno.engine.plan(&mut bruno.lanes).unwrap();
        let answer = Answer::Accepted(response);
        bruno.engine.take_answer(&plan.actions[0], answer, &mut bruno.lanes).unwrap();
        world.clock.advance(Duration::from_secs(30));
        world.settle();
        assert!(world.texts("ana", channel).contains(&place.to_owned()), "{place}");
        let row = world.engine("bruno").read(|tx| tx.outbox_of(client_id)).unwrap().unwrap();
        assert!(matches!(row.state, OutboxState::Accepted(Some(_))) && row.signed.is_none());
    }
}
