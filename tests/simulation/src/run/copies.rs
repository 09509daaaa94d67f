//! Devices whose disk is put back, and backups that officers make and restore.

use std::collections::BTreeMap;
use std::path::PathBuf;

use enlace_identity::keys::Passphrase;
use tempfile::TempDir;

use super::nodes::Nodes;
use crate::facts::{Copied, SetBack};

/// The files of a run's backups: each device's newest one counts.
#[derive(Debug)]
pub(super) struct Backups {
    folder: TempDir,
    made: usize,
    newest: BTreeMap<usize, PathBuf>,
}

impl Backups {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { folder: TempDir::new()?, made: 0, newest: BTreeMap::new() })
    }
}

impl Nodes {
    /// An officer makes a backup of what a device has.
    pub(super) fn back_up_device(&mut self, who: usize) -> anyhow::Result<()> {
        let path = self.backups.folder.path().join(format!("backup-{}", self.backups.made));
        self.client(who)?.backup(&path, &passphrase())?;
        self.backups.made += 1;
        self.backups.newest.insert(who, path);
        Ok(())
    }

    /// And takes it in on another one.
    pub(super) fn restore_backup(&mut self, who: usize, of: usize) -> anyhow::Result<()> {
        let path = self.backups.newest.get(&of);
        let path = path.ok_or_else(|| anyhow::anyhow!("no backup was made"))?;
        let scratch = self.backups.folder.path().join("scratch");
        let restored = self.client(who)?.restore(path, &passphrase(), &scratch)?;
        let device = self.officers[who].device();
        self.journal.of(device).observed(format!("restores a backup: {restored:?}"));
        Ok(())
    }

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

fn passphrase() -> Passphrase {
    Passphrase::new("una frase que nadie adivina".to_owned())
}
