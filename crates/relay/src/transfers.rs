//! Histories that pass from one device of an officer to another (PROTOCOL.md §5.12): one portion of
//! each is in memory while the two are there, and nothing is stored.

use std::collections::BTreeMap;
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

/// So long the sending device may fetch the receipt: it may be away, or the other one busy with
/// what it has.
const KEPT: Duration = Duration::from_secs(10 * 60);

/// So many devices may receive at once, and of so many others the receipt is kept.
const MOST: usize = 64;

/// The devices that receive a history now, or did just now.
#[derive(Debug, Default)]
pub(crate) struct Transfers(watch::Sender<ByDevice>);

type ByDevice = BTreeMap<DeviceName, Transfer>;

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
    /// Its receipt, empty until that comes, if the device has all of it.
    done: Option<Bytes>,
    /// Whether whoever sent has lost it, so that the rest never comes.
    is_lost: bool,
}

/// What a receiving device says.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Its signed request.
    pub(crate) request: Bytes,
    /// How many bytes it has.
    pub(crate) taken: u64,
    /// Its receipt, which may be empty, if it has all of it.
    pub(crate) done: Option<Bytes>,
}

/// Where a transfer stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Standing {
    /// The receiving device's request; empty when it doesn't ask.
    pub(crate) request: Bytes,
    /// How many bytes it has.
    pub(crate) taken: u64,
    /// Its receipt; empty until that has come.
    pub(crate) receipt: Bytes,
    /// How many bytes that follow are held for it.
    pub(crate) held: u64,
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
    /// A device asks for its history, or says that it has it.
    pub(crate) fn ask(&self, device: &DeviceName, ask: Ask) -> Result<(), Busy> {
        let now = Instant::now();
        let mut outcome = Ok(());
        self.0.send_if_modified(|transfers| {
            let was_pruned = prune(transfers, now);
            if let Some(known) = transfers.get_mut(device).filter(|t| t.request == ask.request) {
                return known.go_on(ask, now) | was_pruned;
            }
            let at_once = transfers.values().filter(|transfer| transfer.done.is_none()).count();
            if ask.done.is_none() && !transfers.contains_key(device) && at_once >= MOST {
                outcome = Err(Busy::Full);
                return was_pruned;
            }
            let Ask { request, taken, done } = ask;
            let (sender, portion, asked_at) = (None, Bytes::new(), now);
            let is_lost = false;
            let transfer = Transfer { request, taken, sender, portion, asked_at, done, is_lost };
            transfers.insert(device.clone(), transfer);
            true
        });
        outcome
    }

    /// Waits for what a device is sent next; empty where it has asked anew meanwhile.
    pub(crate) async fn next(&self, device: &DeviceName, request: &Bytes, taken: u64) -> Bytes {
        let brought = |transfers: &ByDevice| match transfers.get(device) {
            Some(t) if t.request == *request && t.taken == taken => {
                (!t.portion.is_empty()).then(|| t.portion.clone())
            }
            _ => Some(Bytes::new()),
        };
        self.0.subscribe().wait_until(brought).await.unwrap_or_default()
    }

    /// Whether the rest of what a device has asked for never comes.
    pub(crate) fn is_lost(&self, device: &DeviceName, request: &Bytes) -> bool {
        let transfers = self.0.borrow();
        transfers.get(device).is_some_and(|t| t.is_lost && t.request == *request)
    }

    /// The device that sent a part of something has lost the rest: the other one is to ask anew.
    pub(crate) fn lose(&self, sender: &DeviceName, device: &DeviceName) {
        self.0.send_if_modified(|transfers| {
            let Some(transfer) = transfers.get_mut(device) else { return false };
            let has_part = transfer.taken > 0 || !transfer.portion.is_empty();
            let is_theirs = transfer.sender.as_ref().is_none_or(|theirs| theirs == sender);
            let is_lost = has_part && is_theirs && transfer.done.is_none() && !transfer.is_lost;
            if is_lost {
                (transfer.is_lost, transfer.portion) = (true, Bytes::new());
            }
            is_lost
        });
    }

    /// Waits until a device asks for what isn't here: as long as what `sender` brought from `from` on is
    /// held for it, or, where it has all of it, until its receipt is there.
    pub(crate) async fn asked(
        &self,
        sender: &DeviceName,
        device: &DeviceName,
        from: u64,
    ) -> Standing {
        let asks = |transfers: &ByDevice| {
            let transfer = transfers.get(device).filter(|t| t.shows(sender, from))?;
            let is_held = !transfer.portion.is_empty() && transfer.sender.as_ref() == Some(sender);
            let is_busy = is_held || transfer.done.as_ref().is_some_and(Bytes::is_empty);
            (!is_busy || transfer.taken != from).then(|| transfer.standing())
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
            let is_next = transfer.taken == from && transfer.done.is_none() && !transfer.is_lost;
            if is_next {
                transfer.portion = portion;
            }
            is_next
        });
        outcome?;
        let moved_on = |transfers: &ByDevice| match transfers.get(device) {
            Some(transfer) if transfer.taken == from && transfer.done.is_none() => None,
            Some(transfer) => Some(transfer.standing()),
            None => Some(Standing::default()),
        };
        Ok(self.0.subscribe().wait_until(moved_on).await.unwrap_or_default())
    }

    /// Where a device's transfer stands now, for one that brought what it has up to `from`.
    pub(crate) fn standing(&self, sender: &DeviceName, device: &DeviceName, from: u64) -> Standing {
        let transfers = self.0.borrow();
        let transfer = transfers.get(device).filter(|transfer| transfer.shows(sender, from));
        transfer.map(Transfer::standing).unwrap_or_default()
    }

    /// Forgets whoever is gone, for as long as the relay runs.
    pub(crate) async fn tidy(&self) {
        let next = |transfers: &ByDevice| transfers.values().map(Transfer::ends_at).min();
        while let Ok(end) = self.0.subscribe().wait_until(next).await {
            tokio::time::sleep_until(end).await;
            self.0.send_if_modified(|transfers| prune(transfers, Instant::now()));
        }
    }
}

