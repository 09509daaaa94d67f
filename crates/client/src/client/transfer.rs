//! The officer's history passes from one device to another, by way of their relay, which can read
//! nothing of it.

mod receiving;
mod sending;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use enlace_identity::names::DeviceName;
use enlace_proto::relay::v1::ReceiveHistoryRequest;
use tokio::time::Instant;

use self::receiving::Incoming;
use self::sending::{Packed, Sending, Step};
use super::Client;
use crate::engine::{Announced, Asking, BackupError, Restored, TransferError};
use crate::sync::{Dialler, Line};

/// How long the relay is told that all is here, before that is taken in.
const TELLING: Duration = Duration::from_secs(5);

/// How long the other device may take to begin anew, when this one doesn't have what it has a part of.
const BEGINNING_ANEW: Duration = Duration::from_secs(30);

/// How often a device begins anew: whoever has it do so again and again is up to no good.
const MOST_BEGUN: usize = 16;

/// How long it is told that it has been taken in: the other device waits for that, and a relay that is
/// started again may need a minute until it has its port.
const CONFIRMING: Duration = Duration::from_secs(150);

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TransferProgress {
    /// The bytes that the receiving device has.
    pub taken: u64,
    /// All of them.
    pub total: u64,
}

/// What another device of the officer says that it has taken in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Delivered {
    /// What was sent, in bytes.
    pub bytes: u64,
    /// Channels of which something was new there.
    pub channels: u64,
    /// Entries that were new there.
    pub entries: u64,
    /// What it has refused: it is not what its author signed.
    pub refused: u64,
}

/// Where the backup is while it travels; it goes with this.
struct Parcel(PathBuf);

impl Client {
    /// Sends what the officer has of all channels to another device of hers, which she has added here
    /// ([`Client::add_device`]) and which asks for it ([`Client::receive_history`]); returns what that
    /// device has signed that it took in. It waits for that device, and again whenever it is lost, for at
    /// most `patience`. `parcel` names a file that is written meanwhile, encrypted with a key that only the
    /// two devices know.
    ///
    /// # Errors
    /// [`TransferError`]; nothing has changed here. After [`TransferError::Unconfirmed`] the other device
    /// may have taken it in.
    pub async fn send_history(
        &self,
        device: &DeviceName,
        parcel: &Path,
        patience: Duration,
        progress: impl FnMut(TransferProgress),
    ) -> Result<Delivered, TransferError> {
        self.with_engine(|engine| engine.check_added(device))?;
        let parcel = Parcel::new(parcel)?;
        let mut line = self.line(patience)?;
        let mut sending = Sending::to(device);
        let sent = self.send_over(&mut line, &mut sending, &parcel, progress).await;
        line.close().await;
        match sent {
            Err(TransferError::TimedOut | TransferError::Call(_) | TransferError::Sync(_))
                if sending.is_all_there() =>
            {
                Err(TransferError::Unconfirmed(device.clone()))
            }
            sent => sent,
        }
    }

