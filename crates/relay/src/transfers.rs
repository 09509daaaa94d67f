//! Histories that pass from one device of an officer to another (PROTOCOL.md §5.12): one portion of
//! each is in memory while the two are there, and nothing is stored.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use enlace_identity::names::DeviceName;
use enlace_transport::watch;
use tokio::time::Instant;

/// The longest portion, in bytes.
pub(crate) const PORTION: usize = 1 << 20;

/// How long one side waits for the other within one call.
pub(crate) const WAIT: Duration = Duration::from_secs(5);

/// A device that has not asked for so long is gone.
const GONE: Duration = Duration::from_secs(60);

/// So many devices may receive at once.
const MOST: usize = 64;

/// The devices that receive a history now.
#[derive(Debug, Default)]
pub(crate) struct Transfers(watch::Sender<HashMap<DeviceName, Transfer>>);

#[derive(Debug)]
struct Transfer {
    request: Bytes,
    /// How many bytes the device has.
    taken: u64,
    /// Who sends, from the first portion on.
    sender: Option<DeviceName>,
    /// What follows `taken`.
    portion: Bytes,
    asked_at: Instant,
    /// Whether the device has all of it.
    is_done: bool,
}

/// Where a transfer stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Standing {
    /// The receiving device's request; empty when it doesn't ask.
    pub(crate) request: Bytes,
    /// How many bytes it has.
    pub(crate) taken: u64,
}

/// Why a device can't receive or send now.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Busy {
    /// Too many receive at once.
    #[error("too many devices receive a history at once")]
    Full,
    /// A third device is sending.
    #[error("another device is sending to that one")]
    OtherSender,
}

impl Transfers {
    /// A device asks for its history, and says how much it has, and whether that is all.
    pub(crate) fn ask(
        &self,
        device: &DeviceName,
        request: Bytes,
        (taken, is_done): (u64, bool),
    ) -> Result<(), Busy> {
        let now = Instant::now();
        let mut outcome = Ok(());
        self.0.send_if_modified(|transfers| {
            transfers.retain(|_, transfer| now.duration_since(transfer.asked_at) < GONE);
            if let Some(known) = transfers.get_mut(device).filter(|t| t.request == request) {
                (known.asked_at, known.is_done) = (now, is_done);
                let has_moved = known.taken != taken;
                if has_moved {
                    (known.taken, known.portion) = (taken, Bytes::new());
                }
                return has_moved;
            }
            if !transfers.contains_key(device) && transfers.len() >= MOST {
                outcome = Err(Busy::Full);
                return false;
            }
            let (sender, portion, asked_at) = (None, Bytes::new(), now);
            let transfer = Transfer { request, taken, sender, portion, asked_at, is_done };
            transfers.insert(device.clone(), transfer);
            true
        });
        outcome
    }

    /// Waits for what a device is sent next; empty where it has asked anew meanwhile.
    pub(crate) async fn next(&self, device: &DeviceName, request: &Bytes, taken: u64) -> Bytes {
        let brought = |transfers: &HashMap<DeviceName, Transfer>| match transfers.get(device) {
            Some(t) if t.request == *request && t.taken == taken => {
                (!t.portion.is_empty()).then(|| t.portion.clone())
            }
            _ => Some(Bytes::new()),
        };
        self.0.subscribe().wait_until(brought).await.unwrap_or_default()
    }

    /// Waits until a device asks.
    pub(crate) async fn asked(&self, device: &DeviceName) -> Standing {
        let asks = |transfers: &HashMap<DeviceName, Transfer>| {
            let transfer = transfers.get(device)?;
            transfer.is_going_on().then(|| transfer.standing())
        };
        self.0.subscribe().wait_until(asks).await.unwrap_or_default()
    }

