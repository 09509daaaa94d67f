//! Who stands at the door: intruders, and an officer whose certificate is withdrawn.

use enlace_channel::policy::Role;
use enlace_client::client::EntryState;
use enlace_client::notice::{ChangeAct, Notice};
use enlace_identity::names::{DeviceName, OfficerAddress};
use enlace_transport::ConnectError;
use enlace_transport::connect::Refused;

use super::{Case, OTHER, is_member};
use crate::demo::checks::Finding;
use crate::demo::intruders::{Rumour, Stranger, meddle, target};
use crate::demo::officer::{Officer, PATIENCE};
use crate::demo::{forgery, off_thread, script};
use crate::failure::{Explain as _, Failure};
use crate::training::{TrainingNetwork, TrainingOfficer};

impl Case<'_> {
    /// Nobody gets in who doesn't belong; what they tried left no trace in the log.
    pub(in crate::demo) async fn admit_no_intruder(&mut self) -> Result<Finding, Failure> {
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

    /// A registrar revokes an officer who is a member, and connected.
    pub(in crate::demo) async fn revoke(&mut self) -> Result<Finding, Failure> {
        let (joao, stranger, connection) =
            self.joao.take().ok_or_else(|| Failure::new("nobody is there to be revoked"))?;
        let authority = self.stage.network.authorities()[OTHER].clone();
        self.revoked = Some(self.let_in(&joao).await?);
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
}

impl Case<'_> {
    async fn let_in(&self, joao: &TrainingOfficer) -> Result<Officer, Failure> {
        let (stage, channel) = (self.stage, self.channel);
        let mut officer = Officer::open(joao, stage.network.passphrase()).await?;
        officer.introduce().await?;
        officer.go_online();
        stage.say(stage.words.lets_in, &[&self.beatriz.first_name(), &officer.first_name()]);
        let address = officer.client.address().clone();
        let wish = self.beatriz.client.add_member(channel, address, Role::Member)?;
        self.beatriz.accepted(wish).await?;
        officer.until("the welcome did not come", |officer| is_member(officer, channel)).await?;
        Ok(officer)
    }

    /// Whoever is left takes the revoked device out; nobody is asked.
    pub(in crate::demo) async fn take_out_the_revoked(&mut self) -> Result<Finding, Failure> {
        let (stage, channel) = (self.stage, self.channel);
        let joao = self.revoked.take().ok_or_else(|| Failure::new("nobody was revoked"))?;
        let gone = joao.client.address().clone();
        let mut by = None;
        for officer in [&self.ana, &self.tomas, &self.beatriz] {
            let told = officer.until("the removal was not told", |officer| {
                let notices = officer.client.notices(Some(channel), 0, usize::MAX)?;
                Ok(notices.into_iter().find_map(|row| removal(&gone, row.notice)))
            });
            by = Some(told.await?);
            let details = officer.client.show(channel)?;
            let is_in = details.is_none_or(|d| d.members.iter().any(|m| m.officer == gone));
            if is_in {
                return Ok(Finding::bad(format!("{} sees {gone} still", officer.first_name())));
            }
        }
        let by = by.map(|device| device.officer().to_string()).unwrap_or_default();
        stage.say(stage.words.taken_out, &[&joao.first_name(), &by]);
        Ok(Finding::good())
    }
}

/// Whose device took an officer out for a revocation, if a notice says that.
fn removal(gone: &OfficerAddress, notice: Notice) -> Option<DeviceName> {
    let Notice::Changed { by, acts } = notice else { return None };
    let is_it = |act: &ChangeAct| matches!(act, ChangeAct::Removed { officer, revoked: true, .. } if officer == gone);
    acts.iter().any(is_it).then_some(by)
}

/// An officer of the other authority who is not in the channel yet.
async fn enrol_joao(network: &TrainingNetwork) -> Result<(TrainingOfficer, Stranger), Failure> {
    let network = network.clone();
    off_thread(move || {
        let joao = network.enrol(OTHER, "joao-araujo", "João Araújo")?;
        let stranger = Stranger::enrolled(&joao, network.passphrase())?;
        Ok((joao, stranger))
    })
    .await
}
