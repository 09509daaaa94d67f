//! What modified programs do.

use super::nodes::Nodes;
use crate::facts::Breach;
use crate::plan::Misdeed;

impl Nodes {
    /// Lets a modified program do something bad. It takes its time; what came of it is noted.
    pub(super) fn misdeed(
        &mut self,
        by: usize,
        channel: usize,
        what: Misdeed,
    ) -> anyhow::Result<()> {
        let id = self.channel(channel)?;
        let people = self.officers.iter().map(|officer| officer.credential()).collect();
        self.misdeeds += 1;
        let program = self.officers[by].rogue(&self.network, people, self.misdeeds)?;
        let device = self.officers[by].device();
        let journal = self.journal.of(device.clone());
        let lie = format!("Mentira {} de {device}", self.misdeeds);
        let mut facts = journal.facts();
        facts.modified.insert(device.clone());
        facts.secrets.push(lie.clone());
        // Whoever quotes a head that never was has written the note all the same.
        if what != Misdeed::Quote {
            facts.forged.push(lie.clone());
        }
        drop(facts);
        tokio::spawn(async move {
            match program.run(id, what, &lie).await {
                Ok(place) => {
                    journal.observed(format!("{what:?} has place {place}"));
                    if what.is_breach() {
                        let (channel, author) = (hex::encode(id.0), device);
                        journal.facts().breaches.push(Breach { channel, place, author });
                    }
                }
                Err(error) => journal.observed(format!("{what:?} leads nowhere: {error:#}")),
            }
        });
        Ok(())
    }
}
