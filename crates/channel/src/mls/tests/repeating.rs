//! The same seed makes the same bytes: what a simulation's replay rests on.

use enlace_identity::entropy::Entropy;

use super::Device;
use crate::mls::{Backend, Changes, LeafIndex, Suite};

/// Everything that four devices make of a seed, in the order in which they make it.
fn play(suite: Suite, seed: u8) -> Vec<Vec<u8>> {
    let entropy = Entropy::dangerous_seeded([seed; 32]);
    let mut devices = [1, 2, 3, 4].map(Device::new);
    for (device, label) in devices.iter_mut().zip(["ana", "rui", "eva", "leo"]) {
        device.backend = Backend::with_entropy(entropy.fork(label)).unwrap();
    }
    let [ana, rui, eva, leo] = &devices;
    let mut group = ana.create(suite);
    let mut made = Vec::new();

    let packages: Vec<_> = [rui, eva, leo].map(|device| device.key_package(suite)).into();
    made.extend(packages.iter().cloned());
    let adds = Changes { add: packages, ..Changes::default() };
    let pending = group.commit(&ana.provider(), &ana.key, b"aad", adds).unwrap();
    group.merge_pending(&ana.provider()).unwrap();
    let welcome = pending.welcome.unwrap();
    made.extend([pending.commit, welcome.clone()]);
    let (mut ruis, mut evas) = (rui.join(&welcome), eva.join(&welcome));

    made.push(ruis.encrypt(&rui.provider(), &rui.key, b"aad", b"nota").unwrap());
    let leaves = Changes { remove: vec![LeafIndex(3)], ..Changes::default() };
    let pending = evas.commit(&eva.provider(), &eva.key, b"", leaves).unwrap();
    evas.merge_pending(&eva.provider()).unwrap();
    rui.follow(&mut ruis, &pending.commit);
    made.push(pending.commit);
    made.push(ruis.encrypt(&rui.provider(), &rui.key, b"", b"otra").unwrap());
    made.push(evas.epoch_authenticator().as_bytes().to_vec());
    made
}

#[test]
fn the_same_seed_makes_the_same_welcomes_commits_and_items() {
    for suite in [Suite::PostQuantum, Suite::Classic] {
        let made = play(suite, 1);
        assert_eq!(made, play(suite, 1));
        let other = play(suite, 2);
        assert!(made.iter().zip(&other).all(|(one, other)| one != other));
        assert!(made.iter().zip(&other).all(|(one, other)| one.len() == other.len()));
    }
}
