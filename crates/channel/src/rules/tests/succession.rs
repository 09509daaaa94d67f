//! Which successions count.

use enlace_identity::names::Domain;
use enlace_identity::time::Validity;
use enlace_log::{ListHash, Seq};

use super::super::{
    Act, JudgeError, LeafInfo, Rule, State, Successor, judge_founder, judge_succession,
};
use super::scene::{
    self, Consented, DAY, NOW, by, device, hash, key, leaf_of, network, officer, state,
};
use crate::consent::Subject;
use crate::mls::Suite;
use crate::policy::{ChannelKind, Expulsion, Founding, FoundingReason, Role, SuspendedDevice};

const LAST_VALID: Seq = Seq(41);

/// A succession in the making. It does what its founder wants, entitled or not.
struct Draft(Successor);

fn founded(address: &str, reason: FoundingReason) -> Draft {
    Draft::on(state(), address, reason)
}

fn renewed(address: &str) -> Draft {
    founded(address, FoundingReason::Renewal)
}

fn poisoned(address: &str) -> Draft {
    founded(address, FoundingReason::Poisoned)
}

impl Draft {
    fn on(before: State, address: &str, reason: FoundingReason) -> Self {
        let founding = Founding::of_all(LAST_VALID, reason);
        let mut after = before.clone();
        after.policy = after.policy.succeed(founding).unwrap();
        for (device, leaf) in &mut after.members {
            leaf.leaf_hash = hash(&leaf.chain, &key(device.as_str()), 9);
        }
        Self(Successor {
            founder: device(address),
            before,
            suite_before: Suite::PostQuantum,
            last_valid: Some(LAST_VALID),
            after,
            suite_after: Suite::PostQuantum,
            predecessor: Some(LAST_VALID),
            list_hash: ListHash::NONE,
            hub: "fge.example".parse().unwrap(),
            received_at: NOW,
        })
    }

    fn alter(mut self, alter: impl FnOnce(&mut Successor)) -> Self {
        alter(&mut self.0);
        self
    }

    fn suite(self, suite: Suite) -> Self {
        self.alter(|successor| successor.suite_after = suite)
    }

    fn judge(self) -> Result<Vec<Act>, Rule> {
        self.alter(|s| s.list_hash = s.after.devices().hash()).judge_as_it_is()
    }

    fn judge_as_it_is(self) -> Result<Vec<Act>, Rule> {
        judge_succession(&network().bundle, &self.0).map_err(|error| match error {
            JudgeError::Void(void) => void.rule(),
            JudgeError::BundleMissing(hash) => panic!("bundle {hash} is missing"),
        })
    }
}

#[test]
fn the_owner_founds_and_of_a_poisoned_channel_a_lead() {
    let owner = "ana@fge.example";
    assert_eq!(renewed(owner).judge(), Ok(vec![Act::Founded(FoundingReason::Renewal)]));
    let act = Ok(vec![Act::Founded(FoundingReason::Poisoned)]);
    for lead in [owner, "luis@fge.example", "rui@pgr.example"] {
        assert_eq!(poisoned(lead).judge(), act, "{lead}");
    }
    for lead in ["luis@fge.example", "rui@pgr.example"] {
        assert_eq!(renewed(lead).judge(), Err(Rule::Founder), "{lead}");
    }
    for other in ["eva@fge.example", "ze@pgr.example", "oto@fge.example", "bo@mj.example"] {
        assert_eq!(renewed(other).judge(), Err(Rule::Founder), "{other}");
        assert_eq!(poisoned(other).judge(), Err(Rule::Founder), "{other}");
    }
}

#[test]
fn a_stand_in_founds_as_long_as_the_mandate_lasts() {
    let (rui, end) = ("rui@pgr.example", NOW.plus(DAY * 30));
    let mut before = state();
    let edit = before.policy.edit().unwrap();
    before.policy = edit.stand_in(&officer(rui), end, 7).finish().unwrap();
    let founded = |at| {
        let draft = Draft::on(before.clone(), rui, FoundingReason::Poisoned);
        draft.alter(|s| s.received_at = at).judge()
    };
    assert!(founded(NOW).is_ok());
    assert_eq!(founded(end), Err(Rule::Founder));
    let early = |at| judge_founder(&before.policy, &device(rui), at).map_err(|void| void.rule());
    assert_eq!((early(NOW), early(end)), (Ok(()), Err(Rule::Founder)));
}

#[test]
fn where_there_is_no_owner_a_lead_founds() {
    let mut orphaned = state();
    orphaned.policy = orphaned.policy.remove(&officer("ana@fge.example")).unwrap();
    orphaned.members.remove(&device("ana@fge.example"));
    let by = |address| Draft::on(orphaned.clone(), address, FoundingReason::Renewal).judge();
    assert!(by("rui@pgr.example").is_ok());
    assert_eq!(by("ze@pgr.example"), Err(Rule::Founder));
}

