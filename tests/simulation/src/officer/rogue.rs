//! A modified program on an officer's device, beside the honest one and on the same disk.

use std::sync::Arc;
use std::time::Duration;

use enlace_channel::channel::{Channel, Command};
use enlace_channel::mls::Backend;
use enlace_identity::entropy::Entropy;
use enlace_log::{ChannelId, Commitment, DeviceList, Seq};
use enlace_proto::method::Call;
use enlace_proto::relay::v1::{ErrorCode, LeasePurpose, LeaseRequest, SubmitRequest};
use enlace_test_rogue::{Parts, Rogue, in_another_envelope};
use enlace_transport::{
    CallError, Connection, Endpoint, Expected, HelloOffer, LocalIdentity, Target,
};

use super::OfficerNode;
use crate::network::Network;
use crate::plan::Misdeed;
use crate::world::{self, Credential, RELAY_PORT, World};

/// How long a relay may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a commit is tried: others may hold the lease, or come first.
const TRIES: usize = 12;

/// Bytes of a commit that is cut short.
const BEGINNING: usize = 200;

/// A modified program that has its socket.
pub struct Program {
    hand: Rogue,
    /// Everybody, by number.
    people: Vec<&'static Credential>,
    entropy: Entropy,
    endpoint: Endpoint,
    home: Target,
}

impl OfficerNode {
    /// The modified program, for one misdeed among `people`; `number` tells it from others.
    ///
    /// # Errors
    /// When the device does not run.
    pub fn rogue(
        &self,
        network: &Network,
        people: Vec<&'static Credential>,
        number: usize,
    ) -> anyhow::Result<Program> {
        let life = self.life.as_ref().filter(|life| life.power.is_on());
        let life = life.ok_or_else(|| anyhow::anyhow!("the device is down"))?;
        let world = World::get();
        let entropy = self.entropy.fork(&format!("rogue {number}"));
        let trust = world.trust(self.authority, self.clock.clone());
        let device = self.enrolled();
        let identity = LocalIdentity::new(&trust, &device.chain, device.key.clone())?;
        let endpoint = Endpoint::on_socket(
            network.open(self.node, 0, &life.power),
            life.runtime.clone(),
            entropy.fork("endpoint"),
            identity,
            trust,
        )?;
        let hand = Rogue::new(Parts {
            store: Box::new(self.disk.open()?),
            device,
            backend: Backend::with_entropy(entropy.fork("backend"))?,
            bundle: world.bundle(),
            clock: Arc::clone(&self.clock) as _,
        });
        let home = Target {
            expected: Expected::AnyRelayOf(world.authorities[self.authority].domain.clone()),
            addresses: vec![(world::relay_node(self.authority).ip().to_string(), RELAY_PORT)],
        };
        Ok(Program { hand, people, entropy, endpoint, home })
    }
}

impl Program {
    /// Does it, if it can be done; `lie` is what forged notes say. Returns the place that the hub
    /// gave it.
    ///
    /// # Errors
    /// Why it led nowhere.
    pub async fn run(
        mut self,
        channel: ChannelId,
        what: Misdeed,
        lie: &str,
    ) -> anyhow::Result<u64> {
        let dialled = self.endpoint.connect(&self.home, HelloOffer::default(), PATIENCE).await?;
        let home = dialled.connection;
        if what.is_breach() {
            return self.commit(&home, channel, what).await;
        }
        let request = self.item(channel, what, lie)?;
        Ok(call(&home, &request).await?.seq)
    }

