//! From what MLS shows of a commit to a verdict.

use enlace_identity::bundle::{BundleContent, SignedBundle};
use enlace_identity::names::DeviceName;
use enlace_log::{
    ClientId, Commitment, Envelope, Generation, ItemKind, PayloadHash, Seq, SubmitCounter,
    WelcomesHash,
};

use super::super::{
    Act, JudgeError, Rule, State, judge, judge_creation, judge_refounded, judge_welcome,
};
use super::scene::{CHANNEL, DAY, NOW, device, key, leaf_of, network, officer, state};
use crate::mls::{CommitDetails, Epoch, GroupId, GroupView, LeafIndex, Member, Suite};
use crate::policy::{Founding, FoundingReason, Policy, Role};

/// The view of a state whose members sit in the order of their names.
fn view(state: &State) -> GroupView {
    let members = state.members.values().enumerate().map(|(index, leaf)| Member {
        leaf: LeafIndex(index as u32),
        chain: leaf.chain.clone(),
        signature_key: leaf.signature_key,
        rules: leaf.rules.clone(),
        encryption_key: vec![index as u8].into(),
    });
    GroupView {
        group_id: GroupId([1; 32]),
        suite: Suite::PostQuantum,
        epoch: Epoch(3),
        members: members.collect(),
        policy: state.policy.encode(),
    }
}

fn seat(view: &GroupView, address: &str) -> LeafIndex {
    let device = device(address);
    let names = view.members.iter().map(|m| crate::credential::device_name(&m.chain).unwrap());
    LeafIndex(names.into_iter().position(|name| name == device).unwrap() as u32)
}

/// A commit by luis that changes his own leaf only.
fn details() -> CommitDetails {
    let before = view(&state());
    let sender = seat(&before, "luis@fge.example");
    let mut after = before.clone();
    after.members[sender.0 as usize].encryption_key = vec![99].into();
    CommitDetails {
        sender,
        before,
        after,
        added: vec![],
        removed: vec![],
        rewrites_policy: false,
        key_packages: Vec::new(),
        evidence: vec![],
        removes_self: false,
    }
}

fn envelope(author: &DeviceName, after: &GroupView) -> Envelope {
    let list = crate::credential::device_list(after).map(|list| list.hash());
    Envelope {
        channel: CHANNEL,
        generation: Generation(0),
        kind: ItemKind::Commit,
        author: author.clone().into(),
        client_id: ClientId([1; 16]),
        submit_counter: SubmitCounter(1),
        fence: Some(Seq(0)),
        last_valid_commit: Some(Seq(0)),
        commitment: Commitment::NONE,
        list_hash: list.unwrap_or(enlace_log::ListHash([9; 32])),
        welcomes_hash: WelcomesHash::NONE,
        payload_hash: PayloadHash([0; 32]),
    }
}

fn verdict(details: &CommitDetails, author: &str) -> Result<Vec<Act>, Rule> {
    let envelope = envelope(&device(author), &details.after);
    let hub = "fge.example".parse().unwrap();
    judge(&network().bundle, details, &envelope, &hub, NOW).map_err(rule)
}

fn rule(error: JudgeError) -> Rule {
    match error {
        JudgeError::Void(void) => void.rule(),
        JudgeError::BundleMissing(hash) => panic!("bundle {hash} is missing"),
    }
}

#[test]
fn the_envelope_names_the_sender() {
    assert_eq!(verdict(&details(), "luis@fge.example"), Ok(vec![]));
    assert_eq!(verdict(&details(), "ana@fge.example"), Err(Rule::Sender));
}

#[test]
fn an_admission_is_read_from_the_views() {
    let mut details = details();
    let newcomer = device("new@fge.example");
    let leaf = leaf_of(&newcomer, 0);
    let index = LeafIndex(details.after.members.len() as u32);
    details.after.members.push(Member {
        leaf: index,
        chain: leaf.chain,
        signature_key: leaf.signature_key,
        rules: leaf.rules.clone(),
        encryption_key: vec![7].into(),
    });
    details.added.push(index);
    let policy = state().policy.admit(newcomer.officer(), Role::Member).unwrap();
    details.after.policy = policy.encode();
    assert_eq!(verdict(&details, "luis@fge.example").unwrap().len(), 1);
    details.added.clear();
    assert_eq!(verdict(&details, "luis@fge.example"), Err(Rule::OwnLeaf));
}

#[test]
fn a_device_removed_and_added_at_once_shows() {
    let mut details = details();
    let victim = seat(&details.before, "rui@pgr.example");
    details.removed.push(victim);
    details.added.push(victim);
    assert_eq!(verdict(&details, "luis@fge.example"), Err(Rule::OwnLeaf));
}

#[test]
fn two_leaves_of_one_name_void() {
    let mut details = details();
    let twin = leaf_of(&device("eva@fge.example"), 0);
    let index = seat(&details.after, "luis@fge.example").0 as usize;
    details.after.members[index].chain = twin.chain;
    assert_eq!(verdict(&details, "luis@fge.example"), Err(Rule::DeviceUnique));
}

