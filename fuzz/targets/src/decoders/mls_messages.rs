//! Items as a member handles them: MLS messages behind envelopes.
//!
//! Input: what is put in the place of a good item's payload or envelope: bytes as they are, or
//! steps that alter the good ones, from outside or before they are encrypted; or steps that alter
//! an entry before it is signed. Commits are signed again by their author: the adversary is a
//! member.

use std::cell::RefCell;

use enlace_channel::channel::{Command, Event, Outgoing};
use enlace_channel::entry::SignedEntry;
use enlace_channel::mls::{EpochAuthenticator, message_info};
use enlace_channel::state_store::StateStore as _;
use enlace_log::{ClientId, Envelope, ItemKind, ListChange, PayloadHash, Sealed, Seq};

use super::entries;
use crate::Outcome;
use crate::scene::{Group, Log, Part, alter};

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

/// The mode in which the entry itself is altered, and signed again.
pub const SIGNED_ENTRY: u8 = 12;

/// The member that handles the items, by place in the group.
const READER: usize = 1;

struct Scene {
    group: Group,
    /// The same group, whose members have made nothing of the following yet.
    before: Group,
    entry: Good,
    commit: Good,
}

/// A good item.
struct Good {
    author: usize,
    made_of: MadeOf,
    outgoing: Outgoing,
    effect: Effect,
}

enum MadeOf {
    Entry(Box<SignedEntry>),
    SelfUpdate,
}

/// What an item brought about at its reader.
#[derive(Eq, PartialEq)]
struct Effect {
    epoch: EpochAuthenticator,
    entry: Option<Vec<u8>>,
}

impl Scene {
    fn new() -> Self {
        let (mut group, mut before) = (Group::of_four(), Group::of_four());
        let note = before.members[0].sign_note("to be altered");
        let mut good = |author, made_of| {
            let outgoing = make(&mut before, author, &made_of, Part::Content, &[]);
            let outgoing = outgoing.expect("an honest member can write");
            let payload = outgoing.request.payload.to_vec();
            let sealed = seal(&group, &outgoing.envelope, payload).expect("its pieces fit");
            let effect = judge(&mut group, sealed).expect("a good item takes effect");
            Good { author, made_of, outgoing, effect }
        };
        let entry = good(0, MadeOf::Entry(Box::new(note)));
        let commit = good(2, MadeOf::SelfUpdate);
        Self { group, before, entry, commit }
    }

    /// Whether the item took effect.
    fn handle(&mut self, mode: u8, rest: &[u8]) -> bool {
        if mode == SIGNED_ENTRY {
            return self.handle_entry(rest).is_some();
        }
        let good = if mode & 1 == 0 { &self.entry } else { &self.commit };
        let mut envelope = good.outgoing.envelope.clone();
        let mut payload = good.outgoing.request.payload.to_vec();
        let inside = match mode >> 1 {
            3 => Some(Part::Content),
            4 => Some(Part::Sender),
            5 => Some(Part::Secrets),
            _ => None,
        };
        match (mode >> 1, inside) {
            (0, _) => payload = rest.to_vec(),
            (1, _) => payload = alter(&payload, rest),
            (_, Some(part)) => {
                let made = make(&mut self.before, good.author, &good.made_of, part, rest);
                let Some(made) = made else { return false };
                payload = made.request.payload.to_vec();
            }
            _ => match Envelope::decode(&alter(&envelope.encode(), rest)) {
                Ok(altered) => envelope = altered,
                Err(_) => return false,
            },
        }
        envelope.payload_hash = PayloadHash::of(&payload);
        let altered = is_altered(&envelope, &payload, &good.outgoing);
        let Some(sealed) = seal(&self.group, &envelope, payload) else { return false };
        let effect = judge(&mut self.group, sealed);
        if let (Some(effect), true) = (&effect, altered) {
            assert!(inside.is_some(), "an altered item took effect");
            assert!(*effect == good.effect, "an altered item took another effect");
        }
        effect.is_some()
    }
}

impl Scene {
    /// Another entry of the same author takes its own effect, or none.
    fn handle_entry(&mut self, script: &[u8]) -> Option<()> {
        let MadeOf::Entry(entry) = &self.entry.made_of else { return None };
        let entry = entries::sign_again(&alter(&entry.encode(), script))?;
        let header = entry.header_bytes().to_vec();
        let made_of = MadeOf::Entry(Box::new(entry));
        let made = make(&mut self.before, self.entry.author, &made_of, Part::Content, &[])?;
        let sealed = seal(&self.group, &made.envelope, made.request.payload.to_vec())?;
        let effect = judge(&mut self.group, sealed)?;
        assert!(effect.epoch == self.entry.effect.epoch, "an entry moved the epoch");
        assert_eq!(effect.entry, Some(header), "another entry came than was sent");
        Some(())
    }
}

