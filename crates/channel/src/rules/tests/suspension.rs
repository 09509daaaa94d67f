//! A suspended device: anybody may remove it, with the statement as evidence, and let it in again
//! when that is lifted or over.

use std::collections::BTreeMap;

use enlace_identity::suspension::SignedSuspensions;
use enlace_identity::time::Timestamp;
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use super::super::welcome::judge_joined;
use super::super::{Act, Removal, Rule, State};
use super::scene::{DAY, Draft, NOW, by, check, device, network, officer, state};
use crate::policy::Role;

const ZE: &str = "ze@pgr.example";

fn evidence(address: &str, statement: &SignedSuspensions) -> Vec<u8> {
    let (device, statement) = (device(address).to_string(), statement.encode());
    let evidence = wire::SuspensionEvidence { device, statement };
    let evidence = Some(wire::evidence::Evidence::Suspension(evidence));
    wire::Evidence { evidence }.encode_to_vec()
}

fn statement(serial: u64, names: &[&str]) -> SignedSuspensions {
    network().suspend("pgr.example", serial, NOW, names)
}

/// Records in the policy what the rules want to see there.
fn recorded(draft: Draft, serial: Option<u64>, until: &[(&str, Timestamp)]) -> Draft {
    let Draft(change) = &draft;
    let until: BTreeMap<_, _> = until.iter().map(|(who, until)| (device(who), *until)).collect();
    let removed = change.removed.iter().map(|d| (d.clone(), until.get(d).copied())).collect();
    let entries = change.before.policy.suspended_after(&change.after.policy, &removed, None);
    let domain = "pgr.example".parse().unwrap();
    draft.edit(|edit| {
        let edit = edit.suspended(entries);
        serial.map_or(edit.clone(), |serial| edit.suspension_serial(&domain, serial))
    })
}

fn suspension(before: State, author: &str, who: &str, serial: u64) -> Draft {
    let draft = Draft::on(before, author).remove(who);
    let draft = draft.evidence(evidence(who, &statement(serial, &[who])));
    recorded(draft, Some(serial), &[(who, NOW.plus(DAY * 7))])
}

/// The channel without Ze, whom statement 5 suspended.
fn without_ze() -> State {
    suspension(state(), "oto@fge.example", ZE, 5).apply()
}

fn return_of(author: &str, role: Role) -> Draft {
    recorded(Draft::on(without_ze(), author).admit(ZE, role), None, &[])
}

fn lifted(author: &str, statement: &SignedSuspensions, serial: u64) -> Draft {
    let draft = Draft::on(without_ze(), author).admit(ZE, Role::Member);
    recorded(draft.evidence(evidence(ZE, statement)), Some(serial), &[])
}

#[test]
fn anybody_removes_the_suspended() {
    let carry_out = |author| suspension(state(), author, ZE, 5);
    check(
        vec![
            ("owner", carry_out("ana@fge.example")),
            ("an observer", carry_out("oto@fge.example")),
            ("its own lead", carry_out("rui@pgr.example")),
            ("a lead", suspension(state(), "oto@fge.example", "rui@pgr.example", 5)),
        ],
        vec![
            ("and more", Rule::RemoveSovereign, {
                let draft = carry_out("oto@fge.example").remove("rui@pgr.example");
                recorded(draft, Some(5), &[(ZE, NOW.plus(DAY * 7))])
            }),
            ("without recording the serial", Rule::Suspension, {
                let draft = by("oto@fge.example").remove(ZE);
                let draft = draft.evidence(evidence(ZE, &statement(5, &[ZE])));
                recorded(draft, None, &[(ZE, NOW.plus(DAY * 7))])
            }),
            ("without recording whom", Rule::Suspension, {
                let draft = by("oto@fge.example").remove(ZE);
                let draft = draft.evidence(evidence(ZE, &statement(5, &[ZE])));
                recorded(draft, Some(5), &[])
            }),
            ("with another serial than the statement's", Rule::Suspension, {
                let draft = by("oto@fge.example").remove(ZE);
                let draft = draft.evidence(evidence(ZE, &statement(5, &[ZE])));
                recorded(draft, Some(6), &[(ZE, NOW.plus(DAY * 7))])
            }),
            ("a serial out of nothing", Rule::Suspension, {
                recorded(by("rui@pgr.example"), Some(6), &[])
            }),
        ],
    );
    let acts = suspension(state(), "oto@fge.example", ZE, 5).judge().unwrap();
    let (officer, device) = (officer(ZE), device(ZE));
    assert_eq!(acts, [Act::Removed { officer, device, because: Removal::Suspended }]);
}

