//! Backups: an officer's history, to be read on another device of the same officer. They hold no key
//! and no MLS state, so that nobody can write with one, and a device that is restored from one is a new
//! device.

use std::fs;
use std::io;
use std::path::Path;

use enlace_channel::entry::SignedEntry;
use enlace_channel::history::verify_author;
use enlace_identity::chain::VerifiedLeaf;
use enlace_identity::keys::Passphrase;
use enlace_identity::names::LeafName;
use enlace_identity::time::Timestamp;
use enlace_log::{ChannelId, Seq};

use super::settle::{body_of, reload};
use super::work::Work;
use super::{Engine, EngineError};
use crate::event::ClientEvent;
use crate::notice::Notice;
use crate::store::{
    ChannelRow, ChannelStanding, EntryRow, ItemRow, SqlCipher, Store, StoreError, Transaction,
};

const OFFICER: &str = "backup/officer";
const DEVICE: &str = "backup/device";
const MADE_AT: &str = "backup/made-at";

/// What a backup brought.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Restored {
    /// When it was made, by the clock of the device that made it.
    pub made_at: Timestamp,
    /// That device.
    pub device: String,
    /// Channels of which something was brought.
    pub channels: usize,
    /// Entries that were not here.
    pub entries: usize,
    /// Entries that were not taken in: they are not what their author signed.
    pub refused: usize,
    /// What it said of the erasing of entries that it doesn't hold, or holds unerased; it was not taken in.
    pub left_out: usize,
}

/// Why there is no backup, or nothing was restored. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file of that name is there: backups are not written over.
    #[error("there is a file of that name already")]
    Exists,
    /// The file is no backup, or its passphrase is another.
    #[error("the passphrase does not open this backup, or it is none")]
    WrongPassphrase,
    /// It is another officer's.
    #[error("this is a backup of {0}")]
    OtherOfficer(String),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// The store, or the backup's.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::WrongPassphrase => Self::WrongPassphrase,
            error => Self::Engine(error.into()),
        }
    }
}