    /// Receives from another device of the officer what it has of all channels, and takes in what this
    /// one lacks, as [`Client::restore`] does; then the other device is told. It waits for that device, and
    /// again whenever it is lost, for at most `patience`. `parcel` and `scratch` name files that are written
    /// meanwhile, encrypted.
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
        let mut line = self.line(patience)?;
        let restored = match self.receive_over(&mut line, &parcel, progress).await {
            Ok((asking, incoming)) => {
                self.take_in(&mut line, &asking, incoming, &parcel, scratch).await
            }
            Err(error) => Err(error),
        };
        line.close().await;
        restored
    }

    fn line(&self, patience: Duration) -> Result<Line<'_>, TransferError> {
        let dialler = Dialler::new(self.shared(), &self.inner.endpoint_record)?;
        Ok(Line::new(self.shared(), dialler, patience))
    }

    async fn send_over(
        &self,
        line: &mut Line<'_>,
        sending: &mut Sending,
        parcel: &Parcel,
        mut progress: impl FnMut(TransferProgress),
    ) -> Result<Delivered, TransferError> {
        let mut lost_at = None;
        loop {
            let Some(answer) = line.try_call(&sending.request()?).await? else {
                sending.lost();
                continue;
            };
            match sending.handle(answer)? {
                Step::Idle => line.idle().await?,
                Step::Lost => {
                    let now = Instant::now();
                    if now.duration_since(*lost_at.get_or_insert(now)) > BEGINNING_ANEW {
                        return Err(TransferError::Midway);
                    }
                    line.idle().await.map_err(|_| TransferError::Midway)?;
                }
                Step::Pack(request) => {
                    lost_at = None;
                    let packed = self.pack(sending.device(), request, parcel)?;
                    line.moved();
                    progress(sending.begin(packed));
                }
                Step::Moved(now) => {
                    line.moved();
                    progress(now);
                }
                Step::Receipt(receipt) => {
                    let (outgoing, bytes) = sending.outgoing().ok_or(TransferError::Altered)?;
                    let verified =
                        self.with_engine(|engine| engine.verify_receipt(outgoing, &receipt))?;
                    let (channels, entries) = (verified.channels, verified.entries);
                    if !sending.is_all_there() {
                        progress(TransferProgress { taken: bytes, total: bytes });
                    }
                    return Ok(Delivered { bytes, channels, entries, refused: verified.refused });
                }
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
        let outgoing =
            self.with_engine(|engine| engine.pack_history(device, &request, &parcel.0))?;
        Packed::new(request, outgoing, &parcel.0)
    }

    async fn receive_over(
        &self,
        line: &mut Line<'_>,
        parcel: &Parcel,
        mut progress: impl FnMut(TransferProgress),
    ) -> Result<(Asking, Incoming), TransferError> {
        let begin = || self.with_engine(|engine| engine.ask_for_history());
        let (mut asking, mut incoming, mut begun) = (begin()?, Incoming::default(), 1);
        while !incoming.is_complete() {
            let answer = line.call(&asking.has(incoming.taken())).await?;
            if answer.anew && begun < MOST_BEGUN {
                line.idle().await?;
                parcel.remove()?;
                (asking, incoming) = (begin()?, Incoming::default());
                begun += 1;
                continue;
            }
            if answer.portion.is_empty() {
                line.idle().await?;
                continue;
            }
            let verify = |header: &[u8]| {
                let announced =
                    self.with_engine(|engine| engine.verify_history(&asking, header))?;
                Ok((announced, File::create_new(&parcel.0)?))
            };
            incoming.take(&answer.portion, verify)?;
            line.moved();
            if let Some(total) = incoming.total() {
                progress(TransferProgress { taken: incoming.taken(), total });
            }
        }
        Ok((asking, incoming))
    }

    /// All is here: it is taken in, whether the other device hears of that or not.
    async fn take_in(
        &self,
        line: &mut Line<'_>,
        asking: &Asking,
        incoming: Incoming,
        parcel: &Parcel,
        scratch: &Path,
    ) -> Result<Restored, TransferError> {
        let has_all = ReceiveHistoryRequest { done: true, ..asking.has(incoming.taken()) };
        let announced: Announced = incoming.into_announced()?;
        announced.check(&parcel.0)?;
        line.tell(&has_all, TELLING).await;
        let restored = self.restore(&parcel.0, &announced.passphrase, scratch)?;
        let receipt =
            self.with_engine(|engine| engine.acknowledge_history(asking, &announced, &restored));
        line.moved();
        line.tell(&ReceiveHistoryRequest { receipt, ..has_all }, CONFIRMING).await;
        Ok(restored)
    }
}

impl Asking {
    /// What the relay is told while so many bytes are here.
    fn has(&self, taken: u64) -> ReceiveHistoryRequest {
        let (request, receipt) = (self.request.clone(), Vec::new());
        ReceiveHistoryRequest { request, taken, done: false, receipt }
    }
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