#[test]
fn a_statement_that_does_not_hold_voids() {
    let with = |evidence: Vec<u8>| {
        let draft = by("eva@fge.example").remove(ZE).evidence(evidence);
        recorded(draft, Some(5), &[(ZE, NOW.plus(DAY * 7))])
    };
    let good = evidence(ZE, &statement(5, &[ZE]));
    let mut forged = good.clone();
    let end = forged.len() - 1;
    forged[end] ^= 1;
    let others = network().suspend("fge.example", 5, NOW, &["eva@fge.example"]);
    let ended = network().suspend("pgr.example", 5, NOW.minus(DAY * 8), &[ZE]);
    let ahead = network().suspend("pgr.example", 5, NOW.plus(DAY), &[ZE]);
    let twice = with(good.clone()).evidence(good.clone());
    let two = {
        let more = evidence("rui@pgr.example", &statement(6, &["rui@pgr.example"]));
        let draft = with(good.clone()).remove("rui@pgr.example").evidence(more);
        let end = NOW.plus(DAY * 7);
        recorded(draft, Some(6), &[(ZE, end), ("rui@pgr.example", end)])
    };
    let void = vec![
        ("forged", with(forged)),
        ("of another authority", with(evidence(ZE, &others))),
        ("ended", with(evidence(ZE, &ended))),
        ("from the future", with(evidence(ZE, &ahead))),
        ("of somebody else", with(evidence(ZE, &statement(5, &["rui@pgr.example"])))),
        ("twice", twice),
        ("two statements of one authority", two),
        ("for nobody who goes", recorded(by("eva@fge.example").evidence(good), Some(5), &[])),
    ];
    check(vec![], void.into_iter().map(|(name, draft)| (name, Rule::Evidence, draft)).collect());
}

#[test]
fn an_older_statement_is_not_replayed() {
    let back = lifted("oto@fge.example", &statement(6, &[]), 6).apply();
    let replayed = suspension(back.clone(), "oto@fge.example", ZE, 5);
    assert_eq!(replayed.judge(), Err(Rule::Evidence));
    suspension(back, "oto@fge.example", ZE, 7).apply();
}

#[test]
fn anybody_lets_the_lifted_in_again_as_what_they_were() {
    let six = statement(6, &["rui@pgr.example"]);
    let later = |draft: Draft, days| draft.received_at(NOW.plus(DAY * days));
    check(
        vec![
            ("an observer", lifted("oto@fge.example", &six, 6)),
            ("when it has ended", later(return_of("oto@fge.example", Role::Member), 7)),
            ("its lead, at any time", return_of("rui@pgr.example", Role::Member)),
            ("its lead, as something else", return_of("rui@pgr.example", Role::Observer)),
        ],
        vec![
            ("before it has ended", Rule::AdmitSovereign, {
                return_of("oto@fge.example", Role::Member)
            }),
            ("as more", Rule::AdmitSovereign, later(return_of("oto@fge.example", Role::Lead), 7)),
            ("by the same statement", Rule::Evidence, {
                lifted("oto@fge.example", &statement(5, &[ZE]), 5)
            }),
            ("by an older one", Rule::Evidence, lifted("oto@fge.example", &statement(4, &[]), 4)),
            ("by another authority's", Rule::Evidence, {
                lifted("oto@fge.example", &network().suspend("fge.example", 9, NOW, &[]), 9)
            }),
            ("a stranger", Rule::Evidence, {
                let draft = Draft::on(without_ze(), "oto@fge.example");
                let draft = draft.admit("new@pgr.example", Role::Member);
                let draft = draft.evidence(evidence("new@pgr.example", &statement(6, &[])));
                recorded(draft, Some(6), &[])
            }),
        ],
    );
    let acts = lifted("oto@fge.example", &six, 6).judge().unwrap();
    let (officer, device) = (officer(ZE), device(ZE));
    assert_eq!(acts, [Act::Returned { officer, device, role: Role::Member }]);
}

