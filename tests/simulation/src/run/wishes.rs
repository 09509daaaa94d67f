//! What officers ask their programs for.

use enlace_channel::entry::{HandlingCode, TimeZone};
use enlace_channel::mls::Suite;
use enlace_client::engine::{NewChannel, NewNote};
use enlace_client::store::ChannelStanding;
use enlace_log::{ChannelId, ClientId};

use super::nodes::Nodes;
use crate::clock::START;
use crate::facts::Wish;
use crate::officer::short;
use crate::plan::Operation;
use crate::world::World;

impl Nodes {
    /// Has an officer ask for something; nothing for an operation that is no officer's.
    pub(super) fn wish(&mut self, operation: &Operation) -> Option<anyhow::Result<()>> {
        Some(match operation {
            Operation::Open { by } => self.open(*by),
            Operation::OpenForum { by, classic } => self.open_forum(*by, *classic),
            Operation::Ask { by, channel } => self.ask_guides(*by, *channel),
            Operation::Answer { by, channel, which } => self.answer(*by, *channel, *which),
            Operation::Pin { by, channel, which, pinned } => {
                self.pin(*by, *channel, *which, *pinned)
            }
            Operation::Post { by, channel } => self.post(*by, *channel).map(drop),
            Operation::Correct { by, channel, which } => {
                self.take_back(*by, *channel, *which, false)
            }
            Operation::Withdraw { by, channel, which } => {
                self.take_back(*by, *channel, *which, true)
            }
            Operation::Move { by, channel, to } => self.vote_for_hub(*by, *channel, Some(*to)),
            Operation::CancelMove { by, channel } => self.vote_for_hub(*by, *channel, None),
            Operation::AddDevice { by, device } => self.add_device(*by, *device),
            Operation::RemoveDevice { by, device } => self.remove_device(*by, *device),
            Operation::Misdeed { by, channel, what } => self.misdeed(*by, *channel, *what),
            Operation::Admit { by, channel, .. }
            | Operation::StandIn { by, channel, .. }
            | Operation::Remove { by, channel, .. }
            | Operation::SetRole { by, channel, .. }
            | Operation::SetClosed { by, channel, .. }
            | Operation::Renew { by, channel }
            | Operation::NewGroup { by, channel, .. }
            | Operation::Expel { by, channel, .. }
            | Operation::Hold { by, channel, .. }
            | Operation::Retain { by, channel, .. }
            | Operation::Leave { by, channel } => self.ask(*by, *channel, operation),
            _ => return None,
        })
    }

    /// Asks for a change of a channel.
    fn ask(&mut self, by: usize, channel: usize, operation: &Operation) -> anyhow::Result<()> {
        let (id, client) = (self.channel(channel)?, self.client(by)?);
        let (asked, wish) = match operation {
            Operation::Admit { who, role, .. } => {
                let address = self.address(*who);
                let wish = Wish::Admit(address.to_string());
                (client.add_member(id, address, role.role())?, wish)
            }
            Operation::StandIn { who, length, .. } => {
                let address = self.address(*who);
                let until = self.calendar.elapsed() + *length;
                let world = &World::get().authorities[self.officers[*who].authority];
                let serial = 1 + u64::try_from(self.calendar.elapsed().as_micros())?;
                let mandate = world.mandate(id, &address, serial, START.plus(until));
                let asked = client.add_stand_in(id, mandate)?;
                let named = (hex::encode(id.0), address.to_string());
                self.journal.facts().mandates.insert(named);
                (asked, Wish::Admit(address.to_string()))
            }
            Operation::Remove { who, .. } => {
                let address = self.address(*who);
                let wish = Wish::Remove(address.to_string());
                (client.remove_member(id, address)?, wish)
            }
            Operation::SetRole { who, role, .. } => {
                let address = self.address(*who);
                let wish = Wish::Role(address.to_string(), role.role().to_string());
                (client.set_role(id, address, role.role())?, wish)
            }
            Operation::SetClosed { closed, .. } => {
                (client.set_closed(id, *closed)?, Wish::Closed(*closed))
            }
            Operation::Renew { .. } => (client.renew_keys(id)?, Wish::Other),
            Operation::NewGroup { classic, .. } => {
                let suite = if *classic { Suite::Classic } else { Suite::PostQuantum };
                (client.renew_channel(id, Some(suite))?, Wish::NewGroup)
            }
            Operation::Expel { authority, .. } => {
                let domain = self.relays[*authority].domain();
                let wish = Wish::Expel(domain.to_string());
                (client.expel(id, domain)?, wish)
            }
            Operation::Retain { days, .. } => (client.set_retention(id, Some(*days))?, Wish::Other),
            Operation::Hold { placed, .. } => (client.set_hold(id, *placed)?, Wish::Other),
            Operation::Leave { .. } => (client.leave(id)?, Wish::Leave),
            _ => unreachable!("it is no change of a channel"),
        };
        self.asked(by, id, asked, wish);
        Ok(())
    }

