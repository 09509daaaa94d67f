//! A value that many watch: whoever waits is woken when it changes, first come, first served.
//!
//! As tokio's `watch`, but for that order, which tokio draws from a generator of its own: with
//! many connections on one value, a simulation would send its datagrams in another order each
//! time.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::Notify;

/// The version's bit that says that no sender is left; versions rise by two.
const CLOSED: u64 = 1;

/// Sets the value. When it goes, whoever waits is told.
#[derive(Debug)]
pub struct Sender<T>(Arc<Shared<T>>);

/// Watches the value. A clone has seen what the original has.
#[derive(Debug)]
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

/// The value, which can't change as long as this is held: never hold it while waiting.
#[derive(Debug)]
pub struct Ref<'a, T>(RwLockReadGuard<'a, T>);

/// The sender is gone, and nothing will change any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("nobody is left who could change it")]
pub struct Closed;

#[derive(Debug)]
struct Shared<T> {
    value: RwLock<T>,
    /// Changed under the value's lock.
    version: AtomicU64,
    changed: Notify,
    receivers: AtomicUsize,
}

/// A value, with its sender and its first receiver.
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(value);
    let receiver = sender.subscribe();
    (sender, receiver)
}

impl<T> Sender<T> {
    /// A value that nobody watches yet.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(Shared {
            value: RwLock::new(value),
            version: AtomicU64::new(0),
            changed: Notify::new(),
            receivers: AtomicUsize::new(0),
        }))
    }

    /// Watches from now on: the present value counts as seen.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        let seen = self.0.version.load(Ordering::Acquire);
        Receiver::new(self.0.clone(), seen)
    }

    /// The value now.
    #[must_use]
    pub fn borrow(&self) -> Ref<'_, T> {
        self.0.borrow()
    }

    /// How many watch.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.0.receivers.load(Ordering::Acquire)
    }

    /// Changes the value, and wakes whoever waits if `change` says so.
    pub fn send_if_modified(&self, change: impl FnOnce(&mut T) -> bool) -> bool {
        let mut value = self.0.value.write().unwrap_or_else(PoisonError::into_inner);
        let is_modified = change(&mut value);
        if is_modified {
            self.0.version.fetch_add(2, Ordering::AcqRel);
        }
        drop(value);
        if is_modified {
            self.0.changed.notify_waiters();
        }
        is_modified
    }

    /// Changes the value and wakes whoever waits.
    pub fn send_modify(&self, change: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            change(value);
            true
        });
    }

    /// Puts another value in its place and wakes whoever waits; returns the former one.
    pub fn send_replace(&self, mut value: T) -> T {
        self.send_modify(|present| std::mem::swap(present, &mut value));
        value
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.version.fetch_or(CLOSED, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }
}

impl<T> Receiver<T> {
    fn new(shared: Arc<Shared<T>>, seen: u64) -> Self {
        shared.receivers.fetch_add(1, Ordering::AcqRel);
        Self { shared, seen: seen & !CLOSED }
    }

    /// The value now.
    #[must_use]
    pub fn borrow(&self) -> Ref<'_, T> {
        self.shared.borrow()
    }

    /// The value now, which counts as seen.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let value = self.shared.borrow();
        self.seen = self.shared.version.load(Ordering::Acquire) & !CLOSED;
        value
    }

    /// The present value counts as seen.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.version.load(Ordering::Acquire) & !CLOSED;
    }

    /// Whether the value has changed since it was last seen.
    ///
    /// # Errors
    /// [`Closed`] when it hasn't and never will.
    pub fn has_changed(&self) -> Result<bool, Closed> {
        let version = self.shared.version.load(Ordering::Acquire);
        match version & !CLOSED != self.seen {
            false if version & CLOSED != 0 => Err(Closed),
            has_changed => Ok(has_changed),
        }
    }

    /// Waits until the value has changed since it was last seen; the change counts as seen then.
    /// Cancel safe.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn changed(&mut self) -> Result<(), Closed> {
        loop {
            let woken = self.shared.changed.notified();
            tokio::pin!(woken);
            // From here on no change is missed.
            woken.as_mut().enable();
            if self.has_changed()? {
                break;
            }
            woken.await;
        }
        self.mark_unchanged();
        Ok(())
    }

    /// Waits until `look` finds what it wants in the value; that one counts as seen. Cancel safe.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn wait_until<R>(
        &mut self,
        mut look: impl FnMut(&T) -> Option<R>,
    ) -> Result<R, Closed> {
        loop {
            let found = look(&self.borrow_and_update());
            if let Some(found) = found {
                return Ok(found);
            }
            self.changed().await?;
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone(), self.seen)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.receivers.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<T> Shared<T> {
    fn borrow(&self) -> Ref<'_, T> {
        Ref(self.value.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{Closed, Sender, channel};

    #[tokio::test]
    async fn a_change_is_seen_once_and_an_unseen_one_outlives_the_sender() {
        let (sender, mut receiver) = channel(1);
        assert_eq!(receiver.has_changed(), Ok(false));
        assert_eq!(sender.send_replace(2), 1);
        receiver.changed().await.unwrap();
        assert_eq!((*receiver.borrow(), receiver.has_changed()), (2, Ok(false)));
        sender.send_modify(|value| *value = 3);
        drop(sender);
        assert_eq!(receiver.wait_until(|value| (*value == 3).then_some(*value)).await, Ok(3));
        assert_eq!(receiver.changed().await, Err(Closed));
    }

    #[tokio::test]
    async fn what_is_not_modified_wakes_nobody() {
        let sender = Sender::new(1);
        let receiver = sender.subscribe();
        assert!(!sender.send_if_modified(|_| false));
        assert_eq!(receiver.has_changed(), Ok(false));
        assert_eq!(sender.receiver_count(), 1);
        drop(receiver);
        assert_eq!(sender.receiver_count(), 0);
    }

    #[tokio::test]
    async fn whoever_waits_first_is_woken_first() {
        let (sender, woken) = (Sender::new(()), Arc::new(Mutex::new(Vec::new())));
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..50 {
            let (mut receiver, woken) = (sender.subscribe(), woken.clone());
            tasks.spawn(async move {
                receiver.changed().await.unwrap();
                woken.lock().unwrap().push(number);
            });
        }
        tokio::task::yield_now().await;
        sender.send_replace(());
        while tasks.join_next().await.is_some() {}
        assert_eq!(*woken.lock().unwrap(), (0..50).collect::<Vec<_>>());
    }
}
