//! The nodes of a run.

use std::collections::{BTreeMap, BTreeSet};

use enlace_identity::entropy::Entropy;
use enlace_log::ChannelId;
use tempfile::TempDir;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Journal;
use super::bundles::Version;
use super::published::Published;
use super::renewals::days_of;
use crate::check::Violation;
use crate::clock::{Calendar, NodeClock, START};
use crate::dice::Dice;
use crate::facts::Facts;
use crate::network::Network;
use crate::officer::OfficerNode;
use crate::plan::Plan;
use crate::relay::RelayNode;
use crate::trace::Trace;
use crate::world::{Credential, World};

/// Everything that a run consists of.
pub(super) struct Nodes {
    pub(super) seed: u64,
    pub(super) network: Network,
    pub(super) journal: Journal,
    pub(super) relays: Vec<RelayNode>,
    /// Officers' devices: all first ones, then all second ones.
    pub(super) officers: Vec<OfficerNode>,
    /// Channels, by their number in the plan.
    pub(super) channels: Vec<ChannelId>,
    /// The authority whose relay orders each of them.
    pub(super) hubs: Vec<usize>,
    /// Authorities whose relay signed two histories.
    pub(super) forked: BTreeSet<usize>,
    /// The channels that somebody wanted at another hub.
    pub(super) moving: BTreeSet<usize>,
    /// Authorities whose relay was restored from a copy.
    pub(super) restored: BTreeSet<usize>,
    /// What each authority has published of its devices.
    pub(super) published: BTreeMap<usize, Published>,
    /// The versions of the network's bundle after the first.
    pub(super) bundles: Vec<Version>,
    pub(super) began: Instant,
    pub(super) calendar: Calendar,
    pub(super) performed: u64,
    /// How many misdeeds were begun.
    pub(super) misdeeds: usize,
    /// Where relays and registrars exchange requests for certificates, if any ends soon.
    pub(super) exchange: Option<TempDir>,
    carrier: AbortHandle,
}

impl Nodes {
    /// Builds them and starts them all.
    pub(super) async fn build(seed: u64, plan: &Plan, dice: &Dice, trace: &Trace) -> Self {
        let network = Network::new(dice.fork("network"), trace.clone());
        let journal = Journal::new(trace.clone());
        let carrier = tokio::spawn(network.clone().carry()).abort_handle();
        let began = Instant::now();
        let entropy = Entropy::dangerous_seeded(dice.fork("entropy").bytes());
        let calendar = Calendar::new(began);
        let clock = || NodeClock::new(calendar.clone());
        let relays = (0..plan.authorities)
            .map(|authority| {
                let entropy = entropy.fork(&format!("relay {authority}"));
                RelayNode::new(authority, plan.authorities, clock(), entropy)
            })
            .collect();
        let officers = credentials(plan)
            .into_iter()
            .enumerate()
            .map(|(number, (authority, credential))| {
                let entropy = entropy.fork(&format!("officer {number}"));
                let node = OfficerNode::new(number, authority, credential, clock(), entropy);
                node.expect("a disk in memory can be made")
            })
            .collect();
        let mut nodes = Self {
            seed,
            network,
            journal,
            relays,
            officers,
            channels: Vec::new(),
            hubs: Vec::new(),
            forked: BTreeSet::new(),
            moving: BTreeSet::new(),
            restored: BTreeSet::new(),
            published: BTreeMap::new(),
            bundles: Vec::new(),
            began,
            calendar,
            performed: 0,
            misdeeds: 0,
            exchange: None,
            carrier,
        };
        nodes.enrol(plan);
        for relay in 0..nodes.relays.len() {
            nodes.start_relay(relay).await;
        }
        for officer in 0..nodes.officers.len() {
            nodes.start_officer(officer);
        }
        nodes
    }

    /// Gives devices a certificate that ends soon, and relays a way to their registrar.
    fn enrol(&mut self, plan: &Plan) {
        if plan.certificates_end.is_empty() {
            return;
        }
        let exchange = TempDir::new().expect("a directory for a while can be made");
        for relay in &mut self.relays {
            relay.exchange_in(exchange.path().join(relay.name()));
        }
        self.exchange = Some(exchange);
        for (number, days) in &plan.certificates_end {
            let enrolled = self.officers[*number].enrol_until(START.plus(days_of(*days)));
            enrolled.expect("what this authority issues can be read");
        }
    }

