//! Whether all members hold the same.

use super::Case;
use crate::demo::checks::Finding;
use crate::failure::Failure;

/// How many of the texts are not notes: title, reference and legal basis.
const OF_THE_CHANNEL: usize = 3;

impl Case<'_> {
    /// Compares the three records, entry by entry.
    pub(in crate::demo) async fn compare_records(&self) -> Result<Finding, Failure> {
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
}
