//! The protocol as it is: every claim holds in every state, and what is to be reachable is.

use enlace_model::bounds::Bounds;
use enlace_model::network::Network;
use enlace_model::rules::Rules;
use stateright::{Checker, Model};

fn assert_holds(network: Network) {
    network.checker().spawn_bfs().join().assert_properties();
}

#[test]
fn members_who_race() {
    assert_holds(Network::new(Bounds::RACES));
}

#[test]
fn members_who_race_without_leases() {
    // Leases are the hub's manners: nothing depends on them.
    assert_holds(Network {
        rules: Rules { lease: false, ..Rules::PROTOCOL },
        bounds: Bounds::RACES,
    });
}

#[test]
fn void_commits_and_objections() {
    assert_holds(Network::new(Bounds::MALICE));
}

#[test]
fn a_removed_member_who_objects() {
    assert_holds(Network::new(Bounds::REMOVAL));
}

#[test]
fn a_hub_that_is_restored_twice() {
    assert_holds(Network::new(Bounds::RECOVERY));
}

#[test]
fn a_hub_that_goes_on_when_nobody_who_is_honest_has_more() {
    let rules = Rules { always_anew: false, ..Rules::PROTOCOL };
    let bounds = Bounds { withheld: false, ..Bounds::RECOVERY };
    assert_holds(Network { rules, bounds });
}
