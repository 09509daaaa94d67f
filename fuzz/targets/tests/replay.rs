//! Every input of the corpora, and seeded mutations of them, on stable Rust: what the fuzzer found
//! once stays found.

#![allow(clippy::unwrap_used)]

mod corpus;
mod random;

use enlace_fuzz_targets::{Outcome, TARGETS, Target};

use crate::random::Random;

/// One test for each target.
macro_rules! replay {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

replay!(
    bundles certificate_requests certificates channel_operations client_inbound controls crls
    endpoints entries forks frames heads hub_operations items key_files key_packages list_changes
    mls_messages names policies profile_files registries relay_config requests responses
    subscriptions suspensions welcomes
);

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let inputs = corpus::of(name);
    let outcomes: Vec<Outcome> =
        inputs.iter().map(|(file, input)| run(target, file, input)).collect();
    assert!(
        outcomes.contains(&Outcome::Read),
        "nothing in fuzz/corpus/{name} can be read any more: make the seeds anew \
         (cargo run -p enlace-fuzz-targets --example seeds)"
    );
    for ((file, _), outcome) in inputs.iter().zip(&outcomes) {
        let is_good = file.starts_with("seed-") && !file.starts_with("seed-altered");
        assert!(!is_good || *outcome == Outcome::Read, "{name}: {file} is refused");
    }
    let mut random = Random::seeded(name);
    for round in 0..target.mutations {
        let (file, input) = &inputs[random.below(inputs.len())];
        let (_, other) = &inputs[random.below(inputs.len())];
        run(target, &format!("{file}, mutation {round}"), &random.mutate(input, other));
    }
}

/// Says which input it was that broke a promise.
fn run(target: &Target, input: &str, bytes: &[u8]) -> Outcome {
    let told = Told { target: target.name, input };
    let outcome = (target.run)(bytes);
    drop(told);
    outcome
}

struct Told<'a> {
    target: &'a str,
    input: &'a str,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: {}", self.target, self.input);
        }
    }
}
