//! `enlace channel show --erased`

use std::fmt;

use enlace_client::Client;
use enlace_client::client::{ErasedHere, ErasedView, RelayErasure, RelayErasureState};
use enlace_identity::time::Timestamp;
use enlace_log::ChannelId;
use serde::Serialize;

use crate::failure::Failure;
use crate::officer::Explained as _;
use crate::ui::Ui;
use crate::when::{self, rfc3339};
use crate::words::Text;

#[derive(Debug, Serialize)]
struct Erased {
    entries: Vec<Line>,
    #[serde(skip)]
    none: String,
}

#[derive(Debug, Serialize)]
struct Line {
    seq: u64,
    author: String,
    /// The place of its withdrawal.
    withdrawn_at: Option<u64>,
    /// `withdrawn`, `expired`, `kept` or `never came`.
    here: &'static str,
    erased_here_at: Option<At>,
    /// The device by whose word relays were told to erase it, and where that stands.
    relays_told_by: Option<String>,
    relays_told_at: Option<u64>,
    /// What the relay of each authority that had a copy has signed.
    relays: Vec<AtRelay>,
    #[serde(skip)]
    words: String,
}

#[derive(Debug, Serialize)]
struct AtRelay {
    authority: String,
    /// `confirmed`, `told`, `not told`, or `left` where its authority was out by then.
    state: &'static str,
    confirmed_at: Option<At>,
    /// The place of the entry by which that is on the record.
    recorded_at: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct At(#[serde(with = "rfc3339")] Timestamp);

pub(super) fn run(client: &Client, channel: ChannelId, ui: &Ui) -> Result<(), Failure> {
    let erased = client.erased(channel).explained(ui)?;
    let has_told = erased.iter().any(|view| view.relays.is_some());
    let entries = erased.iter().map(|view| line(view, ui)).collect();
    ui.report(&Erased { entries, none: ui.say(Text::NothingErased) })?;
    if has_told {
        ui.note(ui.say(Text::WhatConfirmingMeans));
    }
    Ok(())
}

fn line(view: &ErasedView, ui: &Ui) -> Line {
    let (here, erased_here_at) = match view.here {
        ErasedHere::Erased(why, at) => (why.as_str(), Some(at)),
        ErasedHere::Kept => ("kept", None),
        ErasedHere::NeverCame => ("never came", None),
    };
    let withdrawn = view.withdrawn_by.map(|seq| ui.say(Text::WithdrawnAt { place: seq.0 }));
    let on_this_device = match view.here {
        ErasedHere::Erased(_, at) => ui.say(Text::ErasedHereAt { when: &when::show_local(at) }),
        ErasedHere::Kept => ui.say(Text::KeptHere),
        ErasedHere::NeverCame => ui.say(Text::CameWithoutContent),
    };
    let relays = match &view.relays {
        Some((by, place, _)) => ui.say(Text::RelaysTold { by: by.as_str(), place: place.0 }),
        None => ui.say(Text::RelaysNotTold),
    };
    let at_relays = view.relays.iter().flat_map(|_| view.at_relays.iter().map(|at| say(at, ui)));
    let words = withdrawn.into_iter().chain([on_this_device, relays]).chain(at_relays);
    let words: Vec<String> = words.collect();
    Line {
        seq: view.seq.0,
        author: view.author.officer().to_string(),
        withdrawn_at: view.withdrawn_by.map(|seq| seq.0),
        here,
        erased_here_at: erased_here_at.map(At),
        relays_told_by: view.relays.as_ref().map(|(by, ..)| by.to_string()),
        relays_told_at: view.relays.as_ref().map(|(_, place, _)| place.0),
        relays: view.at_relays.iter().map(at_relay).collect(),
        words: words.join("; "),
    }
}

fn say(relay: &RelayErasure, ui: &Ui) -> String {
    let authority = relay.authority.as_str();
    match relay.state {
        RelayErasureState::Confirmed { at, recorded } => ui.say(Text::RelayConfirmed {
            authority,
            when: &when::show_local(at),
            place: recorded.map(|seq| seq.0),
        }),
        RelayErasureState::Told | RelayErasureState::NotTold => {
            ui.say(Text::RelayHasNotConfirmed { authority })
        }
        RelayErasureState::Left => ui.say(Text::RelayLeftBefore { authority }),
    }
}

fn at_relay(relay: &RelayErasure) -> AtRelay {
    let (state, confirmed_at, recorded_at) = match relay.state {
        RelayErasureState::Confirmed { at, recorded } => ("confirmed", Some(at), recorded),
        RelayErasureState::Told => ("told", None, None),
        RelayErasureState::NotTold => ("not told", None, None),
        RelayErasureState::Left => ("left", None, None),
    };
    AtRelay {
        authority: relay.authority.to_string(),
        state,
        confirmed_at: confirmed_at.map(At),
        recorded_at: recorded_at.map(|seq| seq.0),
    }
}

impl fmt::Display for Erased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.entries.is_empty() {
            return writeln!(f, "{}", self.none);
        }
        let mut lines = self.entries.iter();
        lines.try_for_each(|l| writeln!(f, "{:>4}  {}  {}", l.seq, l.author, l.words))
    }
}
