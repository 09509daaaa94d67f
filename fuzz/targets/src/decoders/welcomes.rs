//! Welcomes, as an admitted device opens them.
//!
//! Input: a welcome; or, behind a byte 1 to 3, steps that alter a good one as it travels, or before
//! they are encrypted the group that it tells of, or its secrets. Whoever admits has signed it and
//! the hub has ordered it: both are adversaries.

use std::cell::RefCell;

use enlace_channel::channel::{
    Admission, Channel, Command, Context, JoinOffer, Outgoing, SealError,
};
use enlace_channel::mls::{EpochAuthenticator, JoinError, stage_welcome};
use enlace_channel::policy::Role;
use enlace_channel::state_store::StateStore as _;
use enlace_log::{ClientId, Sealed, WelcomesHash};

use crate::Outcome;
use crate::scene::{Group, Part, alter};

/// Joins by the welcome, if that can be done.
pub fn run(data: &[u8]) -> Outcome {
    SCENE.with_borrow_mut(|scene| match data {
        [1, script @ ..] => {
            let altered = alter(&scene.offer.welcomes[0].1, script);
            scene.join(altered)
        }
        [2, script @ ..] => scene.join_altered(Part::Group, script),
        [3, script @ ..] => scene.join_altered(Part::Secrets, script),
        welcome => {
            let readable = scene.is_readable(welcome);
            scene.join(welcome.to_vec()).or(readable)
        }
    })
}

/// The good one, for the corpus.
pub(crate) fn genuine() -> Vec<u8> {
    SCENE.with_borrow(|scene| scene.offer.welcomes[0].1.to_vec())
}

thread_local! {
    static SCENE: RefCell<Scene> = RefCell::new(Scene::new());
}

/// Who admits, and who is admitted.
const ADMITS: usize = 0;
const JOINS: usize = 4;

struct Scene {
    group: Group,
    /// Who admits, before doing so.
    before: Group,
    admission: Admission,
    offer: JoinOffer,
    epoch: EpochAuthenticator,
}

impl Scene {
    fn new() -> Self {
        let (mut group, mut before) = (Group::of_four(), Group::of_four());
        let admission = group.admission(JOINS, Role::Member);
        let commit = admit(&mut before, &admission, Part::Group, &[]).unwrap();
        group.members[ADMITS].modify(Part::Group, &[]);
        let own = group.members[ADMITS].make(|channel, ctx| seal(channel, ctx, &admission));
        assert_eq!(own.unwrap().request, commit.request, "the same commit twice");
        let seq = group.accept(&commit);
        group.deliver();
        let offer = group.offer(seq, &commit, ADMITS);
        let epoch = group.members[ADMITS].channel().epoch_authenticator();
        Self { group, before, admission, offer, epoch }
    }

    /// Joins by the welcome of one who alters that part of it.
    fn join_altered(&mut self, part: Part, script: &[u8]) -> Outcome {
        let admitted = admit(&mut self.before, &self.admission, part, script);
        let welcome = admitted.map(|commit| commit.request.welcomes[0].message.to_vec());
        welcome.map_or(Outcome::Refused, |welcome| self.join(welcome))
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
        offer.welcomes[0].1 = welcome.into();
        Some(offer)
    }
}

/// The commit of a member that alters a part of it; as if it had never been made.
fn admit(group: &mut Group, admission: &Admission, part: Part, script: &[u8]) -> Option<Outgoing> {
    let author = &mut group.members[ADMITS];
    author.modify(part, script);
    let mut made = None;
    author.abandon(|channel, ctx| made = seal(channel, ctx, admission).ok());
    made
}

fn seal(
    channel: &mut Channel,
    ctx: &Context<'_>,
    admission: &Admission,
) -> Result<Outgoing, SealError> {
    channel.seal_commit(ctx, &Command::Admit(vec![admission.clone()]), ClientId([7; 16]))
}
