//! Batches that were read from the storage for somebody who catches up: whoever stands at the same
//! position a little later gets the same bytes, and whoever asks meanwhile waits for them.
//!
//! As many are kept as fit into a few megabytes, however many readers there are. What is kept stays
//! true until a copy goes back, as its hub did.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enlace_log::{ChannelId, Seq};
use enlace_proto::frame::TooLong;
use tokio::sync::OnceCell;

use super::batch::EncodedBatch;
use super::errors::ReadError;
use crate::storage::StorageError;

/// What is kept.
const KEPT_BYTES: usize = 16 << 20;

/// Reads that may be under way or kept.
const KEPT_BATCHES: usize = 4096;

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatchUp(Arc<Mutex<Kept>>);

type Place = (ChannelId, Seq);
/// Where a batch is, or comes.
pub(crate) type Cell = Arc<OnceCell<Arc<EncodedBatch>>>;

#[derive(Debug, Default)]
struct Kept {
    cells: HashMap<Place, Cell>,
    /// The oldest at the front, with what it is known to weigh.
    order: VecDeque<(Place, usize)>,
    bytes: usize,
}

/// What a read for many comes to if not to a batch.
#[derive(Debug)]
pub(crate) enum Shared {
    /// This reader's reading ends.
    Ended(Seq),
    /// It failed.
    Read(ReadError),
}

impl CatchUp {
    /// The place of the batch that begins at a position, filled or not.
    pub(crate) fn cell(&self, channel: ChannelId, from: Seq) -> Cell {
        let place = (channel, from);
        let mut kept = self.lock();
        if let Some(cell) = kept.cells.get(&place) {
            return cell.clone();
        }
        let cell = Cell::default();
        kept.cells.insert(place, cell.clone());
        kept.order.push_back((place, 0));
        kept.shrink();
        cell
    }

    /// Counts what has come into the place of a position.
    pub(crate) fn count(&self, channel: ChannelId, batch: &EncodedBatch) {
        self.lock().weigh((channel, batch.first), batch.weight());
    }

    /// The log has gone back.
    pub(crate) fn forget(&self, channel: ChannelId) {
        let mut kept = self.lock();
        kept.cells.retain(|(of, _), _| *of != channel);
        let (gone, order) = std::mem::take(&mut kept.order)
            .into_iter()
            .partition::<VecDeque<_>, _>(|((of, _), _)| *of == channel);
        kept.order = order;
        kept.bytes -= gone.iter().map(|(_, weight)| weight).sum::<usize>();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn weigh(&mut self, place: Place, weight: usize) {
        if let Some(entry) = self.order.iter_mut().rev().find(|(kept, _)| *kept == place)
            && entry.1 == 0
        {
            entry.1 = weight;
            self.bytes += weight;
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        while (self.bytes > KEPT_BYTES || self.order.len() > KEPT_BATCHES)
            && let Some((place, weight)) = self.order.pop_front()
        {
            self.cells.remove(&place);
            self.bytes -= weight;
        }
    }
}

impl From<ReadError> for Shared {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<TooLong> for Shared {
    fn from(error: TooLong) -> Self {
        tracing::error!(%error, "a batch is too long to be sent");
        Self::Read(StorageError::Corrupt("items").into())
    }
}
