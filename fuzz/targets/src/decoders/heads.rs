//! Signed heads, and heads as entries and commits quote them.

use enlace_log::{Head, QuotedHead, SignedHead};
use enlace_proto::relay::v1 as wire;

use crate::check::{canonical, message};
use crate::scene::{Log, network};
use crate::{Outcome, check};

/// A head verifies only if the hub has signed it.
pub fn run(data: &[u8]) -> Outcome {
    let bare = canonical(data, Head::decode, Head::encode);
    let quoted = canonical(data, QuotedHead::decode, QuotedHead::encode);
    if let Ok(quoted) = &quoted {
        verify(quoted.clone().into_signed());
    }
    let signed = message::<wire::SignedHead>(data);
    let signed = signed.and_then(|wire| Some((from_wire(&wire)?, wire)));
    if let Some((head, wire)) = &signed {
        assert_eq!(head.to_wire(), *wire);
        verify(head.clone());
    }
    Outcome::of(&bare).or(Outcome::of(&quoted)).or(check::outcome(&signed))
}

/// A head of the channel that all targets share, as it travels.
pub(super) fn from_wire(head: &wire::SignedHead) -> Option<SignedHead> {
    SignedHead::from_wire(Log::channel(), head).ok()
}

/// Expects a head that verifies to be one of the log's.
pub(super) fn verify(head: SignedHead) {
    let key = network().a.head_key().public();
    if let Ok(verified) = head.verify(&key) {
        assert!(Log::shared().signed(verified.head()), "a head that its hub never signed");
    }
}
