//! `PublishHubVotes`: members' votes for moving a channel to another hub, by an own device or from
//! another authority's relay, which passes on what it has.

use enlace_log::{SignedHubVote, TakeOver, VerifiedHubVote};
use enlace_proto::relay::v1::{ErrorCode, PublishHubVotesRequest, PublishHubVotesResponse};
use enlace_transport::Refusal;
use tracing::debug;

use super::refusals::{channel_id, internal, malformed, unreadable};
use super::{Caller, Handle, Peer};
use crate::federation::moving;
use crate::hub::{DeviceTrust as _, ReadError, VoteRefused};

impl Handle for PublishHubVotesRequest {
    async fn handle(self, caller: &Caller) -> Result<PublishHubVotesResponse, Refusal> {
        caller.unless_stopping()?;
        let context = caller.context();
        let votes = self.votes.ok_or_else(|| malformed("the votes are missing"))?;
        let channel = channel_id(votes.channel.as_ref())?;
        if votes.votes.len() > TakeOver::MAX_VOTES {
            return Err(malformed("too many votes"));
        }
        let read = votes.votes.iter().map(|vote| SignedHubVote::decode(vote));
        let read = read.collect::<Result<Vec<_>, _>>();
        let read = read.map_err(|_| malformed("a vote cannot be read"))?;
        // Who may not read a channel learns not even whether it is here.
        let readers = context.hub().query(move |storage| storage.readers(&channel)).await;
        let readers = readers.map_err(|error| unreadable(&error))?;
        let is_member =
            readers.iter().filter(|(_, range)| range.to.is_none()).any(|(device, _)| match caller
                .peer()
            {
                Peer::Device(own) => own == device,
                Peer::Relay(relay) => relay.domain() == device.domain(),
            });
        if !is_member {
            return Err(unreadable(&ReadError::UnknownChannel));
        }
        let (mut verified, mut refusal) = (Vec::new(), None);
        for vote in read {
            match verify(caller, vote) {
                Ok(vote) => verified.push(vote),
                Err(refused) => refusal = Some(refused),
            }
        }
        let moving = moving::take(context, channel, verified.clone()).await;
        let moving = moving.map_err(|_| internal("the relay's storage failed"))?;
        let moving = moving.unwrap_or_default();
        match caller.peer() {
            // A relay passes on what it has, whatever each is worth here.
            Peer::Relay(relay) => {
                moving::ask_further(context, relay.domain(), channel, verified, &moving).await;
            }
            Peer::Device(_) if moving.next.is_none() && !moving.is_news => {
                let refused = moving.refused.as_ref().map(refused);
                if let Some(refusal) = refused.or(refusal) {
                    return Err(refusal);
                }
            }
            Peer::Device(_) => {}
        }
        Ok(PublishHubVotesResponse {})
    }
}

fn verify(caller: &Caller, vote: SignedHubVote) -> Result<VerifiedHubVote, Refusal> {
    let certified = caller.context().device_trust().device_key(vote.chain());
    let (device, key) = certified.map_err(|error| {
        debug!(%error, "a vote's certificate does not hold");
        Refusal::new(error.code(), error.to_string())
    })?;
    vote.verify(device, &key)
        .map_err(|error| Refusal::new(ErrorCode::BadEnvelope, error.to_string()))
}

/// Why a device's votes came to nothing.
fn refused(error: &VoteRefused) -> Refusal {
    let code = match error {
        VoteRefused::NotAMember => ErrorCode::NotAMember,
        VoteRefused::Fence(_) => ErrorCode::StaleFence,
        VoteRefused::OtherChannel | VoteRefused::OtherHub(_) | VoteRefused::NoMembers(_) => {
            ErrorCode::BadEnvelope
        }
    };
    let fence = match error {
        VoteRefused::Fence(fence) => *fence,
        _ => None,
    };
    Refusal { fence: enlace_log::ids::seq_to_u64(fence), ..Refusal::new(code, error.to_string()) }
}
