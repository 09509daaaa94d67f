//! What members send each other, and sequences of operations.

use enlace_channel::channel::Command;
use enlace_channel::policy::Role;

use super::Seed;
use crate::decoders::{client_inbound, key_packages, mls_messages, welcomes};
use crate::scene::Group;

pub(super) fn seeds() -> Vec<Seed> {
    let mut group = Group::of_four();
    let entry = group.members[0].note("hello").unwrap().request.payload;
    let admission = group.admission(4, Role::Member);
    let admit = group.members[0].commit(&Command::Admit(vec![admission])).unwrap().request;
    let flip = [0, 1, 2, 3];
    let mut seeds = vec![
        Seed::new("key_packages", "good", key_packages::genuine().to_vec()),
        Seed::new("welcomes", "good", welcomes::genuine()),
        // Shortened, and of another envelope: it says nothing.
        Seed::tagged("mls_messages", "altered-entry", 0, &entry),
        Seed::tagged("mls_messages", "commit", 1, &admit.payload),
    ];
    for part in 1..4 {
        for target in ["key_packages", "welcomes"] {
            seeds.push(Seed::tagged(target, format!("unaltered-{part}"), part, &[]));
            seeds.push(Seed::tagged(target, format!("altered-{part}"), part, &flip));
        }
    }
    for mode in 2..=mls_messages::SIGNED_ENTRY {
        seeds.push(Seed::tagged("mls_messages", format!("unaltered-{mode}"), mode, &[]));
        seeds.push(Seed::tagged("mls_messages", format!("altered-{mode}"), mode, &flip));
    }
    for (event, which) in client_inbound::genuine().into_iter().zip(0_u8..) {
        seeds.push(Seed::new("client_inbound", format!("event-{which}"), event));
        for (by, signed_again) in [("relay", 0), ("hub", 1)] {
            let unaltered = vec![signed_again, which];
            let altered = [&unaltered, &flip[..]].concat();
            let name = |what: &str| format!("{what}-{which}-by-{by}");
            seeds.push(Seed::new("client_inbound", name("unaltered"), unaltered));
            seeds.push(Seed::new("client_inbound", name("altered"), altered));
        }
    }
    seeds.extend(sequences());
    seeds
}

/// Operations are bytes; these begin with different ones and go different ways.
fn sequences() -> Vec<Seed> {
    let pattern = |first: u8, step: u8, length: u8| -> Vec<u8> {
        (0..length).map(|at| first.wrapping_add(at.wrapping_mul(step))).collect()
    };
    let mut seeds = Vec::new();
    for (at, (first, step)) in
        [(1, 3), (3, 7), (9, 31), (100, 13), (200, 77)].into_iter().enumerate()
    {
        let name = format!("pattern-{at}");
        seeds.push(Seed::new("channel_operations", name.clone(), pattern(first, step, 60)));
        seeds.push(Seed::new("hub_operations", name, pattern(first, step, 120)));
    }
    seeds
}
