//! What a decoder allocates is bounded by its input's length, whatever that claims.

#![allow(clippy::unwrap_used)]

mod corpus;
mod random;

use enlace_fuzz_targets::{TARGETS, Target};
use peak_alloc::PeakAlloc;

use crate::random::Random;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// For what a target does beside reading: certificates to compare with, hashes, messages of errors.
const ANYHOW: usize = 512 << 10;

/// A text of one byte becomes a string in a list, for instance.
const PER_BYTE: usize = 128;

const MUTATIONS: usize = 300;

/// The only test of its process: others would be counted too.
#[test]
fn a_decoder_takes_memory_in_proportion_to_its_input() {
    for target in TARGETS.iter().filter(|target| target.only_reads) {
        let inputs = corpus::of(target.name);
        for (file, input) in &inputs {
            expect_bounded(target, file, input);
        }
        let mut random = Random::seeded(target.name);
        for round in 0..MUTATIONS {
            let (file, input) = &inputs[random.below(inputs.len())];
            let (_, other) = &inputs[random.below(inputs.len())];
            let mutated = random.mutate(input, other);
            expect_bounded(target, &format!("{file}, mutation {round}"), &mutated);
        }
    }
}

fn expect_bounded(target: &Target, name: &str, input: &[u8]) {
    // Once for what is made once in a process.
    (target.run)(input);
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    (target.run)(input);
    let taken = MEMORY.peak_usage().saturating_sub(before);
    let bound = ANYHOW + PER_BYTE * input.len();
    assert!(taken <= bound, "{}: {name} of {} bytes takes {taken}", target.name, input.len());
}