#[test]
fn a_committer_that_takes_another_name_is_gone() {
    let mut details = details();
    let other = device("new@fge.example");
    let leaf = leaf_of(&other, 0);
    let index = seat(&details.after, "luis@fge.example").0 as usize;
    details.after.members[index].chain = leaf.chain;
    details.after.members[index].signature_key = leaf.signature_key;
    assert_eq!(verdict(&details, "luis@fge.example"), Err(Rule::Committer));
}

#[test]
fn a_policy_that_cannot_be_read_voids() {
    let mut details = details();
    details.after.policy = vec![0xff];
    assert_eq!(verdict(&details, "luis@fge.example"), Err(Rule::PolicyForm));
    details.after.policy.clear();
    assert_eq!(verdict(&details, "luis@fge.example"), Err(Rule::PolicyForm));
}

#[test]
fn a_welcome_is_judged_by_its_signers_leaf() {
    let view = view(&state());
    let me = device("eva@fge.example");
    let judge =
        |signer: LeafIndex| judge_welcome(&network().bundle, &view, signer, &me, false, NOW);
    assert_eq!(judge(seat(&view, "luis@fge.example")), Ok(()));
    let by_lead_of_others = judge(seat(&view, "rui@pgr.example"));
    assert_eq!(by_lead_of_others.map_err(rule), Err(Rule::WelcomeEntitled));
    assert_eq!(judge(LeafIndex(77)).map_err(rule), Err(Rule::WelcomeEntitled));
}

#[test]
fn a_stand_in_brings_nobody_back_after_the_mandate() {
    let (rui, end) = ("rui@pgr.example", NOW.plus(DAY * 30));
    let founding = Founding::of_all(Seq(41), FoundingReason::Poisoned);
    let mut founded = state();
    let edit = founded.policy.edit().unwrap().stand_in(&officer(rui), end, 7);
    founded.policy = edit.finish().unwrap().succeed(founding).unwrap();
    let (view, me) = (view(&founded), device("eva@fge.example"));
    let judge = |at| judge_refounded(&network().bundle, &view, &device(rui), &me, at).map_err(rule);
    assert_eq!(judge(NOW), Ok(vec![Act::Founded(FoundingReason::Poisoned)]));
    assert_eq!(judge(end), Err(Rule::Founder));
}

/// The newest bundle no longer has pgr.example; the group goes by the one before.
#[test]
fn a_next_group_is_judged_under_the_bundle_that_it_names() {
    let first = &network().bundle;
    let content = first.content().clone();
    let (version, previous) = (content.version + 1, Some(first.hash()));
    let mut authorities = content.authorities.clone();
    authorities.retain(|authority| authority.domain.to_string() != "pgr.example");
    let content = BundleContent { version, previous, authorities, ..content };
    let mut signed = SignedBundle::create(content).unwrap();
    let signer = "fge.example".parse().unwrap();
    signed.sign_after(first, &signer, &key("root fge.example")).unwrap();
    let newest = signed.open_after(first).unwrap();

    let founding = Founding::of_all(Seq(41), FoundingReason::Poisoned);
    let mut founded = state();
    founded.policy = founded.policy.succeed(founding).unwrap();
    let (founder, me) = (device("ana@fge.example"), device("ze@pgr.example"));
    let judged = judge_refounded(&newest, &view(&founded), &founder, &me, NOW);
    assert_eq!(judged.map_err(rule), Ok(vec![Act::Founded(FoundingReason::Poisoned)]));
}

#[test]
fn a_channel_begins_with_its_owner_alone() {
    let creator = device("ana@fge.example");
    let mut alone = state();
    alone.members.retain(|device, _| *device == creator);
    let others = ["luis", "eva", "oto"].map(|name| officer(&format!("{name}@fge.example")));
    let others = others.into_iter().chain([officer("rui@pgr.example"), officer("ze@pgr.example")]);
    let edit = alone.policy.edit().unwrap();
    let edit = others.fold(edit, |edit, officer| edit.without(&officer));
    alone.policy = edit.forge(|content| content.authorities_version = 1).finish().unwrap();

    let judge = |state: &State| {
        judge_creation(&network().bundle, &view(state), &creator, NOW).map_err(rule)
    };
    assert_eq!(judge(&alone), Ok(()));
    assert_eq!(judge(&state()), Err(Rule::Creation));

    let counted = alone.policy.edit().unwrap().forge(|content| content.authorities_version = 2);
    let counted = State { policy: counted.finish().unwrap(), ..alone.clone() };
    assert_eq!(judge(&counted), Err(Rule::Creation));

    let lead: Policy =
        alone.policy.edit().unwrap().role(creator.officer(), Role::Lead).finish().unwrap();
    assert_eq!(judge(&State { policy: lead, ..alone.clone() }), Err(Rule::OneOwner));

    let mut key_swapped = alone;
    for leaf in key_swapped.members.values_mut() {
        leaf.signature_key = key("other").public();
    }
    assert_eq!(judge(&key_swapped), Err(Rule::WelcomeCertificate));
}
