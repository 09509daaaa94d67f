//! The officer's own devices.

use enlace_identity::names::DeviceName;
use enlace_log::ChannelId;

use super::Client;
use crate::engine::{DeviceError, EngineError, OwnDevice, ResumeError};

impl Client {
    /// Says that another device is this officer's too: it is added to every channel that this one is
    /// in, and to those that come later. Durable when it returns; carried out by the sync.
    ///
    /// # Errors
    /// [`DeviceError`]; nothing has changed then.
    pub fn add_device(&self, device: &DeviceName) -> Result<(), DeviceError> {
        self.with_engine(|engine| engine.add_device(device))?;
        self.wake();
        Ok(())
    }

    /// Takes another device of this officer out of every channel that this one is in.
    ///
    /// # Errors
    /// [`DeviceError`]; nothing has changed then.
    pub fn remove_device(&self, device: &DeviceName) -> Result<(), DeviceError> {
        self.with_engine(|engine| engine.remove_device(device))?;
        self.wake();
        Ok(())
    }

    /// This officer's devices, as this one knows them: itself first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn devices(&self) -> Result<Vec<OwnDevice>, EngineError> {
        self.with_engine(|engine| engine.devices())
    }

    /// Takes part again with a store that was restored from a copy: the others put this device back
    /// into these channels, with new keys. Durable when it returns; carried out by the sync.
    ///
    /// # Errors
    /// [`ResumeError`]; nothing has changed then.
    pub fn resume_device(&self) -> Result<Vec<ChannelId>, ResumeError> {
        let channels = self.with_engine(|engine| engine.resume())?;
        self.wake();
        Ok(channels)
    }
}