    async fn commit(
        &mut self,
        home: &Connection,
        channel: ChannelId,
        what: Misdeed,
    ) -> anyhow::Result<u64> {
        for _ in 0..TRIES {
            let lease = LeaseRequest {
                channel: Some(channel.to_wire()),
                purpose: LeasePurpose::Removal.into(),
                ..LeaseRequest::default()
            };
            let leased = match call(home, &lease).await {
                Err(CallError::Refused(refusal)) if refusal.code == ErrorCode::LeaseHeld => {
                    tokio::time::sleep(refusal.retry_after.unwrap_or(PATIENCE)).await;
                    continue;
                }
                leased => leased?,
            };
            if !self.is_at(channel, leased.fence).await? {
                continue;
            }
            let request = self.breach(channel, what)?;
            match call(home, &request).await {
                Ok(accepted) => return Ok(accepted.seq),
                Err(CallError::Refused(refusal)) => {
                    self.hand.forget_commit(channel)?;
                    if refusal.code != ErrorCode::StaleFence {
                        return Err(CallError::Refused(refusal).into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        anyhow::bail!("others always came first")
    }

    /// Waits for the honest program to take in the log up to a fence.
    async fn is_at(&mut self, channel: ChannelId, fence: u64) -> anyhow::Result<bool> {
        for _ in 0..20 {
            let here = self.hand.read(channel, |_, channel| channel.fence())?;
            if here == Some(Seq(fence)) {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Ok(false)
    }

    /// A commit that every honest member has to void.
    fn breach(&mut self, channel: ChannelId, what: Misdeed) -> anyhow::Result<SubmitRequest> {
        let command = match what {
            Misdeed::Removal(whom) => Command::Remove(self.people[whom].address().clone()),
            Misdeed::Role(whom, rank) => {
                Command::SetRole(self.people[whom].address().clone(), rank.role())
            }
            Misdeed::Closing(closed) => Command::SetClosed(closed),
            _ => Command::SelfUpdate,
        };
        let claimed = match what {
            Misdeed::Removal(_) | Misdeed::Role(..) | Misdeed::Closing(_) => {
                anyhow::ensure!(self.hand.is_forbidden(channel, &command)?, "it is allowed");
                None
            }
            Misdeed::List(whom) => Some(self.list_without(channel, whom)?),
            _ => None,
        };
        let built = self.hand.build_commit(channel, &command, claimed)?;
        let payload = match what {
            Misdeed::Garbled => b"no MLS at all".to_vec(),
            Misdeed::CutShort => built.request.payload[..BEGINNING].to_vec(),
            _ => return Ok(built.request),
        };
        Ok(self.hand.with_payload(&built, &payload))
    }

    /// The devices of the group without somebody's.
    fn list_without(&mut self, channel: ChannelId, whom: usize) -> anyhow::Result<DeviceList> {
        let left_out = self.people[whom].device_name();
        let list = self.hand.read(channel, |_, channel| channel.devices())?;
        let claimed: DeviceList = list.iter().filter(|d| *d != left_out).cloned().collect();
        anyhow::ensure!(claimed != list, "{left_out} is not in the channel");
        anyhow::ensure!(left_out != self.hand.device(), "it would leave itself out");
        Ok(claimed)
    }

    /// An item that is no commit.
    fn item(
        &mut self,
        channel: ChannelId,
        what: Misdeed,
        lie: &str,
    ) -> anyhow::Result<SubmitRequest> {
        let Self { hand, people, .. } = self;
        Ok(match what {
            Misdeed::AnothersName(whom) => {
                let author = people[whom].device_name();
                let sign = |hand: &Rogue, of: &Channel| hand.sign_note_as(of, lie, author, channel);
                let entry = hand.read(channel, sign)?;
                hand.seal(channel, &entry)?.request
            }
            Misdeed::AnothersEnvelope(whom) => {
                let note = hand.build_note(channel, lie)?;
                let author = people[whom].device_name().clone();
                in_another_envelope(&note, |envelope| envelope.author = author.into())
            }
            Misdeed::Commitment => {
                let note = hand.build_note(channel, lie)?;
                let other = Commitment(self.entropy.bytes());
                in_another_envelope(&note, |envelope| envelope.commitment = other)
            }
            Misdeed::Quote => {
                let quoting = |hand: &Rogue, of: &Channel| {
                    hand.sign_note_quoting(of, lie, hand.false_quote(of))
                };
                let entry = hand.read(channel, quoting)?;
                hand.seal(channel, &entry)?.request
            }
            Misdeed::Contest => {
                let newest = hand.read(channel, |_, channel| channel.fence())?;
                let newest = newest.ok_or_else(|| anyhow::anyhow!("there is no change yet"))?;
                hand.build_contest(channel, newest)?.request
            }
            Misdeed::Late => {
                let is_closed = hand.read(channel, |_, channel| channel.policy().is_closed())?;
                anyhow::ensure!(is_closed, "the channel is open");
                hand.build_note(channel, lie)?.request
            }
            _ => anyhow::bail!("it is a commit"),
        })
    }
}

async fn call<C: Call>(connection: &Connection, request: &C) -> Result<C::Response, CallError> {
    connection.call(request, PATIENCE).await
}
