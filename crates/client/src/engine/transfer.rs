//! The officer's history on its way between two devices of hers: what is asked, checked and packed
//! (PROTOCOL.md §5.12).

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use enlace_channel::transfer::{
    SignedTransferHeader, SignedTransferReceipt, SignedTransferRequest, TransferHeader,
    TransferKey, TransferReceipt, TransferRefused, TransferRequest,
};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::chain::{ChainError, LeafUsage, VerifiedLeaf};
use enlace_identity::keys::{Passphrase, PublicKey};
use enlace_identity::names::DeviceName;
use enlace_transport::{CallError, Untrusted};
use sha2::{Digest as _, Sha256};

use super::devices::Seated;
use super::{BackupError, Engine, Restored};
use crate::store::{ChannelRow, ChannelStanding, StoreError};
use crate::sync::SyncError;

/// Why a history doesn't pass from one device to the other.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The officer has not said that the device is hers.
    #[error("{0} is not one of the devices that you have added")]
    NotAdded(DeviceName),
    /// The other device is in none of the channels that this one is in: nothing says that the key which
    /// it shows is its own.
    #[error("{0} is in none of the channels that this device is in")]
    NotTogether(DeviceName),
    /// In a channel the other device has another key.
    #[error("{0} has another key in your channels")]
    OtherKey(DeviceName),
    /// The other device is not the officer's.
    #[error("{0} is a device of somebody else")]
    Others(DeviceName),
    /// What the other side sent is not what its device signed, or not meant for this one.
    #[error(transparent)]
    Refused(#[from] TransferRefused),
    /// The other device's certificate doesn't hold.
    #[error("the other device's certificate is refused: {0}")]
    Certificate(#[from] ChainError),
    /// The other device is revoked or suspended.
    #[error("the other device is refused: {0}")]
    Untrusted(#[from] Untrusted),
    /// There is more than may be passed on at once.
    #[error("this device has more than can be passed on at once: make a backup and restore that")]
    TooLong,
    /// What came is not what the other device sent.
    #[error("what came is not what the other device sent")]
    Altered,
    /// The other device has taken a part of something else.
    #[error("the other device is receiving something else: start it there again")]
    Midway,
    /// The other device did not come, or left.
    #[error("the other device did not answer in time")]
    TimedOut,
    /// All was sent, and the other device has not said that it has taken it in: it may have, or not.
    #[error("everything was sent, but {0} has not said that it has taken it in")]
    Unconfirmed(DeviceName),
    /// The relay can't be reached.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The relay refuses.
    #[error("the relay refuses: {0}")]
    Call(#[from] CallError),
    /// The backup, or what came of it.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

impl From<StoreError> for TransferError {
    fn from(error: StoreError) -> Self {
        Self::Backup(error.into())
    }
}

impl From<std::io::Error> for TransferError {
    fn from(error: std::io::Error) -> Self {
        Self::Backup(error.into())
    }
}

/// What the receiving device keeps in memory until the history is there.
pub(crate) struct Asking {
    key: TransferKey,
    /// The signed request, to be sent.
    pub(crate) request: Vec<u8>,
}

/// Of a backup that another device sends.
pub(crate) struct Announced {
    /// How long it is, in bytes.
    pub(crate) length: u64,
    hash: [u8; 32],
    /// What opens it.
    pub(crate) passphrase: Passphrase,
}

/// What the sending device keeps in memory until the other one has confirmed it.
pub(crate) struct Outgoing {
    /// The signed header, which goes before the backup.
    pub(crate) header: Vec<u8>,
    /// Whose request is answered, and its key.
    pub(crate) device: DeviceName,
    pub(crate) key: PublicKey,
    /// The request's hash.
    pub(crate) request: [u8; 32],
    /// The backup's.
    pub(crate) backup: [u8; 32],
}

impl Announced {
    /// Whether a file is the backup that was announced.
    pub(crate) fn check(&self, file: &Path) -> Result<(), TransferError> {
        if hash_of(file)? == self.hash { Ok(()) } else { Err(TransferError::Altered) }
    }
}

impl Engine {
    /// Asks the officer's other devices for the history.
    pub(crate) fn ask_for_history(&self) -> Result<Asking, TransferError> {
        let key = TransferKey::generate(&self.backend, &self.device.name);
        let key = key.map_err(TransferRefused::from)?;
        let signed = key.request().sign(&self.device.key, self.device.chain.clone());
        Ok(Asking { key, request: signed.encode() })
    }

    /// Checks what another device says of the backup that it sends.
    pub(crate) fn verify_history(
        &mut self,
        asking: &Asking,
        header: &[u8],
    ) -> Result<Announced, TransferError> {
        let signed = SignedTransferHeader::decode(header)?;
        let leaf = self.verify_other(signed.chain())?;
        let header = signed.verify(&leaf)?;
        self.check_own(&header.device)?;
        self.check_sender(&header.device, &leaf)?;
        let passphrase = asking.key.open(&self.backend, &header)?;
        Ok(Announced { length: header.length, hash: header.hash, passphrase })
    }

    /// Says that what another device has sent is in this one's store.
    pub(crate) fn acknowledge_history(
        &self,
        asking: &Asking,
        announced: &Announced,
        restored: &Restored,
    ) -> Vec<u8> {
        let receipt = TransferReceipt {
            device: self.device.name.clone(),
            request: asking.key.request().hash(),
            backup: announced.hash,
            channels: restored.channels as u64,
            entries: restored.entries as u64,
            refused: restored.refused as u64,
        };
        receipt.sign(&self.device.key, self.device.chain.clone()).encode()
    }

    /// Checks that the device that was sent a history says that it has taken it in: nobody else's word
    /// counts, the relay's least.
    pub(crate) fn verify_receipt(
        &self,
        outgoing: &Outgoing,
        receipt: &[u8],
    ) -> Result<TransferReceipt, TransferError> {
        let signed = SignedTransferReceipt::decode(receipt)?;
        let leaf = self.verify_other(signed.chain())?;
        let receipt = signed.verify(&leaf)?;
        if receipt.device != outgoing.device || leaf.public_key() != outgoing.key {
            return Err(TransferRefused::Signature.into());
        }
        if (receipt.request, receipt.backup) != (outgoing.request, outgoing.backup) {
            return Err(TransferRefused::OtherRequest.into());
        }
        Ok(receipt)
    }

    /// Checks the request of a device that the officer has added, and writes a backup for it into a
    /// file that is not there yet.
    pub(crate) fn pack_history(
        &mut self,
        device: &DeviceName,
        request: &[u8],
        file: &Path,
    ) -> Result<Outgoing, TransferError> {
        self.check_added(device)?;
        let (request, key) = self.verify_request(device, request)?;
        let secret = self.backend.entropy().secret::<32>();
        let passphrase = Passphrase::new(hex::encode(&secret[..]));
        self.backup(file, &passphrase)?;
        let length = fs::metadata(file)?.len();
        if length > TransferHeader::MAX_LENGTH {
            return Err(TransferError::TooLong);
        }
        let measures = (length, hash_of(file)?);
        let own = &self.device;
        let header =
            TransferHeader::seal(&self.backend, &request, &own.name, measures, &passphrase);
        let header = header.map_err(TransferRefused::from)?;
        Ok(Outgoing {
            header: header.sign(&own.key, own.chain.clone()).encode(),
            device: request.device.clone(),
            key,
            request: request.hash(),
            backup: header.hash,
        })
    }

    /// Whether the officer has said that a device is hers.
    pub(crate) fn check_added(&mut self, device: &DeviceName) -> Result<(), TransferError> {
        self.check_own(device)?;
        let added = self.write::<_, StoreError>(|work| work.other_devices())?;
        if added.contains(device) { Ok(()) } else { Err(TransferError::NotAdded(device.clone())) }
    }

    fn verify_request(
        &mut self,
        device: &DeviceName,
        request: &[u8],
    ) -> Result<(TransferRequest, PublicKey), TransferError> {
        let signed = SignedTransferRequest::decode(request)?;
        let leaf = self.verify_other(signed.chain())?;
        let request = signed.verify(&leaf)?;
        if request.device != *device {
            return Err(TransferRefused::Signature.into());
        }
        let key = leaf.public_key();
        self.write(|work| work.seated(device, &key))?.check(device)?;
        Ok((request, key))
    }

    /// Whether a device is the one of that name in this one's channels. Where this one is in none yet, the
    /// officer's word for the name has to do.
    fn check_sender(
        &mut self,
        device: &DeviceName,
        leaf: &VerifiedLeaf,
    ) -> Result<(), TransferError> {
        let (seated, is_alone) = self.write::<_, StoreError>(|work| {
            let seated = work.seated(device, &leaf.public_key())?;
            let channels = work.tx.channels()?;
            let is_in = |row: &ChannelRow| row.standing != ChannelStanding::Removed;
            Ok((seated, !channels.iter().any(is_in)))
        })?;
        if seated == Seated::Nowhere && is_alone {
            return self.check_added(device);
        }
        seated.check(device)
    }

    fn verify_other(&self, chain: &UnverifiedChain) -> Result<VerifiedLeaf, TransferError> {
        let leaf = self.trust.verify_chain(chain, &[LeafUsage::Device])?;
        self.trust.check_revocation(&leaf)?;
        Ok(leaf)
    }

    fn check_own(&self, device: &DeviceName) -> Result<(), TransferError> {
        let own = &self.device.name;
        let is_other_of_mine = device != own && device.officer() == own.officer();
        if is_other_of_mine { Ok(()) } else { Err(TransferError::Others(device.clone())) }
    }
}

impl Seated {
    fn check(self, device: &DeviceName) -> Result<(), TransferError> {
        match self {
            Self::Same => Ok(()),
            Self::Other => Err(TransferError::OtherKey(device.clone())),
            Self::Nowhere => Err(TransferError::NotTogether(device.clone())),
        }
    }
}

fn hash_of(file: &Path) -> io::Result<[u8; 32]> {
    let (mut file, mut hash) = (File::open(file)?, Sha256::new());
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            length => hash.update(&buffer[..length]),
        }
    }
}
