//! Items as a member handles them: MLS messages behind envelopes.
//!
//! Input: what is put in the place of a good item's payload or envelope: bytes as they are, or
//! steps that alter the good ones. Commits are signed again by their author: the adversary is a
//! member.

use std::cell::RefCell;

use enlace_channel::channel::{Command, Event, Outgoing};
use enlace_channel::mls::message_info;
use enlace_channel::state_store::StateStore as _;
use enlace_log::{Envelope, PayloadHash, Sealed, Seq};

use crate::Outcome;
use crate::scene::{Group, Log, alter};

/// Hands the item to another member: what is not the good one has no effect.
pub fn run(data: &[u8]) -> Outcome {
    let [mode, rest @ ..] = data else { return Outcome::Refused };
    let readable = message_info(rest).is_ok();
    let handled = SCENE.with_borrow_mut(|scene| scene.handle(*mode, rest));
    Outcome::when(readable || handled)
}

thread_local! {
    static SCENE: RefCell<Scene> = RefCell::new(Scene::new());
}

/// The member that handles the items, by place in the group.
const READER: usize = 1;

struct Scene {
    group: Group,
    entry: Outgoing,
    commit: Outgoing,
}

impl Scene {
    fn new() -> Self {
        let mut group = Group::of_four();
        let entry = group.members[0].note("to be altered").unwrap();
        let commit = group.members[2].commit(&Command::SelfUpdate).unwrap();
        Self { group, entry, commit }
    }

    /// Whether the item took effect.
    fn handle(&mut self, mode: u8, rest: &[u8]) -> bool {
        let genuine = if mode & 1 == 0 { &self.entry } else { &self.commit };
        let mut envelope = genuine.envelope.clone();
        let mut payload = genuine.request.payload.to_vec();
        match mode >> 1 {
            0 => payload = rest.to_vec(),
            1 => payload = alter(&payload, rest),
            _ => match Envelope::decode(&alter(&envelope.encode(), rest)) {
                Ok(altered) => envelope = altered,
                Err(_) => return false,
            },
        }
        envelope.payload_hash = PayloadHash::of(&payload);
        let altered = is_altered(&envelope, &payload, genuine);
        let Some(sealed) = self.seal(&envelope, payload) else { return false };
        let takes_effect = self.judge(sealed);
        assert!(!altered || !takes_effect, "an altered item took effect");
        takes_effect
    }

    /// The item, signed by the member that it names.
    fn seal(&self, envelope: &Envelope, payload: Vec<u8>) -> Option<Sealed> {
        let author = self.group.members.iter().find(|m| envelope.author == *m.name());
        let is_signed = envelope.kind.is_outer_signed();
        let signature = author.filter(|_| is_signed).map(|m| envelope.sign(&m.device.key));
        let signature = signature.as_ref().map_or(&[][..], |signature| signature.as_bytes());
        let change = self.commit.request.list_change.as_ref();
        let change = change.filter(|_| envelope.kind == enlace_log::ItemKind::Commit);
        let envelope = envelope.encode().into();
        Sealed::read(envelope, signature, payload.into(), change).ok()
    }

    /// Lets the reader handle the item, and puts everything back.
    fn judge(&mut self, sealed: Sealed) -> bool {
        let seq = self.group.accept_sealed(sealed);
        let head = self.group.head_at(seq);
        let item = self.group.items.pop().expect("it was just put there");
        self.group.chains.pop();
        let reader = &mut self.group.members[READER];
        reader.store.savepoint().unwrap();
        let before = (reader.store.entries(), reader.channel().epoch_authenticator());
        reader.events.clear();
        let received = reader.receive(&item, &head);
        let other_channel = item.sealed.envelope().channel != Log::channel();
        assert_eq!(received.is_err(), other_channel, "{received:?}");
        let effect = reader.events.iter().any(|(_, event)| is_effect(event));
        if !effect {
            let after = (reader.store.entries(), reader.channel().epoch_authenticator());
            assert_no_trace(&before.0, &after.0, seq);
            assert!(before.1 == after.1, "the epoch moved without a valid commit");
        }
        reader.store.rollback().unwrap();
        reader.restart();
        effect
    }
}

/// The welcomes' hash is the author's own to say: nothing inside the commit repeats it.
fn is_altered(envelope: &Envelope, payload: &[u8], genuine: &Outgoing) -> bool {
    let welcomes_hash = genuine.envelope.welcomes_hash;
    let envelope = Envelope { welcomes_hash, ..envelope.clone() };
    envelope != genuine.envelope || payload != genuine.request.payload
}

fn is_effect(event: &Event) -> bool {
    matches!(event, Event::Entry(_) | Event::Changed { .. } | Event::Removed { .. })
}

type Entries = std::collections::BTreeMap<Vec<u8>, Vec<u8>>;

/// Of an item without effect nothing stays but the channel's own position.
pub(crate) fn assert_no_trace(before: &Entries, after: &Entries, seq: Seq) {
    let kept = |entries: &Entries| -> Entries {
        let own = |key: &[u8]| key.starts_with(b"channel/");
        entries.iter().filter(|(key, _)| !own(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    assert!(kept(before) == kept(after), "the item at {seq} left a trace in the group");
}
