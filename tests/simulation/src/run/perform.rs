//! Plays a plan's operations at their times.

use std::collections::BTreeMap;
use std::time::Duration;

use enlace_channel::entry::{HandlingCode, TimeZone};
use enlace_client::engine::{NewChannel, NewNote};
use enlace_client::store::ChannelStanding;
use enlace_identity::certificate::Serial;
use enlace_log::ChannelId;
use enlace_relay::storage::CommitFault;
use tokio::time::Instant;

use super::nodes::Nodes;
use crate::facts::Wish;
use crate::network::Listener;
use crate::officer::short;
use crate::plan::{Operation, Plan};
use crate::world::World;

/// When a program that does not start is started again.
const AGAIN: Duration = Duration::from_secs(3);

/// What comes after a crash.
#[derive(Clone, Copy, Debug)]
enum Restart {
    Relay(usize),
    Officer(usize),
}

impl Nodes {
    /// Plays all of it, and ends when the plan does.
    pub(super) async fn perform(&mut self, plan: &Plan) {
        let mut restarts: BTreeMap<(Instant, usize), Restart> = BTreeMap::new();
        let mut operations = plan.operations.iter().peekable();
        loop {
            let next = operations.peek().map(|timed| self.began + timed.at);
            let restart = restarts.first_key_value().map(|(key, restart)| (*key, *restart));
            match (next, restart) {
                (None, None) => break,
                (next, Some((key, restart))) if next.is_none_or(|next| key.0 <= next) => {
                    restarts.remove(&key);
                    tokio::time::sleep_until(key.0).await;
                    if !self.restart(restart).await {
                        restarts.insert((key.0 + AGAIN, restarts.len()), restart);
                    }
                }
                (Some(next), _) => {
                    tokio::time::sleep_until(next).await;
                    let Some(timed) = operations.next() else { break };
                    let what = &timed.what;
                    match self.play(what).await {
                        Ok(()) => {
                            self.performed += 1;
                            self.journal.operation(what.to_string());
                        }
                        Err(why) => {
                            self.journal.operation(format!("{what}: not possible, {why:#}"))
                        }
                    }
                    let restart = match what {
                        Operation::CrashRelay { authority, down, .. }
                        | Operation::Restore { authority, down }
                        | Operation::StopRelay { authority, down } => {
                            Some((*down, Restart::Relay(*authority)))
                        }
                        Operation::CrashDevice { who, down, .. } => {
                            Some((*down, Restart::Officer(*who)))
                        }
                        _ => None,
                    };
                    if let Some((down, restart)) = restart {
                        restarts.insert((next + down, restarts.len()), restart);
                    }
                }
                (None, Some(_)) => unreachable!("a restart without an operation after it is due"),
            }
        }
        tokio::time::sleep_until(self.began + plan.end).await;
    }

    async fn restart(&mut self, restart: Restart) -> bool {
        match restart {
            Restart::Relay(authority) => {
                self.relays[authority].crash().await;
                self.start_relay(authority).await
            }
            Restart::Officer(number) => {
                self.officers[number].crash().await;
                self.start_officer(number)
            }
        }
    }

    async fn play(&mut self, operation: &Operation) -> anyhow::Result<()> {
        match operation {
            Operation::Open { by } => self.open(*by),
            Operation::Post { by, channel } => self.post(*by, *channel).map(drop),
            Operation::Admit { by, channel, who, role } => {
                let (id, address) = (self.channel(*channel)?, self.address(*who));
                let wish = Wish::Admit(address.to_string());
                let asked = self.client(*by)?.add_member(id, address, role.role())?;
                self.asked(*by, id, asked, wish);
                Ok(())
            }
            Operation::Remove { by, channel, who } => {
                let (id, address) = (self.channel(*channel)?, self.address(*who));
                let wish = Wish::Remove(address.to_string());
                let asked = self.client(*by)?.remove_member(id, address)?;
                self.asked(*by, id, asked, wish);
                Ok(())
            }
            Operation::SetRole { by, channel, who, role } => {
                let (id, address) = (self.channel(*channel)?, self.address(*who));
                let asked = self.client(*by)?.set_role(id, address, role.role())?;
                self.asked(*by, id, asked, Wish::Other);
                Ok(())
            }
            Operation::Renew { by, channel } => {
                let id = self.channel(*channel)?;
                let asked = self.client(*by)?.renew_keys(id)?;
                self.asked(*by, id, asked, Wish::Other);
                Ok(())
            }
            Operation::Leave { by, channel } => {
                let id = self.channel(*channel)?;
                let asked = self.client(*by)?.leave(id)?;
                self.asked(*by, id, asked, Wish::Leave);
                Ok(())
            }
            Operation::Misdeed { by, channel, what } => self.misdeed(*by, *channel, *what),
            _ => self.disturb(operation).await,
        }
    }

