//! A seed is the whole of a run.

use enlace_simulation::plan::{Edition, Plan};
use enlace_simulation::run::{play, run};

#[test]
fn in_a_quiet_network_two_notes_arrive() {
    let outcome = play(1, &Plan::quiet(), false);
    assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
    // Both officers write once more in the end.
    assert_eq!((outcome.operations, outcome.notes), (4, 4));
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [3, 8, 21] {
        let (one, other) = (run(seed, Edition::NEWEST, true), run(seed, Edition::NEWEST, true));
        assert!(one.violations.is_empty(), "{:?}", one.violations);
        for (one, other) in one.lines.iter().zip(&other.lines) {
            assert_eq!(one.to_string(), other.to_string(), "seed {seed}");
        }
        assert_eq!(one.hash, other.hash, "seed {seed}");
    }
}

#[test]
fn another_seed_gives_another_trace() {
    assert_ne!(run(5, Edition::NEWEST, false).hash, run(6, Edition::NEWEST, false).hash);
}
