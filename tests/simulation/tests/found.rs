//! Seeds at which something broke once (docs/RELIABILITY.md, "What was found") and that no smaller
//! test repeats, or whose story takes a whole network. Each with the edition of its plan.

use enlace_simulation::plan::Edition;
use enlace_simulation::run::run;

const FOUND: &[(Edition, u64)] = &[
    (Edition(0), 2520),
    (Edition(0), 2821),
    (Edition(0), 20027),
    (Edition(0), 20047),
    (Edition(0), 20549),
    (Edition(0), 40394),
    (Edition(0), 40553),
    (Edition(0), 70544),
    (Edition(0), 72219),
    (Edition(0), 80363),
    (Edition(0), 82641),
    (Edition(0), 82690),
    (Edition(0), 90811),
    (Edition(0), 90891),
    (Edition(9), 41),
    (Edition(11), 446),
    (Edition(14), 192),
    (Edition(14), 213),
    (Edition(14), 1178),
    (Edition(14), 1900),
    (Edition(15), 287),
    (Edition(15), 309),
    (Edition(16), 1),
];

#[test]
fn what_broke_once_holds() {
    for (edition, seed) in FOUND {
        let outcome = run(*seed, *edition, false);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:?}", outcome.violations);
    }
}
