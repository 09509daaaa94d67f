//! Who took a stranded device off the list. It cannot judge that change; but the list that it leads to
//! is signed.

use enlace_channel::channel::Channel;
use enlace_identity::names::DeviceName;
use enlace_log::{DeviceList, Item, Seq};

use super::EngineError;
use super::work::Work;

impl Work<'_> {
    /// The author of the newest change, if this device is stranded, and by that author's signature is on
    /// the list no more.
    pub(super) fn dropped_by(&self, channel: &Channel) -> Result<Option<DeviceName>, EngineError> {
        if channel.stranded_since().is_none() {
            return Ok(None);
        }
        let end = channel.replica().next_seq();
        let Some(newest) = self.tx.newest_commit(channel.id(), end)? else { return Ok(None) };
        let line = self.line_to(channel, newest)?;
        let list = line.iter().try_fold(channel.devices(), list_after);
        let is_off = list.is_some_and(|list| !list.contains(self.me()));
        let last = line.last().filter(|item| is_off && is_signed(channel, item));
        Ok(last.and_then(|item| item.sealed.envelope().device().cloned()))
    }

    /// The changes up to `newest` that each build on the one before, from the one after the last that this
    /// device holds valid. None if there is no such line.
    fn line_to(&self, channel: &Channel, newest: Seq) -> Result<Vec<Item>, EngineError> {
        let (mut line, mut at) = (Vec::new(), Some(newest));
        while at != channel.last_valid_commit() {
            let row = at.map(|seq| self.tx.item(channel.id(), seq)).transpose()?.flatten();
            let Some(row) = row else { return Ok(Vec::new()) };
            let before = row.item.sealed.envelope().last_valid_commit;
            if before >= at {
                return Ok(Vec::new());
            }
            at = before;
            line.push(row.item);
        }
        line.reverse();
        Ok(line)
    }
}

/// The list that a change leads to, if what the relay says of it leads to what its author signed.
fn list_after(before: DeviceList, item: &Item) -> Option<DeviceList> {
    let after = before.apply(item.sealed.list_change()?).ok()?;
    (after.hash() == item.sealed.envelope().list_hash).then_some(after)
}

fn is_signed(channel: &Channel, item: &Item) -> bool {
    let author = item.sealed.envelope().device();
    let key = author.and_then(|author| channel.device_key(author));
    key.is_some_and(|key| item.sealed.outer_signature().verify(item.sealed.envelope_bytes(), &key))
}
