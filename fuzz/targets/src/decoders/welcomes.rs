//! Welcomes, as an admitted device opens them.
//!
//! Input: a welcome; or, behind a zero byte, steps that alter a good one. Whoever admits has signed
//! it and the hub has ordered it: both are adversaries.

use std::cell::RefCell;

use enlace_channel::channel::{Command, JoinOffer};
use enlace_channel::mls::{EpochAuthenticator, JoinError, stage_welcome};
use enlace_channel::policy::Role;
use enlace_channel::state_store::StateStore as _;
use enlace_log::{Sealed, WelcomesHash};

use crate::Outcome;
use crate::scene::{Group, alter};

/// Joins by the welcome, if that can be done.
pub fn run(data: &[u8]) -> Outcome {
    SCENE.with_borrow_mut(|scene| match data {
        [0, script @ ..] => {
            let altered = alter(&scene.offer.welcomes[0].1, script);
            scene.join(altered)
        }
        welcome => {
            let readable = scene.is_readable(welcome);
            scene.join(welcome.to_vec()).or(readable)
        }
    })
}

thread_local! {
    static SCENE: RefCell<Scene> = RefCell::new(Scene::new());
}

/// Who admits, and who is admitted.
const ADMITS: usize = 0;
const JOINS: usize = 4;

struct Scene {
    group: Group,
    offer: JoinOffer,
    epoch: EpochAuthenticator,
}

impl Scene {
    fn new() -> Self {
        let mut group = Group::of_four();
        let admission = group.admission(JOINS, Role::Member);
        let commit = group.members[ADMITS].commit(&Command::Admit(vec![admission])).unwrap();
        let seq = group.accept(&commit);
        group.deliver();
        let offer = group.offer(seq, &commit, ADMITS);
        let epoch = group.members[ADMITS].channel().epoch_authenticator();
        Self { group, offer, epoch }
    }

    /// Whether a welcome could be taken apart, for whomever it was meant.
    fn is_readable(&self, welcome: &[u8]) -> Outcome {
        let joiner = &self.group.members[JOINS];
        joiner.store.savepoint().unwrap();
        let staged = stage_welcome(&joiner.backend.on(&joiner.store), welcome);
        joiner.store.rollback().unwrap();
        Outcome::when(!matches!(staged, Err(JoinError::Malformed)))
    }

    fn join(&mut self, welcome: Vec<u8>) -> Outcome {
        let Some(offer) = self.offer_of(welcome) else { return Outcome::Refused };
        let joiner = &mut self.group.members[JOINS];
        joiner.store.savepoint().unwrap();
        let before = joiner.store.entries();
        let joined = joiner.join(&offer);
        match &joined {
            Ok(()) => {
                let epoch = joiner.channel().epoch_authenticator();
                assert!(epoch == self.epoch, "a welcome led into another group than its commit");
            }
            Err(_) => assert!(joiner.store.entries() == before, "a refused welcome left a trace"),
        }
        joiner.store.rollback().unwrap();
        joiner.channel = None;
        Outcome::of(&joined)
    }

    /// The offer with that welcome, signed by its author and ordered by the hub.
    fn offer_of(&mut self, welcome: Vec<u8>) -> Option<JoinOffer> {
        let mut offer = self.offer.clone();
        let genuine = &offer.commit.sealed;
        let mut envelope = genuine.envelope().clone();
        envelope.welcomes_hash =
            WelcomesHash::of(&[(self.group.members[JOINS].name().clone(), &welcome[..])]);
        let signature = envelope.sign(&self.group.members[ADMITS].device.key);
        let change = genuine.list_change()?.to_wire();
        let payload = genuine.payload()?.clone();
        let bytes = envelope.encode().into();
        let sealed = Sealed::read(bytes, signature.as_bytes(), payload, Some(&change)).ok()?;
        let last = (self.group.items.pop()?, self.group.chains.pop()?);
        let seq = self.group.accept_sealed(sealed);
        offer.commit = self.group.items.pop()?;
        let head = enlace_log::Head {
            channel: offer.channel,
            incarnation: enlace_log::Incarnation(0),
            seq,
            chain: self.group.chains.pop()?,
        };
        offer.chain = head.chain;
        let hub = &crate::scene::network().a;
        offer.head = head.sign(&hub.head_key(), hub.head_signer());
        self.group.items.push(last.0);
        self.group.chains.push(last.1);
        offer.welcomes[0].1 = welcome;
        Some(offer)
    }
}