#[test]
fn only_a_renewal_changes_the_suite() {
    let mut forum = state();
    forum.policy =
        forum.policy.edit().unwrap().forge(|c| c.kind = ChannelKind::Forum).finish().unwrap();
    let founded =
        |reason| Draft::on(forum.clone(), "ana@fge.example", reason).suite(Suite::Classic).judge();
    assert!(founded(FoundingReason::Renewal).is_ok());
    assert_eq!(founded(FoundingReason::Poisoned), Err(Rule::FoundingSuite));
}

#[test]
fn each_leaf_of_the_next_group_states_the_rules_that_it_begins_with() {
    let (ana, mut before) = ("ana@fge.example", state());
    before.policy = before.policy.edit().unwrap().raise_rules().finish().unwrap();
    for leaf in before.members.values_mut() {
        leaf.rules = [2].into_iter().collect();
    }
    for reason in [FoundingReason::Renewal, FoundingReason::Poisoned] {
        assert!(Draft::on(before.clone(), ana, reason).judge().is_ok());
        let older = Draft::on(before.clone(), ana, reason).alter(|s| {
            s.after.members.get_mut(&device("eva@fge.example")).unwrap().rules =
                [].into_iter().collect();
        });
        assert_eq!(older.judge(), Err(Rule::RulesVersion));
    }
}

#[test]
fn a_case_keeps_the_hybrid_suite() {
    for draft in [renewed("ana@fge.example"), poisoned("rui@pgr.example")] {
        assert_eq!(draft.suite(Suite::Classic).judge(), Err(Rule::WelcomeSuite));
    }
}

#[test]
fn the_members_are_those_of_the_group_before() {
    let ze = device("ze@pgr.example");
    let lost = renewed("ana@fge.example").alter(|s| _ = s.after.members.remove(&ze));
    assert_eq!(lost.judge(), Err(Rule::FoundingMembers));
    let second = officer("ze@pgr.example").device("second").unwrap();
    let come = renewed("ana@fge.example")
        .alter(|s| _ = s.after.members.insert(second.clone(), leaf_of(&second, 0)));
    assert_eq!(come.judge(), Err(Rule::FoundingMembers));
    let listed = renewed("ana@fge.example").alter(|s| s.list_hash = ListHash([1; 32]));
    assert_eq!(listed.judge_as_it_is(), Err(Rule::List));
}

#[test]
fn a_new_certificate_verifies_and_one_that_was_there_before_stays() {
    let ze = device("ze@pgr.example");
    let leaf = |validity: Validity| {
        let key = key(ze.as_str());
        let chain = network().certify_for(&ze, &key, validity);
        let leaf = leaf_of(&ze, 3);
        LeafInfo { leaf_hash: hash(&chain, &key, 3), chain, signature_key: key.public(), ..leaf }
    };
    let with = |leaf: LeafInfo| {
        renewed("ana@fge.example").alter(|s| _ = s.after.members.insert(ze.clone(), leaf)).judge()
    };
    let year = Validity::starting(NOW.minus(DAY), DAY * 365);
    assert!(with(leaf(year)).is_ok());
    let past = Validity::starting(NOW.minus(DAY * 20), DAY * 10);
    assert_eq!(with(leaf(past)), Err(Rule::Certificate));
    let mut anothers = leaf(year);
    anothers.chain = network().certify(&device("eva@fge.example"), &key(ze.as_str()));
    assert_eq!(with(anothers), Err(Rule::Certificate));

    let mut before = state();
    before.members.insert(ze.clone(), leaf(past));
    let kept = Draft::on(before, "ana@fge.example", FoundingReason::Renewal);
    assert_eq!(kept.judge().err(), None, "expired since it came");
}

#[test]
fn nobody_gets_another_key() {
    for address in ["ze@pgr.example", "luis@fge.example", "ana@fge.example"] {
        let device = device(address);
        let key = key("a spy's");
        let chain = network().certify(&device, &key);
        let leaf = LeafInfo {
            leaf_hash: hash(&chain, &key, 3),
            chain,
            signature_key: key.public(),
            ..leaf_of(&device, 3)
        };
        let founded = poisoned("rui@pgr.example")
            .alter(|s| _ = s.after.members.insert(device.clone(), leaf.clone()));
        assert_eq!(founded.judge(), Err(Rule::FoundingMembers), "{address}");
        let kept = poisoned("rui@pgr.example").alter(|s| {
            let leaf = s.after.members.get_mut(&device).unwrap();
            leaf.signature_key = key.public();
        });
        assert_eq!(kept.judge(), Err(Rule::FoundingMembers), "{address}");
    }
}

