//! What the registrar's and the secretariat's commands keep: `authority.json`, `network.json`.

use enlace_cli::fuzzing;

use crate::Outcome;

/// Reads the input as each of them.
pub fn run(data: &[u8]) -> Outcome {
    let Ok(text) = str::from_utf8(data) else { return Outcome::Refused };
    let registry = fuzzing::registry(text, crate::scene::NOW);
    let draft = fuzzing::network_draft(text);
    Outcome::when(registry || draft)
}
