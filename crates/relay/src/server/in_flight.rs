//! Calls that are being answered: the relay does not stop in the middle of one.

use enlace_transport::watch;

/// Counts calls in progress.
#[derive(Debug, Default)]
pub(crate) struct InFlight(watch::Sender<usize>);

/// One call in progress.
#[derive(Debug)]
pub(crate) struct Ongoing<'c>(&'c InFlight);

impl InFlight {
    /// A call begins; it ends with the value returned.
    pub(crate) fn begin(&self) -> Ongoing<'_> {
        self.0.send_modify(|count| *count += 1);
        Ongoing(self)
    }

    /// Waits until no call is in progress.
    pub(crate) async fn none(&self) {
        // The sender is in `self`, so the channel is open.
        let _ = self.0.subscribe().wait_until(|count| (*count == 0).then_some(())).await;
    }
}

impl Drop for Ongoing<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