#[test]
fn a_newer_statement_that_is_over_lifts() {
    let both = ["rui@pgr.example", ZE];
    let shorter = |serial| network().suspend_for(DAY, "pgr.example", serial, NOW, &both);
    let on = |days, draft: Draft| draft.received_at(NOW.plus(DAY * days));
    let by_shorter = || lifted("oto@fge.example", &shorter(6), 6);
    let mut forged = shorter(6).encode();
    let end = forged.len() - 1;
    forged[end] ^= 1;
    let with = |evidence: Vec<u8>| {
        let draft = Draft::on(without_ze(), "oto@fge.example").admit(ZE, Role::Member);
        on(1, recorded(draft.evidence(evidence), Some(6), &[]))
    };
    let serial_kept = {
        let draft = Draft::on(without_ze(), "oto@fge.example").admit(ZE, Role::Member);
        recorded(draft.evidence(evidence(ZE, &shorter(6))), None, &[])
    };
    let removal = |days| {
        on(days, {
            let draft = by("oto@fge.example").remove(ZE);
            let draft = draft.evidence(evidence(ZE, &shorter(6)));
            recorded(draft, Some(6), &[(ZE, NOW.plus(DAY))])
        })
    };
    check(
        vec![("at its end", on(1, by_shorter())), ("and later", on(6, by_shorter()))],
        vec![
            ("before its end", Rule::Evidence, {
                by_shorter().received_at(Timestamp::from_millis(NOW.plus(DAY).as_millis() - 1))
            }),
            ("an older one", Rule::Evidence, { on(1, lifted("oto@fge.example", &shorter(4), 4)) }),
            ("forged", Rule::Evidence, with(forged)),
            ("another authority's", Rule::Evidence, {
                let others =
                    network().suspend_for(DAY, "fge.example", 6, NOW, &["eva@fge.example"]);
                with(evidence(ZE, &others))
            }),
            ("as more", Rule::AdmitSovereign, {
                let draft = Draft::on(without_ze(), "oto@fge.example").admit(ZE, Role::Lead);
                let draft = draft.evidence(evidence(ZE, &shorter(6)));
                on(1, recorded(draft, Some(6), &[]))
            }),
            ("when nobody vouches for its signer any more", Rule::Evidence, on(300, by_shorter())),
            ("without recording its serial", Rule::Suspension, on(1, serial_kept)),
            ("whom it would take out", Rule::Evidence, removal(1)),
        ],
    );
    removal(0).apply();
    // Who came back by it does not go again by the one before.
    let back = on(1, by_shorter()).apply();
    let replayed = on(1, suspension(back, "oto@fge.example", ZE, 5));
    assert_eq!(replayed.judge(), Err(Rule::Evidence));
}

#[test]
fn who_came_back_and_is_removed_by_hand_stays_out() {
    let back = lifted("oto@fge.example", &statement(6, &[]), 6).apply();
    let removed = Draft::on(back, "rui@pgr.example").remove(ZE);
    let kept = removed.0.before.policy.suspended().clone();
    let with_entry = Draft(removed.0.clone()).edit(|edit| edit.suspended(kept));
    assert_eq!(with_entry.judge(), Err(Rule::Suspension));
    let out = recorded(removed, None, &[]).apply();
    assert!(out.policy.suspended().is_empty());
    let again = Draft::on(out, "oto@fge.example").admit(ZE, Role::Member);
    let again = again.received_at(NOW.plus(DAY * 30));
    assert_eq!(again.judge(), Err(Rule::AdmitSovereign));
}

#[test]
fn a_lead_strikes_its_own_out_and_nobody_else_does() {
    let strike = |author| Draft::on(without_ze(), author).edit(|e| e.suspended(BTreeMap::new()));
    check(
        vec![("a lead of the authority", strike("rui@pgr.example"))],
        vec![
            ("the owner", Rule::Suspension, strike("ana@fge.example")),
            ("an observer", Rule::Suspension, strike("oto@fge.example")),
        ],
    );
}

