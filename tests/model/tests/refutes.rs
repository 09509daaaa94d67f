//! The protocol without one of its mechanisms: the search finds what that one is there for.

use enlace_model::bounds::Bounds;
use enlace_model::claims;
use enlace_model::network::Network;
use enlace_model::rules::{NewIncarnation, Refill, Rules, Unsure};
use stateright::{Checker, HasDiscoveries, Model};

const PROTOCOL: Rules = Rules::PROTOCOL;

/// Some state breaks one of the claims, and of these the first found is `claim`.
#[track_caller]
fn assert_refuted(rules: Rules, bounds: Bounds, claim: &'static str) {
    let only = HasDiscoveries::AnyOf([claim].into());
    let checker = Network { rules, bounds }.checker().finish_when(only).spawn_bfs().join();
    assert!(checker.discovery(claim).is_some(), "nothing breaks that {claim}");
}

#[test]
fn without_the_fence_an_acknowledged_entry_cannot_be_read() {
    let rules = Rules { fence: false, ..PROTOCOL };
    assert_refuted(rules, Bounds::RACES, claims::COUNTS);
}

#[test]
fn a_fence_by_number_alone_takes_what_was_made_for_a_lost_commit() {
    let rules = Rules { incarnation: false, ..PROTOCOL };
    assert_refuted(rules, Bounds::LARGE_RECOVERY, claims::COUNTS);
}

#[test]
fn a_verdict_that_looks_at_leases_splits_the_members() {
    let rules = Rules { pure_verdict: false, ..PROTOCOL };
    assert_refuted(rules, Bounds::RACES, claims::ONE_GROUP);
}

#[test]
fn without_the_idempotency_key_an_item_stands_twice() {
    let rules = Rules { once: false, ..PROTOCOL };
    assert_refuted(rules, Bounds::RACES, claims::ONCE);
}

#[test]
fn without_objections_a_void_commit_shuts_members_out() {
    let rules = Rules { contest: false, ..PROTOCOL };
    assert_refuted(rules, Bounds::MALICE, claims::QUIET);
}

#[test]
fn objections_that_need_the_fence_shut_out_whoever_cannot_know_it() {
    let rules = Rules { contest_without_fence: false, ..PROTOCOL };
    assert_refuted(rules, Bounds::MALICE, claims::QUIET);
}

#[test]
fn a_hub_that_sequences_before_it_has_recovered_signs_two_logs() {
    let rules = Rules { read_only: false, ..PROTOCOL };
    assert_refuted(rules, Bounds::LARGE_RECOVERY, claims::NO_FALSE_ALARM);
}

#[test]
fn a_copy_that_looks_clean_makes_a_trusting_hub_sign_two_logs() {
    let rules = Rules { unsure: Unsure::WhenUncleanOrShown, ..PROTOCOL };
    assert_refuted(rules, Bounds::LARGE_RECOVERY, claims::NO_FALSE_ALARM);
}

#[test]
fn a_hub_that_believes_everybody_that_nobody_has_more_can_be_framed() {
    let rules = Rules { always_anew: false, ..PROTOCOL };
    assert_refuted(rules, Bounds::LARGE_RECOVERY, claims::NO_FALSE_ALARM);
}

#[test]
fn without_a_new_incarnation_what_is_lost_accuses_the_hub() {
    let rules = Rules { new_incarnation: NewIncarnation::Same, ..PROTOCOL };
    assert_refuted(rules, Bounds::LARGE_RECOVERY, claims::NO_FALSE_ALARM);
}

#[test]
fn an_incarnation_that_counts_from_the_copy_comes_twice() {
    let rules = Rules { new_incarnation: NewIncarnation::Next, ..PROTOCOL };
    assert_refuted(rules, Bounds::LARGE_RECOVERY, claims::NO_FALSE_ALARM);
}

#[test]
fn two_restores_can_part_a_reader_from_the_log_before_the_newest_statement() {
    let rules = Rules { back_to_common: false, ..PROTOCOL };
    assert_refuted(rules, Bounds::LARGE_RECOVERY, claims::QUIET);
}

#[test]
fn without_refilling_what_was_acknowledged_is_lost() {
    let rules = Rules { refill: Refill::Never, ..PROTOCOL };
    assert_refuted(rules, Bounds::LARGE_RECOVERY, claims::NOTHING_LOST);
}

#[test]
fn followers_alone_may_lack_what_a_member_has() {
    let rules = Rules { refill: Refill::FromFollowers, ..PROTOCOL };
    assert_refuted(rules, Bounds::LARGE_RECOVERY, claims::NOTHING_LOST);
}

#[test]
fn the_longest_log_is_not_the_newest() {
    let rules = Rules { by_incarnation: false, ..PROTOCOL };
    assert_refuted(rules, Bounds::LARGE_RECOVERY, claims::NOTHING_LOST);
}