/// What a member makes that alters a part of it; as if it had never been made.
fn make(
    group: &mut Group,
    author: usize,
    made_of: &MadeOf,
    part: Part,
    script: &[u8],
) -> Option<Outgoing> {
    let member = &mut group.members[author];
    member.modify(part, script);
    let mut made = None;
    member.abandon(|channel, ctx| {
        made = match made_of {
            MadeOf::Entry(entry) => channel.seal_entry(ctx, entry, entry.header().client_id),
            MadeOf::SelfUpdate => channel.seal_commit(ctx, &Command::SelfUpdate, ClientId([7; 16])),
        }
        .ok();
    });
    made
}

/// The item, signed by the member that it names.
fn seal(group: &Group, envelope: &Envelope, payload: Vec<u8>) -> Option<Sealed> {
    let author = group.members.iter().find(|m| envelope.author == *m.name());
    let is_signed = envelope.kind.is_outer_signed();
    let signature = author.filter(|_| is_signed).map(|m| envelope.sign(&m.device.key));
    let signature = signature.as_ref().map_or(&[][..], |signature| signature.as_bytes());
    let change = (envelope.kind == ItemKind::Commit).then(|| ListChange::default().to_wire());
    Sealed::read(envelope.encode().into(), signature, payload.into(), change.as_ref()).ok()
}

/// Lets the reader handle the item, and puts everything back.
fn judge(group: &mut Group, sealed: Sealed) -> Option<Effect> {
    let seq = group.accept_sealed(sealed);
    let head = group.head_at(seq);
    let item = group.items.pop().expect("it was just put there");
    group.chains.pop();
    let reader = &mut group.members[READER];
    reader.store.savepoint().unwrap();
    let before = (reader.store.entries(), reader.channel().epoch_authenticator());
    reader.events.clear();
    let received = reader.receive(&item, &head);
    let envelope = item.sealed.envelope();
    let is_kept_back = envelope.kind == ItemKind::Commit && item.sealed.payload().is_none();
    let is_the_relays_fault = envelope.channel != Log::channel() || is_kept_back;
    assert_eq!(received.is_err(), is_the_relays_fault, "{received:?}");
    let epoch = reader.channel().epoch_authenticator();
    let effect = reader.events.iter().find_map(|(_, event)| effect(event, &epoch));
    if effect.is_none() {
        assert_no_trace(&before.0, &reader.store.entries(), seq);
        assert!(before.1 == epoch, "the epoch moved without a valid commit");
    }
    reader.store.rollback().unwrap();
    reader.restart();
    effect
}

/// The welcomes' hash is the author's own to say: nothing inside the commit repeats it.
fn is_altered(envelope: &Envelope, payload: &[u8], genuine: &Outgoing) -> bool {
    let welcomes_hash = genuine.envelope.welcomes_hash;
    let envelope = Envelope { welcomes_hash, ..envelope.clone() };
    envelope != genuine.envelope || payload != genuine.request.payload
}

fn effect(event: &Event, epoch: &EpochAuthenticator) -> Option<Effect> {
    let entry = match event {
        Event::Entry(entry) => Some(entry.as_signed().header_bytes().to_vec()),
        Event::Changed { .. } | Event::Removed { .. } => None,
        _ => return None,
    };
    Some(Effect { epoch: epoch.clone(), entry })
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_member_that_alters_nothing_is_honest() {
        let mut group = Group::of_four();
        let honest = group.members[2].commit(&Command::SelfUpdate).unwrap();
        let mut scene = Scene::new();
        for part in [Part::Content, Part::Sender, Part::Secrets] {
            let made = make(&mut scene.before, 2, &MadeOf::SelfUpdate, part, &[]).unwrap();
            assert_eq!(made.request.payload.len(), honest.request.payload.len());
            assert_eq!(made.request.payload, scene.commit.outgoing.request.payload);
        }
    }

    /// A commit that was altered before it was encrypted gets past encryption and signature: it is
    /// refused for what it says.
    #[test]
    fn a_modified_member_reaches_what_lies_behind_the_signature() {
        let mut scene = Scene::new();
        let mut reasons = BTreeSet::new();
        for at in (0_u16..1 << 14).step_by(251) {
            let [high, low] = at.to_be_bytes();
            let flip = [0, high, low, 1];
            let made = make(&mut scene.before, 2, &MadeOf::SelfUpdate, Part::Content, &flip);
            let made = made.expect("a modified member can write");
            let payload = made.request.payload.to_vec();
            let sealed = seal(&scene.group, &made.envelope, payload).expect("its pieces fit");
            assert!(judge(&mut scene.group, sealed).is_none());
            reasons.extend(scene.group.members[READER].events.iter().map(
                |(_, event)| match event {
                    Event::Void { reason, .. } => reason.clone(),
                    other => format!("{other:?}"),
                },
            ));
        }
        let about = |what: &str| reasons.iter().any(|reason| reason.contains(what));
        assert!(about("parent hash") && about("confirmation tag") && about("Stranded"));
    }
}
