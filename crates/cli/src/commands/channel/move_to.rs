//! `enlace channel move`

use std::fmt;

use enlace_client::Client;
use enlace_client::engine::MoveView;
use enlace_identity::names::Domain;
use enlace_log::ChannelId;
use serde::Serialize;

use crate::failure::Failure;
use crate::officer::{Explained as _, ProfileArguments, WaitArguments, block_on, find_channel};
use crate::ui::Ui;
use crate::words::Text;

/// What `move` takes; without `--to` and `--cancel` it shows who wants what.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// The authority whose relay is to order it from then on.
    #[arg(long, value_name = "DOMAIN", conflicts_with = "cancel")]
    to: Option<Domain>,
    /// Take your vote back.
    #[arg(long)]
    cancel: bool,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

/// Whose relay orders a channel, and who wants another one.
#[derive(Debug, Serialize)]
struct Standing {
    channel: String,
    /// The domain of the authority whose relay orders it.
    hub: String,
    /// The one that this officer has voted for.
    wanted: Option<String>,
    proposals: Vec<Proposal>,
    #[serde(skip)]
    words: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Proposal {
    to: String,
    /// The leads whose votes count now.
    voters: Vec<String>,
    /// The authorities whose leads have not voted.
    missing: Vec<String>,
    /// How many of those it still takes.
    needed: usize,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let id = find_channel(&client, &arguments.channel, ui)?.id;
    let mut words = Vec::new();
    if let Some(to) = &arguments.to {
        client.move_channel(id, to).explained(ui)?;
        words.push(ui.say(Text::MoveAsked { domain: to.as_str() }));
    }
    if arguments.cancel {
        client.cancel_move(id).explained(ui)?;
        words.push(ui.say(Text::MoveCancelled));
    }
    if arguments.wait.wait {
        let limit = arguments.wait.limit();
        block_on(async { client.sync_once(limit).await.explained(ui) })?;
    } else if !words.is_empty() {
        words.push(ui.say(Text::SyncSends));
    }
    ui.report(&standing(&client, id, words, ui)?)
}

fn standing(
    client: &Client,
    id: ChannelId,
    mut words: Vec<String>,
    ui: &Ui,
) -> Result<Standing, Failure> {
    let MoveView { hub, wanted, proposals } = client.move_view(id).explained(ui)?;
    words.push(ui.say(Text::MoveOrderedBy { domain: hub.as_str() }));
    let proposals: Vec<Proposal> = proposals
        .into_iter()
        .map(|(to, standing)| Proposal {
            to: to.to_string(),
            voters: standing.voters.iter().map(ToString::to_string).collect(),
            missing: standing.missing.iter().map(ToString::to_string).collect(),
            needed: standing.needed,
        })
        .collect();
    if proposals.is_empty() {
        words.push(ui.say(Text::NobodyMoves));
    }
    for proposal in &proposals {
        let (domain, voters) = (&proposal.to, &proposal.voters.join(", "));
        words.push(ui.say(Text::MoveVotes { domain, voters }));
        words.push(match proposal.needed {
            0 => ui.say(Text::MoveComes),
            count => ui.say(Text::MoveNeeds { count, missing: &proposal.missing.join(", ") }),
        });
    }
    let (hub, wanted) = (hub.to_string(), wanted.map(|wanted| wanted.to_string()));
    Ok(Standing { channel: id.to_string(), hub, wanted, proposals, words })
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
