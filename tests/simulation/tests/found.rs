//! Seeds at which something broke once (docs/RELIABILITY.md, "What was found") and that no smaller
//! test repeats, or whose story takes a whole network.

use enlace_simulation::run::run;

#[test]
fn what_broke_once_holds() {
    for seed in [
        2520, 2821, 20027, 20047, 20549, 40394, 40553, 70544, 72219, 80363, 82641, 82690, 90811,
        90891,
    ] {
        let outcome = run(seed, false);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:?}", outcome.violations);
    }
}
