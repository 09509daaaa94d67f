//! The case that is played: three officers of two authorities, and what happens to them.

mod closing;
mod devices;
mod door;
mod outage;
mod records;
mod timing;

use std::fmt::Display;

use enlace_channel::entry::HandlingCode;
use enlace_channel::policy::Role;
use enlace_client::engine::NewChannel;
use enlace_client::store::ChannelStanding;
use enlace_log::{ChannelId, ClientId};
use enlace_transport::Connection;

use super::checks::Finding;
use super::intruders::Stranger;
use super::officer::Officer;
use super::words::{Words, fill};
use super::{off_thread, script};
use crate::failure::Failure;
use crate::training::{RelayProcess, TrainingNetwork, TrainingOfficer};
use crate::ui::Ui;

/// The authority whose relay orders the channel, and the other.
const HUB: usize = 0;
const OTHER: usize = 1;

/// Where the case is played, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Stage<'s> {
    pub(super) network: &'s TrainingNetwork,
    pub(super) words: &'static Words,
    pub(super) ui: &'s Ui,
}

/// The case as it stands.
pub(super) struct Case<'s> {
    stage: Stage<'s>,
    hub: Option<RelayProcess>,
    other: RelayProcess,
    ana: Officer,
    tomas: Officer,
    beatriz: Officer,
    channel: ChannelId,
    said: Vec<String>,
    joao: Option<(TrainingOfficer, Stranger, Connection)>,
    revoked: Option<Officer>,
}

impl Stage<'_> {
    pub(super) fn say(&self, sentence: &str, told: &[&dyn Display]) {
        self.ui.note(fill(sentence, told));
    }

    async fn start_relay(&self, authority: usize) -> Result<RelayProcess, Failure> {
        let program = self.network.program().clone();
        let authority = self.network.authorities()[authority].clone();
        off_thread(move || RelayProcess::start(&program, &authority)).await
    }
}

impl<'s> Case<'s> {
    /// Starts the relays; the officers open their devices, and the channel.
    pub(super) async fn open(stage: Stage<'s>) -> Result<Self, Failure> {
        let Stage { network, words, .. } = stage;
        let [one, two] = network.authorities() else {
            return Err(Failure::new("the case needs two authorities"));
        };
        stage.say(words.authorities, &[&one.name(), &one.country(), &two.name(), &two.country()]);
        let (hub, other) = tokio::try_join!(stage.start_relay(HUB), stage.start_relay(OTHER))?;
        let [ana, tomas, beatriz] = network.officers() else {
            return Err(Failure::new("the case needs three officers"));
        };
        for (officer, authority) in [(ana, one), (tomas, one), (beatriz, two)] {
            stage.say(words.works_for, &[&officer.common_name(), &authority.name()]);
        }
        let passphrase = network.passphrase();
        let (mut ana, mut tomas, mut beatriz) = tokio::try_join!(
            Officer::open(ana, passphrase),
            Officer::open(tomas, passphrase),
            Officer::open(beatriz, passphrase),
        )?;
        tokio::try_join!(tomas.introduce(), beatriz.introduce())?;
        for officer in [&mut ana, &mut tomas, &mut beatriz] {
            officer.go_online();
        }
        let channel = open_channel(stage, &ana).await?;
        admit(stage, channel, &ana, [(&tomas, Role::Member), (&beatriz, Role::Lead)]).await?;
        let said = vec![
            script::TITLE.to_owned(),
            script::CASE_REFERENCE.to_owned(),
            script::LEGAL_BASIS.to_owned(),
        ];
        let hub = Some(hub);
        Ok(Self {
            stage,
            hub,
            other,
            ana,
            tomas,
            beatriz,
            channel,
            said,
            joao: None,
            revoked: None,
        })
    }

    /// A note each way; everybody reads both.
    pub(super) async fn write_both_ways(&mut self) -> Result<Finding, Failure> {
        let words = self.stage.words;
        let told = self.write(&self.ana, script::ANA_TELLS)?;
        for officer in [&self.tomas, &self.beatriz] {
            officer.reads(self.channel, told).await?;
            self.stage.say(words.read_by, &[&officer.first_name()]);
        }
        let answered = self.write(&self.beatriz, script::BEATRIZ_ANSWERS)?;
        for officer in [&self.ana, &self.tomas] {
            officer.reads(self.channel, answered).await?;
            self.stage.say(words.read_by, &[&officer.first_name()]);
        }
        self.said.extend([script::ANA_TELLS.to_owned(), script::BEATRIZ_ANSWERS.to_owned()]);
        Ok(Finding::good())
    }

    /// Everything that no relay may know.
    pub(super) fn secrets(&self) -> Vec<String> {
        self.said.clone()
    }

    /// Everybody goes home; the relays are killed, so that their files stay as they are.
    pub(super) async fn end(mut self) -> Result<(), Failure> {
        for officer in [&mut self.ana, &mut self.tomas, &mut self.beatriz] {
            officer.go_offline().await;
        }
        let (hub, other) = (self.hub.take(), self.other);
        off_thread(move || {
            hub.map_or(Ok(()), RelayProcess::kill)?;
            other.kill()
        })
        .await
    }

    fn write(&self, officer: &Officer, text: &str) -> Result<ClientId, Failure> {
        self.stage.say(self.stage.words.writes, &[&officer.first_name(), &text]);
        self.write_quietly(officer, text)
    }

    fn write_quietly(&self, officer: &Officer, text: &str) -> Result<ClientId, Failure> {
        officer.write(self.channel, text)
    }
}

async fn open_channel(stage: Stage<'_>, ana: &Officer) -> Result<ChannelId, Failure> {
    stage.say(stage.words.opens, &[&ana.first_name(), &script::TITLE]);
    let channel = ana.client.create_channel(NewChannel {
        title: script::TITLE.to_owned(),
        case_reference: Some(script::CASE_REFERENCE.to_owned()),
        legal_basis: script::LEGAL_BASIS.to_owned(),
        default_handling: HandlingCode::H1,
    })?;
    ana.until("the channel was not accepted", |ana| is_member(ana, channel)).await?;
    Ok(channel)
}

async fn admit(
    stage: Stage<'_>,
    channel: ChannelId,
    ana: &Officer,
    admitted: [(&Officer, Role); 2],
) -> Result<(), Failure> {
    let [(one, _), (two, _)] = admitted;
    stage.say(stage.words.admits, &[&ana.first_name(), &one.first_name(), &two.first_name()]);
    for (officer, role) in admitted {
        let address = officer.client.address().clone();
        let wish = ana.client.add_member(channel, address, role)?;
        ana.accepted(wish).await?;
    }
    for (officer, _) in admitted {
        officer.until("the welcome did not come", |officer| is_member(officer, channel)).await?;
    }
    Ok(())
}

fn is_member(officer: &Officer, channel: ChannelId) -> Result<Option<()>, Failure> {
    let rows = officer.client.channels()?;
    let row = rows.iter().find(|row| row.id == channel);
    Ok(row
        .filter(|row| {
            matches!(row.standing, ChannelStanding::Member | ChannelStanding::Provisional)
        })
        .map(|_| ()))
}