#[test]
fn a_suspended_owner_comes_back_as_a_lead_where_somebody_succeeded() {
    let ana = "ana@fge.example";
    let statement = network().suspend("fge.example", 5, NOW, &[ana]);
    let end = NOW.plus(DAY * 7);
    let fge = "fge.example".parse().unwrap();
    let suspend = |before: State, heir: Option<&str>| {
        let mut draft = Draft::on(before, "rui@pgr.example").remove(ana);
        if let Some(heir) = heir {
            draft = draft.role(heir, Role::Owner);
        }
        let draft = draft.evidence(evidence(ana, &statement));
        recorded(draft, None, &[(ana, end)]).edit(|edit| edit.suspension_serial(&fge, 5))
    };
    let back = |before: State, role| {
        let draft = Draft::on(before, "oto@fge.example").admit(ana, role);
        recorded(draft, None, &[]).received_at(end)
    };
    let succeeded = suspend(state(), Some("luis@fge.example")).apply();
    back(succeeded.clone(), Role::Lead).apply();
    assert_eq!(back(succeeded, Role::Owner).judge(), Err(Rule::AdmitSovereign));

    let alone = by(ana).role("luis@fge.example", Role::Member).apply();
    let orphaned = suspend(alone, None).apply();
    assert_eq!(orphaned.policy.owners().count(), 0);
    let restored = back(orphaned.clone(), Role::Owner).apply();
    assert_eq!(restored.policy.owners().collect::<Vec<_>>(), [&officer(ana)]);

    // Rui is appointed meanwhile, and goes: nobody owns the channel.
    let rui = "rui@pgr.example";
    let appoint = || Draft::on(orphaned.clone(), rui).edit(|e| e.appointed_owner(&officer(rui)));
    assert_eq!(appoint().judge(), Err(Rule::Suspension), "as the owner still");
    let appointed = recorded(appoint(), None, &[]).apply();
    let gone = Draft::on(appointed.clone(), "oto@fge.example").remove(rui);
    let gone = recorded(gone.evidence(revocation(&appointed, rui)), None, &[]).apply();
    assert_eq!(gone.policy.owners().count(), 0);
    assert_eq!(back(gone.clone(), Role::Owner).judge(), Err(Rule::AdmitSovereign));
    back(gone, Role::Lead).apply();
}

/// Evidence that the certificate of one of pgr.example is withdrawn.
fn revocation(state: &State, who: &str) -> Vec<u8> {
    let list = network().withdraw("pgr.example", &state.members[&device(who)]).to_bytes();
    let revocation = wire::RevocationEvidence { device: device(who).to_string(), list };
    let evidence = Some(wire::evidence::Evidence::Revocation(revocation));
    wire::Evidence { evidence }.encode_to_vec()
}

/// Rui, the last one of an authority of which Ze is suspended, goes for `evidence`.
fn last_one_goes(evidence: Vec<u8>, serial: Option<u64>, until: &[(&str, Timestamp)]) -> Draft {
    let draft = Draft::on(without_ze(), "oto@fge.example").remove("rui@pgr.example");
    recorded(draft.evidence(evidence), serial, until)
}

#[test]
fn the_suspended_of_an_authority_that_is_out_stay_out() {
    let rui = "rui@pgr.example";
    let revoked = || last_one_goes(revocation(&without_ze(), rui), None, &[]);
    let kept = revoked().edit(|edit| edit.suspended(without_ze().policy.suspended().clone()));
    assert_eq!(kept.judge(), Err(Rule::Suspension));
    let out = revoked().apply();
    assert!(out.policy.suspended().is_empty());
    let back = Draft::on(out, "oto@fge.example").admit(ZE, Role::Member);
    assert_eq!(back.received_at(NOW.plus(DAY * 7)).judge(), Err(Rule::AdmitAuthority));
}

#[test]
fn an_authority_all_of_which_is_suspended_comes_back() {
    let (rui, end) = ("rui@pgr.example", NOW.plus(DAY * 7));
    let suspended = evidence(rui, &statement(6, &[rui, ZE]));
    let out = last_one_goes(suspended, Some(6), &[(rui, end)]).apply();
    assert_eq!(out.policy.suspended().len(), 2);
    let back = |who, role| {
        let draft = Draft::on(out.clone(), "oto@fge.example").admit(who, role);
        recorded(draft, None, &[]).received_at(end)
    };
    back(rui, Role::Lead).apply();
    back(ZE, Role::Member).apply();
    // The network has dropped it meanwhile.
    let none = BTreeMap::new();
    let under = |bundle| out.policy.suspended_after(&out.policy, &none, Some(bundle)).len();
    assert_eq!(under(&network().bundle), 2);
    assert_eq!(under(&super::scene::Network::new(&["fge.example", "mj.example"]).bundle), 0);
}

#[test]
fn a_joiner_sees_that_it_was_suspended() {
    let back = lifted("oto@fge.example", &statement(6, &[]), 6).apply();
    let join = |state: &State, signer: &str| {
        judge_joined(&network().bundle, state, (&device(signer), false), &device(ZE), NOW)
    };
    assert!(join(&back, "oto@fge.example").is_ok());
    assert!(join(&state(), "oto@fge.example").is_err());
}