    /// An officer votes for the relay of an authority, or takes the vote back.
    fn vote_for_hub(&mut self, by: usize, channel: usize, to: Option<usize>) -> anyhow::Result<()> {
        let (id, client) = (self.channel(channel)?, self.client(by)?);
        match to {
            Some(to) => {
                let to = self.relays[to].domain();
                client.move_channel(id, &to)?;
                let vote = (hex::encode(id.0), self.officers[by].device(), to.to_string());
                self.journal.facts().hub_votes.insert(vote);
            }
            None => client.cancel_move(id)?,
        }
        self.moving.insert(channel);
        Ok(())
    }

    fn add_device(&mut self, by: usize, device: usize) -> anyhow::Result<()> {
        let name = self.officers[device].credential().device_name();
        self.client(by)?.add_device(name)?;
        let (by, device) = (self.officers[by].device(), self.officers[device].device());
        let mut facts = self.journal.facts();
        facts.once_named.insert(device.clone());
        facts.named.entry(by).or_default().insert(device);
        Ok(())
    }

    fn remove_device(&mut self, by: usize, device: usize) -> anyhow::Result<()> {
        let name = self.officers[device].credential().device_name();
        self.client(by)?.remove_device(name)?;
        let (by, device) = (self.officers[by].device(), self.officers[device].device());
        self.journal.facts().named.entry(by).or_default().remove(&device);
        Ok(())
    }

    fn open(&mut self, by: usize) -> anyhow::Result<()> {
        let new = self.new_channel("Operación reservada");
        let id = self.client(by)?.create_channel(new.clone())?;
        self.opened(by, id, new);
        Ok(())
    }

    pub(super) fn new_channel(&self, title: &str) -> NewChannel {
        let number = self.channels.len();
        NewChannel {
            title: format!("{title} {number} de {}", self.seed),
            case_reference: Some(format!("DP {number}/{}", self.seed)),
            legal_basis: String::new(),
            default_handling: HandlingCode::H1,
        }
    }

    pub(super) fn opened(&mut self, by: usize, id: ChannelId, new: NewChannel) {
        let opener = self.officers[by].address().to_string();
        self.journal.facts().openers.insert(hex::encode(id.0), opener);
        self.channels.push(id);
        self.hubs.push(self.officers[by].authority);
        self.journal.facts().secrets.push(new.title);
        self.journal.facts().secrets.extend(new.case_reference);
        self.journal
            .of(self.officers[by].device())
            .observed(format!("opens channel {}", short(&id)));
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

    pub(super) fn asked(&self, by: usize, channel: ChannelId, id: ClientId, what: Wish) {
        self.journal.of(self.officers[by].device()).asked(&channel, &id, what);
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

    pub(super) fn client(&self, who: usize) -> anyhow::Result<&enlace_client::Client> {
        self.officers[who].client().ok_or_else(|| anyhow::anyhow!("the device is down"))
    }

    /// Whether a device is in a channel, as it sees it itself.
    pub(super) fn is_in(&self, who: usize, channel: ChannelId) -> bool {
        let Ok(client) = self.client(who) else { return false };
        let rows = client.channels().unwrap_or_default();
        rows.iter().any(|row| row.id == channel && row.standing != ChannelStanding::Removed)
    }
}
