//! Who waits for welcomes: devices of this authority, and whoever delivers to other relays.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use enlace_identity::names::DeviceName;
use enlace_transport::watch;

/// Wakes when a welcome for one device was stored.
#[derive(Debug)]
pub struct WelcomeWatch {
    device: DeviceName,
    changes: watch::Receiver<()>,
    board: Arc<WelcomeBoard>,
}

impl WelcomeWatch {
    /// Waits until a welcome was stored after this was opened, or after it last returned. Look
    /// for what waits already after opening it, before the first call. Cancel safe.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for WelcomeWatch {
    fn drop(&mut self) {
        let mut devices = self.board.devices.lock().unwrap_or_else(PoisonError::into_inner);
        if devices.get(&self.device).is_some_and(|sender| sender.receiver_count() <= 1) {
            devices.remove(&self.device);
        }
    }
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub(crate) struct WelcomeBoard {
    devices: Mutex<HashMap<DeviceName, watch::Sender<()>>>,
    outbound: watch::Sender<()>,
}

impl WelcomeBoard {
    pub(crate) fn watch(self: &Arc<Self>, device: DeviceName) -> WelcomeWatch {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = devices.entry(device.clone()).or_default().subscribe();
        WelcomeWatch { device, changes, board: self.clone() }
    }

    pub(crate) fn watch_outbound(&self) -> watch::Receiver<()> {
        self.outbound.subscribe()
    }

    /// A stored welcome waits for these.
    pub(crate) fn announce(&self, devices: &[DeviceName], is_outbound: bool) {
        let waiting = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in devices.iter().filter_map(|device| waiting.get(device)) {
            sender.send_replace(());
        }
        if is_outbound {
            self.outbound.send_replace(());
        }
    }
}
