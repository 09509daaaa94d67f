//! What must hold of the members of a channel, whatever an adversary did.

use enlace_channel::mls::EpochAuthenticator;
use enlace_channel::policy::Policy;
use enlace_client::Client;
use enlace_client::store::ChannelStanding;
use enlace_log::{ChannelId, Seq};

use crate::{Officer, soon};

/// What all members of an epoch must have alike.
#[derive(PartialEq)]
struct State {
    authenticator: EpochAuthenticator,
    policy: Policy,
    fence: Option<Seq>,
    next: Seq,
}

/// Those who are members, as they see it themselves.
#[must_use]
pub fn inside(officers: &[Officer], channel: ChannelId) -> Vec<usize> {
    let is_in = |index: &usize| {
        let details = officers[*index].client().show(channel).unwrap();
        details.is_some_and(|details| details.row.standing != ChannelStanding::Removed)
    };
    (0..officers.len()).filter(is_in).collect()
}

/// Every member writes something that all the others read, and all are in the same state.
///
/// # Panics
/// When that is not so.
pub async fn assert_healthy(officers: &[Officer], channel: ChannelId) {
    let inside = inside(officers, channel);
    let mut said = Vec::new();
    for &index in &inside {
        let officer = &officers[index];
        let text = format!("{} still writes at {}", officer.address(), next(officer, channel));
        officer.accepted(officer.post(channel, &text)).await;
        said.push(text);
    }
    for &index in &inside {
        for text in &said {
            officers[index].reads(channel, text).await;
        }
    }
    assert_same_state(officers, channel, &inside).await;
}

/// These members come to the same state: epoch, policy, fence and position.
///
/// # Panics
/// When they don't.
pub async fn assert_same_state(officers: &[Officer], channel: ChannelId, inside: &[usize]) {
    let agree = async {
        loop {
            let states: Vec<State> =
                inside.iter().map(|index| state(&officers[*index], channel)).collect();
            let last = states.iter().map(|state| state.next).max().unwrap();
            if states.iter().all(|state| state.next == last) {
                for (state, index) in states.iter().zip(inside) {
                    let who = officers[*index].address();
                    assert!(*state == states[0], "{who} is in another state at {last}");
                }
                return;
            }
            for index in inside {
                let is_there = |client: &Client| {
                    let next = client.show(channel).unwrap().unwrap().next;
                    (next >= last).then_some(())
                };
                officers[*index].until(&format!("position {last}"), is_there).await;
            }
        }
    };
    soon("the members come to one position", agree).await;
}

fn next(officer: &Officer, channel: ChannelId) -> Seq {
    officer.client().show(channel).unwrap().unwrap().next
}

fn state(officer: &Officer, channel: ChannelId) -> State {
    let details = officer.client().show(channel).unwrap().unwrap();
    State {
        authenticator: details.authenticator,
        policy: details.policy,
        fence: details.fence,
        next: details.next,
    }
}
