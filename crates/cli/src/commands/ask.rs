//! `enlace ask`

use enlace_channel::entry::HandlingCode;
use enlace_client::engine::NewNote;

use super::post::read_input;
use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, find_channel, outcome};
use crate::ui::Ui;
use crate::when::time_zone;

/// What `ask` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The forum: its title, part of it, or the beginning of its id.
    forum: String,
    #[command(flatten)]
    text: TextArguments,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

/// What is said, and what may be done with it.
#[derive(Debug, clap::Args)]
pub(super) struct TextArguments {
    /// What you say; with `-` or without it, standard input.
    text: Option<String>,
    /// What may be done with it: H0, H1, H2 or H3; if not given, the channel's own code.
    #[arg(long, value_name = "CODE")]
    handling: Option<HandlingCode>,
    /// The restriction in words that H3 stands for.
    #[arg(long, value_name = "TEXT")]
    restriction: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let forum = find_channel(&client, &arguments.forum, ui)?.id;
    let asked = client.ask(forum, arguments.text.note(ui)?).explained(ui)?;
    ui.report(&outcome(&client, (forum, asked), &arguments.wait, ui)?)
}

impl TextArguments {
    pub(super) fn note(&self, ui: &Ui) -> Result<NewNote, Failure> {
        let text = match self.text.as_deref() {
            None | Some("-") => read_input(ui)?,
            Some(text) => text.to_owned(),
        };
        Ok(NewNote {
            text,
            handling: self.handling,
            restriction: self.restriction.clone(),
            time_zone: time_zone(),
            client_id: None,
        })
    }
}
