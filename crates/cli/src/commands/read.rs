//! `enlace read`

use std::time::Duration;

use enlace_client::Client;
use enlace_client::client::{EntryState, EntryView};
use enlace_client::store::ChannelStanding;
use enlace_log::{ChannelId, Seq};
use tokio::sync::broadcast::error::RecvError;

use crate::failure::Failure;
use crate::officer::{
    ConnectionWatch, EntryItem, Explained as _, NoticeItem, ProfileArguments, ThreadItem, block_on,
    find_channel, notice_words, while_syncing, why_it_rests,
};
use crate::signal::asked_to_stop;
use crate::ui::Ui;
use crate::words::Text;

/// So many entries or notices are read at once.
const PAGE: usize = 200;

/// How often the store is looked at although nothing was said: another process may be the one that
/// is connected.
const LOOK: Duration = Duration::from_millis(500);

/// What `read` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel: its title, part of it, or the beginning of its id.
    channel: String,
    /// From this place on.
    #[arg(long, value_name = "PLACE", default_value_t = 0)]
    from: u64,
    /// The last so many entries only.
    #[arg(long, value_name = "COUNT", conflicts_with = "from")]
    last: Option<usize>,
    /// Also what happened besides entries: who came, who left, what was refused.
    #[arg(long)]
    notices: bool,
    /// A forum's questions with their answers, what is pinned first.
    #[arg(long, conflicts_with_all = ["from", "last", "notices", "follow"])]
    questions: bool,
    /// Only the questions that nobody has answered.
    #[arg(long, requires = "questions")]
    unanswered: bool,
    /// Stay connected until Ctrl-C, and print what arrives.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    profile: ProfileArguments,
}

/// How far the reading has come.
struct Reader<'a> {
    client: &'a Client,
    ui: &'a Ui,
    channel: ChannelId,
    next: Seq,
    last_notice: u64,
    with_notices: bool,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> Result<(), Failure> {
    let client = arguments.profile.unlock(ui)?;
    let row = find_channel(&client, &arguments.channel, ui)?;
    if let Some(reason) = &row.stopped {
        ui.warning(why_it_rests(reason, ui));
    }
    if row.standing == ChannelStanding::Stranded {
        ui.warning(ui.say(Text::Standing(row.standing)));
    }
    if arguments.questions {
        return print_questions(&client, row.id, arguments.unanswered, ui);
    }
    let mut reader = Reader {
        client: &client,
        ui,
        channel: row.id,
        next: Seq(arguments.from),
        last_notice: 0,
        with_notices: arguments.notices,
    };
    if let Some(last) = arguments.last {
        reader.next = reader.place_of_last(last)?;
    }
    if !arguments.follow {
        reader.print_all()?;
        return Ok(());
    }
    block_on(async {
        tokio::select! {
            ended = while_syncing(&client, ui, reader.follow()) => ended,
            stopped = asked_to_stop() => stopped,
        }
    })
}

fn print_questions(
    client: &Client,
    channel: ChannelId,
    open_only: bool,
    ui: &Ui,
) -> Result<(), Failure> {
    let threads = client.threads(channel).explained(ui)?;
    for thread in threads.iter().filter(|thread| !open_only || thread.is_open()) {
        if !ui.item(&ThreadItem::new(channel, thread, ui))? {
            break;
        }
    }
    Ok(())
}

impl Reader<'_> {
    /// Where the last so many entries begin.
    fn place_of_last(&self, count: usize) -> Result<Seq, Failure> {
        let mut places = Vec::new();
        let mut next = Seq(0);
        loop {
            let page = self.page(next)?;
            let logged: Vec<Seq> = page.iter().filter_map(place).collect();
            let Some(last) = logged.last() else { break };
            next = last.next();
            places.extend(logged);
        }
        let first = places.len().saturating_sub(count);
        Ok(places.get(first).copied().unwrap_or(next))
    }

    fn page(&self, from: Seq) -> Result<Vec<EntryView>, Failure> {
        self.client.read(self.channel, from, PAGE).explained(self.ui)
    }

    /// Prints all that is there, at the end what has no place yet; `false` when nobody reads on.
    fn print_all(&mut self) -> Result<bool, Failure> {
        if !self.print_logged()? {
            return Ok(false);
        }
        for view in self.page(self.next)? {
            if place(&view).is_none() && !self.print(&view)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Prints what is new and has a place, in order.
    fn print_logged(&mut self) -> Result<bool, Failure> {
        loop {
            let page = self.page(self.next)?;
            let logged: Vec<_> = page.iter().filter_map(|v| Some((place(v)?, v))).collect();
            if logged.is_empty() {
                return self.print_notices();
            }
            for (seq, view) in logged {
                if !self.print(view)? {
                    return Ok(false);
                }
                self.next = seq.next();
            }
        }
    }

    fn print(&self, view: &EntryView) -> Result<bool, Failure> {
        self.ui.item(&EntryItem::new(self.channel, view, self.ui))
    }

    /// Alarms are never left out.
    fn print_notices(&mut self) -> Result<bool, Failure> {
        loop {
            let rows = self.client.notices(Some(self.channel), self.last_notice, PAGE);
            let rows = rows.explained(self.ui)?;
            if rows.is_empty() {
                return Ok(true);
            }
            for row in rows {
                self.last_notice = row.id;
                if row.notice.is_alarm() {
                    notice_words(&row.notice, self.ui).iter().for_each(|w| self.ui.warning(w));
                }
                if self.with_notices && !self.ui.item(&NoticeItem::new(&row, self.ui))? {
                    return Ok(false);
                }
            }
        }
    }

    async fn follow(&mut self) -> Result<(), Failure> {
        let mut events = self.client.events();
        let mut connection = ConnectionWatch::default();
        while self.print_logged()? {
            // Whatever is said, the store tells more.
            let event = tokio::time::timeout(LOOK, events.recv()).await;
            if matches!(event, Ok(Err(RecvError::Closed))) {
                break;
            }
            connection.look(self.client, self.ui);
        }
        Ok(())
    }
}

fn place(view: &EntryView) -> Option<Seq> {
    match view.state {
        EntryState::Logged { seq, .. } => Some(seq),
        _ => None,
    }
}
