//! The officer's other devices. A certificate alone lets none in: the officer says on a device that is
//! in the channels which others are hers, and this device adds these, also to channels that come later.

use std::collections::BTreeSet;

use enlace_channel::channel::Channel;
use enlace_identity::keys::PublicKey;
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_log::ChannelId;

use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::store::{ChannelStanding, OutboxState, StoreError};
use crate::task::Task;

/// The setting that holds the names, one on each line.
const DEVICES: &str = "devices";

/// Another device of the officer, and where it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnDevice {
    /// Its name.
    pub name: DeviceName,
    /// Whether it is this one.
    pub is_this: bool,
    /// The channels that it is in.
    pub channels: Vec<ChannelId>,
    /// The channels to which it is still to be added.
    pub waiting: Vec<ChannelId>,
}

/// How a key compares with the one that a device has as a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Seated {
    /// It is that one.
    Same,
    /// The device is there with another one.
    Other,
    /// The device is in none of this one's channels.
    Nowhere,
}

/// Why a device is neither added nor removed. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// It is another officer's.
    #[error("{0} is a device of somebody else")]
    Others(DeviceName),
    /// It is one of an address that the officer no longer has.
    #[error("{0} has an address that was yours before")]
    Former(DeviceName),
    /// It is the one that is asked.
    #[error("this is the device that you are using")]
    ThisOne,
    /// The store.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for DeviceError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Adds another device of this officer to every channel that this one is in, and to those that
    /// come later.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn add_device(&mut self, device: &DeviceName) -> Result<(), DeviceError> {
        self.write(|work| {
            work.check_other_device(device)?;
            if work.ctx.bundle.succeeds(work.me().officer(), device.officer()) {
                return Err(DeviceError::Former(device.clone()));
            }
            let mut devices = work.other_devices()?;
            devices.insert(device.clone());
            work.put_other_devices(&devices)?;
            let removal = Task::RemoveDevice { device: device.clone() };
            work.withdraw(&removal)?;
            work.in_each_channel(|work, channel| work.ask_to_add(channel, device))
        })
    }

    /// Removes another device of this officer from every channel that this one is in, and adds it to
    /// none any more.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn remove_device(&mut self, device: &DeviceName) -> Result<(), DeviceError> {
        self.write(|work| {
            work.check_other_device(device)?;
            let mut devices = work.other_devices()?;
            devices.remove(device);
            work.put_other_devices(&devices)?;
            work.withdraw(&Task::AddDevice { device: device.clone(), key_package: None })?;
            work.in_each_channel(|work, channel| {
                if !channel.devices().contains(device) {
                    return Ok(());
                }
                work.ask(channel.id(), Task::RemoveDevice { device: device.clone() })
            })
        })
    }

    /// This officer's devices, as this one knows them: itself first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn devices(&mut self) -> Result<Vec<OwnDevice>, EngineError> {
        self.write(|work| work.own_devices())
    }
}

