//! The plaintext of an entry, and its header.
//!
//! Input: a header; a plaintext in the item of a note of Ana's; or, behind a zero byte, an entry by
//! itself, whose header Ana signs here, and whose item is made to fit.

use enlace_channel::entry::{Header, MAX_PLAINTEXT_BYTES, SignedEntry, UnverifiedEntry};
use enlace_log::{
    Commitment, Envelope, ItemKind, ListHash, PayloadHash, SubmitCounter, WelcomesHash,
};
use enlace_proto::channel::v1 as wire;
use prost::Message as _;

use crate::Outcome;
use crate::check::canonical;
use crate::scene::{network, seeded_key};
use crate::seeds::genuine_entry;

/// Reads an entry, and verifies it against its item.
pub fn run(data: &[u8]) -> Outcome {
    let header = canonical(data, Header::decode, Header::encode);
    let read = match data {
        [0, entry @ ..] => sign_again(entry).is_some_and(|entry| travels(&entry)),
        plaintext => {
            let genuine = genuine_entry();
            let verified = verify(plaintext, &envelope_of(&genuine));
            let is_genuine = |read: &SignedEntry| read.header_bytes() == genuine.header_bytes();
            assert!(verified.as_ref().is_none_or(is_genuine), "an entry that nobody signed");
            verified.is_some()
        }
    };
    Outcome::of(&header).or(Outcome::when(read))
}

/// What a plaintext says, if Ana has signed it for that item.
fn verify(plaintext: &[u8], envelope: &Envelope) -> Option<SignedEntry> {
    let read = |envelope| UnverifiedEntry::decode(plaintext, envelope).ok();
    let entry = read(envelope)?;
    assert!(plaintext.len() <= MAX_PLAINTEXT_BYTES);
    let ana = network().a.device("ana");
    let key = ana.key.public();
    let verified = entry.verify(envelope, &ana.name, &key).ok();
    let elsewhere = Envelope { commitment: Commitment([9; 32]), ..envelope.clone() };
    let elsewhere = read(&elsewhere)?.verify(&elsewhere, &ana.name, &key);
    assert!(elsewhere.is_err(), "an entry verifies in an item that is bound to another");
    let stranger = seeded_key("somebody else").public();
    assert!(read(envelope)?.verify(envelope, &ana.name, &stranger).is_err());
    let verified = verified?;
    assert_eq!(verified.author(), &ana.name);
    let _ = (verified.text(), verified.needs_newer_version());
    let signed = verified.as_signed().clone();
    assert_eq!(SignedEntry::decode(&signed.encode()).as_ref(), Ok(&signed), "kept, it is another");
    Some(signed)
}

/// An entry that its author can send is read as it was.
fn travels(entry: &SignedEntry) -> bool {
    assert_eq!(SignedEntry::decode(&entry.encode()).as_ref(), Ok(entry));
    let plaintext = entry.to_plaintext();
    let read = verify(&plaintext, &envelope_of(entry));
    assert!(read.as_ref().is_none_or(|read| read == entry), "another entry came than was sent");
    read.is_some()
}

/// The envelope of an item that holds this entry.
fn envelope_of(entry: &SignedEntry) -> Envelope {
    let header = entry.header();
    Envelope {
        channel: header.channel,
        generation: header.generation,
        kind: ItemKind::Entry,
        author: header.author.clone().into(),
        client_id: header.client_id,
        submit_counter: SubmitCounter(1),
        fence: None,
        last_valid_commit: None,
        commitment: entry.commitment(),
        list_hash: ListHash::NONE,
        welcomes_hash: WelcomesHash::NONE,
        payload_hash: PayloadHash([0; 32]),
    }
}

/// An entry as Ana would have signed it.
pub(super) fn sign_again(entry: &[u8]) -> Option<SignedEntry> {
    let mut entry = wire::Entry::decode(entry).ok()?;
    let key = network().a.device("ana").key;
    entry.signature = key.sign(&entry.header).as_bytes().to_vec();
    SignedEntry::decode(&entry.encode_to_vec()).ok()
}
