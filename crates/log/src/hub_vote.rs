//! Votes by which a channel moves to another hub (PROTOCOL.md §3.19, §6.9).
//!
//! A vote binds one state of the group: it names the newest commit item, and counts only while that
//! is the newest. So the device list is the one that the voter saw, and nobody brings a vote again
//! after the next commit.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use enlace_identity::canonical::{DecodeError, Reader, Writer};
use enlace_identity::certificate::UnverifiedChain;
use enlace_identity::certified::Certified;
use enlace_identity::keys::{PublicKey, SigningKey};
use enlace_identity::names::{DeviceName, Domain};

use crate::device_list::DeviceList;
use crate::ids::{ChannelId, Seq, seq_from_u64};

const LABEL: &str = "enlace hub vote v1";
const SIGNED_LABEL: &str = "enlace signed hub vote v1";

/// What a device wants: that a channel goes on at another hub.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HubVote {
    /// The channel.
    pub channel: ChannelId,
    /// The authority whose relay orders it now.
    pub from: Domain,
    /// The authority whose relay is to order it.
    pub to: Domain,
    /// The newest commit item that the voter has processed.
    pub fence: Seq,
}

impl HubVote {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new(LABEL)
            .fixed(&self.channel.0)
            .bytes(self.from.as_str().as_bytes())
            .bytes(self.to.as_str().as_bytes())
            .u64(self.fence.0)
            .finish()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Whatever an honest device would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(LABEL, bytes)?;
        let vote = Self {
            channel: ChannelId(r.fixed()?),
            from: r.text()?.parse().map_err(|_| DecodeError::Value("from"))?,
            to: r.text()?.parse().map_err(|_| DecodeError::Value("to"))?,
            fence: seq_from_u64("fence", r.u64()?)?.ok_or(DecodeError::Value("fence"))?,
        };
        r.finish()?;
        if vote.from == vote.to { Err(DecodeError::Value("to")) } else { Ok(vote) }
    }
}

/// A vote with a signature and certificates that nobody has verified yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedHubVote {
    vote: HubVote,
    certified: Certified,
}

/// A vote that is known to be a device's; the vote is reached by dereferencing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedHubVote {
    device: DeviceName,
    signed: SignedHubVote,
}

impl SignedHubVote {
    /// The longest encoded form, in bytes.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Signs a vote with the device key whose certificates are `chain`.
    #[must_use]
    pub fn sign(vote: HubVote, key: &SigningKey, chain: UnverifiedChain) -> Self {
        Self { certified: Certified::sign(vote.encode(), key, chain), vote }
    }

    /// The bytes of the file, as they also travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.certified.encode(SIGNED_LABEL)
    }

    /// Reads those bytes; nothing is verified.
    ///
    /// # Errors
    /// Whatever an honest device would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let certified = Certified::decode(SIGNED_LABEL, bytes, Self::MAX_BYTES)?;
        Ok(Self { vote: HubVote::decode(certified.unverified_statement())?, certified })
    }

    /// What it claims.
    #[must_use]
    pub fn unverified_vote(&self) -> &HubVote {
        &self.vote
    }

    /// The certificates of the key that it claims to be signed with.
    #[must_use]
    pub fn chain(&self) -> &UnverifiedChain {
        self.certified.chain()
    }

    /// Checks the signature. The caller has verified [`Self::chain`] for a device, or knows the key in
    /// the device's present leaf.
    ///
    /// # Errors
    /// [`HubVoteError::Signature`].
    pub fn verify(
        self,
        device: DeviceName,
        key: &PublicKey,
    ) -> Result<VerifiedHubVote, HubVoteError> {
        self.certified.verify(key).map_err(|_| HubVoteError::Signature)?;
        Ok(VerifiedHubVote { device, signed: self })
    }
}

impl VerifiedHubVote {
    /// Whose it is.
    #[must_use]
    pub fn device(&self) -> &DeviceName {
        &self.device
    }

    /// With its signature, to be sent or kept.
    #[must_use]
    pub fn signed(&self) -> &SignedHubVote {
        &self.signed
    }
}

impl Deref for VerifiedHubVote {
    type Target = HubVote;

    fn deref(&self) -> &HubVote {
        &self.signed.vote
    }
}

/// Which domain an authority has now, by each that it had before. Of any other domain an authority
/// is its own.
pub type FormerDomains = BTreeMap<Domain, Domain>;

/// Whether these voters are of more than half of the authorities on a list. Whoever is not on it
/// counts for nothing; an authority with several domains is one.
#[must_use]
pub fn is_majority<'a>(
    voters: impl IntoIterator<Item = &'a DeviceName>,
    list: &'a DeviceList,
    former: &'a FormerDomains,
) -> bool {
    let on_list = voters.into_iter().filter(|device| list.contains(device));
    2 * authorities_of(on_list, former).len() > authorities_of(list.iter(), former).len()
}

/// The authorities that devices are of, each by its present domain.
pub fn authorities_of<'a>(
    devices: impl IntoIterator<Item = &'a DeviceName>,
    former: &'a FormerDomains,
) -> BTreeSet<&'a Domain> {
    let domains = devices.into_iter().map(DeviceName::domain);
    domains.map(|domain| former.get(domain).unwrap_or(domain)).collect()
}

/// The votes among these that are about one move of a channel, each voter's once, by name.
pub fn votes_for<'a>(
    votes: impl IntoIterator<Item = &'a VerifiedHubVote>,
    wanted: &HubVote,
) -> Vec<&'a VerifiedHubVote> {
    let fitting = votes.into_iter().filter(|vote| ***vote == *wanted);
    let by_name: BTreeMap<_, _> = fitting.map(|vote| (vote.device(), vote)).collect();
    by_name.into_values().collect()
}

/// Why a vote is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HubVoteError {
    /// The bytes are no vote.
    #[error("this is not a vote about a channel's hub: {0}")]
    Decode(#[from] DecodeError),
    /// The signature does not fit.
    #[error("the signature of the vote does not fit")]
    Signature,
}

#[cfg(test)]
mod tests;
