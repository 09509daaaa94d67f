//! The officer's history passes from one device to another, by way of their relay, which can read
//! nothing of it.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use enlace_channel::transfer::SignedTransferHeader;
use enlace_identity::names::DeviceName;
use enlace_proto::relay::v1::{ReceiveHistoryRequest, SendHistoryRequest};

use super::Client;
use crate::engine::{Announced, Asking, BackupError, Restored, TransferError};
use crate::sync::{Dialler, Line};

/// What is sent at once, in bytes.
const PORTION: usize = 1 << 20;

/// The length that goes before the signed header, in bytes.
const LENGTH: usize = 4;

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TransferProgress {
    /// The bytes that the receiving device has.
    pub taken: u64,
    /// All of them.
    pub total: u64,
}

/// Where the backup is while it travels; it goes with this.
struct Parcel(PathBuf);

/// What the sending device sends: a header, then the backup.
struct Packed {
    request: Vec<u8>,
    head: Vec<u8>,
    backup: File,
    total: u64,
}

/// What the receiving device has until now.
#[derive(Default)]
struct Incoming {
    head: Vec<u8>,
    announced: Option<(Announced, File)>,
    written: u64,
}

impl Client {
    /// Sends what the officer has of all channels to another device of hers, which she has added here
    /// ([`Client::add_device`]) and which asks for it ([`Client::receive_history`]); returns the bytes that
    /// were sent. It waits for that device, and again whenever it is lost, for at most `patience`. `parcel`
    /// names a file that is written meanwhile, encrypted with a key that only the two devices know.
    ///
    /// # Errors
    /// [`TransferError`]; nothing has changed here.
    pub async fn send_history(
        &self,
        device: &DeviceName,
        parcel: &Path,
        patience: Duration,
        progress: impl FnMut(TransferProgress),
    ) -> Result<u64, TransferError> {
        self.with_engine(|engine| engine.check_added(device))?;
        let parcel = Parcel::new(parcel)?;
        let mut line = self.line(patience)?;
        let sent = self.send_over(&mut line, device, &parcel, progress).await;
        line.close().await;
        sent
    }

    /// Receives from another device of the officer what it has of all channels, and takes in what this
    /// one lacks, as [`Client::restore`] does. It waits for that device, and again whenever it is lost,
    /// for at most `patience`. `parcel` and `scratch` name files that are written meanwhile, encrypted.
    ///
    /// # Errors
    /// [`TransferError`]; nothing has changed then.
    pub async fn receive_history(
        &self,
        parcel: &Path,
        scratch: &Path,
        patience: Duration,
        progress: impl FnMut(TransferProgress),
    ) -> Result<Restored, TransferError> {
        let parcel = Parcel::new(parcel)?;
        let asking = self.with_engine(|engine| engine.ask_for_history())?;
        let mut line = self.line(patience)?;
        let received = self.receive_over(&mut line, &asking, &parcel, progress).await;
        line.close().await;
        let announced = received?;
        announced.check(&parcel.0)?;
        Ok(self.restore(&parcel.0, &announced.passphrase, scratch)?)
    }

