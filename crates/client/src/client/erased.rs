//! What was erased of a channel: here, and at the relays as far as the log says.

use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Seq};

use super::Client;
use super::views::{EntryState, EntryView};
use crate::engine::EngineError;
use crate::store::{ErasedBecause, TombstoneRow};

/// An entry that was taken back, has run its time, or came without its content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ErasedView {
    /// Its place.
    pub seq: Seq,
    /// Whose it is.
    pub author: DeviceName,
    /// The place of its withdrawal.
    pub withdrawn_by: Option<Seq>,
    /// What became of it on this device.
    pub here: ErasedHere,
    /// By whose word the relays were told to erase it, where that stands, and when. Whether each of
    /// them has is not proven by it.
    pub relays: Option<(DeviceName, Seq, Timestamp)>,
}

/// What became of an entry on this device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErasedHere {
    /// It was erased.
    Erased(ErasedBecause, Timestamp),
    /// It is here: this authority holds its copies, or it was withdrawn nowhere.
    Kept,
    /// It never was here: it came without its content.
    NeverCame,
}

impl Client {
    /// What was erased of a channel, by place; also what a relay delivered without content.
    ///
    /// # Errors
    /// When the store fails.
    pub fn erased(&self, channel: ChannelId) -> Result<Vec<ErasedView>, EngineError> {
        self.with_engine(|engine| {
            let views = engine.entries(channel, Seq(0), usize::MAX)?;
            let (erasures, tombstones, missing) = engine.read(|tx| {
                Ok((tx.erasures(channel)?, tx.tombstones(channel)?, tx.without_content(channel)?))
            })?;
            let told = |seq: Seq| {
                let row = tombstones.iter().find(|row| row.seq == seq);
                row.map(|TombstoneRow { by, by_seq, at, .. }| (by.clone(), *by_seq, *at))
            };
            let mut erased: Vec<ErasedView> = views
                .iter()
                .filter_map(|view| match view.state {
                    EntryState::Logged { seq, .. } => Some((seq, view)),
                    _ => None,
                })
                .filter_map(|(seq, view): (Seq, &EntryView)| {
                    let row = erasures
                        .iter()
                        .find(|row| row.author == view.author && row.client_id == view.client_id);
                    let relays = told(seq);
                    if row.is_none() && view.withdrawn_by.is_none() && relays.is_none() {
                        return None;
                    }
                    let here = row.map_or(ErasedHere::Kept, |r| ErasedHere::Erased(r.why, r.at));
                    let (author, withdrawn_by) = (view.author.clone(), view.withdrawn_by);
                    Some(ErasedView { seq, author, withdrawn_by, here, relays })
                })
                .collect();
            erased.extend(missing.into_iter().map(|(seq, author)| ErasedView {
                seq,
                author,
                withdrawn_by: None,
                here: ErasedHere::NeverCame,
                relays: told(seq),
            }));
            erased.sort_by_key(|view| view.seq);
            Ok(erased)
        })
    }
}
