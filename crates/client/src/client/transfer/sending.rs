//! What the sending device does with what the relay answers.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use enlace_identity::names::DeviceName;
use enlace_proto::relay::v1::{SendHistoryRequest, SendHistoryResponse};

use super::TransferProgress;
use crate::engine::{Outgoing, TransferError};

/// What is sent at once, in bytes: a line of 50 kbit/s carries it in half the time that a call may take.
const PORTION: usize = 60 << 10;

/// How often a history is packed: whoever asks anew again and again is up to no good.
const MOST_PACKED: usize = 16;

/// A transfer as the sending device has it.
pub(super) struct Sending {
    device: DeviceName,
    packed: Option<Packed>,
    times_packed: usize,
    /// How much the other device has, by the relay's last word.
    taken: u64,
    /// The most that it had.
    most: u64,
    /// Whether what follows is to be brought.
    brings: bool,
    /// Whether the other device has a part of something that is not here any more.
    has_lost: bool,
}

/// What is sent: a header, then the backup.
pub(super) struct Packed {
    request: Vec<u8>,
    outgoing: Outgoing,
    head: Vec<u8>,
    backup: File,
    total: u64,
}

/// What an answer means.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// The other device asks with this request: what it is sent is to be packed.
    Pack(Vec<u8>),
    /// It has more than ever before.
    Moved(TransferProgress),
    /// Nothing has moved.
    Idle,
    /// The other device has a part of something that this one doesn't have, and was told to begin anew.
    Lost,
    /// Its receipt has come.
    Receipt(Vec<u8>),
}

impl Sending {
    pub(super) fn to(device: &DeviceName) -> Self {
        let device = device.clone();
        let (brings, has_lost) = (false, false);
        Self { device, packed: None, times_packed: 0, taken: 0, most: 0, brings, has_lost }
    }

    /// What the relay is asked or brought next.
    pub(super) fn request(&mut self) -> Result<SendHistoryRequest, TransferError> {
        let portion = match &mut self.packed {
            Some(packed) if self.brings => packed.portion(self.taken)?,
            _ => Vec::new(),
        };
        let from = if self.packed.is_some() { self.taken } else { 0 };
        let (device, anew) = (self.device.to_string(), self.has_lost);
        Ok(SendHistoryRequest { device, from, portion, anew })
    }

    /// What the relay's answer means.
    pub(super) fn handle(&mut self, answer: SendHistoryResponse) -> Result<Step, TransferError> {
        self.brings = false;
        if answer.request.is_empty() {
            return Ok(Step::Idle);
        }
        let Some(packed) = self.packed.take_if(|packed| packed.request == answer.request) else {
            self.packed = None;
            // It is receiving something else, or what this device sent before its program ended.
            self.has_lost = answer.taken > 0 || answer.held > 0;
            if self.has_lost {
                return Ok(Step::Lost);
            }
            self.times_packed += 1;
            let is_too_often = self.times_packed > MOST_PACKED;
            return if is_too_often {
                Err(TransferError::Midway)
            } else {
                Ok(Step::Pack(answer.request))
            };
        };
        let total = self.packed.insert(packed).total;
        if answer.taken > total {
            return Err(TransferError::Altered);
        }
        self.taken = answer.taken;
        if !answer.receipt.is_empty() {
            return Ok(Step::Receipt(answer.receipt));
        }
        self.brings = self.taken < total && answer.held == 0;
        if self.taken <= self.most {
            return Ok(Step::Idle);
        }
        self.most = self.taken;
        Ok(Step::Moved(TransferProgress { taken: self.taken, total }))
    }

    /// An answer was lost: whether the relay has what was brought, it is asked before that is brought
    /// again.
    pub(super) fn lost(&mut self) {
        self.brings = false;
    }

    /// What was to be packed is there.
    pub(super) fn begin(&mut self, packed: Packed) -> TransferProgress {
        let total = packed.total;
        self.packed = Some(packed);
        (self.taken, self.most, self.brings) = (0, 0, true);
        TransferProgress { taken: 0, total }
    }

    /// The device that receives.
    pub(super) fn device(&self) -> &DeviceName {
        &self.device
    }

    /// What a receipt has to be of, and how long all of it is.
    pub(super) fn outgoing(&self) -> Option<(&Outgoing, u64)> {
        self.packed.as_ref().map(|packed| (&packed.outgoing, packed.total))
    }

    /// Whether the other device has all of it, as far as the relay says.
    pub(super) fn is_all_there(&self) -> bool {
        self.packed.as_ref().is_some_and(|packed| packed.total == self.most)
    }
}

impl Packed {
    /// The backup in a file, with what goes before it, for that request.
    pub(super) fn new(
        request: Vec<u8>,
        outgoing: Outgoing,
        backup: &Path,
    ) -> Result<Self, TransferError> {
        let length = u32::try_from(outgoing.header.len()).map_err(|_| TransferError::Altered)?;
        let head = [&length.to_be_bytes()[..], &outgoing.header].concat();
        let backup = File::open(backup)?;
        let total = head.len() as u64 + backup.metadata()?.len();
        Ok(Self { request, outgoing, head, backup, total })
    }

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

#[cfg(test)]
mod tests {
    use enlace_identity::keys::SigningKey;
    use enlace_proto::method::SMALL;
    use prost::Message as _;
    use tempfile::TempDir;

