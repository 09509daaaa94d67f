//! Handles for reading the storage, shared by all tasks.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::errors::ReadError;
use crate::storage::{ReadStorage, StorageError};

/// A few readers, each used by one task at a time. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Readers {
    free: Arc<Semaphore>,
    idle: Idle,
    /// Without threads: a simulation on virtual time.
    is_inline: bool,
}

type Idle = Arc<Mutex<Vec<Box<dyn ReadStorage>>>>;

impl Readers {
    pub(crate) fn new(readers: Vec<Box<dyn ReadStorage>>, is_inline: bool) -> Self {
        let free = Arc::new(Semaphore::new(readers.len()));
        Self { free, idle: Arc::new(Mutex::new(readers)), is_inline }
    }

    /// Runs a read when a reader is free, on a thread that may block.
    pub(crate) async fn run<R, F>(&self, read: F) -> Result<R, ReadError>
    where
        R: Send + 'static,
        F: FnOnce(&mut dyn ReadStorage) -> Result<R, StorageError> + Send + 'static,
    {
        let permit = self.free.clone().acquire_owned().await.map_err(|_| ReadError::Stopped)?;
        let reader = lock(&self.idle).pop();
        let mut borrowed = Borrowed { reader, idle: self.idle.clone(), _permit: permit };
        let work = move || match &mut borrowed.reader {
            Some(reader) => read(&mut **reader).map_err(ReadError::Storage),
            None => Err(ReadError::Stopped),
        };
        if self.is_inline {
            work()
        } else {
            tokio::task::spawn_blocking(work).await.unwrap_or(Err(ReadError::Stopped))
        }
    }
}

/// A reader in use. It goes back before its permit does, also when the task that asked is gone.
struct Borrowed {
    reader: Option<Box<dyn ReadStorage>>,
    idle: Idle,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        lock(&self.idle).extend(self.reader.take());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("free", &self.free.available_permits()).finish()
    }
}
