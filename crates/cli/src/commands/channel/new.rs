//! `enlace channel new`

use std::fmt;
use std::time::Duration;

use enlace_channel::entry::HandlingCode;
use enlace_channel::mls::Suite;
use enlace_client::Client;
use enlace_client::engine::NewChannel;
use enlace_client::notice::Notice;
use enlace_client::store::ChannelStanding;
use enlace_client::task::Task;
use enlace_log::ChannelId;
use serde::Serialize;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::officer::{
    Explained as _, ProfileArguments, SuiteName, WaitArguments, block_on, short_id, shown,
    while_syncing,
};
use crate::ui::Ui;
use crate::words::Text;

/// How often the store is looked at while waiting: another process may be the one that sends.
const LOOK: Duration = Duration::from_millis(200);

/// What `new` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel's title. Relays never see it.
    title: String,
    /// Your authority's reference of the case.
    #[arg(long, value_name = "TEXT")]
    case_reference: Option<String>,
    /// What the exchange rests on.
    #[arg(long, value_name = "TEXT", default_value = "")]
    legal_basis: String,
    /// What may be done with notes unless their author says otherwise: H0, H1, H2 or H3.
    #[arg(long, value_name = "CODE", default_value = "H1")]
    handling: HandlingCode,
    /// A forum, where guides publish and members ask.
    #[arg(long)]
    forum: bool,
    /// For how many members a forum is meant. More than 200 get the classic suite.
    #[arg(long, value_name = "COUNT", requires = "forum")]
    expected: Option<u32>,
    /// A forum's keys: hybrid, or classic, which is lighter for many members, and whose recordings a
    /// quantum computer may read one day.
    #[arg(long, requires = "forum")]
    suite: Option<SuiteName>,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    profile: ProfileArguments,
}

/// A forum of more members than that gets the classic suite.
const MANY: u32 = 200;

impl Arguments {
    fn suite(&self) -> Suite {
        match self.suite {
            Some(name) => name.suite(),
            None if self.expected.is_some_and(|expected| expected > MANY) => Suite::Classic,
            None => Suite::PostQuantum,
        }
    }
}

#[derive(Debug, Serialize)]
struct Opened {
    channel: String,
    title: String,
    /// `queued` or `accepted`.
    state: &'static str,
    #[serde(skip)]
    words: String,
}

pub(crate) fn run(arguments: Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let title = arguments.title.clone();
    let suite = arguments.suite();
    let new = NewChannel {
        title: arguments.title,
        case_reference: arguments.case_reference,
        legal_basis: arguments.legal_basis,
        default_handling: arguments.handling,
    };
    let created = match arguments.forum {
        true => client.create_forum(new, suite),
        false => client.create_channel(new),
    };
    let id = created.explained(ui)?;
    let accepted = arguments.wait.wait
        && block_on(while_syncing(&client, ui, accepted(&client, id, arguments.wait.limit(), ui)))?;
    let (state, words) =
        if accepted { ("accepted", Text::Accepted) } else { ("queued", Text::Queued) };
    let opened = ui.say(Text::ChannelOpened { title: &shown(&title), id: &short_id(id) });
    let words = format!("{opened}\n{}", ui.say(words));
    ui.report(&Opened { channel: id.to_string(), title, state, words })?;
    if suite == Suite::Classic {
        ui.warning(ui.say(Text::ReadableLater));
    }
    if !accepted {
        ui.note(ui.say(Text::SyncSends));
    }
    Ok(())
}

/// Waits until the relay has accepted a channel, or time is over.
async fn accepted(
    client: &Client,
    id: ChannelId,
    limit: Duration,
    ui: &Ui,
) -> Result<bool, Failure> {
    let mut events = client.events();
    let deadline = Instant::now() + limit;
    loop {
        let rows = client.channels().explained(ui)?;
        if rows.iter().any(|row| row.id == id && row.standing != ChannelStanding::Creating) {
            return Ok(true);
        }
        for row in client.notices(Some(id), 0, 100).explained(ui)? {
            if let Notice::NotDone { task: Task::Create { .. }, reason } = row.notice {
                return Err(Failure::new(ui.say(Text::NeverSent { reason: &reason })));
            }
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        // Whatever happened, the store tells.
        let _ = tokio::time::timeout_at(deadline.min(Instant::now() + LOOK), events.recv()).await;
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
