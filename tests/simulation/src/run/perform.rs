//! Plays a plan's operations at their times.

use std::collections::BTreeMap;
use std::time::Duration;

use enlace_relay::storage::CommitFault;
use tokio::time::Instant;

use super::nodes::Nodes;
use crate::network::Listener;
use crate::plan::{Operation, Plan};

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
                    let played = self.play(what).await;
                    self.note_certificates();
                    match played {
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
                        Operation::CrashDevice { who, down, .. }
                        | Operation::SetDeviceBack { who, down } => {
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
        match self.wish(operation) {
            Some(taken) => taken,
            None => self.disturb(operation).await,
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
            Operation::CopyDevice { who } => self.copy_device(*who)?,
            Operation::SetDeviceBack { who, .. } => self.set_device_back(*who).await?,
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
            Operation::DaysPass { days } => self.pass_days(*days)?,
            Operation::IssueDue { authority, days } => self.issue_due(*authority, *days)?,
            Operation::Revoke { who } => self.revoke(*who),
            Operation::Rotate { listed, first } => self.rotate(listed, *first),
            Operation::Suspend { who, all, length } => self.suspend(*who, *all, *length),
            Operation::Lift { who, length } => self.lift(*who, *length)?,
            _ => unreachable!("an officer's wish is played elsewhere"),
        }
        Ok(())
    }
}