#[test]
fn the_policy_stays_what_it_was() {
    let title = |s: &mut Successor| {
        s.after.policy = s.after.policy.edit().unwrap().title("Another").finish().unwrap();
    };
    assert_eq!(renewed("ana@fge.example").alter(title).judge(), Err(Rule::FoundingPolicy));
    let role = |s: &mut Successor| {
        let eva = officer("eva@fge.example");
        s.after.policy = s.after.policy.set_role(&eva, Role::Lead).unwrap();
    };
    assert_eq!(renewed("ana@fge.example").alter(role).judge(), Err(Rule::FoundingPolicy));
    let twice = |s: &mut Successor| {
        let founding = s.after.policy.founding().unwrap().clone();
        s.after.policy = s.after.policy.succeed(founding).unwrap();
    };
    assert_eq!(renewed("ana@fge.example").alter(twice).judge(), Err(Rule::FoundingPolicy));
    let same = |s: &mut Successor| s.after.policy = s.before.policy.clone();
    assert_eq!(renewed("ana@fge.example").alter(same).judge(), Err(Rule::FoundingPolicy));
}

#[test]
fn after_a_move_the_next_group_names_the_present_hub() {
    let pgr: Domain = "pgr.example".parse().unwrap();
    let moved = || renewed("ana@fge.example").alter(|s| s.hub = pgr.clone());
    assert_eq!(moved().judge(), Err(Rule::FoundingPolicy));
    let recorded = moved().alter(|s| {
        let present = s.before.policy.at_hub(&pgr).unwrap();
        s.after.policy = present.succeed(s.after.policy.founding().unwrap().clone()).unwrap();
    });
    assert!(recorded.judge().is_ok());
}

#[test]
fn it_follows_on_the_present_group() {
    let moved_on = |s: &mut Successor| s.last_valid = Some(LAST_VALID.next());
    assert_eq!(renewed("ana@fge.example").alter(moved_on).judge(), Err(Rule::FoundingPlace));
    assert!(poisoned("ana@fge.example").alter(moved_on).judge().is_ok(), "who had moved on comes");
    let ahead = |s: &mut Successor| s.last_valid = Some(Seq(LAST_VALID.0 - 1));
    assert_eq!(poisoned("ana@fge.example").alter(ahead).judge(), Err(Rule::FoundingPlace));
    let unlike = |s: &mut Successor| s.predecessor = Some(Seq(LAST_VALID.0 - 1));
    assert_eq!(poisoned("ana@fge.example").alter(unlike).judge(), Err(Rule::FoundingPlace));
}

#[test]
fn no_commit_rewrites_why_a_group_began() {
    let forged = by("ana@fge.example").edit(|edit| {
        let reason = FoundingReason::Poisoned;
        edit.succeed(Founding::of_all(LAST_VALID, reason))
    });
    assert_eq!(forged.judge(), Err(Rule::PolicyFixed));
}

/// A third authority in the channel, whose lead is Bo.
fn three() -> State {
    let mut three = state();
    let bo = officer("bo@mj.example");
    three.policy = three.policy.admit(&bo, Role::Lead).unwrap();
    three.members.insert(device("bo@mj.example"), leaf_of(&device("bo@mj.example"), 0));
    three
}

fn consent(lead: &str, authority: &str, before: &State) -> Consented {
    let subject = Subject::Expulsion(authority.parse().unwrap());
    Consented::by(lead, subject, before.policy.authorities_version())
}

/// `founder` puts `authority` out of the channel of [`three`].
fn expelled(founder: &str, authority: &str, consents: &[Consented]) -> Result<Vec<Act>, Rule> {
    let before = three();
    let authority: Domain = authority.parse().unwrap();
    let consents = consents.iter().map(|consent| consent.entry().encode()).collect();
    let expulsion = Some(Expulsion { authority: authority.clone(), consents });
    let mut draft = Draft::on(before.clone(), founder, FoundingReason::Renewal);
    let reason = FoundingReason::Expulsion;
    let founding = Founding { predecessor: LAST_VALID, reason, expulsion };
    draft.0.after.policy = before.policy.succeed(founding).unwrap();
    draft.0.after.members.retain(|device, _| *device.domain() != authority);
    draft.judge()
}

