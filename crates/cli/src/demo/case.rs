//! The case that is played: three officers of two authorities, and what happens to them.

use std::fmt::Display;
use std::time::Instant;

use enlace_channel::entry::HandlingCode;
use enlace_channel::policy::Role;
use enlace_client::ClientEvent;
use enlace_client::client::EntryState;
use enlace_client::engine::NewChannel;
use enlace_client::store::{ChannelStanding, OutboxState};
use enlace_log::{ChannelId, ClientId};
use enlace_transport::connect::Refused;
use enlace_transport::{ConnectError, Connection};
use tokio::sync::broadcast::error::RecvError;

use super::checks::Finding;
use super::intruders::{Rumour, Stranger, meddle, target};
use super::latency::Latency;
use super::officer::{Officer, PATIENCE};
use super::words::{Words, fill};
use super::{forgery, off_thread, script};
use crate::failure::{Explain as _, Failure};
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
        Ok(Self { stage, hub, other, ana, tomas, beatriz, channel, said, joao: None })
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

    /// The relay that orders the channel dies; notes wait, and arrive when it is back.
    pub(super) async fn stop_a_relay(&mut self) -> Result<Finding, Failure> {
        let (stage, channel) = (self.stage, self.channel);
        let words = stage.words;
        self.tomas.go_offline().await;
        stage.say(words.closes_laptop, &[&self.tomas.first_name()]);
        let hub = self.hub.take().ok_or_else(|| Failure::new("no relay runs"))?;
        off_thread(move || hub.kill()).await?;
        stage.say(words.relay_killed, &[&stage.network.authorities()[HUB].name()]);

        let mut objections = Vec::new();
        let mut waiting = Vec::new();
        for (officer, text) in
            [(&self.beatriz, script::BEATRIZ_GOES_ON), (&self.ana, script::ANA_GOES_ON)]
        {
            let note = self.write(officer, text)?;
            waiting.push(note);
            let shown = officer.record(channel)?;
            let state = shown.iter().find(|entry| entry.client_id == note).map(|e| &e.state);
            if state == Some(&EntryState::Queued) {
                stage.say(words.waiting, &[]);
            } else {
                objections.push(format!("{}'s note does not show as queued", officer.first_name()));
            }
        }
        self.said.extend([script::BEATRIZ_GOES_ON.to_owned(), script::ANA_GOES_ON.to_owned()]);
        for (officer, note) in [(&self.beatriz, waiting[0]), (&self.ana, waiting[1])] {
            if officer.client.state_of(note)? != OutboxState::Queued {
                objections.push("a note was accepted without a relay".to_owned());
            }
        }

        self.hub = Some(stage.start_relay(HUB).await?);
        stage.say(words.relay_back, &[]);
        for officer in [&self.ana, &self.beatriz] {
            for note in &waiting {
                officer.reads(channel, *note).await?;
            }
            stage.say(words.read_by, &[&officer.first_name()]);
        }
        self.tomas.go_online();
        for note in &waiting {
            self.tomas.reads(channel, *note).await?;
        }
        stage.say(words.opens_laptop, &[&self.tomas.first_name()]);
        Ok(Finding::unless(&objections))
    }

    /// Nobody gets in who doesn't belong; what they tried left no trace in the log.
    pub(super) async fn admit_no_intruder(&mut self) -> Result<Finding, Failure> {
        let (stage, channel) = (self.stage, self.channel);
        let network = stage.network;
        let [hub, other] = network.authorities() else {
            return Err(Failure::new("the case needs two authorities"));
        };
        let (joao, enrolled) = enrol_joao(network).await?;
        let (name, forger) = (self.ana.first_name(), other.name());
        stage.say(stage.words.intruders, &[&name, &forger, &joao.common_name()]);
        let hub_target = target(network, hub)?;
        let mut objections = Vec::new();

        let outsider = forgery::outsider(network)?;
        let impersonator = forgery::impersonator(network, self.ana.client.device(), other)?;
        for (who, forged) in [("the outsider", outsider), ("the impersonator", impersonator)] {
            let stranger = Stranger::new(forged.identity, forged.trust)?;
            match stranger.dial(&hub_target).await {
                Err(ConnectError::Refused(Refused::Unknown)) => {}
                Err(error) => objections.push(format!("{who}: {error}")),
                Ok(_) => objections.push(format!("{who} is connected")),
            }
        }

        let details = self.ana.client.show(channel)?;
        let details = details.ok_or_else(|| Failure::new("the channel is gone"))?;
        let rumour = Rumour { channel, fence: details.fence };
        let (own, member) = (joao.address().device("laptop")?, self.ana.client.device());
        let mut own_relay = None;
        for authority in [hub, other] {
            let dialled = enrolled.dial(&target(network, authority)?).await;
            // An enrolled officer does get this far: so much for the way being open at all.
            let connection =
                dialled.context(|| format!("{} cannot connect", joao.common_name()))?.connection;
            objections.extend(meddle(&connection, &own, member, rumour, hub).await);
            own_relay = Some(connection);
        }
        let after = self.write_quietly(&self.ana, &script::measured_note(0))?;
        self.said.push(script::measured_note(0));
        self.ana.reads(channel, after).await?;
        let record = self.ana.record(channel)?;
        let place = record.iter().find(|entry| entry.client_id == after).map(|e| e.state.clone());
        if !matches!(place, Some(EntryState::Logged { seq, .. }) if seq == details.next) {
            objections.push("something has come into the log".to_owned());
        }
        self.joao = own_relay.map(|connection| (joao, enrolled, connection));
        if objections.is_empty() {
            stage.say(stage.words.refused, &[]);
        }
        Ok(Finding::unless(&objections))
    }

    /// Notes from one authority to the other and back, one at a time.
    pub(super) async fn measure(&mut self, notes: usize) -> Result<Latency, Failure> {
        self.stage.say(self.stage.words.measuring, &[&notes]);
        let mut times = Vec::with_capacity(notes);
        for number in 1..=notes {
            let text = script::measured_note(number);
            let (author, reader) = match number % 2 {
                0 => (&self.ana, &self.beatriz),
                _ => (&self.beatriz, &self.ana),
            };
            let mut events = reader.client.events();
            let began = Instant::now();
            let note = author.write(self.channel, &text)?;
            let arrived = loop {
                let event = tokio::time::timeout(PATIENCE, events.recv()).await;
                match event.context(|| "a note did not arrive in time".to_owned())? {
                    Ok(ClientEvent::Entry { channel, seq }) => {
                        let now = began.elapsed();
                        let entry = reader.client.read(channel, seq, 1)?;
                        if entry.first().is_some_and(|entry| entry.client_id == note) {
                            break now;
                        }
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err(Failure::new("no more events come")),
                }
            };
            times.push(arrived);
            author.reads(self.channel, note).await?;
            self.said.push(text);
        }
        Latency::of(&times).ok_or_else(|| Failure::new("nothing was measured"))
    }

    /// A registrar revokes an officer who is connected.
    pub(super) async fn revoke(&mut self) -> Result<Finding, Failure> {
        let (joao, stranger, connection) =
            self.joao.take().ok_or_else(|| Failure::new("nobody is there to be revoked"))?;
        let authority = self.stage.network.authorities()[OTHER].clone();
        self.stage.say(self.stage.words.revokes, &[&joao.common_name()]);
        let dial = target(self.stage.network, &authority)?;
        let address = joao.address().to_string();
        off_thread(move || {
            authority.registrar("revoke", [&address])?;
            authority.publish_lists()
        })
        .await?;
        if tokio::time::timeout(PATIENCE, connection.closed()).await.is_err() {
            return Ok(Finding::bad("the connection is still there"));
        }
        match stranger.dial(&dial).await {
            Err(ConnectError::Refused(Refused::Revoked)) => {
                self.stage.say(self.stage.words.cut, &[]);
                Ok(Finding::good())
            }
            Err(error) => Ok(Finding::bad(error.to_string())),
            Ok(_) => Ok(Finding::bad("there is another connection")),
        }
    }

    /// Compares the three records, entry by entry.
    pub(super) async fn compare_records(&self) -> Result<Finding, Failure> {
        let all = [&self.ana, &self.tomas, &self.beatriz];
        let expected = self.said.len() - OF_THE_CHANNEL;
        let mut records = Vec::new();
        for officer in all {
            // The last notes may still be on their way to whoever was not measured.
            let record = officer
                .until("some notes did not arrive", |officer| {
                    let record = officer.record(self.channel)?;
                    Ok((record.len() >= expected).then_some(record))
                })
                .await?;
            records.push(record);
        }
        let mut objections = Vec::new();
        for (officer, record) in all.iter().zip(&records) {
            if *record != records[0] {
                objections.push(format!("{}'s record differs", officer.first_name()));
            }
            if record.len() != expected {
                objections.push(format!("{} has {} notes", officer.first_name(), record.len()));
            }
        }
        Ok(Finding::unless(&objections))
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

/// How many of the texts are not notes: title, reference and legal basis.
const OF_THE_CHANNEL: usize = 3;

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

/// An officer of the other authority who never is in the channel.
async fn enrol_joao(network: &TrainingNetwork) -> Result<(TrainingOfficer, Stranger), Failure> {
    let network = network.clone();
    off_thread(move || {
        let joao = network.enrol(OTHER, "joao-araujo", "João Araújo")?;
        let stranger = Stranger::enrolled(&joao, network.passphrase())?;
        Ok((joao, stranger))
    })
    .await
}
