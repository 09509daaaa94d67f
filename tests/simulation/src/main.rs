//! `cargo xtask simulate`: runs seeds, shows what broke, and how to see it again.

use std::process::ExitCode;

fn main() -> ExitCode {
    enlace_simulation::command::run(std::env::args().skip(1))
}