#[test]
fn an_authority_is_put_out_by_the_owner_and_a_majority_of_the_others() {
    let before = three();
    let rui = || consent("rui@pgr.example", "mj.example", &before);
    let act =
        vec![Act::Founded(FoundingReason::Expulsion), Act::Expelled("mj.example".parse().unwrap())];
    assert_eq!(expelled("ana@fge.example", "mj.example", &[rui()]), Ok(act));
    let short = Err(Rule::FoundingExpulsion);
    assert_eq!(expelled("ana@fge.example", "mj.example", &[]), short);
    let own = consent("luis@fge.example", "mj.example", &before);
    assert_eq!(expelled("ana@fge.example", "mj.example", &[own]), short);
    let theirs = consent("bo@mj.example", "mj.example", &before);
    assert_eq!(expelled("ana@fge.example", "mj.example", &[theirs]), short);
    let twice = [rui(), rui()];
    assert_eq!(expelled("ana@fge.example", "mj.example", &twice), short);
    let other = consent("rui@pgr.example", "fge.example", &before);
    assert_eq!(expelled("ana@fge.example", "mj.example", &[other]), short);
    let members = consent("ze@pgr.example", "mj.example", &before);
    assert_eq!(expelled("ana@fge.example", "mj.example", &[members]), Err(Rule::Evidence));
    let old = rui().with(|c| c.statement.authorities_version -= 1);
    assert_eq!(expelled("ana@fge.example", "mj.example", &[old]), Err(Rule::Evidence));
    for founder in ["rui@pgr.example", "luis@fge.example"] {
        assert_eq!(expelled(founder, "mj.example", &[rui()]), Err(Rule::Founder), "{founder}");
    }
    let against_owner = [consent("rui@pgr.example", "fge.example", &before)];
    assert!(expelled("ana@fge.example", "fge.example", &against_owner).is_err());
}

#[test]
fn of_two_authorities_none_puts_the_other_out() {
    let mut draft = renewed("ana@fge.example");
    let authority: Domain = "pgr.example".parse().unwrap();
    let expulsion = Some(Expulsion { authority: authority.clone(), consents: Vec::new() });
    let reason = FoundingReason::Expulsion;
    let founding = Founding { predecessor: LAST_VALID, reason, expulsion };
    draft.0.after.policy = draft.0.before.policy.succeed(founding).unwrap();
    draft.0.after.members.retain(|device, _| *device.domain() != authority);
    assert_eq!(draft.judge(), Err(Rule::FoundingExpulsion));
}

#[test]
fn an_expulsion_takes_along_all_others_and_nobody_of_whom_it_expels() {
    let before = three();
    let consents = vec![consent("rui@pgr.example", "mj.example", &before).entry().encode()];
    let expulsion = Some(Expulsion { authority: "mj.example".parse().unwrap(), consents });
    let reason = FoundingReason::Expulsion;
    let founding = Founding { predecessor: LAST_VALID, reason, expulsion };
    let drafted = || {
        let mut draft = Draft::on(before.clone(), "ana@fge.example", FoundingReason::Renewal);
        draft.0.after.policy = before.policy.succeed(founding.clone()).unwrap();
        draft
    };
    assert_eq!(drafted().judge(), Err(Rule::FoundingMembers), "Bo is still there");
    let mut more = drafted();
    let (bo, ze) = (device("bo@mj.example"), device("ze@pgr.example"));
    more.0.after.members.retain(|device, _| *device != bo && *device != ze);
    assert_eq!(more.judge(), Err(Rule::FoundingMembers), "Ze is not");
}

#[test]
fn whom_an_expulsion_finds_suspended_does_not_bring_the_authority_back() {
    let mut before = three();
    let pia = device("pia@mj.example");
    let mj: Domain = "mj.example".parse().unwrap();
    let entry = SuspendedDevice { role: Some(Role::Lead), until: NOW };
    let edit = before.policy.edit().unwrap().suspended([(pia, entry)].into()).hold(&mj, true);
    before.policy = edit.suspension_serial(&mj, 5).finish().unwrap();
    let consents = vec![consent("rui@pgr.example", "mj.example", &before).entry().encode()];
    let expulsion = Some(Expulsion { authority: mj.clone(), consents });
    let reason = FoundingReason::Expulsion;
    let founding = Founding { predecessor: LAST_VALID, reason, expulsion };
    let mut draft = Draft::on(before.clone(), "ana@fge.example", FoundingReason::Renewal);
    draft.0.after.policy = before.policy.succeed(founding).unwrap();
    draft.0.after.members.retain(|device, _| *device.domain() != mj);
    let after = draft.0.after.clone();

    let kept = Draft(draft.0.clone()).alter(|s| {
        let edit = s.after.policy.edit().unwrap().suspended(before.policy.suspended().clone());
        s.after.policy = edit.finish().unwrap();
    });
    assert_eq!(kept.judge(), Err(Rule::FoundingPolicy));
    assert!(draft.judge().is_ok());
    assert_eq!(after.policy.suspension_serial(&mj), 5, "no older statement counts again");
    assert!(after.policy.holds().is_empty(), "nobody is left who could lift it");
    let back = scene::Draft::on(after, "oto@fge.example").admit("pia@mj.example", Role::Lead);
    assert_eq!(back.judge(), Err(Rule::AdmitAuthority));
}