impl From<enlace_channel::channel::ChannelError> for BackupError {
    fn from(error: enlace_channel::channel::ChannelError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Writes a backup, which its own passphrase opens.
    ///
    /// # Errors
    /// [`BackupError`]; there is no file then.
    pub fn backup(&mut self, path: &Path, passphrase: &Passphrase) -> Result<(), BackupError> {
        if path.exists() {
            return Err(BackupError::Exists);
        }
        self.write::<_, StoreError>(|work| {
            let officer = work.me().officer().to_string();
            work.tx.put_setting(OFFICER, Some(&officer))?;
            work.tx.put_setting(DEVICE, Some(work.me().as_str()))?;
            work.tx.put_setting(MADE_AT, Some(&work.now().as_millis().to_string()))
        })?;
        Ok(self.store.backup(path, passphrase)?)
    }

    /// Takes in what a backup of this officer holds and this store lacks. `scratch` is where a
    /// copy of the file is opened, encrypted as it is, and removed again.
    ///
    /// # Errors
    /// [`BackupError`]; nothing has changed then.
    pub fn restore(
        &mut self,
        path: &Path,
        passphrase: &Passphrase,
        scratch: &Path,
    ) -> Result<Restored, BackupError> {
        fs::copy(path, scratch)?;
        let restored = self.restore_copy(scratch, passphrase);
        for ending in ["", "-wal", "-shm"] {
            let mut file = scratch.as_os_str().to_owned();
            file.push(ending);
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        restored
    }

    fn restore_copy(
        &mut self,
        path: &Path,
        passphrase: &Passphrase,
    ) -> Result<Restored, BackupError> {
        let mut backup = SqlCipher::open(path, passphrase)?;
        let backup = backup.read()?;
        let officer = backup.setting(OFFICER)?.unwrap_or_default();
        if officer != self.device.name.officer().to_string() {
            return Err(BackupError::OtherOfficer(officer));
        }
        self.write(|work| work.restore(&*backup))
    }
}

impl Work<'_> {
    fn restore(&mut self, backup: &dyn Transaction) -> Result<Restored, BackupError> {
        let made_at = backup.setting(MADE_AT)?.and_then(|text| text.parse().ok());
        let mut restored = Restored {
            made_at: Timestamp::from_millis(made_at.unwrap_or_default()),
            device: backup.setting(DEVICE)?.unwrap_or_default(),
            ..Restored::default()
        };
        for row in backup.channels()? {
            let before = restored.entries;
            self.restore_channel(backup, row, &mut restored)?;
            restored.channels += usize::from(restored.entries > before);
        }
        Ok(restored)
    }

    fn restore_channel(
        &mut self,
        backup: &dyn Transaction,
        row: ChannelRow,
        restored: &mut Restored,
    ) -> Result<(), BackupError> {
        let id = row.id;
        let known = self.tx.channel(id)?.map(|known| known.standing);
        let newest = Seq(i64::MAX.unsigned_abs());
        // What lies beyond this device's own copy of a log comes with the log, as it is by then.
        let end = match known {
            None | Some(ChannelStanding::Removed) => newest,
            Some(_) => {
                let own = self.tx.items(id, Seq(0), newest)?;
                own.last().map_or(newest, |last| last.item.seq.next())
            }
        };
        let held = backup.entries(id, Seq(0), usize::MAX)?;
        let verified = self.verify_entries(backup, &held, end, restored)?;
        if known.is_none() {
            // Of what it says of a channel nothing can be verified but entries.
            if verified.is_empty() {
                return Ok(());
            }
            // Whoever lets this device in makes it a member; until then it reads. A head counts once it
            // was verified.
            let standing = ChannelStanding::Removed;
            self.tx.put_channel(&ChannelRow { standing, stopped: None, head: None, ..row })?;
            for name in ["nonce", "closed", "days", "hold"].map(|name| format!("{name}/{id}")) {
                self.tx.put_setting(&name, backup.setting(&name)?.as_deref())?;
            }
        }
        for item in backup.items(id, Seq(0), newest)? {
            let is_new = item.item.seq < end && self.tx.chain_at(id, item.item.seq)?.is_none();
            if is_new && is_item_of(id, &item) {
                self.tx.put_item(&item)?;
            }
        }
        let mut until = Seq(0);
        let mut brought = Vec::new();
        for row in verified {
            if self.tx.put_entry(&row)? {
                until = until.max(row.seq.next());
                brought.push(row);
            }
        }
        restored.left_out += self.restore_erasures(backup, id, (&held, &brought))?;
        for row in &brought {
            self.take_effect(row)?;
        }
        if brought.is_empty() {
            return Ok(());
        }
        restored.entries += brought.len();
        let known = self.restored_until(id)?;
        self.tx.put_setting(&restored_setting(id), Some(&until.max(known).0.to_string()))?;
        let notice = Notice::Restored { entries: brought.len() as u64, made_at: restored.made_at };
        self.note(Some(id), None, notice)?;
        self.tell(ClientEvent::Channel(id));
        Ok(())
    }

    /// The entries of a backup that are new here and what they say they are.
    fn verify_entries(
        &mut self,
        backup: &dyn Transaction,
        held: &[EntryRow],
        end: Seq,
        restored: &mut Restored,
    ) -> Result<Vec<EntryRow>, BackupError> {
        let mut verified = Vec::new();
        for row in held {
            let is_known = self.tx.entry_of(row.channel, &row.author, row.client_id)?.is_some();
            if row.seq >= end || is_known {
                continue;
            }
            match self.verify_restored(backup, row.clone())? {
                Some(row) => verified.push(row),
                None => restored.refused += 1,
            }
        }
        Ok(verified)
    }

    /// Takes in what a backup says of the erasing of entries that it brings; of others it is nobody's
    /// word. How much was about none that it holds.
    fn restore_erasures(
        &mut self,
        backup: &dyn Transaction,
        id: ChannelId,
        (held, brought): (&[EntryRow], &[EntryRow]),
    ) -> Result<usize, BackupError> {
        let mut left_out = 0;
        for row in backup.erasures(id)? {
            let is_it = |entry: &&EntryRow| {
                (&entry.author, entry.client_id) == (&row.author, row.client_id)
            };
            match brought.iter().find(is_it) {
                Some(entry) if reload(&entry.signed)?.is_erased() => self.tx.put_erasure(&row)?,
                Some(_) => left_out += 1,
                None => left_out += usize::from(!held.iter().any(|entry| is_it(&entry))),
            }
        }
        for row in backup.tombstones(id)? {
            if brought.iter().any(|entry| entry.seq == row.seq) {
                self.has_erased |= self.tx.put_tombstone(&row)?;
            } else {
                left_out += usize::from(!held.iter().any(|entry| entry.seq == row.seq));
            }
        }
        Ok(left_out)
    }

    /// An entry of a backup, if its author signed it and it is the one that stands at its place.
    fn verify_restored(
        &mut self,
        backup: &dyn Transaction,
        row: EntryRow,
    ) -> Result<Option<EntryRow>, BackupError> {
        let Ok(entry) = SignedEntry::decode(&row.signed) else { return Ok(None) };
        let header = entry.header();
        let is_named = header.channel == row.channel
            && header.author == row.author
            && header.client_id == row.client_id
            && header.kind.code() == row.kind
            && header.local_time == row.local_time
            && header.handling == row.handling;
        let item = match self.tx.item(row.channel, row.seq)? {
            Some(item) => Some(item),
            None => backup.item(row.channel, row.seq)?,
        };
        let item = item.filter(|item| is_item_of(row.channel, item));
        let Some(item) = item else { return Ok(None) };
        let is_placed = item.item.sealed.envelope().commitment == entry.commitment()
            && item.item.received_at == row.received_at;
        let Some(chain) = backup.certificates(&row.certificate)? else { return Ok(None) };
        let verified = verify_author(self.ctx.bundle, row.received_at, &chain);
        let is_signed = verified.is_some_and(|leaf| is_signed_by(&entry, &leaf));
        if !(is_named && is_placed && is_signed) {
            return Ok(None);
        }
        self.tx.put_certificates(&chain)?;
        let (commitment, parent) = (entry.commitment(), header.parent);
        Ok(Some(EntryRow { body: body_of(&entry), commitment, parent, ..row }))
    }

    /// Up to which place a channel's entries may come from a backup.
    pub(super) fn restored_until(&self, id: ChannelId) -> Result<Seq, StoreError> {
        let setting = self.tx.setting(&restored_setting(id))?;
        Ok(Seq(setting.and_then(|text| text.parse().ok()).unwrap_or_default()))
    }
}

/// Whether the item is what a backup says: where it stands in a store, its envelope alone says.
fn is_item_of(channel: ChannelId, item: &ItemRow) -> bool {
    item.item.sealed.envelope().channel == channel
}

fn is_signed_by(entry: &SignedEntry, leaf: &VerifiedLeaf) -> bool {
    let is_author =
        matches!(leaf.name(), LeafName::Device(device) if *device == entry.header().author);
    is_author && leaf.public_key().verify(entry.header_bytes(), entry.signature()).is_ok()
}

pub(crate) fn restored_setting(id: ChannelId) -> String {
    format!("restored/{id}")
}
