//! `enlace post`

mod lines;

use std::fmt;
use std::io::{self, IsTerminal as _, Read as _};
use std::str::FromStr;

use enlace_channel::entry::HandlingCode;
use enlace_client::engine::NewNote;
use enlace_log::ClientId;

use crate::failure::{Explain as _, Failure};
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;
use crate::when;
use crate::words::Text;

/// No note is longer.
const MAX_BYTES: u64 = 1 << 20;

/// What `post` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// The note; with `-` or without it, standard input.
    text: Option<String>,
    /// Post each line of standard input as a note of its own.
    #[arg(long, conflicts_with_all = ["text", "id"])]
    lines: bool,
    /// Each line begins with its id and a tab.
    #[arg(long, requires = "lines")]
    with_ids: bool,
    /// 32 hexadecimal digits, or a UUID. The same id again is the same note: it is sent once.
    #[arg(long, value_name = "UUID")]
    id: Option<NoteId>,
    /// What may be done with it: H0, H1, H2 or H3; if not given, the channel's own code.
    #[arg(long, value_name = "CODE")]
    handling: Option<HandlingCode>,
    /// The restriction in words that H3 stands for.
    #[arg(long, value_name = "TEXT")]
    restriction: Option<String>,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

/// A note's idempotency key, as programs write it.
#[derive(Clone, Copy, Debug)]
struct NoteId(ClientId);

/// The text is no UUID.
#[derive(Debug, thiserror::Error)]
#[error("an id is a UUID, or 32 hexadecimal digits")]
struct NoteIdError;

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let channel = find_channel(&client, &arguments.channel, ui)?.id;
    if arguments.lines {
        return lines::run(arguments, &client, channel, ui);
    }
    let text = match arguments.text.as_deref() {
        None | Some("-") => read_input(ui)?,
        Some(text) => text.to_owned(),
    };
    let client_id = client
        .post(channel, arguments.note(text, arguments.id.map(|NoteId(id)| id)))
        .explained(ui)?;
    ui.report(&outcome(&client, (channel, client_id), &arguments.wait, ui)?)
}

impl Arguments {
    fn note(&self, text: String, client_id: Option<ClientId>) -> NewNote {
        NewNote {
            text,
            handling: self.handling,
            restriction: self.restriction.clone(),
            time_zone: when::time_zone(),
            client_id,
        }
    }
}

pub(super) fn read_input(ui: &Ui) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        ui.note(ui.say(Text::WriteNote));
    }
    let mut text = String::new();
    let read = io::stdin().lock().take(MAX_BYTES + 1).read_to_string(&mut text);
    read.context(|| "standard input cannot be read as text".to_owned())?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

impl FromStr for NoteId {
    type Err = NoteIdError;

    fn from_str(text: &str) -> Result<Self, NoteIdError> {
        let digits: String = match text.len() {
            36 => text.split('-').collect(),
            _ => text.to_owned(),
        };
        digits.parse().map(Self).map_err(|_| NoteIdError)
    }
}

impl fmt::Display for NoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_with_or_without_hyphens() {
        let shown = |text: &str| text.parse::<NoteId>().map(|id| id.to_string()).ok();
        let digits = "6f9619ff8b86d011b42d00c04fc964ff";
        assert_eq!(shown(digits).as_deref(), Some(digits));
        assert_eq!(shown("6F9619FF-8B86-D011-B42D-00C04FC964FF").as_deref(), Some(digits));
        for bad in
            ["", "6f96", "6f9619ff-8b86-d011-b42d-00c04fc964f", "zz9619ff8b86d011b42d00c04fc964ff"]
        {
            assert_eq!(shown(bad), None, "{bad}");
        }
    }
}
