//! A member whose program was modified: it alters what it is about to encrypt, and signs that with
//! its own key. So an input gets past signatures and encryption, as any member can.

use std::sync::Mutex;

use enlace_channel::mls::{Backend, Tamper};
use enlace_identity::canonical::sha256;
use enlace_identity::keys::SigningKey;

use super::alter;

/// What the member alters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// A message's content: an entry's plaintext, or a commit.
    Content,
    /// Who sent a message: leaf, generation of the key, guard.
    Sender,
    /// The group that a welcome tells of, with its tree.
    Group,
    /// The secrets in commits and welcomes.
    Secrets,
}

/// The backend of a member that draws the same as [`backend`](super::backend) does for that name,
/// and alters a part by the steps of a script. Without steps it is as honest as any.
#[must_use]
pub(super) fn modified(name: &str, key: &SigningKey, part: Part, script: &[u8]) -> Backend {
    let (key, script) = (key.clone(), script.into());
    let inside = Inside { key, part, script, signed: Mutex::default() };
    Backend::dangerous_seeded_with_tamper(sha256(name.as_bytes()), Box::new(inside)).unwrap()
}

struct Inside {
    key: SigningKey,
    part: Part,
    script: Box<[u8]>,
    /// What was signed last as a message, and as a group.
    signed: Mutex<Signed>,
}

#[derive(Clone, Default)]
struct Signed {
    message: Vec<u8>,
    group: Vec<u8>,
}

const MESSAGE: &str = "MLS 1.0 FramedContentTBS";
const GROUP: &str = "MLS 1.0 GroupInfoTBS";

/// RFC 9420 §6.3.2: leaf, generation and guard, four bytes each.
const SENDER_BYTES: usize = 12;

impl Tamper for Inside {
    fn sealing(&self, _: &[u8], plaintext: &mut Vec<u8>) {
        if self.part == Part::Secrets {
            *plaintext = alter(plaintext, &self.script);
        }
    }

    fn signing(&self, labelled: &[u8]) {
        let mut signed = self.signed.lock().unwrap();
        let mut rest = labelled;
        let label = vector(&mut rest);
        let content = vector(&mut rest);
        match label.and_then(|label| str::from_utf8(label).ok()) {
            Some(MESSAGE) => signed.message = content.unwrap().to_vec(),
            Some(GROUP) => signed.group = content.unwrap().to_vec(),
            _ => {}
        }
    }

    fn encrypting(&self, plaintext: &mut Vec<u8>) {
        let signed = self.signed.lock().unwrap().clone();
        match self.part {
            Part::Sender if plaintext.len() == SENDER_BYTES => {
                *plaintext = alter(plaintext, &self.script);
            }
            Part::Group if !signed.group.is_empty() && plaintext.starts_with(&signed.group) => {
                self.sign_again(plaintext, GROUP, &signed.group, 0, signed.group.len());
            }
            Part::Content if plaintext.len() != SENDER_BYTES => {
                let Some(start) = start_of_content(&signed.message) else { return };
                let content = &signed.message[start..];
                let same = content.iter().zip(&*plaintext).take_while(|(a, b)| a == b).count();
                if same > 0 {
                    self.sign_again(plaintext, MESSAGE, &signed.message, start, same);
                }
            }
            _ => {}
        }
    }
}

impl Inside {
    /// Alters the beginning of a plaintext, which is signed as the part of `signed` from `start`
    /// on, and puts the signature right that follows it.
    fn sign_again(
        &self,
        plaintext: &mut Vec<u8>,
        label: &str,
        signed: &[u8],
        start: usize,
        length: usize,
    ) {
        let (content, mut rest) = plaintext.split_at(length);
        if vector(&mut rest).is_none_or(|signature| signature.len() != 64) {
            return;
        }
        let altered = alter(content, &self.script);
        let signed = [&signed[..start], &altered, &signed[start + length..]].concat();
        let signature = signature(&self.key, label, &signed);
        *plaintext = [&altered, &signature[..], rest].concat();
    }
}

/// A signature as it stands behind what is signed (RFC 9420 §5.1.2).
pub(crate) fn signature(key: &SigningKey, label: &str, content: &[u8]) -> Vec<u8> {
    let labelled = [to_vector(label.as_bytes()), to_vector(content)].concat();
    to_vector(key.sign(&labelled).as_bytes())
}

/// Where the content begins in what is signed of a message (RFC 9420 §6.1): behind version, wire
/// format, group, epoch, sender, authenticated data and content type.
fn start_of_content(signed: &[u8]) -> Option<usize> {
    const VERSION_AND_FORMAT: usize = 4;
    const EPOCH_AND_SENDER: usize = 8 + 1 + 4;
    let mut rest = signed.get(VERSION_AND_FORMAT..)?;
    vector(&mut rest)?;
    rest = rest.get(EPOCH_AND_SENDER..)?;
    vector(&mut rest)?;
    rest = rest.get(1..)?;
    Some(signed.len() - rest.len())
}

/// Takes a vector of variable length off the front (RFC 9420 §2.1.2).
pub(crate) fn vector<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let first = *bytes.first()?;
    let width = match first >> 6 {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => return None,
    };
    let (length, rest) = bytes.split_at_checked(width)?;
    let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let length = length & ((1 << (8 * width - 2)) - 1);
    let (content, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(content)
}

fn to_vector(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a message is short").to_be_bytes();
    let head = match content.len() {
        0..64 => vec![length[3]],
        64..16384 => vec![length[2] | 0x40, length[3]],
        _ => vec![length[0] | 0x80, length[1], length[2], length[3]],
    };
    [&head, content].concat()
}
