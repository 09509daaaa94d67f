//! Devices whose disk is put back as it was a while ago.

use std::collections::BTreeMap;

use super::nodes::Nodes;
use crate::facts::{Copied, SetBack};

impl Nodes {
    /// Keeps a copy of a device's disk, and of what its officer had said on it by then.
    pub(super) fn copy_device(&mut self, who: usize) -> anyhow::Result<()> {
        let (client, device) = (self.client(who)?, self.officers[who].device());
        let mut next = BTreeMap::new();
        for row in client.channels()? {
            let details = client.show(row.id)?;
            next.extend(details.map(|details| (hex::encode(row.id.0), details.next.0)));
        }
        self.officers[who].keep_copy()?;
        let at = self.began.elapsed();
        let mut facts = self.journal.facts();
        let named = facts.named.get(&device).cloned().unwrap_or_default();
        facts.copies.insert(device, Copied { at, named, next });
        Ok(())
    }

    /// A device's disk is as it was when that was made.
    pub(super) async fn set_device_back(&mut self, who: usize) -> anyhow::Result<()> {
        self.officers[who].set_back().await?;
        let (device, until) = (self.officers[who].device(), self.began.elapsed());
        let mut facts = self.journal.facts();
        let Some(copied) = facts.copies.get(&device).cloned() else { return Ok(()) };
        facts.named.insert(device.clone(), copied.named.clone());
        facts.set_back.entry(device).or_default().push(SetBack { copied, until });
        Ok(())
    }
}