    async fn disturb(&mut self, operation: &Operation) -> anyhow::Result<()> {
        match operation {
            Operation::Offline { who } => self.officers[*who].go_offline(),
            Operation::Online { who } => self.officers[*who].go_online(&self.journal),
            Operation::CrashDevice { who, effects, .. } => {
                let power = self.officers[*who].power();
                power.ok_or_else(|| anyhow::anyhow!("it is down"))?.cut_after(*effects);
            }
            Operation::CrashRelay { authority, effects, .. } => {
                let power = self.relays[*authority].power();
                power.ok_or_else(|| anyhow::anyhow!("it is down"))?.cut_after(*effects);
            }
            Operation::StopRelay { authority, .. } => self.relays[*authority].stop().await,
            Operation::BackUp { authority } => self.relays[*authority].back_up(),
            Operation::Restore { authority, .. } => {
                self.relays[*authority].restore().await?;
                self.restored.insert(*authority);
            }
            Operation::Fork { authority, shown_to } => {
                self.relays[*authority].fork(&self.network).await?;
                self.forked.insert(*authority);
                let relay = self.relays[*authority].node;
                for node in shown_to {
                    self.network.divert(*node, relay, Listener::Twin);
                }
            }
            Operation::Unite { authority } => self.unite(*authority).await,
            Operation::Line { one, other, quality } => {
                self.network.set(*one, *other, *quality);
                self.network.set(*other, *one, *quality);
            }
            Operation::FailCommit { authority, kept } => {
                let fault = if *kept { CommitFault::AllKept } else { CommitFault::NothingKept };
                self.relays[*authority].fail_next_commit(fault);
            }
            Operation::RelayDisk { authority, full } => self.relays[*authority].fill_disk(*full),
            Operation::DeviceDisk { who, full } => self.officers[*who].fill_disk(*full),
            Operation::Clock { node, ahead_ms } => {
                let relays = self.relays.iter().map(|relay| (relay.node, &relay.clock));
                let mut all = relays.chain(self.officers.iter().map(|o| (o.node, &o.clock)));
                if let Some((_, clock)) = all.find(|(id, _)| id == node) {
                    clock.set_ahead(*ahead_ms);
                }
            }
            Operation::Revoke { who } => self.revoke(*who),
            _ => unreachable!("an officer's wish is played elsewhere"),
        }
        Ok(())
    }

    fn open(&mut self, by: usize) -> anyhow::Result<()> {
        let number = self.channels.len();
        let title = format!("Operación reservada {number} de {}", self.seed);
        let reference = format!("DP {number}/{}", self.seed);
        let id = self.client(by)?.create_channel(NewChannel {
            title: title.clone(),
            case_reference: Some(reference.clone()),
            legal_basis: String::new(),
            default_handling: HandlingCode::H1,
        })?;
        self.channels.push(id);
        self.hubs.push(self.officers[by].authority);
        self.journal.facts().secrets.extend([title, reference]);
        self.journal
            .of(self.officers[by].device())
            .observed(format!("opens channel {}", short(&id)));
        Ok(())
    }

    /// An officer writes a note; its text is unlike any other.
    pub(super) fn post(&mut self, by: usize, channel: usize) -> anyhow::Result<String> {
        let id = self.channel(channel)?;
        let number = self.journal.facts().asked.len();
        let text = format!("Nota secreta {number} de {}", self.officers[by].address());
        let asked = self.client(by)?.post(
            id,
            NewNote {
                text: text.clone(),
                handling: None,
                restriction: None,
                time_zone: TimeZone::utc(),
                client_id: None,
            },
        )?;
        self.journal.facts().secrets.push(text.clone());
        self.asked(by, id, asked, Wish::Note(text.clone()));
        Ok(text)
    }

    fn asked(&self, by: usize, channel: ChannelId, id: enlace_log::ClientId, what: Wish) {
        self.journal.of(self.officers[by].device()).asked(&channel, &id, what);
    }

    fn revoke(&mut self, who: usize) {
        let officer = &self.officers[who];
        let authority = officer.authority;
        let revoked = self.revoked.entry(authority).or_default();
        if !revoked.contains(&who) {
            revoked.push(who);
        }
        let serials: Vec<&Serial> =
            revoked.iter().map(|number| &self.officers[*number].credential().serial).collect();
        let number = 1 + serials.len() as u64;
        let lists = World::get().authorities[authority].lists(number, &serials);
        self.relays[authority].take_lists(lists);
        self.journal.facts().revoked.insert(self.officers[who].device());
    }

    pub(super) fn channel(&self, number: usize) -> anyhow::Result<ChannelId> {
        self.channels
            .get(number)
            .copied()
            .ok_or_else(|| anyhow::anyhow!("there is no such channel"))
    }

    fn address(&self, who: usize) -> enlace_identity::names::OfficerAddress {
        self.officers[who].address().clone()
    }

    fn client(&self, who: usize) -> anyhow::Result<&enlace_client::Client> {
        self.officers[who].client().ok_or_else(|| anyhow::anyhow!("the device is down"))
    }

    /// Whether a device is in a channel, as it sees it itself.
    pub(super) fn is_in(&self, who: usize, channel: ChannelId) -> bool {
        let Ok(client) = self.client(who) else { return false };
        let rows = client.channels().unwrap_or_default();
        rows.iter().any(|row| row.id == channel && row.standing != ChannelStanding::Removed)
    }
}
