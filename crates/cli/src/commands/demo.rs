//! `enlace demo`

use std::path::PathBuf;

use crate::demo::{self, Options};
use crate::failure::Failure;
use crate::ui::Ui;

/// What `demo` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Leave the training network in this directory, which must not exist yet or be empty.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How many notes to send to find out how long one takes.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(100..))]
    notes: u16,
}

pub(crate) fn run(arguments: Arguments, ui: &Ui) -> Result<(), Failure> {
    let Arguments { dir, notes } = arguments;
    demo::run(&Options { dir, notes: notes.into() }, ui)
}
