//! The relay that orders the channel dies while officers write.

use enlace_client::client::EntryState;
use enlace_client::store::OutboxState;

use super::{Case, HUB};
use crate::demo::checks::Finding;
use crate::demo::{off_thread, script};
use crate::failure::Failure;

impl Case<'_> {
    /// The relay that orders the channel dies; notes wait, and arrive when it is back.
    pub(in crate::demo) async fn stop_a_relay(&mut self) -> Result<Finding, Failure> {
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
}
