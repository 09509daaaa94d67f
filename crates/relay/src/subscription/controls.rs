//! What a subscriber says, read beside what it is sent, so that neither wakes the other.

use std::pin::Pin;

use enlace_proto::relay::v1::{SubscriptionControl, subscription_control::Control};
use enlace_transport::FrameReceiver;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

/// Controls that were read and not obeyed: while there are so many, nothing more is read.
const AHEAD: usize = 1;

/// Does something with what the subscriber says; that ends when it will say nothing more.
pub(super) async fn beside<'a, T: Send, F: Future<Output = T> + Send + 'a>(
    controls: FrameReceiver<SubscriptionControl>,
    work: impl FnOnce(mpsc::Receiver<Control>) -> F,
) -> T {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let work = work(receiver);
    let mut both: FuturesUnordered<Pin<Box<dyn Future<Output = Option<T>> + Send + 'a>>> =
        FuturesUnordered::new();
    both.push(Box::pin(async {
        read(controls, sender).await;
        None
    }));
    both.push(Box::pin(async { Some(work.await) }));
    loop {
        match both.next().await {
            Some(Some(done)) => return done,
            Some(None) => {}
            // The work is among them until it is done.
            None => std::future::pending().await,
        }
    }
}

/// Cursors are the subscriber's to keep: what it acknowledges frees nothing here, and goes no
/// further.
async fn read(mut controls: FrameReceiver<SubscriptionControl>, said: mpsc::Sender<Control>) {
    while let Ok(Some(SubscriptionControl { control })) = controls.next().await {
        match control {
            Some(Control::Acknowledge(_)) | None => {}
            Some(control) => {
                if said.send(control).await.is_err() {
                    return;
                }
            }
        }
    }
}
