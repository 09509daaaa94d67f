//! What an item changed, as the relay's storage keeps it. Only this relay reads it back.

use std::collections::BTreeSet;

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::names::DeviceName;

use crate::device_list::{DeviceList, ListChange};
use crate::ids::{Generation, Seq, seq_from_u64, seq_to_u64};

const LABEL: &str = "enlace membership event v1";
const MAX_DEVICES: usize = 100_000;

/// One change of who may read and write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A copy of the log begins here.
    Anchor {
        /// The commit that admitted its first member.
        seq: Seq,
        /// The commit's author.
        author: DeviceName,
        /// The group after it.
        generation: Generation,
        /// The list after it.
        list: DeviceList,
    },
    /// A commit or a succession was accepted.
    Commit {
        /// Where it stands.
        seq: Seq,
        /// Its author.
        author: DeviceName,
        /// The last commit that its author held valid.
        parent: Option<Seq>,
        /// Whether the channel's next group begins with it.
        succeeds: bool,
        /// The change, relative to the list after `parent`.
        change: ListChange,
        /// Of the dropped devices those that read no further: of the author's own authority, or
        /// with evidence.
        final_drops: BTreeSet<DeviceName>,
    },
    /// A device asked to be removed.
    Leave {
        /// Which.
        device: DeviceName,
    },
    /// A device said that it is stranded: a commit may bring it a welcome while it is a member.
    Stranded {
        /// Which.
        device: DeviceName,
    },
    /// A dropped device objected.
    Contest {
        /// Where the objection stands.
        seq: Seq,
        /// Whose it is.
        device: DeviceName,
        /// The commit objected to.
        commit: Seq,
    },
    /// Another officer who stayed holds a commit valid.
    Confirmation {
        /// Where it was said.
        seq: Seq,
        /// The commit.
        commit: Seq,
    },
}

impl Event {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let w = Writer::new(LABEL);
        match self {
            Self::Anchor { seq, author, generation, list } => {
                let list: Vec<_> = list.iter().collect();
                let w = match generation {
                    Generation(0) => w.u64(1),
                    generation => w.u64(7).u64(generation.0),
                };
                name(w.u64(seq.0), author).list(&list, |w, device| name(w, device)).finish()
            }
            Self::Commit { seq, author, parent, succeeds, change, final_drops } => {
                let w = w.u64(if *succeeds { 6 } else { 2 });
                let w = name(w.u64(seq.0), author).u64(seq_to_u64(*parent));
                let w = names(names(w, &change.added), &change.removed);
                names(w, final_drops).finish()
            }
            Self::Leave { device } => name(w.u64(3), device).finish(),
            Self::Contest { seq, device, commit } => {
                name(w.u64(4).u64(seq.0), device).u64(commit.0).finish()
            }
            Self::Stranded { device } => name(w.u64(8), device).finish(),
            Self::Confirmation { seq, commit } => w.u64(5).u64(seq.0).u64(commit.0).finish(),
        }
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// When the storage was damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let event = match r.u64()? {
            code @ (1 | 7) => Self::Anchor {
                generation: Generation(if code == 7 { r.u64()? } else { 0 }),
                seq: seq(&mut r)?,
                author: read_name(&mut r)?,
                list: read_names(&mut r)?.into_iter().collect(),
            },
            code @ (2 | 6) => Self::Commit {
                succeeds: code == 6,
                seq: seq(&mut r)?,
                author: read_name(&mut r)?,
                parent: seq_from_u64("parent", r.u64()?)?,
                change: ListChange { added: read_names(&mut r)?, removed: read_names(&mut r)? },
                final_drops: read_names(&mut r)?,
            },
            3 => Self::Leave { device: read_name(&mut r)? },
            4 => Self::Contest {
                seq: seq(&mut r)?,
                device: read_name(&mut r)?,
                commit: seq(&mut r)?,
            },
            8 => Self::Stranded { device: read_name(&mut r)? },
            5 => Self::Confirmation { seq: seq(&mut r)?, commit: seq(&mut r)? },
            _ => return Err(DecodeError::Value("event")),
        };
        r.finish()?;
        Ok(event)
    }
}

fn name(w: Writer, device: &DeviceName) -> Writer {
    w.bytes(device.as_str().as_bytes())
}

fn names(w: Writer, devices: &BTreeSet<DeviceName>) -> Writer {
    let devices: Vec<_> = devices.iter().collect();
    w.list(&devices, |w, device| name(w, device))
}

fn seq(r: &mut Reader<'_>) -> Result<Seq, DecodeError> {
    seq_from_u64("seq", r.u64()?)?.ok_or(DecodeError::Value("seq"))
}

fn read_name(r: &mut Reader<'_>) -> Result<DeviceName, DecodeError> {
    r.text()?.parse().map_err(|_| DecodeError::Value("device"))
}

fn read_names(r: &mut Reader<'_>) -> Result<BTreeSet<DeviceName>, DecodeError> {
    Ok(r.list("devices", MAX_DEVICES, read_name)?.into_iter().collect())
}
