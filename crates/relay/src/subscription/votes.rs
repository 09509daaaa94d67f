//! Votes for moving a channel to another hub, as a device's subscription tells of them: each time
//! that they are others.

use std::collections::HashMap;

use enlace_identity::canonical::sha256;
use enlace_identity::names::DeviceName;
use enlace_log::ChannelId;
use enlace_proto::relay::v1::HubVotes;

use crate::hub::{self, ReadError};
use crate::storage::{ReadStorage, StorageError};

/// What a device was told.
pub(super) struct Votes {
    hub: hub::Handle,
    device: DeviceName,
    told: HashMap<ChannelId, [u8; 32]>,
}

impl Votes {
    /// Nothing was told yet.
    pub(super) fn new(hub: hub::Handle, device: DeviceName) -> Self {
        Self { hub, device, told: HashMap::new() }
    }

    /// The votes that the device has not been told, of these channels.
    pub(super) async fn due(
        &mut self,
        channels: Vec<ChannelId>,
    ) -> Result<Vec<HubVotes>, ReadError> {
        if channels.is_empty() {
            return Ok(Vec::new());
        }
        let device = self.device.clone();
        let read = move |storage: &mut dyn ReadStorage| votes_of(storage, &channels, &device);
        let mut due = Vec::new();
        for (channel, votes) in self.hub.query(read).await? {
            let hash = sha256(&votes.concat());
            if self.told.insert(channel, hash) != Some(hash) {
                due.push(HubVotes { channel: Some(channel.to_wire()), votes });
            }
        }
        Ok(due)
    }
}

type VotesOf = Vec<(ChannelId, Vec<Vec<u8>>)>;

fn votes_of(
    storage: &mut dyn ReadStorage,
    channels: &[ChannelId],
    device: &DeviceName,
) -> Result<VotesOf, StorageError> {
    let mut found = Vec::new();
    for channel in channels {
        let readers = storage.readers(channel)?;
        if readers.iter().any(|(name, range)| name == device && range.to.is_none()) {
            let votes = storage.hub_votes(channel)?;
            let votes: Vec<_> = votes.into_iter().map(|(_, vote)| vote.to_vec()).collect();
            if !votes.is_empty() {
                found.push((*channel, votes));
            }
        }
    }
    Ok(found)
}