    /// Brings a portion for a device, and waits until it has it, or asks for something else.
    pub(crate) async fn bring(
        &self,
        sender: &DeviceName,
        device: &DeviceName,
        from: u64,
        portion: Bytes,
    ) -> Result<Standing, Busy> {
        let mut outcome = Ok(());
        self.0.send_if_modified(|transfers| {
            let Some(transfer) = transfers.get_mut(device) else { return false };
            if *transfer.sender.get_or_insert_with(|| sender.clone()) != *sender {
                outcome = Err(Busy::OtherSender);
                return false;
            }
            let is_next = transfer.taken == from;
            if is_next {
                transfer.portion = portion;
            }
            is_next
        });
        outcome?;
        let moved_on = |transfers: &HashMap<DeviceName, Transfer>| match transfers.get(device) {
            Some(transfer) if transfer.taken == from => None,
            Some(transfer) => Some(transfer.standing()),
            None => Some(Standing::default()),
        };
        Ok(self.0.subscribe().wait_until(moved_on).await.unwrap_or_default())
    }

    /// Where a device's transfer stands now.
    pub(crate) fn standing(&self, device: &DeviceName) -> Standing {
        let transfers = self.0.borrow();
        let transfer = transfers.get(device).filter(|transfer| transfer.is_going_on());
        transfer.map(Transfer::standing).unwrap_or_default()
    }
}

impl Transfer {
    fn is_going_on(&self) -> bool {
        !self.is_done && self.asked_at.elapsed() < GONE
    }

    fn standing(&self) -> Standing {
        Standing { request: self.request.clone(), taken: self.taken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str) -> DeviceName {
        format!("{name}.ana.officer.a.example").parse().unwrap()
    }

    #[tokio::test]
    async fn portions_pass_one_after_the_other() {
        let transfers = Transfers::default();
        let (phone, desk) = (device("phone"), device("desk"));
        let request = Bytes::from_static(b"request");
        let part = Bytes::from_static;
        let receive = async {
            transfers.ask(&phone, request.clone(), (0, false)).unwrap();
            assert_eq!(transfers.next(&phone, &request, 0).await, part(b"one"));
            transfers.ask(&phone, request.clone(), (3, false)).unwrap();
            assert_eq!(transfers.next(&phone, &request, 3).await, part(b"two"));
            // It asks again for what it has not written down, and is given the same.
            transfers.ask(&phone, request.clone(), (3, false)).unwrap();
            assert_eq!(transfers.next(&phone, &request, 3).await, part(b"two"));
            transfers.ask(&phone, request.clone(), (6, true)).unwrap();
            assert_eq!(transfers.standing(&phone), Standing::default(), "it asks no more");
        };
        let send = async {
            let standing = |taken| Standing { request: request.clone(), taken };
            assert_eq!(transfers.asked(&phone).await, standing(0));
            let bring = |from, portion| transfers.bring(&desk, &phone, from, part(portion));
            assert_eq!(bring(0, b"one").await, Ok(standing(3)));
            assert_eq!(
                bring(0, b"one").await,
                Ok(standing(3)),
                "what it has, it is not sent again"
            );
            assert_eq!(bring(3, b"two").await, Ok(standing(6)));
        };
        tokio::join!(receive, send);
    }

    #[tokio::test(start_paused = true)]
    async fn one_device_sends_and_whoever_left_is_sent_nothing() {
        let transfers = Transfers::default();
        let (phone, desk, pad) = (device("phone"), device("desk"), device("pad"));
        let bring = |sender, from| transfers.bring(sender, &phone, from, Bytes::from_static(b"x"));
        assert_eq!(bring(&desk, 0).await, Ok(Standing::default()), "it doesn't ask");
        transfers.ask(&phone, Bytes::from_static(b"request"), (0, false)).unwrap();
        assert_eq!(bring(&desk, 7).await.unwrap().taken, 0, "it has less");
        assert_eq!(bring(&pad, 0).await, Err(Busy::OtherSender));
        tokio::time::advance(GONE).await;
        assert_eq!(transfers.standing(&phone), Standing::default());
        // Whoever asks anew may be answered by another one.
        transfers.ask(&phone, Bytes::from_static(b"another"), (0, false)).unwrap();
        assert_eq!(bring(&pad, 7).await.unwrap().request, Bytes::from_static(b"another"));
        for number in 1..MOST {
            transfers.ask(&device(&format!("d{number}")), Bytes::new(), (0, false)).unwrap();
        }
        let one_more = transfers.ask(&device("last"), Bytes::new(), (0, false));
        assert_eq!(one_more, Err(Busy::Full));
    }
}
