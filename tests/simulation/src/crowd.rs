//! A forum of very many: the real programs of a run, all of them well. What an event that all hear of
//! at once asks of the hub is counted.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use enlace_channel::entry::HandlingCode;
use enlace_channel::mls::Suite;
use enlace_channel::policy::Role;
use enlace_client::client::{ChannelDetails, Client};
use enlace_client::engine::NewChannel;
use enlace_client::store::ChannelStanding;
use enlace_identity::entropy::Entropy;
use enlace_log::ChannelId;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::clock::{Calendar, NodeClock};
use crate::dice::Dice;
use crate::log::Log;
use crate::network::{Network, Quality};
use crate::officer::OfficerNode;
use crate::relay::RelayNode;
use crate::run::Journal;
use crate::trace::Trace;
use crate::world::{Credential, World};

/// Two authorities: the hub's, and the one that somebody is revoked in.
const HUB: usize = 0;
const OTHER: usize = 1;

/// Who opens the forum, and who leads the other authority in it.
const GUIDE: usize = 0;
const LEAD: usize = 1;

/// How often it is looked whether something has come about.
const LOOK: Duration = Duration::from_secs(1);

/// How long it is watched what follows; nobody renews its keys so soon after a change.
const AFTERWARDS: Duration = Duration::from_secs(30);

/// Nothing that goes well takes so long.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Between a device and its relay, each way. What a program of a thousand members takes to judge a
/// change is in it: virtual time stands still meanwhile.
const LINE: Quality = Quality {
    cut: false,
    delay: Duration::from_millis(150),
    jitter: Duration::from_millis(150),
    loss: 0,
    duplication: 0,
    reordering: 0,
    bandwidth: 100_000_000,
};

/// A forum with everybody in it.
pub struct Crowd {
    network: Network,
    journal: Journal,
    log: Log,
    relays: Vec<RelayNode>,
    officers: Vec<OfficerNode>,
    channel: ChannelId,
    /// Numbers of those who were revoked.
    revoked: Vec<usize>,
    carrier: AbortHandle,
}

/// What a revocation came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Counted {
    /// Commits that the hub accepted.
    pub commits: u64,
    /// Entries that it accepted: the list, as members pass it on.
    pub entries: u64,
    /// Leases that it refused, since somebody else held them.
    pub leases_refused: usize,
    /// Other calls that a relay refused.
    pub others_refused: usize,
    /// From the list at the relay to the removal in the hub's log.
    pub removed_after: Duration,
    /// From there until everybody who is online has taken it in.
    pub heard_after: Duration,
}

impl Crowd {
    /// So many members, half of them of each authority, all online. Says on the standard error how
    /// far it is: a thousand take minutes.
    ///
    /// # Errors
    /// When something goes wrong, though nothing should.
    pub async fn gather(members: usize) -> anyhow::Result<Self> {
        let (trace, dice) = (Trace::new(false), Dice::new(1));
        let log = Log::collect(&trace);
        let network = Network::new(dice.fork("network"), trace.clone());
        let carrier = tokio::spawn(network.clone().carry()).abort_handle();
        let began = Instant::now();
        let entropy = Entropy::dangerous_seeded(dice.fork("entropy").bytes());
        let mut relays = Vec::new();
        for authority in [HUB, OTHER] {
            let entropy = entropy.fork(&format!("relay {authority}"));
            let mut relay =
                RelayNode::new(authority, 2, NodeClock::new(Calendar::new(began)), entropy);
            relay.start(&network).await?;
            relays.push(relay);
        }
        let mut officers = Vec::new();
        for number in 0..members {
            let authority = if number % 2 == 0 { HUB } else { OTHER };
            let credential =
                World::get().authorities[authority].device("pc", &format!("o{number}"));
            // Devices live as long as the process, as the world's do.
            let credential: &'static Credential = Box::leak(Box::new(credential));
            let entropy = entropy.fork(&format!("officer {number}"));
            let clock = NodeClock::new(Calendar::new(began));
            let officer = OfficerNode::new(number, authority, credential, clock, entropy)?;
            for (from, to) in
                [(officer.node, relays[authority].node), (relays[authority].node, officer.node)]
            {
                network.set(from, to, LINE);
            }
            officers.push(officer);
        }
        let journal = Journal::new(trace);
        let (channel, revoked) = (ChannelId([0; 32]), Vec::new());
        let mut crowd = Self { network, journal, log, relays, officers, channel, revoked, carrier };
        crowd.open().await?;
        crowd.admit().await?;
        Ok(crowd)
    }

    async fn open(&mut self) -> anyhow::Result<()> {
        for number in 0..self.officers.len() {
            self.officers[number].start(&self.network, &self.journal)?;
        }
        // Long enough for each to have published its key packages.
        tokio::time::sleep(Duration::from_secs(30)).await;
        let new = NewChannel {
            title: "Foro".to_owned(),
            case_reference: None,
            legal_basis: String::new(),
            default_handling: HandlingCode::H1,
        };
        self.channel = self.client(GUIDE)?.create_forum(new, Suite::Classic)?;
        let lead = self.officers[LEAD].address().clone();
        self.client(GUIDE)?.add_member(self.channel, lead, Role::Lead)?;
        self.until("the lead is in", |crowd| crowd.is_in(LEAD)).await
    }

