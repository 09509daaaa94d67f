//! The end of a case.

use enlace_client::engine::PostError;

use super::Case;
use crate::demo::checks::Finding;
use crate::demo::officer::Officer;
use crate::demo::script;
use crate::failure::Failure;

impl Case<'_> {
    /// The owner closes the case. Everybody has it as it was, and nobody can add to it.
    pub(in crate::demo) async fn close(&mut self) -> Result<Finding, Failure> {
        let (stage, channel) = (self.stage, self.channel);
        stage.say(stage.words.closes_case, &[&self.ana.first_name()]);
        let before = self.ana.record(channel)?.len();
        let wish = self.ana.client.set_closed(channel, true)?;
        self.ana.accepted(wish).await?;
        let mut objections = Vec::new();
        for officer in [&self.ana, &self.tomas, &self.beatriz] {
            let closed = officer.until("the closing was not told", |officer| {
                let details = officer.client.show(channel)?;
                Ok(details.filter(|details| details.policy.is_closed()).map(|_| ()))
            });
            closed.await?;
            let name = officer.first_name();
            match officer.client.post(channel, Officer::note(script::TOO_LATE)) {
                Err(PostError::Closed) => {}
                Err(error) => objections.push(format!("{name}: {error}")),
                Ok(_) => objections.push(format!("{name} can still write")),
            }
            if officer.record(channel)?.len() != before {
                objections.push(format!("{name} has another record than before"));
            }
        }
        if objections.is_empty() {
            stage.say(stage.words.stays_to_be_read, &[]);
        }
        Ok(Finding::unless(&objections))
    }
}