    use super::*;

    const HEADER: usize = 100;
    const BACKUP: usize = 3 * PORTION;
    const TOTAL: u64 = (4 + HEADER + BACKUP) as u64;

    fn phone() -> DeviceName {
        "phone.ana.officer.fge.example".parse().unwrap()
    }

    fn answer(taken: u64) -> SendHistoryResponse {
        SendHistoryResponse { request: b"request".to_vec(), taken, ..Default::default() }
    }

    fn packed() -> Packed {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("parcel");
        std::fs::write(&path, vec![7; BACKUP]).unwrap();
        let outgoing = Outgoing {
            header: vec![1; HEADER],
            device: phone(),
            key: SigningKey::generate().public(),
            request: [1; 32],
            backup: [2; 32],
        };
        Packed::new(b"request".to_vec(), outgoing, &path).unwrap()
    }

    /// The other device has asked, and is sent what was packed.
    fn begun() -> Sending {
        let mut sending = Sending::to(&phone());
        assert_eq!(sending.handle(answer(0)).unwrap(), Step::Pack(b"request".to_vec()));
        let progress = sending.begin(packed());
        assert_eq!(progress, TransferProgress { taken: 0, total: TOTAL });
        sending
    }

    #[test]
    fn the_relays_word_that_all_has_come_is_no_success() {
        let mut sending = begun();
        let step = sending.handle(answer(TOTAL)).unwrap();
        assert_eq!(step, Step::Moved(TransferProgress { taken: TOTAL, total: TOTAL }));
        assert!(sending.is_all_there());
        let next = sending.request().unwrap();
        assert_eq!((next.from, next.portion.len()), (TOTAL, 0), "it waits for the receipt");
        assert_eq!(sending.handle(answer(TOTAL)).unwrap(), Step::Idle);
        let receipt = SendHistoryResponse { receipt: b"signed".to_vec(), ..answer(TOTAL) };
        assert_eq!(sending.handle(receipt).unwrap(), Step::Receipt(b"signed".to_vec()));
        // More than all of it nobody can have.
        assert!(matches!(begun().handle(answer(TOTAL + 1)), Err(TransferError::Altered)));
    }

    /// A slow line would carry it for the second time, and never come to an end.
    #[test]
    fn what_the_relay_has_is_not_brought_again() {
        let mut sending = begun();
        assert_eq!(sending.request().unwrap().portion.len(), 4 + HEADER);
        sending.lost();
        assert_eq!(sending.request().unwrap().portion.len(), 0, "it asks first");
        let held = |taken| SendHistoryResponse { held: 104, ..answer(taken) };
        assert_eq!(sending.handle(held(0)).unwrap(), Step::Idle);
        assert_eq!(sending.request().unwrap().portion.len(), 0);
        sending.handle(answer(104)).unwrap();
        let next = sending.request().unwrap();
        assert_eq!((next.from, next.portion.len()), (104, PORTION));
        // It did not come: it is brought once more.
        sending.lost();
        assert_eq!(sending.handle(answer(104)).unwrap(), Step::Idle);
        assert_eq!(sending.request().unwrap(), next);
        let brought = next.encoded_len();
        assert!(brought < SMALL as usize, "{brought}: no long request, whatever is round it");
    }

    /// After a power cut, say.
    #[test]
    fn a_part_of_what_is_here_no_longer_is_given_up_at_once() {
        for (taken, held) in [(104, 0), (0, 104)] {
            let mut sending = Sending::to(&phone());
            assert!(!sending.request().unwrap().anew);
            let left = SendHistoryResponse { held, ..answer(taken) };
            assert_eq!(sending.handle(left).unwrap(), Step::Lost);
            assert!(sending.request().unwrap().anew);
            assert_eq!(sending.handle(SendHistoryResponse::default()).unwrap(), Step::Idle);
            let request = b"another".to_vec();
            let answer = SendHistoryResponse { request: request.clone(), ..Default::default() };
            assert_eq!(sending.handle(answer).unwrap(), Step::Pack(request));
            assert!(!sending.request().unwrap().anew);
        }
    }

    #[test]
    fn only_what_never_came_before_is_progress() {
        let mut sending = begun();
        let moved = |taken| Step::Moved(TransferProgress { taken, total: TOTAL });
        assert_eq!(sending.handle(answer(104)).unwrap(), moved(104));
        for back in [0, 104, 50, 104] {
            assert_eq!(sending.handle(answer(back)).unwrap(), Step::Idle);
            assert_eq!(sending.request().unwrap().from, back, "it goes on from there all the same");
        }
        assert_eq!(sending.handle(answer(105)).unwrap(), moved(105));
    }

    #[test]
    fn whoever_asks_anew_for_ever_is_given_up() {
        let mut sending = Sending::to(&phone());
        for number in 0..MOST_PACKED {
            let request = number.to_be_bytes().to_vec();
            let answer = SendHistoryResponse { request, ..Default::default() };
            assert!(matches!(sending.handle(answer).unwrap(), Step::Pack(_)));
        }
        assert!(matches!(sending.handle(answer(0)), Err(TransferError::Midway)));
    }
}
