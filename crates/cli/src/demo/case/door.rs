//! Who stands at the door: intruders, and an officer whose certificate is withdrawn.

use enlace_client::client::EntryState;
use enlace_transport::ConnectError;
use enlace_transport::connect::Refused;

use super::{Case, OTHER};
use crate::demo::checks::Finding;
use crate::demo::intruders::{Rumour, Stranger, meddle, target};
use crate::demo::officer::PATIENCE;
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

    /// A registrar revokes an officer who is connected.
    pub(in crate::demo) async fn revoke(&mut self) -> Result<Finding, Failure> {
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