impl Work<'_> {
    /// The devices that the officer said are hers, are to come into a channel that this one is in.
    pub(super) fn add_other_devices(&mut self, channel: &Channel) -> Result<(), EngineError> {
        for device in self.other_devices()? {
            self.ask_to_add(channel, &device)?;
        }
        Ok(())
    }

    /// A device that this one has added is in. If the officer has named it no longer, because the
    /// change was on its way, it goes again.
    pub(super) fn device_came_in(
        &mut self,
        id: ChannelId,
        device: &DeviceName,
    ) -> Result<(), EngineError> {
        if device.officer() != self.me().officer() || self.other_devices()?.contains(device) {
            return Ok(());
        }
        self.ask(id, Task::RemoveDevice { device: device.clone() })
    }

    /// What was asked for is not done after all, where no item was made of it yet.
    fn withdraw(&mut self, task: &Task) -> Result<(), StoreError> {
        for row in self.tx.queued(None)? {
            if row.sealed.is_none() && row.task.clone().without_key_package() == *task {
                self.fail(row, "it was withdrawn".to_owned())?;
            }
        }
        Ok(())
    }

    fn ask_to_add(&mut self, channel: &Channel, device: &DeviceName) -> Result<(), EngineError> {
        if channel.devices().contains(device) || channel.policy().is_closed() {
            return Ok(());
        }
        self.ask(channel.id(), Task::AddDevice { device: device.clone(), key_package: None })
    }

    /// Puts what the officer asked for in the queue, unless it is there.
    fn ask(&mut self, id: ChannelId, task: Task) -> Result<(), EngineError> {
        let wanted = task.clone().without_key_package();
        let mut queued = self.tx.queued(Some(id))?.into_iter();
        if queued.any(|row| row.task.without_key_package() == wanted) {
            return Ok(());
        }
        let client_id = self.new_client_id(id);
        self.tx.put_outbox(&self.new_row(id, client_id, task))?;
        self.tell(ClientEvent::Outbox { channel: id, client_id, state: OutboxState::Queued });
        Ok(())
    }

    fn check_other_device(&self, device: &DeviceName) -> Result<(), DeviceError> {
        if device == self.me() {
            return Err(DeviceError::ThisOne);
        }
        let (officer, me) = (device.officer(), self.me().officer());
        let bundle = &self.ctx.bundle;
        // When an authority changes its domain, its officers change their addresses.
        if officer == me || bundle.succeeds(officer, me) || bundle.succeeds(me, officer) {
            Ok(())
        } else {
            Err(DeviceError::Others(device.clone()))
        }
    }

    fn in_each_channel(
        &mut self,
        mut act: impl FnMut(&mut Self, &Channel) -> Result<(), EngineError>,
    ) -> Result<(), DeviceError> {
        for row in self.tx.channels()? {
            let is_member = !matches!(row.standing, ChannelStanding::Removed);
            // Whoever follows the channel says what is wrong with it.
            let channel = if is_member { self.take(row.id).ok().flatten() } else { None };
            let Some(channel) = channel else { continue };
            let done = act(self, &channel);
            self.keep(channel);
            done?;
        }
        Ok(())
    }

    fn own_devices(&mut self) -> Result<Vec<OwnDevice>, EngineError> {
        let me = self.me().clone();
        let mut names = self.other_devices()?;
        let mut inside: Vec<(ChannelId, Vec<DeviceName>)> = Vec::new();
        for row in self.tx.channels()? {
            if row.standing == ChannelStanding::Removed {
                continue;
            }
            let Some(channel) = self.take(row.id).ok().flatten() else { continue };
            let devices = channel.devices();
            let is_own = |officer: &OfficerAddress| {
                let policy = channel.policy();
                officer == me.officer()
                    || policy.succeeds(officer, me.officer())
                    || policy.succeeds(me.officer(), officer)
            };
            let own = devices.iter().filter(|device| is_own(device.officer())).cloned();
            let own: Vec<_> = own.collect();
            self.keep(channel);
            names.extend(own.iter().cloned());
            inside.push((row.id, own));
        }
        names.remove(&me);
        let queued = self.tx.queued(None)?;
        let describe = |name: DeviceName| {
            let channels = inside.iter().filter(|(_, own)| own.contains(&name));
            let waits =
                |task: &Task| matches!(task, Task::AddDevice { device, .. } if *device == name);
            let waiting = queued.iter().filter(|row| waits(&row.task));
            OwnDevice {
                is_this: name == me,
                channels: channels.map(|(id, _)| *id).collect(),
                waiting: waiting.map(|row| row.channel).collect(),
                name,
            }
        };
        Ok(std::iter::once(me.clone()).chain(names).map(describe).collect())
    }

    /// How a key compares with the one that a device has in the channels that this one is in. A
    /// certificate names a device; that it is the one that the officer let in, its key alone says.
    /// One other key is enough, except where it can't be replaced any more: in a closed channel.
    pub(super) fn seated(
        &mut self,
        device: &DeviceName,
        key: &PublicKey,
    ) -> Result<Seated, StoreError> {
        let (mut has_same, mut has_other) = (false, false);
        for row in self.tx.channels()? {
            if row.standing == ChannelStanding::Removed {
                continue;
            }
            let Some(channel) = self.take(row.id).ok().flatten() else { continue };
            let (seat, is_closed) = (channel.device_key(device), channel.policy().is_closed());
            self.keep(channel);
            match seat {
                Some(seat) if seat == *key => has_same = true,
                Some(_) if !is_closed => return Ok(Seated::Other),
                Some(_) => has_other = true,
                None => {}
            }
        }
        Ok(match (has_same, has_other) {
            (true, _) => Seated::Same,
            (false, true) => Seated::Other,
            (false, false) => Seated::Nowhere,
        })
    }

    pub(super) fn other_devices(&self) -> Result<BTreeSet<DeviceName>, StoreError> {
        let names = self.tx.setting(DEVICES)?.unwrap_or_default();
        let names = names.lines().map(|name| name.parse());
        names.collect::<Result<_, _>>().map_err(|_| StoreError::Corrupt("devices"))
    }

    fn put_other_devices(&self, devices: &BTreeSet<DeviceName>) -> Result<(), StoreError> {
        let names: Vec<_> = devices.iter().map(DeviceName::as_str).collect();
        self.tx.put_setting(DEVICES, Some(&names.join("\n")))
    }
}
