//! What the program prints: data on standard output, all else on standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::language::Language;
use crate::words::Text;

/// How to print.
#[derive(Debug)]
pub(crate) struct Ui {
    json: bool,
    colour: bool,
    language: Language,
}

impl Ui {
    pub(crate) fn new(json: bool, language: Language) -> Self {
        let wanted = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
        let colour = io::stderr().is_terminal() && wanted("NO_COLOR");
        Self { json, colour, language }
    }

    /// Whether a program reads what is printed.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// Says something in the officer's language.
    pub(crate) fn say(&self, text: Text<'_>) -> String {
        self.language.say(text)
    }

    /// One of many results, as soon as it is there; `false` when nobody reads on.
    pub(crate) fn item(&self, item: &(impl Serialize + Display)) -> Result<bool, Failure> {
        let text = if self.json { serde_json::to_string(item)? } else { item.to_string() };
        Ok(writeln!(io::stdout().lock(), "{text}").is_ok())
    }

    /// A command's result: one line of JSON for programs, or text for people.
    pub(crate) fn report(&self, report: &(impl Serialize + Display)) -> Result<(), Failure> {
        let text = if self.json { serde_json::to_string(report)? } else { report.to_string() };
        // Whoever closed standard output doesn't want the rest.
        let _ = writeln!(io::stdout().lock(), "{}", text.trim_end_matches('\n'));
        Ok(())
    }

    /// What a person should know or do next; nothing for programs.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.json {
            eprint_line(text);
        }
    }

    /// Something that is not wrong yet.
    pub(crate) fn warning(&self, text: impl Display) {
        eprint_line(format_args!("{} {text}", self.painted(Text::Warning, "33")));
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        let messages = failure.messages();
        let (error, causes) = messages.split_first().map_or(("", &[][..]), |(e, c)| (e, c));
        if self.json {
            let hint = failure.hint_text();
            return eprint_line(json!({ "error": error, "causes": causes, "hint": hint }));
        }
        eprint_line(format_args!("{} {error}", self.painted(Text::Error, "31")));
        for cause in causes {
            eprint_line(format_args!("{} {cause}", self.say(Text::CausedBy)));
        }
        if let Some(hint) = failure.hint_text() {
            eprint_line(format_args!("{} {hint}", self.painted(Text::Hint, "36")));
        }
    }

    /// The word says it all; the colour only helps to find it.
    fn painted(&self, word: Text<'_>, colour: &str) -> String {
        let word = self.say(word);
        if self.colour { format!("\x1b[1;{colour}m{word}\x1b[0m") } else { word }
    }
}

fn eprint_line(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
