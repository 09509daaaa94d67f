//! Changes of a device list, and what a relay has stored of them.

use enlace_log::membership::Event;
use enlace_log::{DeviceList, ListChange, Membership};
use enlace_proto::relay::v1 as wire;

use crate::Outcome;
use crate::check::message;

/// Reads the input as a change, and as a sequence of stored events.
pub fn run(data: &[u8]) -> Outcome {
    let change = message::<wire::ListChange>(data);
    let change = change.and_then(|wire| Some((ListChange::try_from(&wire).ok()?, wire)));
    if let Some((change, wire)) = &change {
        assert_eq!(change.to_wire(), *wire, "a change that was read cannot be sent on");
        check_change(change);
    }
    let event = Event::decode(data);
    if let Ok(event) = &event {
        let again = Event::decode(&event.encode());
        assert_eq!(again.as_ref(), Ok(event), "an event that was read cannot be stored");
        let mut membership = Membership::default();
        membership.apply(event);
    }
    Outcome::when(change.is_some() || event.is_ok())
}

/// A change leads from one list to another, and back.
fn check_change(change: &ListChange) {
    let before: DeviceList = change.removed.iter().cloned().collect();
    let after = before.apply(change).expect("what is removed is there, what is added is not");
    assert_eq!(after, change.added.iter().cloned().collect());
    assert_eq!(before.change_to(&after), *change);
    assert_eq!(before.hash() == after.hash(), change.is_empty());
}
