//! What flows over a subscription: events to the subscriber, controls to the relay.
//!
//! Input: a byte that says which of both, then the message.

use enlace_log::ChannelId;
use enlace_proto::relay::v1::{
    self as wire, subscription_control::Control, subscription_event::Event,
};

use super::responses::{chain_of, head_certificate, replicate};
use super::{items, requests};
use crate::Outcome;
use crate::check::{message, outcome};

/// Reads an event or a control.
pub fn run(data: &[u8]) -> Outcome {
    match data {
        [0, body @ ..] => outcome(&event(body)),
        [_, body @ ..] => outcome(&message(body).and_then(|control| obey(&control))),
        [] => Outcome::Refused,
    }
}

/// Reads an event as a client and a follower do.
pub(super) fn event(body: &[u8]) -> Option<()> {
    match message::<wire::SubscriptionEvent>(body)?.event? {
        Event::Items(batch) => {
            id(batch.channel.as_ref())?;
            replicate(&wire::FetchRangeResponse { items: batch.items, head: batch.head })
        }
        Event::Welcome(delivery) => {
            id(delivery.channel.as_ref())?;
            let commit = delivery.commit?;
            chain_of(&commit)?;
            items::read_item(commit)?;
            head_certificate(&delivery.head_certificates)
        }
        Event::HeadCertificate(certificate) => head_certificate(&certificate.certificates),
        Event::Ended(ended) => id(ended.channel.as_ref()),
        Event::Behind(behind) => id(behind.channel.as_ref()),
        Event::Crls(crls) => {
            requests::take_crls(&crls.crls);
            Some(())
        }
        Event::Bundle(signed) => requests::successor(&signed),
        Event::HubVotes(votes) => requests::votes(&votes),
    }
}

fn obey(control: &wire::SubscriptionControl) -> Option<()> {
    match control.control.as_ref()? {
        Control::Follow(cursor) => id(cursor.channel.as_ref()),
        Control::Acknowledge(taken) => id(taken.channel.as_ref()),
        Control::Welcome(taken) => id(taken.channel.as_ref()),
        Control::Unfollow(channel) => id(Some(channel)),
    }
}

fn id(channel: Option<&wire::ChannelId>) -> Option<()> {
    ChannelId::try_from(&channel?.value[..]).ok().map(drop)
}