    /// Each lead lets its own authority's officers in.
    async fn admit(&mut self) -> anyhow::Result<()> {
        for lead in [GUIDE, LEAD] {
            let whom: Vec<usize> = (2..self.officers.len())
                .filter(|number| self.officers[*number].authority == self.officers[lead].authority)
                .collect();
            let addresses: Vec<_> =
                whom.iter().map(|number| self.officers[*number].address().clone()).collect();
            self.client(lead)?.add_members(self.channel, &addresses, Role::Member)?;
            self.until("all are in", |crowd| whom.iter().all(|number| crowd.is_in(*number)))
                .await?;
        }
        let devices = self.client(GUIDE)?.show(self.channel)?.context("it is there")?.members.len();
        ensure!(devices == self.officers.len(), "{devices} are in");
        self.until("all are at the end", Self::all_at_the_end).await
    }

    /// The authority of a member who is neither guide nor lead revokes its device, while those leads
    /// are online or are not. Counts until everybody's turn has passed.
    ///
    /// # Errors
    /// When something goes wrong, though nothing should.
    pub async fn revoke(&mut self, leads_are_online: bool) -> anyhow::Result<Counted> {
        let gone = (2..self.officers.len()).rev().find(|number| {
            self.officers[*number].authority == OTHER && !self.revoked.contains(number)
        });
        let gone = gone.context("somebody is left")?;
        for lead in [GUIDE, LEAD].into_iter().filter(|_| !leads_are_online) {
            self.officers[lead].go_offline();
        }
        tokio::time::sleep(LOOK).await;
        let (changes, said) = (self.relays[HUB].changes(&self.channel)?, self.log.text().len());
        let end = self.relays[HUB].end(&self.channel)?;
        self.revoked.push(gone);
        let serials: Vec<_> =
            self.revoked.iter().map(|number| &self.officers[*number].credential().serial).collect();
        let lists = World::get().authorities[OTHER].lists(self.revoked.len() as u64 + 1, &serials);
        let began = Instant::now();
        self.relays[OTHER].take_lists(lists);
        let hub = |crowd: &Self| crowd.relays[HUB].changes(&crowd.channel).unwrap_or_default();
        self.until("it is removed", |crowd| hub(crowd) > changes).await?;
        let removed_after = began.elapsed();
        self.until("all have heard of it", Self::all_at_the_end).await?;
        let heard_after = began.elapsed() - removed_after;
        tokio::time::sleep(AFTERWARDS).await;
        self.until("nobody has anything left to do", Self::all_are_done).await?;
        let text = self.log.text();
        // What a relay of another authority passes on is counted there.
        let refused = |line: &&str| line.contains("calls: refused peer=pc.");
        let refused: Vec<&str> = text[said..].lines().filter(refused).collect();
        let leases = refused.iter().filter(|line| line.contains("method=Lease")).count();
        let commits = self.relays[HUB].changes(&self.channel)? - changes;
        let counted = Counted {
            commits,
            entries: self.relays[HUB].end(&self.channel)?.0 - end.0 - commits,
            leases_refused: leases,
            others_refused: refused.len() - leases,
            removed_after,
            heard_after,
        };
        for lead in [GUIDE, LEAD] {
            self.officers[lead].go_online(&self.journal);
        }
        self.until("the leads have heard of it", Self::all_at_the_end).await?;
        let shown = self.client(GUIDE)?.show(self.channel)?.context("it is there")?;
        let device = self.officers[gone].credential().device_name();
        let is_there = shown.members.iter().any(|member| member.devices.contains(device));
        ensure!(!is_there, "{device} is still there");
        Ok(counted)
    }

    /// Takes everything down.
    pub async fn end(mut self) {
        for officer in &mut self.officers {
            officer.crash().await;
        }
        for relay in &mut self.relays {
            relay.crash().await;
        }
        self.carrier.abort();
    }

    fn client(&self, number: usize) -> anyhow::Result<&Client> {
        self.officers[number].client().context("every device is up")
    }

    fn is_in(&self, number: usize) -> bool {
        let rows = self.client(number).ok().and_then(|client| client.channels().ok());
        let row = rows.into_iter().flatten().find(|row| row.id == self.channel);
        row.is_some_and(|row| {
            matches!(row.standing, ChannelStanding::Provisional | ChannelStanding::Member)
        })
    }

    /// Whether all who are online, and are not revoked, have taken in what the hub has.
    fn all_at_the_end(&self) -> bool {
        let Ok(end) = self.relays[HUB].end(&self.channel) else { return false };
        self.all_show(|shown| shown.next == end.next())
    }

    /// Whether none of them has anything left to send.
    fn all_are_done(&self) -> bool {
        self.all_show(|shown| shown.queued == 0)
    }

    fn all_show(&self, is_so: impl Fn(&ChannelDetails) -> bool) -> bool {
        let shows = |number: usize| {
            let shown = self.client(number).ok().and_then(|client| client.show(self.channel).ok());
            shown.flatten().is_some_and(|shown| is_so(&shown))
        };
        let online =
            |number: &usize| self.officers[*number].is_online() && !self.revoked.contains(number);
        (0..self.officers.len()).filter(online).all(shows)
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let began = Instant::now();
        while !is_so(self) {
            ensure!(began.elapsed() < PATIENCE, "it never comes about that {what}");
            tokio::time::sleep(LOOK).await;
            if self.officers.len() >= 100 {
                let changes = self.relays[HUB].changes(&self.channel).unwrap_or_default();
                eprintln!("{changes} changes, until {what}");
            }
        }
        Ok(())
    }
}