impl Transfer {
    /// The device says more of the same; whether that changes anything. What is done stays done.
    fn go_on(&mut self, ask: Ask, now: Instant) -> bool {
        if self.done.is_some() && ask.done.is_none() {
            return false;
        }
        self.asked_at = now;
        let is_new = self.taken != ask.taken || self.done != ask.done;
        if is_new {
            (self.taken, self.done, self.portion) = (ask.taken, ask.done, Bytes::new());
        }
        is_new
    }

    fn ends_at(&self) -> Instant {
        self.asked_at + if self.done.is_none() { GONE } else { KEPT }
    }

    /// Whether a device is told of it that has brought what comes before `from`: what is done
    /// concerns nobody but who sent it.
    fn shows(&self, sender: &DeviceName, from: u64) -> bool {
        let is_theirs = || from > 0 && self.sender.as_ref().is_none_or(|theirs| theirs == sender);
        let is_shown = !self.is_lost && (self.done.is_none() || is_theirs());
        Instant::now() < self.ends_at() && is_shown
    }

    fn standing(&self) -> Standing {
        let receipt = self.done.clone().unwrap_or_default();
        let (request, held) = (self.request.clone(), self.portion.len() as u64);
        Standing { request, taken: self.taken, receipt, held }
    }
}

/// Whether something was forgotten: whoever is gone, and the oldest receipts beyond what is kept.
fn prune(transfers: &mut ByDevice, now: Instant) -> bool {
    let before = transfers.len();
    transfers.retain(|_, transfer| now < transfer.ends_at());
    let done = |transfers: &ByDevice| {
        let done = transfers.iter().filter(|(_, transfer)| transfer.done.is_some());
        let done: Vec<_> = done.map(|(name, transfer)| (transfer.asked_at, name.clone())).collect();
        (done.len() > MOST).then(|| done.into_iter().min())?
    };
    while let Some((_, oldest)) = done(transfers) {
        transfers.remove(&oldest);
    }
    transfers.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(request: &'static [u8], taken: u64, done: Option<&'static [u8]>) -> Ask {
        let request = Bytes::from_static(request);
        Ask { request, taken, done: done.map(Bytes::from_static) }
    }

    fn device(name: &str) -> DeviceName {
        format!("{name}.ana.officer.a.example").parse().unwrap()
    }

    fn nothing() -> Standing {
        Standing::default()
    }

    #[tokio::test]
    async fn portions_pass_one_after_the_other() {
        let transfers = Transfers::default();
        let (phone, desk, pad) = (device("phone"), device("desk"), device("pad"));
        let request = Bytes::from_static(b"request");
        let part = Bytes::from_static;
        let receive = async {
            transfers.ask(&phone, ask(b"request", 0, None)).unwrap();
            assert_eq!(transfers.next(&phone, &request, 0).await, part(b"one"));
            transfers.ask(&phone, ask(b"request", 3, None)).unwrap();
            assert_eq!(transfers.next(&phone, &request, 3).await, part(b"two"));
            // It asks again for what it has not written down, and is given the same.
            transfers.ask(&phone, ask(b"request", 3, None)).unwrap();
            assert_eq!(transfers.next(&phone, &request, 3).await, part(b"two"));
            transfers.ask(&phone, ask(b"request", 6, Some(b""))).unwrap();
            transfers.ask(&phone, ask(b"request", 6, Some(b"receipt"))).unwrap();
        };
        let send = async {
            let standing = |taken| Standing { request: request.clone(), taken, ..nothing() };
            assert_eq!(transfers.asked(&desk, &phone, 0).await, standing(0));
            let bring = |from, portion| transfers.bring(&desk, &phone, from, part(portion));
            assert_eq!(bring(0, b"one").await, Ok(standing(3)));
            assert_eq!(
                bring(0, b"one").await,
                Ok(standing(3)),
                "what it has, it is not sent again"
            );
            assert_eq!(bring(3, b"two").await.unwrap().taken, 6);
            let done = Standing { receipt: part(b"receipt"), ..standing(6) };
            assert_eq!(transfers.asked(&desk, &phone, 6).await, done);
            assert_eq!(transfers.standing(&desk, &phone, 3), done, "if it had missed that");
            assert_eq!(transfers.standing(&desk, &phone, 0), nothing(), "it asks no more");
            assert_eq!(transfers.standing(&pad, &phone, 6), nothing(), "nor ever asked that one");
        };
        tokio::join!(receive, send);
    }

    #[tokio::test(start_paused = true)]
    async fn one_device_sends_and_whoever_left_is_sent_nothing() {
        let transfers = Transfers::default();
        let (phone, desk, pad) = (device("phone"), device("desk"), device("pad"));
        let bring = |sender, from| transfers.bring(sender, &phone, from, Bytes::from_static(b"x"));
        assert_eq!(bring(&desk, 0).await, Ok(Standing::default()), "it doesn't ask");
        transfers.ask(&phone, ask(b"request", 0, None)).unwrap();
        assert_eq!(bring(&desk, 7).await.unwrap().taken, 0, "it has less");
        assert_eq!(bring(&pad, 0).await, Err(Busy::OtherSender));
        tokio::time::advance(GONE).await;
        assert_eq!(transfers.standing(&desk, &phone, 0), nothing());
        // Whoever asks anew may be answered by another one.
        transfers.ask(&phone, ask(b"another", 0, None)).unwrap();
        assert_eq!(bring(&pad, 7).await.unwrap().request, Bytes::from_static(b"another"));
        for number in 1..MOST {
            transfers.ask(&device(&format!("d{number}")), ask(b"", 0, None)).unwrap();
        }
        let one_more = || transfers.ask(&device("last"), ask(b"", 0, None));
        assert_eq!(one_more(), Err(Busy::Full));
        // Whoever has all of it makes room, and what it was sent is forgotten.
        let brought = bring(&pad, 0);
        let done = async { transfers.ask(&phone, ask(b"another", 1, Some(b""))) };
        tokio::join!(async { brought.await.unwrap() }, done).1.unwrap();
        assert!(transfers.0.borrow()[&phone].portion.is_empty());
        assert_eq!(one_more(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_is_not_brought_again() {
        let transfers = Transfers::default();
        let (phone, desk, pad) = (device("phone"), device("desk"), device("pad"));
        transfers.ask(&phone, ask(b"request", 0, None)).unwrap();
        let brought = transfers.bring(&desk, &phone, 0, Bytes::from_static(b"slow"));
        tokio::time::timeout(WAIT, brought).await.unwrap_err();
        assert_eq!(transfers.standing(&desk, &phone, 0).held, 4);
        // Whoever brought it waits; another one is told.
        let waiting = transfers.asked(&desk, &phone, 0);
        tokio::pin!(waiting);
        tokio::time::timeout(WAIT, &mut waiting).await.unwrap_err();
        assert_eq!(transfers.asked(&pad, &phone, 0).await.held, 4);
        transfers.ask(&phone, ask(b"request", 4, None)).unwrap();
        let Standing { taken, held, .. } = waiting.await;
        assert_eq!((taken, held), (4, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_lost_what_it_sent_has_the_other_one_begin_anew() {
        let transfers = Transfers::default();
        let (phone, desk, pad) = (device("phone"), device("desk"), device("pad"));
        let request = Bytes::from_static(b"request");
        transfers.ask(&phone, ask(b"request", 0, None)).unwrap();
        // Nothing was brought yet: nothing can be lost.
        transfers.lose(&desk, &phone);
        assert!(!transfers.is_lost(&phone, &request));
        let brought = transfers.bring(&desk, &phone, 0, Bytes::from_static(b"part"));
        tokio::time::timeout(WAIT, brought).await.unwrap_err();
        transfers.lose(&pad, &phone);
        assert!(!transfers.is_lost(&phone, &request), "it is not that one's to lose");
        transfers.ask(&phone, ask(b"request", 4, None)).unwrap();
        transfers.lose(&desk, &phone);
        assert!(transfers.is_lost(&phone, &request));
        assert_eq!(transfers.standing(&desk, &phone, 4), nothing(), "it waits for another request");
        transfers.ask(&phone, ask(b"another", 0, None)).unwrap();
        assert!(!transfers.is_lost(&phone, &Bytes::from_static(b"another")));
        assert_eq!(transfers.asked(&desk, &phone, 0).await.request, Bytes::from_static(b"another"));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_gone_is_forgotten_though_nobody_asks() {
        let transfers = Transfers::default();
        let tidying = transfers.tidy();
        let asking = async {
            transfers.ask(&device("phone"), ask(b"request", 0, None)).unwrap();
            transfers.ask(&device("pad"), ask(b"request", 9, Some(b"receipt"))).unwrap();
            let left = || transfers.0.borrow().len();
            for (after, expected) in [(GONE / 2, 2), (GONE, 1), (KEPT, 0)] {
                tokio::time::sleep(after).await;
                assert_eq!(left(), expected, "{after:?}");
            }
            // Of those who are done the newest are kept.
            for number in 0..2 * MOST {
                let name = device(&format!("d{number}"));
                transfers.ask(&name, ask(b"request", 9, Some(b""))).unwrap();
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            transfers.ask(&device("phone"), ask(b"request", 0, None)).unwrap();
            assert_eq!(left(), MOST + 1);
            assert!(!transfers.0.borrow().contains_key(&device("d0")));
        };
        tokio::select! {
            biased;
            () = tidying => unreachable!("it goes on for ever"),
            () = asking => {}
        }
    }
}
