//! Naming a channel: by id, by the beginning of its id, by its title or part of it.

use enlace_client::Client;
use enlace_client::engine::NEEDS_NEWER_VERSION;
use enlace_client::store::ChannelRow;
use enlace_log::ChannelId;

use super::explain::Explained as _;
use super::shown::shown;
use crate::failure::Failure;
use crate::ui::Ui;
use crate::words::Text;

/// As many digits of an id are enough to name a channel.
const MIN_DIGITS: usize = 4;

/// The beginning of an id, for people.
pub(crate) fn short_id(id: ChannelId) -> String {
    hex::encode(&id.as_bytes()[..4])
}

/// The one channel of this device that `name` means.
pub(crate) fn find_channel(client: &Client, name: &str, ui: &Ui) -> Result<ChannelRow, Failure> {
    let rows = client.channels().explained(ui)?;
    let meant = meant(&rows, name);
    match meant.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let failure = Failure::new(ui.say(Text::NoSuchChannel { name: &shown(name) }));
            Err(failure.hint(ui.say(Text::ListChannels)))
        }
        several => {
            let failure = Failure::new(ui.say(Text::SeveralChannels { name: &shown(name) }));
            let list =
                several.iter().map(|row| format!("{} {}", short_id(row.id), shown(&row.title)));
            Err(failure.hint(list.collect::<Vec<_>>().join("; ")))
        }
    }
}

/// Why a channel takes nothing in.
pub(crate) fn why_it_rests(reason: &str, ui: &Ui) -> String {
    match reason {
        NEEDS_NEWER_VERSION => ui.say(Text::ChannelNeedsNewerVersion),
        reason => ui.say(Text::ChannelStopped { reason: &shown(reason) }),
    }
}

/// An exact match goes before a partial one, an id before a title.
fn meant<'a>(rows: &'a [ChannelRow], name: &str) -> Vec<&'a ChannelRow> {
    let digits = name.to_ascii_lowercase();
    let is_digits = name.len() >= MIN_DIGITS && name.bytes().all(|b| b.is_ascii_hexdigit());
    let wanted = name.to_lowercase();
    let ways: [&dyn Fn(&ChannelRow) -> bool; 3] = [
        &|row| is_digits && row.id.to_string().starts_with(&digits),
        &|row| row.title.to_lowercase() == wanted,
        &|row| !wanted.is_empty() && row.title.to_lowercase().contains(&wanted),
    ];
    ways.iter()
        .map(|way| rows.iter().filter(|row| way(row)).collect::<Vec<_>>())
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use enlace_client::store::ChannelStanding;
    use enlace_identity::time::Timestamp;

    use super::*;

    fn row(first: u8, title: &str) -> ChannelRow {
        ChannelRow {
            id: ChannelId([first; 32]),
            hub: "fge.example".parse().unwrap(),
            title: title.to_owned(),
            standing: ChannelStanding::Member,
            stopped: None,
            head: None,
            joined_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }

    #[test]
    fn a_channel_is_named_by_id_title_or_part_of_it() {
        let rows = [row(0xab, "Operación Río"), row(0xac, "Operación Mar"), row(0xad, "Mar")];
        let titles = |name: &str| -> Vec<&str> {
            meant(&rows, name).into_iter().map(|row| row.title.as_str()).collect()
        };
        assert_eq!(titles("abab"), ["Operación Río"]);
        assert_eq!(titles(&"AC".repeat(32)), ["Operación Mar"]);
        assert_eq!(titles("mar"), ["Mar"], "the whole title goes first");
        assert_eq!(titles("RÍO"), ["Operación Río"]);
        assert_eq!(titles("operación"), ["Operación Río", "Operación Mar"]);
        assert!(titles("aba").is_empty() && titles("").is_empty() && titles("Sol").is_empty());
    }
}
