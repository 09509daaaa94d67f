//! What the receiving device has of a transfer until now.

use std::fs::File;
use std::io::Write as _;

use enlace_channel::transfer::SignedTransferHeader;

use crate::engine::{Announced, TransferError};

/// The length that goes before the signed header, in bytes.
const LENGTH: usize = 4;

/// What has come: the header, which says what follows, then the backup.
#[derive(Default)]
pub(super) struct Incoming {
    head: Vec<u8>,
    announced: Option<(Announced, File)>,
    written: u64,
}

impl Incoming {
    /// Takes in a portion; `verify` checks the header once it is there, and opens the file for what
    /// follows it.
    pub(super) fn take(
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

    /// How many bytes are here.
    pub(super) fn taken(&self) -> u64 {
        self.head.len() as u64 + self.written
    }

    /// How many there are in all, once the header is there.
    pub(super) fn total(&self) -> Option<u64> {
        let (announced, _) = self.announced.as_ref()?;
        announced.length.checked_add(self.head.len() as u64)
    }

    /// Whether that is all.
    pub(super) fn is_complete(&self) -> bool {
        self.total() == Some(self.taken())
    }

    /// What the header announced.
    pub(super) fn into_announced(self) -> Result<Announced, TransferError> {
        self.announced.map(|(announced, _)| announced).ok_or(TransferError::Altered)
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
