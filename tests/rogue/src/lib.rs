//! A modified client: it has an officer's own certificate, key and store, and makes what no honest
//! program would. It knows no socket: tests submit what it made over loopback, simulations over a
//! simulated network. The officer's honest program may run beside it, on the same store.

mod book;
mod items;
mod notes;

use std::sync::Arc;

use enlace_channel::channel::{Channel, ChannelError, Context, Device, SealError};
use enlace_channel::mls::Backend;
use enlace_client::store::{Store, StoreError};
use enlace_identity::bundle::Bundle;
use enlace_identity::keys::SigningKey;
use enlace_identity::names::DeviceName;
use enlace_identity::time::Timestamp;
use enlace_log::ChannelId;
use enlace_transport::Clock;

use self::book::Book;

pub use self::items::in_another_envelope;

/// What a modified client is made of.
pub struct Parts {
    /// The officer's store.
    pub store: Box<dyn Store>,
    /// The officer's device.
    pub device: Device,
    /// Cryptography, which may be modified too, and chance.
    pub backend: Backend,
    /// The network.
    pub bundle: Bundle,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A modified client.
pub struct Rogue(Parts);

/// Why a modified client could not even try.
#[derive(Debug, thiserror::Error)]
pub enum RogueError {
    /// The officer's store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The channel's state.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// It can't be built.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The officer's store has no such channel.
    #[error("there is no such channel")]
    UnknownChannel,
}

impl Rogue {
    /// A modified client.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// The device's key.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.0.device.key
    }

    /// The device's name.
    #[must_use]
    pub fn device(&self) -> &DeviceName {
        &self.0.device.name
    }

    /// Does something with a channel, in one transaction of the officer's store. Nothing changes
    /// when `act` fails.
    ///
    /// # Errors
    /// [`RogueError`] where `act` could not be tried; else what it returns.
    pub fn act<T, E>(
        &mut self,
        channel: ChannelId,
        act: impl FnOnce(&mut Channel, &Context<'_>) -> Result<T, E>,
    ) -> Result<Result<T, E>, RogueError> {
        let now = self.now();
        let Parts { store, device, backend, bundle, .. } = &mut self.0;
        let tx = store.begin()?;
        let book = Book(&*tx);
        let ctx = Context { store: &*tx, backend, device, bundle, log: &book, now };
        let mut channel = Channel::load(&ctx, channel)?.ok_or(RogueError::UnknownChannel)?;
        let done = act(&mut channel, &ctx);
        if done.is_ok() {
            tx.commit()?;
        }
        Ok(done)
    }

    /// Looks at a channel as it is in the officer's store.
    ///
    /// # Errors
    /// [`RogueError`].
    pub fn read<T>(
        &mut self,
        channel: ChannelId,
        read: impl FnOnce(&Self, &Channel) -> T,
    ) -> Result<T, RogueError> {
        let now = self.now();
        let loaded = {
            let Parts { store, device, backend, bundle, .. } = &mut self.0;
            let tx = store.read()?;
            let book = Book(&*tx);
            let ctx = Context { store: &*tx, backend, device, bundle, log: &book, now };
            Channel::load(&ctx, channel)?.ok_or(RogueError::UnknownChannel)?
        };
        Ok(read(self, &loaded))
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        self.0.backend.entropy().bytes()
    }
}
