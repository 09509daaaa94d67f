//! Many officers at once: a list of them, and what became of it.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use enlace_client::Client;
use enlace_client::notice::Notice;
use enlace_identity::names::OfficerAddress;
use enlace_log::ChannelId;
use serde::Serialize;
use tokio::time::Instant;

use crate::failure::{Explain as _, Failure};
use crate::officer::{Explained as _, WaitArguments, block_on, newest_notice, while_syncing};
use crate::ui::Ui;
use crate::words::Text;

/// How often the store is looked at while waiting: another process may be the one that sends.
const LOOK: Duration = Duration::from_millis(200);

/// So many notices are read at once.
const NOTICES: usize = 200;

/// What became of a list.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    channel: String,
    /// `accepted` when nothing waits any more, else `queued`.
    state: &'static str,
    /// Who was let in, or taken out.
    done: Vec<String>,
    /// Who was in already, or out.
    already: Vec<String>,
    /// Officers of other authorities, who are their own leads' affair.
    other_authorities: Vec<String>,
    /// Who could not be let in.
    refused: Vec<Refused>,
    /// Who is still to come, or to go.
    waiting: Vec<String>,
    #[serde(skip)]
    words: String,
}

/// Who could not be let in.
#[derive(Debug, Serialize)]
struct Refused {
    officer: String,
    /// Why, where it is not that the officer's program has never run.
    reason: Option<String>,
}

/// What is to become of whom.
pub(super) struct Batch {
    pub(super) channel: ChannelId,
    /// Whether they come.
    pub(super) admits: bool,
    /// Whom; nobody in particular where the relay says who.
    pub(super) asked: Vec<OfficerAddress>,
    pub(super) already: Vec<OfficerAddress>,
    pub(super) others: Vec<OfficerAddress>,
    /// Who is in the channel before.
    pub(super) inside: BTreeSet<OfficerAddress>,
    /// The newest notice before.
    pub(super) notice: u64,
}

/// Reads a file with an address on each line; empty lines and those that begin with `#` count for
/// nothing.
pub(super) fn read_list(file: &Path) -> Result<Vec<OfficerAddress>, Failure> {
    let text = fs::read_to_string(file).context(|| format!("{} cannot be read", file.display()))?;
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(index, line)| {
            line.parse().context(|| format!("{}, line {}: {line}", file.display(), index + 1))
        })
        .collect()
}

/// Who is in a channel.
pub(super) fn inside(
    client: &Client,
    channel: ChannelId,
    ui: &Ui,
) -> Result<BTreeSet<OfficerAddress>, Failure> {
    let details = client.show(channel).explained(ui)?;
    let roles = details.iter().flat_map(|details| details.policy.roles().keys());
    Ok(roles.cloned().collect())
}

impl Batch {
    /// Before anything is asked for.
    pub(super) fn begin(
        client: &Client,
        channel: ChannelId,
        admits: bool,
        ui: &Ui,
    ) -> Result<Self, Failure> {
        Ok(Self {
            channel,
            admits,
            asked: Vec::new(),
            already: Vec::new(),
            others: Vec::new(),
            inside: inside(client, channel, ui)?,
            notice: newest_notice(client, channel, ui)?,
        })
    }

    /// Waits as long as was asked for, and says how it stands then.
    pub(super) fn report(
        self,
        client: &Client,
        wait: &WaitArguments,
        ui: &Ui,
    ) -> Result<Report, Failure> {
        if wait.wait {
            block_on(while_syncing(client, ui, self.wait(client, wait.limit(), ui)))?;
        }
        let waits = !client.batches(self.channel).explained(ui)?.is_empty();
        let refused = self.refused(client, ui)?;
        let done = self.done(client, ui)?;
        let is_refused = |officer: &String| refused.iter().any(|one| one.officer == *officer);
        let asked = self.asked.iter().map(ToString::to_string);
        let waiting: Vec<String> = asked
            .filter(|officer| waits && !done.contains(officer) && !is_refused(officer))
            .collect();
        let texts = |list: &[OfficerAddress]| list.iter().map(ToString::to_string).collect();
        let mut report = Report {
            channel: self.channel.to_string(),
            state: if waits { "queued" } else { "accepted" },
            already: texts(&self.already),
            other_authorities: texts(&self.others),
            done,
            refused,
            waiting,
            words: String::new(),
        };
        report.words = report.in_words(self.admits, ui);
        if waits {
            ui.note(ui.say(Text::SyncSends));
        }
        Ok(report)
    }

    async fn wait(&self, client: &Client, limit: Duration, ui: &Ui) -> Result<(), Failure> {
        let mut events = client.events();
        let deadline = Instant::now() + limit;
        let mut told = 0;
        while !client.batches(self.channel).explained(ui)?.is_empty() && Instant::now() < deadline {
            let done = self.done(client, ui)?.len();
            if done > told {
                told = done;
                let all = self.asked.len().max(done);
                ui.note(ui.say(Text::BatchProgress { done, all }));
            }
            let until = deadline.min(Instant::now() + LOOK);
            // Whatever happened, the store tells.
            let _ = tokio::time::timeout_at(until, events.recv()).await;
        }
        Ok(())
    }

    /// Who has come, or gone.
    fn done(&self, client: &Client, ui: &Ui) -> Result<Vec<String>, Failure> {
        let now = inside(client, self.channel, ui)?;
        let moved: BTreeSet<String> = match self.admits {
            true => now.difference(&self.inside).map(ToString::to_string).collect(),
            false => self.inside.difference(&now).map(ToString::to_string).collect(),
        };
        Ok(moved.into_iter().collect())
    }

    fn refused(&self, client: &Client, ui: &Ui) -> Result<Vec<Refused>, Failure> {
        let (mut refused, mut newest) = (Vec::new(), self.notice);
        loop {
            let rows = client.notices(Some(self.channel), newest, NOTICES).explained(ui)?;
            let Some(last) = rows.last() else { return Ok(refused) };
            newest = last.id;
            for row in rows {
                if let Notice::NotAdmitted { officers, reason } = row.notice {
                    let each = officers.into_iter();
                    refused.extend(each.map(|officer| Refused { officer, reason: reason.clone() }));
                }
            }
        }
    }
}

impl Report {
    fn in_words(&self, admits: bool, ui: &Ui) -> String {
        let mut lines = vec![ui.say(Text::BatchDone { count: self.done.len(), admits })];
        if !self.already.is_empty() {
            lines.push(ui.say(Text::BatchAlready { count: self.already.len(), admits }));
        }
        for officer in &self.other_authorities {
            lines.push(ui.say(Text::BatchOthers { officer }));
        }
        for Refused { officer, reason } in &self.refused {
            let reason = reason.as_deref();
            lines.push(ui.say(Text::BatchRefused { officer, reason }));
        }
        if !self.waiting.is_empty() {
            lines.push(ui.say(Text::Waiting { count: self.waiting.len() }));
        }
        lines.join("\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_an_address_on_each_line() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("list");
        fs::write(&file, "# guides\nana@fge.example\n\n  eva@fge.example  \n").unwrap();
        let list: Vec<String> = read_list(&file).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(list, ["ana@fge.example", "eva@fge.example"]);
        fs::write(&file, "ana@fge.example\nnobody\n").unwrap();
        assert!(read_list(&file).unwrap_err().messages()[0].contains("line 2"));
    }
}