    /// Starts a relay; whether it did.
    pub(super) async fn start_relay(&mut self, authority: usize) -> bool {
        let started = self.relays[authority].start(&self.network).await;
        let runs = started.is_ok();
        let text = match started {
            Ok(()) => format!("relay {authority} starts"),
            Err(error) => format!("relay {authority} does not start: {error:#}"),
        };
        self.journal.operation(text);
        runs
    }

    /// Starts an officer's program; whether it did.
    pub(super) fn start_officer(&mut self, number: usize) -> bool {
        let officer = &mut self.officers[number];
        let started = officer.start(&self.network, &self.journal);
        let runs = started.is_ok();
        let text = match started {
            Ok(()) => format!("officer {number} starts ({})", officer.device()),
            Err(error) => format!("officer {number} does not start: {error:#}"),
        };
        self.journal.operation(text);
        runs
    }

    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    pub(super) fn performed(&self) -> u64 {
        self.performed
    }

    /// Reads what everybody shows, and takes everything down.
    pub(super) async fn finish(mut self) -> (Facts, Vec<Violation>) {
        let mut troubles = Vec::new();
        let texts = self.journal.texts();
        for officer in &self.officers {
            let device = officer.device();
            let asked = self.journal.asked_of(&device);
            match officer.shown(&asked, &texts) {
                Ok(shown) => {
                    self.journal.facts().devices.insert(device, shown);
                }
                Err(error) => {
                    let what = format!("{device} shows nothing: {error:#}");
                    troubles.push(Violation { invariant: 0, what });
                }
            }
        }
        self.note_logs(&mut troubles);
        self.note_standing();
        for relay in &self.relays {
            let kept = format!("{:?}", relay.memory()).into_bytes();
            let name = format!("the disk of relay {}", relay.authority);
            self.journal.facts().kept_by_relays.push((name, kept));
        }
        for officer in &mut self.officers {
            officer.crash().await;
        }
        for relay in &mut self.relays {
            relay.crash().await;
        }
        self.carrier.abort();
        let facts = self.journal.facts().clone();
        (facts, troubles)
    }

    /// Who is cut off in the end, and by which bundle all goes.
    fn note_standing(&self) {
        let (suspended, dropped) = (self.suspended(), self.dropped());
        let bundle = self.newest_bundle();
        let mut facts = self.journal.facts();
        (facts.suspended, facts.dropped, facts.bundle) = (suspended, dropped, bundle);
        facts.dropped_relays = self.dropped_relays();
    }

    /// What the relays keep of the channels' logs, and who orders each.
    fn note_logs(&self, troubles: &mut Vec<Violation>) {
        let mut facts = self.journal.facts();
        facts.liars = self.forked.iter().map(|authority| self.relays[*authority].name()).collect();
        for (number, (channel, hub)) in self.channels.iter().zip(&self.hubs).enumerate() {
            let name = hex::encode(channel.0);
            if self.forked.contains(hub) {
                facts.forked.insert(name.clone());
            }
            if self.restored.contains(hub) || self.moving.contains(&number) {
                facts.restored.insert(name.clone());
            }
            facts.hubs.insert(name, self.relays[*hub].name());
        }
        for relay in &self.relays {
            if let Err(error) = relay.note_logs(&mut facts) {
                let what = format!("the disk of relay {} is unreadable: {error}", relay.name());
                troubles.push(Violation { invariant: 0, what });
            }
        }
        // Where a channel has gone, the relay that creates it knows: it was asked to step down.
        for (channel, creating) in facts.hubs.clone() {
            let orders = facts.ordered_by.get(&channel);
            if let Some(hub) = orders.and_then(|orders| orders.get(&creating)).cloned() {
                facts.hubs.insert(channel, hub);
            }
        }
    }
}

/// The devices of a plan by number, with their authority.
fn credentials(plan: &Plan) -> Vec<(usize, &'static Credential)> {
    let (world, officers) = (World::get(), &plan.officers);
    let first = officers.iter().enumerate().map(|(who, at)| (*at, world.officer(*at, who)));
    let second = plan.second_devices.iter();
    let second = second.map(|who| (officers[*who], world.second_device(officers[*who], *who)));
    first.chain(second).collect()
}