    fn line(&self, patience: Duration) -> Result<Line<'_>, TransferError> {
        let dialler = Dialler::new(self.shared(), &self.inner.endpoint_record)?;
        Ok(Line::new(self.shared(), dialler, patience))
    }

    async fn send_over(
        &self,
        line: &mut Line<'_>,
        device: &DeviceName,
        parcel: &Parcel,
        mut progress: impl FnMut(TransferProgress),
    ) -> Result<u64, TransferError> {
        let (mut packed, mut next): (Option<Packed>, _) = (None, None);
        loop {
            let (from, portion) = match (&mut packed, next) {
                (Some(packed), Some(from)) => (from, packed.portion(from)?),
                _ => (0, Vec::new()),
            };
            let device_name = device.to_string();
            let request = SendHistoryRequest { device: device_name, from, portion };
            let answer = line.call(&request).await?;
            if answer.request.is_empty() {
                line.check_time()?;
                next = None;
                continue;
            }
            let known = packed.take().filter(|packed| packed.request == answer.request);
            let now = match known {
                Some(packed) => packed,
                // It is receiving something else, or was.
                None if answer.taken > 0 => {
                    line.check_time().map_err(|_| TransferError::Midway)?;
                    line.pause().await;
                    next = None;
                    continue;
                }
                None => self.pack(device, answer.request, parcel)?,
            };
            let total = packed.insert(now).total;
            if next != Some(answer.taken) {
                line.moved();
                progress(TransferProgress { taken: answer.taken, total });
            }
            line.check_time()?;
            next = Some(answer.taken);
            if answer.taken >= total {
                return Ok(total);
            }
        }
    }

    fn pack(
        &self,
        device: &DeviceName,
        request: Vec<u8>,
        parcel: &Parcel,
    ) -> Result<Packed, TransferError> {
        parcel.remove()?;
        let header = self.with_engine(|engine| engine.pack_history(device, &request, &parcel.0))?;
        let backup = File::open(&parcel.0)?;
        let length = u32::try_from(header.len()).map_err(|_| TransferError::Altered)?;
        let head = [&length.to_be_bytes()[..], &header].concat();
        let total = head.len() as u64 + backup.metadata()?.len();
        Ok(Packed { request, head, backup, total })
    }

    async fn receive_over(
        &self,
        line: &mut Line<'_>,
        asking: &Asking,
        parcel: &Parcel,
        mut progress: impl FnMut(TransferProgress),
    ) -> Result<Announced, TransferError> {
        let mut incoming = Incoming::default();
        let ask = |taken, done| {
            let request = asking.request.clone();
            ReceiveHistoryRequest { request, taken, done }
        };
        while !incoming.is_complete() {
            let answer = line.call(&ask(incoming.taken(), false)).await?;
            if answer.portion.is_empty() {
                line.check_time()?;
                continue;
            }
            let verify = |header: &[u8]| {
                let announced = self.with_engine(|engine| engine.verify_history(asking, header))?;
                Ok((announced, File::create_new(&parcel.0)?))
            };
            incoming.take(&answer.portion, verify)?;
            line.moved();
            if let Some(total) = incoming.total() {
                progress(TransferProgress { taken: incoming.taken(), total });
            }
        }
        // All is here, whether the other device hears of that or not.
        line.tell(&ask(incoming.taken(), true)).await;
        incoming.announced.map(|(announced, _)| announced).ok_or(TransferError::Altered)
    }
}

impl Packed {
    /// What follows `from`.
    fn portion(&mut self, from: u64) -> Result<Vec<u8>, TransferError> {
        let head = self.head.len() as u64;
        if let Some(rest) = usize::try_from(from).ok().and_then(|from| self.head.get(from..))
            && !rest.is_empty()
        {
            return Ok(rest.to_vec());
        }
        self.backup.seek(SeekFrom::Start(from - head))?;
        let mut portion = Vec::with_capacity(PORTION);
        (&self.backup).take(PORTION as u64).read_to_end(&mut portion)?;
        if portion.is_empty() { Err(TransferError::Altered) } else { Ok(portion) }
    }
}

impl Incoming {
    fn take(
        &mut self,
        portion: &[u8],
        verify: impl FnOnce(&[u8]) -> Result<(Announced, File), TransferError>,
    ) -> Result<(), TransferError> {
        let mut rest = portion;
        if self.announced.is_none() {
            self.head.extend(rest);
            rest = &[];
            if let Some(end) = end_of_head(&self.head)? {
                let (announced, mut file) = verify(&self.head[LENGTH..end])?;
                write(&mut file, &mut self.written, announced.length, &self.head[end..])?;
                self.announced = Some((announced, file));
                self.head.truncate(end);
            }
        }
        if let Some((announced, file)) = &mut self.announced {
            write(file, &mut self.written, announced.length, rest)?;
        }
        Ok(())
    }

    fn taken(&self) -> u64 {
        self.head.len() as u64 + self.written
    }

    fn total(&self) -> Option<u64> {
        let (announced, _) = self.announced.as_ref()?;
        Some(self.head.len() as u64 + announced.length)
    }

    fn is_complete(&self) -> bool {
        self.total() == Some(self.taken())
    }
}

/// Where the signed header ends, once all of it is there.
fn end_of_head(bytes: &[u8]) -> Result<Option<usize>, TransferError> {
    let Some(length) = bytes.first_chunk::<LENGTH>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > SignedTransferHeader::MAX_BYTES {
        return Err(TransferError::Altered);
    }
    let end = LENGTH + length;
    Ok((end <= bytes.len()).then_some(end))
}

fn write(
    file: &mut File,
    written: &mut u64,
    length: u64,
    bytes: &[u8],
) -> Result<(), TransferError> {
    *written += bytes.len() as u64;
    if *written > length {
        return Err(TransferError::Altered);
    }
    Ok(file.write_all(bytes)?)
}

impl Parcel {
    /// A file of that name from an earlier time is of no use to anybody.
    fn new(path: &Path) -> Result<Self, TransferError> {
        let parcel = Self(path.to_owned());
        parcel.remove()?;
        Ok(parcel)
    }

    fn remove(&self) -> Result<(), BackupError> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::warn!(%error, file = %self.0.display(), "an encrypted file is left behind");
        }
    }
}
